package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ADDRESSES;
import static io.turnstile.conntrack.EntryLayout.FLAG_NAT;
import static io.turnstile.conntrack.EntryLayout.KIND;
import static io.turnstile.conntrack.EntryLayout.PORTS;
import static io.turnstile.conntrack.EntryLayout.REPLY;
import static io.turnstile.conntrack.EntryLayout.REPLY_PORTS;

/**
 * The tuple of one packet, with what the table is searched by and what the search has found.
 *
 * <p>Threads: scratch of one.
 */
final class TupleKey extends Tuple {
    /** The {@link #identity} of no entry. */
    static final long NOTHING_FOUND = -1;

    /** The tuple is the one quoted by an ICMP error. */
    boolean related;

    /** Addresses and ports as they stand in an entry, and the hash; set by {@link TupleHash#foldAndHash}. */
    long addresses;

    int ports;
    long hash;

    /**
     * What {@link TupleIndex#find} found: the slot, the entry's life and generation, and whether the packet goes the
     * reply way.
     */
    int slot;

    long identity;
    boolean reply;

    void copyLookupOf(TupleKey other) {
        hash = other.hash;
        slot = other.slot;
        identity = other.identity;
        reply = other.reply;
    }

    /** Returns whether both keys have the same tuple; both are folded ({@link TupleHash#fold}). */
    boolean isSameAs(TupleKey other) {
        return addresses == other.addresses
                && ports == other.ports
                && kind == other.kind
                && related == other.related
                && (!ipv6() || hasSameAddresses(other));
    }

    /** The packet goes the entry's original way. */
    boolean isOriginalOf(EntryTable entries, long entry) {
        return OffHeap.getLong(entry + ADDRESSES) == addresses
                && OffHeap.getInt(entry + PORTS) == ports
                && OffHeap.getInt(entry + KIND) == kind
                && (!ipv6() || hasAddresses(entries.extensionOf(entry), false));
    }

    /** The packet goes the entry's reply way. */
    boolean isReplyOf(EntryTable entries, long entry) {
        if (OffHeap.getInt(entry + KIND) != EntryLayout.reversed(kind)) {
            return false;
        }
        if ((EntryLayout.flags(entry) & FLAG_NAT) != 0) {
            long extension = entries.extensionOf(entry);
            return extension != 0
                    && OffHeap.getInt(extension + REPLY_PORTS) == ports
                    && hasAddresses(extension + REPLY, false);
        }
        return OffHeap.getLong(entry + ADDRESSES) == EntryLayout.reversedAddresses(addresses)
                && OffHeap.getInt(entry + PORTS) == EntryLayout.reversedPorts(ports)
                && (!ipv6() || hasAddresses(entries.extensionOf(entry), true));
    }

    /** @param at four longs of an extension, or 0: none, which a reader without lock may meet */
    private boolean hasAddresses(long at, boolean reversed) {
        if (at == 0) {
            return false;
        }
        int source = reversed ? EntryLayout.DESTINATION_HIGH : EntryLayout.SOURCE_HIGH;
        int destination = reversed ? EntryLayout.SOURCE_HIGH : EntryLayout.DESTINATION_HIGH;
        return OffHeap.getLong(at + source) == sourceHigh
                && OffHeap.getLong(at + source + 8) == sourceLow
                && OffHeap.getLong(at + destination) == destinationHigh
                && OffHeap.getLong(at + destination + 8) == destinationLow;
    }

    /** Writes the original tuple of a fresh entry. */
    void writeOriginalTo(long entry, long extension) {
        OffHeap.putLong(entry + ADDRESSES, addresses);
        OffHeap.putInt(entry + PORTS, ports);
        OffHeap.putInt(entry + KIND, kind);
        if (extension != 0) {
            writeAddresses(extension);
        }
    }

    /** Writes the reply tuple into a fresh extension. */
    void writeReplyTo(long extension) {
        writeAddresses(extension + REPLY);
        OffHeap.putInt(extension + REPLY_PORTS, ports);
    }
}
