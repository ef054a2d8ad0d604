package io.turnstile.offload.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.turnstile.offload.conformance.Life.Step;
import io.turnstile.offload.conformance.ProviderCalls.Way;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * Whether a provider keeps to the SPI. A vendor's test extends this class, says how to make a provider, and is done:
 *
 * <pre>{@code
 * class MyProviderConformanceTest extends OffloadProviderConformance {
 *     @Override protected OffloadProvider newProvider() { return new MyProvider(); }
 *     @Override protected OptionalLong heldBy(OffloadProvider provider) {
 *         return OptionalLong.of(((MyProvider) provider).fill());
 *     }
 * }
 * }</pre>
 *
 * <p>The provider is called by nobody but the kit, in legal histories only, made from fixed seeds. A failure is met as
 * the switch meets it, so that a fault fails the tests about it and not every test. Each test makes its own provider,
 * one at a time, and closes it; a test method must be run by one thread, and the provider's device be used by nobody
 * else.
 *
 * <p>Calls that do not return fail the test after {@link #hangLimit()}; the thread in them is left behind.
 */
public abstract class OffloadProviderConformance extends ProviderUnderTest {
    private static final String WELL_FORMED_NAME = "[a-z0-9_-]+";
    private static final String RESERVED_NAME = "none";
    private static final int MOST_REASONS = 255;
    private static final int SOME = 20 * SampleConnections.Kind.values().length;
    private static final int REPEATS = 20;
    private static final int ROUNDS = 3;
    private static final int COLLECTIONS = 20;
    private static final long SEED = 20;
    private static final String[] CALLBACKS = {
        "operate", "canOffload", "connAdd", "connEstablished", "connUpdate", "connDel", "connFlush"
    };

    // ---- name, priority, description ----

    @Test
    protected void nameIsWellFormed() throws Exception {
        watched(watch ->
                assertThat(create(watch).name()).matches(WELL_FORMED_NAME).isNotEqualTo(RESERVED_NAME));
    }

    @Test
    protected void nameAndPriorityNeverChange() throws Exception {
        check(house -> {
            String name = house.provider().name();
            int priority = house.provider().priority();
            house.run(taken(SOME), SEED);
            assertSaysOfItself(house.provider(), name, priority);
            house.leave();
            assertSaysOfItself(house.provider(), name, priority);
            assertSaysOfItself(create(house.watch()), name, priority);
        });
    }

    private static void assertSaysOfItself(OffloadProvider provider, String name, int priority) {
        assertThat(provider.name()).isEqualTo(name);
        assertThat(provider.priority()).isEqualTo(priority);
    }

    @Test
    protected void itDescribesItselfBeforeInit() throws Exception {
        watched(watch -> {
            OffloadProvider provider = create(watch);
            assertDescribed(watch.call("describe", provider::describe));
            assertInTime(watch, "describe");
        });
    }

    @Test
    protected void itDescribesItselfAtAnyTime() throws Exception {
        check(house -> {
            assertDescribed(house.describe());
            house.run(taken(SOME), SEED);
            assertDescribed(house.describe());
            house.leave();
            assertDescribed(house.describe());
            assertInTime(house.watch(), "describe");
        });
    }

    @Test
    protected void itDescribesItselfWhileThreadsCallIt() throws Exception {
        check(house -> {
            AtomicBoolean atWork = new AtomicBoolean(true);
            house.watch().inParallel(2, index -> {
                if (index == 0) {
                    try {
                        house.run(randomLives(heldAtOnce(), false), SEED);
                    } finally {
                        atWork.set(false);
                    }
                } else {
                    do {
                        assertDescribed(house.describe());
                    } while (atWork.get());
                }
            });
        });
    }

    private static void assertDescribed(List<String> lines) {
        assertThat(lines).isNotNull().doesNotContainNull();
    }

    // ---- verdicts ----

    @Test
    protected void whatItShouldAcceptItAccepts() throws Exception {
        check(house -> {
            List<String> refused = new ArrayList<>();
            for (int number = 0; number < SOME; number++) {
                ConnView connection = SampleConnections.committed(number);
                OffloadResult verdict = house.perform(List.of(new OffloadOperation.Query(connection)))
                        .getFirst();
                if (shouldAccept(connection) && !(verdict instanceof Verdict.Accept)) {
                    refused.add(SampleConnections.kind(number) + ": " + verdict);
                }
            }
            assertThat(refused).isEmpty();
        });
    }

    @Test
    protected void refusalsHaveAReasonAndTheReasonsAreFew() throws Exception {
        check(house -> {
            Set<String> reasons = new HashSet<>();
            for (int number = 0; number < heldAtOnce(); number++) {
                OffloadOperation.Query query = new OffloadOperation.Query(SampleConnections.committed(number));
                if (house.perform(List.of(query)).getFirst() instanceof Verdict.Decline decline) {
                    assertThat(decline.reason()).isNotBlank();
                    reasons.add(decline.reason());
                }
            }
            assertThat(reasons).hasSizeLessThanOrEqualTo(MOST_REASONS);
        });
    }

    @Test
    protected void askingHasNoEffect() throws Exception {
        check(house -> {
            for (int round = 0; round < ROUNDS; round++) {
                house.run(livesOf(SOME, DelReason.EXPIRED, Step.QUERY), SEED);
                assertHoldings(house);
            }
        });
    }

    // ---- one connection's life ----

    @Test
    protected void noQueryFails() throws Exception {
        assertThatNoneFails(OffloadOperation.Query.class);
    }

    @Test
    protected void noAddFails() throws Exception {
        assertThatNoneFails(OffloadOperation.Add.class);
    }

    @Test
    protected void noEstablishedFails() throws Exception {
        assertThatNoneFails(OffloadOperation.Established.class);
    }

    @Test
    protected void noUpdateFails() throws Exception {
        assertThatNoneFails(OffloadOperation.Update.class);
    }

    @Test
    protected void noDeleteFails() throws Exception {
        assertThatNoneFails(OffloadOperation.Delete.class);
    }

    /** Connections of every kind, lives of every legal shape, by both sides of the SPI. */
    private void assertThatNoneFails(Class<? extends OffloadOperation> kind) throws Exception {
        for (Way way : Way.values()) {
            check(way, house -> {
                house.run(randomLives(heldAtOnce(), false), SEED);
                if (way == Way.BULK || kind != OffloadOperation.Add.class) {
                    assertThatNothingFailed(house, kind);
                }
            });
        }
    }

    @Test
    protected void everyReasonEndsAConnection() throws Exception {
        for (DelReason reason : DelReason.values()) {
            check(house -> {
                house.run(
                        livesOf(SOME, reason, Step.QUERY, Step.ADD, Step.ESTABLISHED, Step.UPDATE, Step.DELETE), SEED);
                assertThatNothingFailed(house, OffloadOperation.Delete.class);
                assertHoldings(house);
            });
        }
    }

    @Test
    protected void aConnectionMayEndBeforeItsReply() throws Exception {
        check(house -> {
            house.run(livesOf(SOME, DelReason.REPLACED, Step.QUERY, Step.ADD, Step.DELETE), SEED);
            house.run(livesOf(SOME, DelReason.REPLACED, Step.QUERY, Step.ADD, Step.UPDATE, Step.DELETE), SEED);
            assertThatNothingFailed(house, OffloadOperation.Delete.class);
            assertHoldings(house);
        });
    }

    @Test
    protected void aConnectionThatEndedMayComeAgain() throws Exception {
        check(house -> {
            Map<String, String> first = outcome(house, randomLives(SOME, false));
            assertThat(outcome(house, randomLives(SOME, false))).isEqualTo(first);
            assertHoldings(house);
        });
    }

    @Test
    protected void itHoldsWhatItTookAndNothingElse() throws Exception {
        check(house -> {
            assumeHoldingsAreKnown(house);
            house.run(randomLives(heldAtOnce(), true), SEED);
            assertHoldings(house);
            house.deleteAll(DelReason.EXPIRED);
            assertHoldings(house);
        });
    }

    @Test
    protected void establishedMayBeRepeatedUntilItCoversBoth() throws Exception {
        check(house -> {
            List<Integer> numbers = take(house, SOME);
            OptionalLong before = deviation(house);
            for (int number : numbers) {
                assertSameKindAgain(repeat(
                        house,
                        new OffloadOperation.Established(
                                SampleConnections.replied(number), SampleConnections.replyPort(number))));
            }
            assertThat(deviation(house)).isEqualTo(before);
        });
    }

    @Test
    protected void updatesMayBeRepeatedAndNeverGoBack() throws Exception {
        check(house -> {
            List<Integer> numbers = take(house, SOME);
            OptionalLong before = deviation(house);
            for (int number : numbers) {
                List<OffloadResult> answers =
                        repeat(house, new OffloadOperation.Update(SampleConnections.committed(number)));
                assertSameKindAgain(answers);
                assertThat(answers.stream()
                                .filter(OffloadResult.LastUsed.class::isInstance)
                                .map(answer -> ((OffloadResult.LastUsed) answer).epochMs())
                                .filter(epochMs -> epochMs != 0))
                        .isSorted();
            }
            assertThat(deviation(house)).isEqualTo(before);
        });
    }

    /** Repeats as long as that is legal: until it fails or has no more to say. */
    private static List<OffloadResult> repeat(LegalDispatcher house, OfConnection operation) throws Exception {
        List<OffloadResult> answers = new ArrayList<>();
        do {
            answers.add(house.perform(List.of(operation)).getFirst());
        } while (answers.size() < REPEATS
                && !(answers.getLast() instanceof OffloadResult.Failed)
                && !answers.getLast().equals(new OffloadResult.Covered(true)));
        if (answers.getLast() instanceof OffloadResult.Failed) {
            house.perform(List.of(new OffloadOperation.Delete(operation.connection(), DelReason.PROVIDER_FAILED)));
        }
        return answers;
    }

    private static void assertSameKindAgain(List<OffloadResult> answers) {
        assertThat(answers).hasOnlyElementsOfType(answers.getFirst().getClass());
    }

    @Test
    protected void lastUseIsUnknownOrBetweenInitAndNow() throws Exception {
        check(house -> {
            house.run(randomLives(heldAtOnce(), false), SEED);
            long toleranceMs = lastUseTolerance().toMillis();
            assertThat(house.lastUses())
                    .allSatisfy(lastUse -> assertThat(lastUse.answerMs())
                            .isBetween(lastUse.initMs() - toleranceMs, lastUse.nowMs() + toleranceMs));
        });
    }

    // ---- bulk ----

    @Test
    protected void eachOperationOfABatchHasOneFittingResult() throws Exception {
        check(house -> {
            house.run(randomLives(heldAtOnce(), true), SEED);
            house.letGoOfAll(DelReason.PROVIDER_LEAVING);
            assertThat(house.calls().misfits()).isEmpty();
        });
    }

    @Test
    protected void batchesOfOneKindAreAnsweredToo() throws Exception {
        check(house -> {
            for (Step step : Step.values()) {
                List<Life> alike = livesOf(
                        LegalDispatcher.BATCH_LENGTH,
                        DelReason.EXPIRED,
                        Arrays.copyOf(Step.values(), step.ordinal() + 1));
                house.runInStep(alike);
                house.deleteAll(DelReason.FLUSHED);
            }
            assertThat(house.calls().misfits()).isEmpty();
            assertHoldings(house);
        });
    }

    @Test
    protected void bulkAnswersAsSingleCallbacksDo() throws Exception {
        Map<String, String> bulk = new TreeMap<>();
        Map<String, String> single = new TreeMap<>();
        check(Way.BULK, house -> bulk.putAll(outcome(house, randomLives(heldAtOnce(), true))));
        check(Way.SINGLE, house -> single.putAll(outcome(house, randomLives(heldAtOnce(), true))));
        assertThat(bulk).isEqualTo(single);
    }

    @Test
    protected void bulkHoldsWhatSingleCallbacksHold() throws Exception {
        List<Long> held = new ArrayList<>();
        for (Way way : Way.values()) {
            check(way, house -> {
                assumeHoldingsAreKnown(house);
                house.run(randomLives(heldAtOnce(), true), SEED);
                held.add(heldBy(house.provider()).getAsLong());
            });
        }
        assertThat(held.getFirst()).isEqualTo(held.getLast());
    }

    // ---- threads ----

    @Test
    protected void manyThreadsGetTheAnswersOfOne() throws Exception {
        Map<String, String> alone = new TreeMap<>();
        Map<String, String> together = new TreeMap<>();
        List<Life> some = randomLives(heldAtOnce() * threads(), false);
        check(house -> alone.putAll(outcome(house, some)));
        List<Life> same = randomLives(heldAtOnce() * threads(), false);
        check(house -> {
            runOnThreads(house, same);
            together.putAll(heard(same));
        });
        assertThat(together).isEqualTo(alone);
    }

    @Test
    protected void manyThreadsLoseNothing() throws Exception {
        check(house -> {
            assumeHoldingsAreKnown(house);
            runOnThreads(house, randomLives(heldAtOnce() * threads(), false));
            assertHoldings(house);
            runOnThreads(house, randomLives(heldAtOnce(), true));
            assertHoldings(house);
            house.deleteAll(DelReason.EXPIRED);
            assertHoldings(house);
        });
    }

    private void runOnThreads(LegalDispatcher house, List<Life> lives) throws Exception {
        int share = lives.size() / threads();
        house.watch()
                .inParallel(
                        threads(), index -> house.run(lives.subList(index * share, (index + 1) * share), SEED + index));
    }

    // ---- flush ----

    @Test
    protected void aFlushIsAnswered() throws Exception {
        for (DelReason reason : List.of(DelReason.PROVIDER_LEAVING, DelReason.PROVIDER_FAILED)) {
            for (Way way : Way.values()) {
                for (int held : new int[] {0, SOME}) {
                    check(way, house -> {
                        house.run(taken(held), SEED);
                        house.letGoOfAll(reason);
                        assertThatNothingFailed(house, OffloadOperation.Flush.class);
                    });
                }
            }
        }
    }

    @Test
    protected void aFlushAnswersAlikeInBulkAndSingly() throws Exception {
        List<Class<?>> answers = new ArrayList<>();
        for (Way way : Way.values()) {
            check(way, house -> {
                house.run(taken(SOME), SEED);
                answers.add(house.letGoOfAll(DelReason.PROVIDER_LEAVING).getClass());
            });
        }
        assertThat(answers.getFirst()).isEqualTo(answers.getLast());
    }

    @Test
    protected void afterAFlushNothingIsHeld() throws Exception {
        check(house -> {
            assumeHoldingsAreKnown(house);
            house.run(taken(heldAtOnce()), SEED);
            house.letGoOfAll(DelReason.PROVIDER_LEAVING);
            assertThat(house.heldCount()).isZero();
            assertHoldings(house);
        });
    }

    @Test
    protected void whatWasFlushedCanBeAddedAfterARestart() throws Exception {
        check(house -> {
            Map<String, String> first = outcome(house, randomLives(SOME, true));
            house.letGoOfAll(DelReason.PROVIDER_LEAVING);
            house.leave();
            house.init();
            assertThat(outcome(house, randomLives(SOME, true))).isEqualTo(first);
        });
    }

    // ---- init and close ----

    @Test
    protected void itComesUp() throws Exception {
        watched(watch -> {
            LegalDispatcher house = dispatcher(Way.BULK, watch);
            try {
                house.init();
                assertHoldings(house);
            } finally {
                house.leave();
            }
        });
    }

    @Test
    protected void itClosesQuietly() throws Exception {
        check(house -> {
            house.run(taken(SOME), SEED);
            house.close();
        });
    }

    @Test
    protected void afterCloseNothingIsHeld() throws Exception {
        check(house -> {
            assumeHoldingsAreKnown(house);
            house.run(randomLives(heldAtOnce(), true), SEED);
            house.leave();
            assertHoldings(house);
        });
    }

    @Test
    protected void afterARestartItWorksAsBefore() throws Exception {
        check(house -> {
            Map<String, String> first = outcome(house, randomLives(SOME, true));
            for (int round = 0; round < ROUNDS; round++) {
                house.leave();
                house.init();
                assertHoldings(house);
                assertThat(outcome(house, randomLives(SOME, true))).isEqualTo(first);
            }
        });
    }

    // ---- leaks ----

    @Test
    protected void nothingIsHeldAfterManyLives() throws Exception {
        check(house -> {
            assumeHoldingsAreKnown(house);
            house.run(
                    IntStream.range(0, lives())
                            .mapToObj(number -> Life.random(number, SEED, false))
                            .iterator(),
                    SEED);
            assertThat(house.heldCount()).isZero();
            assertHoldings(house);
        });
    }

    @Test
    protected void viewsOfConnectionsThatEndedAreNotKept() throws Exception {
        check(house -> {
            Queue<WeakReference<ConnView>> views = new ConcurrentLinkedQueue<>();
            house.letSee(view -> views.add(new WeakReference<>(view)));
            house.run(
                    IntStream.range(0, lives())
                            .mapToObj(number -> Life.random(number, SEED, false))
                            .iterator(),
                    SEED);
            assertThat(survivors(views)).isLessThanOrEqualTo(rememberedConnections());
        });
    }

    /** How many the garbage collector leaves; a collector that was told not to listen cannot answer. */
    private long survivors(Queue<WeakReference<ConnView>> views) {
        WeakReference<Object> sentinel = new WeakReference<>(new Object());
        long left = Long.MAX_VALUE;
        for (int i = 0; i < COLLECTIONS && left > rememberedConnections(); i++) {
            System.gc();
            left = views.stream().filter(view -> !view.refersTo(null)).count();
        }
        assumeTrue(sentinel.refersTo(null), "the garbage collector does not collect when asked to");
        return left;
    }

    // ---- time ----

    @Test
    protected void everyCallbackReturnsInTime() throws Exception {
        for (Way way : Way.values()) {
            check(way, house -> {
                house.run(randomLives(SOME, true), SEED);
                house.letGoOfAll(DelReason.PROVIDER_LEAVING);
                assertInTime(house.watch(), CALLBACKS);
            });
        }
    }

    // ---- lives ----

    private static List<Life> randomLives(int count, boolean mayStay) {
        return IntStream.range(0, count)
                .mapToObj(number -> Life.random(number, SEED, mayStay))
                .toList();
    }

    private static List<Life> livesOf(int count, DelReason reason, Step... steps) {
        return IntStream.range(0, count)
                .mapToObj(number -> Life.of(number, reason, steps))
                .toList();
    }

    private static List<Life> taken(int count) {
        return livesOf(count, DelReason.EXPIRED, Step.QUERY, Step.ADD);
    }

    /** Offers the first so many connections. Returns the numbers of those that the provider took. */
    private static List<Integer> take(LegalDispatcher house, int count) throws Exception {
        house.run(taken(count), SEED);
        return IntStream.range(0, count)
                .filter(number ->
                        house.isHeld(SampleConnections.committed(number).id()))
                .boxed()
                .toList();
    }

    /** The kinds of answers that each connection got. */
    private static Map<String, String> outcome(LegalDispatcher house, List<Life> lives) throws Exception {
        house.run(lives, SEED);
        return heard(lives);
    }

    private static Map<String, String> heard(List<Life> lives) {
        return lives.stream().collect(Collectors.toMap(Life::toString, Life::heard, (one, other) -> one, TreeMap::new));
    }
}
