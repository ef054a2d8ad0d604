package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/** What all codecs share: header constants, ports of either width, padding, bounds. */
public final class Wire {
    // struct ofp_header: version, type, length, xid
    public static final int HEADER_BYTES = 8;
    public static final int TYPE_OFFSET = 1;
    public static final int LENGTH_OFFSET = 2;
    public static final int XID_OFFSET = 4;
    /** Nicira's experimenter id. */
    public static final int NICIRA = 0x2320;
    /** Whose fields those of network service headers are. */
    static final int NICIRA_OXM = 0x005ad650;
    /** The Open Networking Foundation's experimenter id. */
    public static final int ONF = 0x4f4e4600;
    /** The type of statistics, errors, actions and properties that an experimenter defines. */
    public static final int EXPERIMENTER = 0xffff;
    /** The packet is in the message itself, not in a buffer of the switch (OFP_NO_BUFFER). */
    static final int NO_BUFFER = -1;

    private Wire() {}

    static void writePort(ByteBuf out, int port, WireVersion version) {
        if (version.hasInstructions()) {
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

    /** Refuses a packet that is said to be in a buffer. */
    static void needNoBuffer(int bufferId) throws OfException {
        if (bufferId != NO_BUFFER) {
            throw new OfException(OfErrorCode.OFPBRC_BUFFER_UNKNOWN, "this switch buffers nothing");
        }
    }

    /** Starts a property, or what else begins with a type and a length; {@link #endProperty} fills in the length. */
    static int startProperty(ByteBuf out, int type) {
        int start = out.writerIndex();
        out.writeShort(type).writeShort(0);
        return start;
    }

    /** The length is without the padding that follows. */
    static void endProperty(ByteBuf out, int start) {
        out.setShort(start + 2, out.writerIndex() - start);
        pad(out, start);
    }

    /** Starts a message; {@link #endMessage} fills in its length. */
    public static int startMessage(ByteBuf out, WireVersion version, int type, int xid) {
        int start = out.writerIndex();
        out.writeByte(version.code()).writeByte(type).writeShort(0).writeInt(xid);
        return start;
    }

    public static void endMessage(ByteBuf out, int start) {
        out.setShort(start + LENGTH_OFFSET, out.writerIndex() - start);
    }
}
