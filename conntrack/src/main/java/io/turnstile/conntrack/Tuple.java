package io.turnstile.conntrack;

/**
 * The tuple of one direction of a connection: where its packets come from and go to. It is one value from the parser to
 * NAT; whoever needs another keeps one for its thread and fills it anew. An IPv4 address stands in the low 32 bits of
 * {@code …Low}. For ICMP both ports are the identifier, and the kind tells question from answer, so that the reply is
 * the reversed tuple for every protocol.
 *
 * <p>Threads: scratch of one.
 */
class Tuple {
    private static final long LOW_WORD = 0xffff_ffffL;

    long sourceHigh;
    long sourceLow;
    long destinationHigh;
    long destinationLow;
    int sourcePort;
    int destinationPort;
    /** Zone, protocol and family, as in {@link EntryLayout#KIND}. */
    int kind;

    final boolean ipv6() {
        return EntryLayout.ipv6(kind);
    }

    final void copyFrom(Tuple other) {
        sourceHigh = other.sourceHigh;
        sourceLow = other.sourceLow;
        destinationHigh = other.destinationHigh;
        destinationLow = other.destinationLow;
        sourcePort = other.sourcePort;
        destinationPort = other.destinationPort;
        kind = other.kind;
    }

    /** Becomes the other direction of the same connection, if that is not translated. */
    final void reverse() {
        long high = sourceHigh;
        long low = sourceLow;
        int port = sourcePort;
        sourceHigh = destinationHigh;
        sourceLow = destinationLow;
        sourcePort = destinationPort;
        destinationHigh = high;
        destinationLow = low;
        destinationPort = port;
        kind = EntryLayout.reversed(kind);
    }

    final void copyReversed(Tuple other) {
        copyFrom(other);
        reverse();
    }

    final void setSource(long high, long low) {
        sourceHigh = high;
        sourceLow = low;
    }

    final void setDestination(long high, long low) {
        destinationHigh = high;
        destinationLow = low;
    }

    final boolean hasSameAddresses(Tuple other) {
        return sourceLow == other.sourceLow
                && destinationLow == other.destinationLow
                && sourceHigh == other.sourceHigh
                && destinationHigh == other.destinationHigh;
    }

    /** Sets two IPv4 addresses from one long: the source in the upper half. */
    final void setIpv4Addresses(long both) {
        setSource(0, both >>> 32);
        setDestination(0, both & LOW_WORD);
    }

    /** Both ports in one int, as in {@link EntryLayout#PORTS}: the source in the upper half. */
    final int joinedPorts() {
        return sourcePort << 16 | destinationPort;
    }

    final void setJoinedPorts(int ports) {
        sourcePort = ports >>> 16;
        destinationPort = ports & 0xffff;
    }

    // ---- off-heap ----

    /** Reads an entry's original tuple; {@code extension} is needed for IPv6 only. */
    final void readOriginal(long entry, long extension) {
        kind = OffHeap.getInt(entry + EntryLayout.KIND);
        setJoinedPorts(OffHeap.getInt(entry + EntryLayout.PORTS));
        if (EntryLayout.ipv6(kind)) {
            readAddresses(extension);
        } else {
            setIpv4Addresses(OffHeap.getLong(entry + EntryLayout.ADDRESSES));
        }
    }

    /** Reads a translated entry's reply tuple. */
    final void readTranslatedReply(long entry, long extension) {
        kind = EntryLayout.reversed(OffHeap.getInt(entry + EntryLayout.KIND));
        setJoinedPorts(OffHeap.getInt(extension + EntryLayout.REPLY_PORTS));
        readAddresses(extension + EntryLayout.REPLY);
    }

    /** Reads four longs, as {@link #writeAddresses} writes them. */
    private void readAddresses(long at) {
        setSource(OffHeap.getLong(at + EntryLayout.SOURCE_HIGH), OffHeap.getLong(at + EntryLayout.SOURCE_LOW));
        setDestination(
                OffHeap.getLong(at + EntryLayout.DESTINATION_HIGH), OffHeap.getLong(at + EntryLayout.DESTINATION_LOW));
    }

    /** Writes four longs: {@link EntryLayout#SOURCE_HIGH} and what follows. */
    final void writeAddresses(long at) {
        OffHeap.putLong(at + EntryLayout.SOURCE_HIGH, sourceHigh);
        OffHeap.putLong(at + EntryLayout.SOURCE_LOW, sourceLow);
        OffHeap.putLong(at + EntryLayout.DESTINATION_HIGH, destinationHigh);
        OffHeap.putLong(at + EntryLayout.DESTINATION_LOW, destinationLow);
    }
}
