package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** OpenFlow 1.0's match: nothing of it is lost that the packets of its Ethernet type have. */
class LegacyMatchTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "tcp6,nw_tos=16,tp_dst=80",
                "udp6,tp_src=53",
                "icmp6,icmp_type=135",
                "sctp6,tp_dst=9",
                "ipv6,nw_proto=59",
                "tcp,nw_src=10.0.0.0/8,tp_dst=80",
                "icmp,icmp_type=8,icmp_code=0",
                "arp,arp_spa=10.0.0.1,arp_op=1",
                "rarp,arp_tpa=10.0.0.1,arp_op=3",
                "dl_vlan=5,dl_vlan_pcp=3",
                "dl_type=0x1234"
            })
    void whatIsReadIsWhatWasWritten(String text) throws Exception {
        Match match = FlowText.parseMatch(text);
        ByteBuf out = Unpooled.buffer();
        LegacyMatch.write(out, match);
        assertThat(LegacyMatch.read(out)).isEqualTo(match);
    }
}
