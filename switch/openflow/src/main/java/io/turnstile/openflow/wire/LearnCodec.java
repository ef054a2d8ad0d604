package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.FieldPart;
import io.turnstile.pipeline.flow.OfAction.LearnedPart;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The learn action in its two forms, of which the second has a limit and a place for the result (NXAST_LEARN,
 * NXAST_LEARN2), and fin_timeout. What is read stands after the header.
 */
final class LearnCodec {
    private static final int SEND_FLOW_REM = 1;
    private static final int DELETE_LEARNED = 2;
    private static final int WRITE_RESULT = 4;

    // The header of a part: width, where the value comes from, where it goes.
    private static final int WIDTH_MASK = 0x3ff;
    private static final int IMMEDIATE = 1 << 13;
    private static final int TO_MASK = 3 << 11;
    private static final int TO_MATCH = 0;
    private static final int TO_LOAD = 1 << 11;
    private static final int TO_OUTPUT = 2 << 11;

    private static final int MAX_BITS = 128;

    private LearnCodec() {}

    // ---- reading ----

    /** idle 16, hard 16, priority 16, cookie 64, flags 16, table 8, zero 8, fin_idle 16, fin_hard 16, … */
    static OfAction read(ActionForm form, ByteBuf in) throws OfException {
        boolean extended = form.equals(ActionForm.NX_LEARN2);
        int idle = in.readUnsignedShort();
        int hard = in.readUnsignedShort();
        int priority = in.readUnsignedShort();
        long cookie = in.readLong();
        int flags = in.readUnsignedShort();
        int table = in.readUnsignedByte();
        int pad = in.readUnsignedByte();
        int finIdle = in.readUnsignedShort();
        int finHard = in.readUnsignedShort();
        int known = SEND_FLOW_REM | DELETE_LEARNED | (extended ? WRITE_RESULT : 0);
        require(pad == 0 && table != 0xff && (flags & ~known) == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "learn");
        int limit = extended ? in.readInt() : 0;
        FieldPart result = extended ? readResult(in, (flags & WRITE_RESULT) != 0) : null;
        return new OfAction.Learn(
                table,
                idle,
                hard,
                finIdle,
                finHard,
                priority,
                cookie,
                (flags & SEND_FLOW_REM) != 0,
                (flags & DELETE_LEARNED) != 0,
                limit,
                result,
                readParts(in));
    }

    /** offset 16, zero 16; then the field's header, if there is a result. */
    private static @Nullable FieldPart readResult(ByteBuf in, boolean there) throws OfException {
        int offset = in.readUnsignedShort();
        require(in.readUnsignedShort() == 0, OfErrorCode.NXBAC_MUST_BE_ZERO, "learn: padding is not zero");
        if (!there) {
            require(offset == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "learn: a place for no result");
            return null;
        }
        MatchField field = SubFieldCodec.readField(in);
        SubFieldCodec.writablePart(field, offset, 1);
        return new FieldPart(field, offset, 1);
    }

    private static List<LearnedPart> readParts(ByteBuf in) throws OfException {
        List<LearnedPart> parts = new ArrayList<>();
        while (in.isReadable()) {
            Wire.need(in, 2, OfErrorCode.OFPBAC_BAD_LEN);
            int header = in.readUnsignedShort();
            if (header == 0) {
                break;
            }
            parts.add(readPart(in, header));
        }
        while (in.isReadable()) {
            require(in.readByte() == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "learn: padding is not zero");
        }
        return List.copyOf(parts);
    }

    private static LearnedPart readPart(ByteBuf in, int header) throws OfException {
        int width = header & WIDTH_MASK;
        int to = header & TO_MASK;
        boolean immediate = (header & IMMEDIATE) != 0;
        require(
                (header & ~(WIDTH_MASK | IMMEDIATE | TO_MASK)) == 0
                        && (to == TO_MATCH || to == TO_LOAD || to == TO_OUTPUT && !immediate),
                OfErrorCode.OFPBAC_BAD_ARGUMENT,
                "learn: a part of kind 0x" + Integer.toHexString(header));
        require(width != 0 && width <= MAX_BITS, OfErrorCode.OFPBAC_BAD_SET_LEN, "learn: " + width + " bits");
        if (immediate) {
            Bits value = readValue(in, width);
            FieldPart destination = readPlace(in, width);
            return to == TO_MATCH
                    ? new LearnedPart.MatchedValue(destination, value)
                    : new LearnedPart.LoadedValue(destination, value);
        }
        FieldPart source = readPlace(in, width);
        if (to == TO_OUTPUT) {
            return new LearnedPart.Output(source);
        }
        FieldPart destination = readPlace(in, width);
        return to == TO_MATCH
                ? new LearnedPart.Matched(destination, source)
                : new LearnedPart.Loaded(destination, source);
    }

    /** As many bits as asked, at the end of whole pairs of bytes. */
    private static Bits readValue(ByteBuf in, int width) throws OfException {
        int bytes = valueBytes(width);
        Wire.need(in, bytes, OfErrorCode.OFPBAC_BAD_LEN);
        long high = 0;
        long low = 0;
        for (int i = 0; i < bytes; i++) {
            high = high << 8 | low >>> 56;
            low = low << 8 | in.readUnsignedByte();
        }
        return new Bits(high, low).and(Bits.ones(width));
    }

    private static int valueBytes(int width) {
        return (width + 15) / 16 * 2;
    }

    /** field header, offset 16. */
    private static FieldPart readPlace(ByteBuf in, int width) throws OfException {
        Wire.need(in, 6, OfErrorCode.OFPBAC_BAD_LEN);
        MatchField field = SubFieldCodec.readShortField(in);
        int offset = in.readUnsignedShort();
        SubFieldCodec.part(field, offset, width);
        return new FieldPart(field, offset, width);
    }

    private static void require(boolean right, OfErrorCode code, String fault) throws OfException {
        if (!right) {
            throw new OfException(code, fault);
        }
    }

    // ---- writing ----

    static void write(ByteBuf out, OfAction.Learn a) {
        FieldPart result = a.result();
        boolean extended = a.limit() != 0 || result != null;
        int start = ActionTable.start(out, extended ? ActionForm.NX_LEARN2 : ActionForm.NX_LEARN);
        out.writeShort(a.idleTimeoutSeconds())
                .writeShort(a.hardTimeoutSeconds())
                .writeShort(a.priority());
        out.writeLong(a.cookie());
        out.writeShort((a.sendFlowRem() ? SEND_FLOW_REM : 0)
                | (a.deleteLearned() ? DELETE_LEARNED : 0)
                | (result == null ? 0 : WRITE_RESULT));
        out.writeByte(a.tableId()).writeByte(0);
        out.writeShort(a.finIdleTimeoutSeconds()).writeShort(a.finHardTimeoutSeconds());
        if (extended) {
            out.writeInt(a.limit())
                    .writeShort(result == null ? 0 : result.offsetBits())
                    .writeShort(0);
        }
        if (result != null) {
            SubFieldCodec.writeShortField(out, result.field());
        }
        a.parts().forEach(part -> writePart(out, part));
        ActionTable.end(out, start);
    }

    private static void writePart(ByteBuf out, LearnedPart part) {
        switch (part) {
            case LearnedPart.Matched a -> writeFromField(out, TO_MATCH, a.source(), a.destination());
            case LearnedPart.Loaded a -> writeFromField(out, TO_LOAD, a.source(), a.destination());
            case LearnedPart.MatchedValue a -> writeValue(out, TO_MATCH, a.value(), a.destination());
            case LearnedPart.LoadedValue a -> writeValue(out, TO_LOAD, a.value(), a.destination());
            case LearnedPart.Output a -> writeFromField(out, TO_OUTPUT, a.source(), null);
        }
    }

    private static void writeFromField(ByteBuf out, int to, FieldPart source, @Nullable FieldPart destination) {
        out.writeShort(to | source.widthBits());
        writePlace(out, source);
        if (destination != null) {
            writePlace(out, destination);
        }
    }

    private static void writeValue(ByteBuf out, int to, Bits value, FieldPart destination) {
        out.writeShort(IMMEDIATE | to | destination.widthBits());
        for (int shift = 8 * (valueBytes(destination.widthBits()) - 1); shift >= 0; shift -= 8) {
            out.writeByte((int) value.shiftedRight(shift).low());
        }
        writePlace(out, destination);
    }

    private static void writePlace(ByteBuf out, FieldPart part) {
        SubFieldCodec.writeShortField(out, part.field());
        out.writeShort(part.offsetBits());
    }

    // ---- fin_timeout ----

    /** idle 16, hard 16, zero 16. */
    static OfAction readFinTimeout(ByteBuf in) {
        return new OfAction.FinTimeout(in.readUnsignedShort(), in.readUnsignedShort());
    }

    static void writeFinTimeout(ByteBuf out, OfAction.FinTimeout a, WireVersion version) {
        int start = ActionTable.start(out, a.kind(), version);
        out.writeShort(a.idleSeconds()).writeShort(a.hardSeconds());
        ActionTable.end(out, start);
    }
}
