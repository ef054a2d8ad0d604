package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.MAC_A;
import static io.turnstile.pipeline.SampleFrames.MAC_B;
import static io.turnstile.pipeline.SampleFrames.datagram;
import static io.turnstile.pipeline.SampleFrames.dns;
import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What flows change in packets. */
class RewriteTest {
    private final PipelineBench bench = new PipelineBench(3);

    private List<byte[]> through(String flow, Frame frame) {
        bench.flows(flow);
        bench.receive(1, frame.bytes());
        assertThat(bench.sentPorts()).containsOnly("2");
        return bench.sentFrames();
    }

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
    void outputSeesOnlyWhatWasSetBeforeIt() {
        assertThat(through("in_port=1,udp,actions=output:2,mod_nw_dst:10.0.0.9,output:2,mod_tp_dst:54,output:2", dns()))
                .containsExactly(
                        dns().bytes(),
                        datagram("10.0.0.1:1000 > 10.0.0.9:53").bytes(),
                        datagram("10.0.0.1:1000 > 10.0.0.9:54").bytes());
    }

    @Test
    void fieldSetBackGoesBackToTheWire() {
        assertThat(through("in_port=1,udp,actions=mod_tp_dst:54,output:2,mod_tp_dst:53,output:2", dns()))
                .containsExactly(datagram("10.0.0.1:1000 > 10.0.0.2:54").bytes(), dns().bytes());
    }

    @Test
    void moveCopiesBitsBetweenFields() {
        assertThat(through(
                        "in_port=1,udp,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],"
                                + "load:0xb->NXM_OF_ETH_SRC[0..7],output:2",
                        dns()))
                .containsExactly(dns().eth(MAC_B, MAC_A).bytes());
    }

    @Test
    void vlanTagsArePushedChangedAndPopped() {
        assertThat(through(
                        "in_port=1,actions=output:2,mod_vlan_vid:5,output:2,mod_vlan_pcp:3,output:2,strip_vlan,output:2",
                        dns()))
                .containsExactly(
                        dns().bytes(),
                        dns().tag(5).bytes(),
                        dns().tag(5 | 3 << 13).bytes(),
                        dns().bytes());
    }

    @Test
    void secondTagIsPushedOutsideWithTheFirstOnesValue() {
        assertThat(through(
                        "in_port=1,actions=push_vlan:0x8100,set_field:0x1006->vlan_vid,output:2,pop_vlan,output:2",
                        dns().tag(5)))
                .containsExactly(dns().tag(5).tag(6).bytes(), dns().tag(5).bytes());
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
        EventRecorder recorder = new EventRecorder();
        bench.br0.subscribe(recorder);
        bench.flows("actions=resubmit(,1),output:3", "table=1,ip,actions=dec_ttl,output:2");
        assertThat(bench.receive(1, udp().ttl(1).bytes())).containsExactly("3");
        assertThat(recorder.events).containsExactly("packet-in reason=2 table=1 in_port=1");
    }

    @Test
    void ttlOfOneGoesToTheControllerAndNoFurther() {
        EventRecorder recorder = new EventRecorder();
        bench.br0.subscribe(recorder);
        Frame dying = Frames.udp("10.0.0.1:1 > 10.0.0.2:2").ttl(1);
        Frame living = Frames.udp("10.0.0.1:1 > 10.0.0.2:2").ttl(2);
        assertThat(through("ip,actions=dec_ttl,output:2", living)).containsExactly(dying.bytes());
        assertThat(bench.receive(1, dying.bytes())).isEmpty();
        assertThat(recorder.events).containsExactly("packet-in reason=2 table=0 in_port=1");
    }
}
