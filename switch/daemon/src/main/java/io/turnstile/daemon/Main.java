package io.turnstile.daemon;

import io.turnstile.bridge.DummyLevel;
import io.turnstile.port.linux.DeviceThread;
import io.turnstile.port.linux.ProcessRights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The program {@code ./turnstile run}: the daemon, with the options of ovs-vswitchd(8) and a few of its own. */
@CommandLine.Command(
        name = "turnstile run",
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Runs the switch. Options of ovs-vswitchd mean what they mean there.")
public final class Main implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(Main.class);
    private static final String PROGRAM = "turnstile";
    /** Longer than providers and everything else are waited for at most, one after the other. */
    private static final int CLOSE_SECONDS = 100;

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "DATABASE",
            description =
                    "a real ovsdb-server: unix:PATH or tcp:IP:PORT (default: the one that listens at RUNDIR/db.sock, "
                            + "else the embedded one)")
    @Nullable
    String database;

    @Option(names = "--db", paramLabel = "DATABASE", description = "the same")
    @Nullable
    String databaseOption;

    @Option(names = "--rundir", description = "folder of sockets (default: $OVS_RUNDIR or /var/run/turnstile)")
    @Nullable
    Path runDirectory;

    @Option(names = "--db-file", description = "the embedded database (default: RUNDIR/conf.db)")
    @Nullable
    Path databaseFile;

    @Option(
            names = "--remote",
            description = "where the embedded database listens: punix:PATH, ptcp:[PORT][:IP]; repeatable "
                    + "(default: punix:RUNDIR/db.sock)")
    List<String> remotes = List.of();

    @Option(names = "--pidfile", description = "default: RUNDIR/ovs-vswitchd.pid")
    @Nullable
    String pidFile;

    @Option(names = "--overwrite-pidfile", description = "start even if the pid file is in use")
    boolean overwritePidFile;

    @Option(names = "--detach", description = "go to the background once ready")
    boolean detach;

    @Option(names = "--no-chdir", description = "accepted; the daemon never changes its folder")
    boolean noChdir;

    @Option(names = "--monitor", description = "restart it when it dies of a program error")
    boolean monitor;

    @Option(
            names = "--user",
            paramLabel = "USER[:GROUP]",
            description = "run as that user, with what ports need of root's rights and no more")
    @Nullable
    String user;

    @Option(names = "--group", description = "the group, if --user names none")
    @Nullable
    String group;

    @Option(names = "--log-file", description = "default: $OVS_LOGDIR or /var/log/turnstile, ovs-vswitchd.log")
    @Nullable
    String logFile;

    @Option(names = "--unixctl", description = "control socket (default: RUNDIR/ovs-vswitchd.PID.ctl)")
    @Nullable
    Path controlSocket;

    @Option(
            names = "--enable-dummy",
            paramLabel = "override|system",
            description = "interfaces of type dummy; time/stop and time/warp")
    @Nullable
    String dummies;

    @Option(names = "--disable-system", description = "accepted: there is no kernel datapath here")
    boolean disableSystem;

    @Option(names = "--disable-system-route", description = "accepted: tunnels, which it is for, are not there yet")
    boolean disableSystemRoute;

    @Option(names = "--dummy-numa", description = "accepted: forwarding threads are not bound to cores")
    @Nullable
    String dummyNuma;

    @Option(
            names = {"-v", "--verbose"},
            paramLabel = "SPEC",
            description = "log levels, as vlog/set takes them")
    List<String> verbose = List.of();

    @Option(names = "--mlockall", description = "accepted with a warning: the JVM's memory cannot be locked")
    boolean lockMemory;

    @Option(names = "--forwarding-threads", description = "default: half the cores")
    int forwardingThreads = DaemonConfig.defaultForwardingThreads();

    @Option(names = "--max-connections", description = "of the connection table (default: ${DEFAULT-VALUE})")
    int maxConnections = DaemonConfig.DEFAULT_MAX_CONNECTIONS;

    @Option(names = "--plugins", description = "folder of jars with offload providers")
    @Nullable
    Path plugins;

    @Option(names = "--ready-file", hidden = true, description = "made once ready: the launcher waits for it")
    @Nullable
    Path readyFile;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this")
    boolean help;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "show the version")
    boolean version;

    private final CountDownLatch ending = new CountDownLatch(1);

    public static void main(String[] arguments) {
        ProcessRights.restrictNewFiles();
        int status = commandLine(new Main()).execute(gnuStyle(arguments));
        System.exit(status);
    }

    /** Completes options whose value may be left out: as with getopt_long(3) they take one only behind {@code =}. */
    static String[] gnuStyle(String... arguments) {
        return Arrays.stream(arguments)
                .map(argument -> switch (argument) {
                    case "--pidfile", "--log-file" -> argument + "=";
                    case "--enable-dummy" -> "--enable-dummy=allow";
                    case "-v", "--verbose" -> "--verbose=dbg";
                    default -> argument;
                })
                .toArray(String[]::new);
    }

    /** The parser of the options, which says errors in one line. */
    static CommandLine commandLine(Main main) {
        CommandLine line = new CommandLine(main);
        line.getCommandSpec().version(Version.line());
        line.setParameterExceptionHandler((error, words) -> {
            System.err.println(PROGRAM + ": " + error.getMessage() + " (use --help for help)");
            return CommandLine.ExitCode.SOFTWARE;
        });
        line.setExecutionExceptionHandler((error, parser, result) -> {
            System.err.println(PROGRAM + ": " + cause(error));
            return CommandLine.ExitCode.SOFTWARE;
        });
        return line;
    }

    private static String cause(Throwable error) {
        Throwable deepest = error;
        while (deepest.getCause() != null && deepest instanceof UncheckedIOException) {
            deepest = deepest.getCause();
        }
        String message = deepest.getMessage();
        if (message == null) {
            return deepest.toString();
        }
        return deepest instanceof FileSystemException file && file.getReason() == null ? reason(file) : message;
    }

    /** The reason of an error of which the JDK says nothing but the file's name. */
    private static String reason(FileSystemException error) {
        String why = switch (error) {
            case AccessDeniedException e -> "Permission denied";
            case NoSuchFileException e -> "No such file or directory";
            case FileAlreadyExistsException e -> "not a directory";
            default -> error.getClass().getSimpleName();
        };
        return error.getFile() + ": " + why;
    }

    @Override
    public Integer call() throws IOException {
        DaemonConfig config = config();
        if (user != null || group != null || ProcessRights.areLent()) { // the launcher has made us that user
            DeviceThread.keepRights();
        }
        Folders.make(config.runDirectory(), Folders.OF_SOCKETS);
        LogSettings.start(logPath());
        if (detach) { // who starts it so reads what it says as complaints
            LogSettings.onlyComplaints();
        }
        for (String spec : verbose) {
            String error = LogSettings.set(spec);
            if (error != null) {
                LOG.warn("-v{}: {}", spec, error);
            }
        }
        warnOfAccepted();
        CountDownLatch closed = new CountDownLatch(1);
        Path pidPath = pidPath(config.runDirectory());
        try (PidFile _ = PidFile.hold(pidPath, overwritePidFile);
                SwitchDaemon daemon = new SwitchDaemon(config, ending::countDown)) {
            LastWords lastWords = LastWords.ofProcess(logPath(), pidPath, daemon::sockets);
            lastWords.leaveWill(config.runDirectory());
            lastWords.listen();
            // Before the start: a plug-in's constructor may be the one that ends it all.
            Runtime.getRuntime()
                    .addShutdownHook(Thread.ofPlatform().name("signal").unstarted(() -> onEnd(closed)));
            daemon.start();
            LOG.info("{}", MemoryBudget.of(config));
            daemon.configured().thenRun(() -> tellReady(config));
            ending.await();
            LOG.info("ending");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            closed.countDown();
        }
        return CommandLine.ExitCode.OK;
    }

    private void tellReady(DaemonConfig config) {
        if (readyFile != null) {
            try {
                Files.createFile(readyFile);
            } catch (IOException e) {
                LOG.warn("{}: {}", readyFile, cause(e));
            }
        }
        LOG.info("{} is ready, run directory {}", Version.line(), config.runDirectory());
    }

    /** A signal, or somebody who called System.exit: the switch is closed before the process ends. */
    private void onEnd(CountDownLatch closed) {
        if (closed.getCount() > 0) {
            String caller = ExitCaller.find();
            if (caller != null) {
                LOG.warn("System.exit was called by {}", caller);
            }
        }
        ending.countDown();
        awaitQuietly(closed);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            if (!latch.await(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn("ended without having closed everything");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void warnOfAccepted() {
        if (lockMemory) {
            LOG.warn("--mlockall: memory is not locked");
        }
    }

    // ---- options ----

    DaemonConfig config() {
        Path directory = directory();
        String target = database != null ? database : databaseOption;
        if (target != null && !target.matches("unix:.+|tcp:.+:[0-9]+")) {
            throw usage(target + ": not a database (unix:PATH or tcp:IP:PORT)");
        }
        boolean isForEmbedded = !remotes.isEmpty() || databaseFile != null;
        if (target != null && isForEmbedded) {
            throw usage("--remote and --db-file are for the embedded database, but " + target + " was given");
        }
        if (target == null && !isForEmbedded) {
            target = listeningServer(directory.resolve("db.sock"));
        }
        if (forwardingThreads < 1 || maxConnections < 1) {
            throw usage("--forwarding-threads and --max-connections are at least 1");
        }
        return new DaemonConfig(
                directory,
                target,
                databaseFile != null ? databaseFile : directory.resolve("conf.db"),
                target != null
                        ? List.of()
                        : remotes.isEmpty() ? List.of("punix:" + directory.resolve("db.sock")) : remotes,
                control(directory),
                choice(),
                forwardingThreads,
                maxConnections,
                plugins);
    }

    /** The server that listens at a socket, as a target; null if there is none. */
    private static @Nullable String listeningServer(Path socket) {
        try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return "unix:" + socket;
        } catch (IOException | IllegalArgumentException e) { // nobody there, or a path longer than sockets can have
            return null;
        }
    }

    private static CommandLine.ParameterException usage(String message) {
        return new CommandLine.ParameterException(new CommandLine(new Main()), message);
    }

    private Path directory() {
        if (runDirectory != null) {
            return runDirectory.toAbsolutePath().normalize();
        }
        return defaultRunDirectory();
    }

    /** The folder of sockets and pid files unless an option names another. */
    static Path defaultRunDirectory() {
        String fromEnvironment = System.getenv("OVS_RUNDIR");
        return Path.of(fromEnvironment != null && !fromEnvironment.isEmpty() ? fromEnvironment : "/var/run/turnstile")
                .toAbsolutePath()
                .normalize();
    }

    private Path control(Path directory) {
        return controlSocket == null ? DaemonConfig.defaultControlSocket(directory) : directory.resolve(controlSocket);
    }

    private DummyLevel choice() {
        if (dummies == null) {
            return DummyLevel.NONE;
        }
        return switch (dummies) {
            case "allow" -> DummyLevel.ALLOWED;
            case "override" -> DummyLevel.OVERRIDE_ALL;
            case "system" -> DummyLevel.OVERRIDE_SYSTEM;
            default -> throw usage("--enable-dummy takes override or system, not " + dummies);
        };
    }

    private Path pidPath(Path directory) {
        return pidFile == null || pidFile.isEmpty()
                ? directory.resolve("ovs-vswitchd.pid")
                : directory.resolve(pidFile);
    }

    private @Nullable Path logPath() throws IOException {
        if (logFile == null) {
            return null;
        }
        if (!logFile.isEmpty()) {
            return Path.of(logFile).toAbsolutePath();
        }
        String directory = System.getenv().getOrDefault("OVS_LOGDIR", "/var/log/turnstile");
        Folders.make(Path.of(directory), Folders.OF_LOGS);
        return Path.of(directory, "ovs-vswitchd.log");
    }
}
