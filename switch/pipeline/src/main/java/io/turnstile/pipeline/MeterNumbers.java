package io.turnstile.pipeline;

import java.util.BitSet;

/**
 * The numbers by which datapath flows show the meters of all bridges: the lowest that is free.
 *
 * <p>Threads: under the change lock.
 */
final class MeterNumbers {
    /** As in Open vSwitch's userspace datapath. */
    static final int MAX = 1 << 18;

    private final BitSet taken = new BitSet();

    /** A number that nobody has; -1 if there is none. */
    int take() {
        int number = taken.nextClearBit(0);
        if (number >= MAX) {
            return -1;
        }
        taken.set(number);
        return number;
    }

    void give(int number) {
        taken.clear(number);
    }
}
