package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ALIVE;
import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.FLAG_HELD;
import static io.turnstile.conntrack.EntryLayout.life;

import io.turnstile.conntrack.ConntrackControl.BucketVisitor;
import io.turnstile.conntrack.OffHeap.Region;
import java.lang.ref.Reference;

/**
 * The index finds slots by hash, open-addressed. A bucket is one cache line: seven cells and a count of those cells
 * that wanted this bucket and had to go on to a later one. A cell is {@code upper half of the hash << 32 | slot + 1}, 0
 * when empty. A search goes on to the next bucket only while the count is not zero, so that removal just empties a
 * cell: no tombstones, nothing ever moves, and a search needs no lock. A connection has one cell, a translated one two:
 * its reply tuple has a hash of its own.
 *
 * <p>Invariant: a cell in bucket {@code b + k} whose home is {@code b} is counted in {@code b … b + k - 1}; it is
 * counted before it is written and uncounted after it is emptied.
 *
 * <p>Threads: any. That no tuple is inserted twice is the caller's business.
 */
final class TupleIndex {
    private static final int CELLS = 7;
    private static final long BUCKET_BYTES = 64;
    private static final long COUNT_OFFSET = CELLS * 8L;
    /** The most counts shown to people: beyond it neighbouring buckets are counted together. */
    private static final int MOST_SHOWN = 1024;
    /** Cells in use per ten buckets when the table is full. */
    private static final int LOAD_OF_TEN = 42;

    /** What a cell in use takes when the table is full. */
    static final long BYTES_PER_CELL = BUCKET_BYTES * 10 / LOAD_OF_TEN;

    private final EntryTable entries;
    private final int capacity;
    private final Region memory;
    private final long base;
    private final long length;
    /** Pieces of memory that the kernel has been asked for. One thread at a time. */
    private int piecesTouched;

    /** @param capacity cells in use when the table is full */
    TupleIndex(EntryTable entries, int capacity, boolean huge) {
        this.entries = entries;
        this.capacity = capacity;
        this.length = capacity * 10L / LOAD_OF_TEN + 1;
        this.memory = OffHeap.reserve(length * BUCKET_BYTES, huge);
        this.base = memory.address();
    }

    int capacity() {
        return capacity;
    }

    private long bucketOf(long hash) {
        return (hash & 0xffff_ffffL) * length >>> 32;
    }

    private long address(long bucket) {
        return base + bucket * BUCKET_BYTES;
    }

    /**
     * Looks for a living connection, unexpired or held, of the sealed tuple in either direction; fills
     * {@link TupleKey#slot}, {@link TupleKey#identity} and {@link TupleKey#reply}. The result is a hint until
     * {@link EntryTable#lock} confirms it.
     */
    boolean find(TupleKey key, long nowNs) {
        boolean found = find(key, nowNs, true);
        keepMemory();
        return found;
    }

    /** Finds as {@link #find(TupleKey, long)} does, but one whose time is over, too. */
    boolean findEvenExpired(TupleKey key) {
        boolean found = find(key, 0, false);
        keepMemory();
        return found;
    }

    /** An index that a larger one has replaced is only held by who is just at work in it: until here. */
    private void keepMemory() {
        Reference.reachabilityFence(this);
    }

    private boolean find(TupleKey key, long nowNs, boolean checksDeadline) {
        int tag = (int) (key.hash >>> 32);
        long bucket = bucketOf(key.hash);
        for (long walked = 0; walked < length; walked++) {
            long at = address(bucket);
            for (int i = 0; i < CELLS; i++) {
                long cell = OffHeap.getAcquire(at + i * 8L);
                if ((int) (cell >>> 32) == tag
                        && (int) cell != 0
                        && matches((int) cell - 1, key, nowNs, checksDeadline)) {
                    return true;
                }
            }
            if (OffHeap.getAcquire(at + COUNT_OFFSET) == 0) {
                return false;
            }
            bucket = after(bucket);
        }
        return false;
    }

    private long after(long bucket) {
        return bucket + 1 == length ? 0 : bucket + 1;
    }

    /** Whether the slot's connection is the key's; fills in the finding if so. */
    boolean matches(int slot, TupleKey key, long nowNs, boolean checksDeadline) {
        long entry = entries.entry(slot);
        long word = EntryTable.word(entry);
        if (life(word) != ALIVE) {
            return false;
        }
        boolean original = key.isOriginalOf(entries, entry);
        if (!original && !key.isReplyOf(entries, entry)) {
            return false;
        }
        if (checksDeadline
                && OffHeap.getLong(entry + DEADLINE) - nowNs <= 0
                && (EntryLayout.flags(entry) & FLAG_HELD) == 0) {
            return false;
        }
        key.slot = slot;
        key.identity = EntryTable.identity(word);
        key.reply = !original;
        return true;
    }

    /** Reads the tuple's bucket so that it is near when {@link #find} comes; the result means nothing. */
    long prefetchBucket(long hash) {
        long read = OffHeap.getLong(address(bucketOf(hash)));
        keepMemory();
        return read;
    }

    /** Reads the entry that {@link #find} will probably look at; the result means nothing. */
    long prefetchEntry(long hash) {
        int tag = (int) (hash >>> 32);
        long at = address(bucketOf(hash));
        long read = 0;
        for (int i = 0; i < CELLS && read == 0; i++) {
            long cell = OffHeap.getLong(at + i * 8L);
            if ((int) (cell >>> 32) == tag && (int) cell > 0) {
                read = OffHeap.getLong(entries.entry((int) cell - 1));
            }
        }
        keepMemory();
        return read;
    }

    /** Makes a slot findable. That there is room is the caller's business. */
    void insert(long hash, int slot) {
        long cell = cell(hash, slot);
        long bucket = bucketOf(hash);
        while (true) {
            long at = address(bucket);
            for (int i = 0; i < CELLS; i++) {
                if (OffHeap.getLong(at + i * 8L) == 0 && OffHeap.compareAndSet(at + i * 8L, 0, cell)) {
                    keepMemory();
                    return;
                }
            }
            OffHeap.getAndAdd(at + COUNT_OFFSET, 1);
            bucket = after(bucket);
        }
    }

    private static long cell(long hash, int slot) {
        return hash & 0xffff_ffff_0000_0000L | slot + 1L;
    }

    /** Undoes one {@link #insert}; false if there was none. */
    boolean remove(long hash, int slot) {
        boolean removed = removeCell(hash, slot);
        keepMemory();
        return removed;
    }

    private boolean removeCell(long hash, int slot) {
        long cell = cell(hash, slot);
        long bucket = bucketOf(hash);
        for (long walked = 0; walked < length; walked++) {
            long at = address(bucket);
            for (int i = 0; i < CELLS; i++) {
                if (OffHeap.getLong(at + i * 8L) == cell && OffHeap.compareAndSet(at + i * 8L, cell, 0)) {
                    uncount(bucketOf(hash), walked);
                    return true;
                }
            }
            if (OffHeap.getAcquire(at + COUNT_OFFSET) == 0) {
                return false;
            }
            bucket = after(bucket);
        }
        return false;
    }

    /** Whether there is a cell of the slot and that hash: exact for who keeps others from inserting or removing it. */
    boolean contains(long hash, int slot) {
        long cell = cell(hash, slot);
        long bucket = bucketOf(hash);
        boolean found = false;
        boolean further = true;
        for (long walked = 0; walked < length && further && !found; walked++) {
            long at = address(bucket);
            for (int i = 0; i < CELLS; i++) {
                found |= OffHeap.getLong(at + i * 8L) == cell;
            }
            further = OffHeap.getAcquire(at + COUNT_OFFSET) != 0;
            bucket = after(bucket);
        }
        keepMemory();
        return found;
    }

    private void uncount(long home, long buckets) {
        long bucket = home;
        for (long i = 0; i < buckets; i++) {
            OffHeap.getAndAdd(address(bucket) + COUNT_OFFSET, -1);
            bucket = after(bucket);
        }
    }

    /** Counts by how many buckets all cells together are away from home. Exact only while nobody inserts or removes. */
    long displacement() {
        long sum = 0;
        for (long bucket = 0; bucket < length; bucket++) {
            sum += OffHeap.getLong(address(bucket) + COUNT_OFFSET);
        }
        keepMemory();
        return sum;
    }

    /** How many pieces of memory the kernel zeroes one by one, each when it is first written to. */
    int pieces() {
        return memory.pieces();
    }

    /** How many of them the kernel has been asked for. */
    int piecesTouched() {
        return piecesTouched;
    }

    /**
     * Has the kernel give that many pieces of the memory, so that nobody waits for them later. Threads: one at a time,
     * while others use it.
     *
     * @return whether there are more
     */
    boolean touch(int most) {
        int last = Math.min(memory.pieces(), piecesTouched + most);
        for (; piecesTouched < last; piecesTouched++) {
            memory.touch(piecesTouched);
        }
        keepMemory();
        return piecesTouched < memory.pieces();
    }

    /** Gives the memory back; from here on nobody finds anything. */
    void giveBack() {
        memory.giveBack();
        keepMemory();
    }

    /** Visits one of the shown buckets, which stands for several; false if there is none of that number. */
    boolean visit(int shown, BucketVisitor visitor) {
        long perShown = (length + MOST_SHOWN - 1) / MOST_SHOWN;
        long first = shown * perShown;
        if (first >= length) {
            return false;
        }
        int used = 0;
        for (long bucket = first; bucket < Math.min(length, first + perShown); bucket++) {
            for (int i = 0; i < CELLS; i++) {
                used += OffHeap.getLong(address(bucket) + i * 8L) == 0 ? 0 : 1;
            }
        }
        visitor.visit(shown, used);
        keepMemory();
        return true;
    }
}
