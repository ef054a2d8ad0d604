package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/** Flow and aggregate statistics of every version, and the Nicira ones. */
public final class FlowStatsCodec {
    private static final long NS_PER_SECOND = 1_000_000_000L;
    private static final long NS_PER_MS = 1_000_000L; // what the durations of Open vSwitch are precise to
    private static final int OXS_BASIC = 0x8002;
    private static final int OXS_DURATION = 0;
    private static final int OXS_IDLE_TIME = 1;
    private static final int OXS_FLOW_COUNT = 3;
    private static final int OXS_PACKET_COUNT = 4;
    private static final int OXS_BYTE_COUNT = 5;
    private static final int MAX_AGE = 0xffff;

    private FlowStatsCodec() {}

    // ---- requests; the reader stands behind the statistics header ----

    public static FlowQuery readRequest10(ByteBuf in) throws OfException {
        Match match = LegacyMatch.read(in);
        Wire.need(in, 4, OfErrorCode.OFPBRC_BAD_LEN);
        int table = in.readUnsignedByte();
        in.skipBytes(1);
        return new FlowQuery(table, match, 0, 0, Ports.widened(in.readUnsignedShort()));
    }

    /** NXST_FLOW and NXST_AGGREGATE. */
    public static FlowQuery readRequestNicira(ByteBuf in) throws OfException {
        Wire.need(in, 8, OfErrorCode.OFPBRC_BAD_LEN);
        int outPort = Ports.widened(in.readUnsignedShort());
        int matchLength = in.readUnsignedShort();
        int table = in.readUnsignedByte();
        in.skipBytes(3);
        MatchCodec.Decoded decoded = MatchCodec.readNxm(in, matchLength, true);
        if (in.isReadable()) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "bytes after the match");
        }
        return new FlowQuery(table, decoded.match(), decoded.cookie(), decoded.cookieMask(), outPort);
    }

    public static FlowQuery readRequest13(ByteBuf in) throws OfException {
        Wire.need(in, 32, OfErrorCode.OFPBRC_BAD_LEN);
        int table = in.readUnsignedByte();
        in.skipBytes(3);
        int outPort = in.readInt();
        int outGroup = in.readInt();
        in.skipBytes(4);
        long cookie = in.readLong();
        long cookieMask = in.readLong();
        Match match = MatchCodec.read(in);
        return new FlowQuery(table, match, cookie, cookieMask, outPort, outGroup);
    }

    // ---- replies: one entry each ----

    /** The entry of OFPST_FLOW under 1.0. */
    public static void writeEntry10(ByteBuf out, FlowStats flow) {
        int start = out.writerIndex();
        out.writeShort(0).writeByte(flow.tableId()).writeByte(0);
        LegacyMatch.write(out, flow.match());
        out.writeInt(seconds(flow))
                .writeInt(nanoseconds(flow))
                .writeShort(flow.priority())
                .writeShort(flow.idleTimeoutSeconds())
                .writeShort(flow.hardTimeoutSeconds())
                .writeZero(6)
                .writeLong(flow.cookie())
                .writeLong(flow.packetCount())
                .writeLong(flow.byteCount());
        ActionCodec.write(out, flow.actions(), flow.match(), WireVersion.OF10);
        out.setShort(start, out.writerIndex() - start);
    }

    /** The entry of NXST_FLOW. */
    public static void writeEntryNicira(ByteBuf out, FlowStats flow) {
        int start = out.writerIndex();
        out.writeShort(0)
                .writeByte(flow.tableId())
                .writeByte(0)
                .writeInt(seconds(flow))
                .writeInt(nanoseconds(flow))
                .writeShort(flow.priority())
                .writeShort(flow.idleTimeoutSeconds())
                .writeShort(flow.hardTimeoutSeconds())
                .writeShort(0)
                .writeShort(age(flow.idleAgeNs()))
                .writeShort(age(flow.hardAgeNs()))
                .writeLong(flow.cookie())
                .writeLong(flow.packetCount())
                .writeLong(flow.byteCount());
        int matchStart = out.writerIndex();
        MatchCodec.writeFields(out, flow.match(), WireVersion.OF10);
        out.setShort(start + 18, out.writerIndex() - matchStart);
        Wire.pad(out, matchStart);
        ActionCodec.write(out, flow.actions(), flow.match(), WireVersion.OF10);
        out.setShort(start, out.writerIndex() - start);
    }

    /** The entry of OFPMP_FLOW under 1.1 to 1.4, and of OFPMP_FLOW_DESC under 1.5. */
    public static void writeEntry13(ByteBuf out, FlowStats flow, WireVersion version) {
        int start = out.writerIndex();
        if (version == WireVersion.OF15) {
            out.writeShort(0)
                    .writeShort(0)
                    .writeByte(flow.tableId())
                    .writeByte(0)
                    .writeShort(flow.priority())
                    .writeShort(flow.idleTimeoutSeconds())
                    .writeShort(flow.hardTimeoutSeconds())
                    .writeShort(FlowModCodec.flagBits(flow.flags(), version))
                    .writeShort(flow.importance())
                    .writeLong(flow.cookie());
            MatchCodec.write(out, flow.match(), version);
            writeOxs(out, flow);
        } else {
            out.writeShort(0)
                    .writeByte(flow.tableId())
                    .writeByte(0)
                    .writeInt(seconds(flow))
                    .writeInt(nanoseconds(flow))
                    .writeShort(flow.priority())
                    .writeShort(flow.idleTimeoutSeconds())
                    .writeShort(flow.hardTimeoutSeconds())
                    .writeShort(version.isAtLeast(WireVersion.OF13) ? FlowModCodec.flagBits(flow.flags(), version) : 0)
                    .writeShort(version.isAtLeast(WireVersion.OF14) ? flow.importance() : 0)
                    .writeZero(2)
                    .writeLong(flow.cookie())
                    .writeLong(flow.packetCount())
                    .writeLong(flow.byteCount());
            MatchCodec.writeOxm(out, flow.match(), version);
        }
        InstructionCodec.write(out, flow.actions(), flow.match(), version);
        out.setShort(start, out.writerIndex() - start);
    }

    /** {@code struct ofp_stats} of OpenFlow 1.5.1 §7.2.4. */
    static void writeOxs(ByteBuf out, FlowStats flow) {
        int start = Wire.startProperty(out, 0);
        oxs(out, OXS_DURATION, 8).writeInt(seconds(flow)).writeInt(nanoseconds(flow));
        oxs(out, OXS_IDLE_TIME, 8)
                .writeInt((int) (flow.idleAgeNs() / NS_PER_SECOND))
                .writeInt((int) (flow.idleAgeNs() % NS_PER_SECOND));
        oxs(out, OXS_PACKET_COUNT, 8).writeLong(flow.packetCount());
        oxs(out, OXS_BYTE_COUNT, 8).writeLong(flow.byteCount());
        Wire.endProperty(out, start);
    }

    private static ByteBuf oxs(ByteBuf out, int field, int bytes) {
        return out.writeInt(OXS_BASIC << 16 | field << 9 | bytes);
    }

    /** The body of an aggregate reply. */
    public static void writeAggregate(ByteBuf out, long packets, long bytes, int flows, WireVersion version) {
        if (version == WireVersion.OF15) {
            int start = Wire.startProperty(out, 0);
            oxs(out, OXS_PACKET_COUNT, 8).writeLong(packets);
            oxs(out, OXS_BYTE_COUNT, 8).writeLong(bytes);
            oxs(out, OXS_FLOW_COUNT, 4).writeInt(flows);
            Wire.endProperty(out, start);
        } else {
            out.writeLong(packets).writeLong(bytes).writeInt(flows).writeInt(0);
        }
    }

    private static int seconds(FlowStats flow) {
        return (int) (flow.durationNs() / NS_PER_SECOND);
    }

    private static int nanoseconds(FlowStats flow) {
        return (int) (flow.durationNs() % NS_PER_SECOND / NS_PER_MS * NS_PER_MS);
    }

    /** Seconds plus one; 0 would mean "not known". */
    private static int age(long ageNs) {
        return (int) Math.min(ageNs / NS_PER_SECOND + 1, MAX_AGE);
    }
}
