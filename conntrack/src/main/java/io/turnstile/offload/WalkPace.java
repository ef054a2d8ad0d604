package io.turnstile.offload;

import java.util.concurrent.TimeUnit;

/**
 * Keeps a walk over a large table from taking a core, memory bandwidth and caches from forwarding: after a first burst
 * each slice is followed by a pause in proportion to what it took. Live events do not wait for it.
 *
 * <p>Threads: under the lock of its shard.
 */
final class WalkPace {
    /** One part of work to so many of rest, over all shards. */
    private static final int REST = 19;
    /** A small table is done at once. */
    private static final long BURST_NS = TimeUnit.MILLISECONDS.toNanos(10);

    private static final long LONGEST_PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(500);

    private final int restPerWork;
    private long burstLeftNs;
    private long sliceStartNs;
    private boolean inSlice;
    private boolean resting;
    private long restStartNs;
    private long restNs;

    private WalkPace(int restPerWork) {
        this.restPerWork = restPerWork;
    }

    static WalkPace leavingRoomFor(int shards) {
        return new WalkPace((REST + 1) * shards - 1);
    }

    /** For virtual time: nobody forwards meanwhile. */
    static WalkPace unhurried() {
        return new WalkPace(0);
    }

    void walkBegins() {
        burstLeftNs = BURST_NS;
        resting = false;
        inSlice = false;
    }

    void sliceBegins(long nowNs) {
        sliceStartNs = nowNs;
        inSlice = true;
    }

    /** Everything that the slice brought about has been carried out. */
    void sliceIsDone(long nowNs) {
        if (!inSlice) {
            return;
        }
        inSlice = false;
        long tookNs = nowNs - sliceStartNs;
        burstLeftNs -= tookNs;
        if (burstLeftNs < 0) {
            resting = true;
            restStartNs = nowNs;
            restNs = Math.min(tookNs * restPerWork, LONGEST_PAUSE_NS);
        }
    }

    boolean isDue(long nowNs) {
        resting = resting && nowNs - restStartNs < restNs;
        return !resting;
    }
}
