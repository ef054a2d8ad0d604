package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.ActionKind;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.MatchField.Masked;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.SetMpls.Part;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/**
 * Actions on MPLS label stacks: one argument behind the header, on a multiple of its size; the rest is padding. What is
 * read stands after the header.
 */
final class MplsCodec {
    private MplsCodec() {}

    /** ethertype 16. */
    static OfAction readPush(ByteBuf in) throws OfException {
        int etherType = in.readUnsignedShort();
        if (!EtherTypes.isMpls(etherType)) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "push_mpls of 0x" + Integer.toHexString(etherType));
        }
        return new OfAction.PushMpls(etherType);
    }

    /** ethertype 16. */
    static OfAction readPop(ByteBuf in) {
        return new OfAction.PopMpls(in.readUnsignedShort());
    }

    static void writeType(ByteBuf out, ActionKind kind, int etherType, WireVersion version) {
        int start = ActionTable.start(out, kind, version);
        out.writeShort(etherType);
        ActionTable.end(out, start);
    }

    /** label 32, or class or TTL 8. */
    static OfAction readSet(ActionForm form, ByteBuf in) throws OfException {
        if (form.equals(ActionForm.SET_MPLS_LABEL) || form.equals(ActionForm.NX_SET_MPLS_LABEL)) {
            return set(Part.LABEL, in.skipBytes(paddingBytes(form)).readInt());
        }
        boolean ttl = form.equals(ActionForm.SET_MPLS_TTL) || form.equals(ActionForm.NX_SET_MPLS_TTL);
        return set(ttl ? Part.TTL : Part.TC, in.readUnsignedByte());
    }

    private static int paddingBytes(ActionForm form) {
        return -ActionTable.headerBytes(form) & Integer.BYTES - 1;
    }

    /** Bits that the part does not have are not looked at. */
    private static OfAction set(Part part, int value) {
        return new OfAction.SetMpls(part, value & (1 << part.widthBits()) - 1);
    }

    /** Of label and class OpenFlow 1.2 and later have set_field alone. */
    static void writeSet(ByteBuf out, OfAction.SetMpls a, WireVersion version) {
        if (version.isOxm() && a.part() != Part.TTL) {
            MatchField field = MatchField.known(a.part() == Part.LABEL ? "mpls_label" : "mpls_tc");
            SetFieldCodec.writeOxm(out, field, new Masked(0, a.value(), 0, field.lowMask()), version);
            return;
        }
        boolean nicira = !version.hasInstructions();
        ActionForm form = switch (a.part()) {
            case LABEL -> nicira ? ActionForm.NX_SET_MPLS_LABEL : ActionForm.SET_MPLS_LABEL;
            case TC -> nicira ? ActionForm.NX_SET_MPLS_TC : ActionForm.SET_MPLS_TC;
            case TTL -> nicira ? ActionForm.NX_SET_MPLS_TTL : ActionForm.SET_MPLS_TTL;
        };
        int start = ActionTable.start(out, form);
        if (a.part() == Part.LABEL) {
            out.writeZero(paddingBytes(form)).writeInt(a.value());
        } else {
            out.writeByte(a.value());
        }
        ActionTable.end(out, start);
    }
}
