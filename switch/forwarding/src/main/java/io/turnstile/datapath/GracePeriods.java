package io.turnstile.datapath;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/**
 * The registry knows all forwarding contexts, and so can wait until every batch under way has ended: a grace period, as
 * RCU has it.
 *
 * <p>A context's epoch is odd from before its batch is received until its last packet is gone
 * ({@link ForwardingContext#enter}). Who removes flows first kills them, then waits ({@link #await}) for every context
 * that was seen odd to change. Epoch and mark are volatile, so both sides agree on one order: either the batch's epoch
 * is seen odd and waited for, or the batch began after the kill and its lookups see the mark, in the exact-match cache
 * too, because a flow is checked for life at each lookup. So after both calls nothing is forwarded by a removed flow,
 * and forwarding never waits for a change. Ports are removed in the same way.
 *
 * <p>Threads: any; {@link #await} with no lock held that a miss may need.
 */
final class GracePeriods {
    private static final int YIELDS = 100;
    private static final long PAUSE_NS = 20_000;

    private final List<ForwardingContext> contexts = new CopyOnWriteArrayList<>();

    // Counts of contexts that have retired; guarded by the list of contexts.
    private long retiredHits;
    private long retiredMisses;

    ForwardingContext newContext() {
        ForwardingContext context = new ForwardingContext();
        contexts.add(context);
        return context;
    }

    /** The context's thread has ended: its counts are kept, nobody waits for it any more. */
    void retire(ForwardingContext context) {
        synchronized (contexts) {
            if (contexts.remove(context)) {
                retiredHits += context.hits;
                retiredMisses += context.misses;
            }
        }
    }

    /**
     * Waits until no batch is under way that began before this call.
     *
     * @throws IllegalStateException if called from inside a batch, which would wait for itself
     */
    void await() {
        for (ForwardingContext context : contexts) {
            if (context.isRunBy(Thread.currentThread())) {
                throw new IllegalStateException("a batch cannot wait for its own end");
            }
        }
        for (ForwardingContext context : contexts) {
            long seen = context.epoch();
            for (int looks = 0; (seen & 1) != 0 && context.epoch() == seen; looks++) {
                if (looks < YIELDS) {
                    Thread.yield();
                } else {
                    LockSupport.parkNanos(PAUSE_NS); // The batch waits for something slow itself: a translation.
                }
            }
        }
    }

    /** Lookups of all contexts, those that have retired too. */
    Lookups lookups() {
        synchronized (contexts) {
            long hits = retiredHits;
            long misses = retiredMisses;
            for (ForwardingContext context : contexts) {
                hits += context.hits;
                misses += context.misses;
            }
            return new Lookups(hits, misses);
        }
    }

    /** Packets that met a flow in the cache, and packets that did not. */
    record Lookups(long hits, long misses) {}
}
