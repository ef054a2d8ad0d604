package io.turnstile.pipeline.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

class PacketInReasonTest {
    @ParameterizedTest
    @EnumSource(mode = Mode.MATCH_NONE, names = ".*_MISS")
    void reasonIsFoundByItsNumberAndByItsName(PacketInReason reason) {
        assertThat(PacketInReason.of(reason.number())).contains(reason);
        assertThat(PacketInReason.named(reason.label())).contains(reason);
    }

    @Test
    void unknownReasonsAreNone() {
        assertThat(PacketInReason.of(6)).isEmpty();
        assertThat(PacketInReason.of(-1)).isEmpty();
        assertThat(PacketInReason.named("no_reason")).isEmpty();
    }

    @Test
    void olderVersionsCallWhatTheyDoNotHaveAnAction() {
        assertThat(numbers(ActionForm.OF10)).containsExactly(0, 1, 2, 1, 1, 1, 1, 0);
        assertThat(numbers(ActionForm.OF12)).containsExactly(0, 1, 2, 1, 1, 1, 1, 0);
        assertThat(numbers(ActionForm.OF13)).containsExactly(0, 1, 2, 1, 1, 1, 0, 0);
        assertThat(numbers(ActionForm.OF14)).containsExactly(0, 1, 2, 3, 4, 5, 0, 0);
    }

    private static Stream<Integer> numbers(int version) {
        return Stream.of(PacketInReason.values()).map(reason -> reason.numberIn(version));
    }

    @Test
    void aTableMissFlowIsMaskedAsAMissInEveryVersion() {
        assertThat(PacketInReason.EXPLICIT_MISS.maskBitIn(ActionForm.OF10)).isZero();
        assertThat(PacketInReason.EXPLICIT_MISS.maskBitIn(ActionForm.OF13)).isZero();
        assertThat(PacketInReason.ACTION_SET.maskBitIn(ActionForm.OF10)).isEqualTo(1);
    }

    @Test
    void aMissWithoutAFlowIsNewsBefore13Alone() {
        assertThat(PacketInReason.IMPLICIT_MISS.isToldTo(ActionForm.OF12)).isTrue();
        assertThat(PacketInReason.IMPLICIT_MISS.isToldTo(ActionForm.OF13)).isFalse();
        assertThat(PacketInReason.EXPLICIT_MISS.isToldTo(ActionForm.OF15)).isTrue();
    }
}
