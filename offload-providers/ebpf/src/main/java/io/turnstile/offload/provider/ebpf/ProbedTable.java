package io.turnstile.offload.provider.ebpf;

import org.jspecify.annotations.Nullable;

/**
 * Objects that are found by something that is in them, in one array and without anything else for each of them: open
 * addressing, one place after the other, at most two thirds of them taken. Whoever extends it says by what, and looks:
 * from {@link #first} from place to place by {@link #next} until there is {@link #at} none. It does not become smaller.
 *
 * <p>Threads: one at a time.
 */
abstract class ProbedTable<V> {
    private static final int FIRST_LENGTH = 64;

    private @Nullable Object[] places = new @Nullable Object[FIRST_LENGTH];
    private int size;

    /** Spread over all 64 bits, and not to be guessed by who chooses what is hashed. */
    abstract long hash(V value);

    final int size() {
        return size;
    }

    /** Adds what is not there yet. */
    final void add(V value) {
        if (3L * ++size > 2L * places.length) {
            grow();
        }
        put(value);
    }

    private void put(V value) {
        int place = first(hash(value));
        while (places[place] != null) {
            place = next(place);
        }
        places[place] = value;
    }

    private void grow() {
        @Nullable Object[] before = places;
        places = new @Nullable Object[2 * before.length];
        for (Object each : before) {
            if (each != null) {
                put(cast(each));
            }
        }
    }

    /** Removes this very object; nothing happens if it is not there. */
    final void remove(V value) {
        int place = first(hash(value));
        while (places[place] != value) {
            if (places[place] == null) {
                return;
            }
            place = next(place);
        }
        size--;
        close(place);
    }

    /** Empties the place, and moves up what would not be found behind it any more. */
    private void close(int gone) {
        int empty = gone;
        for (int place = next(gone); ; place = next(place)) {
            Object each = places[place];
            if (each == null) {
                places[empty] = null;
                return;
            }
            int first = first(hash(cast(each)));
            // as far from its first place to here as from the empty one, or further: it may stand there
            if ((place - first & places.length - 1) >= (place - empty & places.length - 1)) {
                places[empty] = each;
                empty = place;
            }
        }
    }

    /** Where to look first for what has this hash. */
    final int first(long hash) {
        return (int) (hash >>> 32) & places.length - 1;
    }

    final int next(int place) {
        return place + 1 & places.length - 1;
    }

    final @Nullable V at(int place) {
        Object each = places[place];
        return each == null ? null : cast(each);
    }

    @SuppressWarnings("unchecked") // nothing else is put in
    private V cast(Object each) {
        return (V) each;
    }
}
