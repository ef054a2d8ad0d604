package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Field;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.OpenFlowSwitch.PacketIn;
import io.turnstile.pipeline.PausedWalk;
import io.turnstile.pipeline.flow.FlowRemovedReason;

/** The content of what is sent unasked and holds a match: packet-in in its four forms, and flow-removed. */
public final class AsyncCodec {
    // Properties of NXT_PACKET_IN2 and NXT_RESUME.
    static final int NXPINT_PACKET = 0;
    static final int NXPINT_FULL_LEN = 1;
    static final int NXPINT_BUFFER_ID = 2;
    static final int NXPINT_TABLE_ID = 3;
    static final int NXPINT_COOKIE = 4;
    static final int NXPINT_REASON = 5;
    static final int NXPINT_METADATA = 6;
    static final int NXPINT_USERDATA = 7;
    static final int NXPINT_CONTINUATION = 8;
    /** The cookie of what no flow has sent; zero is a flow's as good as any. */
    private static final long NO_COOKIE = -1L;

    private static final long NS_PER_SECOND = 1_000_000_000L;

    private AsyncCodec() {}

    /** The number of the packet's reason. */
    private static int reason(PacketIn packet, WireVersion version) {
        return packet.reason().numberIn(version.code());
    }

    /** OFPT_PACKET_IN; whole, for there is no buffer here that the rest could be in. */
    public static void packetIn(ByteBuf out, WireVersion version, PacketIn packet) {
        out.writeInt(Wire.NO_BUFFER);
        int lengthBytes = packet.frame().length;
        int inPort = (int) packet.metadata().value(Field.IN_PORT);
        switch (version) {
            case OF10 ->
                out.writeShort(lengthBytes)
                        .writeShort(inPort)
                        .writeByte(reason(packet, version))
                        .writeByte(0);
            case OF11 ->
                out.writeInt(inPort)
                        .writeInt(inPort) // the physical port
                        .writeShort(lengthBytes)
                        .writeByte(reason(packet, version))
                        .writeByte(packet.tableId());
            case OF12, OF13, OF14, OF15 -> {
                out.writeShort(lengthBytes).writeByte(reason(packet, version)).writeByte(packet.tableId());
                if (version != WireVersion.OF12) {
                    out.writeLong(packet.cookie());
                }
                MatchCodec.write(out, packet.metadata(), version);
                out.writeShort(0);
            }
        }
        out.writeBytes(packet.frame());
    }

    /** NXT_PACKET_IN. */
    public static void packetInNxm(ByteBuf out, WireVersion version, PacketIn packet) {
        out.writeInt(Wire.NO_BUFFER)
                .writeShort(packet.frame().length)
                .writeByte(reason(packet, version))
                .writeByte(packet.tableId())
                .writeLong(packet.cookie());
        int lengthAt = out.writerIndex();
        out.writeShort(0).writeZero(6);
        int matchStart = out.writerIndex();
        MatchCodec.writeFields(out, packet.metadata(), WireVersion.OF10);
        out.setShort(lengthAt, out.writerIndex() - matchStart);
        Wire.pad(out, matchStart);
        out.writeShort(0).writeBytes(packet.frame());
    }

    /** NXT_PACKET_IN2: properties. */
    public static void packetInNxm2(ByteBuf out, WireVersion version, PacketIn packet) {
        int property = Wire.startProperty(out, NXPINT_PACKET);
        out.writeBytes(packet.frame());
        Wire.endProperty(out, property);
        property = Wire.startProperty(out, NXPINT_TABLE_ID);
        out.writeByte(packet.tableId());
        Wire.endProperty(out, property);
        if (packet.cookie() != NO_COOKIE) {
            property = Wire.startProperty(out, NXPINT_COOKIE);
            out.writeZero(4).writeLong(packet.cookie());
            Wire.endProperty(out, property);
        }
        property = Wire.startProperty(out, NXPINT_REASON);
        out.writeByte(reason(packet, version));
        Wire.endProperty(out, property);
        property = Wire.startProperty(out, NXPINT_METADATA);
        MatchCodec.writeFields(out, packet.metadata(), version);
        Wire.endProperty(out, property);
        PausedWalk paused = packet.paused();
        if (paused != null) {
            property = Wire.startProperty(out, NXPINT_CONTINUATION);
            out.writeZero(4);
            ContinuationCodec.write(out, paused, version);
            Wire.endProperty(out, property);
        }
        if (packet.userdata().length > 0) {
            property = Wire.startProperty(out, NXPINT_USERDATA);
            out.writeBytes(packet.userdata());
            Wire.endProperty(out, property);
        }
    }

    /** OFPT_FLOW_REMOVED. */
    public static void flowRemoved(ByteBuf out, WireVersion version, FlowStats flow, FlowRemovedReason reason) {
        int seconds = (int) (flow.durationNs() / NS_PER_SECOND);
        int nanoseconds = (int) (flow.durationNs() % NS_PER_SECOND);
        switch (version) {
            case OF10 -> {
                LegacyMatch.write(out, flow.match());
                out.writeLong(flow.cookie())
                        .writeShort(flow.priority())
                        .writeByte(reason.number())
                        .writeByte(0)
                        .writeInt(seconds)
                        .writeInt(nanoseconds)
                        .writeShort(flow.idleTimeoutSeconds())
                        .writeShort(0)
                        .writeLong(flow.packetCount())
                        .writeLong(flow.byteCount());
            }
            case OF11, OF12, OF13, OF14 -> {
                out.writeLong(flow.cookie())
                        .writeShort(flow.priority())
                        .writeByte(reason.number())
                        .writeByte(flow.tableId())
                        .writeInt(seconds)
                        .writeInt(nanoseconds)
                        .writeShort(flow.idleTimeoutSeconds())
                        .writeShort(flow.hardTimeoutSeconds())
                        .writeLong(flow.packetCount())
                        .writeLong(flow.byteCount());
                MatchCodec.write(out, flow.match(), version);
            }
            case OF15 -> {
                out.writeByte(flow.tableId())
                        .writeByte(reason.number())
                        .writeShort(flow.priority())
                        .writeShort(flow.idleTimeoutSeconds())
                        .writeShort(flow.hardTimeoutSeconds())
                        .writeLong(flow.cookie());
                MatchCodec.write(out, flow.match(), version);
                FlowStatsCodec.writeOxs(out, flow);
            }
        }
    }

    /** NXT_FLOW_REMOVED. */
    public static void flowRemovedNxm(ByteBuf out, FlowStats flow, FlowRemovedReason reason) {
        out.writeLong(flow.cookie())
                .writeShort(flow.priority())
                .writeByte(reason.number())
                .writeByte(flow.tableId() + 1)
                .writeInt((int) (flow.durationNs() / NS_PER_SECOND))
                .writeInt((int) (flow.durationNs() % NS_PER_SECOND))
                .writeShort(flow.idleTimeoutSeconds());
        int lengthAt = out.writerIndex();
        out.writeShort(0).writeLong(flow.packetCount()).writeLong(flow.byteCount());
        int matchStart = out.writerIndex();
        MatchCodec.writeFields(out, flow.match(), WireVersion.OF10);
        out.setShort(lengthAt, out.writerIndex() - matchStart);
        Wire.pad(out, matchStart);
    }
}
