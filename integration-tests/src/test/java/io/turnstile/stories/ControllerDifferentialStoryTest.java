package io.turnstile.stories;

import io.turnstile.lab.Await;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.LabSwitch;
import io.turnstile.packet.Frames;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Controllers of either switch are told the same: packets, removed flows, ports; and how they stand is shown alike. */
@Tag("system")
class ControllerDifferentialStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final String ADDRESSES = "eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x0800),"
            + "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=%d,tos=0,ttl=%d,frag=no),";
    private static final String PROBE = "in_port(1)," + ADDRESSES.formatted(17, 64) + "udp(src=1,dst=99)";
    private static final String PROBE_COOKIE = "cookie=0x99";
    private static final String LAST_COOKIE = "cookie=0x66";
    private static final String LAST_TOLD = "cookie:0x66";
    private static final Pattern DURATION = Pattern.compile("duration[0-9.]+s");
    private static final byte[] HELLO_10 = {1, 0, 0, 8, 0, 0, 0, 1};
    private static Differential both;

    @BeforeAll
    static void start() {
        both = Differential.start("controllers");
        both.bridge("br0", 2);
    }

    @AfterAll
    static void stop() {
        both.close();
    }

    // ---- what is told ----

    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow13", "OpenFlow15"})
    void controllersAreToldTheSame(String protocol) throws Exception {
        both.ofctl("del-flows br0");
        for (String flow : List.of(
                PROBE_COOKIE + ",priority=99,udp,tp_dst=99,actions=controller",
                "cookie=0x1,priority=9,udp,tp_dst=1,actions=controller(max_len=20)",
                "cookie=0x2,priority=9,udp,tp_dst=2,actions=mod_dl_dst:00:00:00:00:00:09,load:5->NXM_NX_REG0[],"
                        + "controller(reason=no_match)",
                "cookie=0x3,priority=9,udp,tp_dst=3,actions=ct(table=1,zone=5)",
                "cookie=0x4,priority=8,icmp,actions=resubmit(,1)",
                "cookie=0x7,priority=9,icmp,icmp_type=0,actions=ct(table=1)", // of nothing: invalid
                "table=1,cookie=0x5,actions=set_field:7->metadata,controller",
                LAST_COOKIE + ",priority=1,arp,send_flow_rem,actions=drop")) {
            both.ofctl("add-flow br0 '" + flow + "'");
        }
        both.ignore(text -> text.replace(
                "state:      LIVE", "state:      0")); // Open vSwitch finds a new port alive a little later.
        both.compare(
                "ovs-ofctl -O " + protocol + " monitor br0",
                told(both.theirs(), protocol),
                told(both.ours(), protocol));
        both.assertSame();
    }

    private static String told(LabSwitch sw, String protocol) {
        Path log = both.lab().folder().resolve(sw.name() + "-" + protocol + ".monitor");
        try (Daemon monitor = sw.ofctl("-O", protocol, "--timeout=60", "monitor", "br0", "65534")
                .start(log)) {
            Await.until(
                    "the monitor is told of packets",
                    PATIENCE,
                    () -> {
                        receive(sw, PROBE);
                        return monitor.output().contains(PROBE_COOKIE);
                    },
                    monitor::output);
            for (int port = 1; port <= 3; port++) {
                receive(sw, "in_port(1)," + ADDRESSES.formatted(17, 64) + "udp(src=5,dst=" + port + ")");
            }
            receive(sw, "in_port(1)," + ADDRESSES.formatted(1, 9) + "icmp(type=8,code=0)");
            receive(sw, "in_port(1)," + ADDRESSES.formatted(1, 9) + "icmp(type=0,code=0)");
            sw.vsctl("add-port", "br0", "p7", "--", "set", "interface", "p7", "type=dummy", "ofport_request=7")
                    .run();
            sw.ofctl("mod-port", "br0", "7", "no-flood").run();
            sw.vsctl("del-port", "br0", "p7").run();
            sw.ofctl("del-flows", "br0", "arp").run();
            Await.until(
                    "the removed flow is told", PATIENCE, () -> monitor.output().contains(LAST_TOLD), monitor::output);
            return withoutProbes(monitor.output());
        }
    }

    /** Why packets come and by whose cookie: of table-miss flows, action sets, buckets and packet-outs. */
    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"})
    void reasonsAreTheSame(String protocol) throws Exception {
        both.ofctl("del-flows br0");
        both.ofctl("-O OpenFlow13 del-groups br0");
        both.ofctl("-O OpenFlow13 add-group br0 group_id=1,type=all,bucket=controller,bucket=resubmit(,3)");
        for (String flow : List.of(
                PROBE_COOKIE + ",priority=99,udp,tp_dst=99,actions=controller",
                "cookie=0x1,priority=9,udp,tp_dst=1,actions=write_actions(controller),goto_table:1",
                "table=1,cookie=0x2,priority=0,actions=controller",
                "cookie=0x3,priority=9,udp,tp_dst=2,actions=group:1",
                "table=3,cookie=0x4,priority=9,actions=controller",
                "cookie=0x5,priority=9,udp,tp_dst=3,actions=dec_ttl,controller",
                "cookie=0x6,priority=0,actions=controller(userdata=01),controller(reason=no_match)",
                "cookie=0x7,priority=9,udp,tp_dst=4,actions=clone(controller),resubmit(,1),write_actions(controller)")) {
            both.ofctl("-O OpenFlow13 add-flow br0 '" + flow + "'");
        }
        both.compare(
                "ovs-ofctl -O " + protocol + " monitor br0, reasons",
                reasons(both.theirs(), protocol),
                reasons(both.ours(), protocol));
        both.assertSame();
    }

    private static String reasons(LabSwitch sw, String protocol) {
        Path log = both.lab().folder().resolve(sw.name() + "-" + protocol + ".reasons");
        try (Daemon monitor = sw.ofctl(
                        "-O", protocol, "-P", "nxt_packet_in2", "--timeout=60", "monitor", "br0", "65534")
                .start(log)) {
            awaitProbe(sw, monitor, 1);
            for (int port = 1; port <= 5; port++) {
                receive(sw, "in_port(1)," + ADDRESSES.formatted(17, 1) + "udp(src=5,dst=" + port + ")");
            }
            String frame = HexFormat.of()
                    .formatHex(Frames.udp("10.0.0.1:5 > 10.0.0.2:1").bytes());
            for (String actions : List.of("controller", "resubmit(,1)", "TABLE", "group:1")) {
                sw.ofctl("-O", "OpenFlow13", "packet-out", "br0", "in_port=1,packet=" + frame + ",actions=" + actions)
                        .run();
            }
            awaitProbe(sw, monitor, 2);
            return withoutProbes(monitor.output());
        }
    }

    /** Until the monitor has been told of more probes than so many that were told before. */
    private static void awaitProbe(LabSwitch sw, Daemon monitor, int turn) {
        int before = turn == 1 ? 0 : probes(monitor);
        Await.until(
                "the monitor is told of packets",
                PATIENCE,
                () -> {
                    receive(sw, PROBE);
                    return probes(monitor) > before;
                },
                monitor::output);
    }

    private static int probes(Daemon monitor) {
        return (int) monitor.output()
                .lines()
                .filter(line -> line.contains(PROBE_COOKIE))
                .count();
    }

    /**
     * {@code ovs-ofctl monitor br0 resume}: what waits for the controller is the same, and goes the same way then. Not
     * an action set longer than what is left to run, at which Open vSwitch 3.1 aborts, nor a clone, behind which it
     * runs nothing more (docs/differences.md).
     */
    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow13", "OpenFlow15"})
    void pausedPacketsGoOnTheSame(String protocol) throws Exception {
        both.ofctl("del-flows br0");
        for (String flow : List.of(
                PROBE_COOKIE + ",priority=99,udp,tp_dst=99,actions=controller",
                "cookie=0x1,udp,tp_dst=1,actions=load:0x12->NXM_NX_REG1[],push:NXM_NX_REG1[],resubmit(,1),output:2",
                "table=1,cookie=0x2,udp,actions=controller(userdata=01.02,pause),dec_ttl,note:11.22,resubmit(,2)",
                "table=2,cookie=0x3,actions=pop:NXM_NX_REG2[],controller",
                "cookie=0x4,udp,tp_dst=2,actions=controller(pause,max_len=99),goto_table:4",
                "table=4,cookie=0x6,actions=controller",
                "cookie=0x7,udp,tp_dst=3,actions=ct(table=5,zone=3)",
                "table=5,cookie=0x8,ct_state=+new+trk,udp,actions=controller(pause),resubmit(,6)",
                "table=6,cookie=0x9,ct_state=+new+trk,ct_zone=3,udp,actions=controller")) {
            both.ofctl("-O OpenFlow13 add-flow br0 '" + flow + "'");
        }
        both.ignore(text -> text.replaceAll("continuation.bridge=\\S+", "continuation.bridge=BRIDGE")
                .replaceAll("continuation.odp_port=\\d+", "continuation.odp_port=PORT")
                // Open vSwitch names table and cookie only for those actions that tell of them.
                .replaceAll("unroll_xlate\\([^)]*\\),", ""));
        both.compare(
                "ovs-ofctl -O " + protocol + " monitor br0 resume",
                resumed(both.theirs(), protocol),
                resumed(both.ours(), protocol));
        both.assertSame();
    }

    private static String resumed(LabSwitch sw, String protocol) {
        Path log = both.lab().folder().resolve(sw.name() + "-" + protocol + ".resume");
        try (Daemon monitor = sw.ofctl("-O", protocol, "--timeout=60", "monitor", "br0", "65534", "resume")
                .start(log)) {
            awaitProbe(sw, monitor, 1);
            for (int port = 1; port <= 3; port++) {
                receive(sw, "in_port(1)," + ADDRESSES.formatted(17, 64) + "udp(src=5,dst=" + port + ")");
                int told = port;
                Await.until(
                        "the packet has gone on",
                        PATIENCE,
                        () -> monitor.output().split("tp_dst=" + told + "\\b", -1).length > 3,
                        monitor::output);
            }
            awaitProbe(sw, monitor, 2);
            return withoutProbes(monitor.output());
        }
    }

    private static void receive(LabSwitch sw, String packet) {
        sw.appctl("netdev-dummy/receive", "p1", packet).run();
    }

    /** A message is a line, and those up to the next that begins like one. */
    private static String withoutProbes(String output) {
        List<String> kept = new ArrayList<>();
        boolean keeping = true;
        for (String line : output.lines().toList()) {
            if (line.matches("(OFP|NX)[A-Z]+_.*")) {
                keeping = !line.contains(PROBE_COOKIE);
            }
            if (keeping) {
                kept.add(DURATION.matcher(line)
                        .replaceAll("duration TIME")
                        .replaceAll("xid=0x[0-9a-f]+", "xid=XID")
                        .replaceAll("addr:[0-9a-f:]{17}", "addr:MAC"));
            }
        }
        return String.join("\n", kept);
    }

    // ---- who is connected ----

    @Test
    void passiveControllersAreServed() throws Exception {
        both.ofctl("del-flows br0");
        both.compare("ovs-ofctl dump-flows by way of ptcp:", seenByTcp(both.theirs()), seenByTcp(both.ours()));
        both.vsctl("del-controller br0");
        both.assertSame();
    }

    private static String seenByTcp(LabSwitch sw) throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        sw.vsctl("set-controller", "br0", "ptcp:" + port + ":127.0.0.1").run();
        sw.ofctl("add-flow", "br0", "priority=5,in_port=1,actions=2").run();
        Await.until(
                "the door is open",
                PATIENCE,
                () -> sw.ofctl("probe", "tcp:127.0.0.1:" + port).attempt().succeeded(),
                () -> sw.daemon().output());
        return sw.ofctl("dump-flows", "--no-stats", "tcp:127.0.0.1:" + port)
                .run()
                .text();
    }

    @Test
    void activeControllersAreConnectedToAndShown() throws Exception {
        both.compare("a connected controller", connected(both.theirs()), connected(both.ours()));
        both.assertSame();
    }

    /** How the controller's row looks with a controller behind it that says hello and nothing more. */
    private static String connected(LabSwitch sw) throws Exception {
        try (ServerSocket door = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            door.setSoTimeout((int) PATIENCE.toMillis());
            sw.vsctl(
                            "set-controller",
                            "br0",
                            "tcp:127.0.0.1:" + door.getLocalPort(),
                            "--",
                            "set",
                            "controller",
                            "br0",
                            "inactivity_probe=0")
                    .run();
            String flowsLeft = sw.ofctl("dump-flows", "--no-stats", "br0").run().text();
            try (Socket controller = door.accept()) {
                InputStream in = controller.getInputStream();
                byte[] hello = in.readNBytes(8);
                controller.getOutputStream().write(HELLO_10);
                sw.vsctl("wait-until", "controller", "br0", "is_connected=true").run();
                String row = sw.vsctl("get", "controller", "br0", "is_connected", "role", "status:state")
                        .run()
                        .text();
                return "hello of version " + hello[0] + "\n" + row + "\n" + flowsLeft;
            } finally {
                sw.vsctl("del-controller", "br0").run();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"secure", "standalone"})
    void failModeSaysWhatBecomesOfFlows(String mode) {
        both.vsctl("set-fail-mode br0 " + mode);
        both.ofctl("add-flow br0 priority=3,actions=1");
        both.vsctl("set-controller br0 tcp:127.0.0.1:1");
        both.ofctl("dump-flows br0 --no-stats");
        both.vsctl("del-controller br0");
        both.ofctl("dump-flows br0 --no-stats");
        both.vsctl("del-fail-mode br0");
        both.ofctl("dump-flows br0 --no-stats");
        both.vsctl("set-fail-mode br0 secure");
        both.ofctl("dump-flows br0 --no-stats");
        both.assertSame();
    }
}
