package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Lab;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@code ./turnstile run} started and ended as scripts do with ovs-vswitchd, and what it says when it cannot start. */
@Tag("system")
class DaemonOptionsStoryTest {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final String LAUNCHER =
            Turnstile.repositoryRoot().resolve("turnstile").toString();

    private final Lab lab = new Lab("do");

    @AfterEach
    void close() {
        lab.close();
    }

    /** The files of one daemon, in a folder of its own. */
    private record Place(Path folder) {
        Path pidFile() {
            return folder.resolve("sw.pid");
        }

        Path control() {
            return folder.resolve("sw.ctl");
        }

        Path log() {
            return folder.resolve("sw.log");
        }

        Path database() {
            return folder.resolve("db.sock");
        }

        Command tool(String... words) {
            return Command.of(words).with(Map.of("OVS_RUNDIR", folder.toString()));
        }

        Command vsctl(String... words) {
            List<String> all = new ArrayList<>(List.of("ovs-vsctl", "--timeout=10", "--db=unix:" + database()));
            all.addAll(List.of(words));
            return tool(all.toArray(String[]::new));
        }

        Command appctl(String... words) {
            List<String> all = new ArrayList<>(List.of("ovs-appctl", "--timeout=10", "--target=" + control()));
            all.addAll(List.of(words));
            return tool(all.toArray(String[]::new));
        }

        /** As Debian's scripts start ovs-vswitchd, beside a database server. */
        Command start() {
            return tool(
                            LAUNCHER,
                            "run",
                            "--pidfile=" + pidFile(),
                            "--detach",
                            "--no-chdir",
                            "--log-file=" + log(),
                            "--unixctl=" + control(),
                            "-vconsole:off",
                            "-vfile:info",
                            "unix:" + database())
                    .within(START_LIMIT);
        }

        ProcessHandle daemon() {
            try {
                return ProcessHandle.of(
                                Long.parseLong(Files.readString(pidFile()).strip()))
                        .orElseThrow();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private Place place(String name) {
        try {
            Place place = new Place(Files.createDirectories(lab.folder().resolve(name)));
            lab.add((AutoCloseable) () -> endIfAlive(place));
            return place;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A story that failed half-way leaves no daemon behind. */
    private static void endIfAlive(Place place) {
        if (Files.exists(place.pidFile())) {
            place.daemon().destroyForcibly();
        }
    }

    private void startDatabase(Place place) {
        Path file = place.folder().resolve("conf.db");
        Command.of("ovsdb-tool", "create", file.toString(), OpenVswitch.SCHEMA).run();
        Daemon server = lab.start(
                List.of(
                        "ovsdb-server",
                        file.toString(),
                        "--remote=punix:" + place.database(),
                        "--unixctl=" + place.folder().resolve("ovsdb.ctl")),
                Map.of("OVS_RUNDIR", place.folder().toString()));
        Await.until("ovsdb-server listens", PATIENCE, () -> Files.exists(place.database()), server::output);
        place.vsctl("--no-wait", "init").run();
    }

    private static void awaitEnd(Place place, ProcessHandle daemon) {
        Await.until(
                "the daemon has ended",
                PATIENCE,
                () -> !daemon.isAlive(),
                () -> place.appctl("version").attempt().toString());
        assertThat(place.pidFile()).doesNotExist();
        assertThat(place.control()).doesNotExist();
    }

    private static void assertOneLine(Command.Result result, String text) {
        assertThat(result.exitStatus()).isEqualTo(1);
        assertThat(result.output()).isEmpty();
        assertThat(result.errors().lines())
                .singleElement()
                .asString()
                .startsWith("turnstile: ")
                .contains(text);
    }

    // ---- in the background ----

    @Test
    void detachedItIsReadyWhenTheCommandReturnsAndEndsByAppctl() {
        Place place = place("sw");
        startDatabase(place);
        Command.Result start = place.start().run();
        assertThat(start.output() + start.errors()).isEmpty();
        ProcessHandle daemon = place.daemon();
        assertThat(daemon.isAlive()).isTrue();
        assertThat(daemon.info().command().orElseThrow()).endsWith("java");
        assertThat(place.appctl("version").run().text()).contains("Turnstile");
        String bridge = lab.deviceName("br");
        place.vsctl("add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev")
                .run();
        assertThat(place.tool("ovs-ofctl", "dump-flows", "--no-stats", bridge)
                        .run()
                        .text())
                .contains("NORMAL");
        assertThat(place.log())
                .content()
                .containsPattern("(?m)^\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z\\|\\d{5}\\|daemon\\|INFO\\|.* is ready");

        assertOneLine(place.start().attempt(), place.pidFile() + ": already running as pid " + daemon.pid());
        assertThat(place.appctl("version").attempt().succeeded())
                .as("the first one goes on")
                .isTrue();

        place.appctl("exit").run();
        awaitEnd(place, daemon);
        assertThat(Command.of("ip", "link", "show", bridge).attempt().succeeded())
                .as("the bridge's device")
                .isFalse();
    }

    @Test
    void sigtermEndsItAsWell() {
        Place place = place("sw");
        startDatabase(place);
        place.start().run();
        ProcessHandle daemon = place.daemon();
        daemon.destroy();
        awaitEnd(place, daemon);
        assertThat(place.log()).content().endsWith("|ending\n");
    }

    @Test
    void afterKillTheOldPidFileIsNoHindrance() {
        Place place = place("sw");
        startDatabase(place);
        place.start().run();
        ProcessHandle killed = place.daemon();
        killed.destroyForcibly();
        Await.until("it is gone", PATIENCE, () -> !killed.isAlive(), () -> "");
        assertThat(place.pidFile()).exists();
        place.start().run();
        ProcessHandle daemon = place.daemon();
        assertThat(daemon.pid()).isNotEqualTo(killed.pid());
        assertThat(place.appctl("version").run().text()).contains("Turnstile");
        place.appctl("exit").run();
        awaitEnd(place, daemon);
    }

    @Test
    void twoOfThemLiveSideBySide() {
        List<Place> places = List.of(place("one"), place("two"));
        for (Place place : places) {
            Command.of(
                            LAUNCHER,
                            "run",
                            "--detach",
                            "--rundir=" + place.folder(),
                            "--pidfile=" + place.pidFile(),
                            "--log-file=" + place.log(),
                            "-vconsole:off")
                    .within(START_LIMIT)
                    .run();
            String bridge = lab.deviceName(place.folder().getFileName().toString());
            place.vsctl("add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev")
                    .run();
        }
        for (Place place : places) {
            String bridge = place.vsctl("list-br").run().text();
            assertThat(bridge).endsWith(place.folder().getFileName().toString());
            assertThat(place.tool("ovs-ofctl", "show", bridge).attempt().succeeded())
                    .isTrue();
            long pid = place.daemon().pid();
            assertThat(place.tool(
                                    "ovs-appctl",
                                    "--target=" + place.folder().resolve("ovs-vswitchd." + pid + ".ctl"),
                                    "dpif/show")
                            .run()
                            .text())
                    .contains(bridge);
        }
        ProcessHandle first = places.getFirst().daemon();
        first.destroy();
        awaitEnd(places.getFirst(), first);
        assertThat(places.getLast().vsctl("list-br").run().text()).endsWith("two");
    }

    @Test
    void byDefaultToolsFindItByTheRunDirectory() {
        Place place = new Place(lab.folder());
        Daemon daemon = lab.start(
                List.of(LAUNCHER, "run"), Map.of("OVS_RUNDIR", place.folder().toString()));
        Await.until(
                "it answers",
                START_LIMIT,
                () -> place.tool("ovs-appctl", "--timeout=5", "version")
                        .attempt()
                        .succeeded(),
                daemon::output);
        assertThat(place.vsctl("show").run().text()).contains("ovs_version");
        daemon.close();
        assertThat(daemon.isAlive()).isFalse();
        try (var left = Files.list(place.folder())) {
            assertThat(left.map(file -> file.getFileName().toString())
                            .filter(name ->
                                    !name.startsWith("log") && !name.startsWith("conf.db") && !name.startsWith(".")))
                    .as("left behind")
                    .isEmpty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- what it says of itself, and when it cannot start ----

    @Test
    void versionAndHelpNeedNothing() {
        Command.Result version = Command.of(withoutCapabilities("--version")).run();
        assertThat(version.output()).matches("ovs-vswitchd \\(Turnstile\\) \\d+\\.\\d+\\.\\d+\\n");
        Command.Result help = Command.of(withoutCapabilities("--help")).run();
        assertThat(help.output())
                .contains("Usage: turnstile run", "--pidfile", "--detach", "--enable-dummy", "--rundir");
        assertThat(version.errors() + help.errors()).isEmpty();
    }

    @Test
    void whatItDoesNotUnderstandIsOneLine() {
        String folder = "--rundir=" + lab.folder();
        assertOneLine(
                Command.of(LAUNCHER, "run", folder, "--no-such-option").attempt(),
                "Unknown option: '--no-such-option'");
        assertOneLine(
                Command.of(LAUNCHER, "run", folder, "--detach", "--no-such-option")
                        .attempt(),
                "--no-such-option");
        assertOneLine(Command.of(LAUNCHER, "run", folder, "unix:a", "unix:b").attempt(), "unix:b");
        assertOneLine(Command.of(LAUNCHER, "run", folder, "nonsense").attempt(), "nonsense: not a database");
        assertOneLine(Command.of(LAUNCHER, "run", folder, "--enable-dummy=odd").attempt(), "odd");
        assertOneLine(
                Command.of(LAUNCHER, "run", folder, "--pidfile=/proc/none/sw.pid")
                        .attempt(),
                "/proc/none/sw.pid");
        assertOneLine(Command.of(LAUNCHER, "run", "--rundir=/proc/none").attempt(), "/proc/none");
        Command.Result unknown = Command.of(LAUNCHER, "no-such-command").attempt();
        assertThat(unknown.exitStatus()).isEqualTo(1);
        assertThat(unknown.errors())
                .endsWith("turnstile: unknown command: no-such-command\n"); // the usage is before it
    }

    @Test
    void withoutTheRightToOpenDevicesItSaysSoInOneLine() {
        assertOneLine(
                Command.of(withoutCapabilities("--rundir=" + lab.folder())).attempt(), "need root");
        assertOneLine(
                Command.of(withoutCapabilities("--detach", "--rundir=" + lab.folder()))
                        .attempt(),
                "need root");
    }

    @Test
    void withoutThatRightItRunsOnPortsInMemory() {
        Place place = place("sw");
        Command.of(withoutCapabilities(
                        "--detach",
                        "--rundir=" + place.folder(),
                        "--pidfile=" + place.pidFile(),
                        "--unixctl=" + place.control(),
                        "--enable-dummy=override",
                        "-vconsole:off"))
                .within(START_LIMIT)
                .run();
        place.vsctl("add-br", "br0", "--", "add-port", "br0", "p1").run();
        assertThat(place.vsctl("get", "interface", "p1", "ofport").run().text()).isEqualTo("1");
        ProcessHandle daemon = place.daemon();
        place.appctl("exit").run();
        awaitEnd(place, daemon);
    }

    @Test
    void withoutAFitJdkItSaysSoInOneLine() {
        Command.Result result = Command.of(
                        "unshare",
                        "--mount",
                        "sh",
                        "-c",
                        "mount -t tmpfs none /usr/lib/jvm && exec \"$0\" run --rundir=" + lab.folder(),
                        LAUNCHER)
                .with(Map.of("JAVA_HOME", "/nowhere", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin"))
                .attempt();
        assertOneLine(result, "needs JDK 25 or later");
        assertThat(result.errors()).contains("JAVA_HOME");
    }

    /** {@code ./turnstile run} as a root that may neither make devices nor open packet sockets. */
    private static List<String> withoutCapabilities(String... options) {
        List<String> words = new ArrayList<>(
                List.of("setpriv", "--bounding-set=-net_admin,-net_raw", "--inh-caps=-all", LAUNCHER, "run"));
        words.addAll(List.of(options));
        return words;
    }
}
