package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.LazyMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a lane knows of each slot of the tracker's table: a word of flags, the link of the event queue, and a cell with
 * the connection's state. Grows in chunks as slots are first met, so its size follows the tracker's table; nothing is
 * allocated for a connection.
 *
 * <p>The word: the connection id's upper half (its generation) in the upper half, {@code SlotTable} flags in the lower.
 * It changes by compare-and-set only, so an event that is late for a generation finds it changed and does nothing.
 *
 * <p>The cell: {@link OffloadState} ordinal in the low {@link #STATE_BITS} bits, index of the reason above. Written
 * under the slot's shard lock, read by anyone.
 *
 * <p>Threads: any. Growing takes this object's monitor for the time of an allocation.
 */
final class SlotTable {
    /** The dispatcher follows this connection. */
    static final int TRACKED = 1;
    /** The slot is in its shard's queue (set by whoever links it, cleared by the shard when it takes the slot). */
    static final int QUEUED = 1 << 1;
    /** Pending: offer it. Stays while the offer has to wait: for an establishment, or for another one's delete. */
    static final int ADD = 1 << 2;
    /** Pending: it is established. */
    static final int ESTABLISHED = 1 << 3;
    /** Pending: ask for the last use. */
    static final int UPDATE = 1 << 4;
    /** It left the tracker's table, its entry is on hold; {@link #REASON_MASK} has the reason's ordinal. Stays. */
    static final int REMOVED = 1 << 5;

    static final int REASON_SHIFT = 6;
    static final int REASON_MASK = 3 << REASON_SHIFT;
    /** The provider is leaving: take the connection from it. Stays until the slot is sealed. */
    static final int WITHDRAW = 1 << 8;
    /** The tracker is to say when a packet meets it established. */
    static final int AWAITS_ESTABLISHED = 1 << 9;
    /** The lane has the tracker hold the connection: the provider holds it, or is just being given it. */
    static final int HELD = 1 << 10;
    /** The slot takes no more connections: this table is at its end. */
    static final int SEALED = 1 << 11;
    /** Pending: look again whether the provider may have it. */
    static final int CHECK = 1 << 12;
    /** It came while too many were waiting and was not queued: nobody was told of it. */
    static final int OVERLOADED = 1 << 13;
    /** Its removal waits for the answer to {@link #UPDATE}. Stays until that is there. */
    static final int AWAITED = 1 << 14;
    /** Pending: the provider says that its device has lost it. */
    static final int LOST = 1 << 15;

    /** Pending: bits of {@code ConnectionListener.…_CHANGED} that providers are told of. */
    static final int CHANGES_SHIFT = 16;

    static final int CHANGES_MASK = 0xf << CHANGES_SHIFT;
    static final int PORT_CHANGE = ConnectionListener.PORT_CHANGED << CHANGES_SHIFT;
    /** Of items that wait for a result, never in a word: a path of the connection has something pending. */
    static final int PATH_NEWS = 1 << 20;
    /** Pending: to be offered once it has lasted; not queued for that yet. */
    static final int SETTLING = 1 << 21;
    /** It was {@link #SETTLING} a round of {@link LastingOffers} ago. */
    static final int SETTLING_LONG = 1 << 22;
    /** The provider was not told yet, and may be. */
    static final int UNTOLD = ADD | OVERLOADED;
    /** What taking a slot from the queue clears. */
    static final int TAKEN =
            QUEUED | ADD | ESTABLISHED | UPDATE | CHECK | OVERLOADED | LOST | CHANGES_MASK | SETTLING | SETTLING_LONG;

    static final int STATE_BITS = 4;
    private static final int STATE_MASK = (1 << STATE_BITS) - 1;

    static final int CHUNK_BITS = 12;
    static final int CHUNK_SLOTS = 1 << CHUNK_BITS;
    private static final int CHUNK_MASK = CHUNK_SLOTS - 1;
    private static final int SLOT_BYTES = Long.BYTES + 2 * Integer.BYTES;

    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();
    private static final VarHandle CELL = ValueLayout.JAVA_INT.varHandle();

    private volatile @Nullable Chunk[] chunks = new @Nullable Chunk[0];
    private boolean closed; // guarded by this

    /** {@link #CHUNK_SLOTS} neighbouring slots, beside the heap: one a slot would be much for the collector to copy. */
    static final class Chunk {
        /** It has no slots and stands in no table. */
        static final Chunk NONE = new Chunk(0);

        private final MemorySegment words;
        private final MemorySegment links;
        private final MemorySegment cells;
        /**
         * Some slot is {@link #SETTLING}, or was; set after the slot's word, cleared before the words are looked at.
         */
        private volatile boolean settles;

        private Chunk(int slots) {
            MemorySegment memory = slots == 0 ? MemorySegment.NULL : LazyMemory.reserve((long) slots * SLOT_BYTES);
            words = memory.asSlice(0, (long) slots * Long.BYTES);
            links = memory.asSlice(words.byteSize(), (long) slots * Integer.BYTES);
            cells = memory.asSlice(words.byteSize() + links.byteSize(), (long) slots * Integer.BYTES);
        }

        private static long wordAt(int slot) {
            return (long) (slot & CHUNK_MASK) * Long.BYTES;
        }

        private static long intAt(int slot) {
            return (long) (slot & CHUNK_MASK) * Integer.BYTES;
        }
    }

    static int slotOf(long connectionId) {
        return (int) connectionId;
    }

    static long word(long connectionId, int flags) {
        return connectionId & 0xffff_ffff_0000_0000L | flags;
    }

    /** The word of a slot that takes part in nothing any more, but remembers whose it was. */
    static long sealed(long word) {
        return word(word, SEALED);
    }

    static int flags(long word) {
        return (int) word;
    }

    static boolean sameGeneration(long word, long connectionId) {
        return word >>> 32 == connectionId >>> 32;
    }

    /** Generations of a slot grow, modulo 2^32. */
    static boolean isNewer(long connectionId, long word) {
        return (int) (connectionId >>> 32) - (int) (word >>> 32) > 0;
    }

    static long connectionId(long word, int slot) {
        return word & 0xffff_ffff_0000_0000L | slot & 0xffff_ffffL;
    }

    /** The chunk of the slot, or null if it was never met. */
    @Nullable
    Chunk chunk(int slot) {
        @Nullable Chunk[] present = chunks;
        int index = slot >>> CHUNK_BITS;
        return index < present.length ? present[index] : null;
    }

    /** The chunk of a slot that is, or was, in a queue. */
    Chunk metChunk(int slot) {
        return Objects.requireNonNull(chunk(slot), "a slot that was queued has a chunk");
    }

    /** The chunk of the slot, made if need be; null if the table is closed and has none. */
    @Nullable
    Chunk chunkFor(int slot) {
        Chunk chunk = chunk(slot);
        return chunk != null ? chunk : grow(slot >>> CHUNK_BITS);
    }

    private synchronized @Nullable Chunk grow(int index) {
        @Nullable Chunk[] present = chunks;
        if (index < present.length && present[index] != null) {
            return present[index];
        }
        if (closed) {
            return null;
        }
        @Nullable
        Chunk[] grown = index < present.length
                ? present.clone()
                : Arrays.copyOf(present, Math.max(index + 1, present.length * 2));
        grown[index] = new Chunk(CHUNK_SLOTS);
        chunks = grown;
        return grown[index];
    }

    /** Closes the table: no slot is met for the first time any more. */
    synchronized void close() {
        closed = true;
    }

    /** One past the last slot that may have been met. */
    int slotLimit() {
        return chunks.length << CHUNK_BITS;
    }

    long word(Chunk chunk, int slot) {
        return (long) WORD.getVolatile(chunk.words, Chunk.wordAt(slot));
    }

    boolean changeWord(Chunk chunk, int slot, long expected, long changed) {
        return WORD.compareAndSet(chunk.words, Chunk.wordAt(slot), expected, changed);
    }

    /** The caller has made a slot of the chunk {@link #SETTLING}. */
    void noteSettling(Chunk chunk) {
        if (!chunk.settles) { // most find it set, and leave the line to whoever reads it
            chunk.settles = true;
        }
    }

    /** Whether slots of the chunk may be {@link #SETTLING}; the next answer is for those that become so from now on. */
    boolean takeSettling(Chunk chunk) {
        boolean some = chunk.settles;
        if (some) {
            chunk.settles = false;
        }
        return some;
    }

    /** Clears {@link #TAKEN} and returns the word as it was. */
    long take(Chunk chunk, int slot) {
        return (long) WORD.getAndBitwiseAnd(chunk.words, Chunk.wordAt(slot), ~(long) TAKEN);
    }

    /** The slot's link; belongs to whoever set {@link #QUEUED}, from the shard's taking on to the shard. */
    int next(int slot) {
        return metChunk(slot).links.get(ValueLayout.JAVA_INT, Chunk.intAt(slot));
    }

    void setNext(Chunk chunk, int slot, int next) {
        chunk.links.set(ValueLayout.JAVA_INT, Chunk.intAt(slot), next);
    }

    void setNext(int slot, int next) {
        setNext(metChunk(slot), slot, next);
    }

    /** State and reason as one reading. */
    int cell(Chunk chunk, int slot) {
        return (int) CELL.getAcquire(chunk.cells, Chunk.intAt(slot));
    }

    static OffloadState state(int cell) {
        return OffloadState.BY_ORDINAL[cell & STATE_MASK];
    }

    static int reasonIndex(int cell) {
        return cell >>> STATE_BITS;
    }

    OffloadState state(Chunk chunk, int slot) {
        return state(cell(chunk, slot));
    }

    void setState(Chunk chunk, int slot, OffloadState state, int reasonIndex) {
        CELL.setRelease(chunk.cells, Chunk.intAt(slot), reasonIndex << STATE_BITS | state.ordinal());
    }
}
