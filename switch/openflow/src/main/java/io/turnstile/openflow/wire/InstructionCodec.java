package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.Instruction;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Instructions of OpenFlow 1.1 and later (OpenFlow 1.3.5 §7.2.4), flattened to one list in their order of execution.
 */
final class InstructionCodec {
    private InstructionCodec() {}

    /** Reads until {@code in} is used up. */
    static List<OfAction> read(ByteBuf in, WireVersion version) throws OfException {
        List<OfAction> meters = List.of();
        List<OfAction> applied = List.of();
        Map<Instruction, OfAction> later = new EnumMap<>(Instruction.class);
        Set<Instruction> seen = EnumSet.noneOf(Instruction.class);
        while (in.isReadable()) {
            Wire.need(in, 8, OfErrorCode.OFPBIC_BAD_LEN);
            int type = in.readUnsignedShort();
            int length = in.readUnsignedShort();
            if (length < 8 || length % 8 != 0 || length - 4 > in.readableBytes()) {
                throw new OfException(OfErrorCode.OFPBIC_BAD_LEN, "instruction of " + length + " bytes");
            }
            ByteBuf body = in.readSlice(length - 4);
            Instruction instruction = known(type);
            if (!seen.add(instruction)) {
                throw new OfException(OfErrorCode.OFPBIC_DUP_INST, "instruction " + type + " twice");
            }
            switch (instruction) {
                case METER -> meters = List.of(meter(body));
                case APPLY_ACTIONS -> applied = ActionCodec.read(body.skipBytes(4), version);
                case CLEAR_ACTIONS -> later.put(instruction, new OfAction.ClearActions());
                case WRITE_ACTIONS ->
                    later.put(instruction, new OfAction.WriteActions(ActionCodec.read(body.skipBytes(4), version)));
                case WRITE_METADATA -> later.put(instruction, writeMetadata(body));
                case GOTO_TABLE -> later.put(instruction, gotoTable(body));
            }
        }
        List<OfAction> all = new ArrayList<>(meters);
        all.addAll(applied);
        all.addAll(later.values());
        return List.copyOf(all);
    }

    private static Instruction known(int type) throws OfException {
        Instruction instruction = Instruction.ofType(type);
        if (instruction == null) {
            throw type == Wire.EXPERIMENTER
                    ? new OfException(OfErrorCode.OFPBIC_BAD_EXPERIMENTER, "experimenter")
                    : new OfException(OfErrorCode.OFPBIC_UNKNOWN_INST, "instruction " + type);
        }
        return instruction;
    }

    private static OfAction meter(ByteBuf body) throws OfException {
        if (body.readableBytes() != 4) {
            throw new OfException(OfErrorCode.OFPBIC_BAD_LEN, "meter");
        }
        return new OfAction.Meter(body.readInt());
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
        writeMeters(out, actions, version);
        List<OfAction> applied = actions.stream()
                .filter(action -> action.kind().instruction() == Instruction.APPLY_ACTIONS)
                .filter(action -> !(action instanceof OfAction.Meter) || version.hasMeterAction())
                .toList();
        if (!applied.isEmpty()) {
            actionList(out, Instruction.APPLY_ACTIONS, applied, context, version);
        }
        for (OfAction action : actions) {
            writeOne(out, action, context, version);
        }
    }

    private static void writeMeters(ByteBuf out, List<OfAction> actions, WireVersion version) {
        for (OfAction action : actions) {
            if (action instanceof OfAction.Meter meter && !version.hasMeterAction()) {
                out.writeShort(Instruction.METER.type()).writeShort(8).writeInt(meter.meterId());
            }
        }
    }

    private static void writeOne(ByteBuf out, OfAction action, Match context, WireVersion version) {
        Instruction instruction = action.kind().instruction();
        switch (instruction) {
            case METER, APPLY_ACTIONS -> {
                // Written above, all together.
            }
            case CLEAR_ACTIONS ->
                out.writeShort(instruction.type()).writeShort(8).writeInt(0);
            case WRITE_ACTIONS ->
                actionList(out, instruction, ((OfAction.WriteActions) action).actions(), context, version);
            case WRITE_METADATA -> {
                OfAction.WriteMetadata a = (OfAction.WriteMetadata) action;
                out.writeShort(instruction.type())
                        .writeShort(24)
                        .writeInt(0)
                        .writeLong(a.value())
                        .writeLong(a.mask());
            }
            case GOTO_TABLE ->
                out.writeShort(instruction.type())
                        .writeShort(8)
                        .writeByte(((OfAction.GotoTable) action).tableId())
                        .writeZero(3);
        }
    }

    private static void actionList(
            ByteBuf out, Instruction instruction, List<OfAction> actions, Match context, WireVersion version) {
        int start = out.writerIndex();
        out.writeShort(instruction.type()).writeShort(0).writeInt(0);
        ActionCodec.write(out, actions, context, version);
        out.setShort(start + 2, out.writerIndex() - start);
    }
}
