package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.NEXT;
import static io.turnstile.conntrack.EntryLayout.PREVIOUS;
import static io.turnstile.conntrack.EntryLayout.WHEEL_BUCKET;

/**
 * One shard of the timer wheel: which slots want attention when. Three levels of 64 buckets; a bucket of the first
 * level is 2^30 ns (1.07 s) wide, one of the next level as wide as the whole level below, so that the wheel reaches 78
 * hours ahead. Lists are linked through the side records.
 *
 * <p>A packet that lets its connection live longer does not come here: the slot turns up at its old time and is queued
 * anew ({@link #schedule} is idempotent). Only what must be seen <em>earlier</em> is moved.
 *
 * <p>Threads: any; each method takes the shard's lock and calls nothing outside. Lock order: entry, then wheel.
 */
final class ExpiryWheel {
    static final int TICK_SHIFT = 30;
    private static final int LEVEL_SHIFT = 6;
    private static final int LEVEL_LENGTH = 1 << LEVEL_SHIFT;
    private static final int LEVELS = 3;
    private static final int BUCKETS = LEVELS * LEVEL_LENGTH;
    /** The last list: due at the next sweep whatever its time. */
    private static final int DUE = BUCKETS;

    private final EntryTable entries;
    private final long originNs;
    /** First slot + 1 of each list. */
    private final int[] heads = new int[BUCKETS + 1];
    /** The tick that {@link #advance} has reached. */
    private long tick;

    ExpiryWheel(EntryTable entries, long originNs) {
        this.entries = entries;
        this.originNs = originNs;
    }

    /** Queues the slot for {@code attentionNs}; one that is queued already is moved. */
    synchronized void schedule(int slot, long attentionNs) {
        unlink(slot);
        link(slot, bucketFor(tickOf(attentionNs)));
    }

    private long tickOf(long timeNs) {
        return timeNs - originNs >> TICK_SHIFT;
    }

    private int bucketFor(long wanted) {
        long ahead = wanted - tick;
        if (ahead < 0) {
            return (int) (tick & LEVEL_LENGTH - 1);
        }
        for (int level = 0; level < LEVELS; level++) {
            if (ahead < 1L << (level + 1) * LEVEL_SHIFT) {
                return level * LEVEL_LENGTH + (int) (wanted >> level * LEVEL_SHIFT & LEVEL_LENGTH - 1);
            }
        }
        // Further than the wheel reaches: seen once more at its far end.
        return (LEVELS - 1) * LEVEL_LENGTH + (int) ((tick >> (LEVELS - 1) * LEVEL_SHIFT) - 1 & LEVEL_LENGTH - 1);
    }

    /**
     * Moves the wheel on to {@code nowNs}; what came due waits for {@link #poll}. Slots of the running tick are due as
     * well: who finds them too early schedules them again.
     */
    synchronized void advance(long nowNs) {
        long target = tickOf(nowNs);
        if (target - tick >= 1L << 2 * LEVEL_SHIFT) {
            // A jump (virtual time): cheaper to look at everything once than to walk the buckets.
            for (int bucket = 0; bucket < BUCKETS; bucket++) {
                makeDue(bucket);
            }
            tick = target;
            return;
        }
        while (tick < target) {
            makeDue((int) (tick & LEVEL_LENGTH - 1));
            tick++;
            cascade();
        }
        makeDue((int) (tick & LEVEL_LENGTH - 1));
    }

    /** Sorts the next bucket of the level above into the lower ones when a level has come round. */
    private void cascade() {
        for (int level = 1; level < LEVELS; level++) {
            if ((tick & (1L << level * LEVEL_SHIFT) - 1) != 0) {
                return;
            }
            makeDue(level * LEVEL_LENGTH + (int) (tick >> level * LEVEL_SHIFT & LEVEL_LENGTH - 1));
        }
    }

    private void makeDue(int bucket) {
        int first = heads[bucket];
        while (first != 0) {
            int slot = first - 1;
            first = OffHeap.getInt(entries.side(slot) + NEXT);
            unlink(slot);
            link(slot, DUE);
        }
    }

    /** Takes up to {@code into.length} due slots out; returns how many. */
    synchronized int poll(int[] into) {
        int count = 0;
        while (count < into.length && heads[DUE] != 0) {
            int slot = heads[DUE] - 1;
            unlink(slot);
            into[count++] = slot;
        }
        return count;
    }

    /** Ticks from the running one to the next that has something, at most {@code limit}. */
    synchronized int idleTicks(int limit) {
        for (int ahead = 0; ahead < limit; ahead++) {
            if (heads[(int) (tick + ahead & LEVEL_LENGTH - 1)] != 0
                    || ahead > 0 && (tick + ahead & LEVEL_LENGTH - 1) == 0) {
                return ahead;
            }
        }
        return limit;
    }

    private void link(int slot, int bucket) {
        long side = entries.side(slot);
        int next = heads[bucket];
        OffHeap.putInt(side + NEXT, next);
        OffHeap.putInt(side + PREVIOUS, 0);
        OffHeap.putShort(side + WHEEL_BUCKET, bucket + 1);
        if (next != 0) {
            OffHeap.putInt(entries.side(next - 1) + PREVIOUS, slot + 1);
        }
        heads[bucket] = slot + 1;
    }

    private void unlink(int slot) {
        long side = entries.side(slot);
        int bucket = OffHeap.getUnsignedShort(side + WHEEL_BUCKET) - 1;
        if (bucket < 0) {
            return;
        }
        int next = OffHeap.getInt(side + NEXT);
        int previous = OffHeap.getInt(side + PREVIOUS);
        if (previous == 0) {
            heads[bucket] = next;
        } else {
            OffHeap.putInt(entries.side(previous - 1) + NEXT, next);
        }
        if (next != 0) {
            OffHeap.putInt(entries.side(next - 1) + PREVIOUS, previous);
        }
        OffHeap.putShort(side + WHEEL_BUCKET, 0);
    }
}
