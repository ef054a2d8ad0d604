package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A connection that a provider holds stays right while the switch around it changes: timeouts, ports, marks, settings.
 * All ports are dummy ones; time stands still but for {@code time/warp}.
 */
@Tag("system")
class CarriedConnectionStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private static Lab lab;
    private static Turnstile turnstile;

    @BeforeAll
    static void startWithPlugins() {
        lab = new Lab("cc");
        try {
            Path plugins = lab.folder().resolve("plugins");
            ProviderJar.write(plugins, ClaimingProvider.class);
            ProviderJar.write(plugins, HoardingProvider.class);
            turnstile = lab.add(Turnstile.start(lab, "--enable-dummy=override", "--plugins=" + plugins));
            turnstile.appctl("time/stop").run();
            turnstile
                    .vsctl("-- --id=@m create Datapath datapath_version=0 -- set Open_vSwitch . datapaths:dummy=@m"
                            .split(" "))
                    .run();
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    @AfterAll
    static void leave() {
        lab.close();
    }

    /** Inside is p1, outside p2; everything is committed in zone 5, with the mark that {@link #mark} says. */
    @BeforeEach
    void beginAnew() {
        turnstile.vsctl("clear", "open_vswitch", ".", "other_config").run();
        turnstile.vsctl("--if-exists", "del-br", "br0").run();
        turnstile
                .vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure")
                .run();
        turnstile.appctl("dpctl/flush-conntrack").run();
        addPort("p1", 1);
        addPort("p2", 2);
        turnstile
                .ofctl("add-flow", "br0", "ip,ct_state=-trk,actions=ct(table=1,zone=5)")
                .run();
        turnstile
                .ofctl("add-flow", "br0", "table=1,ip,actions=ct(commit,zone=5)")
                .run();
    }

    private static void addPort(String name, int number) {
        turnstile
                .vsctl("add-port", "br0", name, "--", "set", "interface", name, "ofport_request=" + number)
                .run();
    }

    private static void set(String... settings) {
        String[] words = new String[settings.length + 3];
        words[0] = "set";
        words[1] = "open_vswitch";
        words[2] = ".";
        System.arraycopy(settings, 0, words, 3, settings.length);
        turnstile.vsctl(words).run();
    }

    private static void turnOn(String providers) {
        set("other_config:hw-offload=true", "other_config:hw-offload-priority=\"" + providers + ",none\"");
    }

    private static void receive(String port, Frame frame) {
        appctl("netdev-dummy/receive", port, HexFormat.of().formatHex(frame.bytes()));
    }

    private static Frame query(int port) {
        return Frames.udp("10.0.0.1:1000 > 10.0.0.2:" + port).payload(20);
    }

    private static void exchange(int port) {
        receive("p1", query(port));
        await("dport=" + port + ")", CarriedConnectionStoryTest::dump); // ports are not in order with each other
        receive("p2", query(port).reply());
    }

    private static String appctl(String... words) {
        return turnstile.appctl(words).run().text();
    }

    private static String dump() {
        return appctl("dpctl/dump-conntrack", "-m");
    }

    private static void await(String what, Supplier<String> text) {
        Await.until(what, PATIENCE, () -> text.get().contains(what), text);
    }

    /** Lines of the monitor from now on. */
    private static Supplier<String> events() {
        String end = appctl("conntrack/offload-monitor", "since=now");
        String since = end.replaceFirst("(?s).*\"next\":(\\d+).*", "$1");
        return () -> appctl("conntrack/offload-monitor", "since=" + since);
    }

    // ---- timeouts ----

    @Test
    void whatTheDeviceUsesOutlivesATimeoutOfThreeSeconds() {
        turnstile
                .vsctl("add-zone-tp", "dummy", "zone=5", "udp_first=3", "udp_single=3", "udp_multiple=3")
                .run();
        try {
            turnOn("claiming");
            exchange(ClaimingProvider.BUSY_PORT);
            exchange(54);
            for (int port : List.of(ClaimingProvider.BUSY_PORT, 54)) {
                await(
                        "sport=" + port + ",dport=1000),id=0,zone=5,status=0,offload=(claiming:established)",
                        CarriedConnectionStoryTest::dump);
            }
            for (int i = 0; i < 10; i++) {
                appctl("time/warp", "2900", "100");
                assertThat(dump()).contains("dport=53)");
            }
            assertThat(dump()).doesNotContain("dport=54)");
            set("other_config:hw-offload=false");
            appctl("time/warp", "3500", "100");
            assertThat(dump()).isEmpty();
        } finally {
            turnstile.vsctl("del-zone-tp", "dummy", "zone=5").run();
        }
    }

    // ---- ports ----

    @Test
    void aNewPortIsNotTakenForTheOneThatHadItsNumber() {
        receive("p1", query(53));
        turnstile.vsctl("del-port", "br0", "p1").run();
        addPort("q1", 1);
        turnOn("dummy");
        Supplier<String> events = events();
        await("offload=(dummy:refused(port gone))", CarriedConnectionStoryTest::dump);
        assertThat(appctl("conntrack/offload-why", "ct_nw_proto=17")).contains("not offered to dummy: port gone");
        receive("q1", query(53));
        await("\"event\":\"add\"", events);
        assertThat(events.get()).contains("\"in_port_name\":\"q1\"").doesNotContain("\"in_port_name\":\"p1\"");
        await("offload=(dummy:added)", CarriedConnectionStoryTest::dump);
    }

    @Test
    void whatAPortCarriedIsTakenBackWhenItGoes() {
        turnOn("dummy");
        exchange(53);
        await("offload=(dummy:established)", CarriedConnectionStoryTest::dump);
        Supplier<String> events = events();
        turnstile.vsctl("del-port", "br0", "p1").run();
        await("offload=(dummy:refused(port gone))", CarriedConnectionStoryTest::dump);
        await("\"cause\":\"port gone\"", events);
        assertThat(events.get())
                .containsOnlyOnce("\"event\":\"delete\"")
                .contains("\"in_port_gone\":true", "\"reply_port_name\":\"p2\"");
        addPort("p1", 1);
        receive("p1", query(53));
        await("offload=(dummy:established)", CarriedConnectionStoryTest::dump);
    }

    // ---- changes ----

    @Test
    void aMarkWrittenLaterAndAResetAreSeenInTheLiveView() {
        Frame syn = Frames.tcp("10.0.0.1:1000 > 10.0.0.2:80").segment("S seq 100");
        Frame synAck = Frames.tcp("10.0.0.2:80 > 10.0.0.1:1000").segment("S. seq 500 ack 101");
        Frame ack = Frames.tcp("10.0.0.1:1000 > 10.0.0.2:80").segment(". seq 101 ack 501");
        Frame reset = Frames.tcp("10.0.0.1:1000 > 10.0.0.2:80").segment("R. seq 101 ack 501");
        turnOn("dummy");
        Supplier<String> events = events();
        String view = Turnstile.repositoryRoot().resolve("turnstile") + " offload-monitor --target="
                + turnstile.controlSocket() + " --since=0";
        try (Daemon live =
                Command.of("sh", "-c", "exec " + view).start(lab.folder().resolve("live.txt"))) {
            receive("p1", syn);
            await("state_orig=SYN_SENT", CarriedConnectionStoryTest::dump);
            receive("p2", synAck);
            await("state_reply=SYN_SENT", CarriedConnectionStoryTest::dump);
            receive("p1", ack);
            await("offload=(dummy:established)", CarriedConnectionStoryTest::dump);
            assertThat(events.get()).doesNotContain("\"event\":\"changed\"");
            turnstile
                    .ofctl(
                            "add-flow",
                            "br0",
                            "table=1,priority=40000,ip,actions=ct(commit,zone=5,exec(load:0x7->NXM_NX_CT_MARK[]))")
                    .run();
            receive("p1", ack);
            await(",mark=7,", CarriedConnectionStoryTest::dump);
            await("\"result\":\"ok\",\"changes\":[\"mark\"]", events);
            receive("p1", reset);
            await("\"result\":\"ok\",\"changes\":[\"tcp\"]", events);
            await("\"changes\":[\"mark\"]", live::output);
            await("\"changes\":[\"tcp\"]", live::output);
            assertThat(dump()).contains("offload=(dummy:established)").doesNotContain("state_orig=ESTABLISHED");
            assertThat(appctl("conntrack/offload-show")).contains("\n  changed: 2 ok\n");
        }
    }

    // ---- settings and numbers of a provider's own ----

    @Test
    void aProvidersSettingsReachItLiveAndItsNumbersAreShown() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        set("other_config:offload-hoarding-delete-us=7", "other_config:metrics-port=" + port);
        turnOn("hoarding");
        exchange(53);
        await("\n  added: 1\n", () -> appctl("conntrack/offload-show"));
        assertThat(appctl("conntrack/offload-show")).contains("\n  delete_us: 7\n", "\n  hoarded: 1");
        set("other_config:offload-hoarding-delete-us=9", "other_config:offload-nobody-x=1");
        await("\n  delete_us: 9\n", () -> appctl("conntrack/offload-show"));
        assertThat(Command.of("curl", "-sS", "--max-time", "10", "http://127.0.0.1:" + port + "/metrics")
                        .run()
                        .text())
                .contains(
                        "\nturnstile_offload_provider_added_total{provider=\"hoarding\"} 1.0\n",
                        "\nturnstile_offload_provider_delete_us{provider=\"hoarding\"} 9.0\n");
        set("other_config:max-idle=9000");
        assertThat(turnstile.daemon().output())
                .containsOnlyOnce("offload-nobody-x=1: belongs to no offload provider here, passed over")
                .doesNotContain("offload-hoarding-delete-us=");
    }
}
