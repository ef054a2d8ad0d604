package io.turnstile.offload.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.turnstile.offload.conformance.Life.Step;
import io.turnstile.offload.conformance.ProviderCalls.Way;
import io.turnstile.offload.conformance.SampleConnections.Stage;
import io.turnstile.offload.conformance.SampleConnections.Succession;
import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
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
 * <p>Calls that do not return, and deferred results that do not come, fail the test after {@link #hangLimit()} and
 * {@link #deferredLimit()}; the thread in them is left behind.
 *
 * <table>
 * <caption>What is checked. Of the tests in italics, some of it needs {@link #heldBy}; those in bold need
 * {@link #room}.</caption>
 * <tr><th>about</th><th>what</th><th>tests</th></tr>
 * <tr><td>itself</td><td>the name is well formed; name, priority and the moment of the offer are constant; it describes
 *     itself at any time, quickly, on any thread</td>
 *     <td>nameIsWellFormed, nameAndPriorityAndMomentNeverChange, itDescribesItselfBeforeInit,
 *     itDescribesItselfAtAnyTime, itDescribesItselfWhileThreadsCallIt</td></tr>
 * <tr><td>verdicts</td><td>it accepts what it should; refusals have short reasons, and few different ones; a question
 *     changes nothing</td>
 *     <td>whatItShouldAcceptItAccepts, refusalsHaveAReasonAndTheReasonsAreFew, <i>askingHasNoEffect</i></td></tr>
 * <tr><td>lives</td><td>no callback throws, whatever the connection and the order that is legal; each reason ends a
 *     connection, before its reply too; what ended may come again; what may be repeated bears it; what it takes it
 *     holds, and nothing else</td>
 *     <td>noQueryFails, noAddFails, noEstablishedFails, noChangeFails, noUpdateFails, noDeleteFails,
 *     <i>everyReasonEndsAConnection</i>, <i>aConnectionMayEndBeforeItsReply</i>,
 *     <i>aConnectionThatEndedMayComeAgain</i>, <i>itHoldsWhatItTookAndNothingElse</i>,
 *     <i>establishedMayBeRepeatedUntilItCoversBoth</i>, <i>changesMayBeRepeated</i>,
 *     <i>updatesMayBeRepeatedAndNeverGoBack</i></td></tr>
 * <tr><td>last use, reports</td><td>times are unknown or between init and now; counts can be; what it tells unasked is
 *     about what it was given; counters and gauges have names that can be shown</td>
 *     <td>lastUseIsUnknownOrBetweenInitAndNow, whatItTellsUnaskedCanBe, itsCountersAreWellNamed</td></tr>
 * <tr><td>ports, settings</td><td>ports come, change and go; settings may be anything</td>
 *     <td>portsComeChangeAndGo, settingsMayBeNonsense</td></tr>
 * <tr><td>room</td><td>64 are asked about before the first is added: no more is held than there is room for, the others
 *     are told "later", and are taken when there is room</td>
 *     <td><b>aFullTableSaysLater</b>, <b>noMoreIsHeldThanThereIsRoomFor</b>,
 *     <b>whatWasToldLaterIsTakenWhenThereIsRoom</b></td></tr>
 * <tr><td>tuples</td><td>after the delete its tuple may be the next connection's at once: the same, the same turned
 *     round, one translated onto it; the same in two zones are two</td>
 *     <td><i>aTupleGoesOverToTheNextConnection</i>, <i>theSameTupleInAnotherZoneIsAnotherConnection</i></td></tr>
 * <tr><td>bulk</td><td>one fitting result for each operation, deferred or not; the same answers and the same holdings as
 *     by single callbacks; after a list that broke off a delete of what is not held does nothing</td>
 *     <td>eachOperationOfABatchHasOneFittingResult, <i>batchesOfOneKindAreAnsweredToo</i>,
 *     bulkAnswersAsSingleCallbacksDo, <i>bulkHoldsWhatSingleCallbacksHold</i>,
 *     <i>aDeleteOfWhatIsNotHeldDoesNothingAfterAFailureOfTheMachine</i></td></tr>
 * <tr><td>threads</td><td>several at once get the answers of one, and nothing is lost</td>
 *     <td>manyThreadsGetTheAnswersOfOne, <i>manyThreadsLoseNothing</i></td></tr>
 * <tr><td>flush</td><td>it is answered, alike by both sides; nothing is held after it; what was flushed may come again
 *     after a restart</td>
 *     <td>aFlushIsAnswered, aFlushAnswersAlikeInBulkAndSingly, <i>afterAFlushNothingIsHeld</i>,
 *     whatWasFlushedCanBeAddedAfterARestart</td></tr>
 * <tr><td>paths, of a provider that carries</td><td>none fails, whatever is legal; each reason ends them; they end before
 *     their connections, and with a flush; refusals have reasons; bulk and single callbacks answer alike; several
 *     threads; in time; counts can be</td>
 *     <td>whetherItCarriesNeverChanges, noPathOperationFails, everyReasonEndsAPath, refusalsOfPathsHaveAReason,
 *     pathsInBulkAreAnsweredAsSingly, connectionsThatWereCarriedLeaveQuietly, aFlushEndsPathsToo, manyThreadsCarry,
 *     pathOperationsReturnInTime</td></tr>
 * <tr><td>init, close</td><td>it comes up; it closes quietly; nothing is held then; it comes up again as it was</td>
 *     <td><i>itComesUp</i>, itClosesQuietly, <i>afterCloseNothingIsHeld</i>, <i>afterARestartItWorksAsBefore</i></td></tr>
 * <tr><td>leaks</td><td>after very many lives nothing is held, and no views are kept</td>
 *     <td><i>nothingIsHeldAfterManyLives</i>, viewsOfConnectionsThatEndedAreNotKept</td></tr>
 * <tr><td>time, threads' state</td><td>every call returns in time, and leaves its thread as it was</td>
 *     <td>everyCallbackReturnsInTime, noCallLeavesItsThreadInterrupted</td></tr>
 * </table>
 *
 * <p>What it cannot check: that packets are carried rightly; that what a process which was killed left in the device is
 * thrown away by the next {@code init}, as no two devices tell it alike; that what a device evicts is told.
 */
public abstract class OffloadProviderConformance extends PathConformance {
    /** What the switch takes, as in its NamedProvider. */
    private static final String WELL_FORMED_NAME = "[a-z0-9][a-z0-9_-]{0,199}";

    private static final String RESERVED_NAME = "none";
    private static final int MOST_REASONS = 255;
    private static final int LONGEST_REASON = 200;
    private static final int SOME = 10 * SampleConnections.Kind.values().length;
    private static final int REPEATS = 20;
    private static final int ROUNDS = 3;
    private static final int COLLECTIONS = 20;
    private static final long SEED = 20;
    private static final List<Set<ConnChange>> SOME_CHANGES =
            List.of(Set.of(ConnChange.MARK), Set.of(ConnChange.LABEL, ConnChange.PORT), Set.of(ConnChange.PORT));
    private static final String[] CALLBACKS = {
        "operate",
        "canOffload",
        "connAdd",
        "connEstablished",
        "connChanged",
        "connUpdate",
        "connDel",
        "connFlush",
        "portAdded",
        "portChanged",
        "portRemoved",
        "settingsChanged"
    };

    // ---- name, priority, description ----

    @Test
    protected void nameIsWellFormed() throws Exception {
        watched(watch ->
                assertThat(create(watch).name()).matches(WELL_FORMED_NAME).isNotEqualTo(RESERVED_NAME));
    }

    @Test
    protected void nameAndPriorityAndMomentNeverChange() throws Exception {
        check(dispatcher -> {
            List<Object> first = ofItself(dispatcher.provider());
            assertThat(first).doesNotContainNull();
            dispatcher.run(taken(SOME), SEED);
            assertThat(ofItself(dispatcher.provider())).isEqualTo(first);
            dispatcher.leave();
            assertThat(ofItself(dispatcher.provider())).isEqualTo(first);
            assertThat(ofItself(create(dispatcher.watch()))).isEqualTo(first);
        });
    }

    private static List<Object> ofItself(OffloadProvider provider) {
        return Arrays.asList(provider.name(), provider.priority(), provider.offeredFrom());
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
                ConnView connection = SampleConnections.offered(number, dispatcher.moment());
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
                ConnView connection = SampleConnections.offered(number, dispatcher.moment());
                OffloadResult verdict = dispatcher
                        .perform(List.of(new OffloadOperation.Query(connection)))
                        .getFirst();
                if (verdict instanceof Verdict.Decline decline) {
                    assertIsReason(decline.reason());
                    reasons.add(decline.reason());
                } else if (verdict instanceof Verdict.Later later) {
                    assertIsReason(later.reason());
                    reasons.add(later.reason());
                }
            }
            assertThat(reasons).hasSizeLessThanOrEqualTo(MOST_REASONS);
        });
    }

    private static void assertIsReason(String reason) {
        assertThat(reason).isNotBlank();
        assertThat(reason.length()).as("characters of a reason").isLessThanOrEqualTo(LONGEST_REASON);
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
    protected void noChangeFails() throws Exception {
        assertThatNoneFails(OffloadOperation.Changed.class);
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
        for (Way way : ways()) {
            check(way, dispatcher -> {
                dispatcher.run(randomLives(heldAtOnce(), false), SEED);
                assertThatNothingFailed(dispatcher, kind);
            });
        }
    }

    @Test
    protected void everyReasonEndsAConnection() throws Exception {
        for (DelReason reason : DelReason.values()) {
            check(dispatcher -> {
                dispatcher.run(
                        livesOf(
                                SOME,
                                reason,
                                Step.QUERY,
                                Step.ADD,
                                Step.ESTABLISHED,
                                Step.CHANGED,
                                Step.UPDATE,
                                Step.DELETE),
                        SEED);
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
                                SampleConnections.established(number), SampleConnections.replyPort(number))));
            }
            assertThat(deviation(dispatcher)).isEqualTo(before);
        });
    }

    @Test
    protected void changesMayBeRepeated() throws Exception {
        check(dispatcher -> {
            List<Integer> numbers = take(dispatcher, SOME);
            OptionalLong before = deviation(dispatcher);
            for (int number : numbers) {
                for (Set<ConnChange> changes : SOME_CHANGES) {
                    Stage stage = SampleConnections.offeredAt(number, dispatcher.moment());
                    ConnView changed = SampleConnections.view(number, stage, changes, false);
                    if (dispatcher.isHeld(changed.id())) {
                        assertSameKindAgain(repeat(dispatcher, new OffloadOperation.Changed(changed, changes)));
                    }
                }
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
                Stage stage = SampleConnections.offeredAt(number, dispatcher.moment());
                ConnView due = SampleConnections.view(number, stage, Set.of(), true);
                List<OffloadResult> answers = repeat(dispatcher, new OffloadOperation.Update(due));
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

    /** Repeats as long as that is legal: until it fails, is lost or has no more to say. */
    private static List<OffloadResult> repeat(LegalDispatcher dispatcher, OfConnection operation) throws Exception {
        List<OffloadResult> answers = new ArrayList<>();
        do {
            answers.add(dispatcher.performOrDelete(operation));
            dispatcher.takeLostBack();
        } while (answers.size() < REPEATS
                && dispatcher.isHeld(operation.connection().id())
                && !answers.getLast().equals(new OffloadResult.Covered(true)));
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

    // ---- what it tells unasked ----

    @Test
    protected void whatItTellsUnaskedCanBe() throws Exception {
        check(dispatcher -> {
            dispatcher.run(randomLives(heldAtOnce(), true), SEED);
            dispatcher.flush(DelReason.PROVIDER_LEAVING);
            assertThat(dispatcher.reports().findings()).isEmpty();
        });
    }

    @Test
    protected void itsCountersAreWellNamed() throws Exception {
        check(dispatcher -> {
            dispatcher.run(randomLives(SOME, false), SEED);
            assertThat(dispatcher.reports().namingFindings()).isEmpty();
        });
    }

    // ---- ports and settings ----

    @Test
    protected void portsComeChangeAndGo() throws Exception {
        check(dispatcher -> {
            dispatcher.run(taken(SOME), SEED);
            for (PortRef port : SampleConnections.PORTS) {
                dispatcher.portChanged(SampleConnections.renamed(port));
                dispatcher.portRemoved(SampleConnections.renamed(port));
            }
            assertThat(dispatcher.calls().refusedNotices("port")).isEmpty();
        });
    }

    @Test
    protected void settingsMayBeNonsense() throws Exception {
        Map<String, String> without = new TreeMap<>();
        check(dispatcher -> without.putAll(outcome(dispatcher, randomLives(SOME, false))));
        check(dispatcher -> {
            for (String value : List.of("", "nonsense", "-1", "99999999999999999999", " true ", "x".repeat(10_000))) {
                Map<String, String> settings = new TreeMap<>(Map.of("not-a-setting-of-anybody", value));
                settings().keySet().forEach(key -> settings.put(key, value));
                dispatcher.settingsChanged(Map.copyOf(settings));
            }
            dispatcher.settingsChanged(Map.of());
            dispatcher.settingsChanged(settings());
            assertThat(dispatcher.calls().refusedNotices("settings")).isEmpty();
            assertThat(outcome(dispatcher, randomLives(SOME, false))).isEqualTo(without);
        });
    }

    // ---- room ----

    @Test
    protected void aFullTableSaysLater() throws Exception {
        checkFull((dispatcher, answers) -> assertThat(refused(answers))
                .allSatisfy(answer -> assertThat(answer).isInstanceOf(Verdict.Later.class)));
    }

    @Test
    protected void noMoreIsHeldThanThereIsRoomFor() throws Exception {
        checkFull((dispatcher, answers) -> {
            assertThat(dispatcher.heldCount()).isLessThanOrEqualTo(room().orElseThrow());
            assertHoldings(dispatcher);
        });
    }

    @Test
    protected void whatWasToldLaterIsTakenWhenThereIsRoom() throws Exception {
        checkFull((dispatcher, answers) -> {
            List<ConnView> later = answers.entrySet().stream()
                    .filter(answer -> answer.getValue() instanceof Verdict.Later)
                    .map(Map.Entry::getKey)
                    .toList();
            dispatcher.deleteAll(DelReason.EXPIRED);
            assertThat(refused(dispatcher.offer(later))).isEmpty();
            assertHoldings(dispatcher);
        });
    }

    private interface FullCheck {
        void with(LegalDispatcher dispatcher, Map<ConnView, OffloadResult> answers) throws Exception;
    }

    /** Offers more than there is room for, as many at once as the switch does, and looks at what came of it. */
    private void checkFull(FullCheck check) throws Exception {
        assumeTrue(room().isPresent(), "room() is to be overridden for this test");
        int wanted = room().orElseThrow() + LegalDispatcher.OFFERED_AT_ONCE;
        check(dispatcher -> {
            List<ConnView> fitting = IntStream.iterate(0, number -> number + 1)
                    .mapToObj(number -> SampleConnections.offered(number, dispatcher.moment()))
                    .filter(this::shouldAccept)
                    .limit(wanted)
                    .toList();
            Map<ConnView, OffloadResult> answers = new HashMap<>();
            for (int from = 0; from < wanted; from += LegalDispatcher.OFFERED_AT_ONCE) {
                answers.putAll(dispatcher.offer(
                        fitting.subList(from, Math.min(wanted, from + LegalDispatcher.OFFERED_AT_ONCE))));
            }
            check.with(dispatcher, answers);
        });
    }

    private static List<OffloadResult> refused(Map<ConnView, OffloadResult> answers) {
        return answers.values().stream().filter(answer -> !Life.isTaken(answer)).toList();
    }

    // ---- order by tuple ----

    @Test
    protected void aTupleGoesOverToTheNextConnection() throws Exception {
        check(dispatcher -> {
            for (int number = 0; number < SOME; number++) {
                ConnView connection = SampleConnections.offered(number, dispatcher.moment());
                dispatcher.offer(List.of(connection));
                int next = number;
                for (Succession succession : Succession.values()) {
                    if (dispatcher.isHeld(connection.id())
                            && (succession == Succession.SAME || SampleConnections.hasPorts(number))) {
                        next += SOME;
                        connection = goOver(dispatcher, connection, next, succession);
                    }
                }
                dispatcher.deleteAll(DelReason.EXPIRED);
            }
            assertHoldings(dispatcher);
        });
    }

    /** Deletes the former and offers the next, which has a tuple of it. Returns that one. */
    private ConnView goOver(LegalDispatcher dispatcher, ConnView former, int number, Succession succession)
            throws Exception {
        ConnView next = SampleConnections.successor(former, number, succession);
        dispatcher.perform(List.of(new OffloadOperation.Delete(former, DelReason.REPLACED)));
        dispatcher.offer(List.of(next));
        assertHoldings(dispatcher);
        return next;
    }

    @Test
    protected void theSameTupleInAnotherZoneIsAnotherConnection() throws Exception {
        check(dispatcher -> {
            for (int number = 0; number < SOME; number++) {
                ConnView here = SampleConnections.twin(number, number, 1, dispatcher.moment());
                ConnView there = SampleConnections.twin(number, number + SOME, 2, dispatcher.moment());
                dispatcher.offer(List.of(here, there));
                assertHoldings(dispatcher);
                if (dispatcher.isHeld(here.id())) {
                    dispatcher.perform(List.of(new OffloadOperation.Delete(here, DelReason.EXPIRED)));
                }
                assertHoldings(dispatcher);
                dispatcher.deleteAll(DelReason.EXPIRED);
                assertHoldings(dispatcher);
            }
        });
    }

    // ---- bulk ----

    @Test
    protected void aDeleteOfWhatIsNotHeldDoesNothingAfterAFailureOfTheMachine() throws Exception {
        check(dispatcher -> {
            List<Integer> held = take(dispatcher, LegalDispatcher.BATCH_LENGTH);
            List<OfConnection> operations = new ArrayList<>();
            for (int number = 0; number < LegalDispatcher.BATCH_LENGTH; number++) {
                ConnView known = SampleConnections.offered(number, dispatcher.moment());
                ConnView fresh = SampleConnections.offered(number + SOME, dispatcher.moment());
                if (held.contains(number)) {
                    operations.add(new OffloadOperation.Delete(known, DelReason.FLUSHED));
                } else {
                    operations.add(new OffloadOperation.Query(known));
                }
                if (dispatcher
                                .perform(List.of(new OffloadOperation.Query(fresh)))
                                .getFirst()
                        instanceof Verdict.Accept) {
                    operations.add(new OffloadOperation.Add(fresh));
                }
            }
            assertThat(dispatcher.performWhileTheMachineFails(operations))
                    .noneMatch(OffloadResult.Failed.class::isInstance);
            assertHoldings(dispatcher);
        });
    }

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
        assumeItWorksSingly();
        Map<String, String> bulk = new TreeMap<>();
        Map<String, String> single = new TreeMap<>();
        check(Way.BULK, dispatcher -> bulk.putAll(outcome(dispatcher, randomLives(heldAtOnce(), true))));
        check(Way.SINGLE, dispatcher -> single.putAll(outcome(dispatcher, randomLives(heldAtOnce(), true))));
        assertThat(bulk).isEqualTo(single);
    }

    @Test
    protected void bulkHoldsWhatSingleCallbacksHold() throws Exception {
        assumeItWorksSingly();
        List<Long> held = new ArrayList<>();
        for (Way way : ways()) {
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
            for (Way way : ways()) {
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
        assumeItWorksSingly();
        List<Class<?>> answers = new ArrayList<>();
        for (Way way : ways()) {
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
        checkInAllCalls(dispatcher -> assertInTime(dispatcher.watch(), CALLBACKS));
    }

    @Test
    protected void noCallLeavesItsThreadInterrupted() throws Exception {
        checkInAllCalls(dispatcher -> {
            dispatcher.leave();
            assertThat(dispatcher.watch().interrupting()).isEmpty();
        });
    }

    /** Makes every call that there is, by both sides of the SPI, and looks at something. */
    private void checkInAllCalls(Check check) throws Exception {
        for (Way way : ways()) {
            check(way, dispatcher -> {
                dispatcher.run(randomLives(SOME, true), SEED);
                dispatcher.settingsChanged(settings());
                for (PortRef port : SampleConnections.PORTS) {
                    dispatcher.portChanged(SampleConnections.renamed(port));
                    dispatcher.portRemoved(SampleConnections.renamed(port));
                }
                dispatcher.flush(DelReason.PROVIDER_LEAVING);
                check.with(dispatcher);
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
                .filter(number -> dispatcher.isHeld(SampleConnections.id(number)))
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
