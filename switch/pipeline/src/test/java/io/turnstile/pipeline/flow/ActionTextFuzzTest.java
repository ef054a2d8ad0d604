package io.turnstile.pipeline.flow;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any text as actions: it is refused in words, or what is printed of it reads back and is printed the same. */
class ActionTextFuzzTest {

    static Stream<byte[]> seeds() {
        return ActionSamples.all().values().stream()
                .map(samples -> String.join(",", samples).getBytes(StandardCharsets.ISO_8859_1));
    }

    @MethodSource("seeds")
    @FuzzTest
    void printedActionsReadBackAsTheSame(byte[] input) throws FlowTextException {
        List<OfAction> actions;
        try {
            actions = FlowText.parseActions(new String(input, StandardCharsets.ISO_8859_1));
        } catch (FlowTextException refused) {
            assertThat(refused.getMessage()).isNotEmpty();
            return;
        }
        String printed = FlowText.format(actions);
        assertThat(FlowText.format(FlowText.parseActions(printed))).isEqualTo(printed);
        assertThat(ActionSet.inOrder(actions)).hasSizeLessThanOrEqualTo(actions.size());
    }
}
