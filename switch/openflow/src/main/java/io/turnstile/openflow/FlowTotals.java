package io.turnstile.openflow;

import io.turnstile.openflow.wire.FlowStatsCodec;
import io.turnstile.pipeline.OpenFlowSwitch.FlowCursor;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;

/** Aggregate statistics: one short message, for which all flows are looked at. Event loop thread only. */
final class FlowTotals implements LongReply {
    private final FlowCursor flows;
    private final MessageType type;
    private final Reply reply;
    private long packets;
    private long bytes;
    private int count;

    FlowTotals(FlowCursor flows, MessageType type, Reply reply) {
        this.flows = flows;
        this.type = type;
        this.reply = reply;
    }

    private void count(FlowStats flow) {
        packets += flow.packetCount();
        bytes += flow.byteCount();
        count++;
    }

    @Override
    public boolean proceed() {
        if (FlowDump.lookAtSome(flows, this::count, () -> false)) {
            return true;
        }
        MultipartReply parts = new MultipartReply(reply, type);
        parts.add(out -> FlowStatsCodec.writeAggregate(out, packets, bytes, count, reply.version()));
        parts.finish();
        return false;
    }

    @Override
    public long heldBytes() {
        return flows.heldBytes();
    }

    @Override
    public void abandon() {
        // Nothing is made before everything is known.
    }
}
