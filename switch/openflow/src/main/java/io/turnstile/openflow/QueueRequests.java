package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.QueueCodec;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.port.PortQueue;
import java.util.ArrayList;
import java.util.List;
import org.projectfloodlight.openflow.protocol.OFQueueStatsRequest;

/** What is asked about the queues of ports: their statistics, and how they are configured. Threads: any. */
final class QueueRequests {
    private static final int ALL_QUEUES = -1;

    private record Found(int port, PortQueue queue) {}

    private final OpenFlowSwitch bridge;

    QueueRequests(OpenFlowSwitch bridge) {
        this.bridge = bridge;
    }

    void statistics(OFQueueStatsRequest request, Reply reply) throws OfException {
        int port = request.getPortNo().getPortNumber();
        // 1.0 says ALL, later versions ANY
        List<Found> found = find(port == Ports.ALL ? Ports.NONE : port, (int) request.getQueueId());
        MultipartReply parts = new MultipartReply(reply, MessageType.QUEUE_STATS);
        for (Found each : found) {
            parts.add(out -> QueueCodec.writeStatistics(out, each.port, each.queue, reply.version()));
        }
        parts.finish();
    }

    /** Until 1.3; all queues of one port, or from 1.1 on of all ports. */
    void configuration(Request request) throws OfException {
        WireVersion version = request.version();
        ByteBuf body = request.body();
        int port = version.hasInstructions() ? body.readInt() : Ports.widened(body.readUnsignedShort());
        boolean any = port == Ports.NONE && version.hasInstructions();
        if (!any && Integer.compareUnsigned(port, Ports.MAX) >= 0) {
            throw noPort(port);
        }
        List<Found> found = find(port, ALL_QUEUES);
        request.reply().send(MessageType.QUEUE_GET_CONFIG_REPLY, out -> {
            QueueCodec.writeConfigurationHead(out, port, version);
            found.forEach(each -> QueueCodec.writeConfiguration(out, each.port, each.queue, version));
        });
    }

    /** The same since 1.4. */
    void descriptions(Request request) throws OfException {
        List<Found> found = find(request.body().readInt(), request.body().readInt());
        MultipartReply parts = new MultipartReply(request.reply(), MessageType.QUEUE_DESC);
        for (Found each : found) {
            parts.add(out -> QueueCodec.writeConfiguration(out, each.port, each.queue, request.version()));
        }
        parts.finish();
    }

    /** @param port {@link Ports#NONE} for all ports: then it is an error if none of them has the queue */
    private List<Found> find(int port, int queue) throws OfException {
        List<OfPort> asked = bridge.ports().stream()
                .filter(each -> port == Ports.NONE || each.number() == port)
                .sorted(StandardRequests.PORT_ORDER)
                .toList();
        if (asked.isEmpty() && port != Ports.NONE) {
            throw noPort(port);
        }
        List<Found> found = new ArrayList<>();
        for (OfPort each : asked) {
            for (PortQueue present : bridge.portQueues(each.number())) {
                if (queue == ALL_QUEUES || queue == present.id()) {
                    found.add(new Found(each.number(), present));
                }
            }
        }
        if (found.isEmpty() && queue != ALL_QUEUES) {
            throw new OfException(OfErrorCode.OFPQOFC_BAD_QUEUE, "queue " + Integer.toUnsignedString(queue));
        }
        return found;
    }

    private static OfException noPort(int port) {
        return new OfException(OfErrorCode.OFPQOFC_BAD_PORT, "port " + Integer.toUnsignedString(port));
    }
}
