package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.time.ManualClock;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The packet path's side of the dispatcher allocates nothing once each slot has been met. */
class ListenerCostTest {
    private static final int SLOTS = 10_000;

    @Test
    void reportingAllocatesNothingOnceWarm() {
        ManualClock clock = new ManualClock(0, 0);
        OffloadDispatcher dispatcher = OffloadDispatcher.drainedByCaller(new FakeTracker(1), clock, port -> null);
        dispatcher.enable(List.of(new ScriptedProvider("alpha")));
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long leastBytes = Long.MAX_VALUE;
        for (int generation = 1; generation <= 5; generation++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int slot = 0; slot < SLOTS; slot++) {
                reportLife(dispatcher, (long) generation << 32 | slot);
            }
            leastBytes = Math.min(leastBytes, threads.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(leastBytes).isZero();
    }

    private static void reportLife(OffloadDispatcher dispatcher, long id) {
        dispatcher.onCommitted(id, 1, 0);
        dispatcher.onReply(id, 2, 0);
        dispatcher.onReply(id, 2, 0);
        dispatcher.onExpiring(id, 1, 0);
        dispatcher.onRemoved(id, RemovalReason.EXPIRED, 1);
    }
}
