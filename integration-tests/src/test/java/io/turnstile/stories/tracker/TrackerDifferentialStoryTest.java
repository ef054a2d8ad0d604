package io.turnstile.stories.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random packet sequences through both trackers: the same packets come out with the same states, marks, labels and original
 * tuples, and the same connections are there at the end. What differs is shrunk and printed as a script; laid into
 * {@code src/test/resources/tracker-scripts} it is a test of its own ({@link TrackerScriptStoryTest}).
 *
 * <p>{@code -Dct.differential.seed=N} begins elsewhere, {@code -Dct.differential.rounds=N} goes on for longer.
 */
@Tag("system")
class TrackerDifferentialStoryTest {
    private static final int STEPS = 150;
    private static Twins twins;

    @BeforeAll
    static void start() {
        twins = Twins.start(EnumSet.allOf(Feature.class));
    }

    @AfterAll
    static void stop() {
        twins.close();
    }

    static LongStream seeds() {
        long first = Long.getLong("ct.differential.seed", 1);
        return LongStream.range(first, first + Long.getLong("ct.differential.rounds", 20));
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void randomTrafficIsTrackedAlike(long seed) {
        compare(seed, EnumSet.of(Feature.TRACKING));
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void randomTrafficIsTranslatedAlike(long seed) {
        compare(seed, EnumSet.of(Feature.TRACKING, Feature.NAT));
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void randomTrafficInFragmentsIsTrackedAlike(long seed) {
        compare(seed, EnumSet.of(Feature.TRACKING, Feature.FRAGMENTS));
    }

    private static void compare(long seed, Set<Feature> features) {
        Script script = new TrafficMix(seed, features).script(STEPS);
        assertThat(twins.shrunkDifference(script)).as("seed %d of %s", seed, features).isEmpty();
    }
}
