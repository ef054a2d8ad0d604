package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.offload.OffloadEvent.Kind;
import io.turnstile.offload.conformance.IdleProvider;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.time.ManualClock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens to a connection, or to its provider, while a call about it is under way. */
class CrossingsTest {
    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(2000);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final Deque<CompletableFuture<OffloadResult>> pending = new ArrayDeque<>();

    /** Defers operations of these kinds, and agrees to all others. */
    private BulkProvider deferring(Kind... kinds) {
        Set<Kind> deferred = Set.of(kinds);
        return new BulkProvider(
                "device",
                operations -> operations.stream()
                        .<OffloadResult>map(operation -> {
                            if (!deferred.contains(Kind.of(operation))) {
                                return BulkProvider.agreeing(operation);
                            }
                            pending.add(new CompletableFuture<>());
                            return new OffloadResult.Deferred(pending.getLast());
                        })
                        .toList());
    }

    /** Agrees to everything, but has this happen when it is first asked. */
    private static BulkProvider disturbed(Runnable whenAsked) {
        return new BulkProvider("device", operations -> {
            if (operations.getFirst() instanceof OffloadOperation.Query) {
                whenAsked.run();
            }
            return BulkProvider.agreeing(operations);
        });
    }

    private long commit() {
        long id = tracker.commit(7, 1, clock.nowNs());
        dispatcher.drain();
        return id;
    }

    // ---- deadlines ----

    @Test
    void whatIsTakenBackShortOfItsDeadlineIsAskedAboutFirst() {
        BulkProvider device = deferring();
        device.script = operations -> operations.stream()
                .map(operation -> operation instanceof OffloadOperation.Update
                        ? new OffloadResult.LastUsed(clock.wallMs())
                        : BulkProvider.agreeing(operation))
                .toList();
        dispatcher.enable(List.of(device));
        long id = commit();
        clock.advance(FakeTracker.TIMEOUT.minusSeconds(1));
        dispatcher.disable();
        assertThat(device.kinds()).endsWith(Kind.UPDATE, Kind.DELETE);
        assertThat(tracker.timeLeftNs(id, clock.nowNs())).isEqualTo(FakeTracker.TIMEOUT.toNanos());
    }

    // ---- between the question and the add ----

    @Test
    void aReplyMeanwhileIsToldRightAfterTheAdd() {
        BulkProvider device = disturbed(() -> tracker.live().forEach(id -> tracker.reply(id, 2, clock.nowNs())));
        dispatcher.enable(List.of(device));
        commit();
        assertThat(device.kinds()).containsExactly(Kind.QUERY, Kind.ADD, Kind.ESTABLISHED);
    }

    @Test
    void aPortThatGoesMeanwhileEndsTheOffer() {
        BulkProvider device = disturbed(() -> tracker.forgetPorts(port -> port == 1));
        dispatcher.enable(List.of(device));
        long id = commit();
        assertThat(device.kinds()).containsExactly(Kind.QUERY);
        assertThat(dispatcher.offloadStates(id)).hasToString("[device:refused(port gone)]");
        assertThat(tracker.holds(id)).isZero();
    }

    @Test
    void aRemovalMeanwhileEndsTheOffer() {
        BulkProvider device = disturbed(() -> tracker.flush(null, clock.nowNs()));
        dispatcher.enable(List.of(device));
        commit();
        assertThat(device.kinds()).containsExactly(Kind.QUERY);
        assertThat(tracker.heldSlots()).isZero();
    }

    // ---- the end ----

    @Test
    void reasonsOfWhatWasLostAndHasEndedAreForgotten() {
        BulkProvider device = deferring();
        dispatcher.enable(List.of(device));
        for (int i = 0; i < 100; i++) {
            long id = commit();
            device.context.lost(id, "evicted");
            tracker.remove(id, RemovalReason.FLUSHED, clock.nowNs());
            dispatcher.drain();
        }
        assertThat(dispatcher.laneOf("device").orElseThrow().session().rememberedLosses())
                .isZero();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // ---- a device that owes results ----

    @Test
    void aDeviceOwesNoMoreResultsThanItIsAllowed() {
        BulkProvider device = deferring(Kind.ADD);
        dispatcher.enable(List.of(device));
        for (int i = 0; i < 1500; i++) {
            tracker.commit(i, 1, clock.nowNs());
        }
        dispatcher.drain();
        assertThat(pending).hasSizeLessThanOrEqualTo(256);
        while (!pending.isEmpty()) {
            pending.removeFirst().complete(OffloadResult.DONE);
            dispatcher.drain();
            assertThat(pending).hasSizeLessThanOrEqualTo(256);
        }
        assertThat(dispatcher.show()).contains("1500 followed, 1500 held");
    }

    // ---- settings ----

    @Test
    @Timeout(30)
    void settingsThatChangeDuringInitAreTold() throws InterruptedException {
        OffloadDispatcher threaded = new OffloadDispatcher(tracker, clock, PortDirectory.named(port -> "p" + port));
        CountDownLatch reads = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        BlockingQueue<Map<String, String>> told = new LinkedBlockingQueue<>();
        threaded.enable(List.of(new IdleProvider("slow") {
            @Override
            public void init(ProviderContext context) {
                told.add(context.settings());
                reads.countDown();
                awaitQuietly(goOn);
            }

            @Override
            public void settingsChanged(Map<String, String> settings) {
                told.add(settings);
            }
        }));
        reads.await();
        threaded.setProviderSettings(Map.of("offload-slow-depth", "1"));
        goOn.countDown();
        assertThat(told.take()).isEmpty();
        assertThat(told.take()).isEqualTo(Map.of("depth", "1"));
        threaded.close();
    }
}
