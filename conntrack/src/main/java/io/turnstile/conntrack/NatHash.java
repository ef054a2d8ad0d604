package io.turnstile.conntrack;

/**
 * Where in the range of a {@link NatRequest} the search for one tuple begins. Allocates nothing.
 *
 * <p>Threads: immutable.
 */
final class NatHash {
    private static final long ODD = 0x9e37_79b9_7f4a_7c15L;

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
        return withRange(hash, request, key0);
    }

    /** Returns a hash that is the same for all that comes from one source, whatever the key. */
    static long ofSource(Tuple tuple, NatRequest request) {
        long hash = fold(tuple.sourceHigh ^ ODD, tuple.sourceLow + ODD);
        return withRange(fold(hash, (tuple.kind | 1L << 32) * ODD), request, ~ODD);
    }

    private static long withRange(long hash, NatRequest request, long key) {
        long mixed = fold(hash ^ request.minHigh(), request.minLow() ^ key);
        mixed = fold(mixed ^ request.maxHigh(), request.maxLow() ^ key);
        return fold(mixed ^ ((long) request.maxPort() << 16 | request.minPort()), ODD ^ key);
    }

    private static long fold(long a, long b) {
        return a * b ^ Math.unsignedMultiplyHigh(a, b);
    }
}
