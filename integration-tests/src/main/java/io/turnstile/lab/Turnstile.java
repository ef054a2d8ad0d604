package io.turnstile.lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Turnstile as a person starts it: {@code ./turnstile run} with a run directory of its own and the embedded database.
 */
public final class Turnstile extends LabSwitch {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);

    private final Lab lab;
    /** Null if the database is a real ovsdb-server's. */
    private final @Nullable Path databaseFile;

    private final List<String> command;
    private final Map<String, String> environment;
    private @Nullable Daemon daemon;

    private Turnstile(
            Lab lab,
            SwitchTools tools,
            @Nullable Path databaseFile,
            List<String> databaseOptions,
            Map<String, String> environment,
            List<String> options) {
        super(tools);
        this.environment = environment;
        this.lab = lab;
        this.databaseFile = databaseFile;
        command = new ArrayList<>(List.of(
                repositoryRoot().resolve("turnstile").toString(),
                "run",
                "--rundir=" + tools.runDirectory(),
                "--unixctl=" + tools.controlSocket()));
        command.addAll(databaseOptions);
        command.addAll(options);
    }

    /**
     * Starts a switch with a database of its own.
     *
     * @param options more options for {@code ./turnstile run}, such as {@code --enable-dummy}
     */
    public static Turnstile start(Lab lab, String... options) {
        return start(lab, Map.of(), options);
    }

    /** Likewise, with variables in the launcher's environment, such as {@code TURNSTILE_JAVA_OPTIONS}. */
    public static Turnstile start(Lab lab, Map<String, String> environment, String... options) {
        SwitchTools tools = newTools(lab);
        return startOn(lab, tools, tools.runDirectory().resolve("conf.db"), environment, options);
    }

    /** Starts on a database file that is there already. */
    public static Turnstile startOn(Lab lab, Path databaseFile, String... options) {
        return startOn(lab, newTools(lab), databaseFile, Map.of(), options);
    }

    private static Turnstile startOn(
            Lab lab, SwitchTools tools, Path databaseFile, Map<String, String> environment, String... options) {
        Turnstile turnstile = new Turnstile(
                lab, tools, databaseFile, List.of("--db-file=" + databaseFile), environment, List.of(options));
        turnstile.start();
        return turnstile;
    }

    /** Starts in the place of ovs-vswitchd, on a real ovsdb-server that ends with the lab. */
    public static Turnstile attach(Lab lab, String... options) {
        SwitchTools tools = newTools(lab);
        OpenVswitch.startDatabase(lab, tools);
        Turnstile turnstile =
                new Turnstile(lab, tools, null, List.of("unix:" + tools.databaseSocket()), Map.of(), List.of(options));
        turnstile.start();
        return turnstile;
    }

    private static SwitchTools newTools(Lab lab) {
        return SwitchTools.make(lab, "turnstile", "turnstile.ctl");
    }

    /** The repository's root: the first folder above the working directory that has the launcher. */
    public static Path repositoryRoot() {
        for (Path path = Path.of("").toAbsolutePath(); path != null; path = path.getParent()) {
            if (Files.isExecutable(path.resolve("turnstile")) && Files.exists(path.resolve("pom.xml"))) {
                return path;
            }
        }
        throw new IllegalStateException("run this inside the repository: no ./turnstile above "
                + Path.of("").toAbsolutePath());
    }

    private void start() {
        daemon = lab.start(command, environment);
        Await.until(
                "turnstile answers",
                START_LIMIT,
                () -> appctl("version").attempt().succeeded() && Files.exists(tools.databaseSocket()),
                daemon::output);
    }

    /** Starts again, on the same database, after the daemon was killed. */
    public void restart() {
        start();
    }

    /** The embedded database's file. */
    public Path databaseFile() {
        return Objects.requireNonNull(databaseFile, "the database is an ovsdb-server's");
    }

    @Override
    public String name() {
        return "turnstile";
    }

    @Override
    public Daemon daemon() {
        return Objects.requireNonNull(daemon, "not started");
    }

    @Override
    public void close() {
        daemon().close();
    }
}
