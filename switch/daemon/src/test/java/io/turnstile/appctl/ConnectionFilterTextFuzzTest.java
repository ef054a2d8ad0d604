package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.conntrack.ConnectionFilter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any words as the filter of {@code dpctl/flush-conntrack}. Input: the words, each ended by a line end. */
class ConnectionFilterTextFuzzTest {

    static Stream<byte[]> seeds() {
        return Stream.of(
                        "zone=3\nmark=0x10/0xf0\nlabels=0x10000000000000000\n"
                                + "ct_ipv6_src=fc00::1,ct_ipv6_dst=fc00::2,ct_nw_proto=6,ct_tp_src=1,ct_tp_dst=2\nct_tp_src=9",
                        "ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=1,icmp_type=8,icmp_code=0,icmp_id=7",
                        "mark=010/0x1f\nct_nw_src:10.0.0.1 ct_nw_proto(0x11)\tct_tp_src=021,,")
                .map(text -> text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @MethodSource("seeds")
    @FuzzTest
    void wordsAreUnderstoodOrRefused(byte[] input) {
        List<String> words = List.of(new String(input, StandardCharsets.ISO_8859_1).split("\n"));
        try {
            ConnectionFilter filter = ConnectionFilterText.parse(words);
            assertThat(filter.original.sourcePort).isBetween(0, 0xffff);
            assertThat(filter.protocol).isBetween(0, 0xff);
        } catch (BadArgument refused) {
            assertThat(refused.getMessage()).isNotEmpty();
        }
    }
}
