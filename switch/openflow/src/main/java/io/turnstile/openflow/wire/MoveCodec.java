package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfException;

/** One part of a field copied to another: NXAST_REG_MOVE, ONF's and OpenFlow 1.5's copy_field. */
final class MoveCodec {
    private MoveCodec() {}

    /**
     * n_bits 16, src_ofs 16, dst_ofs 16, pad 16 in copy_field, two field headers; ONF's has 16 more bits of pad in
     * front.
     */
    static OfAction.Move read(ActionForm form, ByteBuf in) throws OfException {
        in.skipBytes(form.equals(ActionForm.ONF_COPY_FIELD) ? 2 : 0);
        int bits = in.readUnsignedShort();
        int sourceOffset = in.readUnsignedShort();
        int targetOffset = in.readUnsignedShort();
        in.skipBytes(form.equals(ActionForm.NX_REG_MOVE) ? 0 : 2);
        MatchField source = SubFieldCodec.readField(in);
        MatchField target = SubFieldCodec.readField(in);
        SubFieldCodec.needOnlyZeros(in);
        return new OfAction.Move(
                SubFieldCodec.part(source, sourceOffset, bits), SubFieldCodec.writablePart(target, targetOffset, bits));
    }

    static void write(ByteBuf out, OfAction.Move a, Match context, WireVersion version) {
        boolean copies = ActionForm.COPY_FIELD.isIn(version.code());
        MatchField source = SubFieldCodec.fieldOf(a.source(), context);
        MatchField target = SubFieldCodec.fieldOf(a.destination(), context);
        int start = ActionTable.start(out, copies ? ActionForm.COPY_FIELD : ActionForm.NX_REG_MOVE);
        out.writeShort(a.source().widthBits())
                .writeShort(a.source().offsetBits() - source.offsetBits())
                .writeShort(a.destination().offsetBits() - target.offsetBits());
        out.writeZero(copies ? 2 : 0);
        MatchCodec.writeHeader(out, source, false, copies ? version : WireVersion.OF10);
        MatchCodec.writeHeader(out, target, false, copies ? version : WireVersion.OF10);
        ActionTable.end(out, start);
    }
}
