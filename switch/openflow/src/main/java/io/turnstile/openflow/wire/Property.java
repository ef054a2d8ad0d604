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

    /** What is said of a property that nobody here knows. */
    OfException unknown() {
        return type == Wire.EXPERIMENTER
                ? new OfException(OfErrorCode.OFPBPC_BAD_EXPERIMENTER, "property of an experimenter")
                : new OfException(OfErrorCode.OFPBPC_BAD_TYPE, "property " + type);
    }
}
