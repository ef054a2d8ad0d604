package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.packet.Frames;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** MPLS: what flows do to label stacks, and what the datapath is told to do for it. */
class MplsTest {
    private static final byte[] UDP =
            Frames.udp("1.1.2.92:7777 > 1.1.2.88:80").payload(8).ttl(64).bytes();
    private static final int PAYLOAD = 14;

    private final PipelineBench bench = new PipelineBench(4);

    /** The frame with these 32-bit entries, in hexadecimal, in front of its payload. */
    private static byte[] labelled(byte[] frame, String... entries) {
        byte[] stack = HexFormat.of().parseHex(String.join("", entries));
        byte[] longer = new byte[frame.length + stack.length];
        System.arraycopy(frame, 0, longer, 0, PAYLOAD - 2);
        longer[PAYLOAD - 2] = (byte) 0x88;
        longer[PAYLOAD - 1] = 0x47;
        System.arraycopy(stack, 0, longer, PAYLOAD, stack.length);
        System.arraycopy(frame, PAYLOAD, longer, PAYLOAD + stack.length, frame.length - PAYLOAD);
        return longer;
    }

    /** {@code label}, class 0, TTL 64. */
    private static String entry(int label, boolean bottom) {
        return "%05x%d40".formatted(label, bottom ? 1 : 0);
    }

    private static byte[] withTtl(int ttl) {
        return Frames.udp("1.1.2.92:7777 > 1.1.2.88:80").payload(8).ttl(ttl).bytes();
    }

    private String onlyActions() {
        assertThat(bench.datapath.flows()).hasSize(1);
        return bench.datapathActions().getFirst();
    }

    /** Match and actions of the datapath flow for packets of that recirculation. */
    private String flowText(int recirculation) {
        String of = "recirc_id(" + (recirculation == 0 ? "0" : "0x" + recirculation) + ")";
        return bench.datapath.flows().stream()
                .map(flow -> DatapathFlowText.line(flow, bench.clock.nowNs()))
                .filter(line -> line.contains(of))
                .map(line -> line.replaceFirst(", packets:.*, actions:", " "))
                .findFirst()
                .orElseThrow();
    }

    // ---- push ----

    @Test
    void theFirstLabelIsMadeOfTheIpHeader() {
        bench.flows("ip,actions=push_mpls:0x8847,set_field:10->mpls_label,output:2");
        assertThat(bench.receive(1, UDP)).containsExactly("2");
        assertThat(onlyActions()).isEqualTo("push_mpls(label=10,tc=0,ttl=64,bos=1,eth_type=0x8847),102");
        assertThat(bench.sentFrames().getFirst()).isEqualTo(labelled(UDP, entry(10, true)));
        assertThat(flowText(0))
                .startsWith(
                        "recirc_id(0),in_port(101),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(tos=0/0xfc,ttl=64,frag=no)");
    }

    @Test
    void ipv6IsLabelledByItsOwnNull() {
        byte[] frame = Frames.udp("[fd00::1]:1 > [fd00::2]:2")
                .payload(3)
                .tos(0x48)
                .ttl(9)
                .bytes();
        bench.flows("ipv6,actions=push_mpls:0x8848,output:2");
        bench.receive(1, frame);
        // DSCP 0x12, of which the class has room for the lower three bits.
        assertThat(onlyActions()).isEqualTo("push_mpls(label=2,tc=2,ttl=9,bos=1,eth_type=0x8848),102");
    }

    @Test
    void anythingElseIsLabelledWithTheUsualTtl() {
        bench.flows("arp,actions=push_mpls:0x8847,output:2");
        bench.receive(1, Frames.arpRequest("10.0.0.1 > 10.0.0.2").bytes());
        assertThat(onlyActions()).isEqualTo("push_mpls(label=0,tc=0,ttl=64,bos=1,eth_type=0x8847),102");
    }

    @Test
    void aFurtherLabelIsACopyThatIsNotTheBottom() {
        bench.flows(
                "ip,actions=push_mpls:0x8847,set_field:10->mpls_label,push_mpls:0x8847,set_field:20->mpls_label,output:2");
        bench.receive(1, UDP);
        assertThat(onlyActions())
                .isEqualTo("push_mpls(label=10,tc=0,ttl=64,bos=1,eth_type=0x8847),"
                        + "push_mpls(label=20,tc=0,ttl=64,bos=0,eth_type=0x8847),102");
        assertThat(bench.sentFrames().getFirst()).isEqualTo(labelled(UDP, entry(20, false), entry(10, true)));
    }

    @Test
    void moreLabelsThanTheKeyHasAreNotPushed() {
        String push = "push_mpls:0x8847,";
        bench.flows("ip,actions=" + push.repeat(3) + "output:2");
        bench.receive(1, UDP);
        assertThat(bench.sentFrames().getFirst())
                .isEqualTo(labelled(UDP, entry(0, false), entry(0, false), entry(0, true)));
        bench.flows("ip,actions=" + push.repeat(4) + "output:2");
        assertThat(bench.receive(1, UDP)).isEmpty();
        assertThat(onlyActions()).isEqualTo("drop");
    }

    @Test
    void tagsStayInFrontOfLabels() {
        byte[] tagged =
                Frames.udp("1.1.2.92:7777 > 1.1.2.88:80").payload(8).tag(5).bytes();
        bench.flows("ip,dl_vlan=5,actions=push_mpls:0x8847,set_field:10->mpls_label,output:2");
        bench.receive(1, tagged);
        byte[] sent = bench.sentFrames().getFirst();
        assertThat(HexFormat.of().formatHex(sent, 12, 24)).isEqualTo("810000058847" + entry(10, true) + "4500");
        assertThat(sent).hasSize(tagged.length + 4);
    }

    // ---- pop ----

    @Test
    void outputAloneNeedsNotKnowWhatIsBehindTheLastLabel() {
        bench.flows("mpls,mpls_label=20,actions=pop_mpls:0x0800,output:2");
        assertThat(bench.receive(1, labelled(UDP, entry(20, true)))).containsExactly("2");
        assertThat(bench.sentFrames().getFirst()).isEqualTo(UDP);
        assertThat(flowText(0))
                .isEqualTo("recirc_id(0),in_port(101),packet_type(ns=0,id=0),eth_type(0x8847),"
                        + "mpls(label=20/0xfffff,tc=0/0,ttl=64/0x0,bos=1/1) pop_mpls(eth_type=0x800),102");
    }

    @Test
    void whatLooksBehindTheLastLabelWaitsForRecirculation() {
        bench.flows("mpls,mpls_label=21,actions=pop_mpls:0x0800,dec_ttl,output:2");
        assertThat(bench.receive(1, labelled(UDP, entry(21, true)))).containsExactly("2");
        assertThat(bench.sentFrames().getFirst()).isEqualTo(withTtl(63));
        assertThat(flowText(0)).endsWith("bos=1/1) pop_mpls(eth_type=0x800),recirc(0x1)");
        assertThat(flowText(1)).endsWith("set(ipv4(ttl=63)),102");
    }

    @Test
    void tablesBehindAPopSeeTheInnerPacket() {
        bench.flows(
                "table=0,mpls,mpls_label=22,actions=pop_mpls:0x0800,resubmit(,1),output:4",
                "table=1,udp,tp_dst=80,actions=output:2",
                "table=1,priority=1,actions=output:3");
        assertThat(bench.receive(1, labelled(UDP, entry(22, true)))).containsExactly("2", "4");
    }

    @Test
    void stackAndRegistersOutliveTheRecirculation() {
        bench.flows(
                "table=0,mpls,mpls_label=60,actions=set_field:10->reg0,pop_mpls:0x8847,goto_table:1",
                "table=1,mpls,mpls_label=50,actions=push:NXM_NX_REG0[0..7],pop_mpls:0x0800,set_field:0->nw_ttl,"
                        + "pop:NXM_NX_REG1[0..7],move:NXM_NX_REG1[0..7]->NXM_NX_IP_TTL[],output:2");
        assertThat(bench.receive(1, labelled(UDP, entry(60, false), entry(50, true))))
                .containsExactly("2");
        assertThat(bench.sentFrames().getFirst()).isEqualTo(withTtl(10));
        assertThat(flowText(0)).endsWith(" pop_mpls(eth_type=0x8847),pop_mpls(eth_type=0x800),recirc(0x1)");
        assertThat(flowText(1)).endsWith("set(ipv4(ttl=10)),102");
    }

    @Test
    void whatIsLeftOfOuterTablesRunsAfterwardsToo() {
        bench.flows(
                "table=0,mpls,actions=resubmit(,1),output:3", "table=1,mpls,actions=pop_mpls:0x0800,dec_ttl,output:2");
        assertThat(bench.receive(1, labelled(UDP, entry(1, true)))).containsExactly("2", "3");
        assertThat(bench.sentBy(2).getFirst()[PAYLOAD + 8]).isEqualTo((byte) 63);
        assertThat(bench.sentBy(3).getFirst()[PAYLOAD + 8]).isEqualTo((byte) 63);
    }

    @Test
    void theActionSetWaitsForTheRecirculation() {
        bench.flows("mpls,actions=pop_mpls:0x0800,dec_ttl,write_actions(set_field:1.1.1.1->ip_dst,output:2)");
        bench.receive(1, labelled(UDP, entry(1, true)));
        assertThat(bench.sentFrames()).hasSize(1);
        assertThat(flowText(1)).endsWith("set(ipv4(dst=1.1.1.1,ttl=63)),102");
    }

    @Test
    void anActionSetPopsBeforeItPushes() {
        bench.flows("mpls,actions=write_actions(output:2,push_mpls:0x8847,set_mpls_label(7),pop_mpls:0x8847)");
        bench.receive(1, labelled(UDP, entry(3, false), entry(4, true)));
        assertThat(bench.sentFrames().getFirst()).isEqualTo(labelled(UDP, entry(7, false), entry(4, true)));
    }

    @Test
    void aStackDeeperThanTheKeyIsNotPopped() {
        byte[] deep = labelled(UDP, entry(1, false), entry(2, false), entry(3, false), entry(4, true));
        bench.flows("mpls,actions=pop_mpls:0x8847,output:2");
        assertThat(bench.receive(1, deep)).isEmpty();
        bench.flows("mpls,actions=set_mpls_label(9),output:2");
        assertThat(bench.receive(1, deep)).containsExactly("2");
        assertThat(bench.sentFrames().getFirst())
                .isEqualTo(labelled(UDP, entry(9, false), entry(2, false), entry(3, false), entry(4, true)));
    }

    @Test
    void aPacketWithoutLabelsStaysAsItIs() {
        bench.flows("actions=pop_mpls:0x0800,output:2");
        bench.receive(1, UDP);
        assertThat(bench.sentFrames().getFirst()).isEqualTo(UDP);
        assertThat(onlyActions()).isEqualTo("102");
    }

    // ---- parts of an entry ----

    @Test
    void partsAreRewrittenInOneEntry() {
        bench.flows("mpls,actions=set_mpls_label(100),set_mpls_tc(5),set_mpls_ttl(9),output:2");
        bench.receive(1, labelled(UDP, entry(1, true)));
        assertThat(onlyActions()).isEqualTo("set(mpls(label=100,tc=5,ttl=9,bos=1)),102");
        assertThat(bench.sentFrames().getFirst()).isEqualTo(labelled(UDP, "00064b09"));
    }

    @Test
    void timeToLiveGoesDownUntilThePacketIsTooOld() {
        bench.flows("mpls,actions=dec_mpls_ttl,output:2");
        bench.receive(1, labelled(UDP, entry(1, true)));
        assertThat(bench.sentFrames().getFirst()).isEqualTo(labelled(UDP, "0000113f"));
        for (String old : List.of("00001101", "00001100")) {
            assertThat(bench.receive(1, labelled(UDP, old))).isEmpty();
        }
        assertThat(bench.datapathActions())
                .filteredOn(actions -> actions.contains("userspace"))
                .hasSize(2);
    }

    @Test
    void onlyWhatFlowsLookAtTellsPacketsApart() {
        bench.flows("mpls,mpls_label=1,actions=output:2", "mpls,mpls_bos=1,mpls_tc=1,mpls_ttl=3,actions=output:3");
        assertThat(bench.receive(1, labelled(UDP, "00001100"))).containsExactly("2");
        assertThat(bench.receive(1, labelled(UDP, "00002303"))).containsExactly("3");
        assertThat(bench.receive(1, labelled(UDP, "00002203", "00002303"))).isEmpty();
        assertThat(bench.receive(1, labelled(UDP, "00002304"))).isEmpty();
    }

    // ---- groups and patch ports ----

    @Test
    void aBucketsLabelIsTakenOffBehindTheGroup() {
        bench.groups("group_id=1234,type=all,bucket=push_mpls:0x8847,output:2");
        bench.flows("ip,actions=group:1234,output:3,output:4");
        assertThat(bench.receive(1, UDP)).containsExactly("2", "3", "4");
        assertThat(onlyActions())
                .isEqualTo("push_mpls(label=0,tc=0,ttl=64,bos=1,eth_type=0x8847),102,pop_mpls(eth_type=0x800),103,104");
        assertThat(bench.sentBy(3).getFirst()).isEqualTo(UDP);
    }

    @Test
    void labelsAndRewritesBehindAPatchPortAreUndone() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        bench.join(bench.br0, 10, br1, 11);
        bench.addPort(br1, 5);
        bench.flows("in_port=1,ip,actions=output:10,output:2,output:2");
        bench.flows(br1, "in_port=11,ip,actions=dec_ttl,push_mpls:0x8847,output:5");
        assertThat(bench.receive(1, UDP)).containsExactly("5", "2", "2");
        assertThat(onlyActions())
                .isEqualTo("set(ipv4(ttl=63)),push_mpls(label=0,tc=0,ttl=63,bos=1,eth_type=0x8847),105,"
                        + "pop_mpls(eth_type=0x800),set(ipv4(ttl=64)),102,102");
        assertThat(bench.sentBy(2).getFirst()).isEqualTo(UDP);
    }

    @Test
    void aPoppedPacketGoesThroughAPatchPortAfterRecirculation() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        br1.setFailMode(BridgePipeline.FailMode.SECURE);
        bench.join(bench.br0, 10, br1, 11);
        bench.addPort(br1, 5);
        bench.flows("mpls,actions=pop_mpls:0x0800,output:10");
        bench.flows(br1, "in_port=11,udp,tp_dst=80,actions=output:5");
        assertThat(bench.receive(1, labelled(UDP, entry(1, true)))).containsExactly("5");
        assertThat(flowText(0)).endsWith("pop_mpls(eth_type=0x800),recirc(0x1)");
    }

    @Test
    void aSelectGroupChoosesOnceItSeesThePacket() {
        bench.groups(
                "group_id=1,type=select,selection_method=hash,bucket=output:2",
                "group_id=2,type=all,bucket=output:2",
                "group_id=3,type=all,bucket=dec_ttl,output:2");
        bench.flows(
                "mpls,mpls_label=1,actions=pop_mpls:0x0800,group:1",
                "mpls,mpls_label=2,actions=pop_mpls:0x0800,group:2",
                "mpls,mpls_label=3,actions=pop_mpls:0x0800,group:3");
        assertThat(bench.freshActions(PipelineBench.keyOf(1, labelled(UDP, entry(1, true)))))
                .startsWith("pop_mpls(eth_type=0x800),recirc(");
        assertThat(bench.freshActions(PipelineBench.keyOf(1, labelled(UDP, entry(2, true)))))
                .isEqualTo("pop_mpls(eth_type=0x800),102");
        assertThat(bench.freshActions(PipelineBench.keyOf(1, labelled(UDP, entry(3, true)))))
                .startsWith("pop_mpls(eth_type=0x800),recirc(");
        for (int label = 1; label <= 3; label++) {
            assertThat(bench.receive(1, labelled(UDP, entry(label, true)))).containsExactly("2");
        }
    }

    @Test
    void aBucketThatFailsFailsAlone() {
        bench.groups("group_id=1,type=all,bucket=push_mpls:0x8847,output:2,bucket=output:3");
        bench.flows("mpls,actions=group:1,output:4");
        byte[] full = labelled(UDP, entry(1, false), entry(2, false), entry(3, true));
        assertThat(bench.receive(1, full)).containsExactly("3", "4");
    }

    // ---- connections ----

    @Test
    void aPoppedPacketIsTracked() {
        PipelineBench tracked = PipelineBench.withTracker(3);
        tracked.flows(
                "mpls,actions=pop_mpls:0x0800,resubmit(,1)",
                "table=1,ip,ct_state=-trk,actions=ct(table=2)",
                "table=2,ip,ct_state=+new,actions=output:2");
        assertThat(tracked.receive(1, labelled(UDP, entry(1, true)))).containsExactly("2");
    }

    // ---- checks ----

    private OfErrorCode refusal(String line) {
        OfException refused = catchThrowableOfType(
                OfException.class, () -> bench.br0.apply(PipelineBench.parse(FlowMod.Command.ADD, line)));
        return refused == null ? null : refused.code();
    }

    @Test
    void flowsThatCannotBeAreRefused() {
        assertThat(refusal("ip,actions=push_mpls:0x0800,output:2")).isEqualTo(OfErrorCode.OFPBAC_BAD_ARGUMENT);
        assertThat(refusal("ip,actions=set_field:5->mpls_label,output:2"))
                .isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
        assertThat(refusal("ip,actions=push_mpls:0x8847,set_field:5->mpls_label,output:2"))
                .isNull();
        assertThat(refusal("tcp,actions=push_mpls:0x8847,set_field:5->tcp_dst,output:2"))
                .isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
        assertThat(refusal("mpls,actions=pop_mpls:0x0800,set_field:1.2.3.4->ip_src,output:2"))
                .isNull();
        assertThat(refusal("mpls,actions=pop_mpls:0x8847,set_field:1.2.3.4->ip_src,output:2"))
                .isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
    }
}
