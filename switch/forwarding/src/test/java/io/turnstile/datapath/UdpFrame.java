package io.turnstile.datapath;

import io.turnstile.packet.Frames;
import java.nio.ByteBuffer;

/** A small UDP datagram that says who it is by its ports. */
final class UdpFrame {
    static final int SIZE_BYTES = 60;
    private static final int HEADERS_BYTES = 14 + 20 + 8;

    private UdpFrame() {}

    static byte[] of(int sourcePort, int destinationPort) {
        return Frames.udp("10.0.0.1:" + sourcePort + " > 10.0.0.2:" + destinationPort)
                .payload(SIZE_BYTES - HEADERS_BYTES)
                .bytes();
    }

    static int sourcePort(byte[] frame) {
        return ByteBuffer.wrap(frame).getShort(34) & 0xffff;
    }

    static int destinationPort(byte[] frame) {
        return ByteBuffer.wrap(frame).getShort(36) & 0xffff;
    }
}
