package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Datapath flows as people write them, and as dump-flows prints them. */
class FlowMatchParserTest {

    private static FlowMatchParser.Parsed parse(String text) throws FlowSyntaxException {
        return FlowMatchParser.parse(text, name -> name.equals("p7") ? 7 : -1);
    }

    /** What the switch prints with {@code -m} means what it was made of, whatever the fields are. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "recirc_id(0x3),in_port(1),packet_type(ns=0,id=0),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02/ff:ff:00:00:00:00),"
                        + "eth_type(0x0800),ipv4(src=10.0.0.1/255.0.0.0,dst=10.0.0.2,proto=6,tos=0x4/0xfc,ttl=64,frag=no),"
                        + "tcp(src=1/0xfff0,dst=80),tcp_flags(syn|ack)",
                "recirc_id(0),in_port(1),ct_state(+new-est+trk),ct_zone(0x5),ct_mark(0x1/0xff),packet_type(ns=0,id=0),"
                        + "eth_type(0x86dd),ipv6(src=fc00::1,dst=fc00::/fff0::,label=0x12,proto=58,hlimit=255,frag=no),"
                        + "icmpv6(type=135,code=0),nd(target=fc00::2,sll=50:54:00:00:00:05)",
                "recirc_id(0),in_port(2),packet_type(ns=0,id=0),eth_type(0x8100),vlan(vid=99,pcp=3),"
                        + "encap(eth_type(0x0806),arp(sip=1.2.3.4,tip=1.2.3.5,op=1,sha=50:54:00:00:00:05))",
                "recirc_id(0),in_port(1),skb_mark(0x8/0xf),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=first)",
                "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth(src=00:00:00:00:00:01),eth_type(0x8847)",
                "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8847),mpls(label=22/0xfffff,tc=0/0,ttl=64/0x0,bos=1/1)",
                "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8848),mpls(label=1,tc=7,ttl=64,bos=0,label=2,tc=3,ttl=255,bos=1)",
                "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x894f),nsh(flags=1,ttl=63,mdtype=1,np=3,spi=0x123456,si=255,c1=0x0,c2=0x1/0x0000ff00)",
                "recirc_id(0x3),in_port(1),packet_type(ns=1,id=0x894f),eth_type(0x894f),nsh(mdtype=1,np=3,spi=0x1234)"
            })
    void whatIsPrintedIsRead(String text) throws FlowSyntaxException {
        FlowMatchParser.Parsed flow = parse(text);
        assertThat(new FlowMatchText(flow.key(), flow.mask(), false, Integer::toString).text())
                .isEqualTo(text);
    }

    @Test
    void blanksAndPortNamesMayBeUsed() throws FlowSyntaxException {
        FlowMatchParser.Parsed flow = parse("in_port(p7) eth_type(0x800), ipv4(src=1.1.1.1, dst=1.1.1.2)");
        assertThat(Field.IN_PORT.get(flow.key())).isEqualTo(7);
        assertThat(Field.NW_DST.get(flow.key())).isEqualTo(0x01010102);
        assertThat(Field.NW_PROTO.get(flow.mask())).isZero();
    }

    @Test
    void aFrameWithoutATypeHasNone() throws FlowSyntaxException {
        FlowMatchParser.Parsed flow = parse("in_port(1),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02)");
        assertThat(Field.ETH_TYPE.get(flow.key())).isEqualTo(0x05ff);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "zz",
                "in_port(p8)",
                "in_port(1),eth(src=50:54:00:00:00)",
                "in_port(1),eth_type(0x800),ipv4(src=1.1.1)",
                "in_port(1),eth_type(0x800),ipv4(src=1.1.1.1",
                "in_port(1),eth_type(0x10000)",
                "in_port(1),ipv4(nothing=1)",
                "ct_state(+nix)",
                "in_port(1),nothing(1)",
                "in_port(1),vlan(vid)",
                "in_port(1),ipv6(src=1.2.3.4)",
                "packet_type(ns=2,id=0x800)",
                "packet_type(ns=0,id=0x800)",
                "in_port(1),eth_type(0x8847),mpls(label=1,bos=1,label=2,bos=1)",
                "in_port(1),eth_type(0x8847),mpls(label=1,label=2,label=3,label=4)",
                "in_port(1),eth_type(0x8847),mpls(label=1048576)",
                "in_port(1),eth_type(0x8847),mpls(colour=1)"
            })
    void whatCannotBeReadIsNamed(String text) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(FlowSyntaxException.class)
                .hasMessageStartingWith("syntax error at ");
    }

    @Test
    void theErrorBeginsWhereNothingCanBeRead() {
        assertThatThrownBy(() -> parse("in_port(1),nothing(1),eth()")).hasMessage("syntax error at nothing(1),eth()");
    }
}
