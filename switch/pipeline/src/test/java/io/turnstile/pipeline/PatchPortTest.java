package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Walks through several bridges. */
class PatchPortTest {
    private final PipelineBench bench = new PipelineBench(3);

    @Test
    void patchPortCarriesTheWalkIntoTheOtherBridgeAndNothingBack() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        bench.addPort(br1, 7);
        bench.join(bench.br0, 10, br1, 11);
        br1.setFailMode(BridgePipeline.FailMode.SECURE);
        bench.flows(
                "in_port=1,actions=load:5->NXM_NX_REG0[],output:10,resubmit(,1)", "table=1,reg0=5,actions=output:2");
        bench.flows(br1, "in_port=11,reg0=0,actions=mod_dl_dst:00:00:00:00:00:99,load:9->NXM_NX_REG0[],output:7");
        assertThat(bench.receive(1, udp().eth(1, 2).bytes())).containsExactly("7", "2");
        assertThat(bench.sentFrames().get(0)[5]).isEqualTo((byte) 0x99);
        assertThat(bench.sentFrames().get(1)[5]).isEqualTo((byte) 2);
    }

    @Test
    void trackingBehindAPatchPortHappensToACopy() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        bench.addPort(br1, 7);
        bench.join(bench.br0, 10, br1, 11);
        br1.setFailMode(BridgePipeline.FailMode.SECURE);
        bench.flows("in_port=1,actions=output:10,output:2");
        bench.flows(
                br1, "ip,ct_state=-trk,actions=ct(table=4)", "table=4,actions=mod_dl_dst:00:00:00:00:00:99,output:7");
        assertThat(bench.receive(1, udp().eth(1, 2).bytes())).containsExactly("7", "2");
        assertThat(bench.sentFrames().get(1)[5]).isEqualTo((byte) 2);
        assertThat(bench.datapathActions()).contains("clone(ct,recirc(0x1)),102");
    }

    @Test
    void endlessLoopsBetweenBridgesEnd() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        bench.join(bench.br0, 10, br1, 11);
        br1.setFailMode(BridgePipeline.FailMode.SECURE);
        bench.flows("actions=output:10,IN_PORT");
        bench.flows(br1, "actions=IN_PORT");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("1");
    }

    /** As in Open vSwitch: the other bridge's action set stands in no flow of its own. */
    @Test
    void aPacketInOfTheOtherBridgesActionSetBearsTheCookieOfTheFlowThatLedThere() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        bench.join(bench.br0, 10, br1, 11);
        br1.setFailMode(BridgePipeline.FailMode.SECURE);
        bench.flows("cookie=0x5,actions=output:10");
        bench.flows(br1, "cookie=0x6,actions=write_actions(controller)");
        bench.receive(1, udp().bytes());
        assertThat(bench.datapathActions()).singleElement().asString().contains("rule_cookie=0x5,");
    }
}
