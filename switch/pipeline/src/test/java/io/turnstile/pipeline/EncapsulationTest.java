package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.Field;
import io.turnstile.packet.Frames;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Headers in front of packets: encap, decap, packet types and the service header (NSH). */
class EncapsulationTest {
    private static final byte[] UDP =
            Frames.udp("20.20.20.20:7777 > 10.10.10.10:80").payload(8).ttl(64).bytes();
    private static final String PUSHED = "push_nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x1234,si=255,"
            + "c1=0x11223344,c2=0x0,c3=0x0,c4=0x0),push_eth(src=00:00:00:00:00:00,dst=11:22:33:44:55:66)";

    private final PipelineBench bench = new PipelineBench(2);

    EncapsulationTest() {
        bench.join(bench.br0, 13, bench.br0, 14);
    }

    private static String hex(byte[] frame) {
        return HexFormat.of().formatHex(frame);
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

    private String trace(String flow) throws Exception {
        Match match = FlowText.parseMatch(flow);
        return bench.pipeline.trace(bench.br0, (int) match.value(Field.IN_PORT), match.copyOfValue(), List.of());
    }

    // ---- NSH ----

    @Test
    void aServiceHeaderIsMatchedAndRewritten() throws Exception {
        bench.flows("in_port=1,dl_type=0x894f,nsh_ttl=63,nsh_mdtype=1,nsh_np=3,nsh_spi=0x123456,nsh_si=255,"
                + "nsh_c1=0x11223344,actions=set_field:0x2->nsh_flags,set_field:254->nsh_si,"
                + "set_field:0x44332211->nsh_c1,load:0x77->nsh_c3[8..15],output:2");
        byte[] frame = HexFormat.of()
                .parseHex("020000000002020000000001" + "894f" + "0fc60103" + "123456ff" + "11223344" + "55667788"
                        + "99aabbcc" + "ddeeff00" + "00".repeat(20));
        assertThat(bench.receive(1, frame)).containsExactly("2");
        assertThat(hex(bench.sentFrames().getFirst()))
                .startsWith("020000000002020000000001" + "894f" + "2fc60103" + "123456fe" + "44332211" + "55667788"
                        + "99aa77cc" + "ddeeff00");
        assertThat(flowText(0))
                .startsWith(
                        "recirc_id(0),in_port(101),packet_type(ns=0,id=0),eth_type(0x894f),"
                                + "nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x123456,si=255,c1=0x11223344,c3=0x99aabbcc/0x0000ff00) ");
        assertThat(
                        trace(
                                "in_port=1,eth_type=0x894f,nsh_ttl=63,nsh_mdtype=1,nsh_np=3,nsh_spi=0x123456,nsh_si=255,nsh_c1=0x11223344"))
                .contains("Flow: in_port=1,vlan_tci=0x0000,dl_src=00:00:00:00:00:00,dl_dst=00:00:00:00:00:00,"
                        + "dl_type=0x894f,nsh_flags=0,nsh_ttl=63,nsh_mdtype=1,nsh_np=3,nsh_spi=0x123456,nsh_si=255,"
                        + "nsh_c1=0x11223344,nsh_c2=0x0,nsh_c3=0x0,nsh_c4=0x0");
    }

    @Test
    void whatIsWrappedIsUnwrappedByTheSameSwitch() {
        bench.flows(
                "in_port=1,ip,actions=encap(nsh(md_type=1)),set_field:0x1234->nsh_spi,set_field:0x11223344->nsh_c1,"
                        + "encap(ethernet),set_field:11:22:33:44:55:66->dl_dst,output:13",
                "in_port=14,dl_type=0x894f,nsh_mdtype=1,nsh_spi=0x1234,nsh_c1=0x11223344,actions=decap(),decap(),output:2");
        for (int packet = 0; packet < 2; packet++) { // The second one by the datapath flows of the first.
            assertThat(bench.receive(1, UDP)).containsExactly("2");
            assertThat(bench.sentFrames().getFirst()).isEqualTo(UDP);
        }
        assertThat(flowText(0)).endsWith(" " + PUSHED + ",pop_eth,pop_nsh(),recirc(0x1)");
        assertThat(flowText(1))
                .isEqualTo("recirc_id(0x1),in_port(101),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no) 102");
    }

    @Test
    void wrappedPacketsLeaveAsSuch() {
        bench.flows("in_port=1,ip,actions=encap(nsh(md_type=1)),set_field:0x1234->nsh_spi,set_field:0x11223344->nsh_c1,"
                + "encap(ethernet),set_field:11:22:33:44:55:66->dl_dst,output:2");
        bench.receive(1, UDP);
        assertThat(hex(bench.sentFrames().getFirst()))
                .isEqualTo("112233445566" + "000000000000" + "894f" + "0fc60103" + "001234ff" + "11223344"
                        + "00000000".repeat(3) + hex(UDP));
    }

    @Test
    void metadataOfTheSecondTypeIsCarriedAsItIsSaid() {
        bench.flows("in_port=1,ip,actions=encap(nsh(md_type=2,tlv(0x1000,10,0x12345678),"
                + "tlv(0x2000,20,0xfedcba98765432))),set_field:0x1234->nsh_spi,encap(ethernet),output:2");
        bench.receive(1, UDP);
        assertThat(hex(bench.sentFrames().getFirst()))
                .isEqualTo("00".repeat(12) + "894f" + "0fc70203" + "001234ff" + "10000a04" + "12345678" + "20001407"
                        + "fedcba9876543200" + hex(UDP));
        assertThat(flowText(0))
                .contains("push_nsh(flags=0,ttl=63,mdtype=2,np=3,spi=0x1234,si=255,"
                        + "md2=0x10000a041234567820001407fedcba9876543200)");
    }

    @Test
    void aServiceHeaderMayStandInFrontOfAnother() {
        bench.groups(
                "group_id=100,type=indirect,bucket=encap(nsh(md_type=1)),set_field:0x1234->nsh_spi,group:200",
                "group_id=200,type=indirect,bucket=encap(nsh(md_type=1)),set_field:0x5678->nsh_spi,group:300",
                "group_id=300,type=indirect,bucket=encap(ethernet),output:13");
        bench.flows(
                "table=0,in_port=1,ip,actions=group:100",
                "table=0,in_port=14,packet_type=(0,0),dl_type=0x894f,nsh_spi=0x5678,actions=decap(),goto_table:1",
                "table=1,packet_type=(1,0x894f),nsh_mdtype=1,nsh_spi=0x5678,actions=decap(),goto_table:2",
                "table=2,packet_type=(1,0x894f),nsh_mdtype=1,nsh_spi=0x1234,actions=decap(),output:2");
        assertThat(bench.receive(1, UDP)).containsExactly("2");
        assertThat(bench.sentFrames().getFirst()).isEqualTo(UDP);
        assertThat(flowText(0)).contains("np=4,spi=0x5678").endsWith("pop_eth,pop_nsh(),recirc(0x1)");
        assertThat(flowText(1))
                .isEqualTo("recirc_id(0x1),in_port(101),packet_type(ns=1,id=0x894f),eth_type(0x894f),"
                        + "nsh(mdtype=1,np=3,spi=0x1234) pop_nsh(),recirc(0x2)");
    }

    @Test
    void timeToLiveOfServiceHeadersGoesDown() {
        bench.flows("dl_type=0x894f,actions=dec_nsh_ttl,output:2");
        String head = "020000000002020000000001" + "894f";
        assertThat(bench.receive(1, HexFormat.of().parseHex(head + "0fc20203" + "001234ff")))
                .containsExactly("2");
        assertThat(hex(bench.sentFrames().getFirst())).isEqualTo(head + "0f820203" + "001234ff");
        assertThat(bench.receive(1, HexFormat.of().parseHex(head + "00420203" + "001234ff")))
                .isEmpty();
        assertThat(bench.datapathActions()).anyMatch(actions -> actions.startsWith("userspace"));
    }

    // ---- Ethernet ----

    @Test
    void aPacketWithoutEthernetIsNotSentByAPortOfEthernet() {
        bench.flows("ip,actions=decap(),output:2");
        assertThat(bench.receive(1, UDP)).isEmpty();
    }

    @Test
    void ethernetIsExchanged() {
        bench.flows("ip,actions=decap(),encap(ethernet),set_field:00:00:00:00:00:07->eth_src,output:2");
        bench.receive(1, UDP);
        assertThat(hex(bench.sentFrames().getFirst()))
                .isEqualTo("000000000000" + "000000000007" + hex(UDP).substring(24));
    }

    @Test
    void flowsOfEthernetAreNotForPacketsWithout() {
        bench.flows(
                "table=0,ip,actions=decap(),resubmit(,1)",
                "table=1,ip,actions=encap(ethernet),output:1",
                "table=1,priority=1,vlan_tci=0/0x1fff,actions=encap(ethernet),output:1",
                "table=1,priority=0,packet_type=(1,0x800),nw_dst=10.10.10.10,actions=encap(ethernet),output:2");
        assertThat(bench.receive(1, UDP)).containsExactly("2");
    }

    @Test
    void headersThatDoNotFitDropThePacket() {
        byte[] tagged = Frames.udp("1.1.2.92:7777 > 1.1.2.88:80").tag(5).bytes();
        bench.flows("in_port=1,actions=encap(ethernet),output:2");
        assertThat(bench.receive(1, UDP)).isEmpty();
        bench.flows("in_port=1,actions=decap(),output:2");
        assertThat(bench.receive(1, tagged)).isEmpty();
        bench.flows("in_port=1,actions=decap(),decap(),output:2");
        assertThat(bench.receive(1, UDP)).isEmpty();
    }

    // ---- MPLS in front of everything ----

    @Test
    void anEthernetFrameTravelsBehindALabel() {
        bench.flows(
                "in_port=1,actions=encap(mpls),encap(ethernet),set_field:00:00:00:00:00:02->dl_dst,"
                        + "set_field:00:00:00:00:00:01->dl_src,output:13",
                "in_port=14,dl_type=0x8847,actions=decap(),decap(packet_type(ns=0,type=0)),output:2");
        for (int packet = 0; packet < 2; packet++) {
            assertThat(bench.receive(1, UDP)).containsExactly("2");
            assertThat(bench.sentFrames().getFirst()).isEqualTo(UDP);
        }
        assertThat(flowText(0))
                .endsWith(" add_mpls(label=0,tc=0,ttl=64,bos=1,eth_type=0x8847),"
                        + "push_eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),pop_eth,pop_mpls(eth_type=0x6558),"
                        + "recirc(0x1)");
    }

    @Test
    void labelsInFrontOfEverythingAreThreeAtMost() {
        bench.flows("in_port=1,actions=encap(mpls),set_field:1->mpls_label,encap(mpls),set_field:2->mpls_label,"
                + "encap(mpls),set_field:3->mpls_label,encap(ethernet),output:2");
        bench.receive(1, UDP);
        assertThat(hex(bench.sentFrames().getFirst()))
                .isEqualTo("00".repeat(12) + "8847" + "00003040" + "00002040" + "00001140" + hex(UDP));
        bench.flows("in_port=1,actions=" + "encap(mpls),".repeat(4) + "encap(ethernet),output:2");
        assertThat(bench.receive(1, UDP)).isEmpty();
        byte[] deep = HexFormat.of().parseHex("020000000002020000000001" + "8847" + "00002040".repeat(4) + hex(UDP));
        bench.flows("in_port=1,dl_type=0x8847,actions=decap(),decap(packet_type(ns=0,type=0)),output:2");
        assertThat(bench.receive(1, deep)).isEmpty();
    }

    // ---- checks ----

    private OfErrorCode refusal(String line) {
        OfException refused = catchThrowableOfType(
                OfException.class, () -> bench.br0.apply(PipelineBench.parse(FlowMod.Command.ADD, line)));
        return refused == null ? null : refused.code();
    }

    @Test
    void actionsNeedTheHeadersThatTheyWrite() {
        assertThat(refusal("in_port=1,packet_type=(1,0x800),actions=decap(),set_field:1.1.1.1->nw_dst"))
                .isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
        assertThat(refusal("in_port=1,ip,actions=decap(),set_field:1.1.1.1->nw_dst"))
                .isNull();
        assertThat(refusal("in_port=1,packet_type=(1,0x800),actions=decap(),set_field:1234->metadata"))
                .isNull();
        assertThat(refusal("in_port=1,ip,actions=set_field:1->nsh_si"))
                .isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
    }

    @Test
    void packetTypesAreShownUnlessTheyAreEthernets() throws Exception {
        assertThat(FlowText.format(FlowText.parseMatch("in_port=4,packet_type=(0,0),dl_type=0x894f,nsh_mdtype=1")))
                .isEqualTo("in_port=4,dl_type=0x894f,nsh_mdtype=1");
        assertThat(FlowText.format(FlowText.parseMatch("packet_type=(1,0x800),nw_dst=10.11.12.13")))
                .isEqualTo("packet_type=(1,0x800),nw_dst=10.11.12.13");
        assertThat(FlowText.format(FlowText.parseMatch("packet_type=(1,0x86dd),ipv6_dst=1234:5678::/32")))
                .isEqualTo("packet_type=(1,0x86dd),ipv6_dst=1234:5678::/32");
    }

    @Test
    void whatStandsInAHeaderThatTheWalkPutThereDecidesNothing() throws Exception {
        bench.flows(
                "in_port=1,ip,actions=encap(nsh(md_type=1)),set_field:0x1234->nsh_spi,encap(ethernet),13",
                "in_port=14,dl_type=0x894f,nsh_mdtype=1,nsh_spi=0x1234,actions=decap(),decap(),output:2");
        assertThat(trace("in_port=1,icmp"))
                .contains("nsh_c4=0x0,nw_proto=0,nw_tos=0,nw_ecn=0,nw_ttl=0,nw_frag=no\n")
                .contains("Megaflow: recirc_id=0,eth,ip,in_port=1,nw_frag=no\n");
    }

    @Test
    void bucketsWithinBucketsAreSetInStepByStep() throws Exception {
        bench.groups(
                "group_id=2,type=indirect,bucket=output:2",
                "group_id=1,type=indirect,bucket=load:1->NXM_NX_REG0[],group:2");
        bench.flows("in_port=1,actions=group:1");
        assertThat(trace("in_port=1,ip"))
                .contains("    group:1\n" + "    bucket 0\n")
                .contains("            group:2\n" + "            bucket 0\n" + "                    output:2\n");
    }
}
