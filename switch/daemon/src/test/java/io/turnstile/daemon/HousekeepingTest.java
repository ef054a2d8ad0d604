package io.turnstile.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.datapath.Datapath;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.time.ManualClock;
import io.turnstile.time.WarpableClock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class HousekeepingTest {
    private static final Duration STEP = Duration.ofSeconds(1);

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
        housekeeping.warp(Duration.ofMillis(12_500), STEP).join();
        assertThat(clock.nowNs()).isEqualTo(12_500_000_000L);
    }

    /** {@code time/warp 999999999999999} goes on for weeks. */
    @Test
    void aWarpWithoutEndHoldsNothingUpAndEndsWithItsAsker() {
        CompletableFuture<Void> endless = housekeeping.warp(Duration.ofMillis(999_999_999_999_999L), STEP);
        for (int round = 0; round < 3; round++) {
            housekeeping.warp(STEP, STEP).join();
            assertThat(endless).isNotDone();
        }
        endless.cancel(false);
        housekeeping.warp(STEP, STEP).join();
        long then = clock.nowNs();
        housekeeping.warp(STEP, STEP).join();
        assertThat(clock.nowNs() - then).isEqualTo(STEP.toNanos());
    }
}
