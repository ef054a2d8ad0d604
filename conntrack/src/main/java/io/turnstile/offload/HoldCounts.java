package io.turnstile.offload;

import io.turnstile.conntrack.Conntrack;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * How many lanes still need the entry of a connection that has left the tracker's table. The last one gives it back.
 *
 * <p>Threads: any. Growing takes this object's monitor for the time of an allocation.
 */
final class HoldCounts {
    private static final int CHUNK_BITS = 12;
    private static final int CHUNK_SLOTS = 1 << CHUNK_BITS;
    private static final int CHUNK_MASK = CHUNK_SLOTS - 1;
    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(int[].class);

    private final Conntrack tracker;
    private volatile int[][] chunks = new int[0][];

    HoldCounts(Conntrack tracker) {
        this.tracker = tracker;
    }

    /** Sets the count before the lanes are told of a removal: each of them may want the entry. */
    void begin(long connectionId, int lanes) {
        int slot = SlotTable.slotOf(connectionId);
        COUNT.setVolatile(chunkOf(slot), slot & CHUNK_MASK, lanes);
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
        return (int) COUNT.getAndAdd(chunkOf(slot), slot & CHUNK_MASK, -lanes) - lanes;
    }

    private int[] chunkOf(int slot) {
        int[][] present = chunks;
        int index = slot >>> CHUNK_BITS;
        return index < present.length && present[index] != null ? present[index] : grow(index);
    }

    private synchronized int[] grow(int index) {
        int[][] present = chunks;
        if (index < present.length && present[index] != null) {
            return present[index];
        }
        int[][] grown = index < present.length
                ? present.clone()
                : Arrays.copyOf(present, Math.max(index + 1, present.length * 2));
        grown[index] = new int[CHUNK_SLOTS];
        chunks = grown;
        return grown[index];
    }
}
