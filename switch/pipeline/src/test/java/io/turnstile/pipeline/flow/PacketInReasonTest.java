package io.turnstile.pipeline.flow;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PacketInReasonTest {
    @ParameterizedTest
    @EnumSource
    void reasonIsFoundByItsNumberAndByItsName(PacketInReason reason) {
        assertThat(PacketInReason.of(reason.number())).contains(reason);
        assertThat(PacketInReason.named(reason.label())).contains(reason);
    }

    @Test
    void unknownReasonsAreNone() {
        assertThat(PacketInReason.of(PacketInReason.values().length)).isEmpty();
        assertThat(PacketInReason.of(-1)).isEmpty();
        assertThat(PacketInReason.named("no_reason")).isEmpty();
    }

    @Test
    void olderVersionsCallWhatTheyDoNotHaveAnAction() {
        assertThat(PacketInReason.values())
                .extracting(PacketInReason::numberBefore14)
                .containsExactly(0, 1, 2, 1, 1, 1);
    }
}
