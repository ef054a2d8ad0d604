package io.turnstile.conntrack;

/**
 * Where in the range of a {@link NatRequest} the search for one tuple begins. Allocates nothing.
 *
 * <p>Threads: immutable.
 */
final class NatHash {
    /** Fractional parts of the golden ratio and of the square root of 3. */
    private static final long ODD = 0x9e37_79b9_7f4a_7c15L;

    private static final long OTHER_ODD = 0xbb67_ae85_84ca_a73bL;

    private final long key0;
    private final long key1;

    /** @param key0 with {@code key1}: secret and random, so that nobody outside can foresee a choice */
    NatHash(long key0, long key1) {
        this.key0 = key0;
        this.key1 = key1;
    }

    /** Returns a hash that differs from tuple to tuple, under the key. */
    long of(Tuple tuple, NatRequest request) {
        long hash = fold(tuple.sourceHigh ^ key0, tuple.sourceLow ^ key1);
        hash = fold(hash ^ tuple.destinationHigh, tuple.destinationLow ^ key0);
        hash = fold(hash ^ ((long) tuple.sourcePort << 32 | tuple.destinationPort), tuple.kind * ODD ^ key1);
        hash = withAddresses(hash, request, key0);
        return fold(hash ^ ((long) request.maxPort() << 16 | request.minPort()), ODD ^ key0);
    }

    /**
     * Returns a hash that is the same for all that comes from one source in a zone, whatever its protocol and ports,
     * the range's ports and the key: a client has one address for all that it does (RFC 4787 §4.1 REQ-2).
     */
    static long ofSource(Tuple tuple, NatRequest request) {
        int zoneAndFamily = EntryLayout.zone(tuple.kind) << 1 | (tuple.ipv6() ? 1 : 0);
        long hash = fold(tuple.sourceHigh ^ ODD, tuple.sourceLow ^ OTHER_ODD);
        hash = fold(hash ^ zoneAndFamily, OTHER_ODD);
        return withAddresses(hash, request, ODD);
    }

    private static long withAddresses(long hash, NatRequest request, long key) {
        long mixed = fold(hash ^ request.minHigh(), request.minLow() ^ key);
        return fold(mixed ^ request.maxHigh(), request.maxLow() ^ key);
    }

    /**
     * Both factors have to look random: by 0, 1 and −1 the product says little or nothing of the other one.
     *
     * @return both halves of the product, added without carry
     */
    private static long fold(long a, long b) {
        return a * b ^ Math.unsignedMultiplyHigh(a, b);
    }
}
