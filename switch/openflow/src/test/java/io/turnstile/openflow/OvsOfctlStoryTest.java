package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoopGroup;
import io.turnstile.pipeline.flow.FlowMod.Command;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.time.Clock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Debian's own ovs-ofctl against the agent, over its unix socket. */
@Tag("system")
class OvsOfctlStoryTest {
    private static final String FRAME = "ffffffffffff0200000000010800450000140000000040007ae70a0000010a000002";

    @TempDir
    Path dir;

    private final FakeSwitch bridge = new FakeSwitch();
    private EventLoopGroup group;
    private BridgeAgent agent;
    private String target;

    @BeforeEach
    void start() throws Exception {
        group = OpenFlowAgent.newEventLoop();
        agent = new OpenFlowAgent(group, Clock.system()).attach(bridge);
        agent.listen("punix:" + dir.resolve("br0.mgmt"));
        target = "unix:" + dir.resolve("br0.mgmt");
    }

    @AfterEach
    void stop() throws Exception {
        agent.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }

    private String dump(String version) throws Exception {
        return Tool.ok("-O", version, "dump-flows", "--no-stats", target);
    }

    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"})
    void showNamesTheBridgeAndItsPorts(String version) throws Exception {
        String shown = Tool.ok("-O", version, "show", target);
        assertThat(shown)
                .contains(
                        "dpid:0000000000000001",
                        "n_tables:254, n_buffers:0",
                        "capabilities: FLOW_STATS TABLE_STATS PORT_STATS "
                                + (version.equals("OpenFlow10") ? "" : "GROUP_STATS ") + "QUEUE_STATS",
                        " 1(p1): addr:aa:55:aa:55:00:0f",
                        " 2(p2): addr:aa:55:aa:55:00:0e",
                        " LOCAL(br0): addr:ba:e2:a0:e5:72:44",
                        "frags=normal miss_send_len=0");
        assertThat(shown).contains(version.equals("OpenFlow10") ? "     state:      0\n" : "     state:      LIVE\n");
        assertThat(shown.indexOf("LOCAL(br0)")).isGreaterThan(shown.indexOf("2(p2)"));
    }

    /** The expected lines are what Open vSwitch 3.1.0 answers for the same flow. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
        table=3,priority=10,tcp,in_port=1,nw_src=10.0.0.0/8,tp_dst=80,actions=output:2; table=3, priority=10,tcp,in_port=1,nw_src=10.0.0.0/8,tp_dst=80 actions=output:2
        ip,ct_state=-trk,actions=ct(table=1); ct_state=-trk,ip actions=ct(table=1)
        tcp,ct_state=+trk+new,actions=ct(commit,zone=5,exec(load:1->NXM_NX_CT_MARK[])),2; ct_state=+new+trk,tcp actions=ct(commit,zone=5,exec(load:0x1->NXM_NX_CT_MARK[])),output:2
        idle_timeout=5,send_flow_rem,arp,arp_op=1,actions=NORMAL; idle_timeout=5, send_flow_rem arp,arp_op=1 actions=NORMAL
        reg0=5,metadata=7/0xff,actions=load:5->NXM_NX_REG1[0..7],move:NXM_NX_REG0[]->NXM_NX_REG2[],resubmit(,2); reg0=0x5,metadata=0x7/0xff actions=load:0x5->NXM_NX_REG1[0..7],move:NXM_NX_REG0[]->NXM_NX_REG2[],resubmit(,2)
        icmp6,icmpv6_type=135,nd_target=fe80::1,actions=controller(reason=no_match,id=3),dec_ttl; icmp6,icmp_type=135,nd_target=fe80::1 actions=controller(reason=no_match,id=3),dec_ttl
        udp6,tp_dst=53,dl_vlan=5,ct_label=0x1234,ct_zone=7,actions=ct_clear,IN_PORT; ct_zone=7,ct_label=0x1234,udp6,dl_vlan=5,tp_dst=53 actions=ct_clear,IN_PORT
        tcp,tcp_flags=+syn-ack,actions=push:NXM_NX_REG0[],pop:NXM_NX_REG1[],note:01.02,output:NXM_NX_REG3[]; tcp,tcp_flags=+syn-ack actions=push:NXM_NX_REG0[],pop:NXM_NX_REG1[],note:01.02.00.00.00.00,output:NXM_NX_REG3[]
        vlan_tci=0x1000/0x1000,actions=drop; vlan_tci=0x1000/0x1000 actions=drop
        """)
    void flowIsDumpedAsThePeerDumpsIt(String flow, String expected) throws Exception {
        for (String version : List.of("OpenFlow10", "OpenFlow13")) {
            bridge.apply(FlowText.parseFlowMod(Command.DELETE, ""));
            Tool.ok("-O", version.equals("OpenFlow10") ? "OpenFlow10" : version, "add-flow", target, flow);
            String line = dump(version).strip();
            assertThat(line.replace("send_flow_rem ", expected.contains("send_flow_rem") ? "send_flow_rem " : ""))
                    .as(version)
                    .isEqualTo(version.equals("OpenFlow10") ? expected.replace("send_flow_rem ", "") : expected);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"})
    void statisticsAreShown(String version) throws Exception {
        Tool.ok("-O", version, "add-flow", target, "cookie=0x5,ip,actions=1");
        assertThat(Tool.ok("-O", version, "dump-flows", target))
                .contains(
                        "cookie=0x5, duration=3.500s, table=0, " + "n_packets=7, n_bytes=700,", " ip actions=output:1");
        assertThat(Tool.ok("-O", version, "dump-aggregate", target))
                .contains("packet_count=7 byte_count=700 flow_count=1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"})
    void flowsAreAddedFromAFileChangedAndDeleted(String version) throws Exception {
        Path file = dir.resolve("flows");
        Files.writeString(file, """
            table=0,ip,nw_dst=10.0.0.1,actions=1
            table=0,ip,nw_dst=10.0.0.2,actions=1
            table=1,arp,actions=2
            """);
        Tool.ok("-O", version, "add-flows", target, file.toString());
        assertThat(dump(version).lines()).hasSize(3);
        Tool.ok("-O", version, "mod-flows", target, "ip,nw_dst=10.0.0.1,actions=LOCAL");
        assertThat(dump(version)).contains("ip,nw_dst=10.0.0.1 actions=LOCAL");
        Tool.ok("-O", version, "--strict", "del-flows", target, "table=0,ip,nw_dst=10.0.0.1");
        assertThat(dump(version).lines()).hasSize(2);
        Tool.ok("-O", version, "del-flows", target, "table=1,out_port=2");
        assertThat(dump(version).lines()).containsExactly(" ip,nw_dst=10.0.0.2 actions=output:1");
        Tool.ok("-O", version, "del-flows", target);
        assertThat(dump(version)).isBlank();
    }

    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"})
    void cookieSelectsWhatToDelete(String version) throws Exception {
        Tool.ok("-O", version, "add-flow", target, "cookie=0x15,ip,actions=1");
        Tool.ok("-O", version, "add-flow", target, "cookie=0x25,arp,actions=1");
        Tool.ok("-O", version, "del-flows", target, "cookie=0x10/0xf0");
        assertThat(dump(version).lines()).containsExactly(" cookie=0x25, arp actions=output:1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow13", "OpenFlow14", "OpenFlow15"})
    void bundleIsAppliedWholeOrNotAtAll(String version) throws Exception {
        Path good = Files.writeString(dir.resolve("good"), "ip,actions=1\narp,actions=2\n");
        Path bad = Files.writeString(dir.resolve("bad"), "udp,actions=1\ntcp,actions=666\n");
        Tool.ok("-O", version, "--bundle", "add-flows", target, good.toString());
        Tool.Result refused = Tool.ofctl("-O", version, "--bundle", "add-flows", target, bad.toString());
        assertThat(refused.output()).contains("OFPFMFC_TABLE_FULL", "OFPBFC_MSG_FAILED");
        assertThat(dump("OpenFlow13").lines()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"})
    void portsAndTablesAreDumped(String version) throws Exception {
        assertThat(Tool.ok("-O", version, "dump-ports", target))
                .contains(
                        "3 ports",
                        "rx pkts=10, bytes=1000, drop=?, errs=?, frame=?, over=?, crc=?",
                        "tx pkts=20, bytes=2000, drop=?, errs=?, coll=?");
        assertThat(Tool.ok("-O", version, "dump-ports", target, "1")).contains("1 ports");
        assertThat(Tool.ok("-O", version, "dump-ports-desc", target)).contains("1(p1): addr:aa:55:aa:55:00:0f");
        assertThat(Tool.ok("-O", version, "dump-tables", target))
                .contains("table 0:\n", "active=0, lookup=0, matched=0");
        assertThat(Tool.ok("-O", version, "queue-stats", target)).contains("0 queues");
        assertThat(Tool.ok("-O", version, "dump-desc", target)).contains("Manufacturer: Turnstile");
    }

    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"})
    void packetOutIsSent(String version) throws Exception {
        Tool.ok("-O", version, "packet-out", target, "in_port=1,packet=" + FRAME + ",actions=2,resubmit(,3)");
        assertThat(bridge.sent).hasSize(1);
        assertThat(bridge.sent.getFirst().inPort()).isEqualTo(1);
        assertThat(FlowText.format(bridge.sent.getFirst().actions())).isEqualTo("output:2,resubmit(,3)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"})
    void portIsModified(String version) throws Exception {
        Tool.ok("-O", version, "mod-port", target, "p1", "no-forward");
        assertThat(Tool.ok("-O", version, "show", target)).contains("config:     NO_FWD");
    }

    @ParameterizedTest
    @CsvSource({
        "OpenFlow10,openflow10",
        "OpenFlow10,nxt_packet_in",
        "OpenFlow10,nxt_packet_in2",
        "OpenFlow11,standard",
        "OpenFlow12,standard",
        "OpenFlow13,standard",
        "OpenFlow14,standard",
        "OpenFlow13,nxt_packet_in2",
        "OpenFlow15,standard"
    })
    void monitorSeesPacketIn(String version, String format) throws Exception {
        Path output = dir.resolve("monitor.out");
        ProcessBuilder builder = new ProcessBuilder(
                        "ovs-ofctl", "--timeout=15", "-O", version, "-P", format, "monitor", target, "65534")
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().put("OVS_RUNDIR", dir.toString()); // it opens a control socket of its own
        Process monitor = builder.start();
        try {
            String seen = "";
            for (int i = 0; i < 100 && !seen.contains("(via action)"); i++) {
                Tool.ok("packet-out", target, "in_port=1,packet=" + FRAME + ",actions=controller");
                seen = Files.readString(output, StandardCharsets.UTF_8);
            }
            assertThat(seen)
                    .contains(
                            "total_len=34",
                            "in_port=1",
                            "(via action)",
                            "data_len=34 (unbuffered)",
                            "nw_src=10.0.0.1,nw_dst=10.0.0.2");
        } finally {
            monitor.destroy();
            monitor.waitFor();
        }
    }

    @Test
    void dumpOfManyFlowsComesInSeveralMessages() throws Exception {
        for (int i = 0; i < 3000; i++) {
            bridge.apply(FlowText.parseFlowMod(
                    Command.ADD,
                    "ip,nw_dst=10." + (i >> 8) + "." + (i & 255) + ".1,actions=load:" + i + "->NXM_NX_REG0[],1"));
        }
        for (String version :
                List.of("OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15")) {
            assertThat(dump(version).lines()).as(version).hasSize(3000);
        }
    }

    @Test
    void flowOfTextAndFlowOfToolAreTheSame() throws Exception {
        String flow = "table=2,priority=7,tcp,ct_state=+trk+est,nw_dst=10.0.0.0/8,tp_src=80,actions=set_field:5->reg0,"
                + "move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31],ct(commit,zone=NXM_NX_REG0[0..15],exec(set_field:0x7->ct_mark)),2";
        Tool.ok("-O", "OpenFlow13", "add-flow", target, flow);
        var wired = bridge.flows(new io.turnstile.pipeline.OpenFlowSwitch.FlowQuery(
                        255, io.turnstile.pipeline.flow.Match.ANY, 0, 0, OfAction.Ports.NONE))
                .getFirst();
        var read = FlowText.parseFlowMod(Command.ADD, flow);
        assertThat(wired.match()).isEqualTo(read.match());
        assertThat(wired.actions()).isEqualTo(read.actions());
    }

    @Test
    void snoopShowsNothingOfTools() throws Exception {
        agent.listenSnoop("punix:" + dir.resolve("br0.snoop"));
        assertThat(Files.exists(dir.resolve("br0.snoop"))).isTrue();
        assertThat(IntStream.range(0, 3).mapToObj(i -> run()).toList()).allMatch(text -> text.contains("dpid"));
    }

    private String run() {
        try {
            return Tool.ok("show", target);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
