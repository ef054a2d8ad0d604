package io.turnstile.offload;

import java.util.concurrent.TimeUnit;

/**
 * Offers the connections anew that the provider has answered {@code later}: when it says that there is room, soon after
 * something was deleted, and after a pause that grows as long as nothing comes of it. A round ends with the first
 * {@code later}, so that a full device is asked a few hundred times and not a million times.
 *
 * <p>Threads: {@link #step} under the lock of the first shard; everything else any.
 */
final class WaitingOffers {
    private static final long FIRST_PAUSE_NS = TimeUnit.SECONDS.toNanos(1);
    private static final long LONGEST_PAUSE_NS = TimeUnit.SECONDS.toNanos(60);
    private static final long PAUSE_AFTER_DELETE_NS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final int SLOTS_A_SLICE = 16 * 1024;
    private static final int OFFERS_A_SLICE = 256;

    private final OffloadSession session;
    private volatile boolean some;
    private volatile boolean freed;
    /** What {@link #refusals} was when the provider last said that there is room; it has not since if it is not. */
    private volatile long refusalsAtRoom = -1;
    /** How often the answer was "later"; exact enough to see that it was. */
    private volatile long refusals;

    // Under the first shard's lock.
    private boolean paused;
    private long pausedSinceNs;
    private long pauseNs = FIRST_PAUSE_NS;
    private boolean walking;
    private long refusalsAtStart;
    private int cursor;
    private int slotsLeft;

    WaitingOffers(OffloadSession session) {
        this.session = session;
    }

    /** A connection was answered "later". */
    @SuppressWarnings("NonAtomicVolatileUpdate") // that it changes is all that is wanted
    void refused() {
        refusals++;
        some = true;
    }

    /** The provider has let go of a connection. */
    void freed() {
        if (some && !freed) {
            freed = true;
        }
    }

    /** The provider says that there is room. */
    void room() {
        refusalsAtRoom = refusals;
        session.shards[0].wake();
    }

    /** Goes on with a round, or begins one if it is time. Returns whether there was something to do. */
    boolean step(long nowNs) {
        if (walking) {
            return session.backlog() < OFFERS_A_SLICE && slice();
        }
        if (!some) {
            return false;
        }
        if (!paused) {
            paused = true;
            pausedSinceNs = nowNs;
        }
        long waitedNs = nowNs - pausedSinceNs;
        boolean room = refusalsAtRoom == refusals;
        if (!room && waitedNs < pauseNs && !(freed && waitedNs >= PAUSE_AFTER_DELETE_NS)) {
            return false;
        }
        if (room || freed) {
            pauseNs = FIRST_PAUSE_NS;
        }
        refusalsAtRoom = -1;
        freed = false;
        some = false;
        walking = true;
        refusalsAtStart = refusals;
        slotsLeft = session.table.slotLimit();
        return slice();
    }

    private boolean slice() {
        if (refusals != refusalsAtStart) {
            endRound(Math.min(2 * pauseNs, LONGEST_PAUSE_NS));
            some = true;
            return true;
        }
        int limit = session.table.slotLimit();
        int offers = 0;
        for (int i = 0; i < SLOTS_A_SLICE && offers < OFFERS_A_SLICE && slotsLeft > 0; i++, slotsLeft--) {
            cursor = cursor < limit ? cursor : 0;
            offers += session.offerWaiting(cursor++) ? 1 : 0;
        }
        if (slotsLeft <= 0 && offers == 0) {
            endRound(FIRST_PAUSE_NS);
        }
        return true;
    }

    private void endRound(long nextPauseNs) {
        walking = false;
        paused = false;
        pauseNs = nextPauseNs;
    }
}
