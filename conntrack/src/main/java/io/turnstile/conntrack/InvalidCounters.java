package io.turnstile.conntrack;

import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;

/**
 * How often each {@link InvalidReason} was met.
 *
 * <p>Threads: any, without locks.
 */
final class InvalidCounters {
    private final LongAdder[] counts = new LongAdder[InvalidReason.values().length];

    InvalidCounters() {
        Arrays.setAll(counts, ordinal -> new LongAdder());
    }

    void count(InvalidReason reason) {
        counts[reason.ordinal()].increment();
    }

    long sum(InvalidReason reason) {
        return counts[reason.ordinal()].sum();
    }
}
