package io.turnstile.conntrack;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The pool hands out slots of a region, those given back first. Free slots are linked through their own memory.
 *
 * <p>Threads: any, without locks.
 */
final class SlotPool {
    static final int NO_SLOT = -1;

    private final long links;
    private final long strideBytes;
    private final int capacity;
    /** Slots below were used at least once. */
    private final AtomicInteger highWater = new AtomicInteger();
    /** Stack of free slots: change count (32 bits, against ABA) | top slot + 1. */
    private final AtomicLong free = new AtomicLong();

    /** @param links address of the first slot's link, an int that is the pool's while the slot is free */
    SlotPool(long links, long strideBytes, int capacity) {
        this.links = links;
        this.strideBytes = strideBytes;
        this.capacity = capacity;
    }

    /** One past the largest slot ever used. */
    int end() {
        return Math.min(highWater.get(), capacity);
    }

    /** How many slots are out. Exact only while nobody takes or gives. */
    int taken() {
        int end = end();
        int idle = 0;
        int next = (int) free.get();
        // A walk that others disturb may go astray, but not far.
        while (next > 0 && next <= end && idle < end) {
            idle++;
            next = OffHeap.getInt(links + (next - 1) * strideBytes);
        }
        return end - idle;
    }

    /** A slot that nobody else has, or {@link #NO_SLOT}. */
    int take() {
        while (true) {
            long top = free.get();
            int slot = (int) top - 1;
            if (slot < 0) {
                return takeFresh();
            }
            int next = OffHeap.getInt(links + slot * strideBytes);
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
        return slot;
    }

    void give(int slot) {
        while (true) {
            long top = free.get();
            OffHeap.putInt(links + slot * strideBytes, (int) top);
            if (free.compareAndSet(top, nextCount(top) | slot + 1)) {
                return;
            }
        }
    }

    private static long nextCount(long top) {
        return (top & 0xffff_ffff_0000_0000L) + 0x1_0000_0000L;
    }
}
