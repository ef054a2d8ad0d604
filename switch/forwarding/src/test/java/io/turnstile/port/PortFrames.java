package io.turnstile.port;

import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.lang.foreign.Arena;
import java.util.HexFormat;
import java.util.Random;

/** Frames and packet pools for tests of ports. */
public final class Frames {
    private Frames() {}

    /** A frame of an experimental Ethernet type (IEEE 802 local experimental 1), random after the header. */
    public static byte[] random(int sizeBytes, long seed) {
        byte[] frame = new byte[sizeBytes];
        new Random(seed).nextBytes(frame);
        byte[] header = hex("020000000002 020000000001 88b5");
        System.arraycopy(header, 0, frame, 0, header.length);
        return frame;
    }

    /** A TCP super-frame over IPv4, its checksum partial, to be cut every {@code segmentBytes}. */
    public static Packet superFrame(int payloadBytes, int segmentBytes) {
        byte[] frame = new byte[14 + 20 + 32 + payloadBytes];
        new Random(payloadBytes).nextBytes(frame);
        byte[] headers = hex("020000000002 020000000001 0800"
                + "4500 0000 1234 4000 4006 0000 0a4e0001 0a4e0002"
                + "1f90 d431 fffffe00 00000001 8099 1000 0000 0000 0101080a0000000100000002");
        System.arraycopy(headers, 0, frame, 0, headers.length);
        Packet packet = Packet.copyOf(frame);
        packet.putU16(16, frame.length - 14);
        packet.putU16(24, InternetChecksum.finish(InternetChecksum.add(0, packet, 14, 34)));
        long pseudo = InternetChecksum.add(6 + (frame.length - 34), packet, 26, 34);
        packet.putU16(34 + 16, InternetChecksum.fold(pseudo));
        packet.setPartialChecksum(34, 34 + 16);
        packet.setSegmentBytes(segmentBytes);
        return packet;
    }

    public static Packet[] pool() {
        Packet[] pool = new Packet[PacketBatch.CAPACITY];
        for (int i = 0; i < pool.length; i++) {
            pool[i] = new Packet(Arena.ofAuto().allocate(Packet.HEADROOM_BYTES + (long) Packet.MAX_FRAME_BYTES, 64));
        }
        return pool;
    }

    public static byte[] hex(String digits) {
        return HexFormat.of().parseHex(digits.replace(" ", ""));
    }
}
