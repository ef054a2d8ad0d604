package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlowComposerTest {
    private static final String UDP = "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
            + "ipv4(src=1.1.1.1,dst=1.1.1.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)";

    @Test
    void aUdpFlowBecomesAWholeFrame() {
        String hex = HexFormat.of().formatHex(FlowComposer.compose(UDP));
        assertThat(hex)
                .startsWith("505400000002505400000001" + "0800" + "4500005c00000000" + "4011" + "768d" + "01010101"
                        + "01010102" + "00010002" + "0048");
        assertThat(hex).endsWith("3c3d3e3f").hasSize(2 * (14 + 20 + 8 + 64));
    }

    /** As with Open vSwitch: an opening or closing segment, and an ICMP error, carry nothing. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "6; tcp(src=1,dst=2),tcp_flags(syn|ack); 20",
                "6; tcp(src=1,dst=2),tcp_flags(fin); 20",
                "6; tcp(src=1,dst=2),tcp_flags(ack); 84",
                "6; tcp(src=1,dst=2); 84",
                "1; icmp(type=8,code=0); 72",
                "1; icmp(type=3,code=1); 8",
                "47; ; 64"
            })
    void dataFollowsWhereItMay(int protocol, String transport, int bytes) {
        String flow = UDP.replace("proto=17", "proto=" + protocol)
                .replace(",udp(src=1,dst=2)", transport == null ? "" : "," + transport);
        assertThat(FlowComposer.compose(flow)).hasSize(14 + 20 + bytes);
    }

    @Test
    void withoutFlagsATcpSegmentHasNone() {
        byte[] frame = FlowComposer.compose(UDP.replace("proto=17", "proto=6").replace("udp(", "tcp("));
        assertThat(frame[14 + 20 + 13]).isZero();
    }

    @Test
    void tcpFlagsMayBeNamed() {
        byte[] frame = FlowComposer.compose(
                UDP.replace("proto=17", "proto=6").replace("udp(src=1,dst=2)", "tcp(src=1,dst=2),tcp_flags(syn|ack)"));
        assertThat(frame[14 + 20 + 13]).isEqualTo((byte) 0x12);
    }

    @Test
    void whatCannotBeReadIsRefused() {
        assertThatThrownBy(() -> FlowComposer.compose("zz"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("syntax error at zz");
        assertThatThrownBy(() -> FlowComposer.compose(UDP.replace("1.1.1.2", "1.1.1")))
                .hasMessageContaining("1.1.1");
        assertThatThrownBy(() -> FlowComposer.compose(UDP.replace("frag=no", "frag=later")))
                .hasMessageContaining("not supported");
    }
}
