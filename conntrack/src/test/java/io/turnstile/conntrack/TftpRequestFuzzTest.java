package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.packet.Frames;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** TFTP's requests in any payload, against a regular expression. */
class TftpRequestFuzzTest {
    private static final Pattern REQUEST = Pattern.compile("\0[\1\2][^\0]+\0[^\0]+\0.*", Pattern.DOTALL);

    static Stream<byte[]> seeds() {
        return Stream.of("\0\1boot.img\0octet\0", "\0\2x\0netascii\0blksize\0" + "1428\0")
                .map(text -> text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @MethodSource("seeds")
    @FuzzTest
    void aRequestIsWhatReadsAsOne(byte[] input) {
        byte[] payload = Arrays.copyOf(input, Math.min(1400, input.length));
        boolean expected = REQUEST.matcher(new String(payload, StandardCharsets.ISO_8859_1))
                .matches();
        assertThat(TftpRequest.is(Frames.udp("10.0.0.1:4000 > 10.0.0.2:69")
                        .payload(payload)
                        .packet()))
                .isEqualTo(expected);
    }
}
