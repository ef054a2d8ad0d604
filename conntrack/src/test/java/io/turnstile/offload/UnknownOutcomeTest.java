package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A throw out of {@code operate} leaves it unknown what was done: one failure, and everything is cleaned up. */
class UnknownOutcomeTest {
    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(500);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final Set<Long> inDevice = new HashSet<>();
    private final List<Integer> lengths = new ArrayList<>();
    private Class<?> throwsAt = Void.class;
    private final BulkProvider device = new BulkProvider("device", this::operate);

    /** Carries out the first half, then throws if one of these is among the operations. */
    private List<OffloadResult> operate(List<OffloadOperation> operations) {
        lengths.add(operations.size());
        boolean fails = operations.stream().anyMatch(throwsAt::isInstance);
        List<OffloadOperation> done = fails ? operations.subList(0, operations.size() / 2) : operations;
        for (OffloadOperation operation : done) {
            if (operation instanceof OffloadOperation.Add add) {
                inDevice.add(add.connection().id());
            } else if (operation instanceof OffloadOperation.Delete delete) {
                inDevice.remove(delete.connection().id());
            }
        }
        if (fails) {
            throwsAt = Void.class; // once
            throw new IllegalStateException("ring is full");
        }
        return BulkProvider.agreeing(operations);
    }

    @AfterEach
    void nothingIsLeftInTheDevice() {
        dispatcher.disable();
        assertThat(inDevice).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
        assertThat(tracker.faults).isEmpty();
    }

    private void commit(int count) {
        for (int i = 0; i < count; i++) {
            tracker.commit(i, 1, clock.nowNs());
        }
        dispatcher.drain();
    }

    private void warmUp() {
        dispatcher.enable(List.of(device));
        commit(200); // batches have become long by then
        tracker.flush(null, clock.nowNs());
        dispatcher.drain();
        lengths.clear();
    }

    @Test
    void addsAreDeletedEachAlone() {
        warmUp();
        throwsAt = OffloadOperation.Add.class;
        commit(50);
        assertThat(inDevice).isEmpty();
        assertThat(lengths).startsWith(50, 50).hasSize(52).endsWith(1, 1);
        assertThat(dispatcher.failures()).singleElement().asString().startsWith("1 x device: add failed: ");
        assertThat(dispatcher.providers().getFirst().state()).isEqualTo("ready");
        assertThat(tracker.live()).allMatch(id -> tracker.holds(id) == 0);
    }

    @Test
    void deletesAreRepeatedEachAlone() {
        warmUp();
        commit(50);
        throwsAt = OffloadOperation.Delete.class;
        tracker.flush(null, clock.nowNs());
        dispatcher.drain();
        assertThat(inDevice).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
        assertThat(dispatcher.providers().getFirst().state()).isEqualTo("ready");
    }

    @Test
    void otherQuestionsEndTheHold() {
        warmUp();
        commit(50);
        throwsAt = OffloadOperation.Update.class;
        clock.advance(FakeTracker.TIMEOUT);
        tracker.sweep(clock.nowNs());
        dispatcher.drain();
        assertThat(inDevice).isEmpty();
        assertThat(dispatcher.offloadStates(tracker.live().iterator().next()))
                .hasToString("[device:failed(java.lang.IllegalStateException: ring is full)]");
    }

    @Test
    void deletesInABatchWithAddsAreNotForgotten() {
        warmUp();
        commit(20);
        List<Long> old = List.copyOf(tracker.live());
        throwsAt = OffloadOperation.Query.class;
        old.forEach(id -> tracker.remove(id, RemovalReason.FLUSHED, clock.nowNs()));
        for (int i = 100; i < 120; i++) {
            tracker.commit(i, 1, clock.nowNs());
        }
        dispatcher.drain();
        assertThat(inDevice).doesNotContainAnyElementsOf(old);
        assertThat(tracker.heldSlots()).isZero();
    }

    @Test
    void sixteenThrowsOpenTheBreakerHoweverManyOperationsTheyHad() {
        warmUp();
        device.script = operations -> {
            throw new IllegalStateException("broken");
        };
        for (int i = 0; i < 15; i++) {
            commit(64);
            tracker.flush(null, clock.nowNs());
            dispatcher.drain();
        }
        assertThat(dispatcher.providers().getFirst().state()).isEqualTo("ready");
        commit(1);
        assertThat(dispatcher.providers().getFirst().state()).startsWith("breaker open: 16 failures in a row");
        device.script = this::operate;
    }
}
