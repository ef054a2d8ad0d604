package io.turnstile.conntrack;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** SCTP chunks for tests, built from RFC 9260 §3 without any of the tracker's code, and packets of them. */
final class SctpChunkBytes {
    static final int CLIENT_PORT = 5000;
    static final int SERVER_PORT = 36412;

    private SctpChunkBytes() {}

    /** From 10.0.0.1:5000 to 10.0.0.2:36412. */
    static Frame there(int tag, byte[]... chunks) {
        return Frames.sctp("10.0.0.1:" + CLIENT_PORT + " > 10.0.0.2:" + SERVER_PORT, tag, chunks);
    }

    static Frame back(int tag, byte[]... chunks) {
        return Frames.sctp("10.0.0.2:" + SERVER_PORT + " > 10.0.0.1:" + CLIENT_PORT, tag, chunks);
    }

    static Frame sent(int direction, int tag, byte[]... chunks) {
        return direction == 0 ? there(tag, chunks) : back(tag, chunks);
    }

    /** Any chunk; its length field says what it is long. */
    static byte[] chunk(int type, int flags, int valueBytes) {
        return ByteBuffer.allocate(4 + valueBytes)
                .put((byte) type)
                .put((byte) flags)
                .putShort((short) (4 + valueBytes))
                .array();
    }

    static byte[] data() {
        return chunk(0, 3, 12 + 5);
    }

    static byte[] init(int initiateTag) {
        return ByteBuffer.wrap(chunk(1, 0, 16)).putInt(4, initiateTag).array();
    }

    static byte[] initAck(int initiateTag) {
        return ByteBuffer.wrap(chunk(2, 0, 16 + 12)).putInt(4, initiateTag).array();
    }

    /** INIT (1) or INIT ACK (2) with parameters behind it. */
    static byte[] initWith(int type, int initiateTag, byte[]... parameters) {
        int bytes = 20
                + Arrays.stream(parameters)
                        .mapToInt(parameter -> parameter.length)
                        .sum();
        ByteBuffer out = ByteBuffer.allocate(bytes)
                .put((byte) type)
                .put((byte) 0)
                .putShort((short) bytes)
                .putInt(initiateTag)
                .position(20);
        Arrays.stream(parameters).forEach(out::put);
        return out.array();
    }

    /** A parameter, padded to four bytes. */
    static byte[] parameter(int type, byte... value) {
        return ByteBuffer.allocate(4 + value.length + 3 & ~3)
                .putShort((short) type)
                .putShort((short) (4 + value.length))
                .put(value)
                .array();
    }

    static byte[] sack() {
        return chunk(3, 0, 12);
    }

    static byte[] heartbeat() {
        return chunk(4, 0, 8);
    }

    static byte[] heartbeatAck() {
        return chunk(5, 0, 8);
    }

    static byte[] abort() {
        return chunk(6, 0, 0);
    }

    /** ABORT of a side that has no association: T bit. */
    static byte[] abortReflected() {
        return chunk(6, 1, 0);
    }

    static byte[] shutdown() {
        return chunk(7, 0, 4);
    }

    static byte[] shutdownAck() {
        return chunk(8, 0, 0);
    }

    static byte[] error() {
        return chunk(9, 0, 8);
    }

    static byte[] cookieEcho() {
        return chunk(10, 0, 9);
    }

    static byte[] cookieAck() {
        return chunk(11, 0, 0);
    }

    static byte[] shutdownComplete() {
        return chunk(14, 0, 0);
    }

    static byte[] shutdownCompleteReflected() {
        return chunk(14, 1, 0);
    }

    static byte[] auth() {
        return chunk(15, 0, 24);
    }
}
