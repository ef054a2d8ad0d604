package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.FlowModCodec;
import io.turnstile.openflow.wire.FlowStatsCodec;
import io.turnstile.openflow.wire.PacketOutCodec;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.OfException;
import java.util.List;

/** Flow modifications, packet-outs, flow and aggregate statistics. */
final class FlowRequests {
    private static final int NICIRA_STATISTICS_PAD_BYTES = 4;

    private final OpenFlowSwitch bridge;

    FlowRequests(OpenFlowSwitch bridge) {
        this.bridge = bridge;
    }

    void modify(Request request) throws OfException {
        Session session = request.session();
        FlowMod change = request.version().isOxm()
                ? FlowModCodec.read13(request.body(), request.version())
                : FlowModCodec.read10(request.body(), session.flowModTableId);
        bridge.apply(change);
    }

    void modifyByNicira(Request request) throws OfException {
        bridge.apply(FlowModCodec.readNicira(request.body(), request.session().flowModTableId));
    }

    void packetOut(Request request) throws OfException {
        PacketOutCodec.PacketOut out = PacketOutCodec.read(request.body(), request.version());
        bridge.packetOut(out.inPort(), out.actions(), out.frame());
    }

    void flows(Request request) throws OfException {
        FlowQuery query = query(request);
        WireVersion version = request.version();
        MultipartReply parts = new MultipartReply(request.reply(), MessageType.FLOW_STATS);
        for (FlowStats flow : bridge.flows(query)) {
            parts.add(
                    version.isOxm()
                            ? out -> FlowStatsCodec.writeEntry13(out, flow, version)
                            : out -> FlowStatsCodec.writeEntry10(out, flow));
        }
        parts.finish();
    }

    void flowsOfNicira(Request request) throws OfException {
        FlowQuery query = queryOfNicira(request);
        MultipartReply parts = new MultipartReply(request.reply(), MessageType.NXST_FLOW);
        for (FlowStats flow : bridge.flows(query)) {
            parts.add(out -> FlowStatsCodec.writeEntryNicira(out, flow));
        }
        parts.finish();
    }

    void aggregate(Request request) throws OfException {
        aggregate(query(request), MessageType.AGGREGATE_STATS, request.reply());
    }

    void aggregateOfNicira(Request request) throws OfException {
        aggregate(queryOfNicira(request), MessageType.NXST_AGGREGATE, request.reply());
    }

    private void aggregate(FlowQuery query, MessageType type, Reply reply) {
        List<FlowStats> flows = bridge.flows(query);
        MultipartReply parts = new MultipartReply(reply, type);
        parts.add(out -> FlowStatsCodec.writeAggregate(out, flows, reply.version()));
        parts.finish();
    }

    private static FlowQuery query(Request request) throws OfException {
        return request.version().isOxm()
                ? FlowStatsCodec.readRequest13(request.body())
                : FlowStatsCodec.readRequest10(request.body());
    }

    private static FlowQuery queryOfNicira(Request request) throws OfException {
        ByteBuf body = request.body().skipBytes(NICIRA_STATISTICS_PAD_BYTES);
        return FlowStatsCodec.readRequestNicira(body);
    }
}
