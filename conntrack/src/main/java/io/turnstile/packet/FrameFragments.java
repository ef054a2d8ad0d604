package io.turnstile.packet;

import java.util.ArrayList;
import java.util.List;

/**
 * The fragmenter cuts IP frames into fragments (RFC 791 §3.2, RFC 8200 §4.5), for tests and embedders, as
 * {@link Frames} makes them.
 *
 * <p>Threads: stateless.
 */
public final class FrameFragments {
    private FrameFragments() {}

    /**
     * The frame's fragments, first to last. Extension headers that every fragment repeats (hop-by-hop, routing, and
     * destination options before a routing header) stay in front.
     *
     * @param identification what the fragments have in common: 16 bits for IPv4, 32 bits for IPv6
     * @param cuts where the data behind those headers is cut, ascending; the RFCs allow multiples of 8 only. Without
     *     any the one frame is returned unfragmented, an IPv4 one under that identification
     * @throws IllegalArgumentException not an IP frame, or nothing there to cut
     */
    public static List<byte[]> cut(byte[] frame, int identification, int... cuts) {
        Packet packet = Packet.copyOf(frame);
        if (!PacketParser.parse(packet) || packet.l3Offset() == Packet.ABSENT || packet.etherType() == EtherTypes.ARP) {
            throw new IllegalArgumentException("not an IP frame");
        }
        boolean ipv6 = packet.etherType() == EtherTypes.IPV6;
        int data = ipv6
                ? fragmentableOffset(packet)
                : packet.l3Offset() + Ipv4Header.headerBytes(packet, packet.l3Offset());
        int dataBytes = packet.l3EndOffset() - data;
        List<byte[]> fragments = new ArrayList<>();
        for (int i = 0; i <= cuts.length; i++) {
            int from = i == 0 ? 0 : cuts[i - 1];
            int to = i == cuts.length ? dataBytes : cuts[i];
            if (from < 0 || from > to || to > dataBytes) {
                throw new IllegalArgumentException("no bytes from " + from + " to " + to);
            }
            fragments.add(
                    ipv6
                            ? ipv6(packet, data, identification, from, to, i < cuts.length, cuts.length > 0)
                            : ipv4(packet, data, identification, from, to, i < cuts.length));
        }
        return fragments;
    }

    private static byte[] ipv4(Packet whole, int data, int identification, int from, int to, boolean more) {
        int l3 = whole.l3Offset();
        Packet fragment = Packet.copyOf(new byte[data + to - from]);
        fragment.putBytes(0, whole, 0, data);
        fragment.putBytes(data, whole, data + from, to - from);
        fragment.putU16(l3 + Ipv4Header.TOTAL_LENGTH, data - l3 + to - from);
        fragment.putU16(l3 + Ipv4Header.IDENTIFICATION, identification);
        int offset = from / Ipv4Header.FRAGMENT_UNIT_BYTES;
        fragment.putU16(l3 + Ipv4Header.FLAGS_AND_OFFSET, offset | (more ? Ipv4Header.MORE_FRAGMENTS : 0));
        fragment.putU16(l3 + Ipv4Header.CHECKSUM, 0);
        fragment.putU16(l3 + Ipv4Header.CHECKSUM, InternetChecksum.finish(InternetChecksum.add(0, fragment, l3, data)));
        return fragment.toBytes();
    }

    private static byte[] ipv6(
            Packet whole, int data, int identification, int from, int to, boolean more, boolean cut) {
        int l3 = whole.l3Offset();
        int headerBytes = cut ? Ipv6Header.FRAGMENT_BYTES : 0;
        Packet fragment = Packet.copyOf(new byte[data + headerBytes + to - from]);
        fragment.putBytes(0, whole, 0, data);
        fragment.putBytes(data + headerBytes, whole, data + from, to - from);
        fragment.putU16(l3 + Ipv6Header.PAYLOAD_LENGTH, fragment.lengthBytes() - l3 - Ipv6Header.BYTES);
        if (cut) {
            int field = nextHeaderField(whole, data);
            fragment.putU8(data + Ipv6Header.EXTENSION_NEXT_HEADER, whole.u8(field));
            int offset = from & Ipv6Header.OFFSET_MASK;
            fragment.putU16(
                    data + Ipv6Header.FRAGMENT_OFFSET_AND_MORE, offset | (more ? Ipv6Header.MORE_FRAGMENTS : 0));
            fragment.putU32(data + Ipv6Header.FRAGMENT_IDENTIFICATION, identification);
            fragment.putU8(field, IpProtocols.FRAGMENT);
        }
        return fragment.toBytes();
    }

    private static int fragmentableOffset(Packet packet) {
        int offset = packet.l3Offset() + Ipv6Header.BYTES;
        int fragmentable = offset;
        int next = packet.u8(packet.l3Offset() + Ipv6Header.NEXT_HEADER);
        while (next == IpProtocols.HOP_BY_HOP
                || next == IpProtocols.ROUTING
                || next == IpProtocols.DESTINATION_OPTIONS) {
            boolean repeated = next != IpProtocols.DESTINATION_OPTIONS;
            int headerBytes = Ipv6Header.extensionBytes(packet, offset, next);
            next = packet.u8(offset + Ipv6Header.EXTENSION_NEXT_HEADER);
            offset += headerBytes;
            fragmentable = repeated ? offset : fragmentable;
        }
        return fragmentable;
    }

    /** Where the field stands that says what begins at {@code data}. */
    private static int nextHeaderField(Packet packet, int data) {
        int field = packet.l3Offset() + Ipv6Header.NEXT_HEADER;
        for (int offset = packet.l3Offset() + Ipv6Header.BYTES; offset < data; ) {
            int headerBytes = Ipv6Header.extensionBytes(packet, offset, packet.u8(field));
            field = offset + Ipv6Header.EXTENSION_NEXT_HEADER;
            offset += headerBytes;
        }
        return field;
    }
}
