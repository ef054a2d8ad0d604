package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.net.InetAddresses;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.datapath.DatapathAction.Ct;
import io.turnstile.datapath.DatapathAction.CtClear;
import io.turnstile.datapath.DatapathAction.Drop;
import io.turnstile.datapath.DatapathAction.Output;
import io.turnstile.datapath.DatapathAction.PopVlan;
import io.turnstile.datapath.DatapathAction.PushVlan;
import io.turnstile.datapath.DatapathAction.Recirculate;
import io.turnstile.datapath.DatapathAction.SetField;
import io.turnstile.datapath.DatapathAction.Userspace;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/**
 * Lines as {@code ovs-appctl dpctl/dump-flows} of Open vSwitch 3.1.0 with a dummy datapath printed them for such flows.
 */
class DatapathFlowTextTest {
    private static final long NOW_NS = 1_000_000_000_000L;
    private static final long SOURCE_MAC = 0x5054_0000_0009L;
    private static final long DESTINATION_MAC = 0x5054_0000_000aL;
    private static final String NO_PACKETS = ", packets:0, bytes:0, used:never, actions:";

    private final long[] key = FlowKey.newKey();
    private final long[] mask = FlowKey.newKey();

    DatapathFlowTextTest() {
        see(Field.IN_PORT, 1);
        see(Field.RECIRC_ID, 0);
        Field.ETH_SRC.set(key, SOURCE_MAC);
        Field.ETH_DST.set(key, DESTINATION_MAC);
    }

    private DatapathFlowTextTest see(Field field, long value) {
        return see(field, value, field.lowMask());
    }

    private DatapathFlowTextTest see(Field field, long value, long bits) {
        field.set(key, field.isWide() ? field.getHigh(key) : 0, value);
        field.set(mask, field.highMask(), bits);
        return this;
    }

    private DatapathFlowTextTest have(Field field, long value) {
        field.set(key, value);
        return this;
    }

    private DatapathFlowTextTest haveAddress(Field field, String address) {
        ByteBuffer bytes = ByteBuffer.wrap(InetAddresses.forString(address).getAddress());
        field.set(key, bytes.getLong(), bytes.getLong());
        return this;
    }

    private DatapathFlowTextTest tcp4() {
        return see(Field.ETH_TYPE, 0x0800)
                .have(Field.NW_SRC, 0x0a00_0001)
                .have(Field.NW_DST, 0x0a00_0002)
                .have(Field.NW_PROTO, 6)
                .have(Field.NW_TOS, 3)
                .have(Field.NW_TTL, 64)
                .have(Field.TP_SRC, 1000)
                .have(Field.TP_DST, 80)
                .have(Field.TCP_FLAGS, 2);
    }

    private DatapathFlowTextTest tcp6() {
        return see(Field.ETH_TYPE, 0x86dd)
                .haveAddress(Field.IPV6_SRC, "fe80::1")
                .haveAddress(Field.IPV6_DST, "fe80::2")
                .have(Field.IPV6_LABEL, 0x12)
                .have(Field.NW_PROTO, 6)
                .have(Field.NW_TOS, 0x70)
                .have(Field.NW_TTL, 128)
                .have(Field.TP_SRC, 1)
                .have(Field.TP_DST, 2);
    }

    private DatapathFlow flow(DatapathAction... actions) {
        return new DatapathFlow(key, mask, actions, null, NOW_NS);
    }

    private String line(DatapathAction... actions) {
        return DatapathFlowText.line(flow(actions), NOW_NS);
    }

    private static SetField set(Field field, long value) {
        return new SetField(field, 0, value, field.highMask(), field.lowMask());
    }

    private static SetField setAddress(Field field, String address) {
        ByteBuffer bytes = ByteBuffer.wrap(InetAddresses.forString(address).getAddress());
        return new SetField(field, bytes.getLong(), bytes.getLong(), -1, -1);
    }

    @Test
    void usedFlowShowsCountersAgeAndFlags() {
        DatapathFlow flow = tcp4().flow(new Output(2));
        flow.count(1, 54, 2, NOW_NS);
        assertThat(DatapathFlowText.line(flow, NOW_NS + 200_000_000))
                .isEqualTo(
                        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no), packets:1, bytes:54,"
                                + " used:0.200s,"
                                + " flags:S, actions:2");
    }

    @Test
    void noActionsDrop() {
        assertThat(tcp4().line()).endsWith("ipv4(frag=no)" + NO_PACKETS + "drop");
        assertThat(line(new Drop(DropReason.RECIRCULATION_LOST))).endsWith("actions:drop");
    }

    @Test
    void rewritesOfOneHeaderAreOneSet() {
        tcp4().see(Field.ETH_SRC, SOURCE_MAC)
                .see(Field.ETH_DST, DESTINATION_MAC)
                .see(Field.NW_SRC, 0x0a00_0001)
                .see(Field.NW_DST, 0x0a00_0002)
                .see(Field.NW_PROTO, 6)
                .see(Field.NW_TOS, 3, 0xfc)
                .see(Field.NW_TTL, 64)
                .see(Field.TP_SRC, 1000)
                .see(Field.TP_DST, 80);
        assertThat(line(
                        set(Field.ETH_SRC, 1),
                        set(Field.ETH_DST, 2),
                        set(Field.NW_SRC, 0x0102_0304),
                        set(Field.NW_DST, 0x0403_0201),
                        new SetField(Field.NW_TOS, 0, 0x10, 0, 0xfc),
                        set(Field.NW_TTL, 9),
                        set(Field.TP_SRC, 5),
                        set(Field.TP_DST, 6),
                        new Output(2)))
                .isEqualTo(
                        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),"
                                + "eth_type(0x0800),"
                                + "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0x3/0xfc,ttl=64,frag=no),tcp(src=1000,dst=80)"
                                + NO_PACKETS
                                + "set(eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02)),set(ipv4(src=1.2.3.4,dst=4.3.2.1,"
                                + "tos=0x10/0xfc,ttl=9)),"
                                + "set(tcp(src=5,dst=6)),2");
    }

    @Test
    void rewritesApartStayApart() {
        assertThat(tcp4().line(set(Field.ETH_SRC, 1), new Output(2), set(Field.ETH_SRC, 2), new Output(2)))
                .endsWith("set(eth(src=00:00:00:00:00:01)),2,set(eth(src=00:00:00:00:00:02)),2");
    }

    @Test
    void tcpFlagsAreSignedWhenMaskedAndNamedWhenExact() {
        tcp4().see(Field.NW_PROTO, 6).see(Field.TCP_FLAGS, 2, 0x12);
        assertThat(line(new Output(2))).contains("ipv4(proto=6,frag=no),tcp_flags(+syn-ack), packets:");
        see(Field.TCP_FLAGS, 2, 0xfff);
        assertThat(line(new Output(2))).contains("ipv4(proto=6,frag=no),tcp_flags(syn), packets:");
    }

    @Test
    void masksOfPortsAreHex() {
        tcp4().see(Field.NW_PROTO, 6).see(Field.TP_SRC, 1000, 0xfff8);
        assertThat(line(new Output(2))).contains("ipv4(proto=6,frag=no),tcp(src=1000/0xfff8), packets:");
    }

    @Test
    void macMaskIsShownOverTheWholeAddress() {
        tcp4().see(Field.ETH_SRC, SOURCE_MAC, 0xffff_ffff_ff00L);
        assertThat(line(new Output(2))).contains("eth(src=50:54:00:00:00:09/ff:ff:ff:ff:ff:00),eth_type(0x0800)");
    }

    @Test
    void trackedFlowBeginsWithItsState() {
        tcp4().see(Field.RECIRC_ID, 1).see(Field.CT_STATE, 0x21, 0x21);
        assertThat(line(new Ct(new CtRequest(5, true, false, 1, -1, 0, 2, 0, 3)), new Output(2)))
                .isEqualTo(
                        "recirc_id(0x1),in_port(1),ct_state(+new+trk),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no)"
                                + NO_PACKETS
                                + "ct(commit,zone=5,mark=0x1/0xffffffff,label=0x2/0x3),2");
        see(Field.RECIRC_ID, 0).see(Field.CT_STATE, 0, 0x20);
        assertThat(line(new Ct(CtRequest.lookup(5)), new Recirculate(1)))
                .isEqualTo(
                        "recirc_id(0),in_port(1),ct_state(-trk),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no)"
                                + NO_PACKETS + "ct(zone=5),recirc(0x1)");
    }

    @Test
    void zoneMarkAndLabelFollowTheState() {
        tcp4().see(Field.RECIRC_ID, 4).see(Field.CT_ZONE, 0).see(Field.CT_MARK, 0, 3);
        Field.CT_LABEL.set(mask, 0, 1);
        assertThat(line(new Ct(new CtRequest(0, true, true, 0, 0, 0x10000, 0, -1, -1)), new Output(2)))
                .isEqualTo("recirc_id(0x4),in_port(1),ct_zone(0),ct_mark(0/0x3),ct_label(0/0x1),packet_type(ns=0,id=0),"
                        + "eth_type(0x0800),"
                        + "ipv4(frag=no)" + NO_PACKETS + "ct(force_commit,label=0x100000000000000000000),2");
    }

    @Test
    void plainCtAndClear() {
        assertThat(DatapathFlowText.actions(new DatapathAction[] {new Ct(CtRequest.lookup(0)), new Recirculate(0x2a)}))
                .isEqualTo("ct,recirc(0x2a)");
        assertThat(DatapathFlowText.actions(new DatapathAction[] {new CtClear(), new Output(3)}))
                .isEqualTo("ct_clear,3");
    }

    @Test
    void tagsArePushedWithTheirTypeUnlessItIsTheUsualOne() {
        assertThat(tcp4().line(new PushVlan(0x8100, 0x7005), new Output(2), new PopVlan(), new Output(2)))
                .endsWith("push_vlan(vid=5,pcp=3),2,pop_vlan,2");
        assertThat(line(new PushVlan(0x88a8, 0x7006), new Output(2))).endsWith("push_vlan(tpid=0x88a8,vid=6,pcp=3),2");
    }

    @Test
    void taggedFlowHasTheRestInside() {
        see(Field.ETH_TYPE, 0x0800).have(Field.NW_PROTO, 17).see(Field.VLAN_TCI, 0x5007);
        assertThat(line(new PopVlan(), new Output(2)))
                .isEqualTo(
                        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8100),vlan(vid=7,pcp=2),encap(eth_type(0x0800),"
                                + "ipv4(frag=no))" + NO_PACKETS + "pop_vlan,2");
        see(Field.VLAN_TCI, 0x5007, 0x1fff);
        assertThat(line(set(Field.VLAN_TCI, 0x5008), new Output(2)))
                .isEqualTo("recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8100),vlan(vid=7,pcp=2/0x0),"
                        + "encap(eth_type(0x0800),"
                        + "ipv4(frag=no))" + NO_PACKETS + "pop_vlan,push_vlan(vid=8,pcp=2),2");
        see(Field.VLAN_TCI, 0x5007, 0x1000);
        assertThat(line()).contains("vlan(vid=7/0x0,pcp=2/0x0),");
        see(Field.VLAN_TCI, 0x5007, 0x100f);
        assertThat(line()).contains("vlan(vid=7/0xf,pcp=2/0x0),");
    }

    @Test
    void untaggedFlowThatLookedForATagShowsNone() {
        see(Field.ETH_TYPE, 0x1234).see(Field.VLAN_TCI, 0, 0x1fff);
        assertThat(line(new Output(2)))
                .isEqualTo("recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x1234)" + NO_PACKETS + "2");
    }

    @Test
    void frameWithoutTypeIsShownAsZero() {
        see(Field.ETH_TYPE, 0x05ff);
        assertThat(line(new Output(2)))
                .isEqualTo("recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0/0xffff)" + NO_PACKETS + "2");
    }

    @Test
    void arpFlow() {
        see(Field.ETH_TYPE, 0x0806)
                .see(Field.NW_SRC, 0x0102_0304)
                .see(Field.NW_DST, 0x0506_0708)
                .see(Field.NW_PROTO, 1)
                .see(Field.ARP_SHA, 0x000f_0203_0405L)
                .see(Field.ARP_THA, 0);
        assertThat(line(set(Field.NW_SRC, 0x0101_0101), set(Field.ARP_THA, 7), new Output(2)))
                .isEqualTo(
                        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0806),arp(sip=1.2.3.4,tip=5.6.7.8,op=1,"
                                + "sha=00:0f:02:03:04:05,tha=00:00:00:00:00:00)" + NO_PACKETS
                                + "set(arp(sip=1.1.1.1,tha=00:00:00:00:00:07)),2");
    }

    @Test
    void ipv6Flow() {
        tcp6().see(Field.IPV6_SRC, 1)
                .see(Field.IPV6_DST, 2)
                .see(Field.IPV6_LABEL, 0x12)
                .see(Field.NW_PROTO, 6)
                .see(Field.NW_TOS, 0x70, 0xfc)
                .see(Field.NW_TTL, 128)
                .see(Field.TP_SRC, 1)
                .see(Field.TP_DST, 2);
        // The label field is 32 bits wide in the key, 20 in the packet: exact either way.
        assertThat(line(
                        setAddress(Field.IPV6_SRC, "2001::1"),
                        setAddress(Field.IPV6_DST, "2001::2"),
                        set(Field.IPV6_LABEL, 0x34),
                        new SetField(Field.NW_TOS, 0, 4, 0, 0xfc),
                        set(Field.NW_TTL, 3),
                        set(Field.TP_SRC, 77),
                        new Output(2)))
                .isEqualTo(
                        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x86dd),ipv6(src=fe80::1,dst=fe80::2,"
                                + "label=0x12,proto=6,"
                                + "tclass=0x70/0xfc,hlimit=128,frag=no),tcp(src=1,dst=2)" + NO_PACKETS
                                + "set(ipv6(src=2001::1,dst=2001::2,label=0x34,tclass=0x4/0xfc,hlimit=3)),set(tcp(src=77)),2");
    }

    @Test
    void neighbourDiscoveryFlow() {
        see(Field.ETH_TYPE, 0x86dd)
                .see(Field.NW_PROTO, 58)
                .see(Field.TP_SRC, 135)
                .see(Field.TP_DST, 0)
                .haveAddress(Field.ND_TARGET, "fe80::9")
                .see(Field.ND_TARGET, 9)
                .see(Field.ARP_SHA, 0x5054_0000_0005L);
        assertThat(line(setAddress(Field.ND_TARGET, "fe80::8"), set(Field.ARP_SHA, 6), new Output(2)))
                .isEqualTo("recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x86dd),ipv6(proto=58,frag=no),"
                        + "icmpv6(type=135,code=0),"
                        + "nd(target=fe80::9,sll=50:54:00:00:00:05)" + NO_PACKETS
                        + "set(nd(target=fe80::8,sll=00:00:00:00:00:06)),2");
    }

    @Test
    void fragments() {
        see(Field.ETH_TYPE, 0x0800).see(Field.NW_PROTO, 17).see(Field.NW_FRAG, 3);
        assertThat(line(new Output(2))).contains("eth_type(0x0800),ipv4(proto=17,frag=later), packets:");
        see(Field.NW_FRAG, 1);
        assertThat(line(new Output(2))).contains("eth_type(0x0800),ipv4(proto=17,frag=first), packets:");
    }

    @Test
    void packetMark() {
        see(Field.ETH_TYPE, 0x0800).see(Field.NW_PROTO, 17).see(Field.TP_DST, 9).see(Field.PKT_MARK, 0);
        assertThat(line(set(Field.TP_DST, 99), set(Field.PKT_MARK, 5), new Output(2)))
                .isEqualTo(
                        "recirc_id(0),in_port(1),skb_mark(0),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(proto=17,frag=no),"
                                + "udp(dst=9)"
                                + NO_PACKETS + "set(udp(dst=99)),set(skb_mark(0x5)),2");
        see(Field.PKT_MARK, 0, 0xff);
        assertThat(line()).startsWith("recirc_id(0),in_port(1),skb_mark(0/0xff)");
    }

    @Test
    void userspaceSaysWhatTheCookieSays() {
        DatapathFlowText.UserspaceText cookie = () -> "controller(reason=1,dont_send=0,continuation=0,recirc_id=3,"
                + "rule_cookie=0,"
                + "controller_id=0,max_len=65535)";
        assertThat(tcp4().line(new Userspace(cookie)))
                .endsWith("actions:userspace(pid=0,controller(reason=1,dont_send=0,"
                        + "continuation=0,recirc_id=3,rule_cookie=0,controller_id=0,max_len=65535))");
    }

    @Test
    void verboseLineShowsEveryFieldWithItsMask() {
        tcp4().see(Field.RECIRC_ID, 1)
                .see(Field.CT_STATE, 0x21, 0x21)
                .have(Field.CT_ZONE, 5)
                .have(Field.CT_NW_SRC, 0x0a00_0001)
                .have(Field.CT_NW_DST, 0x0a00_0002)
                .have(Field.CT_NW_PROTO, 6)
                .have(Field.CT_TP_SRC, 1000)
                .have(Field.CT_TP_DST, 80);
        DatapathFlow flow = flow(new Ct(CtRequest.commit(5)), new Output(2));
        flow.count(1, 54, 2, NOW_NS);
        assertThat(DatapathFlowText.verboseLine(flow, NOW_NS + 200_000_000, number -> "p" + number))
                .isEqualTo("ufid:" + flow.uniqueId()
                        + ", recirc_id(0x1),dp_hash(0/0),skb_priority(0/0),in_port(p1),skb_mark(0/0),"
                        + "ct_state(0x21/0x21),ct_zone(0x5/0),ct_mark(0/0),"
                        + "ct_label(0/0),ct_tuple4(src=10.0.0.1/0.0.0.0,dst=10.0.0.2/0.0.0.0,proto=6/0,tp_src=1000/0,tp_dst=80/0),"
                        + "packet_type(ns=0,id=0),"
                        + "eth(src=50:54:00:00:00:09/00:00:00:00:00:00,"
                        + "dst=50:54:00:00:00:0a/00:00:00:00:00:00),eth_type(0x0800),ipv4(src=10.0.0.1/0.0.0.0,dst=10.0.0.2/0.0.0.0,"
                        + "proto=6/0,tos=0x3/0,ttl=64/0,frag=no),tcp(src=1000/0,dst=80/0),tcp_flags(0/0), packets:1,"
                        + " bytes:54, used:0.200s,"
                        + " flags:S, dp:ovs, actions:ct(commit,zone=5),p2");
    }

    @Test
    void verboseLineSaysWhoCarriesPacketsOfTheFlow() {
        DatapathFlow flow = flow(new Output(2));
        String line = DatapathFlowText.verboseLine(flow, NOW_NS, Integer::toString);
        assertThat(line).endsWith(", packets:0, bytes:0, used:never, dp:ovs, actions:2");
        assertThat(DatapathFlowText.verboseLine(flow, NOW_NS, Integer::toString, "ebpf"))
                .isEqualTo(line.replace("dp:ovs", "offloaded:yes, dp:ebpf"));
    }
}
