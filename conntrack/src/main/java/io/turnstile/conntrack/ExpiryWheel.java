package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.NEXT;
import static io.turnstile.conntrack.EntryLayout.PREVIOUS;
import static io.turnstile.conntrack.EntryLayout.WHEEL_BUCKET;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;

/**
 * One shard of the timer wheel: which slots want attention when. Three levels of 64 buckets; a bucket of the first
 * level is 2^30 ns (1.07 s) wide, one of the next level as wide as the whole level below, so that the wheel reaches 78
 * hours ahead. Lists are linked through the side records.
 *
 * <p>A packet that lets its connection live longer does not come here: the slot turns up at its old time and is queued
 * anew ({@link #schedule} is idempotent). Only what must be seen <em>earlier</em> is moved.
 *
 * <p>However many slots a list has, nobody holds the lock for all of them: a list comes due as a whole, by its head,
 * and is handed out in pieces; the wheel moves on when it is empty.
 *
 * <p>Who makes a connection does not wait for the lock, whose holder may have lost his core: he leaves the slot in the
 * {@linkplain WheelInbox inbox}. The next who make one take a few in each, and the sweep, which comes by every wheel at
 * each of its turns, all: so none stays there for longer than it may be late anyway, and nobody has to look for it.
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
    private static final int AGAIN = BUCKETS;
    /** So many that others have left are queued by who makes a connection. */
    static final int TAKEN_IN_BY_COMMIT = 8;

    private static final int SPINS_BEFORE_YIELD = 200;

    private final EntryTable entries;
    private final long originNs;
    /** Whether somebody has the wheel: for a moment, if he does not lose his core. */
    final AtomicBoolean taken = new AtomicBoolean();

    private final WheelInbox inbox = new WheelInbox();
    private final IntConsumer toItsDeadline = this::linkAtDeadline;
    /** First slot + 1 of each list. */
    private final int[] heads = new int[BUCKETS + 1];
    /** Which buckets of a level are not empty: a bit for each. */
    private final long[] occupied = new long[LEVELS];
    /** First slot + 1 of what is due; its slots still bear the number of the list that they come from. */
    private volatile int due;
    /** The tick that has been reached: what is earlier has been handed out. */
    private long tick;
    /** Where {@link #advance} lets it go. */
    private long target;
    /** The levels from this one down have not come due yet in this tick; -1: all have. */
    private int level = -1;

    private boolean againIsDue;

    ExpiryWheel(EntryTable entries, long originNs) {
        this.entries = entries;
        this.originNs = originNs;
    }

    /** Queues the slot for its entry's deadline, at once or soon; one that is queued already is moved. */
    void schedule(int slot) {
        if (!tryTake()) {
            if (inbox.offer(slot)) {
                return;
            }
            take();
        }
        try {
            inbox.take(TAKEN_IN_BY_COMMIT, toItsDeadline);
            linkAtDeadline(slot);
        } finally {
            taken.set(false);
        }
    }

    private boolean tryTake() {
        return !taken.get() && taken.compareAndSet(false, true);
    }

    private void take() {
        for (int spins = 1; !tryTake(); spins++) {
            if (spins % SPINS_BEFORE_YIELD == 0) {
                Thread.yield();
            } else {
                Thread.onSpinWait();
            }
        }
    }

    private void linkAtDeadline(int slot) {
        unlink(slot);
        link(slot, bucketFor(tickOf(OffHeap.getLong(entries.entry(slot) + DEADLINE))));
    }

    private void takeAllIn() {
        inbox.take(WheelInbox.CAPACITY, toItsDeadline);
    }

    /** Queues the slot for the next sweep, be it at the same time. */
    void scheduleAgain(int slot) {
        take();
        try {
            takeAllIn();
            unlink(slot);
            link(slot, AGAIN);
        } finally {
            taken.set(false);
        }
    }

    private long tickOf(long timeNs) {
        return timeNs - originNs >> TICK_SHIFT;
    }

    private int bucketFor(long wanted) {
        long ahead = wanted - tick;
        if (ahead < 0) {
            return bucketAt(0);
        }
        for (int candidate = 0; candidate < LEVELS; candidate++) {
            if (ahead < 1L << (candidate + 1) * LEVEL_SHIFT) {
                return bucket(candidate, wanted);
            }
        }
        // Further than the wheel reaches: seen once more at its far end.
        return (LEVELS - 1) * LEVEL_LENGTH + (bucketAt(LEVELS - 1) - 1 & LEVEL_LENGTH - 1);
    }

    private static int bucket(int level, long tick) {
        return level * LEVEL_LENGTH + (int) (tick >> level * LEVEL_SHIFT & LEVEL_LENGTH - 1);
    }

    private int bucketAt(int level) {
        return bucket(level, tick);
    }

    /**
     * Lets the wheel move on to {@code nowNs} as {@link #poll} empties what comes due on the way. Slots of the running
     * tick are due as well: who finds them too early schedules them again.
     */
    void advance(long nowNs) {
        take();
        try {
            takeAllIn();
            target = Math.max(tick, tickOf(nowNs));
            level = Math.max(level, 0);
            againIsDue = true;
        } finally {
            taken.set(false);
        }
    }

    /**
     * Reads the links of what {@link #poll} will probably take, so that it holds the lock only for as long as it takes
     * to change them; the result means nothing.
     */
    long prefetch(int slots) {
        int end = entries.end();
        int slot = due - 1; // read without the lock, as the links: stale ones lead astray, but not out of the table
        long read = 0;
        for (int i = 0; i < slots && slot >= 0 && slot < end; i++) {
            slot = OffHeap.getInt(entries.side(slot) + NEXT) - 1;
            read += slot;
        }
        return read;
    }

    /** Takes up to {@code into.length} due slots out; returns how many, 0 only if none is left. */
    int poll(int[] into) {
        take();
        try {
            takeAllIn();
            int count = 0;
            while (count < into.length && (due != 0 || nextList())) {
                int slot = due - 1;
                unlink(slot);
                into[count++] = slot;
            }
            return count;
        } finally {
            taken.set(false);
        }
    }

    /** Lets the next list come due that is not empty; false if there is none up to the target. */
    private boolean nextList() {
        if (againIsDue) {
            againIsDue = false;
            if (makeDue(AGAIN)) {
                return true;
            }
        }
        while (true) {
            while (level >= 0) {
                // A bucket of a level above is sorted into the lower ones by those who look at its slots.
                if (makeDue(bucketAt(level--))) {
                    return true;
                }
            }
            if (tick >= target) {
                return false;
            }
            if (makeDue(bucketAt(0))) {
                return true; // queued meanwhile, and late already
            }
            step();
        }
    }

    /** Goes on to the next tick at which something may come due. */
    private void step() {
        long next = target;
        if (occupied[0] != 0) {
            next = Math.min(next, tick + 1 + Long.numberOfTrailingZeros(Long.rotateRight(occupied[0], (int) tick + 1)));
        }
        for (int above = 1; above < LEVELS; above++) {
            if (occupied[above] != 0) {
                next = Math.min(next, (tick >> above * LEVEL_SHIFT) + 1 << above * LEVEL_SHIFT);
            }
        }
        tick = next;
        level = 0;
        while (level < LEVELS - 1 && (tick & (1L << (level + 1) * LEVEL_SHIFT) - 1) == 0) {
            level++;
        }
    }

    /** The bucket's list comes due, if it has any; nothing is due before. */
    private boolean makeDue(int bucket) {
        due = heads[bucket];
        setHead(bucket, 0);
        return due != 0;
    }

    /** Ticks from the running one to the next that has something, at most {@code limit}. */
    int idleTicks(int limit) {
        take();
        try {
            takeAllIn();
            return idleTicksLocked(limit);
        } finally {
            taken.set(false);
        }
    }

    private int idleTicksLocked(int limit) {
        if (heads[AGAIN] != 0) {
            return 0;
        }
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
        setHead(bucket, slot + 1);
    }

    private void unlink(int slot) {
        long side = entries.side(slot);
        int bucket = OffHeap.getUnsignedShort(side + WHEEL_BUCKET) - 1;
        if (bucket < 0) {
            return;
        }
        int next = OffHeap.getInt(side + NEXT);
        int previous = OffHeap.getInt(side + PREVIOUS);
        if (previous != 0) {
            OffHeap.putInt(entries.side(previous - 1) + NEXT, next);
        } else if (due == slot + 1) {
            due = next;
        } else {
            setHead(bucket, next);
        }
        if (next != 0) {
            OffHeap.putInt(entries.side(next - 1) + PREVIOUS, previous);
        }
        OffHeap.putShort(side + WHEEL_BUCKET, 0);
    }

    private void setHead(int bucket, int head) {
        heads[bucket] = head;
        if (bucket < BUCKETS) {
            long bit = 1L << bucket; // of its level: the shift counts modulo 64
            int of = bucket >> LEVEL_SHIFT;
            occupied[of] = head == 0 ? occupied[of] & ~bit : occupied[of] | bit;
        }
    }
}
