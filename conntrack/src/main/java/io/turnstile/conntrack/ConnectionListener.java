package io.turnstile.conntrack;

/**
 * Is told of connections' lives by the tracker. The offload dispatcher is the one that matters.
 *
 * <p>Threads: called on forwarding threads and on the sweeper, possibly for several connections at once, and for one
 * connection never at once for the same kind of event. Implementations return at once: no lock that anyone holds while
 * waiting, no allocation once warm, no call to a provider.
 */
public interface ConnectionListener {

    /**
     * A packet with {@code commit} put the connection into the table.
     *
     * @param inPort the port by which that packet came in: the original ingress port
     */
    void onCommitted(long connectionId, int inPort, long nowNs);

    /**
     * A reply-direction packet met a committed connection. Called for the first one and again for each later one until
     * {@link #onReply} has returned true for this connection (the tracker remembers that in the entry, so that the
     * usual packet costs one bit test). By the time of the call {@link ConnectionSnapshot#replySeen} and
     * {@link ConnectionSnapshot#replyInPort} can be read.
     *
     * @return true: do not call again for this connection
     */
    boolean onReply(long connectionId, int inPort, long nowNs);

    /**
     * The sweep is about to let the connection expire: its deadline lies within {@code leadNs}. Asked at most once per
     * deadline, early enough for an answer ({@link Conntrack#extend}) to arrive before.
     *
     * @return true if somebody will be asked; false lets the tracker forget about asking until the deadline changes
     */
    boolean onExpiring(long connectionId, long deadlineNs, long nowNs);

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
