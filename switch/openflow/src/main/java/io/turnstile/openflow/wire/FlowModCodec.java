package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionCheck;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Flow modifications: OFPT_FLOW_MOD of every version, and NXT_FLOW_MOD. The reader stands behind the header. */
public final class FlowModCodec {
    /** OFPT_FLOW_MOD in every version. */
    public static final int TYPE = 14;

    private static final int MAX_PRIORITY = 0xffff;
    private static final int OFPFF10_EMERGENCY = 1 << 2;

    private FlowModCodec() {}

    /**
     * OFPT_FLOW_MOD of OpenFlow 1.0.
     *
     * @param withTableId the command's upper byte is a table (NXT_FLOW_MOD_TABLE_ID is on)
     */
    public static FlowMod read10(ByteBuf in, boolean withTableId) throws OfException {
        boolean exact = LegacyMatch.isExact(in);
        Match match = LegacyMatch.read(in);
        Wire.need(in, 24, OfErrorCode.OFPBRC_BAD_LEN);
        long cookie = in.readLong();
        int packed = in.readUnsignedShort();
        int idle = in.readUnsignedShort();
        int hard = in.readUnsignedShort();
        int asked = in.readUnsignedShort();
        int priority = exact ? MAX_PRIORITY : asked;
        int bufferId = in.readInt();
        int outPort = Ports.widened(in.readUnsignedShort());
        FlowMod.Command command = command(withTableId ? packed & 0xff : packed);
        checkBuffer(command, bufferId);
        Set<FlowMod.Flag> flags = flags10(in.readUnsignedShort(), command);
        return new FlowMod(
                command,
                table10(withTableId, packed, command),
                priority,
                match,
                command == FlowMod.Command.ADD ? cookie : 0,
                0,
                newCookie(command, cookie),
                idle,
                hard,
                0,
                deletes(command) ? outPort : Ports.NONE,
                flags,
                actions(in, command, match, WireVersion.OF10));
    }

    /** NXT_FLOW_MOD, behind the Nicira header. */
    public static FlowMod readNicira(ByteBuf in, boolean withTableId) throws OfException {
        Wire.need(in, 32, OfErrorCode.OFPBRC_BAD_LEN);
        long newCookie = in.readLong();
        int packed = in.readUnsignedShort();
        int idle = in.readUnsignedShort();
        int hard = in.readUnsignedShort();
        int priority = in.readUnsignedShort();
        int bufferId = in.readInt();
        int outPort = Ports.widened(in.readUnsignedShort());
        FlowMod.Command command = command(withTableId ? packed & 0xff : packed);
        checkBuffer(command, bufferId);
        Set<FlowMod.Flag> flags = flags10(in.readUnsignedShort(), command);
        int matchLength = in.readUnsignedShort();
        in.skipBytes(6);
        MatchCodec.Decoded decoded = MatchCodec.readNxm(in, matchLength, true);
        if (command == FlowMod.Command.ADD && decoded.cookieMask() != 0) {
            throw new OfException(OfErrorCode.OFPBMC_BAD_FIELD, "additions cannot match on a cookie");
        }
        return new FlowMod(
                command,
                table10(withTableId, packed, command),
                priority,
                decoded.match(),
                command == FlowMod.Command.ADD ? newCookie : decoded.cookie(),
                decoded.cookieMask(),
                newCookie(command, newCookie),
                idle,
                hard,
                0,
                deletes(command) ? outPort : Ports.NONE,
                flags,
                actions(in, command, decoded.match(), WireVersion.OF10));
    }

    /** OpenFlow 1.1 and later. */
    public static FlowMod read13(ByteBuf in, WireVersion version) throws OfException {
        Wire.need(in, 40, OfErrorCode.OFPBRC_BAD_LEN);
        long cookie = in.readLong();
        long cookieMask = in.readLong();
        int table = in.readUnsignedByte();
        FlowMod.Command command = command(in.readUnsignedByte());
        int idle = in.readUnsignedShort();
        int hard = in.readUnsignedShort();
        int priority = in.readUnsignedShort();
        checkBuffer(command, in.readInt());
        int outPort = in.readInt();
        int outGroup = in.readInt();
        Set<FlowMod.Flag> flags = flags(in.readUnsignedShort(), command, version);
        int importance = in.readUnsignedShort();
        if (table == FlowMod.ALL_TABLES && (!deletes(command) || version == WireVersion.OF11)) {
            throw new OfException(OfErrorCode.OFPFMFC_BAD_TABLE_ID, "table 255 is for deletes only, and not in 1.1");
        }
        Match match = MatchCodec.read(in);
        List<OfAction> actions = deletes(command) ? List.of() : InstructionCodec.read(in, version);
        ActionCheck.checkStrictly(actions, match, table);
        // Under 1.1 a MODIFY that asks for no cookie is an ADD if it finds nothing, as under 1.0.
        boolean mayAdd = version == WireVersion.OF11 && cookieMask == 0;
        return new FlowMod(
                command,
                table,
                priority,
                match,
                command == FlowMod.Command.ADD || !mayAdd ? cookie : 0,
                command == FlowMod.Command.ADD ? 0 : cookieMask,
                mayAdd ? newCookie(command, cookie) : FlowMod.NO_COOKIE,
                idle,
                hard,
                version.isAtLeast(WireVersion.OF14) && command == FlowMod.Command.ADD ? importance : 0,
                deletes(command) ? outPort : Ports.NONE,
                deletes(command) ? outGroup : GroupMod.ANY,
                flags,
                actions,
                mayAdd);
    }

    /** A whole OpenFlow 1.3 message, as a client sends it. */
    public static void write13(ByteBuf out, FlowMod mod, int xid) {
        int start = Wire.startMessage(out, WireVersion.OF13, TYPE, xid);
        out.writeLong(mod.cookie())
                .writeLong(mod.cookieMask())
                .writeByte(mod.tableId())
                .writeByte(code(mod.command()));
        out.writeShort(mod.idleTimeoutSeconds())
                .writeShort(mod.hardTimeoutSeconds())
                .writeShort(mod.priority());
        out.writeInt(Wire.NO_BUFFER).writeInt(mod.outPort()).writeInt(mod.outGroup());
        out.writeShort(flagBits(mod.flags(), WireVersion.OF13)).writeShort(0);
        MatchCodec.write(out, mod.match(), WireVersion.OF13);
        if (!deletes(mod.command())) {
            InstructionCodec.write(out, mod.actions(), mod.match(), WireVersion.OF13);
        }
        Wire.endMessage(out, start);
    }

    private static List<OfAction> actions(ByteBuf in, FlowMod.Command command, Match match, WireVersion version)
            throws OfException {
        if (deletes(command)) {
            return List.of();
        }
        List<OfAction> actions = ActionCodec.read(in, version);
        ActionCheck.check(actions, match, 0);
        return actions;
    }

    private static int table10(boolean withTableId, int packed, FlowMod.Command command) {
        int table = withTableId ? packed >>> 8 : FlowMod.ALL_TABLES;
        return table == FlowMod.ALL_TABLES && command == FlowMod.Command.ADD ? 0 : table;
    }

    private static FlowMod.Command command(int code) throws OfException {
        for (FlowMod.Command command : FlowMod.Command.values()) {
            if (code(command) == code) {
                return command;
            }
        }
        throw new OfException(OfErrorCode.OFPFMFC_BAD_COMMAND, "command " + code);
    }

    private static int code(FlowMod.Command command) {
        return switch (command) {
            case ADD -> 0;
            case MODIFY -> 1;
            case MODIFY_STRICT -> 2;
            case DELETE -> 3;
            case DELETE_STRICT -> 4;
        };
    }

    /** A buffer has no meaning in what deletes flows: some controllers leave there what comes. */
    private static void checkBuffer(FlowMod.Command command, int bufferId) throws OfException {
        if (!deletes(command)) {
            Wire.needNoBuffer(bufferId);
        }
    }

    private static boolean deletes(FlowMod.Command command) {
        return command == FlowMod.Command.DELETE || command == FlowMod.Command.DELETE_STRICT;
    }

    /** What the flows that a MODIFY selects get under 1.0, and what it adds there and under 1.1. */
    private static long newCookie(FlowMod.Command command, long cookie) {
        boolean modifies = command == FlowMod.Command.MODIFY || command == FlowMod.Command.MODIFY_STRICT;
        return modifies ? cookie : FlowMod.NO_COOKIE;
    }

    private static Set<FlowMod.Flag> flags10(int bits, FlowMod.Command command) throws OfException {
        if ((bits & OFPFF10_EMERGENCY) != 0) {
            throw new OfException(OfErrorCode.OFPFMFC_TABLE_FULL, "there is no emergency table");
        }
        return flags(bits, command, WireVersion.OF10);
    }

    /** Before 1.2 an ADD counts anew, which later versions ask for by a flag. */
    private static Set<FlowMod.Flag> flags(int bits, FlowMod.Command command, WireVersion version) throws OfException {
        Set<FlowMod.Flag> flags = EnumSet.noneOf(FlowMod.Flag.class);
        for (FlowMod.Flag flag : FlowMod.Flag.values()) {
            if ((bits & bit(flag, version)) != 0) {
                flags.add(flag);
            }
        }
        if (flagBits(flags, version) != bits) {
            throw new OfException(OfErrorCode.OFPFMFC_BAD_FLAGS, "flags 0x" + Integer.toHexString(bits));
        }
        if (command == FlowMod.Command.ADD && !version.isAtLeast(WireVersion.OF12)) {
            flags.add(FlowMod.Flag.RESET_COUNTS);
        }
        return Set.copyOf(flags);
    }

    static int flagBits(Iterable<FlowMod.Flag> flags, WireVersion version) {
        int bits = 0;
        for (FlowMod.Flag flag : flags) {
            bits |= bit(flag, version);
        }
        return bits;
    }

    /** OFPFF_*; 0 for a flag that the version does not have. */
    private static int bit(FlowMod.Flag flag, WireVersion version) {
        return switch (flag) {
            case SEND_FLOW_REM -> 1;
            case CHECK_OVERLAP -> 1 << 1;
            case RESET_COUNTS -> version.isAtLeast(WireVersion.OF12) ? 1 << 2 : 0;
            case NO_PKT_COUNTS -> version.isAtLeast(WireVersion.OF13) ? 1 << 3 : 0;
            case NO_BYT_COUNTS -> version.isAtLeast(WireVersion.OF13) ? 1 << 4 : 0;
        };
    }
}
