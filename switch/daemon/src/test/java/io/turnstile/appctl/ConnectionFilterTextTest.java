package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.SctpState;
import io.turnstile.conntrack.TcpState;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConnectionFilterTextTest {
    @Test
    void nothingSelectsAll() throws BadArgument {
        assertThat(ConnectionFilterText.parse(List.of()).isEmpty()).isTrue();
        assertThat(ConnectionFilterText.parse(List.of("zone=5")).zone).isEqualTo(5);
    }

    @Test
    void everyPartIsUnderstood() throws BadArgument {
        ConnectionFilter filter = ConnectionFilterText.parse(List.of(
                "zone=3",
                "mark=0x10/0xf0",
                "labels=0x10000000000000000",
                "ct_ipv6_src=fc00::1,ct_ipv6_dst=fc00::2,ct_nw_proto=6,ct_tp_src=1,ct_tp_dst=2",
                "ct_tp_src=9"));
        assertThat(filter.zone).isEqualTo(3);
        assertThat(filter.mark).isEqualTo(0x10);
        assertThat(filter.markMask).isEqualTo(0xf0);
        assertThat(filter.labelHigh).isEqualTo(1);
        assertThat(filter.labelMaskLow).isEqualTo(-1);
        assertThat(filter.original.sourceHigh).isEqualTo(0xfc00L << 48);
        assertThat(filter.original.destinationLow).isEqualTo(2);
        assertThat(filter.original.destinationPort).isEqualTo(2);
        assertThat(filter.reply.sourcePort).isEqualTo(9);
        assertThat(filter.namesOne()).isFalse();
    }

    @Test
    void wholeTupleNamesOneConnection() throws BadArgument {
        assertThat(ConnectionFilterText.parse(List.of(
                                "ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=1," + "ct_tp_dst=2"))
                        .namesOne())
                .isTrue();
    }

    @Test
    void masksFollowAddressesAndPorts() throws BadArgument {
        ConnectionFilter filter = ConnectionFilterText.parse(
                List.of(
                        "limit=5",
                        "state=time_wait,COOKIE_WAIT",
                        "zone=1",
                        "ct_nw_src=10.1.2.3/8,ct_nw_dst=10.0.0.9/255.0.0.255,ct_nw_proto=6,ct_tp_src=1025/0xfc00,ct_tp_dst=0/1"));
        assertThat(filter.limit).isEqualTo(5);
        assertThat(filter.zone).isEqualTo(1);
        assertThat(filter.tcpStates).isEqualTo(1 << TcpState.TIME_WAIT.ordinal());
        assertThat(filter.sctpStates).isEqualTo(1 << SctpState.COOKIE_WAIT.ordinal());
        assertThat(filter.original.sourceLow).isEqualTo(0x0a000000);
        assertThat(filter.original.sourceMaskLow).isEqualTo(0xff000000L);
        assertThat(filter.original.destinationMaskLow).isEqualTo(0xff0000ffL);
        assertThat(filter.original.sourcePort).isEqualTo(1024);
        assertThat(filter.original.sourcePortMask).isEqualTo(0xfc00);
        assertThat(filter.original.destinationPortMask).isOne();
        assertThat(filter.isEmpty()).isFalse();
        assertThat(ConnectionFilterText.parse(List.of("ct_nw_src=0.0.0.0/8")).isEmpty())
                .isFalse();
        filter = ConnectionFilterText.parse(List.of("ct_ipv6_src=fc00::1/72"));
        assertThat(filter.original.sourceMaskHigh).isEqualTo(-1);
        assertThat(filter.original.sourceMaskLow).isEqualTo(0xffL << 56);
    }

    @Test
    void aMaskOfAllBitsIsNone() throws BadArgument {
        assertThat(ConnectionFilterText.parse(
                                List.of(
                                        "ct_nw_src=10.0.0.1/32,ct_nw_dst=10.0.0.2/255.255.255.255,ct_nw_proto=17,ct_tp_src=1/0xffff,ct_tp_dst=2"))
                        .namesOne())
                .isTrue();
        assertThat(ConnectionFilterText.parse(List.of(
                                "state=CLOSED",
                                "ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=6,ct_tp_src=1,ct_tp_dst=2"))
                        .namesOne())
                .isFalse();
    }

    @Test
    void ofIcmpThoseFieldsCountThatAreThereAndZeroAsWell() throws BadArgument {
        ConnectionFilter filter = ConnectionFilterText.parse(List.of("ct_nw_proto=1,icmp_id=7", "icmp_type=0"));
        assertThat(filter.original.icmpId).isEqualTo(7);
        assertThat(filter.original.icmpType).isNull();
        assertThat(filter.original.icmpCode).isNull();
        assertThat(filter.reply.icmpId).isNull();
        assertThat(filter.reply.icmpType).isZero();
        assertThat(filter.namesOne()).isFalse();
        assertThat(ConnectionFilterText.parse(List.of("ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=1,icmp_id=0"))
                        .namesOne())
                .isTrue();
        assertThat(ConnectionFilterText.parse(List.of("ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=1"))
                        .namesOne())
                .isFalse();
    }

    @Test
    void emptyOriginalTupleLeavesTheReply() throws BadArgument {
        assertThat(ConnectionFilterText.parse(List.of("", "ct_nw_src=10.0.0.9")).reply.sourceLow)
                .isEqualTo(0x0a000009);
    }

    @Test
    void numbersAreOfAnyBaseAndBlanksSeparate() throws BadArgument {
        ConnectionFilter filter = ConnectionFilterText.parse(List.of(
                "mark=010/0x1f",
                "labels=0x100000000000000000/16",
                "ct_nw_src:10.0.0.1 ct_nw_proto(0x11)\tct_tp_src=021,,"));
        assertThat(filter.mark).isEqualTo(8);
        assertThat(filter.markMask).isEqualTo(31);
        assertThat(filter.labelHigh).isEqualTo(16);
        assertThat(filter.labelMaskHigh).isZero();
        assertThat(filter.labelMaskLow).isEqualTo(16);
        assertThat(filter.protocol).isEqualTo(17);
        assertThat(filter.original.sourcePort).isEqualTo(17);
    }

    @Test
    void maskThatIsNoneIsWhole() throws BadArgument {
        assertThat(ConnectionFilterText.parse(List.of("mark=5/x")).markMask).isEqualTo(-1);
        assertThat(ConnectionFilterText.parse(List.of("mark=5/0x100000000")).markMask)
                .isEqualTo(-1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        zone=x                               | failed to parse zone
        mark=x                               | failed to parse mark
        mark=4294967296                      | failed to parse mark
        mark=0x100000000                     | failed to parse mark
        labels=x                             | failed to parse labels
        labels=18446744073709551616          | failed to parse labels
        foo                                  | field foo missing value
        foo=1                                | invalid conntrack tuple field: foo
        ct_nw_src=10.0.0                     | failed to parse field ct_nw_src
        ct_nw_src=01.1.1.1                   | failed to parse field ct_nw_src
        ct_ipv6_src=10.0.0.1                 | failed to parse field ct_ipv6_src
        ct_nw_src=1.1.1.1,ct_ipv6_dst=fc00:: | the L3 protocol does not match fc00::
        ct_nw_src=1.1.1.1,ct_nw_src=1.1.1.2  | ct_nw_src is set multiple times
        ct_tp_src=1                          | port is set without protocol
        ct_nw_proto=17,icmp_id=1             | invalid L4 fields
        ct_nw_proto=256                      | failed to parse field ct_nw_proto
        ct_nw_src=10.0.0.0/33                | failed to parse field ct_nw_src
        ct_nw_src=10.0.0.0/x                 | failed to parse field ct_nw_src
        ct_nw_src=10.0.0.0/                  | failed to parse field ct_nw_src
        ct_nw_src=10.0.0.0/8/8               | failed to parse field ct_nw_src
        ct_ipv6_src=fc00::/129               | failed to parse field ct_ipv6_src
        ct_nw_src=1.1.1.1/8,ct_nw_src=2.2.2.2 | ct_nw_src is set multiple times
        ct_tp_src=0/1                        | port is set without protocol
        ct_nw_proto=17,ct_tp_src=1/0x10000   | failed to parse field ct_tp_src
        state=                               | failed to parse state
        state=ESTABLISHED,                   | failed to parse state
        limit=0                              | failed to parse limit
        limit=-1                             | failed to parse limit
        limit=9999999999                     | failed to parse limit
        """)
    void whatIsWrongIsSaid(String text, String error) {
        assertThatThrownBy(() -> ConnectionFilterText.parse(List.of(text))).hasMessage(error);
    }
}
