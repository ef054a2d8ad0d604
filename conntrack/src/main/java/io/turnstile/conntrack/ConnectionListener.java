package io.turnstile.conntrack;

/**
 * Is told of connections' lives by the tracker. The offload dispatcher is the one that matters.
 *
 * <p>Threads: called on forwarding threads and on the sweeper, possibly for several connections at once, and with no
 * lock of the tracker held. Implementations return at once: no lock that anyone holds while waiting, no allocation once
 * warm, no call to a provider.
 */
public interface ConnectionListener {
    /** Bits of {@link #onChanged}: the mark was written with another value. */
    int MARK_CHANGED = 1;

    /** The label was. */
    int LABEL_CHANGED = 1 << 1;
    /** A packet moved one of the two TCP states towards the end: FIN, its acknowledgement, RST. */
    int TCP_CHANGED = 1 << 2;
    /**
     * A direction's packets come in by another port than before (looked at about once a second), or by a known one
     * after theirs had gone (at once).
     */
    int PORT_CHANGED = 1 << 3;
    /** What is now known is whether it is a helper's control connection: {@link ConnectionSnapshot#control}. */
    int CONTROL_CHANGED = 1 << 4;

    /**
     * A packet with {@code commit} put the connection into the table.
     *
     * @param inPort the port by which that packet came in: the original ingress port
     */
    void onCommitted(long connectionId, int inPort, long nowNs);

    /**
     * A packet met a connection that is established ({@link ConnectionSnapshot#established}). Comes once, and again
     * after {@link Conntrack#awaitEstablished}: the tracker remembers in the entry that it was told, so that the usual
     * packet costs one bit test.
     */
    void onEstablished(long connectionId, long nowNs);

    /**
     * A packet changed something about a connection that is {@linkplain Conntrack#hold held}; of one that is not, only
     * {@link #CONTROL_CHANGED} is told, and {@link #PORT_CHANGED} if a port of it had gone.
     *
     * @param changes bits of {@code …_CHANGED}
     */
    void onChanged(long connectionId, int changes, long nowNs);

    /**
     * The deadline of a {@linkplain Conntrack#hold held} connection has passed. The tracker asks {@link #isAwaited} at
     * later sweeps, and removes the connection once that is false, or {@link Conntrack#LONGEST_WAIT_NS} after this, if
     * the deadline was not put off meanwhile.
     *
     * @return whether anybody was asked; false: it is removed at once
     */
    boolean onDeadline(long connectionId, long nowNs);

    /** Somebody who was asked by {@link #onDeadline} has not answered. */
    boolean isAwaited(long connectionId);

    /**
     * The connection has left the table: nobody can find it any more. {@link Conntrack#read} still works until this
     * returns. Comes once for each connection, and may overtake a {@link #onCommitted} that another thread is just
     * about to make.
     *
     * @return true to keep the entry readable through {@link Conntrack#read} until {@link Conntrack#release}; false
     *     lets the tracker reuse its slot at once
     */
    boolean onRemoved(long connectionId, RemovalReason reason, long nowNs);

    /** Why a connection left the table. */
    enum RemovalReason {
        /** Its deadline passed. */
        EXPIRED,
        /** {@code dpctl/flush-conntrack} or its OpenFlow kin. */
        FLUSHED,
        /** Another connection took its place: {@code ct(commit,force)} or a new SYN on a closed one. */
        REPLACED
    }
}
