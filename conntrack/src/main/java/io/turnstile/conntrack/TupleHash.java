package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ADDRESSES;
import static io.turnstile.conntrack.EntryLayout.KIND;
import static io.turnstile.conntrack.EntryLayout.PORTS;

import java.security.SecureRandom;

/**
 * Hash of a tuple under a random 256-bit key, so that nobody outside can aim packets at one bucket. Both directions of
 * a tuple have the same hash: one place in the index finds either. The two endpoints, the smaller first, are folded by
 * a 64×64→128-bit multiplication with a part of the key in each factor, then once more with the kind. IPv6 addresses
 * are folded to 32 bits each under the key before that; whether they are really the same is looked up in the entry.
 *
 * <p>Threads: immutable.
 */
final class TupleHash {
    private final long key0;
    private final long key1;
    private final long key2;
    private final long key3;

    TupleHash() {
        SecureRandom random = new SecureRandom();
        key0 = random.nextLong();
        key1 = random.nextLong();
        key2 = random.nextLong();
        key3 = random.nextLong();
    }

    /** Computes the key's {@code addresses}, {@code ports} and {@code hash}. */
    void foldAndHash(TupleKey key) {
        fold(key);
        hash(key);
    }

    /** The first half of {@link #foldAndHash}: enough to compare keys. */
    void fold(TupleKey key) {
        key.addresses = EntryLayout.ipv6(key.kind)
                ? addresses(key.sourceHigh, key.sourceLow, key.destinationHigh, key.destinationLow)
                : key.sourceLow << 32 | key.destinationLow;
        key.ports = key.joinedPorts();
    }

    /** The second half. */
    void hash(TupleKey key) {
        key.hash = of(key.addresses, key.ports, key.kind);
    }

    private int address(long high, long low) {
        return (int) (fold(high ^ key2, low ^ key3) >>> 32);
    }

    /** Returns the hash of an entry's original tuple. */
    long ofOriginal(long entry) {
        return of(OffHeap.getLong(entry + ADDRESSES), OffHeap.getInt(entry + PORTS), OffHeap.getInt(entry + KIND));
    }

    /** Returns the hash of a translated entry's reply tuple; {@code kind} is the original direction's. */
    long ofReply(long extension, int kind) {
        long reply = extension + EntryLayout.REPLY;
        long sourceLow = OffHeap.getLong(reply + EntryLayout.SOURCE_LOW);
        long destinationLow = OffHeap.getLong(reply + EntryLayout.DESTINATION_LOW);
        long addresses = EntryLayout.ipv6(kind)
                ? addresses(
                        OffHeap.getLong(reply + EntryLayout.SOURCE_HIGH),
                        sourceLow,
                        OffHeap.getLong(reply + EntryLayout.DESTINATION_HIGH),
                        destinationLow)
                : sourceLow << 32 | destinationLow;
        return of(addresses, OffHeap.getInt(extension + EntryLayout.REPLY_PORTS), kind);
    }

    private long addresses(long sourceHigh, long sourceLow, long destinationHigh, long destinationLow) {
        return (long) address(sourceHigh, sourceLow) << 32
                | Integer.toUnsignedLong(address(destinationHigh, destinationLow));
    }

    private long of(long addresses, int ports, int kind) {
        long source = (addresses >>> 32) << 16 | ports >>> 16;
        long destination = (addresses & 0xffff_ffffL) << 16 | ports & 0xffff;
        // A question and its answer must meet: only what they share of the kind counts.
        long shared = Math.min(kind, EntryLayout.reversed(kind));
        long folded = fold(Math.min(source, destination) ^ key0, Math.max(source, destination) ^ key1);
        return fold(folded ^ key2, shared ^ key3);
    }

    private static long fold(long a, long b) {
        return a * b ^ Math.unsignedMultiplyHigh(a, b);
    }
}
