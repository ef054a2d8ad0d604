package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Messages were taken from ovs-vswitchd 3.1.0. */
class TraceArgumentsTest {

    @Test
    void optionsStandAnywhereAndKeepTheirOrder() throws Exception {
        TraceArguments arguments = TraceArguments.parse(List.of(
                "--ct-next", "trk,new", "br0", "-generate", "ip", "--l7-len", "3", "--ct-next", "trk est,snat"));
        assertThat(arguments.named()).containsExactly("br0", "ip");
        assertThat(arguments.ctStates()).containsExactly(0x21, 0x62);
        assertThat(arguments.generate()).isTrue();
        assertThat(arguments.names()).isFalse();
        assertThat(arguments.payload()).containsExactly(0, 1, 2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "foo; foo: unknown connection tracking state flag",
                "trk|new; trk|new: unknown connection tracking state flag",
                "new; new: invalid connection state: If \"trk\" is unset, no other flags are set",
                "trk,inv,new; new|inv|trk: invalid connection state: when \"inv\" is set, only \"trk\" may also be set",
                "trk,new,est; new|est|trk: invalid connection state: \"new\" and \"est\" are mutually exclusive",
                "trk,new,rpl; new|rpl|trk: invalid connection state: \"new\" and \"rpy\" are mutually exclusive"
            })
    void impossibleStatesAreRefused(String state, String message) {
        assertThatThrownBy(() -> TraceArguments.parse(List.of("br0", "ip", "--ct-next", state)))
                .isInstanceOf(BadArgument.class)
                .satisfies(e -> assertThat(e.getMessage().strip()).isEqualTo(message));
    }
}
