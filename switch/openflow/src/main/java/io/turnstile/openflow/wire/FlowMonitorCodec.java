package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.FlowChange;
import io.turnstile.pipeline.MonitoredFlow;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Flow monitors in their three forms: Open vSwitch's own (NXST_FLOW_MONITOR) until 1.2, ONF's extension of 1.3, and
 * OFPMP_FLOW_MONITOR of 1.4 and later (OpenFlow 1.5.1 §7.3.5.17), as Open vSwitch has them.
 */
public final class FlowMonitorCodec {
    private static final int REQUEST_BYTES = 16;
    private static final int SHORT_BYTES = 8;

    private FlowMonitorCodec() {}

    /** What a request does (OFPFMC_*); the older forms can add alone. */
    public enum Command {
        ADD,
        MODIFY,
        DELETE
    }

    /** What a monitor wants to know (OFPFMF_*). The bits are those of their places, but for the last in 1.4. */
    public enum Wish {
        /** The flows that there are. */
        INITIAL,
        ADDED,
        REMOVED,
        MODIFIED,
        /** The flows' actions. */
        ACTIONS,
        /**
         * Its own changes as those of others, and not in short; that is how Open vSwitch takes OFPFMF_ONLY_OWN, too.
         */
        OWN;

        private int bit(WireVersion version) {
            return 1 << (this == OWN && version.hasProperties() ? ordinal() + 1 : ordinal());
        }
    }

    /**
     * One of the monitors that a request is about.
     *
     * @param id chosen by the controller
     * @param wishes none if it is to be deleted
     * @param query which flows it is about
     */
    public record Monitor(Command command, int id, Set<Wish> wishes, FlowQuery query) {}

    /** What is told of a flow. */
    public enum Event {
        INITIAL,
        ADDED,
        REMOVED,
        MODIFIED,
        /** In place of a controller's own changes. */
        ABBREV,
        PAUSED,
        RESUMED;

        public static Event of(FlowChange.Event event) {
            return switch (event) {
                case ADDED -> ADDED;
                case REMOVED -> REMOVED;
                case MODIFIED -> MODIFIED;
            };
        }

        /** Until 1.3 there is no event for flows that are there already, and they are called added. */
        private int number(WireVersion version) {
            return version.hasProperties() || this == INITIAL ? ordinal() : ordinal() - 1;
        }
    }

    // ---- requests; the reader stands behind the statistics header ----

    /** Reads the monitors of a request: any number of them, one behind the other. */
    public static List<Monitor> read(ByteBuf in, WireVersion version) throws OfException {
        List<Monitor> monitors = new ArrayList<>();
        while (in.isReadable()) {
            Wire.need(in, REQUEST_BYTES, OfErrorCode.OFPBRC_BAD_LEN);
            Monitor monitor = switch (version) {
                case OF10, OF11, OF12 -> readNicira(in, version);
                case OF13 -> readOnf(in, version);
                case OF14, OF15 -> readStandard(in, version);
            };
            monitors.add(monitor);
        }
        return monitors;
    }

    /** id 32, flags 16, out_port 16, match_len 16, table_id 8, zero 40, nx_match. */
    private static Monitor readNicira(ByteBuf in, WireVersion version) throws OfException {
        int id = in.readInt();
        Set<Wish> wishes = wishes(in.readUnsignedShort(), version);
        int outPort = Ports.widened(in.readUnsignedShort());
        int matchBytes = in.readUnsignedShort();
        int table = in.readUnsignedByte();
        needZero(in, 5);
        Match match = MatchCodec.readNxm(in, matchBytes, false).match();
        return added(id, wishes, table, match, outPort);
    }

    /** id 32, flags 16, match_len 16, out_port 32, table_id 8, zero 24, match. */
    private static Monitor readOnf(ByteBuf in, WireVersion version) throws OfException {
        int id = in.readInt();
        Set<Wish> wishes = wishes(in.readUnsignedShort(), version);
        in.skipBytes(2);
        int outPort = in.readInt();
        int table = in.readUnsignedByte();
        needZero(in, 3);
        checkPort(outPort);
        return added(id, wishes, table, MatchCodec.read(in), outPort);
    }

    private static Monitor added(int id, Set<Wish> wishes, int table, Match match, int outPort) {
        return new Monitor(Command.ADD, id, wishes, new FlowQuery(table, match, 0, 0, outPort));
    }

    /** monitor_id 32, out_port 32, out_group 32, flags 16, table_id 8, command 8, match. */
    private static Monitor readStandard(ByteBuf in, WireVersion version) throws OfException {
        int id = in.readInt();
        int outPort = in.readInt();
        int outGroup = in.readInt();
        int flags = in.readUnsignedShort();
        int table = in.readUnsignedByte();
        Command command = command(in.readUnsignedByte());
        if (command == Command.DELETE) {
            MatchCodec.read(in);
            return new Monitor(
                    command,
                    id,
                    Set.of(),
                    new FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, Ports.NONE, GroupMod.ANY));
        }
        Set<Wish> wishes = wishes(flags, version);
        checkPort(outPort);
        return new Monitor(command, id, wishes, new FlowQuery(table, MatchCodec.read(in), 0, 0, outPort, outGroup));
    }

    private static Command command(int number) throws OfException {
        if (number >= Command.values().length) {
            throw new OfException(OfErrorCode.OFPMOFC_BAD_COMMAND, "command " + number);
        }
        return Command.values()[number];
    }

    /** One kind of change at least has to be asked for. */
    private static Set<Wish> wishes(int flags, WireVersion version) throws OfException {
        Set<Wish> wishes = EnumSet.noneOf(Wish.class);
        int known = 0;
        for (Wish wish : Wish.values()) {
            known |= wish.bit(version);
            if ((flags & wish.bit(version)) != 0) {
                wishes.add(wish);
            }
        }
        boolean none =
                !wishes.contains(Wish.ADDED) && !wishes.contains(Wish.REMOVED) && !wishes.contains(Wish.MODIFIED);
        if ((flags & ~known) != 0 || none) {
            throw new OfException(OfErrorCode.OFPMOFC_BAD_FLAGS, "flags 0x" + Integer.toHexString(flags));
        }
        return Set.copyOf(wishes);
    }

    private static void needZero(ByteBuf in, int bytes) throws OfException {
        for (int i = 0; i < bytes; i++) {
            if (in.readByte() != 0) {
                throw new OfException(OfErrorCode.NXBRC_MUST_BE_ZERO, "reserved bytes are not zero");
            }
        }
    }

    /** Numbers of 32 bits that stand for none of 16 are of no port. */
    private static void checkPort(int port) throws OfException {
        if (Integer.compareUnsigned(port, 0xff00) >= 0 && Integer.compareUnsigned(port, Ports.MAX) < 0) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_OUT_PORT, "port " + Integer.toUnsignedString(port));
        }
    }

    /** NXT_FLOW_MONITOR_CANCEL and ONF's: which monitor. */
    public static int readCancel(ByteBuf in) {
        return in.readInt();
    }

    // ---- updates ----

    /** One of the entries of a reply that is about a flow. */
    public static void writeFlow(
            ByteBuf out, Event event, int reason, MonitoredFlow flow, boolean withActions, WireVersion version) {
        int start = out.writerIndex();
        if (version.hasProperties()) {
            out.writeShort(0)
                    .writeShort(event.number(version))
                    .writeByte(flow.tableId())
                    .writeByte(reason)
                    .writeShort(flow.idleTimeoutSeconds())
                    .writeShort(flow.hardTimeoutSeconds())
                    .writeShort(flow.priority())
                    .writeInt(0)
                    .writeLong(flow.cookie());
        } else {
            out.writeShort(0)
                    .writeShort(event.number(version))
                    .writeShort(reason)
                    .writeShort(flow.priority())
                    .writeShort(flow.idleTimeoutSeconds())
                    .writeShort(flow.hardTimeoutSeconds())
                    .writeShort(0)
                    .writeByte(flow.tableId())
                    .writeByte(0)
                    .writeLong(flow.cookie());
        }
        writeMatch(out, start, flow.match(), version);
        if (withActions) {
            if (version.isAtLeast(WireVersion.OF13)) {
                InstructionCodec.write(out, flow.actions(), flow.match(), version);
            } else {
                ActionCodec.write(out, flow.actions(), flow.match(), version);
            }
        }
        out.setShort(start, out.writerIndex() - start);
    }

    /** The length of the match stands in the entries of the older forms, padding excluded. */
    private static void writeMatch(ByteBuf out, int start, Match match, WireVersion version) {
        int matchStart = out.writerIndex();
        if (version.isAtLeast(WireVersion.OF13)) {
            MatchCodec.writeOxm(out, match, version);
            if (!version.hasProperties()) {
                out.setShort(start + 12, out.getUnsignedShort(matchStart + 2));
            }
        } else {
            MatchCodec.writeFields(out, match, WireVersion.OF10);
            out.setShort(start + 12, out.writerIndex() - matchStart);
            Wire.pad(out, matchStart);
        }
    }

    /** The entry that stands for what the request of that transaction id has changed. */
    public static void writeAbbreviation(ByteBuf out, int xid, WireVersion version) {
        out.writeShort(SHORT_BYTES).writeShort(Event.ABBREV.number(version)).writeInt(xid);
    }

    /** The entry that says that monitoring pauses or goes on, which since 1.4 is no message of its own. */
    public static void writePause(ByteBuf out, Event event, WireVersion version) {
        out.writeShort(SHORT_BYTES).writeShort(event.number(version)).writeInt(0);
    }
}
