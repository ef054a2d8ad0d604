package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.port.PortQueue;

/** The queues of ports, as each version tells of them. Nobody knows since when a queue has been there. */
public final class QueueCodec {
    private static final int STATISTICS14_BYTES = 48;
    private static final int QUEUE10_BYTES = 8;
    private static final int QUEUE12_BYTES = 16;
    private static final int NO_DURATION = -1;

    private QueueCodec() {}

    /** {@code ofp_queue_stats}. All ones mean "not known". */
    public static void writeStatistics(ByteBuf out, int port, PortQueue queue, WireVersion version) {
        if (version.hasProperties()) {
            out.writeShort(STATISTICS14_BYTES).writeZero(6);
        }
        Wire.writePort(out, port, version);
        if (!version.hasInstructions()) {
            out.writeZero(2);
        }
        out.writeInt(queue.id());
        out.writeLong(queue.txBytes()).writeLong(queue.txPackets()).writeLong(queue.txErrors());
        if (version.isAtLeast(WireVersion.OF13)) {
            out.writeInt(NO_DURATION).writeInt(NO_DURATION);
        }
    }

    /** What stands before the queues in OFPT_QUEUE_GET_CONFIG_REPLY. */
    public static void writeConfigurationHead(ByteBuf out, int port, WireVersion version) {
        Wire.writePort(out, port, version);
        out.writeZero(version.hasInstructions() ? 4 : 6);
    }

    /** {@code ofp_packet_queue}, from 1.4 on {@code ofp_queue_desc}, without properties: no queue has a rate. */
    public static void writeConfiguration(ByteBuf out, int port, PortQueue queue, WireVersion version) {
        if (version.hasProperties()) {
            out.writeInt(port).writeInt(queue.id()).writeShort(QUEUE12_BYTES).writeZero(6);
        } else if (version.isOxm()) {
            out.writeInt(queue.id()).writeInt(port).writeShort(QUEUE12_BYTES).writeZero(6);
        } else {
            out.writeInt(queue.id()).writeShort(QUEUE10_BYTES).writeZero(2);
        }
    }
}
