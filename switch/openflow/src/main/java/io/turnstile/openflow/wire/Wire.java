package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.OfAction.Ports;
import io.turnstile.pipeline.OfErrorCode;
import io.turnstile.pipeline.OfException;

/** What all codecs share: header constants, ports of either width, padding, bounds. */
public final class Wire {
    public static final int HEADER_BYTES = 8;
    public static final int NICIRA = 0x2320;
    public static final int ONF = 0x4f4e4600;
    static final int EXPERIMENTER = 0xffff;
    /** Lowest reserved 16-bit port number. */
    private static final int MAX16 = 0xff00;

    private Wire() {}

    /** A 16-bit port number; reserved ones become their 32-bit successors. */
    static int port16(int number) {
        return number >= MAX16 ? number | 0xffff_0000 : number;
    }

    static void writePort(ByteBuf out, int port, WireVersion version) {
        if (version.isOxm()) {
            out.writeInt(port);
        } else {
            out.writeShort(port);
        }
    }

    /** Whether a packet may be sent to it: a number below the reserved ones, or one of these. */
    static boolean isOutputPort(int port) {
        return Integer.compareUnsigned(port, Ports.MAX) < 0
                || Integer.compareUnsigned(port, Ports.IN_PORT) >= 0 && port != Ports.NONE;
    }

    static int padded(int bytes) {
        return bytes + 7 & ~7;
    }

    static void pad(ByteBuf out, int from) {
        out.writeZero(padded(out.writerIndex() - from) - (out.writerIndex() - from));
    }

    static void need(ByteBuf in, int bytes, OfErrorCode error) throws OfException {
        if (bytes < 0 || in.readableBytes() < bytes) {
            throw new OfException(error, "truncated: " + bytes + " bytes expected, " + in.readableBytes() + " there");
        }
    }

    /** Starts a message; {@link #endMessage} fills in its length. */
    public static int startMessage(ByteBuf out, WireVersion version, int type, int xid) {
        int start = out.writerIndex();
        out.writeByte(version.code()).writeByte(type).writeShort(0).writeInt(xid);
        return start;
    }

    public static void endMessage(ByteBuf out, int start) {
        out.setShort(start + 2, out.writerIndex() - start);
    }
}
