package io.turnstile.offload.provider.ebpf;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Objects that are found by something that is in them, in arrays and without anything else for each of them: open
 * addressing, one place after the other, at most two thirds of them taken. Half of the hash stands beside each object,
 * so that nobody goes to the memory of one that is not looked for. Whoever extends it says by what, and looks: from
 * {@link #first} by {@link #next} until there is {@link #at} none. It does not become smaller.
 *
 * <p>Threads: one at a time.
 */
abstract class ProbedTable<V> {
    private static final int FIRST_LENGTH = 64;
    static final int NONE = -1;

    private @Nullable Object[] places = new @Nullable Object[FIRST_LENGTH];
    /** The upper halves of hashes: the place to look at first, and 0 where nothing stands. */
    private int[] tags = new int[FIRST_LENGTH];

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
        put(value, tag(hash(value)));
    }

    /** Never 0. */
    private static int tag(long hash) {
        int upper = (int) (hash >>> 32);
        return upper == 0 ? 1 : upper;
    }

    private void put(Object value, int tag) {
        int place = tag & places.length - 1;
        while (tags[place] != 0) {
            place = after(place);
        }
        places[place] = value;
        tags[place] = tag;
    }

    private void grow() {
        @Nullable Object[] before = places;
        int[] itsTags = tags;
        places = new @Nullable Object[2 * before.length];
        tags = new int[places.length];
        for (int i = 0; i < before.length; i++) {
            Object each = before[i];
            if (each != null) {
                put(each, itsTags[i]);
            }
        }
    }

    /** Removes this very object; nothing happens if it is not there. */
    final void remove(V value) {
        long hash = hash(value);
        int place = first(hash);
        while (place != NONE && places[place] != value) {
            place = next(place, hash);
        }
        if (place != NONE) {
            size--;
            close(place);
        }
    }

    /** Empties the place, and moves up what would not be found behind it any more. */
    private void close(int gone) {
        int empty = gone;
        for (int place = after(gone); tags[place] != 0; place = after(place)) {
            // as far from its first place to here as from the empty one, or further: it may stand there
            if ((place - tags[place] & places.length - 1) >= (place - empty & places.length - 1)) {
                places[empty] = places[place];
                tags[empty] = tags[place];
                empty = place;
            }
        }
        places[empty] = null;
        tags[empty] = 0;
    }

    /** The first place of something that may have this hash; {@link #NONE}: there is none. */
    final int first(long hash) {
        return nextOf(tag(hash) & places.length - 1, tag(hash));
    }

    /** The next one behind a place. */
    final int next(int place, long hash) {
        return nextOf(after(place), tag(hash));
    }

    private int nextOf(int from, int tag) {
        int place = from;
        while (tags[place] != tag) {
            if (tags[place] == 0) {
                return NONE;
            }
            place = after(place);
        }
        return place;
    }

    private int after(int place) {
        return place + 1 & places.length - 1;
    }

    /** What stands at a place that {@link #first} or {@link #next} has named. */
    @SuppressWarnings("unchecked") // nothing else is put in
    final V at(int place) {
        return (V) Objects.requireNonNull(places[place], "a place that was found is taken");
    }
}
