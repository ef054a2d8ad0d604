package io.turnstile.datapath;

import io.turnstile.port.Port;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The datapath's ports by number, and the numbers that rest.
 *
 * <p>A number whose port was removed is not another port's at once, because packets under way and tracked connections
 * still name it. It rests in two stages: <em>departed</em> until nothing in the switch names it any more
 * ({@link #forgotten}), then <em>forgotten</em> until {@link #freeForgotten}, for the sake of those who read it from a
 * connection just before and have yet to look it up.
 *
 * <p>Threads: any. Changes take this object's lock; looking a port up takes none.
 */
final class PortTable {
    /** Indexed by port number; both are replaced as a whole under this object's lock. */
    private volatile Port[] ports = {};

    private volatile DatapathPort[] entries = {};

    // Guarded by this.
    private final BitSet departed = new BitSet();
    private final BitSet forgotten = new BitSet();
    private long lastId;

    /** Takes a port in under that number. */
    synchronized void add(Port port, int number) {
        if (get(number) != null || isResting(number)) {
            throw new IllegalArgumentException("port number " + number + " is taken");
        }
        put(number, port, new DatapathPort(++lastId, number, port));
    }

    /** Takes a port in under the lowest number from {@code lowest} on that is free. Returns the number. */
    synchronized int addFrom(int lowest, Port port) {
        int number = lowest;
        while (get(number) != null || isResting(number)) {
            number++;
        }
        add(port, number);
        return number;
    }

    /** Returns whether a port was there; its number rests from now on. */
    synchronized boolean remove(int number) {
        if (get(number) == null) {
            return false;
        }
        put(number, null, null);
        departed.set(number);
        return true;
    }

    private void put(int number, @Nullable Port port, @Nullable DatapathPort entry) {
        int length = Math.max(ports.length, number + 1);
        DatapathPort[] entriesThen = Arrays.copyOf(entries, length);
        entriesThen[number] = entry;
        entries = entriesThen;
        Port[] portsThen = Arrays.copyOf(ports, length);
        portsThen[number] = port;
        ports = portsThen;
    }

    // ---- numbers that rest ----

    synchronized boolean isResting(int number) {
        return number >= 0 && (departed.get(number) || forgotten.get(number));
    }

    /** Numbers of removed ports that something may still name; the caller's own. */
    synchronized BitSet departed() {
        return (BitSet) departed.clone();
    }

    /** Nothing names these numbers any more. */
    synchronized void forgotten(BitSet numbers) {
        departed.andNot(numbers);
        forgotten.or(numbers);
    }

    /** Forgotten numbers are free. */
    synchronized void freeForgotten() {
        forgotten.clear();
    }

    // ---- looking ----

    /** The port of that number, null if there is none. */
    @Nullable
    Port get(int number) {
        Port[] present = ports;
        return number >= 0 && number < present.length ? present[number] : null;
    }

    /** The same with its identity. */
    @Nullable
    DatapathPort entry(int number) {
        DatapathPort[] present = entries;
        return number >= 0 && number < present.length ? present[number] : null;
    }

    /** No number is higher than this one; -1 if there never was a port. */
    int highest() {
        return entries.length - 1;
    }

    Map<Integer, Port> byNumber() {
        Map<Integer, Port> byNumber = new TreeMap<>();
        Port[] present = ports;
        for (int i = 0; i < present.length; i++) {
            if (present[i] != null) {
                byNumber.put(i, present[i]);
            }
        }
        return Collections.unmodifiableMap(byNumber);
    }
}
