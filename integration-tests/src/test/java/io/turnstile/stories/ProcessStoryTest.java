package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The process among others: whose it is, what it leaves in the file system, who starts it again, its devices' fate. */
@Tag("system")
class ProcessStoryTest {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Path REPOSITORY = Turnstile.repositoryRoot();
    private static final String LAUNCHER = REPOSITORY.resolve("turnstile").toString();
    private static final String DEVICE_RIGHTS = "0000000000003000";
    private static final String NO_RIGHTS = "0000000000000000";

    private final Lab lab = new Lab("pr");
    private final Path rundir = lab.folder().resolve("run");
    private final Path log = rundir.resolve("log");

    @AfterEach
    void close() throws IOException {
        if (Files.exists(pidFile())) {
            pid().ifPresent(ProcessHandle::destroyForcibly); // a story that failed half-way leaves nothing behind
        }
        lab.close();
    }

    private Path pidFile() {
        return rundir.resolve("ovs-vswitchd.pid");
    }

    private java.util.Optional<ProcessHandle> pid() throws IOException {
        String text = Files.exists(pidFile()) ? Files.readString(pidFile()).strip() : "";
        return text.isEmpty() ? java.util.Optional.empty() : ProcessHandle.of(Long.parseLong(text));
    }

    private List<String> run(String... options) {
        List<String> words = new ArrayList<>(
                List.of(LAUNCHER, "run", "--rundir=" + rundir, "--unixctl=ctl", "--log-file=" + log, "-vconsole:off"));
        words.addAll(List.of(options));
        return words;
    }

    private static List<String> joined(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }

    private Command.Result appctl(String... words) {
        return Command.of(joined(
                        List.of("ovs-appctl", "--timeout=10", "--target=" + rundir.resolve("ctl")), List.of(words)))
                .attempt();
    }

    private Command vsctl(String... words) {
        return Command.of(
                joined(List.of("ovs-vsctl", "--timeout=10", "--db=unix:" + rundir.resolve("db.sock")), List.of(words)));
    }

    private String column(String device, String column) {
        return vsctl("get", "interface", device, column).run().text();
    }

    private String log() {
        try {
            return Files.exists(log) ? Files.readString(log) : "";
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void awaitAnswer(Daemon daemon) {
        Await.until("it answers", START_LIMIT, () -> appctl("version").succeeded(), daemon::output);
    }

    // ---- files ----

    @Test
    void whateverTheMaskNobodyElseMayUseItsFilesAndSockets() throws IOException {
        Daemon daemon = lab.start(
                joined(List.of("sh", "-c", "umask 0; exec \"$@\"", "sh"), run("--enable-dummy=override")), Map.of());
        awaitAnswer(daemon);
        vsctl("add-br", "br0").run();
        Map<String, String> modes = new TreeMap<>();
        for (String name :
                List.of("", "ctl", "db.sock", "br0.mgmt", "br0.snoop", "conf.db", "log", "ovs-vswitchd.pid")) {
            modes.put(name, PosixFilePermissions.toString(Files.getPosixFilePermissions(rundir.resolve(name))));
        }
        assertThat(modes)
                .containsOnly(
                        Map.entry("", "rwxr-xr-x"),
                        Map.entry("ctl", "rwxr-x---"),
                        Map.entry("db.sock", "rwxr-x---"),
                        Map.entry("br0.mgmt", "rwxr-x---"),
                        Map.entry("br0.snoop", "rwxr-x---"),
                        Map.entry("conf.db", "rw-r-----"),
                        Map.entry("log", "rw-r-----"),
                        Map.entry("ovs-vswitchd.pid", "rw-r--r--"));
        assertThat(Command.of("setpriv", "--reuid=65534", "--clear-groups", "ovs-appctl", "-t", rundir + "/ctl", "exit")
                        .attempt()
                        .succeeded())
                .as("a command of somebody else")
                .isFalse();
    }

    @Test
    void aControllersPathDoesNotCostAFile() throws IOException {
        Daemon daemon = lab.start(run("--enable-dummy=override"), Map.of());
        awaitAnswer(daemon);
        Path precious = Files.writeString(lab.folder().resolve("precious"), "data");
        Path inside = Files.writeString(rundir.resolve("br0.precious"), "data");
        vsctl("add-br", "br0", "--", "set-controller", "br0", "punix:" + precious, "punix:" + inside)
                .run();
        vsctl("set-manager", "punix:" + precious).run();
        vsctl("--may-exist", "add-br", "../../escaped", "--", "set", "bridge", "br0", "other_config:a=b")
                .attempt();
        assertThat(precious).content().isEqualTo("data");
        assertThat(inside).content().isEqualTo("data");
        assertThat(lab.folder().getParent().resolve("escaped.mgmt")).doesNotExist();
        assertThat(log())
                .contains("Not adding Unix domain socket controller \"punix:" + precious + "\"")
                .contains("Not adding Unix domain socket manager \"punix:" + precious + "\"")
                .contains("ignoring bridge with invalid name \"../../escaped\"");
    }

    private Command.Result startInBackground(String... more) {
        List<String> command = new ArrayList<>(
                List.of(LAUNCHER, "run", "--detach", "--rundir=" + rundir, "--unixctl=ctl", "--enable-dummy=override"));
        command.addAll(List.of(more));
        Command.Result start = Command.of(command).within(START_LIMIT).run();
        appctl("exit");
        return start;
    }

    @Test
    void whatItSaysWhileItGoesToTheBackgroundIsWhole() {
        Command.Result start = startInBackground("-vconsole:info");
        assertThat(start.errors()).endsWith(" is ready, run directory " + rundir + "\n");
        assertThat(start.errors())
                .containsPattern("memory at most: heap [0-9]+ MB, direct [0-9]+ MB, 3000000 connections");
    }

    @Test
    void itGoesToTheBackgroundWithoutAWord() {
        Command.Result start = startInBackground();
        assertThat(start.output() + start.errors()).isEmpty();
    }

    // ---- the user ----

    /** The repository may be where only root can look; the device that TAP devices are made by may be root's alone. */
    private static final String PLACE = "mount --bind \"$0\" /mnt && mount -t tmpfs none /dev/net && "
            + "mknod -m 666 /dev/net/tun c 10 200 && exec /mnt/turnstile \"$@\"";

    @Test
    void asAnotherUserItHasThoseRightsOfRootThatPortsNeedAndInOneThreadAlone() throws IOException {
        Files.setPosixFilePermissions(lab.folder(), PosixFilePermissions.fromString("rwxr-xr-x"));
        Host a = lab.host("a", "10.6.0.1/24");
        Host b = lab.host("b", "10.6.0.2/24");
        List<String> options = run("--user=nobody", "--detach");
        Command.of(joined(
                        List.of("unshare", "--mount", "sh", "-c", PLACE, REPOSITORY.toString()),
                        options.subList(1, options.size())))
                .within(START_LIMIT)
                .run();
        String bridge = lab.deviceName("br");
        vsctl("add-br", bridge, "--", "add-port", bridge, a.device(), "--", "add-port", bridge, b.device())
                .run();
        assertThat(List.of(column(bridge, "error"), column(a.device(), "error")))
                .containsOnly("[]");
        assertThat(a.command("ping", "-c", "2", "-i", "0.2", "-W", "2", b.address())
                        .attempt()
                        .output())
                .contains("2 received");
        itSaysThatItMayNotCarryAndForwards(a, b);
        Command.of("ovs-ofctl", "mod-port", rundir.resolve(bridge + ".mgmt").toString(), b.device(), "down")
                .run();
        Await.until(
                "the port is down by OpenFlow",
                PATIENCE,
                () -> column(b.device(), "admin_state").equals("down"),
                this::log);

        Map<String, Set<String>> rights = new TreeMap<>();
        try (Stream<Path> threads =
                Files.list(Path.of("/proc/" + pid().orElseThrow().pid() + "/task"))) {
            for (Path thread : threads.toList()) {
                Map<String, String> status = Files.readAllLines(thread.resolve("status")).stream()
                        .map(line -> line.split(":\\s*", 2))
                        .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
                assertThat(status.get("Uid")).isEqualTo("65534\t65534\t65534\t65534");
                assertThat(status.get("CapBnd")).isEqualTo(DEVICE_RIGHTS);
                assertThat(status.get("NoNewPrivs")).isEqualTo("1");
                rights.computeIfAbsent(
                                status.get("Name").replaceFirst("-[-0-9]*$", ""), name -> new java.util.TreeSet<>())
                        .addAll(List.of(status.get("CapEff"), status.get("CapPrm")));
            }
        }
        assertThat(rights).containsEntry("devices", Set.of(DEVICE_RIGHTS));
        for (String thread :
                List.of("forwarder", "bridge", "openflow", "control", "ovsdb", "link-watcher", "housekeeping")) {
            assertThat(rights).containsEntry(thread, Set.of(NO_RIGHTS));
        }
        for (String file : List.of("", "ctl", "db.sock", "conf.db", "log", bridge + ".mgmt")) {
            assertThat(Files.getOwner(rundir.resolve(file)).getName()).isEqualTo("nobody");
        }
        appctl("exit");
        Await.until("it has ended", PATIENCE, () -> !Files.exists(pidFile()), this::log);
    }

    /** The provider that carries in the kernel has not the rights; the rest goes on. */
    private void itSaysThatItMayNotCarryAndForwards(Host a, Host b) {
        String why = "init failed: BPF is not permitted: it needs root, or the capabilities CAP_BPF and CAP_NET_ADMIN";
        vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true").run();
        Await.until(
                "the provider says why it does not carry",
                PATIENCE,
                () -> appctl("conntrack/offload-show").output().contains(why),
                () -> appctl("conntrack/offload-show").output() + log());
        assertThat(log()).contains("BPF is not permitted");
        assertThat(a.command("ping", "-c", "2", "-i", "0.2", "-W", "2", b.address())
                        .attempt()
                        .output())
                .contains("2 received");
    }

    @Test
    void whoIsNotThereIsSaidInOneLine() {
        assertThat(Command.of(run("--user=no-such-user")).attempt().errors())
                .isEqualTo("turnstile: user no-such-user not found, aborting.\n");
        assertThat(Command.of(run("--user=nobody:no-such-group")).attempt().errors())
                .isEqualTo("turnstile: group no-such-group not found, aborting.\n");
        assertThat(Command.of(run("--user=nobody:daemon")).attempt().errors())
                .isEqualTo("turnstile: Invalid --user option nobody:daemon (user nobody is not in group daemon), "
                        + "aborting.\n");
    }

    // ---- the monitor ----

    @Test
    void theMonitorStartsItAgainAfterAnErrorAndEndsWithItOtherwise() throws IOException {
        Command.of(run("--detach", "--monitor", "--enable-dummy=override"))
                .within(START_LIMIT)
                .run();
        ProcessHandle first = pid().orElseThrow();
        ProcessHandle monitor = first.parent().orElseThrow();
        assertThat(Command.of("ps", "-o", "args=", "-p", Long.toString(monitor.pid()))
                        .run()
                        .text())
                .contains("turnstile monitor --rundir=" + rundir);
        Command.of("kill", "-ALRM", Long.toString(first.pid())).run();
        Await.until("it is there again", START_LIMIT, () -> appctl("version").succeeded(), this::log);
        ProcessHandle second = pid().orElseThrow();
        assertThat(second.pid()).isNotEqualTo(first.pid());
        assertThat(second.parent()).contains(monitor);
        assertThat(log())
                .containsPattern("\\|daemon_unix\\(monitor\\)\\|ERR\\|1 crashes: pid " + first.pid()
                        + " died, killed \\(Alarm clock\\), restarting\n");
        monitor.destroy();
        Await.until("both have ended", PATIENCE, () -> !monitor.isAlive() && !second.isAlive(), this::log);
        assertThat(pidFile()).doesNotExist();
        assertThat(log()).contains("pid " + second.pid() + " died, exit status 143, exiting\n");
    }

    @Test
    void theMonitorLeavesTenSecondsBetweenStartsAndCanBeEndedMeanwhile() throws IOException {
        Daemon monitor = lab.start(run("--monitor", "--enable-dummy=override"), Map.of());
        for (int crash = 1; crash <= 2; crash++) {
            int starts = crash; // who dies before he is ready is not started again
            Await.until(
                    "start " + starts,
                    START_LIMIT,
                    () -> log().split(" is ready, run directory ", -1).length > starts,
                    monitor::output);
            String pid = Long.toString(pid().orElseThrow().pid());
            Command.of("kill", "-ABRT", pid).run();
            String line = crash + " crashes: pid " + pid + " died, killed (Aborted), "
                    + (crash == 1 ? "restarting" : "waiting until 10 seconds since last restart");
            Await.until("crash " + crash, START_LIMIT, () -> log().contains(line), monitor::output);
        }
        monitor.close();
        assertThat(monitor.isAlive()).isFalse();
        assertThat(log()).doesNotContainPattern("2 crashes: pid .* restarting");
    }

    // ---- devices ----

    private boolean joinsSegments(String device) {
        return Command.of("ethtool", "-k", device).run().output().contains("generic-receive-offload: on");
    }

    @Test
    void whatAKilledProcessChangedAboutADeviceIsPutRightByTheNext() {
        Host a = lab.host("a", "10.6.1.1/24");
        assertThat(joinsSegments(a.device())).isFalse();
        Daemon killed = lab.start(run(), Map.of());
        awaitAnswer(killed);
        String bridge = lab.deviceName("br");
        vsctl("add-br", bridge, "--", "add-port", bridge, a.device()).run();
        assertThat(joinsSegments(a.device())).isTrue();
        killed.kill();
        assertThat(joinsSegments(a.device())).isTrue();
        Daemon next = lab.start(run(), Map.of());
        awaitAnswer(next);
        vsctl("del-port", bridge, a.device()).run();
        assertThat(joinsSegments(a.device())).as("after the port has gone").isFalse();
        assertThat(log()).contains(a.device() + ": receive offload is off again, which an earlier process has left on");
        assertThat(rundir.toFile().list()).noneMatch(name -> name.startsWith(".turnstile-gro"));
    }

    @Test
    void aDeviceThatIsRenamedUnderAPortIsGoneUntilItHasItsNameAgain() {
        Host a = lab.host("a", "10.6.2.1/24");
        String other = lab.deviceName("z");
        Daemon daemon = lab.start(run(), Map.of());
        awaitAnswer(daemon);
        String bridge = lab.deviceName("br");
        vsctl("add-br", bridge, "--", "add-port", bridge, a.device()).run();
        assertThat(column(a.device(), "ofport")).isEqualTo("1");
        Command.of("ip", "link", "set", a.device(), "name", other).run();
        Await.until(
                "the port is gone", PATIENCE, () -> column(a.device(), "ofport").equals("-1"), this::log);
        assertThat(column(a.device(), "error"))
                .contains("could not open network device " + a.device() + " (No such device)");
        assertThat(joinsSegments(other)).as("restored under its new name").isFalse();
        Command.of("ip", "link", "set", other, "name", a.device()).run();
        Await.until(
                "the port is back", PATIENCE, () -> column(a.device(), "ofport").equals("1"), this::log);
        assertThat(column(a.device(), "error")).isEqualTo("[]");
    }

    @Test
    void withoutLoopbackItStillFollowsADatabaseByItsSocket() throws IOException {
        String namespace = lab.deviceName("ns");
        Command.of("ip", "netns", "add", namespace).run();
        lab.add((AutoCloseable)
                () -> Command.of("ip", "netns", "delete", namespace).run());
        Files.createDirectories(rundir);
        Path file = rundir.resolve("conf.db");
        Command.of("ovsdb-tool", "create", file.toString(), "/usr/share/openvswitch/vswitch.ovsschema")
                .run();
        Daemon server = lab.start(
                List.of(
                        "ovsdb-server",
                        file.toString(),
                        "--remote=punix:" + rundir.resolve("db.sock"),
                        "--unixctl=" + rundir.resolve("ovsdb.ctl")),
                Map.of("OVS_RUNDIR", rundir.toString()));
        Await.until("ovsdb-server listens", PATIENCE, () -> Files.exists(rundir.resolve("db.sock")), server::output);
        vsctl("--no-wait", "init").run();
        Daemon daemon = lab.start(
                joined(
                        List.of("ip", "netns", "exec", namespace),
                        run("--enable-dummy=override", "unix:" + rundir.resolve("db.sock"))),
                Map.of());
        awaitAnswer(daemon);
        vsctl("add-br", "br0", "--", "add-port", "br0", "p1").run(); // returns once the switch has followed
        assertThat(column("p1", "ofport")).isEqualTo("1");
    }
}
