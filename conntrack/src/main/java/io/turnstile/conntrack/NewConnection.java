package io.turnstile.conntrack;

/**
 * What is known of a connection that is about to be made, beyond its original tuple and its first packet.
 *
 * <p>Threads: scratch of one.
 */
final class NewConnection {
    /** The reply tuple, sealed, if it is not the original one turned round; else null. */
    TupleKey reply;
    /** {@code NAT_…} of {@link PacketMetadata}, with {@link #reply}. */
    int natFlags;
    int policy;
    Alg alg = Alg.NONE;
    /** Id of the connection that announced this one; 0 if none did. */
    long parentId;
    final TupleKey parent = new TupleKey();

    /** What {@link ConnectionTable#insert} leaves the entry locked with. */
    long lockedWord;

    /** Nothing but what the request says. */
    void reset(CtRequest request) {
        reply = null;
        natFlags = 0;
        policy = request.timeoutPolicy();
        alg = request.alg();
        parentId = 0;
    }

    void writeParentTo(long extension) {
        OffHeap.putLong(extension + EntryLayout.PARENT_ID, parentId);
        OffHeap.putLong(extension + EntryLayout.PARENT, parent.sourceHigh);
        OffHeap.putLong(extension + EntryLayout.PARENT + 8, parent.sourceLow);
        OffHeap.putLong(extension + EntryLayout.PARENT + 16, parent.destinationHigh);
        OffHeap.putLong(extension + EntryLayout.PARENT + 24, parent.destinationLow);
        OffHeap.putInt(extension + EntryLayout.PARENT_PORTS, parent.sourcePort << 16 | parent.destinationPort);
        OffHeap.putInt(extension + EntryLayout.PARENT_KIND, parent.kind);
    }
}
