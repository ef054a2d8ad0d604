package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Field;
import io.turnstile.pipeline.Match;
import io.turnstile.pipeline.OfAction;
import io.turnstile.pipeline.OfAction.SubField;
import io.turnstile.pipeline.OfErrorCode;
import io.turnstile.pipeline.OfException;
import io.turnstile.pipeline.PacketInReason;
import io.turnstile.pipeline.text.LoadSegments;
import io.turnstile.pipeline.text.MatchField;
import java.util.List;
import java.util.Map;

/**
 * Nicira's vendor actions (NXAST_*): the ones this switch has. All begin with the 10 bytes type, length, vendor,
 * subtype; what follows is said beside each reader and writer, which belong together.
 */
final class NiciraActions {
    static final int RESUBMIT = 1;
    static final int REG_MOVE = 6;
    static final int REG_LOAD = 7;
    static final int NOTE = 8;
    static final int RESUBMIT_TABLE = 14;
    static final int OUTPUT_REG = 15;
    static final int DEC_TTL = 18;
    static final int CONTROLLER = 20;
    static final int WRITE_METADATA = 22;
    static final int STACK_PUSH = 27;
    static final int STACK_POP = 28;
    static final int OUTPUT_REG2 = 32;
    static final int REG_LOAD2 = 33;
    static final int CT = 35;
    static final int NAT = 36;
    static final int CONTROLLER2 = 37;
    static final int CT_CLEAR = 43;
    static final int GROUP = 40;
    static final int RESUBMIT_TABLE_CT = 44;

    /** What follows the subtype, where that is always as long. */
    private static final Map<Integer, Integer> FIXED_BYTES = Map.ofEntries(
            Map.entry(RESUBMIT, 6),
            Map.entry(RESUBMIT_TABLE, 6),
            Map.entry(RESUBMIT_TABLE_CT, 6),
            Map.entry(REG_LOAD, 14),
            Map.entry(OUTPUT_REG, 14),
            Map.entry(OUTPUT_REG2, 14),
            Map.entry(DEC_TTL, 6),
            Map.entry(CONTROLLER, 6),
            Map.entry(WRITE_METADATA, 22),
            Map.entry(STACK_PUSH, 14),
            Map.entry(STACK_POP, 14),
            Map.entry(CT_CLEAR, 6));

    private static final int CT_COMMIT = 1;
    private static final int CT_FORCE = 2;
    private static final int ZONE_BITS = 16;
    private static final int MAX_LENGTH = 0xffff;

    private NiciraActions() {}

    // ---- reading; "in" stands after the subtype, which is known, and ends with the action ----

    static void read(int subtype, ByteBuf in, WireVersion version, List<OfAction> actions) throws OfException {
        if (FIXED_BYTES.getOrDefault(subtype, in.readableBytes()) != in.readableBytes()) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_LEN, "Nicira action " + subtype + " of the wrong length");
        }
        actions.add(
                switch (subtype) {
                    case RESUBMIT -> {
                        need(in, 6);
                        yield new OfAction.Resubmit(
                                Wire.port16(in.readUnsignedShort()), OfAction.Resubmit.SAME_TABLE, false);
                    }
                    case RESUBMIT_TABLE, RESUBMIT_TABLE_CT -> readResubmitTable(in, subtype == RESUBMIT_TABLE_CT);
                    case REG_MOVE -> readMove(in);
                    case REG_LOAD -> readLoad(in);
                    case REG_LOAD2 -> {
                        need(in, 6);
                        in.skipBytes(6);
                        yield ActionCodec.readSetField(in);
                    }
                    case NOTE -> readNote(in);
                    case GROUP -> throw new OfException(OfErrorCode.OFPBAC_BAD_OUT_GROUP, "groups are not supported");
                    case OUTPUT_REG -> readOutputReg(in);
                    case OUTPUT_REG2 -> readOutputReg2(in);
                    case DEC_TTL -> new OfAction.DecTtl();
                    case CONTROLLER -> readController(in);
                    case CONTROLLER2 -> readController2(in);
                    case WRITE_METADATA -> readWriteMetadata(in);
                    case STACK_PUSH -> new OfAction.StackPush(readStack(in, false));
                    case STACK_POP -> new OfAction.StackPop(readStack(in, true));
                    case CT -> readCt(in, version);
                    case NAT -> new OfAction.Nat(NatCodec.read(in));
                    case CT_CLEAR -> new OfAction.CtClear();
                    default -> throw new IllegalArgumentException("unknown Nicira action " + subtype);
                });
    }

    /**
     * Whether there is such an action; what an OpenFlow has an action of its own for, is not there in Nicira's form.
     */
    static void needKnown(int subtype, WireVersion version) throws OfException {
        boolean known = switch (subtype) {
            case DEC_TTL, GROUP -> version == WireVersion.OF10;
            case REG_MOVE, REG_LOAD, REG_LOAD2 -> version != WireVersion.OF15;
            case RESUBMIT,
                    RESUBMIT_TABLE,
                    RESUBMIT_TABLE_CT,
                    NOTE,
                    OUTPUT_REG,
                    OUTPUT_REG2,
                    CONTROLLER,
                    CONTROLLER2,
                    WRITE_METADATA,
                    STACK_PUSH,
                    STACK_POP,
                    CT,
                    NAT,
                    CT_CLEAR -> true;
            default -> false;
        };
        if (!known) {
            throw new OfException(
                    OfErrorCode.OFPBAC_BAD_VENDOR_TYPE, "Nicira action " + subtype + " is not supported in " + version);
        }
    }

    private static void need(ByteBuf in, int bytes) throws OfException {
        Wire.need(in, bytes, OfErrorCode.OFPBAC_BAD_LEN);
    }

    private static void needZero(ByteBuf in, int bytes) throws OfException {
        need(in, bytes);
        for (int i = 0; i < bytes; i++) {
            if (in.readByte() != 0) {
                throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "reserved bytes are not zero");
            }
        }
    }

    /** in_port 16, table 8, pad 24. */
    private static OfAction readResubmitTable(ByteBuf in, boolean withTuple) throws OfException {
        need(in, 6);
        int port = Wire.port16(in.readUnsignedShort());
        int table = in.readUnsignedByte();
        needZero(in, 3);
        return new OfAction.Resubmit(port, table, withTuple);
    }

    /** n_bits 16, src_ofs 16, dst_ofs 16, two field headers. */
    private static OfAction readMove(ByteBuf in) throws OfException {
        need(in, 6);
        int bits = in.readUnsignedShort();
        int sourceOffset = in.readUnsignedShort();
        int targetOffset = in.readUnsignedShort();
        return ActionCodec.readMovedFields(in, bits, sourceOffset, targetOffset);
    }

    /** ofs_nbits 16, field header 32, value 64. */
    private static OfAction readLoad(ByteBuf in) throws OfException {
        need(in, 14);
        int packed = in.readUnsignedShort();
        MatchField field = ActionCodec.shortField(in);
        need(in, 8);
        long value = in.readLong();
        int asked = (packed & 0x3f) + 1;
        // The wire's arp_op has 16 bits, of which the upper eight are always zero: packets' keys have the lower ones
        // alone.
        int bits = packed >>> 6 == 0 && asked == field.wireWidthBits() ? field.widthBits() : asked;
        SubField target = ActionCodec.writableSubField(field, packed >>> 6, bits);
        if (bits < 64 && value >>> bits != 0) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "value does not fit into " + bits + " bits");
        }
        return load(field, target, value);
    }

    private static OfAction load(MatchField field, SubField target, long value) {
        if (field.field() == Field.IN_PORT && target.widthBits() == 16) {
            return new OfAction.SetField(
                    Field.IN_PORT, 0, Wire.port16((int) value) & 0xffff_ffffL, 0, 0xffff_ffffL, true);
        }
        long mask = target.widthBits() == 64 ? -1L : (1L << target.widthBits()) - 1;
        int offset = target.offsetBits();
        long low = offset < 64 ? value << offset : 0;
        long lowMask = offset < 64 ? mask << offset : 0;
        long high = offset == 0 ? 0 : offset < 64 ? value >>> 64 - offset : value << offset - 64;
        long highMask = offset == 0 ? 0 : offset < 64 ? mask >>> 64 - offset : mask << offset - 64;
        return new OfAction.SetField(
                field.field(),
                high & field.field().highMask(),
                low,
                highMask & field.field().highMask(),
                lowMask,
                true);
    }

    /** The rest is the note, padding included. */
    private static OfAction readNote(ByteBuf in) {
        byte[] bytes = new byte[in.readableBytes()];
        in.readBytes(bytes);
        return new OfAction.Note(bytes);
    }

    /** ofs_nbits 16, field header 32, max_len 16, zero 48. */
    private static OfAction readOutputReg(ByteBuf in) throws OfException {
        need(in, 14);
        int packed = in.readUnsignedShort();
        MatchField field = ActionCodec.shortField(in);
        need(in, 8);
        int maxLength = in.readUnsignedShort();
        needZero(in, 6);
        return new OfAction.OutputField(ActionCodec.subField(field, packed >>> 6, (packed & 0x3f) + 1), maxLength);
    }

    /** ofs_nbits 16, max_len 16, field header 32 or 64. */
    private static OfAction readOutputReg2(ByteBuf in) throws OfException {
        need(in, 14);
        int packed = in.readUnsignedShort();
        int maxLength = in.readUnsignedShort();
        MatchField field = ActionCodec.actionField(in);
        return new OfAction.OutputField(ActionCodec.subField(field, packed >>> 6, (packed & 0x3f) + 1), maxLength);
    }

    /** max_len 16, controller_id 16, reason 8, zero 8. */
    private static OfAction readController(ByteBuf in) throws OfException {
        need(in, 6);
        int maxLength = in.readUnsignedShort();
        int id = in.readUnsignedShort();
        return new OfAction.Controller(maxLength, reason(in.readUnsignedByte()), id);
    }

    private static PacketInReason reason(int number) throws OfException {
        return PacketInReason.of(number)
                .orElseThrow(() -> new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "packet-in reason " + number));
    }

    /** pad 48, then properties: type 16, length 16, value, padded to eight bytes. */
    private static OfAction readController2(ByteBuf in) throws OfException {
        needZero(in, 6);
        int maxLength = MAX_LENGTH;
        int id = 0;
        PacketInReason reason = PacketInReason.ACTION;
        while (in.isReadable()) {
            need(in, 8);
            int type = in.readUnsignedShort();
            int length = in.readUnsignedShort();
            if (length < 4) {
                throw new OfException(OfErrorCode.OFPBAC_BAD_LEN, "property of " + length + " bytes");
            }
            need(in, Wire.padded(length) - 4);
            ByteBuf value = in.readSlice(Wire.padded(length) - 4);
            switch (type) {
                case 0 -> maxLength = value.readUnsignedShort();
                case 1 -> id = value.readUnsignedShort();
                case 2 -> reason = reason(value.readUnsignedByte());
                default ->
                    throw new OfException(
                            OfErrorCode.OFPBAC_BAD_ARGUMENT, "controller property " + type + " is not supported");
            }
        }
        return new OfAction.Controller(maxLength, reason, id);
    }

    /** zero 48, value 64, mask 64. */
    private static OfAction readWriteMetadata(ByteBuf in) throws OfException {
        needZero(in, 6);
        need(in, 16);
        return new OfAction.WriteMetadata(in.readLong(), in.readLong());
    }

    /** offset 16, field header, n_bits 16. */
    private static SubField readStack(ByteBuf in, boolean writes) throws OfException {
        need(in, 14);
        int offset = in.readUnsignedShort();
        MatchField field = ActionCodec.actionField(in);
        need(in, 2);
        int bits = in.readUnsignedShort();
        ActionCodec.needOnlyZeros(in);
        return writes ? ActionCodec.writableSubField(field, offset, bits) : ActionCodec.subField(field, offset, bits);
    }

    /** flags 16, zone field header 32 (0: immediate), zone 16, table 8, pad 24, alg 16, nested actions. */
    private static OfAction readCt(ByteBuf in, WireVersion version) throws OfException {
        need(in, 14);
        int flags = in.readUnsignedShort();
        boolean fromField = in.getInt(in.readerIndex()) != 0;
        MatchField zoneField = fromField ? ActionCodec.shortField(in) : null;
        if (!fromField) {
            in.skipBytes(4);
        }
        int zone = in.readUnsignedShort();
        int table = in.readUnsignedByte();
        in.skipBytes(3); // Not looked at by the peer either.
        int helper = in.readUnsignedShort();
        checkCt(flags, helper);
        List<OfAction> exec = ActionCodec.read(in, version);
        checkExec(exec);
        return new OfAction.Ct(
                (flags & CT_COMMIT) != 0,
                (flags & CT_FORCE) != 0,
                zoneSource(zoneField, zone),
                fromField ? 0 : zone,
                table,
                helper,
                exec);
    }

    private static SubField zoneSource(MatchField field, int packed) throws OfException {
        if (field == null) {
            return null;
        }
        SubField source = ActionCodec.subField(field, packed >>> 6, (packed & 0x3f) + 1);
        if (source.widthBits() != ZONE_BITS) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_SET_LEN, "ct zone of " + source.widthBits() + " bits");
        }
        return source;
    }

    private static void checkCt(int flags, int helper) throws OfException {
        boolean forceAlone = (flags & CT_FORCE) != 0 && (flags & CT_COMMIT) == 0;
        if ((flags & ~(CT_COMMIT | CT_FORCE)) != 0 || forceAlone) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "ct flags 0x" + Integer.toHexString(flags));
        }
        if (helper != 0 && helper != OfAction.Ct.FTP && helper != OfAction.Ct.TFTP) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "ct alg " + helper);
        }
    }

    private static void checkExec(List<OfAction> exec) throws OfException {
        for (OfAction action : exec) {
            Field target = switch (action) {
                case OfAction.SetField set -> set.field();
                case OfAction.Move move -> move.destination().field();
                default -> null;
            };
            if (action instanceof OfAction.Nat) {
                continue;
            }
            if (target != Field.CT_MARK && target != Field.CT_LABEL) {
                throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "not allowed inside ct: " + action);
            }
        }
    }

    // ---- writing ----

    private static int start(ByteBuf out, int subtype) {
        int start = out.writerIndex();
        out.writeShort(Wire.EXPERIMENTER).writeShort(0).writeInt(Wire.NICIRA).writeShort(subtype);
        return start;
    }

    private static void end(ByteBuf out, int start) {
        Wire.pad(out, start);
        out.setShort(start + 2, out.writerIndex() - start);
    }

    /** Always in the form with a table, whatever form it came in, as the peer writes it. */
    static void resubmit(ByteBuf out, OfAction.Resubmit a) {
        int start = start(out, a.withConntrackTuple() ? RESUBMIT_TABLE_CT : RESUBMIT_TABLE);
        out.writeShort(a.inPort()).writeByte(a.tableId());
        end(out, start);
    }

    static void move(ByteBuf out, OfAction.Move a, Match context) {
        MatchField source = ActionCodec.fieldOf(a.source(), context);
        MatchField target = ActionCodec.fieldOf(a.destination(), context);
        int start = start(out, REG_MOVE);
        out.writeShort(a.source().widthBits())
                .writeShort(a.source().offsetBits() - source.offsetBits())
                .writeShort(a.destination().offsetBits() - target.offsetBits());
        MatchCodec.writeHeader(out, source, false, WireVersion.OF10);
        MatchCodec.writeHeader(out, target, false, WireVersion.OF10);
        end(out, start);
    }

    static void load(ByteBuf out, LoadSegments.Segment segment, Match context) {
        boolean port = segment.target().field() == Field.IN_PORT;
        MatchField field = port ? MatchField.named("in_port") : ActionCodec.fieldOf(segment.target(), context);
        boolean whole = segment.target().widthBits() == field.widthBits();
        int bits = port || whole ? field.wireWidthBits() : segment.target().widthBits();
        int start = start(out, REG_LOAD);
        out.writeShort(segment.target().offsetBits() - field.offsetBits() << 6 | bits - 1);
        MatchCodec.writeHeader(out, field, false, WireVersion.OF10);
        out.writeLong(segment.value());
        end(out, start);
    }

    static void note(ByteBuf out, OfAction.Note a) {
        int start = start(out, NOTE);
        out.writeBytes(a.bytes());
        end(out, start);
    }

    static void outputField(ByteBuf out, OfAction.OutputField a, Match context) {
        MatchField field = ActionCodec.fieldOf(a.source(), context);
        int start = start(out, OUTPUT_REG);
        out.writeShort(
                a.source().offsetBits() - field.offsetBits() << 6 | a.source().widthBits() - 1);
        MatchCodec.writeHeader(out, field, false, WireVersion.OF10);
        out.writeShort(a.maxLengthBytes()).writeZero(6);
        end(out, start);
    }

    static void decTtl(ByteBuf out) {
        end(out, start(out, DEC_TTL));
    }

    static void nat(ByteBuf out, OfAction.Nat a) {
        int start = start(out, NAT);
        NatCodec.write(out, a.request());
        end(out, start);
    }

    static void ctClear(ByteBuf out) {
        end(out, start(out, CT_CLEAR));
    }

    static void controller(ByteBuf out, OfAction.Controller a) {
        int start = start(out, CONTROLLER);
        out.writeShort(a.maxLengthBytes())
                .writeShort(a.controllerId())
                .writeByte(a.reason().number())
                .writeByte(0);
        end(out, start);
    }

    static void writeMetadata(ByteBuf out, OfAction.WriteMetadata a) {
        int start = start(out, WRITE_METADATA);
        out.writeZero(6).writeLong(a.value()).writeLong(a.mask());
        end(out, start);
    }

    static void push(ByteBuf out, OfAction.StackPush a, Match context) {
        stack(out, STACK_PUSH, a.source(), context);
    }

    static void pop(ByteBuf out, OfAction.StackPop a, Match context) {
        stack(out, STACK_POP, a.destination(), context);
    }

    private static void stack(ByteBuf out, int subtype, SubField sub, Match context) {
        MatchField field = ActionCodec.fieldOf(sub, context);
        int start = start(out, subtype);
        out.writeShort(sub.offsetBits() - field.offsetBits());
        MatchCodec.writeHeader(out, field, false, WireVersion.OF10);
        out.writeShort(sub.widthBits());
        out.writeZero(24 - (out.writerIndex() - start));
        end(out, start);
    }

    static void ct(ByteBuf out, OfAction.Ct a, Match context, WireVersion version) {
        int start = start(out, CT);
        out.writeShort((a.commit() ? CT_COMMIT : 0) | (a.force() ? CT_FORCE : 0));
        if (a.zoneField() == null) {
            out.writeInt(0).writeShort(a.zone());
        } else {
            MatchField field = ActionCodec.fieldOf(a.zoneField(), context);
            MatchCodec.writeHeader(out, field, false, WireVersion.OF10);
            out.writeShort(a.zoneField().offsetBits() - field.offsetBits() << 6
                    | a.zoneField().widthBits() - 1);
        }
        out.writeByte(a.recircTable()).writeZero(3).writeShort(a.helper());
        ActionCodec.write(out, a.exec(), context, version);
        end(out, start);
    }
}
