package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.EXTENSION;
import static io.turnstile.conntrack.EntryLayout.EXTENSION_BYTES;
import static io.turnstile.conntrack.EntryLayout.GENERATION_MASK;
import static io.turnstile.conntrack.EntryLayout.LIFE_MASK;
import static io.turnstile.conntrack.EntryLayout.LOCKED;
import static io.turnstile.conntrack.EntryLayout.NEXT_EXTENSION;
import static io.turnstile.conntrack.EntryLayout.NEXT_FREE;
import static io.turnstile.conntrack.EntryLayout.SIDE_BYTES;
import static io.turnstile.conntrack.EntryLayout.SIZE_BYTES;
import static io.turnstile.conntrack.EntryLayout.VERSION_MASK;
import static io.turnstile.conntrack.EntryLayout.VERSION_ONE;
import static io.turnstile.conntrack.EntryLayout.WORD;

import io.turnstile.conntrack.OffHeap.Region;
import java.lang.invoke.VarHandle;

/**
 * The entries with their side records, by slot, and the extensions. Memory is taken as it is first needed and never
 * given back; a slot's bytes stay where they are, so that a late reader reads a wrong entry at worst, which the word
 * tells it.
 *
 * <p>An entry's <em>identity</em> is its word's generation and life: what must still be the same for a finding to hold.
 *
 * <p>Threads: any. {@link #lock} spins: the holder does a few stores and never calls out. What it calls of the tracker
 * itself may throw for all that (a packet that cannot be written, memory that has run out), so who does more than read
 * and write the entry unlocks it then, by {@link #unlockAfterFailure}.
 */
final class EntryTable {
    private static final int SPINS_BEFORE_YIELD = 200;
    /** Slots whose memory is there before they are needed. */
    private static final int AHEAD = 1 << 17;

    private static final long IDENTITY_MASK = GENERATION_MASK | LIFE_MASK;

    private final Region entryMemory;
    private final Region sideMemory;
    private final Region extensionMemory;
    private final long entryBase;
    private final long sideBase;
    private final long extensionBase;
    private final int capacity;
    private final SlotPool slots;
    private final SlotPool extensions;
    // The sweeper's: pieces below have been asked of the kernel.
    private int entriesReady;
    private int sidesReady;

    EntryTable(int capacity, boolean huge) {
        this.capacity = capacity;
        entryMemory = OffHeap.reserve((long) capacity * SIZE_BYTES, huge);
        sideMemory = OffHeap.reserve((long) capacity * SIDE_BYTES, huge);
        extensionMemory = OffHeap.reserve((long) capacity * EXTENSION_BYTES, false);
        entryBase = entryMemory.address();
        sideBase = sideMemory.address();
        extensionBase = extensionMemory.address();
        slots = new SlotPool(sideBase + NEXT_FREE, SIDE_BYTES, capacity);
        extensions = new SlotPool(extensionBase + NEXT_EXTENSION, EXTENSION_BYTES, capacity);
    }

    int capacity() {
        return capacity;
    }

    /**
     * Has the kernel give the memory that is needed next, which takes long where it zeroes 2 MiB at once. Threads: one
     * at a time.
     */
    void touchAhead() {
        entriesReady = touch(entryMemory, entriesReady, SIZE_BYTES);
        sidesReady = touch(sideMemory, sidesReady, SIDE_BYTES);
    }

    private int touch(Region memory, int touched, long strideBytes) {
        int last = memory.piecesUpTo(Math.min((long) end() + AHEAD, capacity) * strideBytes);
        for (int piece = touched; piece < last; piece++) {
            memory.touch(piece);
        }
        return Math.max(touched, last);
    }

    /** Address of the slot's entry. */
    long entry(int slot) {
        return entryBase + (long) slot * SIZE_BYTES;
    }

    /** Address of the slot's side record. */
    long side(int slot) {
        return sideBase + (long) slot * SIDE_BYTES;
    }

    int slotOf(long entry) {
        return (int) ((entry - entryBase) / SIZE_BYTES);
    }

    /** Address of the entry's extension; 0 if there is none. */
    long extensionOf(long entry) {
        int index = OffHeap.getInt(entry + EXTENSION);
        // Read without lock the index may be of an entry that is being filled: never outside the region all the same.
        return index <= 0 || index > capacity ? 0 : extensionBase + (index - 1L) * EXTENSION_BYTES;
    }

    /** The locked entry's extension, zeroed if it is new; 0 if there is no more memory for one. */
    long makeExtension(long entry) {
        long present = extensionOf(entry);
        if (present != 0) {
            return present;
        }
        int index = extensions.take();
        if (index == SlotPool.NO_SLOT) {
            return 0;
        }
        long extension = extensionBase + (long) index * EXTENSION_BYTES;
        for (int at = 0; at < EXTENSION_BYTES; at += Long.BYTES) {
            OffHeap.putLong(extension + at, 0);
        }
        OffHeap.putInt(entry + EXTENSION, index + 1);
        return extension;
    }

    /** One past the largest slot ever used. */
    int end() {
        return slots.end();
    }

    /** How many slots are out. Exact only while nobody takes or gives. */
    int slotsTaken() {
        return slots.taken();
    }

    /** How many extensions are out. Exact only while nobody takes or gives. */
    int extensionsTaken() {
        return extensions.taken();
    }

    /** One past the largest extension ever used. */
    int extensionsEnd() {
        return extensions.end();
    }

    boolean contains(int slot) {
        return slot >= 0 && slot < end();
    }

    /** A slot in life FREE that nobody else has, or {@link SlotPool#NO_SLOT}. */
    int take() {
        return slots.take();
    }

    /** Gives back a slot in life FREE and its extension. */
    void give(int slot) {
        long entry = entry(slot);
        int index = OffHeap.getInt(entry + EXTENSION);
        OffHeap.putInt(entry + EXTENSION, 0);
        if (index != 0) {
            extensions.give(index - 1);
        }
        slots.give(slot);
    }

    static long word(long entry) {
        return OffHeap.getAcquire(entry + WORD);
    }

    /** The word, read after all that the thread has written with volatile order. */
    static long wordInOrder(long entry) {
        return OffHeap.getVolatile(entry + WORD);
    }

    static long identity(long word) {
        return word & IDENTITY_MASK;
    }

    /**
     * Locks the entry if its word still has this identity.
     *
     * @return the locked word, for {@link #unlock}; 0, with nothing locked, if the entry is not that one any more
     */
    static long lock(long entry, long identity) {
        int spins = 0;
        while (true) {
            long word = word(entry);
            if (identity(word) != identity) {
                return 0;
            }
            if ((word & LOCKED) == 0 && OffHeap.compareAndSet(entry + WORD, word, word | LOCKED)) {
                // Who reads without the lock must not see what is stored next under the word before.
                VarHandle.storeStoreFence();
                return word | LOCKED;
            }
            if (++spins % SPINS_BEFORE_YIELD == 0) {
                Thread.yield();
            } else {
                Thread.onSpinWait();
            }
        }
    }

    /** Unlocks; the entry's life becomes {@code life}. */
    static void unlock(long entry, long lockedWord, int life) {
        OffHeap.putRelease(entry + WORD, nextVersion(lockedWord) & ~(long) LIFE_MASK | life);
    }

    static void unlock(long entry, long lockedWord) {
        OffHeap.putRelease(entry + WORD, nextVersion(lockedWord));
    }

    /**
     * Unlocks what the caller had locked if it is still locked by that: to be called when something was thrown, from
     * wherever, so that nobody spins for ever. The entry is left as far as it has come.
     */
    static void unlockAfterFailure(long entry, long lockedWord) {
        OffHeap.compareAndSet(entry + WORD, lockedWord, nextVersion(lockedWord));
    }

    private static long nextVersion(long word) {
        return (word & ~VERSION_MASK | word + VERSION_ONE & VERSION_MASK) & ~(long) LOCKED;
    }

    /** Makes a taken slot's entry a living one of the next generation, locked; returns the locked word. */
    static long begin(long entry) {
        long word = word(entry);
        long generation = (word & GENERATION_MASK) + (1L << 32);
        long begun = (generation == 0 ? 1L << 32 : generation) | word & VERSION_MASK | EntryLayout.ALIVE | LOCKED;
        OffHeap.putRelease(entry + WORD, begun);
        return begun;
    }
}
