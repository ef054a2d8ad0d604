package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.FlowMonitorCodec;
import io.turnstile.openflow.wire.FlowMonitorCodec.Monitor;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.List;

/** Requests for {@link FlowMonitors}. */
final class MonitorRequests {
    private static final int NICIRA_STATISTICS_PAD_BYTES = 4;

    private final BridgeAgent agent;

    MonitorRequests(BridgeAgent agent) {
        this.agent = agent;
    }

    /** All monitors of a request come to be, or none. */
    void monitor(Request request) throws OfException {
        ByteBuf body = request.body();
        if (request.version() == WireVersion.OF10) {
            if (body.readableBytes() < NICIRA_STATISTICS_PAD_BYTES) {
                throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "a truncated head");
            }
            body.skipBytes(NICIRA_STATISTICS_PAD_BYTES);
        }
        MessageType type = FlowMonitors.type(request.version());
        List<Monitor> asked = FlowMonitorCodec.read(body, request.version());
        Reply reply = request.reply();
        if (asked.isEmpty()) {
            new MultipartReply(reply, type).finish();
            return;
        }
        OpenFlowConnection connection = request.connection();
        connection.monitors().check(asked);
        agent.watchFlows(connection, request, () -> {
            connection.monitors().apply(asked, agent.changesSeen(), new MultipartReply(reply, type), reply.version());
            agent.updateWatching();
        });
    }

    void cancel(Request request) throws OfException {
        request.connection().monitors().cancel(FlowMonitorCodec.readCancel(request.body()));
        agent.updateWatching();
    }
}
