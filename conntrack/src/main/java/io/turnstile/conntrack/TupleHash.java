package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.DESTINATION_HIGH;
import static io.turnstile.conntrack.EntryLayout.DESTINATION_LOW;
import static io.turnstile.conntrack.EntryLayout.DESTINATION_PORT;
import static io.turnstile.conntrack.EntryLayout.INT;
import static io.turnstile.conntrack.EntryLayout.KIND;
import static io.turnstile.conntrack.EntryLayout.LONG;
import static io.turnstile.conntrack.EntryLayout.SOURCE_HIGH;
import static io.turnstile.conntrack.EntryLayout.SOURCE_LOW;
import static io.turnstile.conntrack.EntryLayout.SOURCE_PORT;

import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;

/**
 * Hash of a tuple under a random 128-bit key, so that nobody outside can aim packets at one bucket. Both directions of a
 * tuple have the same hash: one place in the index finds either. Each endpoint is folded by a 64×64→128-bit multiplication
 * with a half of the key in each factor; the endpoints' values are added.
 *
 * <p>Threads: immutable.
 */
final class TupleHash {
    private static final long ODD = 0x9e37_79b9_7f4a_7c15L;

    private final long key0;
    private final long key1;

    TupleHash() {
        SecureRandom random = new SecureRandom();
        key0 = random.nextLong();
        key1 = random.nextLong();
    }

    long of(TupleKey key) {
        return mix(endpoint(key.sourceHigh, key.sourceLow, key.sourcePort)
                + endpoint(key.destinationHigh, key.destinationLow, key.destinationPort), key.kind);
    }

    long of(MemorySegment chunk, long base) {
        return mix(endpoint(chunk.get(LONG, base + SOURCE_HIGH), chunk.get(LONG, base + SOURCE_LOW),
                        chunk.get(INT, base + SOURCE_PORT))
                + endpoint(chunk.get(LONG, base + DESTINATION_HIGH), chunk.get(LONG, base + DESTINATION_LOW),
                        chunk.get(INT, base + DESTINATION_PORT)), chunk.get(INT, base + KIND));
    }

    private long endpoint(long high, long low, int port) {
        long withPort = low + Long.rotateLeft(port * ODD, 32);
        return fold(withPort ^ key0, high * ODD + port ^ key1);
    }

    private long mix(long endpoints, int kind) {
        return fold(endpoints ^ key1, kind * ODD ^ key0);
    }

    private static long fold(long a, long b) {
        return a * b ^ Math.unsignedMultiplyHigh(a, b);
    }
}
