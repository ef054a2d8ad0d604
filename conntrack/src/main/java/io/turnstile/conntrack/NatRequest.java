package io.turnstile.conntrack;

/**
 * {@code nat(…)} inside {@code ct()} (ovs-actions(7)). With {@code commit} it says how a new connection is translated;
 * without, or with kind {@link Kind#EXISTING}, packets are translated as their connection says. Immutable.
 *
 * @param kind what to translate
 * @param ipv6 family of the range; meaningless without one
 * @param minHigh first address of the range, upper 64 bits; an IPv4 address stands in the low 32 bits of {@code minLow}
 * @param minLow first address; all zero: no address was given, the packet's own stays
 * @param maxHigh last address, at least the first
 * @param maxLow last address
 * @param minPort first port, 0: none was given
 * @param maxPort last port, at least the first
 * @param persistent the same address for the same source after a restart: the range is walked by hash without chance
 * @param choice how to begin in the range
 */
public record NatRequest(
        Kind kind,
        boolean ipv6,
        long minHigh,
        long minLow,
        long maxHigh,
        long maxLow,
        int minPort,
        int maxPort,
        boolean persistent,
        Choice choice) {

    /** Translates packets of connections that are translated already. */
    public static final NatRequest ANY = new NatRequest(Kind.EXISTING, false, 0, 0, 0, 0, 0, 0, false, Choice.DEFAULT);

    /** What is translated. */
    public enum Kind {
        /** {@code nat}: nothing new. */
        EXISTING,
        /** {@code nat(src…)}. */
        SOURCE,
        /** {@code nat(dst…)}. */
        DESTINATION
    }

    /** Where in the range the search begins. */
    public enum Choice {
        DEFAULT,
        HASH,
        RANDOM
    }

    /** Whether {@code nat()} named an address. {@code src=0.0.0.0} names one: the all-zero SNAT. */
    public boolean hasAddresses() {
        return (minHigh | minLow | maxHigh | maxLow) != 0;
    }

    public boolean hasPorts() {
        return minPort != 0;
    }
}
