package io.turnstile.bridge;

import io.turnstile.pipeline.flow.OfAction;
import java.util.Set;

/**
 * The allocator gives out OpenFlow port numbers of one bridge, upwards from 1, and again from the start once the top is
 * reached.
 */
final class OfPortAllocator {
    /** The largest number that a port may have; those above are OpenFlow's own. */
    static final int MAX_OFPORT = 0xfeff;

    private int last;

    /** The next number that is not in {@code taken}, or {@link OfAction.Ports#NONE} if all are. */
    int allocate(Set<Integer> taken) {
        for (int tried = 0; tried < MAX_OFPORT; tried++) {
            last = last >= MAX_OFPORT ? 1 : last + 1;
            if (!taken.contains(last)) {
                return last;
            }
        }
        return OfAction.Ports.NONE;
    }
}
