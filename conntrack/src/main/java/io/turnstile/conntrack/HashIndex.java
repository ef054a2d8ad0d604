package io.turnstile.conntrack;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Finds entries by tuple: buckets of chains through the entries. Both directions of a tuple hash alike, so one chain link serves both.
 *
 * <p><b>Readers take no lock.</b> A chain that is relinked under a reader may lead it into another one, when an entry it stands on is
 * removed and used again. It can then miss an entry, never see a wrong one (who finds an entry verifies it under the entry's
 * lock). So a reader that found nothing looks at its stripe's count of removals: if that moved meanwhile, it looks again.
 *
 * <p>Threads: {@link #find} any; {@link #insert} and {@link #remove} under the stripe's lock, which they take themselves.
 */
final class HashIndex {
    private static final VarHandle INT = MethodHandles.arrayElementVarHandle(int[].class);
    private static final int STRIPES = 1024;
    /** No chain is that long; a reader that walked so far has been led in circles. */
    private static final int MAX_HOPS = 1 << 16;

    private final Entries entries;
    private final int[] buckets;
    private final int[] stripeLocks = new int[STRIPES];
    private final int[] removals = new int[STRIPES];

    /** A connection that was found, in a long: slot in the low half, and whether the packet goes its reply way in bit 32; -1 for none. */
    static final long NONE = -1;

    HashIndex(Entries entries, int expectedEntries) {
        this.entries = entries;
        this.buckets = new int[Math.max(STRIPES, Integer.highestOneBit(Math.max(1, expectedEntries - 1)) << 1)];
    }

    private static int stripe(int hash) {
        return hash & (STRIPES - 1);
    }

    private int bucket(int hash) {
        return hash & (buckets.length - 1);
    }

    static int slotOf(long found) {
        return (int) found;
    }

    static boolean isReply(long found) {
        return found >>> 32 != 0;
    }

    /** Looks for the packet's connection. What is found may be gone a moment later: verify under its lock. */
    long find(PacketTuple tuple, int hash) {
        for (;;) {
            int before = (int) INT.getVolatile(removals, stripe(hash));
            int hops = 0;
            for (int next = (int) INT.getAcquire(buckets, bucket(hash)); next != 0 && hops < MAX_HOPS; hops++) {
                int slot = next - 1;
                if (entries.isOriginal(slot, tuple)) {
                    return slot;
                }
                if (entries.isReply(slot, tuple)) {
                    return slot | 1L << 32;
                }
                next = entries.nextInBucket(slot);
            }
            if (hops < MAX_HOPS && (int) INT.getVolatile(removals, stripe(hash)) == before) {
                return NONE;
            }
        }
    }

    private void lock(int stripe) {
        while (!INT.compareAndSet(stripeLocks, stripe, 0, 1)) {
            Thread.onSpinWait();
        }
    }

    private void unlock(int stripe) {
        INT.setRelease(stripeLocks, stripe, 0);
    }

    /** Adds the slot, whose tuple and hash are set, unless a connection of that tuple is there; returns that one, else {@link #NONE}. */
    long insert(int slot, PacketTuple tuple, int hash) {
        int stripe = stripe(hash);
        lock(stripe);
        try {
            int head = buckets[bucket(hash)];
            for (int next = head; next != 0; next = entries.nextInBucket(next - 1)) {
                if (entries.isOriginal(next - 1, tuple)) {
                    return next - 1;
                }
                if (entries.isReply(next - 1, tuple)) {
                    return (next - 1) | 1L << 32;
                }
            }
            entries.setNextInBucket(slot, head);
            INT.setRelease(buckets, bucket(hash), slot + 1);
            return NONE;
        } finally {
            unlock(stripe);
        }
    }

    void remove(int slot, int hash) {
        int stripe = stripe(hash);
        lock(stripe);
        try {
            int bucket = bucket(hash);
            if (buckets[bucket] == slot + 1) {
                INT.setRelease(buckets, bucket, entries.nextInBucket(slot));
            } else {
                int previous = buckets[bucket] - 1;
                while (entries.nextInBucket(previous) != slot + 1) {
                    previous = entries.nextInBucket(previous) - 1;
                }
                entries.setNextInBucket(previous, entries.nextInBucket(slot));
            }
            INT.setVolatile(removals, stripe, removals[stripe] + 1);
        } finally {
            unlock(stripe);
        }
    }
}
