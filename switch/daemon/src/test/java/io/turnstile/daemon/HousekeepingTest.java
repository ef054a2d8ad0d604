package io.turnstile.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.datapath.Datapath;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.time.ManualClock;
import io.turnstile.time.WarpableClock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class HousekeepingTest {
    private static final Duration STEP = Duration.ofSeconds(1);
    private static final Supplier<CompletableFuture<Void>> NOTHING = () -> CompletableFuture.completedFuture(null);

    private final WarpableClock clock = new WarpableClock(new ManualClock(0, 0));
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 16);
    private final Datapath datapath = new Datapath(tracker, clock);
    private final OffloadDispatcher offload =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final Housekeeping housekeeping = new Housekeeping(
            clock, datapath, new Pipeline(datapath, clock, Runnable::run), tracker, offload, List.of());

    @AfterEach
    void close() {
        housekeeping.close();
        offload.close();
    }

    @Test
    void timeIsWarpedByAllThatWasAskedFor() {
        housekeeping.warp(Duration.ofMillis(12_500), STEP, NOTHING).join();
        assertThat(clock.nowNs()).isEqualTo(12_500_000_000L);
    }

    /** {@code time/warp 999999999999999} goes on for weeks. */
    @Test
    void aWarpWithoutEndHoldsNothingUpAndEndsWithItsAsker() {
        CompletableFuture<Void> endless = housekeeping.warp(Duration.ofMillis(999_999_999_999_999L), STEP, NOTHING);
        for (int round = 0; round < 3; round++) {
            housekeeping.warp(STEP, STEP, NOTHING).join();
            assertThat(endless).isNotDone();
        }
        endless.cancel(false);
        housekeeping.warp(STEP, STEP, NOTHING).join();
        long then = clock.nowNs();
        housekeeping.warp(STEP, STEP, NOTHING).join();
        assertThat(clock.nowNs() - then).isEqualTo(STEP.toNanos());
    }

    /** Whatever a listener throws: the next to expire is swept as well. */
    @Test
    void anErrorDoesNotEndAllExpiry() throws InterruptedException {
        BlockingQueue<Long> removed = new LinkedBlockingQueue<>();
        tracker.setListener(new ConnectionListener() {
            @Override
            public void onCommitted(long connectionId, int inPort, long nowNs) {}

            @Override
            public void onEstablished(long connectionId, long nowNs) {}

            @Override
            public void onChanged(long connectionId, int changes, long nowNs) {}

            @Override
            public boolean onDeadline(long connectionId, long nowNs) {
                return false;
            }

            @Override
            public boolean isAwaited(long connectionId) {
                return false;
            }

            @Override
            public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
                removed.add(connectionId);
                throw new LinkageError("of a listener");
            }
        });
        housekeeping.start();
        for (int turn = 0; turn < 3; turn++) {
            PacketBatch batch = new PacketBatch();
            batch.add(Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").packet());
            tracker.track(batch, CtRequest.commit(0), clock.nowNs());
            clock.warp(Duration.ofMinutes(10));
            assertThat(removed.take()).isNotNull();
        }
        assertThat(tracker.connectionCount()).isZero();
    }

    @Test
    void whoWarpsTimeWaitsForWhatOthersDoAfterwards() {
        CompletableFuture<Void> others = new CompletableFuture<>();
        CompletableFuture<Void> warping = housekeeping.warp(Duration.ofSeconds(3), STEP, () -> {
            assertThat(clock.nowNs()).isEqualTo(3_000_000_000L);
            return others;
        });
        assertThat(warping).isNotDone();
        others.complete(null);
        warping.join();
    }
}
