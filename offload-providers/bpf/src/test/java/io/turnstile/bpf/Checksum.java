package io.turnstile.bpf;

import java.nio.ByteBuffer;

/** Internet checksums the plain way (RFC 1071), over frames whose checksum field is 0. */
final class Checksum {
    private static final int IP_HEADER_BYTES = 20;
    private static final int ADDRESSES_OFFSET = 12;

    private Checksum() {}

    static short ofHeader(byte[] frame, int ip) {
        return fold(sum(frame, ip, ip + IP_HEADER_BYTES));
    }

    /** Of UDP over IPv4, which counts a pseudo header (RFC 768). */
    static short ofDatagram(byte[] frame, int ip, int udp) {
        final int protocol = 17;
        long pseudoHeader = sum(frame, ip + ADDRESSES_OFFSET, ip + IP_HEADER_BYTES) + protocol + (frame.length - udp);
        return fold(pseudoHeader + sum(frame, udp, frame.length));
    }

    private static long sum(byte[] frame, int from, int to) {
        ByteBuffer bytes = ByteBuffer.wrap(frame);
        long sum = 0;
        for (int i = from; i < to; i += Short.BYTES) {
            sum += Short.toUnsignedInt(bytes.getShort(i));
        }
        return sum;
    }

    private static short fold(long sum) {
        long folded = sum;
        while (folded >>> Short.SIZE != 0) {
            folded = (folded & 0xffff) + (folded >>> Short.SIZE);
        }
        return (short) ~folded;
    }
}
