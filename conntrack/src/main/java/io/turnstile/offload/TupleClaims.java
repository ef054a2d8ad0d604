package io.turnstile.offload;

import io.turnstile.conntrack.LazyMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Which slot of a session has which tuple at the provider, so that a device that goes by tuples sees the delete of one
 * connection before the add of the next. A claim is made before a connection is offered, and ends when it is not held
 * any more; who finds the tuple claimed waits for that.
 *
 * <p>A tuple stands here as a hash of 64 bits that is the same for both directions. Two tuples of one hash are as good
 * as one: the second connection is offered once the first has gone.
 *
 * <p>Threads: any. Shards take a stripe's monitor for some steps, packets never.
 */
final class TupleClaims {
    /** Nobody has claimed the tuple before. */
    static final int GRANTED = -1;

    private static final int STRIPE_SHIFT = 56;
    private static final int STRIPES = 1 << Long.SIZE - STRIPE_SHIFT;
    private static final int FIRST_LENGTH = 256; // a page of memory
    // Between three eighths and five eighths full, each stripe elsewhere: hashes fill all of them alike, and memory is
    // not to double for all at once.
    private static final int FULL_OF_256 = 96;
    private static final int FULLNESSES = 64;

    private final Stripe[] stripes = new Stripe[STRIPES];
    /** Connections that wait for a slot's claims to end, by that slot. */
    private final Map<Integer, List<Long>> waiting = new ConcurrentHashMap<>();

    TupleClaims() {
        Arrays.setAll(stripes, i -> new Stripe(FULL_OF_256 + i % FULLNESSES));
    }

    /** Open addressing, linear probing; a key of 0 is an empty place. Guarded by its monitor. */
    private static final class Stripe {
        private final int fullOf256;
        private Places places = new Places(FIRST_LENGTH);
        private int count;

        Stripe(int fullOf256) {
            this.fullOf256 = fullOf256;
        }

        void put(long at, long key, int slot) {
            places.set(at, key, slot);
            if (++count * 256L > places.length * fullOf256) {
                grow();
            }
        }

        private void grow() {
            Places grown = new Places(places.length * 2);
            for (long i = 0; i < places.length; i++) {
                long key = places.key(i);
                if (key != 0) {
                    grown.set(grown.find(key), key, places.slot(i));
                }
            }
            places = grown;
        }

        /** Empties a place, and moves back what was put behind it for want of that place. */
        void remove(long at) {
            long mask = places.length - 1;
            count--;
            long hole = at;
            long key;
            for (long next = hole + 1 & mask; (key = places.key(next)) != 0; next = next + 1 & mask) {
                if ((next - key & mask) >= (next - hole & mask)) { // how far it stands from its home
                    places.set(hole, key, places.slot(next));
                    hole = next;
                }
            }
            places.set(hole, 0, 0);
        }
    }

    /**
     * A stripe's places, beside the heap: with millions of connections held this would be much for the collector to
     * copy.
     */
    private static final class Places {
        private static final long KEY_BYTES = Long.BYTES;

        final long length;
        private final MemorySegment keys;
        private final MemorySegment slots;

        Places(long length) {
            this.length = length;
            MemorySegment memory = LazyMemory.reserve(length * (KEY_BYTES + Integer.BYTES));
            keys = memory.asSlice(0, length * KEY_BYTES);
            slots = memory.asSlice(keys.byteSize());
        }

        long key(long at) {
            return keys.get(ValueLayout.JAVA_LONG, at * KEY_BYTES);
        }

        int slot(long at) {
            return slots.get(ValueLayout.JAVA_INT, at * Integer.BYTES);
        }

        void set(long at, long key, int slot) {
            keys.set(ValueLayout.JAVA_LONG, at * KEY_BYTES, key);
            slots.set(ValueLayout.JAVA_INT, at * Integer.BYTES, slot);
        }

        /** Where the key stands, or the empty place where it would. */
        long find(long key) {
            long mask = length - 1;
            long at = key & mask;
            long present;
            while ((present = key(at)) != 0 && present != key) {
                at = at + 1 & mask;
            }
            return at;
        }
    }

    /**
     * Claims both tuples of a connection for its slot, or neither.
     *
     * @param second 0 if the connection is not translated
     * @param wake is given the ids of those who waited for the first while the second was still open
     * @return {@link #GRANTED}, also if the slot has them already; else the slot that has one of them, and {@link #end}
     *     of that slot will give this connection's id back
     */
    int claim(int slot, long connectionId, long first, long second, LongConsumer wake) {
        int other = claim(slot, connectionId, first);
        if (other != GRANTED || second == 0) {
            return other;
        }
        other = claim(slot, connectionId, second);
        if (other != GRANTED) {
            free(slot, first);
            waitersOf(slot).forEach(wake::accept);
        }
        return other;
    }

    private int claim(int slot, long connectionId, long key) {
        Stripe stripe = stripe(key);
        synchronized (stripe) {
            long at = stripe.places.find(key);
            if (stripe.places.key(at) == 0) {
                stripe.put(at, key, slot);
                return GRANTED;
            }
            int other = stripe.places.slot(at);
            if (other == slot) {
                return GRANTED;
            }
            // Under the monitor under which the other one gives its claim up: it is told of, or there is no wait.
            waiting.compute(other, (s, present) -> withWaiter(present, connectionId));
            return other;
        }
    }

    private static List<Long> withWaiter(@Nullable List<Long> present, long connectionId) {
        List<Long> waiters = present == null ? new ArrayList<>() : present;
        waiters.add(connectionId);
        return waiters;
    }

    private Stripe stripe(long key) {
        return stripes[(int) (key >>> STRIPE_SHIFT)];
    }

    private void free(int slot, long key) {
        Stripe stripe = stripe(key);
        synchronized (stripe) {
            long at = stripe.places.find(key);
            if (stripe.places.key(at) == key && stripe.places.slot(at) == slot) {
                stripe.remove(at);
            }
        }
    }

    /** Ends a slot's claims; returns the ids of connections that were waiting for it. */
    List<Long> end(int slot, long first, long second) {
        free(slot, first);
        if (second != 0) {
            free(slot, second);
        }
        return waitersOf(slot);
    }

    /** Ends a slot's claims where nobody knows its tuples any more. Looks at all claims. */
    List<Long> end(int slot) {
        for (Stripe stripe : stripes) {
            synchronized (stripe) {
                for (long at = 0; at < stripe.places.length; at++) {
                    while (stripe.places.key(at) != 0 && stripe.places.slot(at) == slot) {
                        stripe.remove(at);
                    }
                }
            }
        }
        return waitersOf(slot);
    }

    /** How many claims there is room for, used or not. */
    long places() {
        long places = 0;
        for (Stripe stripe : stripes) {
            synchronized (stripe) {
                places += stripe.places.length;
            }
        }
        return places;
    }

    private List<Long> waitersOf(int slot) {
        List<Long> waiters = waiting.isEmpty() ? null : waiting.remove(slot);
        return waiters == null ? List.of() : waiters;
    }
}
