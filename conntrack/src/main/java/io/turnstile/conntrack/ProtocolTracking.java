package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.BYTE;
import static io.turnstile.conntrack.EntryLayout.STATE;

import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import java.lang.foreign.MemorySegment;

/**
 * Leads a packet to its protocol's state machine. ICMP questions know "asked" and "answered"; everything but TCP, SCTP and
 * ICMP knows "one packet", "several", "both ways".
 *
 * <p>Threads: scratch of one; the entry is locked by the caller.
 */
final class ProtocolTracking {
    private static final int ICMP_ANSWERED = 1;
    private static final int SEVERAL = 1;
    private static final int BOTH_WAYS = 2;

    private final TcpTracking tcp = new TcpTracking();
    private final SctpTracking sctp = new SctpTracking();
    private Timeout timeout;

    /** Set by {@link #begin} and {@link #update}: what the deadline is to be from now on; null: as it is. */
    Timeout timeout() {
        return timeout;
    }

    /** Whether a packet of no known connection may begin one. */
    static boolean canBegin(Packet packet) {
        int protocol = packet.ipProtocol();
        return switch (protocol) {
            case IpProtocols.TCP -> TcpTracking.canBegin(packet);
            case IpProtocols.SCTP -> SctpTracking.canBegin(packet);
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> IcmpTypes.isQuestion(protocol, packet.u8(packet.l4Offset()));
            default -> true;
        };
    }

    /** Writes the protocol's part of a fresh entry. */
    void begin(Packet packet, MemorySegment chunk, long base) {
        switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> {
                TcpTracking.begin(packet, chunk, base);
                timeout = Timeout.TCP_SYN_SENT;
            }
            case IpProtocols.SCTP -> timeout = SctpTracking.begin(packet, chunk, base);
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> {
                chunk.set(BYTE, base + STATE, (byte) 0);
                timeout = Timeout.ICMP_FIRST;
            }
            default -> {
                chunk.set(BYTE, base + STATE, (byte) 0);
                timeout = Timeout.UDP_FIRST;
            }
        }
    }

    /** Moves the connection by one packet. */
    Verdict update(Packet packet, MemorySegment chunk, long base, boolean reply, boolean checkWindow) {
        return switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> {
                Verdict verdict = tcp.update(packet, chunk, base, reply ? 1 : 0, checkWindow);
                timeout = tcp.timeout();
                yield verdict;
            }
            case IpProtocols.SCTP -> {
                Verdict verdict = sctp.update(packet, chunk, base, reply ? 1 : 0);
                timeout = sctp.timeout();
                yield verdict;
            }
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> updateIcmp(chunk, base, reply);
            default -> updateOther(chunk, base, reply);
        };
    }

    private Verdict updateIcmp(MemorySegment chunk, long base, boolean reply) {
        if (reply) {
            chunk.set(BYTE, base + STATE, (byte) ICMP_ANSWERED);
        }
        boolean answered = chunk.get(BYTE, base + STATE) == ICMP_ANSWERED;
        timeout = answered ? Timeout.ICMP_REPLY : Timeout.ICMP_FIRST;
        return answered ? Verdict.ESTABLISHED : Verdict.NEW;
    }

    private Verdict updateOther(MemorySegment chunk, long base, boolean reply) {
        int state = reply ? BOTH_WAYS : Math.max(SEVERAL, chunk.get(BYTE, base + STATE));
        chunk.set(BYTE, base + STATE, (byte) state);
        timeout = state == BOTH_WAYS ? Timeout.UDP_MULTIPLE : Timeout.UDP_SINGLE;
        return state == BOTH_WAYS ? Verdict.ESTABLISHED : Verdict.NEW;
    }
}
