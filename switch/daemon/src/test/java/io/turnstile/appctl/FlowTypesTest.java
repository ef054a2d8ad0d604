package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlowTypesTest {

    @ParameterizedTest
    @CsvSource({
        "type=offloaded, true, false",
        "type=non-offloaded, false, true",
        "type=ovs, false, true",
        "type=all, true, true",
        "'type=ovs,offloaded', true, true",
        "'type=tc,dpdk,partially-offloaded', false, false",
        "type=, false, false",
        "dummy@ovs-dummy, true, true"
    })
    void showsWhatIsAskedFor(String word, boolean carried, boolean others) throws BadArgument {
        FlowTypes types = FlowTypes.in(List.of("-m", word));
        assertThat(types.shows(true)).isEqualTo(carried);
        assertThat(types.shows(false)).isEqualTo(others);
    }

    @Test
    void whatIsNoTypeIsNamed() {
        assertThatThrownBy(() -> FlowTypes.in(List.of("type=ovs,hw")))
                .isInstanceOf(BadArgument.class)
                .hasMessage("Failed to parse type (hw)");
    }
}
