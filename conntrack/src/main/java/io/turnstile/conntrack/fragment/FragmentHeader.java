package io.turnstile.conntrack.fragment;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;

/**
 * What a fragment says of the datagram that it belongs to, and of its place in it; filled in place. Threads: one at a
 * time.
 */
final class FragmentHeader {
    /** What the length field of either family can say: IPv4 counts its header in, IPv6 does not. */
    static final int MAX_LENGTH_FIELD = 0xffff;

    static final int IPV6_FRAGMENT_BYTES = 8;
    private static final int IPV6_BYTES = 40;
    private static final int IPV4_MORE = 0x2000;
    private static final int IPV4_OFFSET = 0x1fff;
    private static final int IPV6_MORE = 1;
    private static final int IPV6_OFFSET = 0xfff8;
    private static final int RIGHT_SUM = 0xffff;
    private static final int MAX_EXTENSION_HEADERS = 16;

    FragmentFamily family;
    long sourceHigh;
    long sourceLow;
    long destinationHigh;
    long destinationLow;
    int identification;
    /** 0 for IPv6: there only the first fragment's counts, the others may say what they like (RFC 8200 §4.5). */
    int protocol;
    /** The whole fragment, network header included, without Ethernet padding. */
    int networkBytes;
    /** Offset in the frame of the bytes that the fragment carries. */
    int dataOffset;
    /** Offset in the frame of the field that says "a fragment header follows"; IPv6 only. */
    int nextHeaderOffset;
    /** The fragment carries the bytes {@code [dataStart, dataEnd)} of the datagram's data. */
    int dataStart;

    int dataEnd;
    boolean last;

    /** False if the parsed packet is not a fragment, or has a header that is not to be trusted. */
    boolean read(Packet packet) {
        if (packet.l3Offset() == Packet.ABSENT) {
            return false;
        }
        networkBytes = packet.l3EndOffset() - packet.l3Offset();
        return switch (packet.etherType()) {
            case EtherTypes.IPV4 -> readIpv4(packet, packet.l3Offset());
            case EtherTypes.IPV6 -> readIpv6(packet, packet.l3Offset());
            default -> false;
        };
    }

    private boolean readIpv4(Packet packet, int l3) {
        dataOffset = l3 + (packet.u8(l3) & 0xf) * 4;
        if (InternetChecksum.fold(InternetChecksum.add(0, packet, l3, dataOffset)) != RIGHT_SUM) {
            return false;
        }
        family = FragmentFamily.IPV4;
        sourceHigh = 0;
        sourceLow = Integer.toUnsignedLong(packet.u32(l3 + 12));
        destinationHigh = 0;
        destinationLow = Integer.toUnsignedLong(packet.u32(l3 + 16));
        identification = packet.u16(l3 + 4);
        protocol = packet.u8(l3 + 9);
        int word = packet.u16(l3 + 6);
        return place((word & IPV4_OFFSET) * 8, (word & IPV4_MORE) != 0, packet.l3EndOffset());
    }

    private boolean readIpv6(Packet packet, int l3) {
        int header = fragmentHeader(packet, l3);
        if (header == Packet.ABSENT) {
            return false;
        }
        family = FragmentFamily.IPV6;
        sourceHigh = packet.u64(l3 + 8);
        sourceLow = packet.u64(l3 + 16);
        destinationHigh = packet.u64(l3 + 24);
        destinationLow = packet.u64(l3 + 32);
        identification = packet.u32(header + 4);
        protocol = 0;
        dataOffset = header + IPV6_FRAGMENT_BYTES;
        int word = packet.u16(header + 2);
        return place(word & IPV6_OFFSET, (word & IPV6_MORE) != 0, packet.l3EndOffset());
    }

    private boolean place(int start, boolean more, int l3End) {
        dataStart = start;
        dataEnd = start + l3End - dataOffset;
        last = !more;
        return start > 0 || more;
    }

    /** The first fragment header; what is behind it belongs to the datagram and is not looked at. */
    private int fragmentHeader(Packet packet, int l3) {
        nextHeaderOffset = l3 + 6;
        int offset = l3 + IPV6_BYTES;
        int end = packet.l3EndOffset();
        for (int i = 0; i < MAX_EXTENSION_HEADERS && offset + IPV6_FRAGMENT_BYTES <= end; i++) {
            int headerBytes = switch (packet.u8(nextHeaderOffset)) {
                case IpProtocols.HOP_BY_HOP, IpProtocols.ROUTING, IpProtocols.DESTINATION_OPTIONS ->
                    (packet.u8(offset + 1) + 1) * 8;
                case IpProtocols.AUTHENTICATION -> (packet.u8(offset + 1) + 2) * 4;
                default -> 0;
            };
            if (headerBytes == 0) {
                return packet.u8(nextHeaderOffset) == IpProtocols.FRAGMENT ? offset : Packet.ABSENT;
            }
            nextHeaderOffset = offset;
            offset += headerBytes;
        }
        return Packet.ABSENT;
    }

    /**
     * RFC 8200 §4.5: there is data, none but the last leaves a broken unit of 8 bytes, and the whole is not too long.
     */
    boolean isPossible() {
        int bytes = dataEnd - dataStart;
        int headerBytes = networkBytes - bytes - (family == FragmentFamily.IPV6 ? IPV6_BYTES + IPV6_FRAGMENT_BYTES : 0);
        return bytes > 0 && (last || bytes % 8 == 0) && dataEnd + headerBytes <= MAX_LENGTH_FIELD;
    }
}
