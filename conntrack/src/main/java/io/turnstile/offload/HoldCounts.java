package io.turnstile.offload;

import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.LazyMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How many lanes still need the entry of a connection that has left the tracker's table. The last one gives it back.
 *
 * <p>Threads: any. Growing takes this object's monitor for the time of an allocation.
 */
final class HoldCounts {
    private static final int CHUNK_BITS = 12;
    private static final int CHUNK_SLOTS = 1 << CHUNK_BITS;
    private static final int CHUNK_MASK = CHUNK_SLOTS - 1;
    private static final VarHandle COUNT = ValueLayout.JAVA_INT.varHandle();

    private final Conntrack tracker;
    /** Beside the heap, as one a slot would be much for the collector to copy. */
    private volatile @Nullable MemorySegment[] chunks = new @Nullable MemorySegment[0];

    HoldCounts(Conntrack tracker) {
        this.tracker = tracker;
    }

    /** Sets the count before the lanes are told of a removal: each of them may want the entry. */
    void begin(long connectionId, int lanes) {
        int slot = SlotTable.slotOf(connectionId);
        COUNT.setVolatile(chunkOf(slot), at(slot), lanes);
    }

    /**
     * Takes off those that do not want the entry, after all were told.
     *
     * @return whether somebody still holds the entry
     */
    boolean isHeldAfter(long connectionId, int declining) {
        return subtract(connectionId, declining) != 0;
    }

    /** A lane needs the entry no more. */
    void release(long connectionId) {
        if (subtract(connectionId, 1) == 0) {
            tracker.release(connectionId);
        }
    }

    private int subtract(long connectionId, int lanes) {
        int slot = SlotTable.slotOf(connectionId);
        return (int) COUNT.getAndAdd(chunkOf(slot), at(slot), -lanes) - lanes;
    }

    private static long at(int slot) {
        return (long) (slot & CHUNK_MASK) * Integer.BYTES;
    }

    private MemorySegment chunkOf(int slot) {
        @Nullable MemorySegment[] present = chunks;
        int index = slot >>> CHUNK_BITS;
        MemorySegment chunk = index < present.length ? present[index] : null;
        return chunk != null ? chunk : grow(index);
    }

    private synchronized MemorySegment grow(int index) {
        @Nullable MemorySegment[] present = chunks;
        MemorySegment other = index < present.length ? present[index] : null;
        if (other != null) {
            return other;
        }
        @Nullable
        MemorySegment[] grown = index < present.length
                ? present.clone()
                : Arrays.copyOf(present, Math.max(index + 1, present.length * 2));
        MemorySegment chunk = LazyMemory.reserve((long) CHUNK_SLOTS * Integer.BYTES);
        grown[index] = chunk;
        chunks = grown;
        return chunk;
    }
}
