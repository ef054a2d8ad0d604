package io.turnstile.datapath;

import io.turnstile.port.Port;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The datapath's ports by number.
 *
 * <p>Threads: any. Changes take this object's lock; looking a port up takes none.
 */
final class PortTable {
    /** Indexed by port number; replaced as a whole under this object's lock. */
    private volatile Port[] ports = {};

    /** Takes a port in under the wanted number, or the lowest free one for -1. Returns the number. */
    synchronized int add(Port port, int wantedNumber) {
        int number = wantedNumber;
        if (number < 0) {
            number = 0;
            while (get(number) != null) {
                number++;
            }
        } else if (get(number) != null) {
            throw new IllegalArgumentException("port number " + number + " is taken");
        }
        Port[] grown = Arrays.copyOf(ports, Math.max(ports.length, number + 1));
        grown[number] = port;
        ports = grown;
        return number;
    }

    /** Returns whether a port was there. */
    synchronized boolean remove(int number) {
        if (get(number) == null) {
            return false;
        }
        Port[] rest = ports.clone();
        rest[number] = null;
        ports = rest;
        return true;
    }

    /** The port of that number, null if there is none. */
    @Nullable
    Port get(int number) {
        Port[] present = ports;
        return number >= 0 && number < present.length ? present[number] : null;
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
