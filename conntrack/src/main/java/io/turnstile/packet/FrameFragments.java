package io.turnstile.packet;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts IP frames into fragments (RFC 791 §3.2, RFC 8200 §4.5), for tests and embedders, as {@link Frames} makes them.
 *
 * <p>Threads: stateless.
 */
public final class FrameFragments {
    private static final int IPV6_HEADER_BYTES = 40;
    private static final int FRAGMENT_HEADER_BYTES = 8;
    private static final int IPV4_CHECKSUM = 10;
    private static final int IPV4_MORE = 0x2000;

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
        int data = ipv6 ? fragmentableOffset(packet) : packet.l3Offset() + (packet.u8(packet.l3Offset()) & 0xf) * 4;
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
        fragment.putU16(l3 + 2, data - l3 + to - from);
        fragment.putU16(l3 + 4, identification);
        fragment.putU16(l3 + 6, from / 8 | (more ? IPV4_MORE : 0));
        fragment.putU16(l3 + IPV4_CHECKSUM, 0);
        fragment.putU16(l3 + IPV4_CHECKSUM, InternetChecksum.finish(InternetChecksum.add(0, fragment, l3, data)));
        return fragment.toBytes();
    }

    private static byte[] ipv6(
            Packet whole, int data, int identification, int from, int to, boolean more, boolean cut) {
        int l3 = whole.l3Offset();
        int headerBytes = cut ? FRAGMENT_HEADER_BYTES : 0;
        Packet fragment = Packet.copyOf(new byte[data + headerBytes + to - from]);
        fragment.putBytes(0, whole, 0, data);
        fragment.putBytes(data + headerBytes, whole, data + from, to - from);
        fragment.putU16(l3 + 4, fragment.lengthBytes() - l3 - IPV6_HEADER_BYTES);
        if (cut) {
            int field = nextHeaderField(whole, data);
            fragment.putU8(data, whole.u8(field));
            fragment.putU16(data + 2, from & ~7 | (more ? 1 : 0));
            fragment.putU32(data + 4, identification);
            fragment.putU8(field, IpProtocols.FRAGMENT);
        }
        return fragment.toBytes();
    }

    private static int fragmentableOffset(Packet packet) {
        int offset = packet.l3Offset() + IPV6_HEADER_BYTES;
        int fragmentable = offset;
        int next = packet.u8(packet.l3Offset() + 6);
        while (next == IpProtocols.HOP_BY_HOP
                || next == IpProtocols.ROUTING
                || next == IpProtocols.DESTINATION_OPTIONS) {
            boolean repeated = next != IpProtocols.DESTINATION_OPTIONS;
            next = packet.u8(offset);
            offset += (packet.u8(offset + 1) + 1) * 8;
            fragmentable = repeated ? offset : fragmentable;
        }
        return fragmentable;
    }

    /** Where the field stands that says what begins at {@code data}. */
    private static int nextHeaderField(Packet packet, int data) {
        int field = packet.l3Offset() + 6;
        for (int offset = packet.l3Offset() + IPV6_HEADER_BYTES; offset < data; ) {
            field = offset;
            offset += (packet.u8(offset + 1) + 1) * 8;
        }
        return field;
    }
}
