package io.turnstile.offload.conformance;

import io.turnstile.offload.provider.fault.Callback;
import io.turnstile.offload.provider.fault.ForgettingProvider;
import io.turnstile.offload.provider.fault.ForgettingProvider.Lapse;
import io.turnstile.offload.provider.fault.HangingProvider;
import io.turnstile.offload.provider.fault.LyingProvider;
import io.turnstile.offload.provider.fault.LyingProvider.Lie;
import io.turnstile.offload.provider.fault.RefusingProvider;
import io.turnstile.offload.provider.fault.RefusingProvider.Moment;
import io.turnstile.offload.provider.fault.SlowProvider;
import io.turnstile.offload.provider.fault.ThrowingProvider;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/** A provider with a fault, and the tests of the kit that are about that fault: exactly those it is to fail. */
@SuppressWarnings("ImmutableEnumChecker") // The makers hold no state, and nobody writes the sets.
enum Fault {
    NONE(throwing()),

    REFUSES_ALL(clock -> new RefusingProvider("p", "no room"), "whatItShouldAcceptItAccepts"),
    /** As a device may: its table is full. No fault. */
    REFUSES_LATE(clock -> new RefusingProvider("p", Moment.ADD, connection -> connection.zone() != 0, "table full")),
    REASON_FOR_EACH(
            odd(OddProviders.ReasonForEach::new),
            "whatItShouldAcceptItAccepts",
            "refusalsHaveAReasonAndTheReasonsAreFew"),

    THROWS_FROM_QUERY(throwing(Callback.CAN_OFFLOAD), "noQueryFails", "whatItShouldAcceptItAccepts"),
    THROWS_FROM_ADD(throwing(Callback.ADD), "noAddFails"),
    THROWS_FROM_ESTABLISHED(throwing(Callback.ESTABLISHED), "noEstablishedFails"),
    THROWS_FROM_UPDATE(throwing(Callback.UPDATE), "noUpdateFails"),
    THROWS_FROM_DEL(
            throwing(Callback.DEL), "noDeleteFails", "everyReasonEndsAConnection", "aConnectionMayEndBeforeItsReply"),
    THROWS_FROM_FLUSH(throwing(Callback.FLUSH), "aFlushIsAnswered"),
    THROWS_FROM_CLOSE(throwing(Callback.CLOSE), "itClosesQuietly"),
    THROWS_FROM_DESCRIBE(
            throwing(Callback.DESCRIBE),
            "itDescribesItselfBeforeInit",
            "itDescribesItselfAtAnyTime",
            "itDescribesItselfWhileThreadsCallIt"),
    /** Nothing gets beyond the first question, so that of the connections' lives only that one fails. */
    THROWS_FROM_OPERATE(
            throwing(Callback.OPERATE),
            "noQueryFails",
            "whatItShouldAcceptItAccepts",
            "eachOperationOfABatchHasOneFittingResult",
            "batchesOfOneKindAreAnsweredToo",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold",
            "aFlushIsAnswered",
            "aFlushAnswersAlikeInBulkAndSingly"),

    SLOW_IN_UPDATE(slow(Callback.UPDATE), "everyCallbackReturnsInTime"),
    SLOW_IN_DEL(slow(Callback.DEL), "everyCallbackReturnsInTime"),
    SLOW_IN_FLUSH(slow(Callback.FLUSH), "everyCallbackReturnsInTime"),
    SLOW_IN_DESCRIBE(slow(Callback.DESCRIBE), "itDescribesItselfBeforeInit", "itDescribesItselfAtAnyTime"),
    /** Opening a device takes its time. No fault. */
    SLOW_IN_INIT(slow(Callback.INIT)),

    /** Every test in which an update comes. */
    HANGS_IN_UPDATE(
            hanging(Callback.UPDATE),
            "noQueryFails",
            "noAddFails",
            "noEstablishedFails",
            "noUpdateFails",
            "noDeleteFails",
            "everyReasonEndsAConnection",
            "aConnectionMayEndBeforeItsReply",
            "aConnectionThatEndedMayComeAgain",
            "itHoldsWhatItTookAndNothingElse",
            "updatesMayBeRepeatedAndNeverGoBack",
            "lastUseIsUnknownOrBetweenInitAndNow",
            "eachOperationOfABatchHasOneFittingResult",
            "batchesOfOneKindAreAnsweredToo",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold",
            "manyThreadsGetTheAnswersOfOne",
            "manyThreadsLoseNothing",
            "itDescribesItselfWhileThreadsCallIt",
            "whatWasFlushedCanBeAddedAfterARestart",
            "afterCloseNothingIsHeld",
            "afterARestartItWorksAsBefore",
            "nothingIsHeldAfterManyLives",
            "viewsOfConnectionsThatEndedAreNotKept",
            "everyCallbackReturnsInTime"),
    /** Every test with a flush in it. */
    HANGS_IN_FLUSH(
            hanging(Callback.FLUSH),
            "eachOperationOfABatchHasOneFittingResult",
            "aFlushIsAnswered",
            "aFlushAnswersAlikeInBulkAndSingly",
            "afterAFlushNothingIsHeld",
            "whatWasFlushedCanBeAddedAfterARestart",
            "everyCallbackReturnsInTime"),
    HANGS_IN_DESCRIBE(
            hanging(Callback.DESCRIBE),
            "itDescribesItselfBeforeInit",
            "itDescribesItselfAtAnyTime",
            "itDescribesItselfWhileThreadsCallIt"),

    SAYS_THE_FUTURE(lying(Lie.FUTURE), "lastUseIsUnknownOrBetweenInitAndNow"),
    SAYS_THE_END_OF_TIME(lying(Lie.END_OF_TIME), "lastUseIsUnknownOrBetweenInitAndNow"),
    SAYS_THE_FAR_PAST(lying(Lie.FAR_PAST), "lastUseIsUnknownOrBetweenInitAndNow"),
    SAYS_A_NEGATIVE_TIME(lying(Lie.NEGATIVE), "lastUseIsUnknownOrBetweenInitAndNow"),
    SAYS_SECONDS(lying(Lie.IN_SECONDS), "lastUseIsUnknownOrBetweenInitAndNow"),
    /** Believable: without traffic of its own nobody can tell. */
    SAYS_THE_SAME_FOR_EVER(lying(Lie.FROZEN)),
    /** Believable too. */
    SAYS_NOW_ALWAYS(lying(Lie.ALWAYS_NOW)),
    GOES_BACK_IN_TIME(odd(OddProviders.GoingBack::new), "updatesMayBeRepeatedAndNeverGoBack"),

    FORGETS_TO_TAKE(forgetting(Lapse.TAKING), "itHoldsWhatItTookAndNothingElse", "manyThreadsLoseNothing"),
    FORGETS_TO_LET_GO(
            forgetting(Lapse.LETTING_GO),
            "everyReasonEndsAConnection",
            "aConnectionMayEndBeforeItsReply",
            "aConnectionThatEndedMayComeAgain",
            "itHoldsWhatItTookAndNothingElse",
            "batchesOfOneKindAreAnsweredToo",
            "manyThreadsLoseNothing",
            "nothingIsHeldAfterManyLives",
            "viewsOfConnectionsThatEndedAreNotKept"),
    HOARDS_VIEWS(odd(OddProviders.Hoarder::new), "viewsOfConnectionsThatEndedAreNotKept"),

    HAS_A_BAD_NAME(odd(() -> new OddProviders.Named("Bad Name")), "nameIsWellFormed"),
    HAS_A_RESERVED_NAME(odd(() -> new OddProviders.Named("none")), "nameIsWellFormed"),
    RISES(odd(OddProviders.Rising::new), "nameAndPriorityNeverChange"),
    TAKES_WHEN_ASKED(odd(OddProviders.Grabbing::new), "askingHasNoEffect"),
    TAKES_NOTHING_TWICE(
            odd(OddProviders.NeverTwice::new),
            "aConnectionThatEndedMayComeAgain",
            "whatWasFlushedCanBeAddedAfterARestart",
            "afterARestartItWorksAsBefore"),
    NEEDS_THE_REPLY(odd(OddProviders.NeedsTheReply::new), "noDeleteFails", "aConnectionMayEndBeforeItsReply"),
    KNOWS_NOT_EVERY_REASON(odd(OddProviders.NotThisReason::new), "noDeleteFails", "everyReasonEndsAConnection"),
    MUST_NOT_BE_ASKED_TWICE(
            odd(OddProviders.NotAskedTwice::new), "noEstablishedFails", "establishedMayBeRepeatedUntilItCoversBoth"),

    ANSWERS_TOO_LITTLE(
            odd(OddProviders.TooFewResults::new),
            "noQueryFails",
            "whatItShouldAcceptItAccepts",
            "eachOperationOfABatchHasOneFittingResult",
            "batchesOfOneKindAreAnsweredToo",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold",
            "aFlushIsAnswered",
            "aFlushAnswersAlikeInBulkAndSingly"),
    ANSWERS_UPDATES_WRONGLY(
            odd(OddProviders.WrongKindOfResult::new),
            "noUpdateFails",
            "eachOperationOfABatchHasOneFittingResult",
            "batchesOfOneKindAreAnsweredToo",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold"),
    ANSWERS_NULL(
            odd(OddProviders.NullResult::new),
            "noEstablishedFails",
            "eachOperationOfABatchHasOneFittingResult",
            "batchesOfOneKindAreAnsweredToo",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold"),
    MIXES_VERDICTS_UP(
            odd(OddProviders.VerdictsMixedUp::new),
            "whatItShouldAcceptItAccepts",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold",
            "manyThreadsGetTheAnswersOfOne"),
    DOES_NOTHING_IN_BULK(
            odd(OddProviders.BulkWithoutEffect::new),
            "itHoldsWhatItTookAndNothingElse",
            "bulkHoldsWhatSingleCallbacksHold",
            "manyThreadsLoseNothing"),
    BEARS_ONE_THREAD_ONLY(odd(OddProviders.OneThreadOnly::new), "manyThreadsGetTheAnswersOfOne"),

    FLUSHES_NOTHING(odd(OddProviders.FlushesNothing::new), "afterAFlushNothingIsHeld"),
    LEAVES_FOR_GOOD(odd(OddProviders.LeavesForGood::new), "whatWasFlushedCanBeAddedAfterARestart"),
    FLUSHES_IN_BULK_ONLY(odd(OddProviders.FlushesInBulkOnly::new), "aFlushAnswersAlikeInBulkAndSingly"),
    /** No fault. */
    LETS_GO_ONE_BY_ONE(odd(OddProviders.OneByOne::new)),
    LEAVES_SOMETHING_BEHIND(
            odd(OddProviders.LeavesSomething::new), "afterCloseNothingIsHeld", "afterARestartItWorksAsBefore"),
    COMES_UP_ONCE_ONLY(
            odd(OddProviders.OnceOnly::new), "afterARestartItWorksAsBefore", "whatWasFlushedCanBeAddedAfterARestart");

    private final Function<ManualClock, OffloadProvider> maker;
    private final Set<String> failedTests;

    Fault(Function<ManualClock, OffloadProvider> maker, String... failedTests) {
        this.maker = maker;
        this.failedTests = Set.of(failedTests);
    }

    private static Function<ManualClock, OffloadProvider> throwing(Callback... callbacks) {
        return clock -> new ThrowingProvider("p", Set.of(callbacks));
    }

    private static Function<ManualClock, OffloadProvider> slow(Callback callback) {
        return clock -> new SlowProvider("p", clock::advance).slowDown(callback, Duration.ofMillis(501));
    }

    private static Function<ManualClock, OffloadProvider> hanging(Callback callback) {
        return clock -> new HangingProvider("p", Set.of(callback));
    }

    private static Function<ManualClock, OffloadProvider> lying(Lie lie) {
        return clock -> new LyingProvider("p", lie);
    }

    private static Function<ManualClock, OffloadProvider> forgetting(Lapse lapse) {
        return clock -> new ForgettingProvider("p", lapse, 3);
    }

    private static Function<ManualClock, OffloadProvider> odd(Supplier<OffloadProvider> maker) {
        return clock -> maker.get();
    }

    /** A new one; if it lets time pass, then on this clock. */
    OffloadProvider newProvider(ManualClock clock) {
        return maker.apply(clock);
    }

    Set<String> failedTests() {
        return failedTests;
    }
}
