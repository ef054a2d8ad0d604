package io.turnstile.stories.database;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The check accepts what one order explains, and nothing else. */
class OneOrderTest {
    private static Step write(long requestNs, long responseNs, long value) {
        return new Step("w" + value, true, requestNs, responseNs, value);
    }

    private static Step read(long requestNs, long responseNs, long value) {
        return new Step("r" + value, false, requestNs, responseNs, value);
    }

    @Test
    void stepsThatOverlapMayComeInAnyOrder() {
        assertThat(OneOrder.violation(List.of(write(0, 10, 2), write(5, 20, 1), read(1, 30, 1), read(2, 30, 2))))
                .isEmpty();
        assertThat(OneOrder.violation(List.of())).isEmpty();
    }

    @Test
    void whoIsAnsweredBeforeAnotherAsksComesBefore() {
        assertThat(OneOrder.violation(List.of(write(0, 10, 2), write(11, 20, 1))))
                .isPresent();
        assertThat(OneOrder.violation(List.of(write(0, 10, 1), write(11, 20, 2))))
                .isEmpty();
    }

    @Test
    void aStaleReadIsFound() {
        assertThat(OneOrder.violation(List.of(write(0, 10, 1), read(11, 20, 0))))
                .isPresent();
        assertThat(OneOrder.violation(List.of(read(0, 10, 2), read(11, 20, 1)))).isPresent();
        assertThat(OneOrder.violation(List.of(read(0, 10, 2), read(11, 20, 2)))).isEmpty();
    }

    @Test
    void aReadOfWhatWasNotYetAskedForIsFound() {
        assertThat(OneOrder.violation(List.of(read(0, 10, 1), write(11, 20, 1))))
                .isPresent();
        assertThat(OneOrder.violation(List.of(read(0, 12, 1), write(11, 20, 1))))
                .isEmpty();
    }

    @Test
    void twoWritesOfOneValueAreFound() {
        assertThat(OneOrder.violation(List.of(write(0, 10, 1), write(5, 20, 1))))
                .isPresent();
    }

    @Test
    void itAnswersAsTheComparisonOfAllPairsDoes() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int found = 0;
        for (int i = 0; i < 2_000; i++) {
            List<Step> steps = new ArrayList<>();
            for (int value = 1; value < 6; value++) {
                long requestNs = 6 * value + random.nextInt(8);
                steps.add(write(requestNs, requestNs + 1 + random.nextInt(8), value));
                requestNs = 6 * value + random.nextInt(8);
                steps.add(read(requestNs, requestNs + 1 + random.nextInt(8), Math.max(0, value - random.nextInt(2))));
            }
            boolean wrong = steps.stream()
                    .anyMatch(a -> steps.stream()
                            .anyMatch(b -> a.responseNs() < b.requestNs() && a.position() > b.position()));
            found += wrong ? 1 : 0;
            assertThat(OneOrder.violation(steps).isPresent())
                    .as("seed %d, history %d: %s", seed, i, steps)
                    .isEqualTo(wrong);
        }
        assertThat(found).isBetween(200, 1_800);
    }
}
