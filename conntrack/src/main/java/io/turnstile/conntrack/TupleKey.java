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

/**
 * The tuple of one packet. For ICMP the source "port" is {@code id << 16 | type << 8} and the destination "port" the same
 * with the type of the answer, so that the reply is the swapped tuple for every protocol.
 *
 * <p>Threads: scratch of one.
 */
final class TupleKey {
    long sourceHigh;
    long sourceLow;
    long destinationHigh;
    long destinationLow;
    int sourcePort;
    int destinationPort;
    int kind;
    /** The tuple is the one quoted by an ICMP error. */
    boolean related;
    long hash;

    /** What {@link TupleIndex#find} found: slot, word (unlocked) and whether the packet goes the reply way. */
    int slot;
    long word;
    boolean reply;

    void reverse() {
        long high = sourceHigh;
        long low = sourceLow;
        int port = sourcePort;
        sourceHigh = destinationHigh;
        sourceLow = destinationLow;
        sourcePort = destinationPort;
        destinationHigh = high;
        destinationLow = low;
        destinationPort = port;
    }

    /** The packet goes the entry's original way. */
    boolean isOriginalOf(MemorySegment chunk, long base) {
        return chunk.get(INT, base + KIND) == kind
                && chunk.get(LONG, base + SOURCE_LOW) == sourceLow
                && chunk.get(LONG, base + DESTINATION_LOW) == destinationLow
                && chunk.get(INT, base + SOURCE_PORT) == sourcePort
                && chunk.get(INT, base + DESTINATION_PORT) == destinationPort
                && chunk.get(LONG, base + SOURCE_HIGH) == sourceHigh
                && chunk.get(LONG, base + DESTINATION_HIGH) == destinationHigh;
    }

    /** The packet goes the entry's reply way. */
    boolean isReplyOf(MemorySegment chunk, long base) {
        return chunk.get(INT, base + KIND) == kind
                && chunk.get(LONG, base + SOURCE_LOW) == destinationLow
                && chunk.get(LONG, base + DESTINATION_LOW) == sourceLow
                && chunk.get(INT, base + SOURCE_PORT) == destinationPort
                && chunk.get(INT, base + DESTINATION_PORT) == sourcePort
                && chunk.get(LONG, base + SOURCE_HIGH) == destinationHigh
                && chunk.get(LONG, base + DESTINATION_HIGH) == sourceHigh;
    }

    void writeTo(MemorySegment chunk, long base) {
        chunk.set(LONG, base + SOURCE_HIGH, sourceHigh);
        chunk.set(LONG, base + SOURCE_LOW, sourceLow);
        chunk.set(LONG, base + DESTINATION_HIGH, destinationHigh);
        chunk.set(LONG, base + DESTINATION_LOW, destinationLow);
        chunk.set(INT, base + SOURCE_PORT, sourcePort);
        chunk.set(INT, base + DESTINATION_PORT, destinationPort);
        chunk.set(INT, base + KIND, kind);
    }
}
