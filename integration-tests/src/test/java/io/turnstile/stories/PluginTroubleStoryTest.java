package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Plug-ins that take the management, or the whole process, down with them, and what an operator is told. */
@Tag("system")
class PluginTroubleStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    /** Less to be eaten. */
    private static final Map<String, String> SMALL_HEAP = Map.of("TURNSTILE_HEAP", "256m");

    private final Lab lab = new Lab("pt");

    @AfterEach
    void close() {
        lab.close();
    }

    private Path plugins() {
        return lab.folder().resolve("plugins");
    }

    private Path log() {
        return lab.folder().resolve("sw.log");
    }

    private Path pidFile() {
        return lab.folder().resolve("sw.pid");
    }

    private Turnstile start(String... options) {
        String[] all = new String[options.length + 4];
        all[0] = "--plugins=" + plugins();
        all[1] = "--log-file=" + log();
        all[2] = "--pidfile=" + pidFile();
        all[3] = "-vconsole:off";
        System.arraycopy(options, 0, all, 4, options.length);
        return lab.add(Turnstile.start(lab, SMALL_HEAP, all));
    }

    // ---- the end of the process ----

    /** The switch, with a bridge, whose provider does what the connection's port says. */
    private Daemon misbehave(int port) {
        Turnstile turnstile = startUnruly();
        connect(turnstile, port);
        Daemon daemon = turnstile.daemon();
        daemon.awaitEnd(PATIENCE);
        Await.until(
                "nothing is left behind",
                PATIENCE,
                () -> !Files.exists(pidFile()) && sockets(turnstile).isEmpty(),
                () -> sockets(turnstile).toString());
        return daemon;
    }

    private Turnstile startUnruly(String... options) {
        ProviderJar.write(plugins(), UnrulyProvider.class);
        String[] all = Arrays.copyOf(options, options.length + 1);
        all[options.length] = "--enable-dummy=override";
        Turnstile turnstile = start(all);
        turnstile
                .vsctl(
                        "add-br",
                        "br0",
                        "--",
                        "set",
                        "bridge",
                        "br0",
                        "datapath_type=dummy",
                        "fail_mode=secure",
                        "--",
                        "add-port",
                        "br0",
                        "p1",
                        "--",
                        "set",
                        "interface",
                        "p1",
                        "ofport_request=1",
                        "--",
                        "set",
                        "open_vswitch",
                        ".",
                        "other_config:hw-offload=true")
                .run();
        assertThat(pidFile()).exists();
        assertThat(sockets(turnstile)).isNotEmpty();
        return turnstile;
    }

    /** Has the provider be offered a connection to that port. */
    private static void connect(Turnstile turnstile, int port) {
        turnstile.ofctl("add-flow", "br0", "ip,actions=ct(commit)").run();
        turnstile
                .appctl(
                        "netdev-dummy/receive",
                        "p1",
                        "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
                                + "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1000,dst="
                                + port + ")")
                .attempt();
    }

    /** The process that the pid file names; nothing while there is none, between one process and the next. */
    private String owner() {
        try {
            return Files.readString(pidFile()).strip();
        } catch (IOException e) {
            return "";
        }
    }

    /** Whether it is another process that answers by now: the former one may answer on its last way, too. */
    private boolean isReplaced(Turnstile turnstile, String formerPid) {
        String now = owner();
        return !now.isEmpty()
                && !now.equals(formerPid)
                && turnstile.appctl("version").attempt().succeeded();
    }

    private static List<Path> sockets(Turnstile turnstile) {
        Path folder = turnstile.controlSocket().getParent();
        try (var files = Files.list(folder)) {
            return files.filter(file -> !Files.isRegularFile(file) && !Files.isDirectory(file))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String lastLogged() throws IOException {
        return Files.readAllLines(log()).getLast();
    }

    @Test
    void onePluginThatEatsAllMemoryIsNamedInTheLastWords() throws IOException {
        Daemon daemon = misbehave(UnrulyProvider.EATS_MEMORY);
        String words = "the switch ends: out of memory: java.lang.OutOfMemoryError: Java heap space, "
                + "in thread offload-unruly-0, in plug-in UnrulyProvider.jar at " + UnrulyProvider.class.getName()
                + ".eat:";
        assertThat(lastLogged()).contains("|daemon|EMER|" + words);
        assertThat(daemon.output()).contains("turnstile: " + words);
        assertThat(daemon.exitStatus()).isEqualTo(3);
    }

    @Test
    void onePluginThatGoesOnEatingIsEndedFromOutside() throws IOException {
        Daemon daemon = misbehave(UnrulyProvider.EATS_MEMORY_AND_GOES_ON);
        assertThat(lastLogged()).contains("|daemon|EMER|the switch ends: out of memory");
        assertThat(daemon.output()).contains("turnstile: the switch ends: out of memory");
        assertThat(daemon.exitStatus()).isNotZero();
    }

    @Test
    void itsMonitorStartsAgainWhatHadToEndForWantOfMemory() throws IOException {
        Turnstile turnstile = startUnruly("--monitor");
        for (int port : List.of(UnrulyProvider.EATS_MEMORY, UnrulyProvider.EATS_MEMORY_AND_GOES_ON)) {
            String pid = owner();
            Await.until(
                    "the bridge is there",
                    Duration.ofSeconds(20),
                    () -> Files.exists(turnstile.runDirectory().resolve("br0.mgmt")),
                    turnstile.daemon()::output);
            connect(turnstile, port);
            Await.until(
                    "another process answers",
                    Duration.ofSeconds(60), // it may have to wait ten seconds
                    () -> isReplaced(turnstile, pid),
                    turnstile.daemon()::output);
            assertThat(log())
                    .content()
                    .containsPattern(
                            "crashes: pid " + pid + " died, (exit status 3|killed \\(Alarm clock\\)), restarting");
            assertThat(turnstile.vsctl("list-br").run().text()).isEqualTo("br0");
        }
    }

    @Test
    void whoCallsExitIsNamedAndTheSwitchIsClosed() throws IOException {
        Daemon daemon = misbehave(UnrulyProvider.EXITS);
        assertThat(log())
                .content()
                .contains("|daemon|WARN|System.exit was called by thread offload-unruly-0 at ")
                .contains(UnrulyProvider.class.getName() + ".connAdd")
                .contains("|daemon|INFO|ending");
        assertThat(daemon.exitStatus()).isEqualTo(UnrulyProvider.EXIT_STATUS);
    }

    // ---- plug-ins that cannot be loaded ----

    @Test
    void onePluginThatHangsHoldsUpNobodyAndIsNamed() throws IOException {
        ProviderJar.write(plugins(), HangingConstructorProvider.class);
        Files.createFile(plugins().resolve("empty.jar"));
        Turnstile turnstile = start("--enable-dummy=override");
        String hangs = "HangingConstructorProvider.jar: its constructor has not returned within 5 s, is at "
                + HangingConstructorProvider.class.getName() + ".<init>:";
        assertThat(turnstile.appctl("conntrack/offload-show").run().text())
                .contains("plug-ins left out:\n  " + hangs, "\n  empty.jar: is no jar: ");
        assertThat(log()).content().containsOnlyOnce("left out: " + hangs).containsOnlyOnce("left out: empty.jar");
        // Each of these has 5 s by itself, which is no more than a plug-in is waited for.
        turnstile.vsctl("add-br", "br0").run();
        assertThat(turnstile.appctl("conntrack/offload-rescan").run().text())
                .startsWith("added: -\nremoved: -\nkept: ebpf, dummy\nfailed: " + hangs)
                .contains("\nfailed: empty.jar: is no jar: ");
    }

    // ---- a provider that is for trying things out ----

    @Test
    void inProductionTheDummyProviderIsThereForThoseWhoNameIt() {
        Turnstile turnstile = start();
        turnstile
                .vsctl("set", "open_vswitch", ".", "other_config:hw-offload=true")
                .run();
        assertThat(turnstile.appctl("conntrack/offload-show").run().text())
                .startsWith("hw-offload: enabled")
                .contains("provider ebpf: ")
                .doesNotContain("provider dummy");
        turnstile
                .vsctl("set", "open_vswitch", ".", "other_config:hw-offload-priority=dummy")
                .run();
        assertThat(turnstile.appctl("conntrack/offload-show").run().text()).contains("provider dummy: ");
    }
}
