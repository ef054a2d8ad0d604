package io.turnstile.conntrack;

/**
 * One connection at one moment, for showing and for the offload side. Mutable so that a walk over millions reuses one.
 * Addresses are two longs, an IPv4 address stands in the low 32 bits of {@code …Low}.
 *
 * <p>Threads: belongs to who made it.
 */
public final class ConnectionSnapshot {
    /** The side offered a window scale. */
    public static final int TCP_FLAG_WINDOW_SCALE = 1;
    /** The side's handshake was not seen: its window is checked generously. */
    public static final int TCP_FLAG_BE_LIBERAL = 8;

    /** What a tuple's fields mean; ports hold the ICMP id, type and code for ICMP as dump-conntrack prints them. */
    public static final class Tuple {
        public long sourceHigh;
        public long sourceLow;
        public long destinationHigh;
        public long destinationLow;
        public int sourcePort;
        public int destinationPort;
        public int icmpId;
        public int icmpType;
        public int icmpCode;
    }

    public long connectionId;
    /** It has left the table and is only held for its listener: see {@link ConnectionListener#onRemoved}. */
    public boolean removed;

    public int zone;
    public boolean ipv6;
    public int protocol;
    public final Tuple original = new Tuple();
    public final Tuple reply = new Tuple();
    public int mark;
    public long labelHigh;
    public long labelLow;
    /** Time until the deadline, ns; negative once passed. */
    public long timeLeftNs;
    /** Ordinal of {@code tcp} states as printed in protoinfo; meaningful for TCP only. */
    public TcpState originalTcpState = TcpState.CLOSED;

    public TcpState replyTcpState = TcpState.CLOSED;
    /** Window scale, 0–14, of each side; meaningful for TCP only. */
    public int originalTcpScale;

    public int replyTcpScale;
    /**
     * One past the highest sequence number that each side has sent, modulo 2^32; what the original side's first packet
     * (its SYN) takes is counted with the data after it. Meaningful for TCP only.
     */
    public int originalTcpSentEnd;

    public int replyTcpSentEnd;
    /** One past the highest that each side may send, modulo 2^32; meaningful for TCP only. */
    public int originalTcpAllowedEnd;

    public int replyTcpAllowedEnd;
    /** The largest window that each side has offered, bytes, scaled; meaningful for TCP only. */
    public int originalTcpWindow;

    public int replyTcpWindow;
    /** Bits of {@code TCP_FLAG_…}, as {@code flags_orig} and {@code flags_reply} of the dump. */
    public int originalTcpFlags;

    public int replyTcpFlags;
    /** Meaningful for SCTP only. */
    public SctpState sctpState = SctpState.CLOSED;
    /** The verification tags that packets of either direction carry (RFC 9260 §8.5), 0: not known yet. SCTP only. */
    public int originalSctpTag;

    public int replySctpTag;
    /** Id of the connection that has announced this one; 0 if none did. */
    public long parentId;
    /** Another connection has announced this one: {@link #parent} is that one's original tuple. */
    public boolean hasParent;

    public final Tuple parent = new Tuple();
    /** The helper that reads its payload. */
    public Alg alg = Alg.NONE;
    /** Whether a helper has to read its payload, so that nobody else may carry it. */
    public Control control = Control.NO;

    /** What is known of a connection with a helper. */
    public enum Control {
        /** It has none, or is not what the helper is for: a data connection, another protocol's dialogue. */
        NO,
        /** It has one and nothing was said yet. */
        UNKNOWN,
        /** The helper's own dialogue. */
        YES
    }

    /**
     * TCP: both sides are {@link TcpState#ESTABLISHED}; SCTP: {@link SctpState#ESTABLISHED}; all others: a reply was
     * seen.
     */
    public boolean established;
    /** {@link Conntrack#hold} is in force. */
    public boolean held;
    /** By how much a packet puts the deadline off in the present state, ns. */
    public long timeoutNs;
    /** A reply-direction packet has been seen. */
    public boolean replySeen;

    /** Port by which the original direction comes in; -1 if it is gone. */
    public int originalInPort;
    /** Port by which replies come in; -1 while no reply has been seen, or if it is gone. */
    public int replyInPort = -1;
}
