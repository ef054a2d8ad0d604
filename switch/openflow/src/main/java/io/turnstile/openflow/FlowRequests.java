package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.FlowStatsCodec;
import io.turnstile.openflow.wire.PacketOutCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.FlowMod;
import io.turnstile.pipeline.OfException;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import java.util.List;

/** Flow modifications, packet-outs, flow and aggregate statistics. */
final class FlowRequests {
    static final int STATS_FLOW = 1;
    static final int STATS_AGGREGATE = 2;
    static final int STATS_EXPERIMENTER = 0xffff;
    static final int NXST_FLOW = 0;
    static final int NXST_AGGREGATE = 1;

    private final OpenFlowSwitch bridge;

    FlowRequests(OpenFlowSwitch bridge) {
        this.bridge = bridge;
    }

    void modify(FlowMod change) throws OfException {
        bridge.apply(change);
    }

    void packetOut(ByteBuf in, WireVersion version) throws OfException {
        PacketOutCodec.PacketOut out = PacketOutCodec.read(in, version);
        bridge.packetOut(out.inPort(), out.actions(), out.frame());
    }

    void flows(FlowQuery query, Reply reply) {
        WireVersion version = reply.version();
        MultipartReply parts = new MultipartReply(reply, STATS_FLOW);
        for (FlowStats flow : bridge.flows(query)) {
            parts.add(
                    version.isOxm()
                            ? out -> FlowStatsCodec.writeEntry13(out, flow, version)
                            : out -> FlowStatsCodec.writeEntry10(out, flow));
        }
        parts.finish();
    }

    void flowsNicira(FlowQuery query, Reply reply) {
        MultipartReply parts = new MultipartReply(reply, STATS_EXPERIMENTER, Wire.NICIRA, NXST_FLOW, 0);
        for (FlowStats flow : bridge.flows(query)) {
            parts.add(out -> FlowStatsCodec.writeEntryNicira(out, flow));
        }
        parts.finish();
    }

    void aggregate(FlowQuery query, Reply reply) {
        List<FlowStats> flows = bridge.flows(query);
        MultipartReply parts = new MultipartReply(reply, STATS_AGGREGATE);
        parts.add(out -> FlowStatsCodec.writeAggregate(out, flows, reply.version()));
        parts.finish();
    }

    void aggregateNicira(FlowQuery query, Reply reply) {
        List<FlowStats> flows = bridge.flows(query);
        MultipartReply parts = new MultipartReply(reply, STATS_EXPERIMENTER, Wire.NICIRA, NXST_AGGREGATE, 0);
        parts.add(out -> FlowStatsCodec.writeAggregate(out, flows, WireVersion.OF10));
        parts.finish();
    }
}
