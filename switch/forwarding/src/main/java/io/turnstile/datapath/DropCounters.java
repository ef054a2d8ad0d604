package io.turnstile.datapath;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How many packets ended for each reason.
 *
 * <p>Threads: any.
 */
final class DropCounters {
    private final AtomicLongArray counts = new AtomicLongArray(DropReason.values().length);

    void add(DropReason reason, int packets) {
        if (packets > 0) {
            counts.getAndAdd(reason.ordinal(), packets);
        }
    }

    long get(DropReason reason) {
        return counts.get(reason.ordinal());
    }
}
