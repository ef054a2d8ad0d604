package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.HashFields;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.FieldPart;
import io.turnstile.pipeline.flow.OfAction.Multipath.Algorithm;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;

/** The actions multipath, bundle and bundle_load. What is read stands after the header. */
final class ChoiceCodec {
    private static final int ACTIVE_BACKUP = 0;
    private static final int HIGHEST_RANDOM_WEIGHT = 1;
    /** NXM_OF_IN_PORT, as a header. */
    private static final int MEMBERS_ARE_PORTS = 0x0000_0002;

    private static final int PORT_BITS = 16;

    private ChoiceCodec() {}

    // ---- multipath ----

    /** fields 16, basis 16, zero 16, algorithm 16, max_link 16, arg 32, zero 16, ofs_nbits 16, field header. */
    static OfAction readMultipath(ByteBuf in) throws OfException {
        HashFields fields = fields(in.readUnsignedShort());
        int basis = in.readUnsignedShort();
        int algorithm = in.skipBytes(2).readUnsignedShort();
        int links = in.readUnsignedShort() + 1;
        int argument = in.readInt();
        FieldPart destination = readPlace(in.skipBytes(2));
        int bits = destination.widthBits();
        if (algorithm >= Algorithm.values().length || bits < PORT_BITS && links > 1 << bits) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "multipath");
        }
        return new OfAction.Multipath(fields, basis, Algorithm.values()[algorithm], links, argument, destination);
    }

    private static HashFields fields(int number) throws OfException {
        return HashFields.of(number)
                .orElseThrow(() -> new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "hash of fields " + number));
    }

    /** ofs_nbits 16, field header. */
    private static FieldPart readPlace(ByteBuf in) throws OfException {
        int packed = in.readUnsignedShort();
        MatchField field = SubFieldCodec.readShortField(in);
        int offset = SubFieldCodec.offset(packed);
        int bits = SubFieldCodec.width(packed);
        SubFieldCodec.writablePart(field, offset, bits);
        return new FieldPart(field, offset, bits);
    }

    private static void writePlace(ByteBuf out, FieldPart part) {
        out.writeShort(SubFieldCodec.packed(part.offsetBits(), part.widthBits()));
        SubFieldCodec.writeShortField(out, part.field());
    }

    static void writeMultipath(ByteBuf out, OfAction.Multipath a, WireVersion version) {
        int start = ActionTable.start(out, a.kind(), version);
        out.writeShort(a.fields().number()).writeShort(a.basis()).writeShort(0);
        out.writeShort(a.algorithm().ordinal())
                .writeShort(a.links() - 1)
                .writeInt(a.argument())
                .writeShort(0);
        writePlace(out, a.destination());
        ActionTable.end(out, start);
    }

    // ---- bundle ----

    /** algorithm 16, fields 16, basis 16, type 32, n 16, ofs_nbits 16, field header, zero 32, n ports of 16 bits. */
    static OfAction readBundle(ActionForm form, ByteBuf in) throws OfException {
        int algorithm = in.readUnsignedShort();
        HashFields fields = fields(in.readUnsignedShort());
        int basis = in.readUnsignedShort();
        int type = in.readInt();
        int count = in.readUnsignedShort();
        FieldPart destination = null;
        if (form.equals(ActionForm.NX_BUNDLE_LOAD)) {
            destination = readPlace(in);
        } else {
            long reserved = (long) in.readUnsignedShort() << Integer.SIZE | in.readUnsignedInt();
            require(reserved == 0, "bundle: reserved bytes are not zero");
        }
        require(in.readInt() == 0, "bundle: reserved bytes are not zero");
        require(
                (algorithm == ACTIVE_BACKUP || algorithm == HIGHEST_RANDOM_WEIGHT)
                        && type == MEMBERS_ARE_PORTS
                        && count <= OfAction.Bundle.MOST_MEMBERS
                        && (destination == null || destination.widthBits() >= PORT_BITS),
                "bundle");
        Wire.need(in, 2 * count, OfErrorCode.OFPBAC_BAD_LEN);
        List<Integer> members = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            members.add(OfAction.Ports.widened(in.readUnsignedShort()));
        }
        return new OfAction.Bundle(
                fields, basis, algorithm == HIGHEST_RANDOM_WEIGHT, destination, List.copyOf(members));
    }

    private static void require(boolean right, String fault) throws OfException {
        if (!right) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, fault);
        }
    }

    static void writeBundle(ByteBuf out, OfAction.Bundle a) {
        FieldPart destination = a.destination();
        int start = ActionTable.start(out, destination == null ? ActionForm.NX_BUNDLE : ActionForm.NX_BUNDLE_LOAD);
        out.writeShort(a.highestRandomWeight() ? HIGHEST_RANDOM_WEIGHT : ACTIVE_BACKUP)
                .writeShort(a.fields().number())
                .writeShort(a.basis())
                .writeInt(MEMBERS_ARE_PORTS)
                .writeShort(a.members().size());
        if (destination == null) {
            out.writeZero(6);
        } else {
            writePlace(out, destination);
        }
        out.writeInt(0);
        a.members().forEach(out::writeShort);
        ActionTable.end(out, start);
    }
}
