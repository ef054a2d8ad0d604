package io.turnstile.pipeline.flow;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.pipeline.flow.FlowMod.Command;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any line as one of add-flow: it is refused in words, or what is printed of it reads back as the same flow. */
class FlowTextFuzzTest {

    static Stream<byte[]> seeds() throws IOException {
        return FlowTextTest.recorded().stream()
                .map(pair -> ((String) pair.get()[0]).getBytes(StandardCharsets.ISO_8859_1));
    }

    @MethodSource("seeds")
    @FuzzTest
    void printedFlowReadsBackAsTheSame(byte[] input) throws FlowTextException {
        FlowMod flow;
        try {
            flow = FlowText.parseFlowMod(Command.ADD, new String(input, StandardCharsets.ISO_8859_1));
        } catch (FlowTextException refused) {
            assertThat(refused.getMessage()).isNotEmpty();
            return;
        }
        String actions = FlowText.format(flow.actions(), flow.match());
        FlowMod again = FlowText.parseFlowMod(
                Command.ADD, FlowText.format(flow.match(), flow.priority()) + " actions=" + actions);
        assertThat(again.match()).isEqualTo(flow.match());
        assertThat(again.priority()).isEqualTo(flow.priority());
        assertThat(FlowText.format(again.actions(), again.match())).isEqualTo(actions);
    }
}
