package io.turnstile.conntrack;

import io.turnstile.packet.PacketBatch;
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

    /**
     * Executes {@code ct()} on every packet of the batch: verifies its headers, finds or makes its connection, moves
     * the connection's state, and writes ct_state, ct_zone, ct_mark, ct_label and the original tuple into the packet. A
     * packet that cannot be tracked gets {@code +trk+inv}. A packet whose connection finds no free tuple in its
     * {@code nat(…)} range is taken out of the batch.
     *
     * <p>Threads: any number of forwarding threads at once. Allocates nothing, takes no global lock, does not block.
     *
     * @param packets parsed packets (layers set)
     * @param nowNs the batch's reading of {@link io.turnstile.time.Clock#nowNs()}
     * @return how many packets were taken out of the batch; they are the caller's to drop
     */
    int track(PacketBatch packets, CtRequest request, long nowNs);

    /**
     * Removes what has expired and asks the listener about what is about to. The cost follows what expires.
     *
     * <p>Threads: one sweeper at a time.
     *
     * @return how long to wait before the next call is useful, ns
     */
    long sweep(long nowNs);

    /**
     * Removes the connections of a zone, or ({@code null}) every connection. Safe while traffic runs. Returns how many
     * were removed.
     */
    int flush(@Nullable Integer zone, long nowNs);

    /** Removes the connections that the filter accepts; safe while traffic runs. Returns how many were removed. */
    int flushMatching(Predicate<ConnectionSnapshot> filter, long nowNs);

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
     * the deadline: {@code max(old, lastUsedNs + the state's timeout)}.
     *
     * @param lastUsedNs on the {@code nowNs} scale
     */
    void extend(long connectionId, long lastUsedNs);

    /**
     * Makes the window check of this connection lenient until both sides are seen again: packets were carried
     * elsewhere, so that the tracker's idea of the sequence numbers is old.
     */
    void carriedElsewhere(long connectionId);

    /** Sees one connection of a {@link #scan}. The snapshot is reused: copy what must outlive the call. */
    interface ConnectionVisitor {
        void visit(ConnectionSnapshot connection);
    }
}
