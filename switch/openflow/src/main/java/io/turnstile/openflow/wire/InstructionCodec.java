package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.Match;
import io.turnstile.pipeline.OfAction;
import io.turnstile.pipeline.OfErrorCode;
import io.turnstile.pipeline.OfException;
import io.turnstile.pipeline.text.InstructionOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Instructions of OpenFlow 1.1 and later (OpenFlow 1.3.5 §7.2.4), flattened to one list in their order of execution.
 */
final class InstructionCodec {
    private static final int GOTO_TABLE = 1;
    private static final int WRITE_METADATA = 2;
    private static final int WRITE_ACTIONS = 3;
    private static final int APPLY_ACTIONS = 4;
    private static final int CLEAR_ACTIONS = 5;
    private static final int METER = 6;

    private InstructionCodec() {}

    /** Reads until {@code in} is used up. */
    static List<OfAction> read(ByteBuf in, WireVersion version) throws OfException {
        List<OfAction> applied = List.of();
        OfAction[] later = new OfAction[4];
        int seen = 0;
        while (in.isReadable()) {
            Wire.need(in, 8, OfErrorCode.OFPBIC_BAD_LEN);
            int type = in.readUnsignedShort();
            int length = in.readUnsignedShort();
            if (length < 8 || length % 8 != 0 || length - 4 > in.readableBytes()) {
                throw new OfException(OfErrorCode.OFPBIC_BAD_LEN, "instruction of " + length + " bytes");
            }
            ByteBuf body = in.readSlice(length - 4);
            if (type <= METER && (seen & 1 << type) != 0) {
                throw new OfException(OfErrorCode.OFPBIC_DUP_INST, "instruction " + type + " twice");
            }
            seen |= type <= METER ? 1 << type : 0;
            switch (type) {
                case APPLY_ACTIONS -> applied = ActionCodec.read(body.skipBytes(4), version);
                case CLEAR_ACTIONS -> later[0] = new OfAction.ClearActions();
                case WRITE_ACTIONS ->
                    later[1] = new OfAction.WriteActions(ActionCodec.read(body.skipBytes(4), version));
                case WRITE_METADATA -> later[2] = writeMetadata(body);
                case GOTO_TABLE -> later[3] = gotoTable(body);
                case METER -> throw new OfException(OfErrorCode.OFPBIC_UNSUP_INST, "meters are not supported");
                case Wire.EXPERIMENTER -> throw new OfException(OfErrorCode.OFPBIC_BAD_EXPERIMENTER, "experimenter");
                default -> throw new OfException(OfErrorCode.OFPBIC_UNKNOWN_INST, "instruction " + type);
            }
        }
        List<OfAction> all = new ArrayList<>(applied);
        for (OfAction instruction : later) {
            if (instruction != null) {
                all.add(instruction);
            }
        }
        return List.copyOf(all);
    }

    private static OfAction writeMetadata(ByteBuf body) throws OfException {
        if (body.readableBytes() != 20) {
            throw new OfException(OfErrorCode.OFPBIC_BAD_LEN, "write_metadata");
        }
        body.skipBytes(4);
        return new OfAction.WriteMetadata(body.readLong(), body.readLong());
    }

    private static OfAction gotoTable(ByteBuf body) throws OfException {
        if (body.readableBytes() != 4) {
            throw new OfException(OfErrorCode.OFPBIC_BAD_LEN, "goto_table");
        }
        return new OfAction.GotoTable(body.readUnsignedByte());
    }

    static void write(ByteBuf out, List<OfAction> actions, Match context, WireVersion version) {
        List<OfAction> applied = actions.stream()
                .filter(action -> InstructionOrder.rank(action) == InstructionOrder.APPLY)
                .toList();
        if (!applied.isEmpty()) {
            actionList(out, APPLY_ACTIONS, applied, context, version);
        }
        for (OfAction action : actions) {
            switch (action) {
                case OfAction.ClearActions a ->
                    out.writeShort(CLEAR_ACTIONS).writeShort(8).writeInt(0);
                case OfAction.WriteActions a -> actionList(out, WRITE_ACTIONS, a.actions(), context, version);
                case OfAction.WriteMetadata a ->
                    out.writeShort(WRITE_METADATA)
                            .writeShort(24)
                            .writeInt(0)
                            .writeLong(a.value())
                            .writeLong(a.mask());
                case OfAction.GotoTable a ->
                    out.writeShort(GOTO_TABLE)
                            .writeShort(8)
                            .writeByte(a.tableId())
                            .writeZero(3);
                default -> {} // part of apply_actions, written above
            }
        }
    }

    private static void actionList(ByteBuf out, int type, List<OfAction> actions, Match context, WireVersion version) {
        int start = out.writerIndex();
        out.writeShort(type).writeShort(0).writeInt(0);
        ActionCodec.write(out, actions, context, version);
        out.setShort(start + 2, out.writerIndex() - start);
    }
}
