package io.turnstile.offload;

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
    private static final int FIRST_LENGTH = 16;
    // Between three eighths and five eighths full, each stripe elsewhere: hashes fill all of them alike, and if all
    // were
    // to grow at once, the collector would have to copy it all at once, for which everybody waits.
    private static final int FULL_OF_256 = 96;
    private static final int FULLNESSES = 64;

    private final Stripe[] stripes = new Stripe[STRIPES];
    /** Connections that wait for a slot's claims to end, by that slot. */
    private final Map<Integer, List<Long>> waiting = new ConcurrentHashMap<>();

    TupleClaims() {
        Arrays.setAll(stripes, i -> new Stripe(FULL_OF_256 + i % FULLNESSES));
    }

    /** Open addressing, linear probing; a key of 0 is an empty place. */
    private static final class Stripe {
        private final int fullOf256;
        private long[] keys = new long[FIRST_LENGTH];
        private int[] slots = new int[FIRST_LENGTH];
        private int count;

        Stripe(int fullOf256) {
            this.fullOf256 = fullOf256;
        }

        /** Where the key stands, or the empty place where it would. */
        private int find(long key) {
            int mask = keys.length - 1;
            int at = (int) key & mask;
            while (keys[at] != 0 && keys[at] != key) {
                at = at + 1 & mask;
            }
            return at;
        }

        private void put(int at, long key, int slot) {
            keys[at] = key;
            slots[at] = slot;
            if (++count * 256L > (long) keys.length * fullOf256) {
                grow();
            }
        }

        private void grow() {
            long[] oldKeys = keys;
            int[] oldSlots = slots;
            keys = new long[oldKeys.length * 2];
            slots = new int[oldKeys.length * 2];
            for (int i = 0; i < oldKeys.length; i++) {
                if (oldKeys[i] != 0) {
                    int at = find(oldKeys[i]);
                    keys[at] = oldKeys[i];
                    slots[at] = oldSlots[i];
                }
            }
        }

        /** Empties a place, and moves back what was put behind it for want of that place. */
        private void remove(int at) {
            int mask = keys.length - 1;
            count--;
            int hole = at;
            for (int next = hole + 1 & mask; keys[next] != 0; next = next + 1 & mask) {
                int home = (int) keys[next] & mask;
                if ((next - home & mask) >= (next - hole & mask)) {
                    keys[hole] = keys[next];
                    slots[hole] = slots[next];
                    hole = next;
                }
            }
            keys[hole] = 0;
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
            int at = stripe.find(key);
            if (stripe.keys[at] == 0) {
                stripe.put(at, key, slot);
                return GRANTED;
            }
            int other = stripe.slots[at];
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
            int at = stripe.find(key);
            if (stripe.keys[at] == key && stripe.slots[at] == slot) {
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
                for (int at = 0; at < stripe.keys.length; at++) {
                    while (stripe.keys[at] != 0 && stripe.slots[at] == slot) {
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
                places += stripe.keys.length;
            }
        }
        return places;
    }

    private List<Long> waitersOf(int slot) {
        List<Long> waiters = waiting.isEmpty() ? null : waiting.remove(slot);
        return waiters == null ? List.of() : waiters;
    }
}
