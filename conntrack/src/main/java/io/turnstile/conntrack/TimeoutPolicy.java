package io.turnstile.conntrack;

import java.util.Arrays;
import java.util.Map;

/**
 * How long connections live after their last packet, by state. What a policy does not name is as in the default one
 * (ovs-vswitchd.conf.db(5), CT_Timeout_Policy). Immutable.
 */
public final class TimeoutPolicy {
    /** Open vSwitch's default timeouts. */
    public static final TimeoutPolicy DEFAULT = new TimeoutPolicy(Map.of());

    private static final long NS = 1_000_000_000L;

    private final long[] ns = new long[Timeout.values().length];

    /** @param seconds by state; each from 0 to 2^32 - 1 */
    public TimeoutPolicy(Map<Timeout, Long> seconds) {
        for (Timeout timeout : Timeout.values()) {
            long value = seconds.getOrDefault(timeout, timeout.defaultSeconds());
            if (value < 0 || value > 0xffff_ffffL) {
                throw new IllegalArgumentException(timeout + " of " + value + " seconds");
            }
            ns[timeout.ordinal()] = value * NS;
        }
    }

    public long ns(Timeout timeout) {
        return ns[timeout.ordinal()];
    }

    /** Returns the timeout of that {@link Timeout} ordinal. */
    long ns(int ordinal) {
        return ns[ordinal];
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TimeoutPolicy policy && Arrays.equals(ns, policy.ns);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(ns);
    }
}
