package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.FrameView;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Ports' VLANs at NORMAL, and what a change of them concerns. */
class PortVlansTest {
    private static final long GROUP = 0x0100_0000_0001L;
    private final PipelineBench bench = new PipelineBench(4).flows("priority=1,actions=NORMAL");

    private static PortBundle port(int number, PortVlan vlan) {
        return new PortBundle("p" + number, List.of("p" + number), vlan);
    }

    private static PortVlan mode(VlanMode mode, int vlan, PriorityTags priorityTags, int qinqEtherType) {
        return PortVlan.of(mode, vlan, VlanSet.ALL, VlanSet.ALL, priorityTags, qinqEtherType);
    }

    private String sent(int port) {
        return bench.sentBy(port).stream().map(PortVlansTest::tags).findFirst().orElse("nothing");
    }

    /** Types and TCIs of the tags, outermost first. */
    private static String tags(byte[] frame) {
        List<String> tags = new ArrayList<>();
        for (int at = 12; EtherTypes.isTag(u16(frame, at)); at += 4) {
            tags.add("%04x:%04x".formatted(u16(frame, at), u16(frame, at + 2)));
        }
        return String.join(" ", tags);
    }

    private static int u16(byte[] frame, int at) {
        return (frame[at] & 0xff) << 8 | frame[at + 1] & 0xff;
    }

    @Test
    void anAccessPortTagsForTheTrunkAndOthersOfItsVlanGetItPlain() {
        bench.br0.setBundles(List.of(
                port(1, PortVlan.access(10)),
                port(2, PortVlan.access(10)),
                port(3, PortVlan.access(20)),
                port(4, PortVlan.trunk(VlanSet.of(List.of(10L))))));
        assertThat(bench.receive(1, udp().eth(0xa, GROUP).bytes())).containsExactly("2", "4");
        assertThat(List.of(sent(2), sent(4))).containsExactly("", "8100:000a");
        assertThat(bench.receive(4, udp().eth(0xb, 0xa).vlan(10).bytes())).containsExactly("1");
        assertThat(sent(1)).isEmpty();
    }

    @Test
    void aPortRefusesWhatIsNotOfItsVlansAndSaysWhy() {
        bench.br0.setBundles(List.of(port(1, PortVlan.access(10)), port(2, PortVlan.trunk(VlanSet.of(List.of(7L))))));
        assertThat(bench.receive(1, udp().eth(0xa, GROUP).vlan(10).bytes())).isEmpty();
        assertThat(bench.receive(2, udp().eth(0xa, GROUP).bytes())).isEmpty();
        assertThat(bench.datapath.drops(DropReason.VLAN_REFUSED)).isEqualTo(2);
        assertThat(bench.br0.macEntries()).isEmpty();
        assertThat(bench.pipeline.trace(
                        bench.br0,
                        1,
                        PipelineBench.keyOf(1, udp().eth(0xa, GROUP).vlan(10).bytes())))
                .contains(
                        ">> dropping VLAN 10 tagged packet received on port p1 configured as VLAN 10 access port",
                        ">> disallowed VLAN VID for this input port, dropping",
                        "Datapath actions: drop");
        assertThat(bench.pipeline.trace(
                        bench.br0,
                        2,
                        PipelineBench.keyOf(2, udp().eth(0xa, GROUP).bytes())))
                .contains(">> dropping VLAN 0 packet received on port p2 not configured for trunking VLAN 0");
    }

    @Test
    void tagsThatAFloodHasChangedAreBackForWhatFollows() {
        bench.br0.setBundles(List.of(port(2, PortVlan.access(5))));
        long[] key = FlowKey.newKey();
        Field.ETH_DST.set(key, GROUP);
        Field.VLAN_TCI.set(key, FieldValues.VLAN_PRESENT | 5);
        assertThat(bench.pipeline.trace(bench.br0, 1, key))
                .contains("Final flow: unchanged", "Datapath actions: pop_vlan,102,push_vlan(vid=5,pcp=0),103,104");
    }

    @Test
    void aTunnelPutsTheCustomersTagBehindItsOwn() {
        bench.datapath.setVlanLimit(2);
        bench.br0.setBundles(List.of(
                port(1, mode(VlanMode.DOT1Q_TUNNEL, 100, PriorityTags.NEVER, EtherTypes.QINQ)),
                port(2, mode(VlanMode.DOT1Q_TUNNEL, 100, PriorityTags.NEVER, EtherTypes.VLAN))));
        assertThat(bench.receive(1, udp().eth(0xa, GROUP).vlan(5).bytes())).containsExactly("2", "3", "4");
        assertThat(List.of(sent(2), sent(3))).containsExactly("8100:0005", "88a8:0064 8100:0005");
        bench.receive(2, udp().eth(0xb, 0xa).bytes());
        assertThat(sent(1)).isEmpty();
        bench.receive(2, udp().eth(0xb, GROUP).bytes());
        assertThat(sent(4)).isEqualTo("8100:0064");
    }

    @Test
    void aTagThatIsTakenOffShowsTheOneBehindItToTheFlowsThatFollow() {
        bench.datapath.setVlanLimit(2);
        bench.flows(
                "priority=9,in_port=1,dl_vlan=5,actions=pop_vlan,resubmit(,1)",
                "table=1,udp,dl_vlan=6,actions=2",
                "table=1,udp,dl_vlan=7,actions=mod_vlan_vid:8,3",
                "table=1,udp,actions=4");
        assertThat(bench.receive(1, udp().tag(6).tag(5).bytes())).containsExactly("2");
        assertThat(sent(2)).isEqualTo("8100:0006");
        assertThat(bench.receive(1, udp().tag(7).tag(5).bytes())).containsExactly("3");
        assertThat(sent(3)).isEqualTo("8100:0008");
        assertThat(bench.receive(1, udp().tag(5).bytes())).containsExactly("4");
        assertThat(bench.receive(1, udp().tag(9).tag(5).bytes())).containsExactly("4");
    }

    @Test
    void behindAsManyTagsAsTheLimitSaysIsPayload() {
        bench.flows("priority=9,dl_vlan=5,udp,actions=2", "priority=9,dl_vlan=5,dl_type=0x8100,actions=3");
        assertThat(bench.receive(1, udp().tag(6).tag(5).bytes())).containsExactly("3");
        bench.datapath.setVlanLimit(2);
        assertThat(bench.receive(1, udp().tag(6).tag(5).bytes())).containsExactly("2");
        bench.datapath.setVlanLimit(1);
        assertThat(bench.receive(1, udp().tag(6).tag(5).bytes())).containsExactly("3");
    }

    @Test
    void headersBehindPushedTagsCanStillBeWritten() {
        bench.flows("priority=9,udp,actions=push_vlan:0x8100,set_field:4101->vlan_vid,push_vlan:0x88a8,2,"
                + "mod_nw_src:10.0.0.9,mod_tp_dst:99,3");
        bench.receive(1, udp().bytes());
        FrameView written = FrameView.of(bench.sentBy(3).getFirst());
        assertThat(written.toString()).contains("10.0.0.9").contains("99");
        assertThat(sent(3)).isEqualTo("88a8:0000 8100:0005");
    }

    @Test
    void aBridgeBehindAPatchPortGetsTheTagThatThePortPutsOn() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        bench.addPort(br1, 11);
        bench.join(bench.br0, 5, br1, 15);
        bench.flows(br1, "dl_vlan=30,actions=11", "vlan_tci=0,actions=mod_vlan_vid:1,11");
        bench.br0.setBundles(List.of(port(1, PortVlan.access(30)), port(2, PortVlan.access(30))));
        assertThat(bench.receive(1, udp().eth(0xa, GROUP).bytes())).containsExactly("2", "3", "4", "11");
        assertThat(List.of(sent(2), sent(3), sent(11))).containsExactly("", "8100:001e", "8100:001e");
        bench.br0.setBundles(List.of(
                port(1, PortVlan.access(30)), new PortBundle("patch", List.of("patch-br0-5"), PortVlan.access(30))));
        bench.receive(1, udp().eth(0xa, GROUP).bytes());
        assertThat(sent(11)).isEqualTo("8100:0001");
    }

    @Test
    void aChangeConcernsTheFlowsThatAskedThatPortAndNoOthers() {
        bench.flows("priority=9,in_port=4,actions=1");
        bench.receive(1, udp().eth(0xa, GROUP).bytes());
        bench.receive(2, udp().eth(0xb, 0xa).bytes());
        bench.receive(3, udp().eth(0xc, 0xa).bytes());
        bench.receive(4, udp().eth(0xd, 0xa).bytes());
        bench.receive(1, udp().eth(0xa, 0xb).bytes());
        List<DatapathFlow> before = bench.datapath.flows();
        assertThat(before).hasSize(5);
        bench.br0.setBundles(List.of(port(3, PortVlan.access(7))));
        List<DatapathFlow> after = bench.datapath.flows();
        assertThat(before).containsAll(after);
        assertThat(after).as("but for the flood, and what comes in by port 3").hasSize(3);
        bench.br0.setBundles(List.of(port(3, PortVlan.access(7)), port(9, PortVlan.access(7))));
        assertThat(bench.datapath.flows()).containsExactlyInAnyOrderElementsOf(after);
    }

    @Test
    void aPortIsOfItsBundleFromItsFirstPacketOn() {
        bench.br0.setBundles(List.of(port(1, PortVlan.access(7)), port(6, PortVlan.access(8))));
        bench.receive(1, udp().eth(0xa, GROUP).bytes());
        bench.addPort(bench.br0, 6);
        assertThat(bench.receive(1, udp().eth(0xa, GROUP).bytes())).containsExactly("2", "3", "4");
    }

    @Test
    void whatWasLearnedBehindAPortThatChangesIsForgotten() {
        bench.receive(1, udp().eth(0xa, GROUP).bytes());
        bench.receive(2, udp().eth(0xb, GROUP).bytes());
        bench.br0.setBundles(List.of(port(1, PortVlan.access(7))));
        assertThat(bench.br0.macEntries())
                .extracting(BridgePipeline.MacEntry::mac)
                .containsExactly(0xbL);
    }

    @Test
    void aBondIsOnePlace() {
        bench.br0.setBundles(List.of(new PortBundle("bond0", List.of("p1", "p2"), PortVlan.TRUNK)));
        assertThat(bench.receive(1, udp().eth(0xa, GROUP).bytes())).containsExactly("3", "4");
        assertThat(bench.receive(3, udp().eth(0xc, GROUP).bytes())).containsExactly("1", "4");
        bench.receive(2, udp().eth(0xb, GROUP).bytes());
        assertThat(bench.receive(3, udp().eth(0xc, 0xb).bytes())).containsExactly("1");
    }

    @Test
    void inFloodVlansNothingIsLearned() {
        bench.receive(2, udp().eth(0xb, GROUP).vlan(5).bytes());
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).vlan(5).bytes())).containsExactly("2");
        bench.br0.setFloodVlans(VlanSet.of(List.of(5L)));
        assertThat(bench.br0.macEntries()).isEmpty();
        bench.receive(2, udp().eth(0xb, GROUP).vlan(5).bytes());
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).vlan(5).bytes())).containsExactly("2", "3", "4");
        assertThat(bench.br0.macEntries()).isEmpty();
        bench.br0.setFloodVlans(VlanSet.NONE);
        bench.receive(2, udp().eth(0xb, GROUP).vlan(5).bytes());
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).vlan(5).bytes())).containsExactly("2");
    }

    @Test
    void reservedAddressesPassIfTheBridgeIsToForwardThem() {
        byte[] lldp = udp().eth(0xa, 0x0180_c200_000eL).bytes();
        assertThat(bench.receive(1, lldp)).isEmpty();
        assertThat(bench.receive(1, udp().eth(0xa, 0x0100_0ccc_ccccL).bytes())).isEmpty();
        assertThat(bench.receive(1, udp().eth(0xa, 0x0180_c200_0010L).bytes())).containsExactly("2", "3", "4");
        assertThat(bench.datapath.drops(DropReason.RESERVED_DESTINATION)).isEqualTo(2);
        bench.br0.setForwardsReserved(true);
        assertThat(bench.receive(1, lldp)).containsExactly("2", "3", "4");
        bench.br0.setForwardsReserved(false);
        assertThat(bench.receive(1, lldp)).isEmpty();
    }

    @Test
    void staticAddressesStayWhereTheyWerePut() {
        assertThat(bench.br0.addStaticMac(2, 0, 0xb)).isEmpty();
        bench.receive(3, udp().eth(0xb, GROUP).bytes());
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2");
        bench.br0.flushMacs();
        assertThat(bench.br0.macEntries()).hasSize(1);
        assertThat(bench.br0.removeStaticMac(0, 0xb)).isTrue();
        assertThat(bench.br0.removeStaticMac(0, 0xb)).isFalse();
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2", "3", "4");
    }
}
