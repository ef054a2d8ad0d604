package io.turnstile.conntrack;

import io.turnstile.packet.PacketBatch;

/** What one thread needs while it tracks a batch; made once for each thread. */
final class TrackingScratch {
    /** What a packet still needs after its headers were looked at. */
    enum Step {
        TRACK,
        /** As {@link #TRACK}, and the tuple is that of the packet before. */
        REPEAT,
        INVALID,
        DONE;

        boolean hasKey() {
            return this == TRACK || this == REPEAT;
        }
    }

    final TupleKey[] keys = new TupleKey[PacketBatch.CAPACITY];
    final Step[] steps = new Step[PacketBatch.CAPACITY];
    final NewConnection made = new NewConnection();
    final ProtocolTracking protocols = new ProtocolTracking();
    final ConnectionSnapshot snapshot = new ConnectionSnapshot();
    /** Keeps the early reads of the index from being taken for useless. */
    long touched;

    TrackingScratch() {
        for (int i = 0; i < keys.length; i++) {
            keys[i] = new TupleKey();
            steps[i] = Step.DONE;
        }
    }
}
