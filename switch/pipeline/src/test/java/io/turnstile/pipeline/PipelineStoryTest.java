package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Field;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.pipeline.text.FlowText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What packets meet in a bridge, told through a real datapath. */
class PipelineStoryTest {
    private final PipelineBench bench = new PipelineBench(3);

    private static Frame udp() {
        return Frames.udp("10.0.0.1:1000 > 10.0.0.2:2000");
    }

    private static Frame tcp(String sourceToDestination) {
        return Frames.tcp(sourceToDestination).ack().seq(1).ackNumber(1);
    }

    // ---- learning ----

    @Test
    void normalFloodsUntilItKnowsWhere() {
        bench.flows("actions=NORMAL");
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2", "3");
        assertThat(bench.receive(2, udp().eth(0xb, 0xa).bytes())).containsExactly("1");
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2");
    }

    @Test
    void normalDropsAFrameToItsOwnSenderFromTheFirstOn() {
        bench.flows("actions=NORMAL");
        assertThat(bench.receive(1, udp().eth(0xa, 0xa).bytes())).isEmpty();
        assertThat(bench.receive(1, udp().eth(0xa, 0xa).bytes())).isEmpty();
    }

    @Test
    void normalFollowsAStationThatMoves() {
        bench.flows("actions=NORMAL");
        bench.receive(2, udp().eth(0xb, 0xff).bytes());
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2");
        bench.receive(3, udp().eth(0xb, 0xff).bytes());
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("3");
    }

    @Test
    void stationThatMovesBackOverACachedFlowIsLearnedInMaintenance() {
        bench.flows("actions=NORMAL");
        bench.receive(2, udp().eth(0xb, 0xff).bytes());
        bench.receive(3, udp().eth(0xb, 0xff).bytes());
        bench.receive(2, udp().eth(0xb, 0xff).bytes());
        bench.pass(Duration.ofMillis(500));
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2");
    }

    @Test
    void addressesAreLearnedByVlan() {
        bench.flows("actions=NORMAL");
        bench.receive(2, udp().eth(0xb, 0xff).vlan(5).bytes());
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).vlan(6).bytes())).containsExactly("2", "3");
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).vlan(5).bytes())).containsExactly("2");
        assertThat(bench.br0.macEntries())
                .extracting(BridgePipeline.MacEntry::vlan)
                .containsExactly(5, 6, 5);
    }

    @Test
    void addressesAgeUnlessPacketsStillCome() {
        bench.flows("actions=NORMAL");
        bench.receive(2, udp().eth(0xb, 0xff).bytes());
        bench.receive(3, udp().eth(0xc, 0xff).bytes());
        bench.pass(Duration.ofSeconds(200));
        bench.receive(3, udp().eth(0xc, 0xff).bytes());
        bench.pass(Duration.ofSeconds(100));
        assertThat(bench.br0.macEntries())
                .extracting(BridgePipeline.MacEntry::mac)
                .containsExactly(0xcL);
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2", "3");
    }

    @Test
    void learnedPortThatGoesIsForgotten() {
        bench.flows("actions=NORMAL");
        bench.receive(2, udp().eth(0xb, 0xff).bytes());
        bench.receive(1, udp().eth(0xa, 0xb).bytes());
        bench.br0.removePort(2);
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("3");
    }

    @Test
    void reservedGroupAddressesAreNotForwarded() {
        bench.flows("actions=NORMAL");
        assertThat(bench.receive(1, udp().eth(0xa, 0x0180c2000000L).bytes())).isEmpty();
    }

    // ---- ports ----

    @Test
    void outputToTheIngressPortNeedsInPort() {
        bench.flows("in_port=1,actions=output:1", "in_port=2,actions=IN_PORT");
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
        assertThat(bench.receive(2, udp().bytes())).containsExactly("2");
    }

    @Test
    void portConfigIsHonoured() throws OfException {
        bench.flows("in_port=1,actions=FLOOD", "in_port=2,actions=ALL", "in_port=3,actions=output:1");
        bench.br0.modifyPort(3, OfPort.CONFIG_NO_FLOOD, OfPort.CONFIG_NO_FLOOD);
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
        assertThat(bench.receive(2, udp().bytes())).containsExactly("1", "3");
        bench.br0.modifyPort(1, OfPort.CONFIG_NO_FWD, OfPort.CONFIG_NO_FWD);
        assertThat(bench.receive(3, udp().bytes())).isEmpty();
        bench.br0.modifyPort(2, OfPort.CONFIG_NO_RECV, OfPort.CONFIG_NO_RECV);
        assertThat(bench.receive(2, udp().bytes())).isEmpty();
    }

    @Test
    void packetOfAnUnknownPortIsDroppedUntilThePortBelongsToABridge() {
        bench.flows("actions=output:2");
        assertThat(bench.receiveAt(109, udp().bytes())).isEmpty();
        assertThat(bench.receiveAt(109, udp().bytes())).isEmpty();
        bench.addPort(bench.br0, 9);
        assertThat(bench.receive(9, udp().bytes())).containsExactly("2");
    }

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

    // ---- tables ----

    @Test
    void resubmitReturnsAndMayLookUpAnotherPort() {
        bench.flows(
                "in_port=1,actions=resubmit(3,1),output:2",
                "table=1,in_port=3,actions=output:3",
                "table=1,actions=drop");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("3", "2");
    }

    @Test
    void resubmitToItselfEndsWithADropThatHasAName() {
        bench.flows("actions=output:2,resubmit(,0)");
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
        assertThat(bench.datapath.drops(DropReason.TRANSLATION_TOO_DEEP)).isEqualTo(1);
    }

    @Test
    void actionSetRunsAtTheEndInItsOwnOrder() {
        bench.flows(
                "actions=write_actions(output:3,set_field:00:00:00:00:00:07->eth_dst,output:2),goto_table:1",
                "table=1,actions=output:1");
        assertThat(bench.receive(3, udp().eth(1, 2).bytes())).containsExactly("1", "2");
        assertThat(bench.sentFrames().get(0)[5]).isEqualTo((byte) 2);
        assertThat(bench.sentFrames().get(1)[5]).isEqualTo((byte) 7);
    }

    @Test
    void metadataRegistersAndStackCarryValuesBetweenTables() {
        bench.flows(
                "actions=write_metadata:0x12,goto_table:1",
                "table=1,metadata=0x12,actions=move:OXM_OF_METADATA[0..7]->NXM_NX_REG1[8..15],resubmit(,2)",
                "table=2,reg1=0x1200,actions=push:NXM_NX_REG1[8..15],load:0->NXM_NX_REG1[],pop:NXM_NX_REG2[0..7],resubmit(,3)",
                "table=3,reg1=0,reg2=0x12,actions=load:2->NXM_NX_REG3[],output:NXM_NX_REG3[]");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
    }

    // ---- rewriting ----

    @Test
    void eachOutputSeesThePacketAsItIsByThen() {
        bench.flows(
                "in_port=1,ip,actions=output:2,mod_vlan_vid:7,mod_dl_src:00:00:00:00:00:55,output:3,strip_vlan,IN_PORT");
        assertThat(bench.receive(1, udp().eth(1, 2).bytes())).containsExactly("2", "3", "1");
        List<byte[]> frames = bench.sentFrames();
        assertThat(frames.get(0)[12]).isEqualTo((byte) 0x08);
        assertThat(frames.get(1)[12]).isEqualTo((byte) 0x81);
        assertThat(frames.get(1)[15]).isEqualTo((byte) 7);
        assertThat(frames.get(1)[11]).isEqualTo((byte) 0x55);
        assertThat(frames.get(2)[12]).isEqualTo((byte) 0x08);
        assertThat(frames.get(2)[11]).isEqualTo((byte) 0x55);
    }

    @Test
    void tagIsRewrittenInPlaceAndPushedOnTop() {
        bench.flows(
                "in_port=1,dl_vlan=5,actions=mod_vlan_vid:6,output:2,push_vlan:0x88a8,set_field:4105->vlan_vid,output:3");
        bench.receive(1, udp().vlan(5).bytes());
        assertThat(bench.datapathActions())
                .containsExactly("pop_vlan,push_vlan(vid=6,pcp=0),102,push_vlan(tpid=0x88a8,vid=9,pcp=0),103");
        assertThat(bench.sentFrames().get(1)[12]).isEqualTo((byte) 0x88);
        assertThat(bench.sentFrames().get(1)[19]).isEqualTo((byte) 6);
    }

    @Test
    void rewriteThatChangesNothingIsNotExecuted() {
        bench.flows("in_port=1,actions=mod_dl_dst:00:00:00:00:00:02,output:2");
        bench.receive(1, udp().eth(1, 2).bytes());
        bench.receive(1, udp().eth(1, 3).bytes());
        assertThat(bench.datapathActions()).containsExactlyInAnyOrder("102", "set(eth(dst=00:00:00:00:00:02)),102");
    }

    @Test
    void fieldThatThePacketLacksIsLeftAlone() {
        bench.flows(
                "in_port=1,ip,actions=resubmit(,1)",
                "in_port=1,actions=resubmit(,1)",
                "table=1,actions=dec_ttl,output:2");
        bench.receive(1, Frames.ethernet(0x1234, new byte[50]).bytes());
        bench.receive(1, udp().ttl(64).bytes());
        assertThat(bench.datapathActions()).containsExactlyInAnyOrder("102", "set(ipv4(ttl=63)),102");
    }

    @Test
    void packetAtTheEndOfItsLifeGoesToTheControllersInsteadAndTheCallerGoesOn() {
        Recorder recorder = new Recorder();
        bench.br0.subscribe(recorder);
        bench.flows("actions=resubmit(,1),output:3", "table=1,ip,actions=dec_ttl,output:2");
        assertThat(bench.receive(1, udp().ttl(1).bytes())).containsExactly("3");
        assertThat(recorder.events).containsExactly("packet-in reason=2 table=1 in_port=1");
    }

    // ---- conntrack ----

    private void firewall() {
        bench.flows(
                "priority=10,arp,actions=NORMAL",
                "priority=100,ip,ct_state=-trk,actions=ct(table=1)",
                "table=1,ip,in_port=1,ct_state=+trk+new,actions=ct(commit),output:2",
                "table=1,ip,ct_state=+trk+est,in_port=1,actions=output:2",
                "table=1,ip,ct_state=+trk+est,in_port=2,actions=output:1");
    }

    @Test
    void firewallLetsConnectionsOutAndRepliesIn() {
        firewall();
        assertThat(bench.receive(2, tcp("0.0.0.2:80 > 0.0.0.1:1000").bytes())).isEmpty();
        assertThat(bench.receive(1, tcp("0.0.0.1:1000 > 0.0.0.2:80").bytes())).containsExactly("2");
        assertThat(bench.receive(2, tcp("0.0.0.2:80 > 0.0.0.1:1000").bytes())).containsExactly("1");
        assertThat(bench.receive(1, tcp("0.0.0.1:1000 > 0.0.0.2:80").bytes())).containsExactly("2");
    }

    @Test
    void connectionsDoNotMakeDatapathFlowsOfTheirOwn() {
        firewall();
        for (int i = 0; i < 200; i++) {
            int port = 1000 + i;
            bench.receive(
                    1, tcp("0.0.0.1:" + port + " > 0.0.0." + (2 + i) + ":80").bytes());
            bench.receive(2, tcp("0.0.0." + (2 + i) + ":80 > 0.0.0.1:" + port).bytes());
            bench.receive(
                    1, tcp("0.0.0.1:" + port + " > 0.0.0." + (2 + i) + ":80").bytes());
        }
        assertThat(bench.datapath.statistics().misses()).isEqualTo(5);
        assertThat(bench.datapath.flows()).hasSize(5);
    }

    @Test
    void walkThatForksGoesOnUntracked() {
        bench.flows(
                "ip,ct_state=-trk,in_port=1,actions=ct(table=1,zone=3),resubmit(,2)",
                "table=1,ct_state=+trk,ct_zone=3,actions=output:2",
                "table=2,ct_state=-trk,actions=output:3");
        assertThat(bench.receive(1, udp().bytes())).containsExactlyInAnyOrder("2", "3");
    }

    @Test
    void registersTravelWithTheRecirculationAndEqualWalksShareAnId() {
        bench.flows(
                "in_port=1,ip,actions=load:2->NXM_NX_REG0[],ct(table=1)",
                "in_port=3,ip,actions=load:2->NXM_NX_REG0[],ct(table=1)",
                "table=1,actions=output:NXM_NX_REG0[]");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
        assertThat(bench.receive(1, tcp("10.0.0.1:1000 > 10.0.0.2:2000").bytes()))
                .containsExactly("2");
        assertThat(bench.pipeline.recirculationIds().size()).isEqualTo(1);
        assertThat(bench.receive(3, udp().bytes())).containsExactly("2");
        assertThat(bench.pipeline.recirculationIds().size())
                .as("in_port is part of the walk")
                .isEqualTo(2);
    }

    @Test
    void zoneAndMarksComeFromFields() {
        bench.flows(
                "ip,ct_state=-trk,actions=load:7->NXM_NX_REG0[0..15],ct(table=1,zone=NXM_NX_REG0[0..15])",
                "table=1,ip,ct_state=+new,ct_zone=7,actions=ct(commit,zone=7,exec(load:0x5->NXM_NX_CT_MARK[0..7]),table=2)",
                "table=2,ct_mark=5,actions=output:2");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
        assertThat(bench.datapathActions())
                .anyMatch(actions -> actions.startsWith("ct(commit,zone=7,mark=0x5/0xff),recirc("));
    }

    @Test
    void recirculationIdIsFreedSomeTimeAfterItsLastFlowAndAStrayPacketHasAName() {
        bench.flows("ip,ct_state=-trk,actions=ct(table=1)", "table=1,actions=output:2");
        bench.receive(1, udp().bytes());
        bench.change(bench.br0, FlowMod.Command.DELETE, "table=0");
        bench.pass(Duration.ofSeconds(9));
        assertThat(bench.pipeline.recirculationIds().size()).isEqualTo(1);
        bench.pass(Duration.ofSeconds(2));
        assertThat(bench.pipeline.recirculationIds().size()).isZero();
        long[] stray = PipelineBench.keyOf(1, udp().bytes());
        Field.RECIRC_ID.set(stray, 1);
        assertThat(bench.pipeline.miss(null, stray, bench.clock.nowNs()).actions())
                .containsExactly(new io.turnstile.datapath.DatapathAction.Drop(DropReason.RECIRCULATION_LOST));
    }

    // ---- counters, timeouts, events ----

    @Test
    void countersAreExactWhenAsked() {
        bench.flows("actions=resubmit(,1),output:2", "table=1,udp,actions=drop");
        for (int i = 0; i < 5; i++) {
            bench.receive(1, udp().bytes());
        }
        bench.receive(1, tcp("10.0.0.1:1000 > 10.0.0.2:2000").bytes());
        assertThat(bench.packetCount("table=0")).isEqualTo(6);
        assertThat(bench.packetCount("table=1")).isEqualTo(5);
        assertThat(bench.br0.tables().get(1).lookupCount()).isEqualTo(6);
        assertThat(bench.br0.tables().get(1).matchedCount()).isEqualTo(5);
    }

    @Test
    void idleTimeoutCountsFromTheLastPacket() {
        Recorder recorder = new Recorder();
        bench.br0.subscribe(recorder);
        bench.flows(
                "idle_timeout=10,send_flow_rem,actions=output:2", "table=3,hard_timeout=12,send_flow_rem,actions=drop");
        bench.pass(Duration.ofSeconds(6));
        bench.receive(1, udp().bytes());
        bench.pass(Duration.ofSeconds(6));
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::tableId)
                .containsExactly(0);
        bench.pass(Duration.ofSeconds(4));
        assertThat(bench.allFlows()).isEmpty();
        assertThat(recorder.events)
                .containsExactly("removed table=3 reason=1 packets=0", "removed table=0 reason=0 packets=1");
    }

    @Test
    void deletedFlowReportsItsLastPacket() {
        Recorder recorder = new Recorder();
        bench.br0.subscribe(recorder);
        bench.flows("send_flow_rem,actions=output:2");
        bench.receive(1, udp().bytes());
        bench.change(bench.br0, FlowMod.Command.DELETE, "");
        assertThat(recorder.events).containsExactly("removed table=0 reason=2 packets=1");
    }

    @Test
    void controllerGetsThePacketWithItsPipelineFields() {
        Recorder recorder = new Recorder();
        bench.br0.subscribe(recorder);
        bench.flows("in_port=1,cookie=0x77,actions=load:3->NXM_NX_REG4[],controller");
        bench.receive(1, udp().bytes());
        assertThat(recorder.events).containsExactly("packet-in reason=1 table=0 in_port=1");
        assertThat(recorder.lastMetadata)
                .isEqualTo(Match.builder()
                        .exact(Field.IN_PORT, 1)
                        .exact(Field.REG4, 3)
                        .build());
    }

    @Test
    void missIsAPacketInOnlyForThoseWhoExpectIt() throws Exception {
        Recorder recorder = new Recorder();
        AutoCloseable subscription = bench.br0.subscribe(recorder);
        bench.receive(1, udp().bytes());
        recorder.wantsMisses = true;
        bench.br0.refreshSubscribers();
        bench.receive(1, udp().bytes());
        subscription.close();
        bench.receive(1, udp().bytes());
        assertThat(recorder.events).containsExactly("packet-in reason=0 table=0 in_port=1");
    }

    @Test
    void eventsCanBeAwaitedWhoeverDeliversThem() throws Exception {
        try (var pool = java.util.concurrent.Executors.newSingleThreadExecutor()) {
            Pipeline pipeline = new Pipeline(bench.datapath, bench.clock, pool);
            BridgePipeline bridge = pipeline.addBridge("br9", 9);
            Recorder recorder = new Recorder();
            AutoCloseable subscription = bridge.subscribe(recorder);
            bridge.addPort(new OfPort(1, -1, "a", 0, 0, 0, null, 0));
            bridge.awaitEvents();
            assertThat(recorder.events).containsExactly("port a reason=0");
            subscription.close();
            bridge.awaitEvents();
        }
    }

    @Test
    void packetOutRunsItsActionsAtOnce() throws Exception {
        bench.flows("in_port=2,actions=output:3");
        bench.br0.packetOut(OfAction.Ports.NONE, FlowText.parseActions("output:1"), udp().bytes());
        assertThat(bench.sentPorts()).containsExactly("1");
        bench.br0.packetOut(2, FlowText.parseActions("output:1,TABLE"), udp().bytes());
        assertThat(bench.sentPorts()).containsExactly("1", "1", "3");
        assertThat(bench.packetCount("table=0")).isEqualTo(1);
    }

    // ---- flow modifications ----

    @Test
    void changedFlowForwardsNothingTheOldWay() {
        bench.flows("in_port=1,actions=output:2");
        bench.receive(1, udp().bytes());
        bench.flows("in_port=1,actions=output:3");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("3");
        bench.flows("priority=40000,udp,actions=output:2");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
        bench.change(bench.br0, FlowMod.Command.DELETE, "udp");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("3");
        bench.change(bench.br0, FlowMod.Command.MODIFY, "actions=drop");
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
    }

    @Test
    void flowThatCannotMatterLeavesDatapathFlowsAlone() {
        bench.flows("priority=5,in_port=1,udp,actions=output:2");
        bench.receive(1, udp().bytes());
        bench.flows(
                "priority=4,in_port=1,actions=drop",
                "priority=6,in_port=1,tcp,actions=drop",
                "table=9,actions=drop",
                "priority=9,in_port=2,actions=drop");
        bench.receive(1, udp().bytes());
        assertThat(bench.datapath.statistics().misses()).isEqualTo(1);
        bench.flows("priority=6,in_port=1,udp,tp_dst=2000,actions=drop");
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
    }

    @Test
    void bundleIsAllOrNothing() {
        bench.flows("in_port=1,actions=output:2");
        List<FlowMod> changes = List.of(
                PipelineBench.parse(FlowMod.Command.DELETE, ""),
                PipelineBench.parse(FlowMod.Command.ADD, "in_port=1,actions=output:3"),
                PipelineBench.parse(FlowMod.Command.ADD, "table=5,actions=goto_table:5"));
        OpenFlowSwitch.BundleException refused =
                catchThrowableOfType(OpenFlowSwitch.BundleException.class, () -> bench.br0.applyAll(changes));
        assertThat(refused.index()).isEqualTo(2);
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
        assertThat(bench.allFlows()).hasSize(1);
    }

    @Test
    void modifyKeepsCountersAndAddReplacesThem() throws Exception {
        bench.flows("cookie=1,in_port=1,actions=output:2");
        bench.receive(1, udp().bytes());
        bench.change(bench.br0, FlowMod.Command.MODIFY_STRICT, "in_port=1,actions=output:3");
        assertThat(bench.packetCount("")).isEqualTo(1);
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::cookie)
                .containsExactly(1L);
        bench.flows("in_port=1,reset_counts,actions=output:3");
        assertThat(bench.packetCount("")).isZero();
    }

    @Test
    void modifyOfNothingAddsOnlyForOldProtocols() throws Exception {
        FlowMod modify = PipelineBench.parse(FlowMod.Command.MODIFY, "table=7,in_port=1,actions=drop");
        bench.br0.apply(modify);
        assertThat(bench.allFlows()).isEmpty();
        bench.br0.apply(new FlowMod(
                modify.command(),
                7,
                modify.priority(),
                modify.match(),
                0,
                0,
                5,
                0,
                0,
                0,
                modify.outPort(),
                java.util.Set.of(),
                modify.actions()));
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::cookie)
                .containsExactly(5L);
    }

    @Test
    void deleteSelectsByCookieOutputAndTable() {
        bench.flows(
                "cookie=0x11,in_port=1,actions=output:2",
                "cookie=0x12,in_port=2,actions=output:3",
                "table=1,cookie=0x11,in_port=1,actions=output:3");
        bench.change(bench.br0, FlowMod.Command.DELETE, "cookie=0x12/0xff");
        assertThat(bench.allFlows()).hasSize(2);
        bench.change(bench.br0, FlowMod.Command.DELETE, "out_port=3");
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::tableId)
                .containsExactly(0);
        bench.change(bench.br0, FlowMod.Command.DELETE_STRICT, "priority=7,in_port=1");
        assertThat(bench.allFlows()).hasSize(1);
    }

    // ---- fail mode ----

    @Test
    void newBridgeSwitchesByAVisibleFlowAndASecureOneDoesNot() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        OpenFlowSwitch.FlowQuery all =
                new OpenFlowSwitch.FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE);
        assertThat(br1.flows(all)).singleElement().satisfies(flow -> {
            assertThat(flow.priority()).isZero();
            assertThat(FlowText.format(flow.actions())).isEqualTo("NORMAL");
        });
        br1.setFailMode(BridgePipeline.FailMode.SECURE);
        assertThat(br1.flows(all)).isEmpty();
        assertThat(br1.isStandalone()).isFalse();
    }

    @Test
    void standaloneBridgeTakesOverWhenItsControllersStaySilent() {
        bench.br0.setFailMode(BridgePipeline.FailMode.STANDALONE);
        bench.br0.setControllersConfigured(true);
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
        bench.pass(Duration.ofSeconds(15));
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2", "3");
        assertThat(bench.br0.isStandalone()).isTrue();
        assertThat(bench.allFlows()).as("the flow is hidden").isEmpty();
        bench.br0.controllerConnected(true);
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
    }

    /** Notes events as short texts. */
    private static final class Recorder implements OpenFlowSwitch.Events {
        private final List<String> events = new ArrayList<>();
        private Match lastMetadata;
        private boolean wantsMisses;

        @Override
        public void packetIn(
                byte[] frame,
                int maxLengthBytes,
                int reason,
                int tableId,
                long cookie,
                int controllerId,
                Match metadata) {
            lastMetadata = metadata;
            events.add(
                    "packet-in reason=" + reason + " table=" + tableId + " in_port=" + metadata.value(Field.IN_PORT));
        }

        @Override
        public void flowRemoved(OpenFlowSwitch.FlowStats flow, int reason) {
            events.add("removed table=" + flow.tableId() + " reason=" + reason + " packets=" + flow.packetCount());
        }

        @Override
        public boolean wantsPacketInOnMiss() {
            return wantsMisses;
        }

        @Override
        public void portStatus(OfPort port, int reason) {
            events.add("port " + port.name() + " reason=" + reason);
        }
    }
}
