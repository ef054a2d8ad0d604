package io.turnstile.conntrack;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.IntConsumer;

/**
 * Slots that are to be queued on a wheel that somebody else has just now, who may have lost his core: whoever has it
 * next, or has it still, queues them. In no order: where a slot belongs is its entry's deadline at that time.
 *
 * <p>Threads: {@link #offer} and {@link #isWaiting} any, without locks; {@link #takeAll} one at a time.
 */
final class WheelInbox {
    private static final int CAPACITY = 1 << 10;

    /** Slot + 1; 0: nothing. */
    private final AtomicIntegerArray cells = new AtomicIntegerArray(CAPACITY);
    /** Counted after they were put in, so that there is one if this says so. */
    private final AtomicInteger waiting = new AtomicInteger();

    /** False if there is no room. Whoever puts one in has to look afterwards whether the wheel is free. */
    boolean offer(int slot) {
        int first = waiting.get();
        for (int i = 0; i < CAPACITY; i++) {
            if (cells.compareAndSet(first + i & CAPACITY - 1, 0, slot + 1)) {
                waiting.incrementAndGet();
                return true;
            }
        }
        return false;
    }

    /** Whether somebody has put one in that was not taken out; who is about to say so looks himself afterwards. */
    boolean isWaiting() {
        return waiting.get() > 0;
    }

    /** Takes out all that {@link #isWaiting} speaks of. */
    void takeAll(IntConsumer slots) {
        for (int i = 0; i < CAPACITY && isWaiting(); i++) {
            int slot = cells.get(i) == 0 ? 0 : cells.getAndSet(i, 0);
            if (slot != 0) {
                waiting.decrementAndGet();
                slots.accept(slot - 1);
            }
        }
    }
}
