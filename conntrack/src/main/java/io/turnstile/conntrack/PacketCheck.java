package io.turnstile.conntrack;

import io.turnstile.packet.Crc32c;
import io.turnstile.packet.DccpHeader;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IcmpHeader;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketParser;
import io.turnstile.packet.SctpHeader;
import io.turnstile.packet.TcpHeader;
import io.turnstile.packet.UdpHeader;
import org.jspecify.annotations.Nullable;

/**
 * Whether a packet's lengths and checksums are right. A transport sum is computed once in a packet's life: the result
 * is left in {@link Packet#checksumState}.
 *
 * <p>Threads: stateless.
 */
final class PacketCheck {
    private static final int RIGHT = 0xffff;
    private static final long LOW_WORD = 0xffff_ffffL;
    /** Offsets of the usual IPv4 header's loads after the first. */
    private static final int SECOND_LOAD = 8;

    private static final int THIRD_LOAD = 16;

    private PacketCheck() {}

    /** IPv4 header checksum (RFC 791); IPv6 has none. */
    static boolean networkIsGood(Packet packet) {
        if (packet.etherType() != EtherTypes.IPV4) {
            return true;
        }
        int l3 = packet.l3Offset();
        long first = packet.u64(l3);
        int headerBytes = (int) (first >>> 56 & 0xf) * 4;
        if (headerBytes != PacketParser.IPV4_MIN_BYTES) {
            return InternetChecksum.fold(InternetChecksum.add(0, packet, l3, l3 + headerBytes)) == RIGHT;
        }
        // The usual header, without options, in three loads.
        long second = packet.u64(l3 + SECOND_LOAD);
        return InternetChecksum.fold((first >>> 32)
                        + (first & LOW_WORD)
                        + (second >>> 32)
                        + (second & LOW_WORD)
                        + (packet.u32(l3 + THIRD_LOAD) & LOW_WORD))
                == RIGHT;
    }

    /**
     * Returns what is wrong with lengths or checksum of the transport header; null if they are good. Needs layer 4.
     * Protocols that the tracker does not know are good; {@link ChecksumState#ZERO} is for {@link SctpTracking} to
     * judge.
     */
    static @Nullable InvalidReason transportFault(Packet packet) {
        int l4 = packet.l4Offset();
        int sizeBytes = packet.l3EndOffset() - l4;
        if (!lengthsAreGood(packet, l4, sizeBytes)) {
            return InvalidReason.L4_LENGTH;
        }
        if (packet.checksumState() == ChecksumState.UNVERIFIED) {
            packet.setChecksumState(
                    sumIsGood(packet, l4, sizeBytes) ? ChecksumState.GOOD : stateOfWrongSum(packet, l4));
        }
        return packet.checksumState() == ChecksumState.BAD ? InvalidReason.L4_CHECKSUM : null;
    }

    private static ChecksumState stateOfWrongSum(Packet packet, int l4) {
        return packet.ipProtocol() == IpProtocols.SCTP && packet.u32(l4 + SctpHeader.CHECKSUM) == 0
                ? ChecksumState.ZERO
                : ChecksumState.BAD;
    }

    private static boolean lengthsAreGood(Packet packet, int l4, int sizeBytes) {
        return switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> {
                int headerBytes = TcpHeader.headerBytes(packet, l4);
                yield headerBytes >= TcpHeader.MIN_BYTES && headerBytes <= sizeBytes;
            }
            case IpProtocols.UDP -> {
                int udpBytes = packet.u16(l4 + UdpHeader.LENGTH);
                // A super-frame's length field is the sender's business: it is written anew for each piece.
                yield packet.segmentBytes() > 0 || udpBytes >= UdpHeader.BYTES && udpBytes <= sizeBytes;
            }
            case IpProtocols.SCTP -> sctpChunksFit(packet, l4, sizeBytes);
            case IpProtocols.UDP_LITE ->
                udpLiteCoverageIsGood(packet.u16(l4 + UdpHeader.LITE_COVERAGE), sizeBytes)
                        && packet.u16(l4 + UdpHeader.CHECKSUM) != 0;
            case IpProtocols.DCCP ->
                dccpHeaderBytes(packet, l4) >= dccpLeastBytes(packet, l4)
                        && dccpHeaderBytes(packet, l4) <= sizeBytes
                        && dccpCoverage(packet, l4, sizeBytes) <= sizeBytes;
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> sizeBytes >= IcmpHeader.BYTES;
            default -> true;
        };
    }

    private static boolean sumIsGood(Packet packet, int l4, int sizeBytes) {
        int end = packet.l3EndOffset();
        return switch (packet.ipProtocol()) {
            case IpProtocols.UDP ->
                packet.etherType() == EtherTypes.IPV4 && packet.u16(l4 + UdpHeader.CHECKSUM) == 0
                        || withPseudoHeader(packet, l4, end, sizeBytes);
            case IpProtocols.UDP_LITE -> {
                int coverage = packet.u16(l4 + UdpHeader.LITE_COVERAGE);
                yield withPseudoHeader(packet, l4, coverage == 0 ? end : l4 + coverage, sizeBytes);
            }
            case IpProtocols.DCCP -> withPseudoHeader(packet, l4, l4 + dccpCoverage(packet, l4, sizeBytes), sizeBytes);
            case IpProtocols.TCP -> withPseudoHeader(packet, l4, end, sizeBytes);
            // One family's ICMP in the other is nothing that we know, as any number without a meaning.
            case IpProtocols.ICMPV6 ->
                packet.etherType() != EtherTypes.IPV6 || withPseudoHeader(packet, l4, end, sizeBytes);
            case IpProtocols.ICMP ->
                packet.etherType() != EtherTypes.IPV4
                        || InternetChecksum.fold(InternetChecksum.add(0, packet, l4, end)) == RIGHT;
            case IpProtocols.SCTP -> Crc32c.ofSctp(packet, l4, end) == packet.u32(l4 + SctpHeader.CHECKSUM);
            default -> true;
        };
    }

    /** RFC 3828 §3.1: 0 stands for all; the header is always covered. */
    private static boolean udpLiteCoverageIsGood(int coverage, int sizeBytes) {
        return coverage == 0 || coverage >= UdpHeader.BYTES && coverage <= sizeBytes;
    }

    private static int dccpHeaderBytes(Packet packet, int l4) {
        return packet.u8(l4 + DccpHeader.DATA_OFFSET) * 4;
    }

    /** RFC 4340 §5.1: the generic header has 24 or, with the X bit, 48 bits of sequence number. */
    private static int dccpLeastBytes(Packet packet, int l4) {
        return (packet.u8(l4 + DccpHeader.EXTENDED) & 1) != 0 ? DccpHeader.EXTENDED_MIN_BYTES : DccpHeader.MIN_BYTES;
    }

    /** RFC 4340 §9.2: 0 stands for all, otherwise the header, options and so many words less one of the data. */
    private static int dccpCoverage(Packet packet, int l4, int sizeBytes) {
        int coverage = packet.u8(l4 + DccpHeader.COVERAGE) & 0xf;
        return coverage == 0 ? sizeBytes : dccpHeaderBytes(packet, l4) + (coverage - 1) * 4;
    }

    private static boolean withPseudoHeader(Packet packet, int l4, int end, int sizeBytes) {
        long sum = InternetChecksum.pseudoHeader(packet, sizeBytes);
        return InternetChecksum.fold(InternetChecksum.add(sum, packet, l4, end)) == RIGHT;
    }

    /** RFC 9260 §3.2: chunks, each padded to four bytes, fill the packet exactly. */
    private static boolean sctpChunksFit(Packet packet, int l4, int sizeBytes) {
        int at = SctpHeader.BYTES;
        while (at + SctpHeader.CHUNK_BYTES <= sizeBytes) {
            int chunkBytes = packet.u16(l4 + at + SctpHeader.CHUNK_LENGTH);
            if (chunkBytes < SctpHeader.CHUNK_BYTES) {
                return false;
            }
            at += SctpHeader.padded(chunkBytes);
        }
        return at == sizeBytes;
    }
}
