package io.turnstile.datapath;

import java.nio.ByteBuffer;

/** A small UDP datagram that says who it is by its ports. */
final class UdpFrame {
    static final int SIZE_BYTES = 60;

    private UdpFrame() {}

    static byte[] of(int sourcePort, int destinationPort) {
        return ByteBuffer.allocate(SIZE_BYTES)
                .putLong(0x0200_0000_0002_0200L)
                .putInt(1)
                .putShort((short) 0x0800)
                .putInt(0x4500_002e)
                .putInt(0)
                .putInt(0x4011_0000)
                .putInt(0x0a00_0001)
                .putInt(0x0a00_0002)
                .putShort((short) sourcePort)
                .putShort((short) destinationPort)
                .putInt(0x001a_0000)
                .array();
    }

    static int sourcePort(byte[] frame) {
        return ByteBuffer.wrap(frame).getShort(34) & 0xffff;
    }

    static int destinationPort(byte[] frame) {
        return ByteBuffer.wrap(frame).getShort(36) & 0xffff;
    }
}
