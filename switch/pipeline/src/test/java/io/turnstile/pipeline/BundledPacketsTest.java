package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.OpenFlowSwitch.BundleException;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketOut;
import io.turnstile.pipeline.flow.PortMod;
import io.turnstile.pipeline.flow.SwitchChange;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Packets and ports in bundles, between changes of flows and groups, as in Open vSwitch's tests of the same. */
class BundledPacketsTest {
    private static final OfAction TABLE = new OfAction.Output(OfAction.Ports.TABLE);

    private final PipelineBench bench = new PipelineBench(6);

    private static SwitchChange add(String flow) {
        return PipelineBench.parse(FlowMod.Command.ADD, flow);
    }

    private static SwitchChange group(GroupMod.Command command, String text) {
        try {
            return GroupText.parse(command, text);
        } catch (FlowTextException e) {
            throw new AssertionError(e);
        }
    }

    private static SwitchChange packet(int inPort, OfAction action) {
        return new PacketOut(inPort, List.of(action), udp().bytes());
    }

    private OfErrorCode refusal(int index, SwitchChange... changes) {
        BundleException refused =
                catchThrowableOfType(BundleException.class, () -> bench.br0.applyAll(List.of(changes)));
        assertThat(refused.index()).isEqualTo(index);
        return ((OfException) refused.getCause()).code();
    }

    @Test
    void aPacketMeetsWhatStandsBeforeItAndNothingElse() throws Exception {
        bench.flows("priority=0,actions=drop");
        bench.br0.applyAll(List.of(
                group(GroupMod.Command.ADD, "group_id=1,type=all,bucket=output:2,bucket=output:3"),
                add("in_port=6,actions=group:1"),
                packet(6, TABLE),
                add("in_port=6,actions=output:4"),
                packet(6, TABLE),
                group(GroupMod.Command.DELETE, "")));
        assertThat(bench.sentPorts()).containsExactly("2", "3", "4");
        assertThat(bench.allFlows()).hasSize(2);
        assertThat(bench.receive(6, udp().bytes())).containsExactly("4");
        assertThat(bench.br0.groups(GroupMod.ALL)).isEmpty();
    }

    @Test
    void ofABundleThatFailsNoPacketIsSent() {
        assertThat(refusal(2, add("in_port=6,actions=output:2"), packet(6, TABLE), add("in_port=5,actions=group:9")))
                .isEqualTo(OfErrorCode.OFPBAC_BAD_OUT_GROUP);
        assertThat(refusal(1, packet(6, new OfAction.Output(2)), packet(6, new OfAction.Group(9))))
                .isEqualTo(OfErrorCode.OFPBAC_BAD_OUT_GROUP);
        assertThat(bench.sentPorts()).isEmpty();
        assertThat(bench.allFlows()).isEmpty();
        assertThat(bench.receive(6, udp().bytes())).isEmpty();
    }

    @Test
    void aPortChangesWithTheFlows() throws Exception {
        bench.flows("actions=output:2");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
        PortMod noForward = new PortMod(2, 0x0200_0000_0002L, OfPort.CONFIG_NO_FWD, OfPort.CONFIG_NO_FWD);
        bench.br0.applyAll(List.of(add("priority=40000,in_port=1,actions=output:2,output:3"), noForward));
        assertThat(bench.receive(1, udp().bytes())).containsExactly("3");
    }

    @Test
    void aPortThatCannotBeChangedSoRefusesTheBundle() {
        SwitchChange flow = add("actions=output:2");
        assertThat(refusal(1, flow, new PortMod(66, 0, 0, 0))).isEqualTo(OfErrorCode.OFPPMFC_BAD_PORT);
        assertThat(refusal(1, flow, new PortMod(2, 7, 0, 0))).isEqualTo(OfErrorCode.OFPPMFC_BAD_HW_ADDR);
        assertThat(refusal(1, flow, new PortMod(2, 0x0200_0000_0002L, 0, 1 << 30)))
                .isEqualTo(OfErrorCode.OFPPMFC_BAD_CONFIG);
        PortMod noForward = new PortMod(2, 0x0200_0000_0002L, OfPort.CONFIG_NO_FWD, OfPort.CONFIG_NO_FWD);
        assertThat(refusal(1, noForward, add("actions=group:9"))).isEqualTo(OfErrorCode.OFPBAC_BAD_OUT_GROUP);
        assertThat(bench.allFlows()).isEmpty();
        bench.flows("actions=output:2");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
    }

    @Test
    void packetsWaitUntilFlowsAreBack() {
        bench.flows("actions=output:2");
        bench.pipeline.setForwards(false);
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
        bench.pipeline.setForwards(true);
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
    }

    @Test
    void whatIsSaidOfAPacketBesideItsBytesIsSeenByFlows() throws Exception {
        bench.flows("metadata=0x22,tun_id=0x11,pkt_mark=0x3,reg1=0x7,actions=output:2");
        Match said = Match.builder()
                .exact(Field.METADATA, 0x22)
                .exact(Field.TUN_ID, 0x11)
                .exact(Field.PKT_MARK, 3)
                .exact(Field.REG1, 7)
                .build();
        bench.br0.packetOut(new PacketOut(6, said, List.of(TABLE), udp().bytes()));
        bench.br0.packetOut(new PacketOut(6, List.of(TABLE), udp().bytes()));
        assertThat(bench.sentPorts()).containsExactly("2");
    }

    @Test
    void aPacketOutNeedNotBeginWithEthernet() throws Exception {
        bench.flows("packet_type=(1,0x800),nw_dst=10.0.0.2,actions=encap(ethernet),output:2");
        byte[] frame = udp().bytes();
        byte[] datagram = Arrays.copyOfRange(frame, 14, frame.length);
        Match said = Match.builder().exact(Field.PACKET_TYPE, 0x10800).build();
        bench.br0.packetOut(new PacketOut(6, said, List.of(TABLE), datagram));
        assertThat(bench.sentPorts()).containsExactly("2");
        EventRecorder controller = new EventRecorder();
        bench.br0.subscribe(controller);
        bench.br0.packetOut(new PacketOut(6, said, FlowText.parseActions("controller"), datagram));
        assertThat(controller.lastMetadata.value(Field.PACKET_TYPE)).isEqualTo(0x10800);
    }
}
