package io.turnstile.packet;

import io.turnstile.packet.Packet.ChecksumState;

/**
 * The rewrite writes into the headers of a parsed packet and carries each change into the checksums that cover it (RFC
 * 1624), so that a sum that was wrong stays wrong and the payload is not read. A sum that the sender left open
 * ({@link ChecksumState#PARTIAL}) stays open: its field holds the pseudo-header's part, which follows the addresses and
 * nothing else. Offsets are counted from the first byte of the frame. Allocates nothing.
 *
 * <p>Whoever changes an address or a port of a packet calls {@link #closeForeignChecksum} first.
 *
 * <p>Threads: stateless.
 */
public final class HeaderRewrite {
    private HeaderRewrite() {}

    /**
     * An open sum that is not this packet's own transport header's (one inside a tunnel) can only be finished first.
     */
    public static void closeForeignChecksum(Packet packet) {
        if (packet.checksumState() == ChecksumState.PARTIAL
                && packet.checksumStart() != packet.l4Offset()
                && packet.segmentBytes() == 0) {
            InternetChecksum.complete(packet);
        }
    }

    // ---- network header ----

    /** Writes a 16-bit word of the IPv4 header that no transport checksum covers. */
    public static void putIpv4Word(Packet packet, int offset, int value) {
        int sumField = packet.l3Offset() + Ipv4Header.CHECKSUM;
        packet.putU16(sumField, InternetChecksum.update16(packet.u16(sumField), packet.u16(offset), value));
        packet.putU16(offset, value);
    }

    public static void putIpv4Source(Packet packet, int address) {
        putIpv4Address(packet, packet.l3Offset() + Ipv4Header.SOURCE, address);
    }

    public static void putIpv4Destination(Packet packet, int address) {
        putIpv4Address(packet, packet.l3Offset() + Ipv4Header.DESTINATION, address);
    }

    private static void putIpv4Address(Packet packet, int offset, int value) {
        int old = packet.u32(offset);
        if (old == value) {
            return;
        }
        int headerSum = packet.l3Offset() + Ipv4Header.CHECKSUM;
        packet.putU16(headerSum, InternetChecksum.update32(packet.u16(headerSum), old, value));
        int sumField = transportSumField(packet, true);
        updateSum(packet, sumField, old >>> 16, value >>> 16);
        updateSum(packet, sumField, old & 0xffff, value & 0xffff);
        packet.putU32(offset, value);
    }

    public static void putIpv6Source(Packet packet, long high, long low) {
        int sumField = transportSumField(packet, true);
        putAddress(packet, packet.l3Offset() + Ipv6Header.SOURCE, sumField, high, low);
    }

    public static void putIpv6Destination(Packet packet, long high, long low) {
        int l3 = packet.l3Offset();
        int sumField = hasSegmentsLeft(packet, l3, packet.l4Offset()) ? Packet.ABSENT : transportSumField(packet, true);
        putAddress(packet, l3 + Ipv6Header.DESTINATION, sumField, high, low);
    }

    private static void putAddress(Packet packet, int offset, int sumField, long high, long low) {
        putSummed64(packet, offset, sumField, high);
        putSummed64(packet, offset + Ipv6Header.ADDRESS_LOW, sumField, low);
    }

    /**
     * Whether a routing header (RFC 8200 §4.4) with segments left lies between the IPv6 header at {@code l3} and the
     * transport header at {@code l4}: the transport's sum then covers not the destination of the IPv6 header but the
     * final one, which stands in the routing header (§8.1).
     */
    public static boolean hasSegmentsLeft(Packet packet, int l3, int l4) {
        int next = packet.u8(l3 + Ipv6Header.NEXT_HEADER);
        int offset = l3 + PacketParser.IPV6_BYTES;
        while (offset + Ipv6Header.EXTENSION_MIN_BYTES <= l4) {
            int headerBytes = next == IpProtocols.FRAGMENT
                    ? Ipv6Header.FRAGMENT_BYTES
                    : Ipv6Header.extensionBytes(packet, offset, next);
            if (next == IpProtocols.ROUTING && packet.u8(offset + Ipv6Header.ROUTING_SEGMENTS_LEFT) > 0) {
                return true;
            }
            next = packet.u8(offset + Ipv6Header.EXTENSION_NEXT_HEADER);
            offset += headerBytes;
        }
        return false;
    }

    // ---- transport header and what is behind it ----

    /** Writes 16 bits that the transport checksum covers, on an even offset from the transport header. Not for SCTP. */
    public static void putTransport16(Packet packet, int offset, int value) {
        updateSum(packet, transportSumField(packet, false), packet.u16(offset), value);
        packet.putU16(offset, value);
    }

    /** Writes 32 bits as {@link #putTransport16} does. */
    public static void putTransport32(Packet packet, int offset, int value) {
        putTransport16(packet, offset, value >>> 16);
        putTransport16(packet, offset + 2, value & 0xffff);
    }

    /** Writes one octet as {@link #putTransport16} does, on any offset. */
    public static void putTransport8(Packet packet, int offset, int value) {
        boolean second = (offset - packet.l4Offset() & 1) != 0;
        int word = offset - (second ? 1 : 0);
        if (word + 2 > packet.l3EndOffset()) {
            // The last octet of an odd number is summed as if zero followed.
            updateSum(packet, transportSumField(packet, false), packet.u8(offset) << 8, value << 8);
            packet.putU8(offset, value);
            return;
        }
        int old = packet.u16(word);
        putTransport16(packet, word, second ? old & 0xff00 | value & 0xff : old & 0xff | (value & 0xff) << 8);
    }

    /** Writes 64 bits as {@link #putTransport16} does. */
    public static void putTransport64(Packet packet, int offset, long value) {
        putSummed64(packet, offset, transportSumField(packet, false), value);
    }

    /**
     * Writes a port of the SCTP packet. Its CRC-32C (RFC 9260 §6.8 and appendix A) is linear: the sums of two messages
     * of equal length differ by the CRC (begun at zero) of what the messages differ by. Zero that stands for no sum
     * (RFC 9653) stays.
     *
     * @param portOffset one of {@link TransportPorts}
     */
    public static void putSctpPort(Packet packet, int portOffset, int value) {
        int l4 = packet.l4Offset();
        int oldPorts = packet.u32(l4);
        boolean hasNoSum = hasNoSctpSum(packet);
        packet.putU16(l4 + portOffset, value);
        if (hasNoSum) {
            return;
        }
        int sumField = l4 + SctpHeader.CHECKSUM;
        packet.putU32(
                sumField, packet.u32(sumField) ^ sctpSumChange(oldPorts ^ packet.u32(l4), packet.l3EndOffset() - l4));
    }

    /** One packet in 2^32 has the sum zero. */
    private static boolean hasNoSctpSum(Packet packet) {
        return packet.u32(packet.l4Offset() + SctpHeader.CHECKSUM) == 0
                && packet.checksumState() != ChecksumState.GOOD
                && Crc32c.ofSctp(packet, packet.l4Offset(), packet.l3EndOffset()) != 0;
    }

    /**
     * What the CRC field of an SCTP packet is to be XORed with.
     *
     * @param portsChange XOR of the first four bytes before and after
     * @param transportBytes how long the packet is, from its ports on
     */
    public static int sctpSumChange(int portsChange, int transportBytes) {
        int crc = 0;
        for (int shift = 24; shift >= 0; shift -= 8) {
            crc = Crc32c.next(crc, portsChange >>> shift);
        }
        return Integer.reverseBytes(Crc32c.zeros(crc, transportBytes - TransportPorts.BYTES));
    }

    private static void putSummed64(Packet packet, int offset, int sumField, long value) {
        long old = packet.u64(offset);
        if (old == value) {
            return;
        }
        for (int shift = 48; shift >= 0; shift -= 16) {
            updateSum(packet, sumField, (int) (old >>> shift) & 0xffff, (int) (value >>> shift) & 0xffff);
        }
        packet.putU64(offset, value);
    }

    // ---- transport checksums ----

    /**
     * Where the sum stands that has to follow a change; {@link Packet#ABSENT} if none has to.
     *
     * @param inPseudoHeader the change is to an address, not to the transport header or what is behind it
     */
    private static int transportSumField(Packet packet, boolean inPseudoHeader) {
        int l4 = packet.l4Offset();
        if (l4 == Packet.ABSENT) {
            return Packet.ABSENT; // A later fragment: the sum is in the first one.
        }
        if (!inPseudoHeader && packet.checksumState() == ChecksumState.PARTIAL) {
            return Packet.ABSENT; // Who completes the sum reads the new bytes.
        }
        return switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> l4 + TcpHeader.CHECKSUM;
            case IpProtocols.UDP -> // RFC 768: zero is "no checksum".
                packet.u16(l4 + UdpHeader.CHECKSUM) == 0 ? Packet.ABSENT : l4 + UdpHeader.CHECKSUM;
            case IpProtocols.UDP_LITE -> l4 + UdpHeader.CHECKSUM;
            case IpProtocols.DCCP ->
                l4 + DccpHeader.CHECKSUM_END <= packet.l3EndOffset() ? l4 + DccpHeader.CHECKSUM : Packet.ABSENT;
            case IpProtocols.ICMP ->
                inPseudoHeader ? Packet.ABSENT : l4 + IcmpHeader.CHECKSUM; // RFC 792: no pseudo-header.
            case IpProtocols.ICMPV6 -> l4 + IcmpHeader.CHECKSUM;
            default -> Packet.ABSENT;
        };
    }

    /** Carries the change of one 16-bit word into the sum at {@code sumField}. */
    static void updateSum(Packet packet, int sumField, int old, int value) {
        if (sumField == Packet.ABSENT || old == value) {
            return;
        }
        if (packet.checksumState() == ChecksumState.PARTIAL) {
            // An open field holds the pseudo-header's sum itself, not its complement.
            packet.putU16(sumField, ~InternetChecksum.update16(~packet.u16(sumField) & 0xffff, old, value) & 0xffff);
            return;
        }
        int sum = InternetChecksum.update16(packet.u16(sumField), old, value);
        boolean zeroMeansNone = packet.ipProtocol() == IpProtocols.UDP || packet.ipProtocol() == IpProtocols.UDP_LITE;
        packet.putU16(sumField, sum == 0 && zeroMeansNone ? 0xffff : sum);
    }
}
