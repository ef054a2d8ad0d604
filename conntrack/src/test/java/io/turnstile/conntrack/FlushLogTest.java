package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What the log says of a flush. */
class FlushLogTest {
    private final ConnectionFilter filter = new ConnectionFilter();

    @Test
    void nothingMeansAllOrOneZone() {
        assertThat(FlushLog.text(filter)).isEqualTo("<all>");
        filter.zone = 7;
        assertThat(FlushLog.text(filter)).isEqualTo("zone 7");
    }

    @Test
    void tuplesAreShownWithWhatWasNotGiven() {
        filter.zone = 5;
        filter.protocol = 17;
        filter.original.sourceLow = 0x0a010101;
        filter.original.sourcePort = 9;
        assertThat(FlushLog.text(filter))
                .isEqualTo("zone=5 'ct_nw_src=10.1.1.1,ct_nw_dst=::,ct_tp_src=9,ct_tp_dst=0,ct_nw_proto=17' "
                        + "'ct_nw_src=::,ct_nw_dst=::,ct_tp_src=0,ct_tp_dst=0'");
        filter.protocol = 1;
        filter.original.icmpId = 3;
        assertThat(FlushLog.text(filter)).contains("ct_nw_dst=::,icmp_id=3,icmp_type=0,icmp_code=0,ct_nw_proto=1'");
    }

    @Test
    void masksAreShownUnlessTheyAreWhole() {
        filter.mark = 0xabc;
        filter.markMask = -1;
        filter.labelLow = 0x12;
        filter.labelHigh = 1;
        filter.labelMaskLow = 0xff;
        assertThat(FlushLog.text(filter)).startsWith("zone=0 mark=0xabc labels=0x10000000000000012/0xff '");
        filter.markMask = 0x5;
        filter.mark = 0;
        assertThat(FlushLog.text(filter)).startsWith("zone=0 mark=0/0x5 ");
    }
}
