package io.turnstile.stories.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random packet sequences through both trackers: the same packets come out with the same states, marks, labels and
 * original tuples, and the same connections are there at the end, if Turnstile follows TCP by Open vSwitch's rules; as
 * people start it, each difference has the name of a decision. What differs is shrunk and printed as a script; laid
 * into {@code src/test/resources/tracker-scripts} it is a test of its own ({@link TrackerScriptStoryTest}).
 *
 * <p>{@code -Dct.differential.seed=N} begins elsewhere, {@code -Dct.differential.rounds=N} goes on for longer.
 */
@Tag("system")
class TrackerDifferentialStoryTest {
    private static final int STEPS = 150;
    /** Connections are looked at after each step, which takes its time. */
    private static final int NAMED_STEPS = 40;

    private static final int NAMED_PARTS = 5;
    private static final long MOST_SEEDS = 400;
    private static Twins twins;

    @BeforeAll
    static void start() {
        twins = Twins.start(EnumSet.allOf(Feature.class));
    }

    @AfterAll
    static void stop() {
        if (twins != null) {
            twins.close();
        }
    }

    static LongStream seeds() {
        long first = Long.getLong("ct.differential.seed", 1);
        return LongStream.range(first, first + Long.getLong("ct.differential.rounds", 20));
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void randomTrafficIsTrackedAlike(long seed) {
        compare(seed, EnumSet.of(Feature.TRACKING, Feature.OPERATION));
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

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void randomDialoguesAreFollowedAlike(long seed) {
        compare(seed, EnumSet.of(Feature.HELPERS));
    }

    /** Where Turnstile follows the RFCs each difference is one that was decided, and has the two answers foreseen. */
    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void tcpDiffersAsDecidedOnly(long seed) {
        assertThat(decided(seed)).isNotEmpty();
    }

    /** A program may write a mark into a connection with a packet that changes nothing else of it. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {500_027, 500_180, 500_202})
    void whatAProgramWritesIsNoDifference(long seed) {
        assertThat(decided(seed)).isNotEmpty();
    }

    private static Map<TcpDecision, Integer> decided(long seed) {
        NamedDifferences differences = new NamedDifferences(twins.theirs(), twins.ours());
        for (int part = 0; part < NAMED_PARTS; part++) {
            Script script = new TrafficMix(seed * NAMED_PARTS + part, EnumSet.of(Feature.TRACKING)).script(NAMED_STEPS);
            assertThat(differences.unforeseen(script))
                    .as("seed %d, part %d", seed, part)
                    .isEmpty();
        }
        return differences.met();
    }

    /** No name is there in vain. */
    @Test
    void everyDecisionIsMet() {
        NamedDifferences differences = new NamedDifferences(twins.theirs(), twins.ours());
        for (long seed = 1; seed <= MOST_SEEDS && differences.met().size() < TcpDecision.values().length; seed++) {
            assertThat(differences.unforeseen(new TrafficMix(seed, EnumSet.of(Feature.TRACKING)).script(NAMED_STEPS)))
                    .as("seed %d", seed)
                    .isEmpty();
        }
        assertThat(differences.met()).containsOnlyKeys(TcpDecision.values());
    }

    /** Otherwise the stories above show less than they seem to, or their differences mean nothing. */
    @ParameterizedTest
    @EnumSource(Feature.class)
    void trafficMeetsManyStatesAndOpenVswitchTreatsItTheSameTwice(Feature feature) {
        StringBuilder seen = new StringBuilder();
        for (long seed = 1; seed <= 15; seed++) {
            Script script = new TrafficMix(seed, EnumSet.of(Feature.TRACKING, feature)).script(STEPS);
            Outcome outcome = twins.theirs().run(script);
            assertThat(twins.theirs().run(script)).as("seed %d", seed).isEqualTo(outcome);
            seen.append(outcome);
        }
        List<String> met = switch (feature) {
            case TRACKING, OPERATION ->
                List.of(
                        "+new+trk ",
                        "+est+trk ",
                        "+est+rpl+trk ",
                        "+rel+trk ",
                        "+rel+rpl+trk ",
                        "+inv+trk ",
                        "ct_state=0",
                        "udp,orig",
                        "tcp,orig",
                        "icmp,orig",
                        "ct_src=3a",
                        "ESTABLISHED",
                        "TIME_WAIT",
                        "FIN_WAIT_2",
                        "WINDOW_SCALE",
                        "BE_LIBERAL",
                        "zone=1",
                        "zone=2",
                        "zone=3",
                        "mark=",
                        "labels=");
            case NAT ->
                List.of(
                        "+new+trk+snat",
                        "+new+trk+dnat",
                        "+est+rpl+trk+dnat",
                        "+est+rpl+trk+snat",
                        "+rel+trk+snat",
                        "+rel+rpl+trk+dnat");
            case FRAGMENTS -> List.of("FIRST", "LATER");
            case HELPERS -> List.of("+new+rel+trk", "+est+rel+trk", "+est+rel+rpl+trk", "parent=");
        };
        assertThat(seen.toString()).contains(met);
    }

    private static void compare(long seed, Set<Feature> features) {
        Script script = new TrafficMix(seed, features).script(STEPS);
        assertThat(twins.shrunkDifference(script))
                .as("seed %d of %s", seed, features)
                .isEmpty();
    }
}
