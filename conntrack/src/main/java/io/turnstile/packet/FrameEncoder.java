package io.turnstile.packet;

import java.nio.ByteBuffer;

/**
 * The encoder writes down what a {@link Frame} describes: headers, lengths, checksums.
 *
 * <p>Threads: stateless.
 */
final class FrameEncoder {
    private static final int IPV4_CHECKSUM = 10;
    private static final int NO_CHECKSUM = -1;

    private FrameEncoder() {}

    static byte[] bytes(Frame frame) {
        Packet packet = Packet.copyOf(untagged(frame));
        PacketParser.parse(packet);
        if (packet.l3Offset() != Packet.ABSENT && frame.protocol >= 0) {
            checksums(frame, packet);
        }
        return tagged(packet.toBytes(), frame.tags);
    }

    private static byte[] tagged(byte[] untagged, int[] tags) {
        if (tags.length == 0) {
            return untagged;
        }
        int addressBytes = PacketParser.ETHERNET_BYTES - 2;
        ByteBuffer out = ByteBuffer.allocate(untagged.length + tags.length * PacketParser.VLAN_TAG_BYTES);
        out.put(untagged, 0, addressBytes);
        for (int tci : tags) {
            out.putShort((short) EtherTypes.VLAN).putShort((short) tci);
        }
        return out.put(untagged, addressBytes, untagged.length - addressBytes).array();
    }

    private static byte[] untagged(Frame frame) {
        return switch (frame.protocol) {
            case Frame.OPAQUE -> ethernet(frame, frame.opaqueType, frame.payload);
            case Frame.ARP -> ethernet(frame, EtherTypes.ARP, arp(frame));
            default ->
                frame.ends.ipv6()
                        ? ethernet(frame, EtherTypes.IPV6, ipv6(frame))
                        : ethernet(frame, EtherTypes.IPV4, ipv4(frame));
        };
    }

    private static byte[] ethernet(Frame frame, int etherType, byte[] body) {
        ByteBuffer out = ByteBuffer.allocate(PacketParser.ETHERNET_BYTES + body.length);
        putMac(out, frame.destinationMac);
        putMac(out, frame.sourceMac);
        return out.putShort((short) etherType).put(body).array();
    }

    private static byte[] ipv4(Frame frame) {
        byte[] body = transport(frame);
        ByteBuffer out = ByteBuffer.allocate(PacketParser.IPV4_MIN_BYTES + body.length);
        out.put((byte) 0x45).put((byte) frame.tos).putShort((short) out.capacity());
        out.putShort((short) frame.identification).putShort((short) frame.fragmentWord);
        out.put((byte) frame.ttl).put((byte) frame.protocol).putShort((short) 0);
        return out.put(frame.ends.source())
                .put(frame.ends.destination())
                .put(body)
                .array();
    }

    private static byte[] ipv6(Frame frame) {
        byte[] body = transport(frame);
        ByteBuffer out = ByteBuffer.allocate(PacketParser.IPV6_BYTES + body.length);
        out.putInt(6 << 28 | frame.tos << 20).putShort((short) body.length);
        out.put((byte) frame.protocol).put((byte) frame.ttl);
        return out.put(frame.ends.source())
                .put(frame.ends.destination())
                .put(body)
                .array();
    }

    private static byte[] transport(Frame frame) {
        int headerBytes = switch (frame.protocol) {
            case IpProtocols.TCP -> PacketParser.TCP_MIN_BYTES + frame.options.length;
            case IpProtocols.UDP -> PacketParser.UDP_BYTES;
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> PacketParser.ICMP_BYTES;
            default -> 0;
        };
        ByteBuffer out = ByteBuffer.allocate(headerBytes + frame.payload.length);
        switch (frame.protocol) {
            case IpProtocols.TCP -> {
                putPorts(out, frame);
                out.putInt(frame.sequence).putInt(frame.acknowledged);
                out.put((byte) (headerBytes / 4 << 4)).put((byte) frame.flags);
                out.putShort((short) frame.window).putInt(0).put(frame.options);
            }
            case IpProtocols.UDP -> {
                putPorts(out, frame);
                out.putShort((short) out.capacity()).putShort((short) 0);
            }
            case IpProtocols.ICMP, IpProtocols.ICMPV6 ->
                out.put((byte) frame.icmpType)
                        .put((byte) frame.icmpCode)
                        .putShort((short) 0)
                        .putShort((short) frame.icmpId)
                        .putShort((short) frame.icmpSequence);
            default -> {
                // The payload is all there is.
            }
        }
        return out.put(frame.payload).array();
    }

    private static void putPorts(ByteBuffer out, Frame frame) {
        out.putShort((short) frame.ends.sourcePort()).putShort((short) frame.ends.destinationPort());
    }

    private static byte[] arp(Frame frame) {
        ByteBuffer out = ByteBuffer.allocate(PacketParser.ARP_BYTES);
        out.putShort((short) 1).putShort((short) EtherTypes.IPV4).put((byte) 6).put((byte) 4);
        out.putShort((short) frame.arpOperation);
        putMac(out, frame.sourceMac);
        out.put(frame.ends.source());
        putMac(out, frame.arpOperation == 1 ? 0 : frame.destinationMac);
        return out.put(frame.ends.destination()).array();
    }

    /** Checksums, which need the pseudo-header of the parsed packet. */
    private static void checksums(Frame frame, Packet packet) {
        int l3 = packet.l3Offset();
        if (!frame.ends.ipv6()) {
            int sum = InternetChecksum.finish(InternetChecksum.add(0, packet, l3, l3 + PacketParser.IPV4_MIN_BYTES));
            packet.putU16(l3 + IPV4_CHECKSUM, frame.corruptNetwork ? sum ^ 1 : sum);
        }
        int l4 = packet.l4Offset();
        int field = switch (frame.protocol) {
            case IpProtocols.TCP -> 16;
            case IpProtocols.UDP -> 6;
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> 2;
            default -> NO_CHECKSUM;
        };
        if (field == NO_CHECKSUM || l4 == Packet.ABSENT || frame.protocol == IpProtocols.UDP && frame.noUdpChecksum) {
            return;
        }
        int end = packet.l3EndOffset();
        long pseudo = frame.protocol == IpProtocols.ICMP ? 0 : InternetChecksum.pseudoHeader(packet, end - l4);
        int sum = InternetChecksum.finish(InternetChecksum.add(pseudo, packet, l4, end));
        int value = sum == 0 && frame.protocol == IpProtocols.UDP ? 0xffff : sum;
        packet.putU16(l4 + field, frame.corrupt ? value ^ 0x0101 : value);
    }

    private static void putMac(ByteBuffer out, long mac) {
        out.putShort((short) (mac >>> 32)).putInt((int) mac);
    }
}
