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
        check(dispatcher -> {
            String name = dispatcher.provider().name();
            int priority = dispatcher.provider().priority();
            dispatcher.run(taken(SOME), SEED);
            assertSaysOfItself(dispatcher.provider(), name, priority);
            dispatcher.leave();
            assertSaysOfItself(dispatcher.provider(), name, priority);
            assertSaysOfItself(create(dispatcher.watch()), name, priority);
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
        check(dispatcher -> {
            assertDescribed(dispatcher.describe());
            dispatcher.run(taken(SOME), SEED);
            assertDescribed(dispatcher.describe());
            dispatcher.leave();
            assertDescribed(dispatcher.describe());
            assertInTime(dispatcher.watch(), "describe");
        });
    }

    @Test
    protected void itDescribesItselfWhileThreadsCallIt() throws Exception {
        check(dispatcher -> {
            AtomicBoolean atWork = new AtomicBoolean(true);
            dispatcher.watch().inParallel(2, index -> {
                if (index == 0) {
                    try {
                        dispatcher.run(randomLives(heldAtOnce(), false), SEED);
                    } finally {
                        atWork.set(false);
                    }
                } else {
                    do {
                        assertDescribed(dispatcher.describe());
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
        check(dispatcher -> {
            List<String> refused = new ArrayList<>();
            for (int number = 0; number < SOME; number++) {
                ConnView connection = SampleConnections.committed(number);
                OffloadResult verdict = dispatcher
                        .perform(List.of(new OffloadOperation.Query(connection)))
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
        check(dispatcher -> {
            Set<String> reasons = new HashSet<>();
            for (int number = 0; number < heldAtOnce(); number++) {
                OffloadOperation.Query query = new OffloadOperation.Query(SampleConnections.committed(number));
                if (dispatcher.perform(List.of(query)).getFirst() instanceof Verdict.Decline decline) {
                    assertThat(decline.reason()).isNotBlank();
                    reasons.add(decline.reason());
                }
            }
            assertThat(reasons).hasSizeLessThanOrEqualTo(MOST_REASONS);
        });
    }

    @Test
    protected void askingHasNoEffect() throws Exception {
        check(dispatcher -> {
            for (int round = 0; round < ROUNDS; round++) {
                dispatcher.run(livesOf(SOME, DelReason.EXPIRED, Step.QUERY), SEED);
                assertHoldings(dispatcher);
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
            check(way, dispatcher -> {
                dispatcher.run(randomLives(heldAtOnce(), false), SEED);
                if (way == Way.BULK || kind != OffloadOperation.Add.class) {
                    assertThatNothingFailed(dispatcher, kind);
                }
            });
        }
    }

    @Test
    protected void everyReasonEndsAConnection() throws Exception {
        for (DelReason reason : DelReason.values()) {
            check(dispatcher -> {
                dispatcher.run(
                        livesOf(SOME, reason, Step.QUERY, Step.ADD, Step.ESTABLISHED, Step.UPDATE, Step.DELETE), SEED);
                assertThatNothingFailed(dispatcher, OffloadOperation.Delete.class);
                assertHoldings(dispatcher);
            });
        }
    }

    @Test
    protected void aConnectionMayEndBeforeItsReply() throws Exception {
        check(dispatcher -> {
            dispatcher.run(livesOf(SOME, DelReason.REPLACED, Step.QUERY, Step.ADD, Step.DELETE), SEED);
            dispatcher.run(livesOf(SOME, DelReason.REPLACED, Step.QUERY, Step.ADD, Step.UPDATE, Step.DELETE), SEED);
            assertThatNothingFailed(dispatcher, OffloadOperation.Delete.class);
            assertHoldings(dispatcher);
        });
    }

    @Test
    protected void aConnectionThatEndedMayComeAgain() throws Exception {
        check(dispatcher -> {
            Map<String, String> first = outcome(dispatcher, randomLives(SOME, false));
            assertThat(outcome(dispatcher, randomLives(SOME, false))).isEqualTo(first);
            assertHoldings(dispatcher);
        });
    }

    @Test
    protected void itHoldsWhatItTookAndNothingElse() throws Exception {
        check(dispatcher -> {
            assumeHoldingsAreKnown(dispatcher);
            dispatcher.run(randomLives(heldAtOnce(), true), SEED);
            assertHoldings(dispatcher);
            dispatcher.deleteAll(DelReason.EXPIRED);
            assertHoldings(dispatcher);
        });
    }

    @Test
    protected void establishedMayBeRepeatedUntilItCoversBoth() throws Exception {
        check(dispatcher -> {
            List<Integer> numbers = take(dispatcher, SOME);
            OptionalLong before = deviation(dispatcher);
            for (int number : numbers) {
                assertSameKindAgain(repeat(
                        dispatcher,
                        new OffloadOperation.Established(
                                SampleConnections.replied(number), SampleConnections.replyPort(number))));
            }
            assertThat(deviation(dispatcher)).isEqualTo(before);
        });
    }

    @Test
    protected void updatesMayBeRepeatedAndNeverGoBack() throws Exception {
        check(dispatcher -> {
            List<Integer> numbers = take(dispatcher, SOME);
            OptionalLong before = deviation(dispatcher);
            for (int number : numbers) {
                List<OffloadResult> answers =
                        repeat(dispatcher, new OffloadOperation.Update(SampleConnections.committed(number)));
                assertSameKindAgain(answers);
                assertThat(answers.stream()
                                .filter(OffloadResult.LastUsed.class::isInstance)
                                .map(answer -> ((OffloadResult.LastUsed) answer).epochMs())
                                .filter(epochMs -> epochMs != 0))
                        .isSorted();
            }
            assertThat(deviation(dispatcher)).isEqualTo(before);
        });
    }

    /** Repeats as long as that is legal: until it fails or has no more to say. */
    private static List<OffloadResult> repeat(LegalDispatcher dispatcher, OfConnection operation) throws Exception {
        List<OffloadResult> answers = new ArrayList<>();
        do {
            answers.add(dispatcher.perform(List.of(operation)).getFirst());
        } while (answers.size() < REPEATS
                && !(answers.getLast() instanceof OffloadResult.Failed)
                && !answers.getLast().equals(new OffloadResult.Covered(true)));
        if (answers.getLast() instanceof OffloadResult.Failed) {
            dispatcher.perform(List.of(new OffloadOperation.Delete(operation.connection(), DelReason.PROVIDER_FAILED)));
        }
        return answers;
    }

    private static void assertSameKindAgain(List<OffloadResult> answers) {
        assertThat(answers).hasOnlyElementsOfType(answers.getFirst().getClass());
    }

    @Test
    protected void lastUseIsUnknownOrBetweenInitAndNow() throws Exception {
        check(dispatcher -> {
            dispatcher.run(randomLives(heldAtOnce(), false), SEED);
            long toleranceMs = lastUseTolerance().toMillis();
            assertThat(dispatcher.lastUses())
                    .allSatisfy(lastUse -> assertThat(lastUse.answerMs())
                            .isBetween(lastUse.initMs() - toleranceMs, lastUse.nowMs() + toleranceMs));
        });
    }

    // ---- bulk ----

    @Test
    protected void eachOperationOfABatchHasOneFittingResult() throws Exception {
        check(dispatcher -> {
            dispatcher.run(randomLives(heldAtOnce(), true), SEED);
            dispatcher.flush(DelReason.PROVIDER_LEAVING);
            assertThat(dispatcher.calls().misfits()).isEmpty();
        });
    }

    @Test
    protected void batchesOfOneKindAreAnsweredToo() throws Exception {
        check(dispatcher -> {
            for (Step step : Step.values()) {
                List<Life> alike = livesOf(
                        LegalDispatcher.BATCH_LENGTH,
                        DelReason.EXPIRED,
                        Arrays.copyOf(Step.values(), step.ordinal() + 1));
                dispatcher.runInStep(alike);
                dispatcher.deleteAll(DelReason.FLUSHED);
            }
            assertThat(dispatcher.calls().misfits()).isEmpty();
            assertHoldings(dispatcher);
        });
    }

    @Test
    protected void bulkAnswersAsSingleCallbacksDo() throws Exception {
        Map<String, String> bulk = new TreeMap<>();
        Map<String, String> single = new TreeMap<>();
        check(Way.BULK, dispatcher -> bulk.putAll(outcome(dispatcher, randomLives(heldAtOnce(), true))));
        check(Way.SINGLE, dispatcher -> single.putAll(outcome(dispatcher, randomLives(heldAtOnce(), true))));
        assertThat(bulk).isEqualTo(single);
    }

    @Test
    protected void bulkHoldsWhatSingleCallbacksHold() throws Exception {
        List<Long> held = new ArrayList<>();
        for (Way way : Way.values()) {
            check(way, dispatcher -> {
                assumeHoldingsAreKnown(dispatcher);
                dispatcher.run(randomLives(heldAtOnce(), true), SEED);
                held.add(heldBy(dispatcher.provider()).getAsLong());
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
        check(dispatcher -> alone.putAll(outcome(dispatcher, some)));
        List<Life> same = randomLives(heldAtOnce() * threads(), false);
        check(dispatcher -> {
            runOnThreads(dispatcher, same);
            together.putAll(heard(same));
        });
        assertThat(together).isEqualTo(alone);
    }

    @Test
    protected void manyThreadsLoseNothing() throws Exception {
        check(dispatcher -> {
            assumeHoldingsAreKnown(dispatcher);
            runOnThreads(dispatcher, randomLives(heldAtOnce() * threads(), false));
            assertHoldings(dispatcher);
            runOnThreads(dispatcher, randomLives(heldAtOnce(), true));
            assertHoldings(dispatcher);
            dispatcher.deleteAll(DelReason.EXPIRED);
            assertHoldings(dispatcher);
        });
    }

    private void runOnThreads(LegalDispatcher dispatcher, List<Life> lives) throws Exception {
        int share = lives.size() / threads();
        dispatcher
                .watch()
                .inParallel(
                        threads(),
                        index -> dispatcher.run(lives.subList(index * share, (index + 1) * share), SEED + index));
    }

    // ---- flush ----

    @Test
    protected void aFlushIsAnswered() throws Exception {
        for (DelReason reason : List.of(DelReason.PROVIDER_LEAVING, DelReason.PROVIDER_FAILED)) {
            for (Way way : Way.values()) {
                for (int held : new int[] {0, SOME}) {
                    check(way, dispatcher -> {
                        dispatcher.run(taken(held), SEED);
                        dispatcher.flush(reason);
                        assertThatNothingFailed(dispatcher, OffloadOperation.Flush.class);
                    });
                }
            }
        }
    }

    @Test
    protected void aFlushAnswersAlikeInBulkAndSingly() throws Exception {
        List<Class<?>> answers = new ArrayList<>();
        for (Way way : Way.values()) {
            check(way, dispatcher -> {
                dispatcher.run(taken(SOME), SEED);
                answers.add(dispatcher.flush(DelReason.PROVIDER_LEAVING).getClass());
            });
        }
        assertThat(answers.getFirst()).isEqualTo(answers.getLast());
    }

    @Test
    protected void afterAFlushNothingIsHeld() throws Exception {
        check(dispatcher -> {
            assumeHoldingsAreKnown(dispatcher);
            dispatcher.run(taken(heldAtOnce()), SEED);
            dispatcher.flush(DelReason.PROVIDER_LEAVING);
            assertThat(dispatcher.heldCount()).isZero();
            assertHoldings(dispatcher);
        });
    }

    @Test
    protected void whatWasFlushedCanBeAddedAfterARestart() throws Exception {
        check(dispatcher -> {
            Map<String, String> first = outcome(dispatcher, randomLives(SOME, true));
            dispatcher.flush(DelReason.PROVIDER_LEAVING);
            dispatcher.leave();
            dispatcher.init();
            assertThat(outcome(dispatcher, randomLives(SOME, true))).isEqualTo(first);
        });
    }

    // ---- init and close ----

    @Test
    protected void itComesUp() throws Exception {
        watched(watch -> {
            LegalDispatcher dispatcher = dispatcher(Way.BULK, watch);
            try {
                dispatcher.init();
                assertHoldings(dispatcher);
            } finally {
                dispatcher.leave();
            }
        });
    }

    @Test
    protected void itClosesQuietly() throws Exception {
        check(dispatcher -> {
            dispatcher.run(taken(SOME), SEED);
            dispatcher.close();
        });
    }

    @Test
    protected void afterCloseNothingIsHeld() throws Exception {
        check(dispatcher -> {
            assumeHoldingsAreKnown(dispatcher);
            dispatcher.run(randomLives(heldAtOnce(), true), SEED);
            dispatcher.leave();
            assertHoldings(dispatcher);
        });
    }

    @Test
    protected void afterARestartItWorksAsBefore() throws Exception {
        check(dispatcher -> {
            Map<String, String> first = outcome(dispatcher, randomLives(SOME, true));
            for (int round = 0; round < ROUNDS; round++) {
                dispatcher.leave();
                dispatcher.init();
                assertHoldings(dispatcher);
                assertThat(outcome(dispatcher, randomLives(SOME, true))).isEqualTo(first);
            }
        });
    }

    // ---- leaks ----

    @Test
    protected void nothingIsHeldAfterManyLives() throws Exception {
        check(dispatcher -> {
            assumeHoldingsAreKnown(dispatcher);
            dispatcher.run(
                    IntStream.range(0, lives())
                            .mapToObj(number -> Life.random(number, SEED, false))
                            .iterator(),
                    SEED);
            assertThat(dispatcher.heldCount()).isZero();
            assertHoldings(dispatcher);
        });
    }

    @Test
    protected void viewsOfConnectionsThatEndedAreNotKept() throws Exception {
        check(dispatcher -> {
            Queue<WeakReference<ConnView>> views = new ConcurrentLinkedQueue<>();
            dispatcher.observeConnections(view -> views.add(new WeakReference<>(view)));
            dispatcher.run(
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
            check(way, dispatcher -> {
                dispatcher.run(randomLives(SOME, true), SEED);
                dispatcher.flush(DelReason.PROVIDER_LEAVING);
                assertInTime(dispatcher.watch(), CALLBACKS);
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
    private static List<Integer> take(LegalDispatcher dispatcher, int count) throws Exception {
        dispatcher.run(taken(count), SEED);
        return IntStream.range(0, count)
                .filter(number ->
                        dispatcher.isHeld(SampleConnections.committed(number).id()))
                .boxed()
                .toList();
    }

    /** The kinds of answers that each connection got. */
    private static Map<String, String> outcome(LegalDispatcher dispatcher, List<Life> lives) throws Exception {
        dispatcher.run(lives, SEED);
        return heard(lives);
    }

    private static Map<String, String> heard(List<Life> lives) {
        return lives.stream().collect(Collectors.toMap(Life::toString, Life::heard, (one, other) -> one, TreeMap::new));
    }
}
