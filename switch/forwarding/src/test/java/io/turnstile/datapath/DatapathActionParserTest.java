package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Datapath actions as people write them, and as dump-flows prints them. */
class DatapathActionParserTest {
    private static DatapathAction[] parse(String text) throws FlowSyntaxException {
        return DatapathActionParser.parse(text, name -> name.equals("p7") ? 7 : -1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "drop",
                "2",
                "2,3,100",
                "set(ipv4(src=10.0.0.1,ttl=63)),1",
                "set(ipv4(tos=0x4/0xfc)),set(skb_priority(0x1)),1",
                "set(eth(src=50:54:00:00:00:01)),set(tcp(dst=80)),1",
                "pop_vlan,push_vlan(vid=7,pcp=3),1",
                "push_vlan(tpid=0x88a8,vid=7,pcp=0),1",
                "ct,recirc(0x1)",
                "ct(commit,zone=5,mark=0x1/0xff,label=0x2/0xf,helper=ftp,timeout=3,nat(src=10.0.0.1-10.0.0.9:5000-6000,hash)),2",
                "ct(force_commit,nat(dst=[fd00::1]:80)),2",
                "ct(zone=1,nat),ct_clear,2",
                "ct(commit,nat(src)),2",
                "hash(sym_l4(0)),recirc(0x12)",
                "hash(l4(7)),recirc(0x12)",
                "clone(push_vlan(vid=1,pcp=0),2),3",
                "check_pkt_len(size=200,gt(drop),le(2,3))",
                "check_pkt_len(size=200,gt(clone(set(ipv4(ttl=1)),4)),le(check_pkt_len(size=100,gt(1),le(2))))"
            })
    void whatIsPrintedIsRead(String text) throws FlowSyntaxException {
        assertThat(DatapathFlowText.actions(parse(text))).isEqualTo(text);
    }

    @Test
    void blanksAndPortNamesMayBeUsed() throws FlowSyntaxException {
        assertThat(parse(" p7 , 2 ")).containsExactly(new DatapathAction.Output(7), new DatapathAction.Output(2));
        assertThat(parse("")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "p8",
                "-1",
                "4294967295",
                "set()",
                "set(ipv4(src=10.0.0))",
                "set(ipv4())",
                "set(nothing(1))",
                "push_vlan(vid=4096)",
                "push_vlan(vid=1",
                "recirc(x)",
                "ct(zone=65536)",
                "ct(commit,helper=sip)",
                "ct(nat(src=1.1.1))",
                "ct(commit=1,surprise)",
                "hash(md5(1))",
                "check_pkt_len(size=1,gt(1))",
                "meter(1)",
                "userspace(pid=0,controller)",
                "clone(1))",
                "clone(1)2"
            })
    void whatIsNoActionIsRefused(String text) {
        assertThatThrownBy(() -> parse(text)).isInstanceOf(FlowSyntaxException.class);
    }

    @Test
    void nestingHasAnEnd() {
        String deep = "clone(".repeat(1000) + "1" + ")".repeat(1000);
        assertThatThrownBy(() -> parse(deep)).isInstanceOf(FlowSyntaxException.class);
    }
}
