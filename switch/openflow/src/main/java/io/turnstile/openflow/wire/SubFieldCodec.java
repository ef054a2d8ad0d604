package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.OfAction.SubField;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.SubFieldText;

/** Fields and parts of fields that actions name. */
final class SubFieldCodec {
    private static final int OFFSET_SHIFT = 6;
    private static final int WIDTH_MASK = 0x3f;

    private SubFieldCodec() {}

    // ---- reading ----

    /** A field header inside an action. */
    static MatchField readField(ByteBuf in) throws OfException {
        Wire.need(in, 4, OfErrorCode.OFPBMC_BAD_LEN);
        FieldHeader header = FieldHeader.read(in, OfErrorCode.OFPBMC_BAD_FIELD, OfErrorCode.OFPBMC_BAD_FIELD);
        if (header.masked()) {
            throw new OfException(OfErrorCode.OFPBMC_BAD_MASK, header.field().name() + " with a mask");
        }
        return header.field();
    }

    /**
     * A field header in the actions that came before OXM and have room for 32 bits of it. Whether it says that a mask
     * follows makes no difference: none does.
     */
    static MatchField readShortField(ByteBuf in) throws OfException {
        int header = in.readInt();
        MatchField field = MatchField.coded(header >>> 9);
        boolean masked = (header >>> 8 & 1) != 0;
        if (field == null || (header & 0xff) != (masked ? 2 : 1) * field.wireBytes()) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_SET_TYPE, "no field 0x" + Integer.toHexString(header));
        }
        return field;
    }

    static SubField part(MatchField field, int offset, int bits) throws OfException {
        if (bits == 0 || offset + bits > field.widthBits()) {
            throw new OfException(
                    OfErrorCode.OFPBAC_BAD_SET_LEN,
                    field.name() + "[" + offset + "+" + bits + "] goes beyond the field");
        }
        return new SubField(field.field(), field.offsetBits() + offset, bits);
    }

    static SubField writablePart(MatchField field, int offset, int bits) throws OfException {
        SubField target = part(field, offset, bits);
        if (!field.writable()) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, field.name() + " is read-only");
        }
        return target;
    }

    // ---- offset and width in sixteen bits: ten and six ----

    static int offset(int packed) {
        return packed >>> OFFSET_SHIFT;
    }

    static int width(int packed) {
        return (packed & WIDTH_MASK) + 1;
    }

    static int packed(int offset, int bits) {
        return offset << OFFSET_SHIFT | bits - 1;
    }

    static int packed(SubField part, MatchField field) {
        return packed(part.offsetBits() - field.offsetBits(), part.widthBits());
    }

    // ---- writing ----

    static MatchField fieldOf(SubField part, Match context) {
        return SubFieldText.fieldOf(part.field(), part.offsetBits(), part.widthBits(), context);
    }

    /** The same of what an action writes. */
    static MatchField writtenFieldOf(SubField part, Match context) {
        return SubFieldText.writtenFieldOf(part.field(), part.offsetBits(), part.widthBits(), context);
    }

    /** As NXM has it, under every version. */
    static void writeShortField(ByteBuf out, MatchField field) {
        MatchCodec.writeHeader(out, field, false, WireVersion.OF10);
    }

    // ---- padding ----

    /** What is left of the action is padding. */
    static void needOnlyZeros(ByteBuf in) throws OfException {
        while (in.isReadable()) {
            if (in.readByte() != 0) {
                throw new OfException(OfErrorCode.NXBRC_MUST_BE_ZERO, "padding is not zero");
            }
        }
    }

    /** Bytes in the middle of an action that have no meaning yet. */
    static void needReserved(ByteBuf in, int bytes) throws OfException {
        Wire.need(in, bytes, OfErrorCode.OFPBAC_BAD_LEN);
        for (int i = 0; i < bytes; i++) {
            if (in.readByte() != 0) {
                throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "reserved bytes are not zero");
            }
        }
    }
}
