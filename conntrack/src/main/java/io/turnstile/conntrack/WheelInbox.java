package io.turnstile.conntrack;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.IntConsumer;

/**
 * Slots that are to be queued on a wheel that somebody else has just now, who may have lost his core: who has it next
 * queues them. In no order: where a slot belongs is its entry's deadline at that time.
 *
 * <p>Threads: {@link #offer} any, without locks; {@link #take} one at a time.
 */
final class WheelInbox {
    static final int CAPACITY = 1 << 10;

    /** Slot + 1; 0: nothing. */
    private final AtomicIntegerArray cells = new AtomicIntegerArray(CAPACITY);
    /** Counted after they were put in: while it is positive there is one; who is about to count may hide another. */
    private final AtomicInteger waiting = new AtomicInteger();

    /** False if there is no room. */
    boolean offer(int slot) {
        int first = waiting.get();
        if (first >= CAPACITY) {
            return false;
        }
        for (int i = 0; i < CAPACITY; i++) {
            int at = first + i & CAPACITY - 1;
            if (cells.get(at) == 0 && cells.compareAndSet(at, 0, slot + 1)) {
                waiting.incrementAndGet();
                return true;
            }
        }
        return false;
    }

    /** Takes up to so many out, each after {@code slots} has had it: what that throws loses none. */
    void take(int most, IntConsumer slots) {
        int left = most;
        for (int i = 0; i < CAPACITY && left > 0 && waiting.get() > 0; i++) {
            int cell = cells.get(i);
            if (cell != 0) {
                slots.accept(cell - 1);
                cells.set(i, 0);
                waiting.decrementAndGet();
                left--;
            }
        }
    }
}
