package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.offload.OffloadEvent.Kind;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Operations whose result comes later, on any thread. */
class DeferredResultsTest {
    private record Pending(OffloadOperation operation, CompletableFuture<OffloadResult> result) {
        void agree() {
            result.complete(BulkProvider.agreeing(operation));
        }
    }

    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(500);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final Deque<Pending> pending = new ArrayDeque<>();
    private final BulkProvider device = new BulkProvider("device", this::defer);

    private List<OffloadResult> defer(List<OffloadOperation> operations) {
        assertThat(operations.stream()
                        .filter(OffloadOperation.OfConnection.class::isInstance)
                        .map(operation -> ((OffloadOperation.OfConnection) operation)
                                .connection()
                                .id()))
                .doesNotHaveDuplicates();
        return operations.stream()
                .<OffloadResult>map(operation -> {
                    if (operation instanceof OffloadOperation.Flush) {
                        return OffloadResult.ONE_BY_ONE;
                    }
                    pending.add(new Pending(operation, new CompletableFuture<>()));
                    return new OffloadResult.Deferred(pending.getLast().result());
                })
                .toList();
    }

    @AfterEach
    void nothingIsHeldInTheEnd() {
        device.script = BulkProvider::agreeing;
        pending.forEach(Pending::agree);
        dispatcher.drain();
        dispatcher.disable();
        assertThat(tracker.faults).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
    }

    private long commit(int number) {
        long id = tracker.commit(number, 1, clock.nowNs());
        dispatcher.drain();
        return id;
    }

    private void complete() {
        pending.removeFirst().agree();
        dispatcher.drain();
    }

    @Test
    void aWholeLifeGoesStepByStep() {
        dispatcher.enable(List.of(device));
        long id = commit(7);
        assertThat(dispatcher.offloadStates(id)).hasToString("[device:adding]");
        complete();
        assertThat(device.kinds()).containsExactly(Kind.QUERY, Kind.ADD);
        assertThat(dispatcher.offloadStates(id)).hasToString("[device:adding]");
        complete();
        assertThat(dispatcher.offloadStates(id)).hasToString("[device:added]");
        tracker.reply(id, 2, clock.nowNs());
        dispatcher.drain();
        complete();
        assertThat(dispatcher.offloadStates(id)).hasToString("[device:established]");
        tracker.remove(id, RemovalReason.FLUSHED, clock.nowNs());
        dispatcher.drain();
        assertThat(tracker.heldSlots()).isOne();
        complete();
        assertThat(tracker.heldSlots()).isZero();
        assertThat(device.kinds()).containsExactly(Kind.QUERY, Kind.ADD, Kind.ESTABLISHED, Kind.DELETE);
    }

    @Test
    void othersGoOnMeanwhileButNotTheConnectionItself() {
        dispatcher.enable(List.of(device));
        long first = commit(7);
        complete();
        tracker.reply(first, 2, clock.nowNs()); // while the add is under way
        long second = commit(8);
        assertThat(device.kinds()).containsExactly(Kind.QUERY, Kind.ADD, Kind.QUERY);
        complete();
        assertThat(device.kinds()).endsWith(Kind.ESTABLISHED);
        assertThat(dispatcher.offloadStates(first)).hasToString("[device:added]");
        assertThat(dispatcher.offloadStates(second)).hasToString("[device:adding]");
    }

    @Test
    void whatEndsWhileItsAddIsUnderWayIsDeletedAfterIt() {
        dispatcher.enable(List.of(device));
        long id = commit(7);
        complete();
        tracker.remove(id, RemovalReason.EXPIRED, clock.nowNs());
        dispatcher.drain();
        assertThat(device.kinds()).containsExactly(Kind.QUERY, Kind.ADD);
        complete();
        assertThat(device.kinds()).containsExactly(Kind.QUERY, Kind.ADD, Kind.DELETE);
        complete();
        assertThat(tracker.heldSlots()).isZero();
    }

    @Test
    void whatHappensTogetherWithTheResultComesInALaterList() {
        dispatcher.enable(List.of(device));
        long id = commit(7);
        complete();
        complete();
        tracker.reply(id, 2, clock.nowNs());
        tracker.mark(id, 5, clock.nowNs());
        dispatcher.drain();
        assertThat(device.kinds()).containsExactly(Kind.QUERY, Kind.ADD, Kind.ESTABLISHED);
        tracker.remove(id, RemovalReason.FLUSHED, clock.nowNs());
        complete();
        assertThat(device.kinds()).containsExactly(Kind.QUERY, Kind.ADD, Kind.ESTABLISHED, Kind.CHANGED);
        complete();
        assertThat(device.kinds()).endsWith(Kind.CHANGED, Kind.DELETE);
        assertThat(dispatcher.failures()).isEmpty();
    }

    @Test
    void aPortThatComesWhileItIsTakenBackForThatBringsItAgain() {
        dispatcher.enable(List.of(device));
        long id = commit(7);
        complete();
        complete();
        tracker.forgetPorts(port -> port == 1);
        dispatcher.drain();
        assertThat(device.kinds()).endsWith(Kind.DELETE);
        tracker.movePort(id, 3, clock.nowNs());
        complete();
        assertThat(device.kinds()).endsWith(Kind.DELETE, Kind.QUERY);
    }

    @Test
    void aDeadlineThatComesWhileSomethingElseIsUnderWayWaitsToo() {
        dispatcher.enable(List.of(device));
        long id = commit(7);
        complete();
        complete();
        clock.advance(FakeTracker.TIMEOUT.minusSeconds(1));
        tracker.mark(id, 5, clock.nowNs());
        dispatcher.drain();
        clock.advance(Duration.ofSeconds(1));
        tracker.sweep(clock.nowNs());
        dispatcher.drain();
        complete(); // the change; the question follows
        assertThat(device.kinds()).endsWith(Kind.CHANGED, Kind.UPDATE);
        tracker.sweep(clock.nowNs());
        assertThat(tracker.live()).contains(id);
    }

    @Test
    void aDeadlineThatComesWhileItIsTakenBackWaitsForWhatTheDeleteTells() {
        dispatcher.enable(List.of(device));
        long id = commit(7);
        complete();
        complete();
        clock.advance(FakeTracker.TIMEOUT.minusSeconds(1));
        assertThat(dispatcher.disable()).isFalse();
        complete(); // it is asked first, and does not know
        clock.advance(Duration.ofSeconds(1));
        tracker.sweep(clock.nowNs());
        assertThat(tracker.live()).contains(id);
        pending.removeFirst().result().complete(new OffloadResult.Released(clock.wallMs(), -1, -1, null));
        dispatcher.drain();
        assertThat(tracker.timeLeftNs(id, clock.nowNs())).isEqualTo(FakeTracker.TIMEOUT.toNanos());
    }

    @Test
    void aDeadlineWaitsForAnAnswerThatIsDeferred() {
        dispatcher.enable(List.of(device));
        long id = commit(7);
        complete();
        complete();
        clock.advance(FakeTracker.TIMEOUT);
        tracker.sweep(clock.nowNs());
        dispatcher.drain();
        clock.advance(Duration.ofSeconds(5));
        tracker.sweep(clock.nowNs());
        assertThat(tracker.live()).contains(id);
        pending.removeFirst().result().complete(new OffloadResult.LastUsed(clock.wallMs()));
        dispatcher.drain();
        assertThat(tracker.timeLeftNs(id, clock.nowNs())).isEqualTo(FakeTracker.TIMEOUT.toNanos());
    }

    @Test
    void aResultThatDoesNotFitOrIsAThrowIsAFailure() {
        dispatcher.enable(List.of(device));
        long first = commit(7);
        long second = commit(8);
        long third = commit(9);
        pending.removeFirst().result().complete(new OffloadResult.Covered(true));
        pending.removeFirst().result().completeExceptionally(new IllegalStateException("ring is stuck"));
        pending.removeFirst().result().complete(null);
        dispatcher.drain();
        assertThat(dispatcher.offloadStates(first)).hasToString("[device:failed(wrong result: Covered)]");
        assertThat(dispatcher.offloadStates(second))
                .hasToString("[device:failed(java.lang.IllegalStateException: ring is stuck)]");
        assertThat(dispatcher.offloadStates(third)).hasToString("[device:failed(wrong result: null)]");
    }

    @Test
    void resultsOfOneThatNeverEndsAreGivenUpAndWhatMayBeHeldIsDeleted() {
        dispatcher.enable(List.of(device));
        long id = commit(7);
        complete();
        clock.advance(Duration.ofNanos(LaneLimits.DEFAULTS.deferredNs() + 1));
        device.script = BulkProvider::agreeing;
        dispatcher.drain();
        assertThat(dispatcher.providers().getFirst().state())
                .startsWith("breaker open: a deferred operation has not ended since ");
        assertThat(device.kinds()).containsExactly(Kind.QUERY, Kind.ADD, Kind.FLUSH, Kind.DELETE);
        assertThat(tracker.holds(id)).isZero();
        pending.removeFirst().agree(); // too late to mean anything
        clock.advance(Duration.ofSeconds(2));
        dispatcher.drain();
        assertThat(dispatcher.offloadStates(id)).hasToString("[device:added]");
    }

    @Test
    void deletesOfOneThatWasGivenUpAreRepeatedEachAloneToo() {
        dispatcher.enable(List.of(device));
        for (int number = 7; number < 9; number++) {
            commit(number);
            complete();
            complete();
        }
        commit(9);
        clock.advance(Duration.ofNanos(LaneLimits.DEFAULTS.deferredNs() + 1));
        device.script = operations -> {
            if (operations.size() > 1) {
                throw new IllegalStateException("ring is full");
            }
            return BulkProvider.agreeing(operations);
        };
        dispatcher.drain();
        assertThat(device.kinds()).endsWith(Kind.FLUSH, Kind.DELETE, Kind.DELETE, Kind.DELETE, Kind.DELETE);
    }

    @Test
    void whoLeavesIsAskedForAFlushOnlyWhenNothingIsUnderWay() {
        dispatcher.enable(List.of(device));
        commit(7);
        complete();
        assertThat(dispatcher.disable()).isFalse();
        assertThat(device.kinds()).doesNotContain(Kind.FLUSH);
        device.script = BulkProvider::agreeing;
        complete();
        assertThat(device.kinds()).containsExactly(Kind.QUERY, Kind.ADD, Kind.FLUSH, Kind.DELETE);
        assertThat(dispatcher.disable()).isTrue();
    }
}
