package io.turnstile.conntrack;

import io.turnstile.packet.DccpHeader;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.HeaderRewrite;
import io.turnstile.packet.IcmpHeader;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Ipv4Header;
import io.turnstile.packet.Ipv6Header;
import io.turnstile.packet.Packet;
import io.turnstile.packet.SctpHeader;
import io.turnstile.packet.TcpHeader;
import io.turnstile.packet.TransportPorts;
import io.turnstile.packet.UdpHeader;

/**
 * The rewrite translates the packet that an ICMP or ICMPv6 error quotes. Routers quote as little as eight bytes of the
 * transport header (RFC 792): its checksum follows if it is there; the quoted IPv4 header's and the error's own always
 * do, each by the change alone, so that one that was wrong stays wrong. What is no whole header stays as it is.
 * Allocates nothing.
 *
 * <p>Threads: stateless.
 */
final class QuotedRewrite {
    private QuotedRewrite() {}

    /**
     * Gives the packet quoted by {@code packet}, an ICMP error, the reverse of {@code leaving}, the tuple in which
     * packets of the error's direction leave.
     */
    static void putReversed(Packet packet, Tuple leaving) {
        if (packet.l4Offset() == Packet.ABSENT) {
            return;
        }
        int l3 = packet.l4Offset() + IcmpHeader.BYTES;
        if (packet.etherType() == EtherTypes.IPV6) {
            put6(packet, l3, leaving);
        } else {
            put4(packet, l3, leaving);
        }
    }

    private static void put4(Packet packet, int l3, Tuple leaving) {
        int l4 = QuotedPacket.transport4(packet, l3, packet.l3EndOffset());
        if (l4 == 0) {
            return;
        }
        int protocol = packet.u8(l3 + Ipv4Header.PROTOCOL);
        int sum = sumField(packet, l4, protocol);
        int addressSum = protocol == IpProtocols.ICMP ? Packet.ABSENT : sum;
        putIpv4Address(packet, l3, l3 + Ipv4Header.SOURCE, (int) leaving.destinationLow, addressSum, protocol);
        putIpv4Address(packet, l3, l3 + Ipv4Header.DESTINATION, (int) leaving.sourceLow, addressSum, protocol);
        int transportBytes = packet.u16(l3 + Ipv4Header.TOTAL_LENGTH) - (l4 - l3);
        putPorts(
                packet,
                l4,
                protocol,
                sum,
                transportBytes,
                /* source= */ leaving.destinationPort,
                /* destination= */ leaving.sourcePort);
    }

    private static void put6(Packet packet, int l3, Tuple leaving) {
        long found = QuotedPacket.transport6(packet, l3, packet.l3EndOffset());
        if (found == 0) {
            return;
        }
        int l4 = QuotedPacket.offset(found);
        int protocol = QuotedPacket.protocol(found);
        int sum = sumField(packet, l4, protocol);
        putIpv6Address(packet, l3 + Ipv6Header.SOURCE, leaving.destinationHigh, leaving.destinationLow, sum, protocol);
        int destinationSum = HeaderRewrite.hasSegmentsLeft(packet, l3, l4) ? Packet.ABSENT : sum;
        putIpv6Address(
                packet, l3 + Ipv6Header.DESTINATION, leaving.sourceHigh, leaving.sourceLow, destinationSum, protocol);
        int transportBytes = packet.u16(l3 + Ipv6Header.PAYLOAD_LENGTH) + l3 + Ipv6Header.BYTES - l4;
        putPorts(
                packet,
                l4,
                protocol,
                sum,
                transportBytes,
                /* source= */ leaving.destinationPort,
                /* destination= */ leaving.sourcePort);
    }

    private static void putIpv6Address(Packet packet, int offset, long high, long low, int sumField, int protocol) {
        put64(packet, offset, high, sumField, protocol);
        put64(packet, offset + Ipv6Header.ADDRESS_LOW, low, sumField, protocol);
    }

    /**
     * Where the quoted ones-complement sum stands; {@link Packet#ABSENT} if it was cut off, not computed, or never is.
     */
    private static int sumField(Packet packet, int l4, int protocol) {
        boolean ipv6 = packet.etherType() == EtherTypes.IPV6;
        int field = switch (protocol) {
            case IpProtocols.TCP -> l4 + TcpHeader.CHECKSUM;
            case IpProtocols.UDP, IpProtocols.UDP_LITE -> l4 + UdpHeader.CHECKSUM;
            case IpProtocols.DCCP -> l4 + DccpHeader.CHECKSUM;
            case IpProtocols.ICMP -> ipv6 ? Packet.ABSENT : l4 + IcmpHeader.CHECKSUM;
            case IpProtocols.ICMPV6 -> ipv6 ? l4 + IcmpHeader.CHECKSUM : Packet.ABSENT;
            default -> Packet.ABSENT;
        };
        boolean there = field != Packet.ABSENT && field + Short.BYTES <= packet.l3EndOffset();
        return there && (protocol != IpProtocols.UDP || packet.u16(field) != 0) ? field : Packet.ABSENT;
    }

    /** @param transportBytes how long the quoted packet was from {@code l4} on, by its network header */
    private static void putPorts(
            Packet packet, int l4, int protocol, int sumField, int transportBytes, int source, int destination) {
        if (l4 + QuotedPacket.LEAST_TRANSPORT_BYTES > packet.l3EndOffset()) {
            return;
        }
        boolean ipv6 = packet.etherType() == EtherTypes.IPV6;
        switch (protocol) {
            case IpProtocols.TCP, IpProtocols.UDP -> {
                putSummedPorts(packet, l4, source, destination, sumField, protocol);
            }
            case IpProtocols.UDP_LITE, IpProtocols.DCCP -> {
                if (source != 0) {
                    putSummedPorts(packet, l4, source, destination, sumField, protocol);
                }
            }
            case IpProtocols.SCTP -> putSctpPorts(packet, l4, transportBytes, source << 16 | destination);
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> {
                boolean ofFamily = ipv6 == (protocol == IpProtocols.ICMPV6);
                if (ofFamily && IcmpTypes.classOf(protocol, packet.u8(l4 + IcmpHeader.TYPE)) != 0) {
                    put16(packet, l4 + IcmpHeader.IDENTIFIER, source, sumField, protocol);
                }
            }
            default -> {
                // Addresses only.
            }
        }
    }

    private static void putSummedPorts(Packet packet, int l4, int source, int destination, int sumField, int protocol) {
        put16(packet, l4 + TransportPorts.SOURCE, source, sumField, protocol);
        put16(packet, l4 + TransportPorts.DESTINATION, destination, sumField, protocol);
    }

    private static void putSctpPorts(Packet packet, int l4, int transportBytes, int ports) {
        int old = packet.u32(l4);
        HeaderRewrite.putTransport32(packet, l4, ports);
        if (old != ports
                && transportBytes >= SctpHeader.BYTES
                && l4 + SctpHeader.BYTES <= packet.l3EndOffset()
                && packet.u32(l4 + SctpHeader.CHECKSUM) != 0) { // RFC 9653: zero stands for no sum
            int sum = packet.u32(l4 + SctpHeader.CHECKSUM) ^ HeaderRewrite.sctpSumChange(old ^ ports, transportBytes);
            HeaderRewrite.putTransport32(packet, l4 + SctpHeader.CHECKSUM, sum);
        }
    }

    private static void putIpv4Address(Packet packet, int l3, int offset, int value, int sumField, int protocol) {
        int old = packet.u32(offset);
        if (old == value) {
            return;
        }
        int headerSum = l3 + Ipv4Header.CHECKSUM;
        HeaderRewrite.putTransport16(packet, headerSum, InternetChecksum.update32(packet.u16(headerSum), old, value));
        put16(packet, offset, value >>> 16, sumField, protocol);
        put16(packet, offset + 2, value & 0xffff, sumField, protocol);
    }

    private static void put64(Packet packet, int offset, long value, int sumField, int protocol) {
        if (packet.u64(offset) == value) {
            return;
        }
        for (int i = 0; i < 4; i++) {
            put16(packet, offset + 2 * i, (int) (value >>> 48 - 16 * i) & 0xffff, sumField, protocol);
        }
    }

    /** Writes a word of the quote, carrying it into the quoted sum and both into the error's. */
    private static void put16(Packet packet, int offset, int value, int sumField, int protocol) {
        int old = packet.u16(offset);
        if (old == value) {
            return;
        }
        HeaderRewrite.putTransport16(packet, offset, value);
        if (sumField != Packet.ABSENT) {
            int sum = InternetChecksum.update16(packet.u16(sumField), old, value);
            boolean zeroMeansNone = protocol == IpProtocols.UDP || protocol == IpProtocols.UDP_LITE;
            HeaderRewrite.putTransport16(packet, sumField, sum == 0 && zeroMeansNone ? 0xffff : sum);
        }
    }
}
