package io.turnstile.conntrack;

import io.turnstile.packet.PacketBatch;
import java.util.SplittableRandom;

/** What one thread needs while it tracks a batch; made once for each thread. */
final class TrackingScratch {
    // What a packet still needs after its headers were looked at; bytes, as storing references costs the collector's
    // notes.
    static final byte TRACK = 0;
    /** To be tracked like {@link #TRACK}; the tuple is that of the packet before. */
    static final byte REPEAT = 1;

    static final byte INVALID = 2;
    /** Nothing is left to do. */
    static final byte DONE = 3;
    /** Not to go on: no tuple is left to translate it to. */
    static final byte DROP = 4;
    /** Of no connection, though nothing is wrong with it. */
    static final byte OF_LINK = 5;

    /** No position, nor one before the first. */
    static final int NONE_SETTLED = -2;

    final TupleKey[] keys = new TupleKey[PacketBatch.CAPACITY];
    final byte[] steps = new byte[PacketBatch.CAPACITY];
    final NewConnection newConnection = new NewConnection();
    final ProtocolTracking protocols = new ProtocolTracking();
    final ConnectionSnapshot snapshot = new ConnectionSnapshot();
    /** Keeps the early reads of the index from being taken for useless. */
    long prefetched;
    /** Batches until the table's size is looked at again. */
    int batchesUntilLook;
    /** The table was large when it was looked at last. */
    boolean isTableLarge;

    /** Reply tuples being tried for a new connection. */
    final TupleKey replyTuple = new TupleKey();
    /** The tuple in which a translated packet leaves. */
    final Tuple leavingTuple = new Tuple();

    final NatSearch natSearch;
    final AlgTracking algs;
    /** Position of the last packet that had nothing to write to its connection; and that one's word. */
    int settled;

    private long settledEntry;
    private long settledWord;

    /** How many of the batch are {@link #DROP}. */
    int drops;
    /** The batch's reading of the clock. */
    long nowNs;

    TrackingScratch(ConnectionTable table, NatHash natHash) {
        natSearch = new NatSearch(natHash, new SplittableRandom(), reply -> {
            table.hash.foldAndHash(reply);
            return !table.find(reply, nowNs);
        });
        algs = new AlgTracking(table);
        for (int i = 0; i < keys.length; i++) {
            keys[i] = new TupleKey();
        }
    }

    /** Notes that the packet there had nothing to write to that connection, whose word was this before. */
    void settle(int position, long entry, long word) {
        settled = position;
        settledEntry = entry;
        settledWord = word;
    }

    /** Whether the packet there had nothing to write to that connection, and nobody has touched that since. */
    boolean isSettled(int position, long entry, long word) {
        return settled == position && settledEntry == entry && settledWord == word;
    }
}
