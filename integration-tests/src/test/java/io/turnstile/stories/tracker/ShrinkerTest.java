package io.turnstile.stories.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShrinkerTest {

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void onlyWhatTheFailureNeedsIsLeft(long seed) {
        Random random = new Random(seed);
        List<Step> all = new ArrayList<>();
        for (int i = 0; i < 150; i++) {
            all.add(new Step.Wait(i + 1));
        }
        List<Step> needed = new ArrayList<>(all);
        Collections.shuffle(needed, random);
        List<Step> culprits = needed.subList(0, 1 + random.nextInt(4));
        Script shortest = new Shrinker(script -> script.steps().containsAll(culprits), 1000).shrink(new Script(all));
        assertThat(shortest.steps()).as("seed %d", seed).containsExactlyInAnyOrderElementsOf(culprits);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 20})
    void failsStillWhenTheTriesAreUsedUp(int tries) {
        List<Step> all = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            all.add(new Step.Wait(i + 1));
        }
        Predicate<Script> fails = script -> script.steps().contains(new Step.Wait(40));
        int[] asked = new int[1];
        Script shortest = new Shrinker(
                        script -> {
                            asked[0]++;
                            return fails.test(script);
                        },
                        tries)
                .shrink(new Script(all));
        assertThat(fails.test(shortest)).isTrue();
        assertThat(asked[0]).isLessThanOrEqualTo(tries);
    }
}
