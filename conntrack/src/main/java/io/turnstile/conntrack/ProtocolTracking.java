package io.turnstile.conntrack;

import io.turnstile.packet.IcmpHeader;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import org.jspecify.annotations.Nullable;

/**
 * The step leads a packet to its protocol's state machine. ICMP questions know "asked" and "answered"; everything but
 * TCP, SCTP and ICMP knows "one packet", "several", "both ways".
 *
 * <p>Threads: scratch of one; the entry is locked by the caller.
 */
final class ProtocolTracking {
    private static final int ICMP_ANSWERED = 1;
    private static final int SEVERAL = 1;
    private static final int BOTH_WAYS = 2;

    private final TcpTracking tcp = new TcpTracking();
    private final SctpTracking sctp = new SctpTracking();
    private @Nullable Timeout timeout;
    private InvalidReason invalidReason = tcp.invalidReason();

    /** What {@link #update} wants the deadline to be from; null leaves it alone. */
    @Nullable
    Timeout timeout() {
        return timeout;
    }

    /** Why {@link #update} has answered {@link UpdateResult#INVALID}. */
    InvalidReason invalidReason() {
        return invalidReason;
    }

    /** Returns why a packet of no known connection may not begin one; null if it may. */
    static @Nullable InvalidReason faultAsFirst(Packet packet) {
        int protocol = packet.ipProtocol();
        return switch (protocol) {
            case IpProtocols.TCP -> TcpTracking.faultAsFirst(packet);
            case IpProtocols.SCTP -> SctpTracking.faultAsFirst(packet);
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> {
                int type = packet.u8(packet.l4Offset() + IcmpHeader.TYPE);
                yield IcmpTypes.isQuestion(protocol, type) ? null : InvalidReason.ICMP_UNASKED;
            }
            default -> null;
        };
    }

    /**
     * The timeout of a connection whose state no further packet changes: one that is answered, of a protocol without
     * sequence numbers. Null for any other.
     */
    static @Nullable Timeout settledTimeout(long entry) {
        int state = EntryLayout.state(entry, 0);
        return switch (EntryLayout.protocol(OffHeap.getInt(entry + EntryLayout.KIND))) {
            case IpProtocols.TCP, IpProtocols.SCTP -> null;
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> state == ICMP_ANSWERED ? Timeout.ICMP_REPLY : null;
            default -> state == BOTH_WAYS ? Timeout.UDP_MULTIPLE : null;
        };
    }

    /** Whether a side of a TCP connection has come nearer to its end since the sides' states were these. */
    static boolean closesFurther(int statesBefore, long entry) {
        return EntryLayout.states(entry) != statesBefore
                && EntryLayout.protocol(OffHeap.getInt(entry + EntryLayout.KIND)) == IpProtocols.TCP
                && (EntryLayout.state(entry, 0) >= TcpState.CLOSING.ordinal()
                        || EntryLayout.state(entry, 1) >= TcpState.CLOSING.ordinal());
    }

    /** {@link ConnectionSnapshot#established}. */
    static boolean isEstablished(long entry) {
        return switch (EntryLayout.protocol(OffHeap.getInt(entry + EntryLayout.KIND))) {
            case IpProtocols.TCP ->
                EntryLayout.state(entry, 0) == TcpState.ESTABLISHED.ordinal()
                        && EntryLayout.state(entry, 1) == TcpState.ESTABLISHED.ordinal();
            case IpProtocols.SCTP -> EntryLayout.state(entry, 0) == SctpState.ESTABLISHED.ordinal();
            default -> (EntryLayout.flags(entry) & EntryLayout.FLAG_REPLY_SEEN) != 0;
        };
    }

    /** Writes the protocol's part of a fresh entry; returns what its deadline is from. */
    static Timeout begin(Packet packet, long entry) {
        return switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> {
                TcpTracking.begin(packet, entry);
                yield Timeout.TCP_SYN_SENT;
            }
            case IpProtocols.SCTP -> SctpTracking.begin(packet, entry);
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> {
                OffHeap.putShort(entry + EntryLayout.STATE, 0);
                yield Timeout.ICMP_FIRST;
            }
            default -> {
                OffHeap.putShort(entry + EntryLayout.STATE, 0);
                yield Timeout.UDP_FIRST;
            }
        };
    }

    /** Moves the connection by one packet. */
    UpdateResult update(Packet packet, long entry, boolean reply, boolean checkWindow) {
        return switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> {
                UpdateResult result = tcp.update(packet, entry, reply ? 1 : 0, checkWindow);
                timeout = tcp.timeout();
                invalidReason = tcp.invalidReason();
                yield result;
            }
            case IpProtocols.SCTP -> {
                UpdateResult result = sctp.update(packet, entry, reply ? 1 : 0);
                timeout = sctp.timeout();
                invalidReason = sctp.invalidReason();
                yield result;
            }
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> updateIcmp(entry, reply);
            default -> updateOther(entry, reply);
        };
    }

    private UpdateResult updateIcmp(long entry, boolean reply) {
        if (reply) {
            EntryLayout.setState(entry, 0, ICMP_ANSWERED);
        }
        boolean answered = EntryLayout.state(entry, 0) == ICMP_ANSWERED;
        timeout = answered ? Timeout.ICMP_REPLY : Timeout.ICMP_FIRST;
        return answered ? UpdateResult.ESTABLISHED : UpdateResult.NEW;
    }

    private UpdateResult updateOther(long entry, boolean reply) {
        int state = reply ? BOTH_WAYS : Math.max(SEVERAL, EntryLayout.state(entry, 0));
        EntryLayout.setState(entry, 0, state);
        timeout = state == BOTH_WAYS ? Timeout.UDP_MULTIPLE : Timeout.UDP_SINGLE;
        return state == BOTH_WAYS ? UpdateResult.ESTABLISHED : UpdateResult.NEW;
    }
}
