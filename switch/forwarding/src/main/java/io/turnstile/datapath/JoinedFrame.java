package io.turnstile.datapath;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import io.turnstile.packet.TcpHeader;

/**
 * What a joined frame ({@link Packet#segmentBytes()}) stands for on the wire: counters count that, whoever cuts it.
 *
 * <p>Threads: stateless.
 */
final class JoinedFrame {
    private JoinedFrame() {}

    /** How many frames it stands for. */
    static int segments(Packet packet) {
        int payloadBytes = packet.lengthBytes() - headerBytes(packet);
        return Math.max(1, (payloadBytes + packet.segmentBytes() - 1) / packet.segmentBytes());
    }

    /** Whether one of the packets is a joined frame. */
    static boolean isAny(PacketBatch packets) {
        for (int i = 0; i < packets.length(); i++) {
            if (packets.get(i).segmentBytes() != 0) {
                return true;
            }
        }
        return false;
    }

    /** How many frames the packet is on the wire, joined or not. */
    static int frames(Packet packet) {
        return packet.segmentBytes() == 0 ? 1 : segments(packet);
    }

    /** How many bytes the packet is on the wire, joined or not. */
    static long wireBytes(Packet packet) {
        return packet.segmentBytes() == 0
                ? packet.lengthBytes()
                : packet.lengthBytes() + (long) (segments(packet) - 1) * headerBytes(packet);
    }

    /** How many bytes the longest of them has on the wire; of one that is not joined, its own. */
    static int longestFrameBytes(Packet packet) {
        return packet.segmentBytes() == 0
                ? packet.lengthBytes()
                : Math.min(packet.lengthBytes(), headerBytes(packet) + packet.segmentBytes());
    }

    /** The headers that each of them has. */
    static int headerBytes(Packet packet) {
        int transport = packet.checksumStart();
        boolean tcp = packet.checksumField() - transport == TcpHeader.CHECKSUM;
        return transport + (tcp ? TcpHeader.headerBytes(packet, transport) : PacketParser.UDP_BYTES);
    }
}
