package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.SubField;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * NXAST_CT: flags 16, zone field header 32 (0: immediate), zone 16, table 8, pad 24, alg 16, nested actions. What is
 * read stands after the header.
 */
final class ConntrackActionCodec {
    private static final int COMMIT = 1;
    private static final int FORCE = 2;
    private static final int ZONE_BITS = 16;

    private ConntrackActionCodec() {}

    /** @param nesting how many actions this one stands in */
    static OfAction read(ByteBuf in, WireVersion version, int nesting) throws OfException {
        int flags = in.readUnsignedShort();
        boolean fromField = in.getInt(in.readerIndex()) != 0;
        MatchField zoneField = fromField ? SubFieldCodec.readShortField(in) : null;
        if (!fromField) {
            in.skipBytes(4);
        }
        int zone = in.readUnsignedShort();
        int table = in.readUnsignedByte();
        in.skipBytes(3); // Open vSwitch does not look at them either.
        int helper = in.readUnsignedShort();
        check(flags, helper);
        List<OfAction> exec = ActionCodec.read(in, version, nesting + 1);
        checkExec(exec);
        return new OfAction.Ct(
                (flags & COMMIT) != 0,
                (flags & FORCE) != 0,
                zoneSource(zoneField, zone),
                fromField ? 0 : zone,
                table,
                helper,
                exec);
    }

    private static @Nullable SubField zoneSource(@Nullable MatchField field, int packed) throws OfException {
        if (field == null) {
            return null;
        }
        SubField source = SubFieldCodec.part(field, SubFieldCodec.offset(packed), SubFieldCodec.width(packed));
        if (source.widthBits() != ZONE_BITS) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_SET_LEN, "ct zone of " + source.widthBits() + " bits");
        }
        return source;
    }

    private static void check(int flags, int helper) throws OfException {
        boolean forceAlone = (flags & FORCE) != 0 && (flags & COMMIT) == 0;
        if ((flags & ~(COMMIT | FORCE)) != 0 || forceAlone) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "ct flags 0x" + Integer.toHexString(flags));
        }
        if (helper != 0 && helper != OfAction.Ct.FTP && helper != OfAction.Ct.TFTP) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "ct alg " + helper);
        }
    }

    private static void checkExec(List<OfAction> exec) throws OfException {
        for (OfAction action : exec) {
            if (!action.kind().belongsInCt(action)) {
                throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "not allowed inside ct: " + action);
            }
        }
    }

    static void write(ByteBuf out, OfAction.Ct a, Match context, WireVersion version) {
        int start = ActionTable.start(out, a.kind(), version);
        out.writeShort((a.commit() ? COMMIT : 0) | (a.force() ? FORCE : 0));
        if (a.zoneField() == null) {
            out.writeInt(0).writeShort(a.zone());
        } else {
            MatchField field = SubFieldCodec.fieldOf(a.zoneField(), context);
            SubFieldCodec.writeShortField(out, field);
            out.writeShort(SubFieldCodec.packed(a.zoneField(), field));
        }
        out.writeByte(a.recircTable()).writeZero(3).writeShort(a.helper());
        ActionCodec.write(out, a.exec(), context, version);
        ActionTable.end(out, start);
    }

    static void writeNat(ByteBuf out, OfAction.Nat a, WireVersion version) {
        int start = ActionTable.start(out, a.kind(), version);
        NatCodec.write(out, a.request());
        ActionTable.end(out, start);
    }
}
