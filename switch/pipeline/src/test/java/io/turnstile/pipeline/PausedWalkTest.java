package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.OpenFlowSwitch.PacketIn;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@code controller(pause)}: the packet stops where it is, and goes on from there with all that belongs to it. */
class PausedWalkTest {
    private static final byte[] FRAME = udp().eth(1, 2).bytes();

    private final PipelineBench bench = PipelineBench.withTracker(4);
    private final EventRecorder recorder = new EventRecorder();

    PausedWalkTest() {
        bench.br0.subscribe(recorder);
    }

    /** Receives the frame at port 1 and has it paused; returns the packet-in. */
    private PacketIn paused(String... flows) {
        bench.flows(flows);
        bench.receive(1, FRAME);
        return lastPaused();
    }

    private PacketIn lastPaused() {
        assertThat(recorder.lastPacket).isNotNull();
        assertThat(recorder.lastPacket.paused()).isNotNull();
        return recorder.lastPacket;
    }

    /** The ports that the packet leaves by from here on. */
    private List<String> resume(PacketIn packet, Match fields) {
        int before = bench.sentPorts().size();
        try {
            bench.br0.resume(packet.paused(), fields, packet.frame());
        } catch (OfException e) {
            throw new AssertionError(e);
        }
        List<String> sent = bench.sentPorts();
        return sent.subList(before, sent.size());
    }

    private List<String> resume(PacketIn packet) {
        return resume(packet, packet.metadata());
    }

    @Test
    void whatStandsBehindTheActionRunsWhenAControllerSaysSo() {
        PacketIn packet = paused("in_port=1,actions=output:2,load:7->NXM_NX_REG1[],controller(pause),output:3");
        assertThat(bench.sentPorts()).containsExactly("2");
        assertThat(packet.metadata().value(Field.REG1)).isEqualTo(7);
        assertThat(packet.tableId()).isZero();
        assertThat(resume(packet)).containsExactly("3");
        assertThat(resume(packet)).as("as often as it is said").containsExactly("3");
    }

    @Test
    void listsThatCalledTheOneThatPausesGoOnBehindIt() {
        PacketIn packet = paused(
                "in_port=1,actions=resubmit(,1),output:4",
                "table=1,actions=load:5->NXM_NX_REG0[],resubmit(,2),output:3",
                "table=2,actions=controller(pause),resubmit(,3)",
                "table=3,reg0=5,actions=output:2");
        assertThat(bench.sentPorts()).isEmpty();
        assertThat(resume(packet)).containsExactly("2", "3", "4");
    }

    @Test
    void instructionsBehindItAreNotLost() {
        PacketIn packet = paused(
                "in_port=1,actions=controller(pause),clear_actions,write_actions(output:3),write_metadata:0x7/0xf,goto_table:1",
                "table=1,metadata=0x7,actions=output:2");
        assertThat(resume(packet)).containsExactly("2", "3");
    }

    @Test
    void theActionSetWaitsToo() {
        PacketIn packet = paused(
                "in_port=1,actions=write_actions(set_field:00:00:00:00:00:99->eth_dst,output:2),goto_table:1",
                "table=1,actions=controller(pause),goto_table:2",
                "table=2,actset_output=2,actions=output:3");
        assertThat(resume(packet)).containsExactly("3", "2");
        assertThat(bench.sentBy(2).getFirst()[5]).isEqualTo((byte) 0x99);
    }

    @Test
    void aCloneIsPausedAlone() {
        PacketIn packet =
                paused("in_port=1,actions=clone(mod_dl_dst:00:00:00:00:00:99,controller(pause),output:2),output:3");
        assertThat(bench.sentPorts()).containsExactly("3");
        assertThat(bench.sentBy(3).getFirst()[5]).isEqualTo((byte) 2);
        assertThat(resume(packet)).containsExactly("2");
        assertThat(bench.sentBy(2).getFirst()[5]).isEqualTo((byte) 0x99);
    }

    @Test
    void aBucketIsPausedAlone() {
        bench.groups("group_id=1,type=all,bucket=resubmit(,5),bucket=output:3");
        PacketIn packet = paused("in_port=1,actions=group:1,output:4", "table=5,actions=controller(pause),output:2");
        assertThat(bench.sentPorts()).containsExactly("3", "4");
        assertThat(resume(packet)).containsExactly("2");
    }

    @Test
    void behindAPatchPortTheOtherBridgeIsPausedAlone() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        bench.addPort(br1, 7);
        bench.join(bench.br0, 10, br1, 11);
        br1.setFailMode(BridgePipeline.FailMode.SECURE);
        br1.subscribe(recorder);
        bench.flows(br1, "in_port=11,actions=load:6->NXM_NX_REG0[],controller(pause),resubmit(,1)");
        bench.flows(br1, "table=1,in_port=11,reg0=6,actions=output:7");
        PacketIn packet = paused("in_port=1,actions=load:5->NXM_NX_REG0[],output:10,output:2");
        assertThat(bench.sentPorts()).containsExactly("2");
        assertThat(packet.paused().bridge()).isEqualTo(br1.identity());
        assertThat(resume(packet)).containsExactly("7");
    }

    @Test
    void itCanBePausedAgain() {
        PacketIn first = paused(
                "in_port=1,actions=resubmit(,1),output:4",
                "table=1,actions=controller(pause),controller(pause),output:2");
        assertThat(resume(first)).isEmpty();
        PacketIn second = lastPaused();
        assertThat(second).isNotSameAs(first);
        assertThat(resume(second)).containsExactly("2", "4");
    }

    @Test
    void theStackWaitsToo() {
        PacketIn packet =
                paused("in_port=1,actions=load:0x12345->NXM_NX_REG0[],push:NXM_NX_REG0[],load:2->NXM_NX_REG0[],"
                        + "push:NXM_NX_REG0[],controller(pause),pop:NXM_NX_REG1[],pop:NXM_NX_REG2[],resubmit(,1)");
        bench.flows("table=1,reg1=2,reg2=0x12345,actions=output:3");
        assertThat(resume(packet)).containsExactly("3");
    }

    @Test
    void aControllerMayChangePacketAndFields() throws OfException {
        PacketIn packet = paused(
                "in_port=1,actions=load:1->NXM_NX_REG0[],controller(pause),resubmit(,1)",
                "table=1,reg0=1,actions=output:2",
                "table=1,reg0=9,in_port=3,actions=output:4");
        Match changed = Match.builder()
                .exact(Field.IN_PORT, 3)
                .exact(Field.REG0, 9)
                .exact(Field.PKT_MARK, 5)
                .build();
        byte[] frame = packet.frame().clone();
        frame[5] = 0x55;
        bench.br0.resume(packet.paused(), changed, frame);
        assertThat(bench.sentPorts()).containsExactly("4");
        assertThat(bench.sentFrames().getFirst()[5]).isEqualTo((byte) 0x55);
    }

    @Test
    void packetInsOfTheRestNameTheirTableAndFlow() {
        PacketIn packet = paused(
                "cookie=0x11,in_port=1,actions=resubmit(,1),controller",
                "table=1,cookie=0x22,actions=controller(pause),controller(id=0,max_len=99)");
        recorder.events.clear();
        resume(packet);
        assertThat(recorder.events)
                .containsExactly("packet-in reason=1 table=1 in_port=1", "packet-in reason=1 table=0 in_port=1");
        assertThat(recorder.lastCookie).isEqualTo(0x11);
    }

    @Test
    void whatTheTrackerSaidIsKept() {
        PacketIn packet = paused(
                "in_port=1,ip,actions=ct(table=1,zone=9)",
                "table=1,ct_state=+new+trk,ip,actions=controller(pause),resubmit(,2)",
                "table=2,ct_state=+new+trk,ct_zone=9,ip,actions=ct(commit,zone=9),output:2");
        assertThat(FlowText.format(packet.metadata())).contains("ct_state=new|trk", "ct_zone=9");
        assertThat(resume(packet)).containsExactly("2");
    }

    @Test
    void withoutATrackerBeforeItThereIsNoConnectionAfterIt() {
        PacketIn packet =
                paused("in_port=1,actions=controller(pause),resubmit(,2)", "table=2,ct_state=-trk,actions=output:3");
        Match claimed = Match.builder()
                .exact(Field.IN_PORT, 1)
                .exact(Field.CT_STATE, 0x21)
                .build();
        assertThat(resume(packet, claimed)).containsExactly("3");
    }

    @Test
    void aTrackerBehindItRecirculates() {
        PacketIn packet = paused(
                "in_port=1,ip,actions=load:3->NXM_NX_REG3[],controller(pause),ct(table=1)",
                "table=1,reg3=3,ct_state=+trk+new,ip,actions=output:2");
        assertThat(resume(packet)).containsExactly("2");
    }

    @Test
    void eachLengthIsPausedByItself() {
        PacketIn packet = paused(
                "in_port=1,actions=check_pkt_larger(10)->NXM_NX_REG0[0],controller(pause),resubmit(,1)",
                "table=1,reg0=1,actions=output:2",
                "table=1,reg0=0,actions=output:3");
        assertThat(resume(packet)).containsExactly("2");
    }

    @Test
    void aSelectGroupBehindItHashesAtOnce() {
        bench.groups("group_id=1,type=select,bucket=output:2");
        assertThat(resume(paused("in_port=1,actions=controller(pause),group:1")))
                .containsExactly("2");
    }

    @Test
    void flowsCountWhatTheyGetAfterThePause() {
        PacketIn packet = paused("in_port=1,actions=controller(pause),resubmit(,1)", "table=1,actions=output:2");
        resume(packet);
        resume(packet);
        assertThat(bench.packetCount("table=1")).isEqualTo(2);
        assertThat(bench.packetCount("table=0")).isEqualTo(1);
    }

    @Test
    void withoutItsBridgeAPacketDoesNotGoOn() {
        PacketIn packet = paused("in_port=1,actions=controller(pause),output:2");
        bench.pipeline.addBridge("br1", 2);
        bench.pipeline.removeBridge("br0");
        BridgePipeline again = bench.pipeline.addBridge("br0", 1);
        assertThatThrownBy(() -> again.resume(packet.paused(), packet.metadata(), packet.frame()))
                .isInstanceOfSatisfying(
                        OfException.class, e -> assertThat(e.code()).isEqualTo(OfErrorCode.NXR_STALE));
    }

    @Test
    void actionsThatNoFlowMayHaveAreRefused() throws Exception {
        PacketIn packet = paused("in_port=1,actions=controller(pause),output:2");
        OfAction outside = FlowText.parseActions("ct(nat)").getFirst().nested().getFirst();
        PausedWalk forged = new PausedWalk(
                packet.paused().bridge(),
                101,
                List.of(),
                false,
                List.of(new PausedWalk.Rest(0, 0, List.of(outside))),
                List.of());
        assertThatThrownBy(() -> bench.br0.resume(forged, packet.metadata(), packet.frame()))
                .isInstanceOfSatisfying(
                        OfException.class, e -> assertThat(e.code()).isEqualTo(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT));
    }

    @Test
    void theDatapathShowsThatThePacketWaits() {
        paused("in_port=1,cookie=0x5,actions=controller(pause,max_len=100,id=3),output:2");
        assertThat(bench.datapathActions())
                .containsExactly("userspace(pid=0,controller(reason=1,dont_send=0,continuation=1,recirc_id=0,"
                        + "rule_cookie=0x5,controller_id=3,max_len=100))");
    }

    @Test
    void aMeterOfTheActionLimitsItsPackets() {
        bench.flows("in_port=1,actions=controller(meter_id=5)");
        for (int i = 0; i < 3; i++) {
            bench.receive(1, FRAME);
        }
        assertThat(recorder.events).as("without the meter").hasSize(3);
        bench.meter(5, 1);
        for (int i = 0; i < 3; i++) {
            bench.receive(1, FRAME);
        }
        assertThat(recorder.events).as("the meter is there now").hasSize(4);
    }
}
