package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.INT;
import static io.turnstile.conntrack.EntryLayout.LIFE_MASK;
import static io.turnstile.conntrack.EntryLayout.LOCKED;
import static io.turnstile.conntrack.EntryLayout.LONGS;
import static io.turnstile.conntrack.EntryLayout.NEXT;
import static io.turnstile.conntrack.EntryLayout.SIZE_BYTES;
import static io.turnstile.conntrack.EntryLayout.WORD;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The entries, by slot. Memory comes in chunks as it is first needed and is never given back; a slot's bytes stay where
 * they are, so that a late reader reads a wrong entry at worst, which the word tells it.
 *
 * <p>Threads: any. {@link #lock} spins: the holder does a few stores and never calls out.
 */
final class EntryTable {
    static final int NO_SLOT = -1;
    private static final int CHUNK_SHIFT = 12;
    private static final int CHUNK_LENGTH = 1 << CHUNK_SHIFT;
    private static final int SPINS_BEFORE_YIELD = 200;

    private final MemorySegment[] chunks;
    private final int capacity;
    /** Slots below were used at least once. */
    private final AtomicInteger highWater = new AtomicInteger();
    /** Stack of free slots: change count (32 bits, against ABA) | top slot + 1. */
    private final AtomicLong free = new AtomicLong();

    EntryTable(int capacity) {
        this.capacity = capacity;
        this.chunks = new MemorySegment[(capacity + CHUNK_LENGTH - 1) >>> CHUNK_SHIFT];
    }

    MemorySegment chunk(int slot) {
        return chunks[slot >>> CHUNK_SHIFT];
    }

    static long base(int slot) {
        return (long) (slot & CHUNK_LENGTH - 1) * SIZE_BYTES;
    }

    /** One past the largest slot ever used. */
    int end() {
        return Math.min(highWater.get(), capacity);
    }

    boolean contains(int slot) {
        return slot >= 0 && slot < end() && chunk(slot) != null;
    }

    /** A slot in life FREE that nobody else has, or {@link #NO_SLOT}. */
    int take() {
        while (true) {
            long top = free.get();
            int slot = (int) top - 1;
            if (slot < 0) {
                return takeFresh();
            }
            int next = chunk(slot).get(INT, base(slot) + NEXT);
            if (free.compareAndSet(top, nextCount(top) | Integer.toUnsignedLong(next))) {
                return slot;
            }
        }
    }

    private int takeFresh() {
        if (highWater.get() >= capacity) {
            return NO_SLOT;
        }
        int slot = highWater.getAndIncrement();
        if (slot >= capacity) {
            highWater.decrementAndGet();
            return NO_SLOT;
        }
        if (chunk(slot) == null) {
            addChunk(slot >>> CHUNK_SHIFT);
        }
        return slot;
    }

    private synchronized void addChunk(int index) {
        if (chunks[index] == null) {
            MemorySegment chunk = Arena.ofAuto().allocate((long) CHUNK_LENGTH * SIZE_BYTES, 64);
            // The zeroes must be there before the reference is.
            VarHandle.releaseFence();
            chunks[index] = chunk;
        }
    }

    /** Gives back a slot in life FREE. */
    void give(int slot) {
        MemorySegment chunk = chunk(slot);
        while (true) {
            long top = free.get();
            chunk.set(INT, base(slot) + NEXT, (int) top);
            if (free.compareAndSet(top, nextCount(top) | slot + 1)) {
                return;
            }
        }
    }

    private static long nextCount(long top) {
        return (top & 0xffff_ffff_0000_0000L) + 0x1_0000_0000L;
    }

    static long word(MemorySegment chunk, long base) {
        return (long) LONGS.getAcquire(chunk, base + WORD);
    }

    static void setWord(MemorySegment chunk, long base, long word) {
        LONGS.setRelease(chunk, base + WORD, word);
    }

    /**
     * Locks the entry if its word still says the same generation and life.
     *
     * @return false, with nothing locked, if the entry is not that one any more
     */
    static boolean lock(MemorySegment chunk, long base, long unlockedWord) {
        int spins = 0;
        while (!LONGS.compareAndSet(chunk, base + WORD, unlockedWord, unlockedWord | LOCKED)) {
            if ((word(chunk, base) & ~LOCKED) != unlockedWord) {
                return false;
            }
            if (++spins % SPINS_BEFORE_YIELD == 0) {
                Thread.yield();
            } else {
                Thread.onSpinWait();
            }
        }
        return true;
    }

    /** Unlocks; the entry's life becomes {@code life}. */
    static void unlock(MemorySegment chunk, long base, long unlockedWord, int life) {
        setWord(chunk, base, unlockedWord & ~LIFE_MASK | life);
    }

    static void unlock(MemorySegment chunk, long base, long unlockedWord) {
        setWord(chunk, base, unlockedWord);
    }
}
