package io.turnstile.offload.conformance;

import io.turnstile.offload.provider.fault.Callback;
import io.turnstile.offload.provider.fault.DeferringProvider;
import io.turnstile.offload.provider.fault.DeferringProvider.Manner;
import io.turnstile.offload.provider.fault.EvictingProvider;
import io.turnstile.offload.provider.fault.ForgettingProvider;
import io.turnstile.offload.provider.fault.ForgettingProvider.Lapse;
import io.turnstile.offload.provider.fault.FullProvider;
import io.turnstile.offload.provider.fault.HalfwayProvider;
import io.turnstile.offload.provider.fault.HangingProvider;
import io.turnstile.offload.provider.fault.InterruptingProvider;
import io.turnstile.offload.provider.fault.LongWindedProvider;
import io.turnstile.offload.provider.fault.LyingProvider;
import io.turnstile.offload.provider.fault.LyingProvider.Lie;
import io.turnstile.offload.provider.fault.RefusingProvider;
import io.turnstile.offload.provider.fault.RefusingProvider.Moment;
import io.turnstile.offload.provider.fault.SlowProvider;
import io.turnstile.offload.provider.fault.ThrowingProvider;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.OptionalInt;
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
    REFUSES_FOR_NOW(
            clock -> new RefusingProvider("p", Moment.QUERY, connection -> true, Verdict.later("busy")),
            "whatItShouldAcceptItAccepts"),
    HAS_LONG_REASONS(
            clock -> new LongWindedProvider("p", 100_000),
            "whatItShouldAcceptItAccepts",
            "itsCountersAreWellNamed",
            "refusalsHaveAReasonAndTheReasonsAreFew"),
    REASON_FOR_EACH(
            odd(OddProviders.ReasonForEach::new),
            "whatItShouldAcceptItAccepts",
            "refusalsHaveAReasonAndTheReasonsAreFew"),

    THROWS_FROM_QUERY(throwing(Callback.CAN_OFFLOAD), "noQueryFails", "whatItShouldAcceptItAccepts"),
    THROWS_FROM_ADD(throwing(Callback.ADD), "noAddFails"),
    THROWS_FROM_ESTABLISHED(throwing(Callback.ESTABLISHED), "noEstablishedFails"),
    THROWS_FROM_CHANGED(throwing(Callback.CHANGED), "noChangeFails"),
    THROWS_FROM_UPDATE(throwing(Callback.UPDATE), "noUpdateFails"),
    THROWS_FROM_DEL(
            throwing(Callback.DEL),
            "noDeleteFails",
            "everyReasonEndsAConnection",
            "aConnectionMayEndBeforeItsReply",
            "aDeleteOfWhatIsNotHeldDoesNothingAfterAFailureOfTheMachine"),
    THROWS_FROM_FLUSH(throwing(Callback.FLUSH), "aFlushIsAnswered"),
    THROWS_FROM_PORT(throwing(Callback.PORT), "portsComeChangeAndGo"),
    THROWS_FROM_SETTINGS(throwing(Callback.SETTINGS), "settingsMayBeNonsense"),
    THROWS_FROM_CLOSE(throwing(Callback.CLOSE), "itClosesQuietly"),
    THROWS_FROM_DESCRIBE(
            throwing(Callback.DESCRIBE),
            "itDescribesItselfBeforeInit",
            "itDescribesItselfAtAnyTime",
            "itDescribesItselfWhileThreadsCallIt"),
    /** Nothing gets beyond the first question. */
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

    /** What is in lists of two or more fails. */
    THROWS_HALFWAY(
            clock -> new HalfwayProvider("p", 1),
            "noQueryFails",
            "noAddFails",
            "eachOperationOfABatchHasOneFittingResult",
            "batchesOfOneKindAreAnsweredToo",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold",
            "manyThreadsGetTheAnswersOfOne"),

    SLOW_IN_UPDATE(slow(Callback.UPDATE), "everyCallbackReturnsInTime"),
    SLOW_IN_DEL(slow(Callback.DEL), "everyCallbackReturnsInTime"),
    SLOW_IN_FLUSH(slow(Callback.FLUSH), "everyCallbackReturnsInTime"),
    SLOW_IN_DESCRIBE(slow(Callback.DESCRIBE), "itDescribesItselfBeforeInit", "itDescribesItselfAtAnyTime"),
    /** Opening a device takes its time. No fault. */
    SLOW_IN_INIT(slow(Callback.INIT)),

    HANGS_IN_UPDATE(hanging(Callback.UPDATE), TestsWith.AN_UPDATE),
    /** Every test with a flush in it. */
    HANGS_IN_FLUSH(
            hanging(Callback.FLUSH),
            "eachOperationOfABatchHasOneFittingResult",
            "whatItTellsUnaskedCanBe",
            "noCallLeavesItsThreadInterrupted",
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

    /** No fault. */
    DEFERS(deferring(
            Manner.ELSEWHERE,
            Callback.CAN_OFFLOAD,
            Callback.ADD,
            Callback.ESTABLISHED,
            Callback.CHANGED,
            Callback.UPDATE,
            Callback.DEL)),
    DEFERS_FOR_EVER(deferring(Manner.WHEN_TOLD, Callback.UPDATE), TestsWith.AN_UPDATE),
    DEFERS_AND_SAYS_IT_TWICE(
            deferring(Manner.TWICE, Callback.UPDATE),
            "eachOperationOfABatchHasOneFittingResult",
            "batchesOfOneKindAreAnsweredToo"),
    DEFERS_AND_SAYS_NONSENSE(
            deferring(Manner.NONSENSE, Callback.UPDATE),
            "noUpdateFails",
            "eachOperationOfABatchHasOneFittingResult",
            "batchesOfOneKindAreAnsweredToo",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold"),
    DEFERS_AND_SAYS_NULL(
            deferring(Manner.NULL, Callback.UPDATE),
            "noUpdateFails",
            "eachOperationOfABatchHasOneFittingResult",
            "batchesOfOneKindAreAnsweredToo",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold"),
    DEFERS_AND_DEFERS_AGAIN(
            deferring(Manner.DEFERRED_AGAIN, Callback.UPDATE),
            "noUpdateFails",
            "eachOperationOfABatchHasOneFittingResult",
            "batchesOfOneKindAreAnsweredToo",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold"),
    DEFERS_AND_THROWS(
            deferring(Manner.THROWABLE, Callback.UPDATE),
            "noUpdateFails",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold"),
    DEFERS_TO_NOWHERE(
            deferring(Manner.NO_STAGE, Callback.UPDATE),
            "noUpdateFails",
            "eachOperationOfABatchHasOneFittingResult",
            "batchesOfOneKindAreAnsweredToo",
            "bulkAnswersAsSingleCallbacksDo",
            "bulkHoldsWhatSingleCallbacksHold"),
    DEFERS_A_FLUSH(
            deferring(Manner.ELSEWHERE, Callback.FLUSH),
            "eachOperationOfABatchHasOneFittingResult",
            "aFlushIsAnswered",
            "aFlushAnswersAlikeInBulkAndSingly"),
    INTERRUPTS(clock -> new InterruptingProvider("p", Set.of(Callback.UPDATE)), "noCallLeavesItsThreadInterrupted"),
    INTERRUPTS_AT_PORTS(
            clock -> new InterruptingProvider("p", Set.of(Callback.PORT)), "noCallLeavesItsThreadInterrupted"),

    /** As it should be. No fault. */
    IS_FULL(clock -> new FullProvider("p", OddProviders.ROOM)),
    TAKES_TOO_MANY(odd(OddProviders.FullWhenAskedOnly::new), "noMoreIsHeldThanThereIsRoomFor"),
    IS_FULL_FOR_GOOD(odd(OddProviders.FullForGood::new), "aFullTableSaysLater"),
    THROWS_WHEN_FULL(odd(OddProviders.ThrowsWhenFull::new), "aFullTableSaysLater"),
    STAYS_FULL(odd(OddProviders.StaysFull::new), "whatWasToldLaterIsTakenWhenThereIsRoom"),
    /** It says so. No fault. */
    EVICTS(clock -> new EvictingProvider("p", connection -> connection.id() % 3 == 0)),
    LOSES_WHAT_IT_NEVER_HAD(odd(OddProviders.LosesWhatItNeverHad::new), "whatItTellsUnaskedCanBe"),
    HAS_A_BAD_COUNTER(odd(() -> new OddProviders.Miscounting("Bad-Name")), "itsCountersAreWellNamed"),
    HAS_A_COUNTER_THAT_BEGINS_WITH_A_DIGIT(odd(() -> new OddProviders.Miscounting("9x")), "itsCountersAreWellNamed"),
    HAS_A_COUNTER_WITH_A_LONG_NAME(odd(() -> new OddProviders.Miscounting("x".repeat(65))), "itsCountersAreWellNamed"),
    /** No fault. */
    HAS_A_COUNTER(odd(() -> new OddProviders.Miscounting("x9_".repeat(21)))),
    TELLS_NONSENSE(odd(OddProviders.TellsNonsense::new), "whatItTellsUnaskedCanBe"),
    /** No fault. */
    GIVES_BACK(odd(OddProviders.GivesBack::new)),
    GIVES_BACK_TOO_LITTLE(odd(OddProviders.GivesBackTooLittle::new), "whatItTellsUnaskedCanBe"),

    /** No fault. */
    WANTS_ESTABLISHED_ONLY(odd(OddProviders.EstablishedOnly::new)),
    HAS_NO_MOMENT(odd(OddProviders.NoMoment::new), "nameAndPriorityAndMomentNeverChange"),
    CHANGES_ONCE_ONLY(odd(OddProviders.ChangesOnceOnly::new), "changesMayBeRepeated"),
    IS_STRICT_ABOUT_DELETES(
            odd(OddProviders.StrictDeletes::new), "aDeleteOfWhatIsNotHeldDoesNothingAfterAFailureOfTheMachine"),
    DELETES_LATE(odd(OddProviders.LateDeletes::new), "aTupleGoesOverToTheNextConnection"),
    KNOWS_NO_ZONES(odd(OddProviders.Zoneless::new), "theSameTupleInAnotherZoneIsAnotherConnection"),

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

    FORGETS_TO_TAKE(
            forgetting(Lapse.TAKING),
            "aTupleGoesOverToTheNextConnection",
            "theSameTupleInAnotherZoneIsAnotherConnection",
            "itHoldsWhatItTookAndNothingElse",
            "manyThreadsLoseNothing"),
    FORGETS_TO_LET_GO(
            forgetting(Lapse.LETTING_GO),
            "aTupleGoesOverToTheNextConnection",
            "theSameTupleInAnotherZoneIsAnotherConnection",
            "aDeleteOfWhatIsNotHeldDoesNothingAfterAFailureOfTheMachine",
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
    HAS_A_NAME_LIKE_AN_OPTION(odd(() -> new OddProviders.Named("-card")), "nameIsWellFormed"),
    HAS_A_LONG_NAME(odd(() -> new OddProviders.Named("p".repeat(201))), "nameIsWellFormed"),
    /** No fault. */
    HAS_A_NAME_JUST_SHORT_ENOUGH(odd(() -> new OddProviders.Named("p".repeat(200)))),
    HAS_A_RESERVED_NAME(odd(() -> new OddProviders.Named("none")), "nameIsWellFormed"),
    RISES(odd(OddProviders.Rising::new), "nameAndPriorityAndMomentNeverChange"),
    TAKES_WHEN_ASKED(odd(OddProviders.Grabbing::new), "askingHasNoEffect"),
    TAKES_NOTHING_TWICE(
            odd(OddProviders.NeverTwice::new),
            "aConnectionThatEndedMayComeAgain",
            "whatWasFlushedCanBeAddedAfterARestart",
            "afterARestartItWorksAsBefore"),
    NEEDS_THE_REPLY(
            odd(OddProviders.NeedsTheReply::new),
            "noDeleteFails",
            "aConnectionMayEndBeforeItsReply",
            "aDeleteOfWhatIsNotHeldDoesNothingAfterAFailureOfTheMachine"),
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
            "aTupleGoesOverToTheNextConnection",
            "theSameTupleInAnotherZoneIsAnotherConnection",
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

    /** Tests by what comes in them. */
    private interface TestsWith {
        String[] AN_UPDATE = {
            "noQueryFails",
            "noAddFails",
            "noEstablishedFails",
            "noChangeFails",
            "noUpdateFails",
            "noDeleteFails",
            "everyReasonEndsAConnection",
            "aConnectionMayEndBeforeItsReply",
            "aConnectionThatEndedMayComeAgain",
            "itHoldsWhatItTookAndNothingElse",
            "updatesMayBeRepeatedAndNeverGoBack",
            "lastUseIsUnknownOrBetweenInitAndNow",
            "whatItTellsUnaskedCanBe",
            "itsCountersAreWellNamed",
            "settingsMayBeNonsense",
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
            "everyCallbackReturnsInTime",
            "noCallLeavesItsThreadInterrupted"
        };
    }

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

    private static Function<ManualClock, OffloadProvider> deferring(Manner manner, Callback... callbacks) {
        return clock -> new DeferringProvider("p", manner, Set.of(callbacks));
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

    /** How many connections it has room for; empty: that is no matter. */
    OptionalInt room() {
        return name().contains("FULL") || this == TAKES_TOO_MANY
                ? OptionalInt.of(OddProviders.ROOM)
                : OptionalInt.empty();
    }

    /** A new one; if it lets time pass, then on this clock. */
    OffloadProvider newProvider(ManualClock clock) {
        return maker.apply(clock);
    }

    Set<String> failedTests() {
        return failedTests;
    }
}
