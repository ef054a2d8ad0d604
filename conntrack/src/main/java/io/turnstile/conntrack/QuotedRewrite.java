package io.turnstile.conntrack;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.HeaderRewrite;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;

/**
 * Translates the packet that an ICMP or ICMPv6 error quotes. Routers quote as little as eight bytes of the transport
 * header (RFC 792): its checksum follows if it is there; the quoted IPv4 header's and the error's own always do, each
 * by the change alone, so that one that was wrong stays wrong. What is no whole header stays as it is. Allocates
 * nothing.
 *
 * <p>Threads: stateless.
 */
final class QuotedRewrite {
    private static final int SCTP_HEADER_BYTES = 12;

    private QuotedRewrite() {}

    /** Gives the packet quoted by {@code packet}, an ICMP error, that tuple; see {@link NatRewrite} for its form. */
    static void put(
            Packet packet,
            long sourceHigh,
            long sourceLow,
            int sourcePort,
            long destinationHigh,
            long destinationLow,
            int destinationPort) {
        int l3 = packet.l4Offset() + TupleReader.ICMP_HEADER_BYTES;
        if (packet.l4Offset() == Packet.ABSENT) {
            return;
        }
        if (packet.etherType() == EtherTypes.IPV6) {
            put6(packet, l3, sourceHigh, sourceLow, sourcePort, destinationHigh, destinationLow, destinationPort);
        } else {
            put4(packet, l3, (int) sourceLow, sourcePort, (int) destinationLow, destinationPort);
        }
    }

    private static void put4(Packet packet, int l3, int source, int sourcePort, int destination, int destinationPort) {
        int l4 = TupleReader.quotedTransport4(packet, l3, packet.l3EndOffset());
        if (l4 == 0) {
            return;
        }
        int protocol = packet.u8(l3 + 9);
        int sum = sumField(packet, l4, protocol);
        int addressSum = protocol == IpProtocols.ICMP ? Packet.ABSENT : sum;
        putIpv4Address(packet, l3, l3 + 12, source, addressSum, protocol);
        putIpv4Address(packet, l3, l3 + 16, destination, addressSum, protocol);
        putPorts(packet, l4, protocol, sum, packet.u16(l3 + 2) - (l4 - l3), sourcePort, destinationPort);
    }

    private static void put6(
            Packet packet,
            int l3,
            long sourceHigh,
            long sourceLow,
            int sourcePort,
            long destinationHigh,
            long destinationLow,
            int destinationPort) {
        long found = TupleReader.quotedTransport6(packet, l3, packet.l3EndOffset());
        if (found == 0) {
            return;
        }
        int l4 = (int) (found >>> 8);
        int protocol = (int) found & 0xff;
        int sum = sumField(packet, l4, protocol);
        put64(packet, l3 + 8, sourceHigh, sum, protocol);
        put64(packet, l3 + 16, sourceLow, sum, protocol);
        int destinationSum = HeaderRewrite.hasSegmentsLeft(packet, l3, l4) ? Packet.ABSENT : sum;
        put64(packet, l3 + 24, destinationHigh, destinationSum, protocol);
        put64(packet, l3 + 32, destinationLow, destinationSum, protocol);
        putPorts(packet, l4, protocol, sum, packet.u16(l3 + 4) + l3 + 40 - l4, sourcePort, destinationPort);
    }

    /**
     * Where the quoted ones-complement sum stands; {@link Packet#ABSENT} if it was cut off, not computed, or never is.
     */
    private static int sumField(Packet packet, int l4, int protocol) {
        boolean ipv6 = packet.etherType() == EtherTypes.IPV6;
        int field = switch (protocol) {
            case IpProtocols.TCP -> l4 + 16;
            case IpProtocols.UDP, IpProtocols.UDP_LITE, IpProtocols.DCCP -> l4 + 6;
            case IpProtocols.ICMP -> ipv6 ? Packet.ABSENT : l4 + 2;
            case IpProtocols.ICMPV6 -> ipv6 ? l4 + 2 : Packet.ABSENT;
            default -> Packet.ABSENT;
        };
        boolean there = field != Packet.ABSENT && field + 2 <= packet.l3EndOffset();
        return there && (protocol != IpProtocols.UDP || packet.u16(field) != 0) ? field : Packet.ABSENT;
    }

    /** @param transportBytes how long the quoted packet was from {@code l4} on, by its network header */
    private static void putPorts(
            Packet packet, int l4, int protocol, int sumField, int transportBytes, int source, int destination) {
        if (l4 + 8 > packet.l3EndOffset()) {
            return;
        }
        boolean ipv6 = packet.etherType() == EtherTypes.IPV6;
        switch (protocol) {
            case IpProtocols.TCP, IpProtocols.UDP -> {
                put16(packet, l4, source, sumField, protocol);
                put16(packet, l4 + 2, destination, sumField, protocol);
            }
            case IpProtocols.UDP_LITE, IpProtocols.DCCP -> {
                if (source != 0) {
                    put16(packet, l4, source, sumField, protocol);
                    put16(packet, l4 + 2, destination, sumField, protocol);
                }
            }
            case IpProtocols.SCTP -> putSctpPorts(packet, l4, transportBytes, source << 16 | destination);
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> {
                boolean ofFamily = ipv6 == (protocol == IpProtocols.ICMPV6);
                if (ofFamily && IcmpTypes.classOf(protocol, packet.u8(l4)) != 0) {
                    put16(packet, l4 + 4, source, sumField, protocol);
                }
            }
            default -> {
                // Addresses only.
            }
        }
    }

    private static void putSctpPorts(Packet packet, int l4, int transportBytes, int ports) {
        int old = packet.u32(l4);
        HeaderRewrite.putTransport32(packet, l4, ports);
        if (old != ports && transportBytes >= SCTP_HEADER_BYTES && l4 + SCTP_HEADER_BYTES <= packet.l3EndOffset()) {
            int sum = packet.u32(l4 + 8) ^ HeaderRewrite.sctpSumChange(old ^ ports, transportBytes);
            HeaderRewrite.putTransport32(packet, l4 + 8, sum);
        }
    }

    private static void putIpv4Address(Packet packet, int l3, int offset, int value, int sumField, int protocol) {
        int old = packet.u32(offset);
        if (old == value) {
            return;
        }
        HeaderRewrite.putTransport16(packet, l3 + 10, InternetChecksum.update32(packet.u16(l3 + 10), old, value));
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
