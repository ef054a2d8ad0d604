package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import java.util.HexFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where the window scale (RFC 7323 §2) is found among the options of a SYN, and where it is not. */
class TcpOptionsTest {
    private final TrackerFixture ct = new TrackerFixture();

    @ParameterizedTest(name = "{0}: {2}")
    @CsvSource({
        "03030700,                 7, at the beginning",
        "01030307,                 7, after one NOP",
        "0101010303050000,        5, after several",
        "020405b4 01030304,        4, after another option",
        "020405b4 0402080a00000001 00000000 01030309, 9, the SYN of an everyday stack",
        "0303010303020000,         2, twice: the last one counts",
        "00030307,                -1, behind the end of the options",
        "020405b4 00030307,       -1, behind the end of the options too",
        "03030f00,                14, more than may be",
        "030380ff,                14, much more than may be",
        "03030000,                 0, none but agreed",
        "01010103,                -1, without room for it",
        "01010303,                -1, without room for its value",
        "fe000303 06000000,        6, after an option that says it has no length",
        "fe010303 06000000,        6, after an option shorter than its header",
        "feff0303 06000000,       -1, behind an option longer than the header",
        "020405b4,                -1, no such option"
    })
    void scaleIsFound(String options, int scale, String where) {
        byte[] bytes = HexFormat.of().parseHex(options.replace(" ", ""));
        assertThat(ct.pass(Frames.tcp("10.0.0.1:5 > 10.0.0.2:6").syn().options(bytes)))
                .as(where)
                .isEqualTo("new");
        String line = ct.dump(true, false).getFirst();
        assertThat(line).contains(scale < 0 ? "flags_orig=0" : "flags_orig=WINDOW_SCALE");
        if (scale > 0) {
            assertThat(line).contains("wscale_orig=" + scale + ",wscale_reply=0");
        } else {
            assertThat(line).doesNotContain("wscale");
        }
    }
}
