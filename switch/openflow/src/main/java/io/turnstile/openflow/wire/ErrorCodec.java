package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.OfErrorCode;

/** OFPT_ERROR with the spec's type and code, and with Open vSwitch's vendor errors where 1.0 has none of its own. */
public final class ErrorCodec {
    /** OFPT_ERROR in every version. */
    public static final int TYPE = 1;

    private static final int NICIRA_VENDOR_ERROR = 0xb0c2;
    private static final int FIRST_VENDOR_CODE = 256;
    private static final int UNENCODABLE_TYPE = 1;
    private static final int UNENCODABLE_CODE = 521;
    private static final int BUNDLE_FAILED = 17;
    private static final int ONF_BUNDLE_ERRORS = 2300;
    private static final int INSTRUCTION = 3;
    private static final int DUPLICATE_INSTRUCTION = 9;
    private static final int ONF_DUPLICATE_INSTRUCTION = 2600;
    private static final int HELLO_FAILED = 0;
    /** Errors about properties stand among those about table features in 1.3, and are vendor errors before. */
    private static final int PROPERTY = 14;

    private static final int TABLE_FEATURES_FAILED = 13;
    private static final int FIRST_PROPERTY_CODE = 2;
    /** Later ones are ONF's extension to 1.3. */
    private static final int LAST_PROPERTY_CODE_13 = 2;

    private static final int ONF_PROPERTY = 4440;
    private static final int MAX_MESSAGE_BYTES = 0xffff;

    private ErrorCodec() {}

    /**
     * Writes an OFPT_ERROR whole.
     *
     * @param request the request, which is quoted whole, so that its sender need not remember it; only what would make
     *     the error itself too long is left off
     */
    public static void write(ByteBuf out, WireVersion version, int xid, OfErrorCode error, ByteBuf request) {
        int start = Wire.startMessage(out, version, TYPE, xid);
        if (version == WireVersion.OF10) {
            write10(out, error);
        } else if (version == WireVersion.OF13 && error.type13() == BUNDLE_FAILED) {
            out.writeShort(Wire.EXPERIMENTER)
                    .writeShort(ONF_BUNDLE_ERRORS + error.code13())
                    .writeInt(Wire.ONF);
        } else if (version == WireVersion.OF13
                && error.type13() == INSTRUCTION
                && error.code13() == DUPLICATE_INSTRUCTION) {
            out.writeShort(Wire.EXPERIMENTER)
                    .writeShort(ONF_DUPLICATE_INSTRUCTION)
                    .writeInt(Wire.ONF);
        } else if (version == WireVersion.OF13
                && error.type13() == PROPERTY
                && error.code13() > LAST_PROPERTY_CODE_13) {
            out.writeShort(Wire.EXPERIMENTER)
                    .writeShort(ONF_PROPERTY + error.code13())
                    .writeInt(Wire.ONF);
        } else if (version == WireVersion.OF13 && error.type13() == PROPERTY) {
            out.writeShort(TABLE_FEATURES_FAILED).writeShort(error.code13() + FIRST_PROPERTY_CODE);
        } else if (error.type13() == Wire.EXPERIMENTER) {
            out.writeShort(Wire.EXPERIMENTER).writeShort(error.code13()).writeInt(Wire.NICIRA);
        } else {
            out.writeShort(error.type13()).writeShort(error.code13());
        }
        int room = MAX_MESSAGE_BYTES - (out.writerIndex() - start);
        out.writeBytes(request, request.readerIndex(), Math.min(request.readableBytes(), room));
        Wire.endMessage(out, start);
    }

    private static void write10(ByteBuf out, OfErrorCode error) {
        if (error.type10() < 0) {
            vendor10(out, UNENCODABLE_TYPE, UNENCODABLE_CODE);
        } else if (error.code10() >= FIRST_VENDOR_CODE
                || error.type10() >= TABLE_FEATURES_FAILED
                || error == OfErrorCode.OFPBAC_BAD_OUT_GROUP) { // 1.0 has no groups
            vendor10(out, error.type10(), error.code10());
        } else {
            out.writeShort(error.type10()).writeShort(error.code10());
        }
    }

    private static void vendor10(ByteBuf out, int type, int code) {
        out.writeShort(NICIRA_VENDOR_ERROR)
                .writeShort(0)
                .writeInt(Wire.NICIRA)
                .writeShort(type)
                .writeShort(code);
    }

    /** OFPHFC_INCOMPATIBLE: there is no version that both sides speak. */
    public static void writeHelloFailed(ByteBuf out, int version, int xid, String reason) {
        int start = out.writerIndex();
        out.writeByte(version)
                .writeByte(TYPE)
                .writeShort(0)
                .writeInt(xid)
                .writeShort(HELLO_FAILED)
                .writeShort(0);
        out.writeBytes(reason.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        Wire.endMessage(out, start);
    }
}
