package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/**
 * A property of OpenFlow 1.4 and later: type 16, length 16, value, padded to eight bytes.
 *
 * @param type {@link Wire#EXPERIMENTER}: the value begins with the experimenter's id
 * @param value what stands behind the length, padding excluded
 */
record Property(int type, ByteBuf value) {
    private static final int HEADER_BYTES = 4;
    /** From the header to a multiple of eight bytes. */
    private static final int ALIGNMENT_PAD_BYTES = 4;
    /** The experimenter's id, and its type. */
    private static final int EXPERIMENTER_HEAD_BYTES = 8;

    /** Reads the next one with its padding. */
    static Property read(ByteBuf in) throws OfException {
        Wire.need(in, HEADER_BYTES, OfErrorCode.OFPBPC_BAD_LEN);
        int type = in.readUnsignedShort();
        int length = in.readUnsignedShort();
        if (length < HEADER_BYTES) {
            throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, "property of " + length + " bytes");
        }
        int padded = Wire.padded(length) - HEADER_BYTES;
        Wire.need(in, padded, OfErrorCode.OFPBPC_BAD_LEN);
        ByteBuf whole = in.readSlice(padded);
        return new Property(type, whole.slice(0, length - HEADER_BYTES));
    }

    /** The padding behind a number of 16 bits counts, as in Open vSwitch. */
    int value16() throws OfException {
        needBytes(4);
        return value.readUnsignedShort();
    }

    int value32() throws OfException {
        needBytes(4);
        return value.readInt();
    }

    private void needBytes(int bytes) throws OfException {
        if (value.readableBytes() != bytes) {
            throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, "property " + type);
        }
    }

    /** Padding, and whatever else stands behind the number, counts for nothing, as in Open vSwitch. */
    int atLeast16() throws OfException {
        Wire.need(value, 2, OfErrorCode.OFPBPC_BAD_LEN);
        return value.readUnsignedShort();
    }

    /** The same of eight bits. */
    int atLeast8() throws OfException {
        Wire.need(value, 1, OfErrorCode.OFPBPC_BAD_LEN);
        return value.readUnsignedByte();
    }

    /** 64 bits, aligned to them. */
    long value64() throws OfException {
        return aligned(8).readLong();
    }

    private ByteBuf aligned(int bytes) throws OfException {
        needBytes(ALIGNMENT_PAD_BYTES + bytes);
        return value.skipBytes(ALIGNMENT_PAD_BYTES);
    }

    /** What is nested in it, which begins at a multiple of eight bytes. */
    ByteBuf nested() throws OfException {
        Wire.need(value, ALIGNMENT_PAD_BYTES, OfErrorCode.OFPBPC_BAD_LEN);
        return value.skipBytes(ALIGNMENT_PAD_BYTES);
    }

    /** What Open vSwitch says of a property of its own extensions that it does not know. */
    OfException unknownPrivately() {
        if (type != Wire.EXPERIMENTER) {
            return new OfException(OfErrorCode.OFPBPC_BAD_TYPE, "property " + type);
        }
        if (value.readableBytes() < EXPERIMENTER_HEAD_BYTES) {
            return new OfException(OfErrorCode.OFPBPC_BAD_LEN, "property of an experimenter");
        }
        return new OfException(
                value.getInt(value.readerIndex()) == 0
                        ? OfErrorCode.OFPBPC_BAD_EXPERIMENTER
                        : OfErrorCode.OFPBPC_BAD_EXP_TYPE,
                "property of an experimenter");
    }

    /** What is said of a property that nobody here knows. */
    OfException unknown() {
        return type == Wire.EXPERIMENTER
                ? new OfException(OfErrorCode.OFPBPC_BAD_EXPERIMENTER, "property of an experimenter")
                : new OfException(OfErrorCode.OFPBPC_BAD_TYPE, "property " + type);
    }
}
