package io.turnstile.bench.soak;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;

/** OpenFlow 1.3 as far as clients need it that want little (OpenFlow 1.3.5 §7.1). */
final class OpenFlowBytes {
    static final int HELLO = 0;
    static final int ECHO_REQUEST = 2;
    static final int ECHO_REPLY = 3;
    private static final int MULTIPART_REQUEST = 18;
    private static final int MULTIPART_FLOW = 1;
    private static final int HEADER_BYTES = 8;
    private static final int FLOW_REQUEST_BYTES = 56;

    private OpenFlowBytes() {}

    /** A message that is a header alone. */
    static byte[] message(int type) {
        return header(type, HEADER_BYTES).array();
    }

    private static ByteBuffer header(int type, int length) {
        return ByteBuffer.allocate(length)
                .put((byte) 4)
                .put((byte) type)
                .putShort((short) length)
                .putInt(1);
    }

    /** Asks for all flows of all tables. */
    static byte[] flowsRequest() {
        return header(MULTIPART_REQUEST, FLOW_REQUEST_BYTES)
                .putShort((short) MULTIPART_FLOW)
                .putShort((short) 0)
                .putInt(0)
                .put((byte) 0xff) // all tables
                .put(new byte[3])
                .putInt(-1) // any port
                .putInt(-1) // any group
                .putInt(0)
                .putLong(0)
                .putLong(0)
                .putShort((short) 1) // a match of OXM fields, which has none
                .putShort((short) 4)
                .putInt(0)
                .array();
    }

    /** Reads messages until one of that type has come. */
    static void readUntil(DataInputStream in, int wanted) throws IOException {
        int type;
        do {
            in.readUnsignedByte();
            type = in.readUnsignedByte();
            int length = in.readUnsignedShort();
            in.readInt();
            in.skipNBytes(length - HEADER_BYTES);
        } while (type != wanted);
    }
}
