package io.turnstile.offload;

import java.util.concurrent.TimeUnit;

/**
 * The throttle keeps a scan of a large table from taking a core, memory bandwidth and caches from forwarding: after a
 * first burst each slice is followed by a pause in proportion to what it took. Live events do not wait for it.
 *
 * <p>Threads: under the lock of its shard.
 */
final class ScanThrottle {
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

    private ScanThrottle(int restPerWork) {
        this.restPerWork = restPerWork;
    }

    static ScanThrottle forShards(int shards) {
        return new ScanThrottle((REST + 1) * shards - 1);
    }

    /** Returns a throttle that never waits, for virtual time: nobody forwards meanwhile. */
    static ScanThrottle unlimited() {
        return new ScanThrottle(0);
    }

    void scanStarted() {
        burstLeftNs = BURST_NS;
        resting = false;
        inSlice = false;
    }

    void sliceStarted(long nowNs) {
        sliceStartNs = nowNs;
        inSlice = true;
    }

    /** Everything that the slice brought about has been carried out. */
    void sliceFinished(long nowNs) {
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
