package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.FlowModCodec;
import io.turnstile.openflow.wire.FlowStatsCodec;
import io.turnstile.openflow.wire.PacketOutCodec;
import io.turnstile.openflow.wire.ResumeCodec;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.ChangeOrigin;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.OfException;
import java.util.function.BiConsumer;

/** Flow modifications, packet-outs and packets that go on, flow and aggregate statistics. */
final class FlowRequests {
    private static final int NICIRA_STATISTICS_PAD_BYTES = 4;

    private final OpenFlowSwitch bridge;

    FlowRequests(OpenFlowSwitch bridge) {
        this.bridge = bridge;
    }

    void modify(Request request) throws OfException {
        Session session = request.session();
        FlowMod change = request.version().hasInstructions()
                ? FlowModCodec.read13(request.body(), request.version())
                : FlowModCodec.read10(request.body(), session.flowModTableId);
        apply(change, request);
    }

    void modifyByNicira(Request request) throws OfException {
        apply(FlowModCodec.readNicira(request.body(), request.session().flowModTableId), request);
    }

    /** What may take long is done off the event loop, while the connection waits and others do not. */
    private void apply(FlowMod change, Request request) throws OfException {
        ChangeOrigin origin = request.origin();
        if (bridge.tryApply(change, origin)) {
            request.connection().keepPace();
            return;
        }
        request.changeElsewhere(MessageType.FLOW_MOD, () -> bridge.apply(change, origin));
    }

    void packetOut(Request request) throws OfException {
        bridge.packetOut(PacketOutCodec.read(request.body(), request.version()));
    }

    void resume(Request request) throws OfException {
        ResumeCodec.Resume resume = ResumeCodec.read(request.body(), request.version());
        bridge.resume(resume.paused(), resume.fields(), resume.frame());
    }

    void flows(Request request) throws OfException {
        FlowQuery query = query(request);
        WireVersion version = request.version();
        dump(
                query,
                MessageType.FLOW_STATS,
                request.reply(),
                version.hasInstructions()
                        ? (out, flow) -> FlowStatsCodec.writeEntry13(out, flow, version)
                        : FlowStatsCodec::writeEntry10);
    }

    void flowsOfNicira(Request request) throws OfException {
        dump(queryOfNicira(request), MessageType.NXST_FLOW, request.reply(), FlowStatsCodec::writeEntryNicira);
    }

    private void dump(FlowQuery query, MessageType type, Reply reply, BiConsumer<ByteBuf, FlowStats> writer) {
        reply.sendGradually(new FlowDump(bridge.flowsInTurn(query), new MultipartReply(reply, type), writer));
    }

    void aggregate(Request request) throws OfException {
        aggregate(query(request), MessageType.AGGREGATE_STATS, request.reply());
    }

    void aggregateOfNicira(Request request) throws OfException {
        aggregate(queryOfNicira(request), MessageType.NXST_AGGREGATE, request.reply());
    }

    private void aggregate(FlowQuery query, MessageType type, Reply reply) {
        reply.sendGradually(new FlowTotals(bridge.flowsInTurn(query), type, reply));
    }

    private static FlowQuery query(Request request) throws OfException {
        return request.version().hasInstructions()
                ? FlowStatsCodec.readRequest13(request.body())
                : FlowStatsCodec.readRequest10(request.body());
    }

    private static FlowQuery queryOfNicira(Request request) throws OfException {
        ByteBuf body = request.body().skipBytes(NICIRA_STATISTICS_PAD_BYTES);
        return FlowStatsCodec.readRequestNicira(body);
    }
}
