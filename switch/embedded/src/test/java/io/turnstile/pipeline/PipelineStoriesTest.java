package io.turnstile.pipeline;

import static io.turnstile.testing.TestFrame.MAC_A;
import static io.turnstile.testing.TestFrame.MAC_B;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.datapath.DropReason;
import io.turnstile.embedded.EmbeddedSwitch;
import io.turnstile.testing.TestFrame;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What ovs-actions(7) and the OpenFlow specifications promise, one promise a test. */
class PipelineStoriesTest {
    private static final TestFrame UDP = TestFrame.udp("10.0.0.1", 1000, "10.0.0.2", 53);
    private final EmbeddedSwitch sw = EmbeddedSwitch.builder().ports(1, 2, 3, 4).start();

    @BeforeEach
    void empty() {
        sw.deleteFlows();
    }

    @AfterEach
    void end() {
        sw.close();
    }

    private List<byte[]> through(String flows, TestFrame frame) {
        sw.flows(flows);
        sw.receive(1, frame.bytes());
        return sw.takeSentBytes(2);
    }

    private void assertSentBy(int... ports) {
        for (int port = 1; port <= 4; port++) {
            int number = port;
            boolean wanted = java.util.Arrays.stream(ports).anyMatch(p -> p == number);
            assertThat(sw.takeSentBytes(port)).as("port " + port).hasSize(wanted ? 1 : 0);
        }
    }

    @Test
    void higherPriorityWinsWhateverTheOrderOfAdding() {
        assertThat(through("""
            priority=5,udp actions=3
            priority=10,in_port=1 actions=2
            priority=7,in_port=1,udp actions=4
            """, UDP)).hasSize(1);
        assertSentBy();
    }

    @Test
    void resubmitComesBackAndGotoDoesNotReturn() {
        sw.flows("""
            in_port=1 actions=load:1->NXM_NX_REG0[],resubmit(,1),output:NXM_NX_REG1[]
            table=1,reg0=1 actions=3,load:2->NXM_NX_REG1[],goto_table:2
            table=2 actions=4
            """);
        sw.receive(1, UDP.bytes());
        assertSentBy(2, 3, 4);
    }

    @Test
    void metadataGoesWithThePacketThroughTables() {
        assertThat(through("""
            in_port=1 actions=write_metadata:0x12/0xff,goto_table:1
            table=1,metadata=0x10/0xf0 actions=2
            """, UDP)).hasSize(1);
    }

    @Test
    void outputSeesOnlyWhatWasSetBeforeIt() {
        assertThat(through("in_port=1,udp actions=2,mod_nw_dst:10.0.0.9,2,mod_tp_dst:54,2", UDP))
                .containsExactly(
                        UDP.bytes(),
                        TestFrame.udp("10.0.0.1", 1000, "10.0.0.9", 53).bytes(),
                        TestFrame.udp("10.0.0.1", 1000, "10.0.0.9", 54).bytes());
    }

    @Test
    void fieldSetBackGoesBackToTheWire() {
        assertThat(through("in_port=1,udp actions=mod_tp_dst:54,2,mod_tp_dst:53,2", UDP))
                .containsExactly(TestFrame.udp("10.0.0.1", 1000, "10.0.0.2", 54).bytes(), UDP.bytes());
    }

    @Test
    void moveCopiesBitsBetweenFields() {
        assertThat(through(
                        "in_port=1,udp actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],load:0xb->NXM_OF_ETH_SRC[0..7],2",
                        UDP))
                .containsExactly(UDP.mac(MAC_A, MAC_B).bytes());
    }

    @Test
    void vlanTagsArePushedChangedAndPopped() {
        assertThat(through("in_port=1 actions=2,mod_vlan_vid:5,2,mod_vlan_pcp:3,2,strip_vlan,2", UDP))
                .containsExactly(
                        UDP.bytes(), UDP.tag(5).bytes(), UDP.tag(5 | 3 << 13).bytes(), UDP.bytes());
    }

    @Test
    void secondTagIsPushedOutsideWithTheFirstOnesValue() {
        sw.flows("in_port=1 actions=push_vlan:0x8100,set_field:0x1006->vlan_vid,2,pop_vlan,2");
        sw.receive(1, UDP.tag(5).bytes());
        assertThat(sw.takeSentBytes(2))
                .containsExactly(UDP.tag(5).tag(6).bytes(), UDP.tag(5).bytes());
    }

    @Test
    void ttlOfOneGoesToTheControllerAndNoFurther() {
        TestFrame dying =
                TestFrame.ip("10.0.0.1", "10.0.0.2", TestFrame.UDP, TestFrame.udpHeader(1, 2, new byte[0]), 1, 0);
        TestFrame living =
                TestFrame.ip("10.0.0.1", "10.0.0.2", TestFrame.UDP, TestFrame.udpHeader(1, 2, new byte[0]), 2, 0);
        assertThat(through("ip actions=dec_ttl,2", living)).containsExactly(dying.bytes());
        sw.receive(1, dying.bytes());
        assertThat(sw.takeSentBytes(2)).isEmpty();
        assertThat(sw.takePacketIns())
                .singleElement()
                .satisfies(in -> assertThat(in.reason()).isEqualTo(2));
    }

    @Test
    void packetDoesNotGoBackUnlessInPortSaysSo() {
        sw.flows("in_port=1 actions=1");
        sw.receive(1, UDP.bytes());
        assertSentBy();
        sw.flows("in_port=1 actions=IN_PORT");
        sw.receive(1, UDP.bytes());
        assertSentBy(1);
    }

    @Test
    void floodSparesPortsThatAskForIt() throws OfException {
        sw.flows("in_port=1 actions=FLOOD");
        sw.openFlow().modifyPort(3, OfPort.CONFIG_NO_FLOOD, OfPort.CONFIG_NO_FLOOD);
        sw.receive(1, UDP.bytes());
        assertSentBy(2, 4);
        sw.flows("in_port=1 actions=ALL");
        sw.receive(1, UDP.bytes());
        assertSentBy(2, 3, 4);
        sw.openFlow().modifyPort(2, OfPort.CONFIG_NO_FWD, OfPort.CONFIG_NO_FWD);
        sw.receive(1, UDP.bytes());
        assertSentBy(3, 4);
        sw.openFlow().modifyPort(1, OfPort.CONFIG_NO_RECV, OfPort.CONFIG_NO_RECV);
        sw.receive(1, UDP.bytes());
        assertSentBy();
    }

    @Test
    void normalLearnsMovesAndForgets() {
        sw.flows("actions=NORMAL");
        byte[] fromA = UDP.bytes();
        byte[] toA = UDP.mac(MAC_A, MAC_B).bytes();
        sw.receive(1, fromA);
        assertSentBy(2, 3, 4);
        sw.receive(2, toA);
        assertSentBy(1);
        sw.receive(3, fromA); // A has moved.
        assertSentBy(2);
        sw.receive(2, toA);
        assertSentBy(3);
        sw.advance(Duration.ofSeconds(290));
        sw.receive(3, fromA);
        sw.takeSentBytes(2);
        sw.advance(Duration.ofSeconds(290));
        sw.receive(4, UDP.mac(MAC_A, MAC_B + 1).bytes());
        assertSentBy(3);
        sw.advance(Duration.ofSeconds(301));
        sw.receive(2, toA);
        assertSentBy(1, 3, 4);
    }

    @Test
    void vlansLearnApart() {
        sw.flows("actions=NORMAL");
        sw.receive(1, UDP.tag(5).bytes());
        assertSentBy(2, 3, 4);
        sw.receive(2, UDP.mac(MAC_A, MAC_B).tag(6).bytes());
        assertSentBy(1, 3, 4);
        sw.receive(2, UDP.mac(MAC_A, MAC_B).tag(5).bytes());
        assertSentBy(1);
    }

    @Test
    void packetOutMayGoThroughTheTables() {
        sw.flows("in_port=3,udp actions=2");
        sw.packetOut(3, "TABLE", UDP.bytes());
        assertThat(sw.takeSentBytes(2)).containsExactly(UDP.bytes());
        assertThat(sw.dumpFlows().getFirst()).contains("n_packets=1");
    }

    @Test
    void packetOutMayBeTracked() {
        sw.flows("table=1,ct_state=+trk+new actions=2");
        sw.packetOut(3, "ct(table=1)", UDP.bytes());
        assertThat(sw.takeSentBytes(2)).containsExactly(UDP.bytes());
    }

    @Test
    void zoneMayComeFromAFieldAndMarksAndLabelsStay() {
        sw.flows("""
            in_port=1,ct_state=-trk,udp actions=load:9->NXM_NX_REG0[0..15],\
            ct(commit,zone=NXM_NX_REG0[0..15],exec(load:5->NXM_NX_CT_MARK[],load:6->NXM_NX_CT_LABEL[0..63])),2
            in_port=2,ct_state=-trk,udp actions=ct(table=1,zone=9)
            in_port=3,ct_state=-trk,udp actions=ct(table=1,zone=8)
            table=1,ct_state=+est+rpl,ct_zone=9,ct_mark=5,ct_label=6 actions=1
            table=1,ct_state=+new actions=4
            """);
        byte[] answer = TestFrame.udp("10.0.0.2", 53, "10.0.0.1", 1000).bytes();
        sw.receive(1, UDP.bytes());
        assertSentBy(2);
        sw.receive(2, answer);
        assertSentBy(1);
        sw.receive(3, answer);
        assertSentBy(4);
    }

    @Test
    void ctClearMakesThePacketUntrackedAgain() {
        sw.flows("""
            in_port=1,ct_state=-trk,udp actions=ct(table=1)
            table=1,ct_state=+trk actions=ct_clear,resubmit(,2)
            table=2,ct_state=-trk actions=2
            table=2,ct_state=+trk actions=3
            """);
        sw.receive(1, UDP.bytes());
        assertSentBy(2);
    }

    @Test
    void actionsAfterTrackingActOnTheirOwnCopy() {
        sw.flows("""
            in_port=1,udp,ct_state=-trk actions=ct(table=1),mod_tp_dst:54,2
            table=1 actions=3
            """);
        sw.receive(1, UDP.bytes());
        assertThat(sw.takeSentBytes(3)).containsExactly(UDP.bytes());
        assertThat(sw.takeSentBytes(2))
                .containsExactly(TestFrame.udp("10.0.0.1", 1000, "10.0.0.2", 54).bytes());
    }

    @Test
    void actionSetRunsAtTheEndInItsOwnOrder() {
        assertThat(through("""
            in_port=1,udp actions=write_actions(output:3,mod_tp_dst:54),goto_table:1
            table=1 actions=write_actions(output:2)
            """, UDP))
                .containsExactly(TestFrame.udp("10.0.0.1", 1000, "10.0.0.2", 54).bytes());
        assertSentBy();
    }

    @Test
    void clearActionsEmptiesTheSet() {
        assertThat(through("""
            in_port=1 actions=write_actions(output:3),goto_table:1
            table=1 actions=clear_actions,write_actions(output:2)
            """, UDP)).hasSize(1);
        assertSentBy();
    }

    @Test
    void endlessResubmitsAreCutOffAndThePacketDropped() {
        assertThat(through("in_port=1 actions=2,resubmit(,0)", UDP)).isEmpty();
        assertThat(sw.drops(DropReason.TRANSLATION_TOO_DEEP)).isEqualTo(1);
    }

    @Test
    void endlessRecirculationIsCutOff() {
        sw.flows("ip actions=ct(table=0)");
        sw.receive(1, UDP.bytes());
        assertThat(sw.drops(DropReason.RECIRCULATION_DEPTH)).isEqualTo(1);
    }

    @Test
    void hardTimeoutEndsABusyFlow() {
        sw.flows("hard_timeout=10,send_flow_rem,udp actions=2");
        for (int i = 0; i < 11; i++) {
            sw.receive(1, UDP.bytes());
            sw.advance(Duration.ofSeconds(1));
        }
        assertThat(sw.dumpFlows()).isEmpty();
        assertThat(sw.takeFlowRemovals())
                .singleElement()
                .satisfies(end -> assertThat(end.reason()).isEqualTo(1));
        sw.takeSentBytes(2);
        sw.receive(1, UDP.bytes());
        assertSentBy();
    }

    @Test
    void busyFlowDoesNotIdle() {
        sw.flows("idle_timeout=10,udp actions=2");
        for (int i = 0; i < 40; i++) {
            sw.receive(1, UDP.bytes());
            sw.advance(Duration.ofSeconds(1));
        }
        assertThat(sw.dumpFlows()).singleElement().asString().contains("n_packets=40");
        sw.advance(Duration.ofSeconds(10));
        assertThat(sw.dumpFlows()).isEmpty();
    }

    @Test
    void bundleIsAllOrNothing() throws Exception {
        sw.flows("cookie=1,send_flow_rem,udp actions=2");
        sw.receive(1, UDP.bytes());
        List<String> before = sw.dumpFlows();
        List<FlowMod> bundle = List.of(
                mod(FlowMod.Command.DELETE, "udp"),
                mod(FlowMod.Command.ADD, "arp actions=3"),
                mod(FlowMod.Command.ADD, "check_overlap,arp,arp_op=1 actions=4"));
        assertThatThrownBy(() -> sw.openFlow().applyAll(bundle))
                .isInstanceOf(OpenFlowSwitch.BundleException.class)
                .satisfies(e ->
                        assertThat(((OpenFlowSwitch.BundleException) e).index()).isEqualTo(2));
        assertThat(sw.dumpFlows()).isEqualTo(before);
        assertThat(sw.takeFlowRemovals())
                .as("nothing was removed, so that nobody is told")
                .isEmpty();
        sw.takeSentBytes(2);
        sw.receive(1, UDP.bytes());
        assertSentBy(2);
        sw.openFlow().applyAll(bundle.subList(0, 2));
        assertThat(sw.dumpFlows()).singleElement().asString().contains("arp");
        assertThat(sw.takeFlowRemovals()).hasSize(1);
    }

    private static FlowMod mod(FlowMod.Command command, String line) throws Exception {
        return io.turnstile.pipeline.text.FlowText.parseFlowMod(command, line);
    }

    @Test
    void overlapIsRefusedOnlyWhereAsked() {
        sw.flows("priority=5,ip actions=2");
        assertThatThrownBy(() -> sw.flows("check_overlap,priority=5,udp actions=3"))
                .hasMessageContaining("overlap");
        sw.flows("check_overlap,priority=6,udp actions=3");
        sw.flows("priority=5,udp actions=3");
        assertThat(sw.dumpFlows()).hasSize(3);
    }

    @Test
    void cookiesSelectFlows() {
        sw.flows("cookie=0x11,udp actions=2\ncookie=0x12,tcp actions=2\ncookie=0x21,arp actions=2");
        sw.deleteFlows("cookie=0x10/0xf0");
        assertThat(sw.dumpFlows()).singleElement().asString().contains("cookie=0x21");
    }

    @Test
    void samePriorityAndMatchReplacesAndKeepsCounting() {
        sw.flows("udp actions=2");
        sw.receive(1, UDP.bytes());
        sw.flows("udp actions=3");
        sw.receive(1, UDP.bytes());
        assertSentBy(2, 3);
        assertThat(sw.dumpFlows()).singleElement().asString().contains("n_packets=2");
        sw.flows("reset_counts,udp actions=4");
        assertThat(sw.dumpFlows()).singleElement().asString().contains("n_packets=0");
    }

    @Test
    void secureSwitchBeginsWithoutFlows() {
        try (EmbeddedSwitch secure = EmbeddedSwitch.builder()
                .failMode(BridgePipeline.FailMode.SECURE)
                .ports(1, 2)
                .start()) {
            assertThat(secure.dumpFlows()).isEmpty();
            secure.receive(1, UDP.bytes());
            assertThat(secure.takeSentBytes(2)).isEmpty();
        }
    }

    @Test
    void firewallNeedsAHandfulOfDatapathFlowsForThousandsOfConnections() {
        sw.flows("""
            in_port=1,udp,ct_state=-trk actions=ct(table=1)
            in_port=2,udp,ct_state=-trk actions=ct(table=1)
            table=1,udp,in_port=1,ct_state=+trk+new actions=ct(commit),2
            table=1,ct_state=+trk+est,in_port=1 actions=2
            table=1,ct_state=+trk+est,in_port=2 actions=1
            """);
        for (int i = 0; i < 2_000; i++) {
            String inside = "10." + i % 7 + ".0." + (1 + i % 200);
            sw.receive(1, TestFrame.udp(inside, 1024 + i, "192.0.2.1", 53).bytes());
            sw.receive(2, TestFrame.udp("192.0.2.1", 53, inside, 1024 + i).bytes());
            sw.receive(2, TestFrame.udp("192.0.2.1", 53, inside, 40_000).bytes());
        }
        assertThat(sw.takeSentBytes(2)).hasSize(2_000);
        assertThat(sw.takeSentBytes(1)).hasSize(2_000);
        assertThat(sw.dumpDatapathFlows()).hasSizeLessThanOrEqualTo(8);
    }
}
