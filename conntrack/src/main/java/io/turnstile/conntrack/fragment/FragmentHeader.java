package io.turnstile.conntrack.fragment;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Ipv4Header;
import io.turnstile.packet.Ipv6Header;
import io.turnstile.packet.Packet;

/**
 * What a fragment says of the datagram that it belongs to, and of its place in it; filled in place. Threads: one at a
 * time.
 */
final class FragmentHeader {
    /** What the length field of either family can say: IPv4 counts its header in, IPv6 does not. */
    static final int MAX_LENGTH_FIELD = 0xffff;

    private static final int RIGHT_SUM = 0xffff;
    private static final int MAX_EXTENSION_HEADERS = 16;

    FragmentFamily family = FragmentFamily.IPV4;
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
        dataOffset = l3 + Ipv4Header.headerBytes(packet, l3);
        if (InternetChecksum.fold(InternetChecksum.add(0, packet, l3, dataOffset)) != RIGHT_SUM) {
            return false;
        }
        family = FragmentFamily.IPV4;
        sourceHigh = 0;
        sourceLow = Integer.toUnsignedLong(packet.u32(l3 + Ipv4Header.SOURCE));
        destinationHigh = 0;
        destinationLow = Integer.toUnsignedLong(packet.u32(l3 + Ipv4Header.DESTINATION));
        identification = packet.u16(l3 + Ipv4Header.IDENTIFICATION);
        protocol = packet.u8(l3 + Ipv4Header.PROTOCOL);
        int word = packet.u16(l3 + Ipv4Header.FLAGS_AND_OFFSET);
        int startBytes = (word & Ipv4Header.OFFSET_MASK) * Ipv4Header.FRAGMENT_UNIT_BYTES;
        return place(startBytes, (word & Ipv4Header.MORE_FRAGMENTS) != 0, packet.l3EndOffset());
    }

    private boolean readIpv6(Packet packet, int l3) {
        int header = fragmentHeader(packet, l3);
        if (header == Packet.ABSENT) {
            return false;
        }
        family = FragmentFamily.IPV6;
        sourceHigh = packet.u64(l3 + Ipv6Header.SOURCE);
        sourceLow = packet.u64(l3 + Ipv6Header.SOURCE + Ipv6Header.ADDRESS_LOW);
        destinationHigh = packet.u64(l3 + Ipv6Header.DESTINATION);
        destinationLow = packet.u64(l3 + Ipv6Header.DESTINATION + Ipv6Header.ADDRESS_LOW);
        identification = packet.u32(header + Ipv6Header.FRAGMENT_IDENTIFICATION);
        protocol = 0;
        dataOffset = header + Ipv6Header.FRAGMENT_BYTES;
        int word = packet.u16(header + Ipv6Header.FRAGMENT_OFFSET_AND_MORE);
        return place(word & Ipv6Header.OFFSET_MASK, (word & Ipv6Header.MORE_FRAGMENTS) != 0, packet.l3EndOffset());
    }

    private boolean place(int start, boolean more, int l3End) {
        dataStart = start;
        dataEnd = start + l3End - dataOffset;
        last = !more;
        return start > 0 || more;
    }

    /** The first fragment header; what is behind it belongs to the datagram and is not looked at. */
    private int fragmentHeader(Packet packet, int l3) {
        nextHeaderOffset = l3 + Ipv6Header.NEXT_HEADER;
        int offset = l3 + Ipv6Header.BYTES;
        int end = packet.l3EndOffset();
        for (int i = 0; i < MAX_EXTENSION_HEADERS && offset + Ipv6Header.FRAGMENT_BYTES <= end; i++) {
            int next = packet.u8(nextHeaderOffset);
            switch (next) {
                case IpProtocols.HOP_BY_HOP,
                        IpProtocols.ROUTING,
                        IpProtocols.DESTINATION_OPTIONS,
                        IpProtocols.AUTHENTICATION -> {
                    nextHeaderOffset = offset + Ipv6Header.EXTENSION_NEXT_HEADER;
                    offset += Ipv6Header.extensionBytes(packet, offset, next);
                }
                default -> {
                    return next == IpProtocols.FRAGMENT ? offset : Packet.ABSENT;
                }
            }
        }
        return Packet.ABSENT;
    }

    /**
     * RFC 8200 §4.5: there is data, none but the last leaves a broken unit of 8 bytes, and the whole is not too long.
     */
    boolean isPossible() {
        int bytes = dataEnd - dataStart;
        int headerBytes = networkBytes
                - bytes
                - (family == FragmentFamily.IPV6 ? Ipv6Header.BYTES + Ipv6Header.FRAGMENT_BYTES : 0);
        return bytes > 0
                && (last || bytes % Ipv4Header.FRAGMENT_UNIT_BYTES == 0)
                && dataEnd + headerBytes <= MAX_LENGTH_FIELD;
    }
}
