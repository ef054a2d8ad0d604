package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.SubField;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;

/**
 * Nicira's smaller actions: note, stack, write_metadata, dec_ttl with ids, conjunction. What is read stands after the
 * header.
 */
final class NiciraActions {
    private static final int STACK_BYTES = 24;

    private NiciraActions() {}

    /** The rest is the note, padding included. */
    static OfAction readNote(ByteBuf in) {
        byte[] bytes = new byte[in.readableBytes()];
        in.readBytes(bytes);
        return new OfAction.Note(bytes);
    }

    static void writeNote(ByteBuf out, OfAction.Note a, WireVersion version) {
        int start = ActionTable.start(out, a.kind(), version);
        out.writeBytes(a.bytes());
        ActionTable.end(out, start);
    }

    /** n 16, zero 32, n ids of 16 bits. */
    static OfAction readDecTtl(ByteBuf in) throws OfException {
        int count = in.readUnsignedShort();
        if (in.readInt() != 0) {
            throw new OfException(OfErrorCode.NXBRC_MUST_BE_ZERO, "dec_ttl: reserved bytes are not zero");
        }
        Wire.need(in, 2 * count, OfErrorCode.OFPBAC_BAD_LEN);
        List<Integer> ids = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            ids.add(in.readUnsignedShort());
        }
        return new OfAction.DecTtlFor(List.copyOf(ids));
    }

    static void writeDecTtl(ByteBuf out, OfAction.DecTtlFor a, WireVersion version) {
        int start = ActionTable.start(out, a.kind(), version);
        out.writeShort(a.controllerIds().size()).writeZero(4);
        a.controllerIds().forEach(out::writeShort);
        ActionTable.end(out, start);
    }

    /** length 16, offset 16, field header. */
    static OfAction readCheckPktLarger(ByteBuf in) throws OfException {
        int length = in.readUnsignedShort();
        int offset = in.readUnsignedShort();
        MatchField field = SubFieldCodec.readField(in);
        SubFieldCodec.needOnlyZeros(in);
        SubFieldCodec.writablePart(field, offset, 1);
        return new OfAction.CheckPktLarger(length, new OfAction.FieldPart(field, offset, 1));
    }

    static void writeCheckPktLarger(ByteBuf out, OfAction.CheckPktLarger a, WireVersion version) {
        int start = ActionTable.start(out, a.kind(), version);
        out.writeShort(a.lengthBytes()).writeShort(a.result().offsetBits());
        SubFieldCodec.writeShortField(out, a.result().field());
        out.writeZero(6);
        ActionTable.end(out, start);
    }

    /** clause 8, n_clauses 8, id 32. */
    static OfAction readConjunction(ByteBuf in) throws OfException {
        int clause = in.readUnsignedByte();
        int clauses = in.readUnsignedByte();
        if (clauses < OfAction.Conjunction.FEWEST_CLAUSES
                || clauses > OfAction.Conjunction.MOST_CLAUSES
                || clause >= clauses) {
            throw new OfException(
                    OfErrorCode.NXBAC_BAD_CONJUNCTION, "conjunction: clause " + (clause + 1) + " of " + clauses);
        }
        return new OfAction.Conjunction(in.readInt(), clause, clauses);
    }

    static void writeConjunction(ByteBuf out, OfAction.Conjunction a, WireVersion version) {
        int start = ActionTable.start(out, a.kind(), version);
        out.writeByte(a.clause()).writeByte(a.clauses()).writeInt(a.id());
        ActionTable.end(out, start);
    }

    /** zero 48, value 64, mask 64. */
    static OfAction readWriteMetadata(ByteBuf in) throws OfException {
        SubFieldCodec.needReserved(in, 6);
        return new OfAction.WriteMetadata(in.readLong(), in.readLong());
    }

    static void writeMetadata(ByteBuf out, OfAction.WriteMetadata a, WireVersion version) {
        int start = ActionTable.start(out, a.kind(), version);
        out.writeZero(6).writeLong(a.value()).writeLong(a.mask());
        ActionTable.end(out, start);
    }

    /** offset 16, field header, n_bits 16. */
    static SubField readStack(ByteBuf in, boolean writes) throws OfException {
        int offset = in.readUnsignedShort();
        MatchField field = SubFieldCodec.readField(in);
        int bits = in.readUnsignedShort();
        SubFieldCodec.needOnlyZeros(in);
        return writes ? SubFieldCodec.writablePart(field, offset, bits) : SubFieldCodec.part(field, offset, bits);
    }

    static void writeStack(ByteBuf out, OfAction a, SubField part, Match context, WireVersion version) {
        MatchField field = SubFieldCodec.fieldOf(part, context);
        int start = ActionTable.start(out, a.kind(), version);
        out.writeShort(part.offsetBits() - field.offsetBits());
        SubFieldCodec.writeShortField(out, field);
        out.writeShort(part.widthBits());
        out.writeZero(STACK_BYTES - (out.writerIndex() - start));
        ActionTable.end(out, start);
    }
}
