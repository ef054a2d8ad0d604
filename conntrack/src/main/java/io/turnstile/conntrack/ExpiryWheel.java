package io.turnstile.conntrack;

import java.util.Arrays;

/**
 * Connections by the tick at which somebody must look at them. Packets only write deadlines; the sweeper comes by at the old one, sees
 * the new one and puts the connection further on. So the cost of a sweep follows what is due, not what is there.
 *
 * <p>Threads: the sweeper's own.
 */
final class ExpiryWheel {
    /** 2^28 ns: about a quarter of a second. */
    private static final int TICK_SHIFT = 28;
    static final long TICK_NS = 1L << TICK_SHIFT;
    private static final int SLOTS = 8192;
    /** What lies further off than one turn is looked at once a turn. */
    private static final long FURTHEST_TICKS = SLOTS - 1;

    private final Entries entries;
    private final int[] heads = new int[SLOTS];
    private long tick;

    ExpiryWheel(Entries entries, long nowNs) {
        this.entries = entries;
        this.tick = nowNs >> TICK_SHIFT;
        Arrays.fill(heads, 0);
    }

    /** Looks at the connection again at that time, or at the next turn of the wheel, or at the next tick if it is past. */
    void schedule(int slot, long atNs) {
        unlink(slot);
        // Rounded up: at its tick the time has really come. Differences, because the clock may wrap.
        long ahead = ((atNs - (tick << TICK_SHIFT)) + TICK_NS - 1) >> TICK_SHIFT;
        int wheelSlot = (int) (tick + Math.clamp(ahead, 1, FURTHEST_TICKS)) & (SLOTS - 1);
        int head = heads[wheelSlot];
        entries.setWheelSlot(slot, wheelSlot);
        entries.setWheelPrevious(slot, 0);
        entries.setWheelNext(slot, head);
        if (head != 0) {
            entries.setWheelPrevious(head - 1, slot + 1);
        }
        heads[wheelSlot] = slot + 1;
    }

    void unlink(int slot) {
        int wheelSlot = entries.wheelSlot(slot);
        if (wheelSlot < 0) {
            return;
        }
        int next = entries.wheelNext(slot);
        int previous = entries.wheelPrevious(slot);
        if (previous == 0) {
            heads[wheelSlot] = next;
        } else {
            entries.setWheelNext(previous - 1, next);
        }
        if (next != 0) {
            entries.setWheelPrevious(next - 1, previous);
        }
        entries.setWheelSlot(slot, -1);
    }

    /** Goes on to the next tick if its time has come; false if not. */
    boolean advance(long nowNs) {
        if (((nowNs - (tick << TICK_SHIFT)) >> TICK_SHIFT) < 1) {
            return false;
        }
        tick++;
        return true;
    }

    /** Skips ticks without looking, when more than a turn has passed: everything is due then anyway. */
    boolean isMoreThanATurnBehind(long nowNs) {
        return ((nowNs - (tick << TICK_SHIFT)) >> TICK_SHIFT) > SLOTS;
    }

    void jumpBehind(long nowNs) {
        tick = (nowNs >> TICK_SHIFT) - SLOTS;
    }

    /** Takes one connection from the present tick, -1 when there is none left. */
    int poll() {
        int wheelSlot = (int) tick & (SLOTS - 1);
        int head = heads[wheelSlot];
        if (head == 0) {
            return -1;
        }
        unlink(head - 1);
        return head - 1;
    }
}
