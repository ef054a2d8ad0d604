package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/** Resubmit, and output to the port that a field names. What is read stands after the header. */
final class ForwardingCodec {
    private ForwardingCodec() {}

    // ---- resubmit ----

    /** in_port 16, table 8, pad 24; the oldest form has no table. */
    static OfAction readResubmit(ActionForm form, ByteBuf in) throws OfException {
        int port = Ports.widened(in.readUnsignedShort());
        if (form.equals(ActionForm.NX_RESUBMIT)) {
            return new OfAction.Resubmit(port, OfAction.Resubmit.SAME_TABLE, false);
        }
        int table = in.readUnsignedByte();
        SubFieldCodec.needReserved(in, 3);
        return new OfAction.Resubmit(port, table, form.equals(ActionForm.NX_RESUBMIT_TABLE_CT));
    }

    /** Always in the form with a table, whatever form it came in, as Open vSwitch writes it. */
    static void writeResubmit(ByteBuf out, OfAction.Resubmit a) {
        int start = ActionTable.start(
                out, a.withConntrackTuple() ? ActionForm.NX_RESUBMIT_TABLE_CT : ActionForm.NX_RESUBMIT_TABLE);
        out.writeShort(a.inPort()).writeByte(a.tableId());
        ActionTable.end(out, start);
    }

    // ---- output_trunc ----

    /** port 16, max_len 32. */
    static OfAction readTruncated(ByteBuf in) throws OfException {
        int port = Ports.widened(in.readUnsignedShort());
        int maxLength = in.readInt();
        if (Integer.compareUnsigned(maxLength, OfAction.OutputTruncated.LEAST_BYTES) < 0) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "frames of " + maxLength + " bytes");
        }
        return new OfAction.OutputTruncated(port, maxLength);
    }

    static void writeTruncated(ByteBuf out, OfAction.OutputTruncated a, WireVersion version) {
        int start = ActionTable.start(out, a.kind(), version);
        out.writeShort(a.port()).writeInt(a.maxLengthBytes());
        ActionTable.end(out, start);
    }

    // ---- output_reg ----

    /** ofs_nbits 16, field header 32, max_len 16, zero 48; or ofs_nbits 16, max_len 16, field header 32 or 64. */
    static OfAction readOutputField(ActionForm form, ByteBuf in) throws OfException {
        int packed = in.readUnsignedShort();
        MatchField field;
        int maxLength;
        if (form.equals(ActionForm.NX_OUTPUT_REG)) {
            field = SubFieldCodec.readShortField(in);
            maxLength = in.readUnsignedShort();
            SubFieldCodec.needReserved(in, 6);
        } else {
            maxLength = in.readUnsignedShort();
            field = SubFieldCodec.readField(in);
        }
        return new OfAction.OutputField(
                SubFieldCodec.part(field, SubFieldCodec.offset(packed), SubFieldCodec.width(packed)), maxLength);
    }

    static void writeOutputField(ByteBuf out, OfAction.OutputField a, Match context) {
        MatchField field = SubFieldCodec.fieldOf(a.source(), context);
        int start = ActionTable.start(out, ActionForm.NX_OUTPUT_REG);
        out.writeShort(SubFieldCodec.packed(a.source(), field));
        SubFieldCodec.writeShortField(out, field);
        out.writeShort(a.maxLengthBytes()).writeZero(6);
        ActionTable.end(out, start);
    }
}
