package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ALIVE;
import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.LOCKED;
import static io.turnstile.conntrack.EntryLayout.LONG;
import static io.turnstile.conntrack.EntryLayout.LONGS;
import static io.turnstile.conntrack.EntryLayout.life;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * From hash to slot, open-addressed. A bucket is one cache line: seven cells and a count of those cells that wanted this
 * bucket and had to go on to a later one. A cell is {@code upper half of the hash << 32 | slot + 1}, 0 when empty. A search
 * goes on to the next bucket only while the count is not zero, so that removal just empties a cell: no tombstones, nothing
 * ever moves, and a search needs no lock.
 *
 * <p>Invariant: a cell in bucket {@code b + k} whose home is {@code b} is counted in {@code b … b + k - 1}; it is counted
 * before it is written and uncounted after it is emptied.
 *
 * <p>Threads: any. That no tuple is inserted twice is the caller's business.
 */
final class TupleIndex {
    private static final int CELLS = 7;
    private static final long BUCKET_BYTES = 64;
    private static final long COUNT_OFFSET = CELLS * 8L;
    /** Cells wanted per bucket when the table is full. */
    private static final int LOAD = 4;

    private final EntryTable entries;
    private final MemorySegment buckets;
    private final long mask;

    TupleIndex(EntryTable entries, int capacity) {
        this.entries = entries;
        long length = Math.max(1, Long.highestOneBit(Math.max(1, (capacity - 1L) / LOAD)) << 1);
        this.mask = length - 1;
        this.buckets = Arena.ofAuto().allocate(length * BUCKET_BYTES, BUCKET_BYTES);
    }

    /**
     * Looks for a living, unexpired connection of the tuple in either direction; fills {@link TupleKey#slot},
     * {@link TupleKey#word} and {@link TupleKey#reply}. The result is a hint until {@link EntryTable#lock} confirms it.
     */
    boolean find(TupleKey key, long nowNs) {
        return find(key, nowNs, true);
    }

    /** As {@link #find(TupleKey, long)}, but finds one whose time is over, too. */
    boolean findEvenExpired(TupleKey key) {
        return find(key, 0, false);
    }

    private boolean find(TupleKey key, long nowNs, boolean mindDeadline) {
        int tag = (int) (key.hash >>> 32);
        long bucket = key.hash & mask;
        for (long walked = 0; walked <= mask; walked++) {
            long at = bucket * BUCKET_BYTES;
            for (int i = 0; i < CELLS; i++) {
                long cell = (long) LONGS.getAcquire(buckets, at + i * 8L);
                if ((int) (cell >>> 32) == tag && cell != 0 && matches(key, (int) cell - 1, nowNs, mindDeadline)) {
                    return true;
                }
            }
            if ((long) LONGS.getAcquire(buckets, at + COUNT_OFFSET) == 0) {
                return false;
            }
            bucket = bucket + 1 & mask;
        }
        return false;
    }

    private boolean matches(TupleKey key, int slot, long nowNs, boolean mindDeadline) {
        if (slot < 0) {
            return false;
        }
        MemorySegment chunk = entries.chunk(slot);
        long base = EntryTable.base(slot);
        long word = EntryTable.word(chunk, base) & ~(long) LOCKED;
        if (life(word) != ALIVE) {
            return false;
        }
        boolean original = key.isOriginalOf(chunk, base);
        if (!original && !key.isReplyOf(chunk, base)) {
            return false;
        }
        if (mindDeadline && chunk.get(LONG, base + DEADLINE) - nowNs <= 0) {
            return false;
        }
        key.slot = slot;
        key.word = word;
        key.reply = !original;
        return true;
    }

    /** Reads the tuple's bucket so that it is near when {@link #find} comes; the result means nothing. */
    long touch(TupleKey key) {
        return buckets.get(LONG, (key.hash & mask) * BUCKET_BYTES);
    }

    /** Reads both cache lines of the entry that {@link #find} will probably look at; the result means nothing. */
    long touchEntry(TupleKey key) {
        int tag = (int) (key.hash >>> 32);
        long at = (key.hash & mask) * BUCKET_BYTES;
        for (int i = 0; i < CELLS; i++) {
            long cell = (long) LONGS.getAcquire(buckets, at + i * 8L);
            if ((int) (cell >>> 32) == tag && (int) cell > 0) {
                MemorySegment chunk = entries.chunk((int) cell - 1);
                long base = EntryTable.base((int) cell - 1);
                return chunk.get(LONG, base) + chunk.get(LONG, base + EntryLayout.LABEL_LOW);
            }
        }
        return 0;
    }

    /** Makes a slot findable. There are more cells than slots, so there is always room. */
    void insert(long hash, int slot) {
        long cell = hash & 0xffff_ffff_0000_0000L | slot + 1L;
        long bucket = hash & mask;
        while (true) {
            long at = bucket * BUCKET_BYTES;
            for (int i = 0; i < CELLS; i++) {
                if (buckets.get(LONG, at + i * 8L) == 0 && LONGS.compareAndSet(buckets, at + i * 8L, 0L, cell)) {
                    return;
                }
            }
            LONGS.getAndAdd(buckets, at + COUNT_OFFSET, 1L);
            bucket = bucket + 1 & mask;
        }
    }

    /** Undoes one {@link #insert}. */
    void remove(long hash, int slot) {
        long cell = hash & 0xffff_ffff_0000_0000L | slot + 1L;
        long home = hash & mask;
        for (long walked = 0; walked <= mask; walked++) {
            long at = (home + walked & mask) * BUCKET_BYTES;
            for (int i = 0; i < CELLS; i++) {
                if (buckets.get(LONG, at + i * 8L) == cell) {
                    LONGS.setRelease(buckets, at + i * 8L, 0L);
                    uncount(home, walked);
                    return;
                }
            }
        }
        throw new IllegalStateException("slot " + slot + " is not in the index");
    }

    void visit(ConntrackControl.BucketVisitor visitor) {
        for (long bucket = 0; bucket <= mask; bucket++) {
            int used = 0;
            for (int i = 0; i < CELLS; i++) {
                used += buckets.get(LONG, bucket * BUCKET_BYTES + i * 8L) == 0 ? 0 : 1;
            }
            visitor.visit((int) bucket, used);
        }
    }

    private void uncount(long home, long buckets) {
        for (long i = 0; i < buckets; i++) {
            LONGS.getAndAdd(this.buckets, (home + i & mask) * BUCKET_BYTES + COUNT_OFFSET, -1L);
        }
    }
}
