package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.OffloadEvent.Kind;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.time.ManualClock;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A provider that can let go of everything at once, and what was still to be told it then. */
class FlushOrderTest {
    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(500);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final BulkProvider device = new BulkProvider(
            "device",
            operations -> operations.stream()
                    .map(operation -> operation instanceof OffloadOperation.Flush
                            ? OffloadResult.DONE
                            : BulkProvider.agreeing(operation))
                    .toList());

    @Test
    void nothingIsSaidOfConnectionsThatTheProviderHasLetGoOf() {
        dispatcher.enable(List.of(device));
        for (int number = 0; number < 300; number++) {
            tracker.commit(number, 1, clock.nowNs());
        }
        dispatcher.drain();
        tracker.live().forEach(id -> tracker.mark(id, 5, clock.nowNs()));
        assertThat(dispatcher.disable()).isTrue();
        assertThat(device.kinds()).endsWith(Kind.ADD, Kind.FLUSH);
        assertThat(tracker.live()).hasSize(300).allMatch(id -> tracker.holds(id) == 0);
    }
}
