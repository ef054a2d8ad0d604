package io.turnstile.pipeline.flow;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Text that is nested as deeply as anybody likes is refused in Open vSwitch's words. */
class NestedTextTest {

    private static String nested(String outer, int depth) {
        return "ip,actions=" + (outer + "(").repeat(depth) + "1" + ")".repeat(depth);
    }

    @ParameterizedTest
    @CsvSource({
        "ct(commit;exec, 50, )))",
        "write_actions, 3000, )",
        "write_actions, 100, )",
    })
    void actionsThatAreNestedTooDeeplyAreRefused(String outer, int depth, String close) {
        assertThatThrownBy(() -> FlowText.parseFlowMod(FlowMod.Command.ADD, nested(outer, depth)))
                .isInstanceOf(FlowTextException.class);
    }

    @ParameterizedTest
    @CsvSource({"100", "5000", "100000"})
    void conntrackInConntrackIsRefused(int depth) {
        String text = "ip,actions=" + "ct(exec(".repeat(depth) + "))".repeat(depth);
        assertThatThrownBy(() -> FlowText.parseFlowMod(FlowMod.Command.ADD, text))
                .isInstanceOf(FlowTextException.class)
                .hasMessage("Action nested too deeply");
    }
}
