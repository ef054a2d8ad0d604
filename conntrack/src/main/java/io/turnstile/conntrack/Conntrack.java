package io.turnstile.conntrack;

import io.turnstile.packet.PacketBatch;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The connection tracker as the rest of the switch sees it.
 *
 * <p>A connection is named by a 64-bit <em>connection id</em> that is stable for its life and not used again for
 * another one within any time that matters (slot in the low half, generation in the high half). Each use of a slot has
 * a newer generation than the one before, modulo 2^32.
 */
public interface Conntrack {

    /** "No such connection". Never a valid id. */
    long NO_CONNECTION = 0;

    /** How long the removal of a held connection waits for those who were asked about its last use. */
    long LONGEST_WAIT_NS = 60_000_000_000L;

    /**
     * Executes {@code ct()} on every packet of the batch: verifies its headers, finds or makes its connection, moves
     * the connection's state, and writes ct_state, ct_zone, ct_mark, ct_label and the original tuple into the packet. A
     * packet that cannot be tracked gets {@code +trk+inv}, what is said on an IPv6 link alone {@code +trk}. A packet
     * whose connection finds no free tuple in its {@code nat(…)} range is taken out of the batch.
     *
     * <p>Threads: any number of forwarding threads at once. Allocates nothing, takes no global lock, does not block.
     *
     * @param packets parsed packets (layers set)
     * @param nowNs the batch's reading of {@link io.turnstile.time.Clock#nowNs()}
     * @return how many packets were taken out of the batch; they are the caller's to drop
     */
    int track(PacketBatch packets, CtRequest request, long nowNs);

    /**
     * Removes what has expired, and asks the listener about what has expired but is held; carries the growth of the
     * table's index forward. The cost follows what expires; if that is very much, some is left for the next call.
     *
     * <p>Threads: one sweeper at a time.
     *
     * <p>Errors: what the listener throws is thrown in the end, the first of it, when all else that is due has been
     * dealt with.
     *
     * @return how long to wait before the next call is useful, ns; 0: some is left
     */
    long sweep(long nowNs);

    /** Sweeps until nothing is left. */
    default void sweepAll(long nowNs) {
        long pauseNs;
        do {
            pauseNs = sweep(nowNs);
        } while (pauseNs == 0);
    }

    /**
     * Removes the connections of a zone, or ({@code null}) every connection. Safe while traffic runs. Returns how many
     * were removed.
     */
    int flush(@Nullable Integer zone, long nowNs);

    /** The same on behalf of somebody, whom the audit trail names. */
    default int flush(@Nullable Integer zone, String actor, long nowNs) {
        return flush(zone, nowNs);
    }

    /** Removes the connections that the filter accepts; safe while traffic runs. Returns how many were removed. */
    int flushMatching(Predicate<ConnectionSnapshot> filter, long nowNs);

    /** The same on behalf of somebody, whom the audit trail names. */
    default int flushMatching(Predicate<ConnectionSnapshot> filter, String actor, long nowNs) {
        return flushMatching(filter, nowNs);
    }

    /** How many connections the table holds. */
    int connectionCount();

    /**
     * Fills {@code into} with the connection's present state, also of one that has left and is still held
     * ({@link ConnectionSnapshot#removed}).
     *
     * @return false if the id names no connection any more
     */
    boolean read(long connectionId, ConnectionSnapshot into, long nowNs);

    /**
     * Visits connections in table order from {@code cursor} on, at most {@code limit} table slots a call: the way to
     * walk a live table in slices. Connections made or removed meanwhile may or may not be seen; every other is seen
     * once.
     *
     * @param cursor 0 at first, then what the last call has returned; of any other number nothing is visited that is
     *     not there
     * @return the cursor for the next call, -1 when the walk is over
     */
    long scan(long cursor, int limit, ConnectionVisitor visitor, long nowNs);

    /**
     * Sets who is told of the connections' lives, or nobody ({@code null}). Connections that are there already are not
     * announced: the caller scans for them.
     */
    void setListener(@Nullable ConnectionListener listener);

    /**
     * Ends the hold that {@link ConnectionListener#onRemoved} took by returning true: the slot may be used again.
     * Threads: any.
     */
    void release(long connectionId);

    /**
     * A listener learned (from a provider) that the connection was used later than the tracker knows. Only ever extends
     * the deadline: {@code max(old, lastUsedNs + the state's timeout)}. Threads: any.
     *
     * @param lastUsedNs on the {@code nowNs} scale
     */
    void extend(long connectionId, long lastUsedNs);

    /**
     * Somebody else is about to carry packets of this connection, so that the tracker does not see them all. As long as
     * it is held: its TCP window check is lenient, it does not expire without {@link ConnectionListener#onDeadline}
     * (packets find it though its deadline has passed; a hold that comes after that has the question asked anew),
     * {@link ConnectionListener#onChanged} tells of it, and the ports of its directions follow its packets. Holds are
     * counted, 31 at most. Threads: any.
     *
     * @return false, and nothing is held, if the table does not have the connection any more, or it has all holds there
     *     can be
     */
    boolean hold(long connectionId);

    /**
     * Ends one {@link #hold}. The window check stays lenient until each side was seen again, or goes on at once with
     * what the carrier knew of sequence numbers, if the tracker has seen both sides before. Nothing happens if the
     * table does not have the connection any more. Threads: any.
     *
     * @param resume what the carrier knew; null: nothing
     */
    void unhold(long connectionId, @Nullable TcpResume resume);

    /**
     * Has {@link ConnectionListener#onEstablished} called again with the next packet that meets the connection
     * established. Threads: any.
     *
     * @return whether it is established already. A packet that made it so before this call was not told again; the next
     *     one will be
     */
    boolean awaitEstablished(long connectionId);

    /**
     * These ports are gone: connections no longer say that their packets come in by them, so that the numbers can be
     * other ports'. A connection whose packets come in by a port again says so with
     * {@link ConnectionListener#PORT_CHANGED}. Walks the table once, in the calling thread; no packet waits for it.
     */
    void forgetPorts(IntPredicate gone);

    /** Sees one connection of a {@link #scan}. The snapshot is reused: copy what must outlive the call. */
    interface ConnectionVisitor {
        void visit(ConnectionSnapshot connection);
    }
}
