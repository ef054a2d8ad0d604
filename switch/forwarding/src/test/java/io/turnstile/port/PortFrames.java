package io.turnstile.port;

import io.turnstile.packet.Frames;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.lang.foreign.Arena;
import java.util.HexFormat;
import java.util.Random;

/** Frames and packet pools for tests of ports. */
public final class PortFrames {
    private static final int FIN_PUSH_ACK_CWR = 0x99;

    private PortFrames() {}

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
        byte[] payload = new byte[payloadBytes];
        new Random(payloadBytes).nextBytes(payload);
        Packet packet = Frames.tcp("10.78.0.1:8080 > 10.78.0.2:54321")
                .identification(0x1234)
                .flags(FIN_PUSH_ACK_CWR)
                .seq(0xffff_fe00L)
                .ackNumber(1)
                .window(0x1000)
                .options(hex("0101080a 00000001 00000002"))
                .payload(payload)
                .packet();
        long pseudo = InternetChecksum.add(6 + (packet.lengthBytes() - 34), packet, 26, 34);
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
