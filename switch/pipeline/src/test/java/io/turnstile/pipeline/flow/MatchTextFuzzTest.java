package io.turnstile.pipeline.flow;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any text as a match: it is refused in words, or what is printed of it reads back as the same match. */
class MatchTextFuzzTest {

    static Stream<byte[]> seeds() throws IOException {
        return FlowTextTest.recorded().stream()
                .map(pair -> ((String) pair.get()[0]).replaceFirst("(priority=[^,]*,)?(.*?)[, ]*actions=.*", "$2"))
                .map(match -> match.getBytes(StandardCharsets.ISO_8859_1));
    }

    @MethodSource("seeds")
    @FuzzTest
    void printedMatchReadsBackAsTheSame(byte[] input) throws FlowTextException {
        Match match;
        try {
            match = FlowText.parseMatch(new String(input, StandardCharsets.ISO_8859_1));
        } catch (FlowTextException refused) {
            assertThat(refused.getMessage()).isNotEmpty();
            return;
        }
        String printed = FlowText.format(match);
        Match again = FlowText.parseMatch(printed);
        assertThat(again).as(printed).isEqualTo(match);
        assertThat(FlowText.format(again)).isEqualTo(printed);
        assertThat(FlowText.formatPacket(match, 1)).isNotEmpty();
    }
}
