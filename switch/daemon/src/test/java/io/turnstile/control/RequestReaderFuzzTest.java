package io.turnstile.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Any bytes on the control socket, read as requests: the same whether they come at once or in pieces, and each fit to
 * be run. Input: the length of the pieces, then the bytes.
 */
class RequestReaderFuzzTest {
    static Stream<byte[]> seeds() {
        return Stream.of(
                        "\u0003{\"method\":\"list-commands\",\"params\":[],\"id\":0}",
                        "\u0001{\"method\":\"version\",\"params\":[\"x\\\"}\"],\"id\":null}{\"method\":\"foo\",\"params\":[1],\"id\":[]}",
                        "\u0040 \n{\"id\":{\"a\":[[[]]]},\"method\":\"\\u0000\",\"params\":{\"x\":\"y\"}} \t",
                        "\u0007[[[[{}]]]]",
                        "\u0005{\"params\":[\"zone=3\",\"ct_nw_src=10.0.0.0/8\"],\"method\":\"dpctl/dump-conntrack\",\"id\":7}{")
                .map(text -> text.getBytes(StandardCharsets.UTF_8));
    }

    @MethodSource("seeds")
    @FuzzTest
    void bytesAreTheSameRequestsHoweverTheyCome(byte[] input) {
        int step = input.length == 0 ? 1 : 1 + (input[0] & 0x7f);
        List<String> atOnce = read(input, Math.max(1, input.length));
        assertThat(read(input, step)).isEqualTo(atOnce);
    }

    private static List<String> read(byte[] input, int step) {
        List<String> found = new ArrayList<>();
        RequestReader reader = new RequestReader();
        try {
            for (int from = 1; from < input.length; from += step) {
                reader.add(Unpooled.wrappedBuffer(input, from, Math.min(step, input.length - from)));
                for (Request request = reader.next(); request != null; request = reader.next()) {
                    assertThat(request.id().isNull()).isFalse();
                    found.add(request.method() + request.words() + request.id());
                }
            }
            found.add(reader.waitingBytes() == 0 ? "done" : "half");
        } catch (MalformedRequestException refused) {
            found.add("refused");
        } finally {
            reader.close();
        }
        return found;
    }
}
