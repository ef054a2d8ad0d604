package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.flow.OfException;

/**
 * The dispatcher has one request done by what {@link MessageType} names as its handler. Whatever is wrong with it comes
 * out as an {@link OfException}, so that the connection goes on.
 */
final class RequestDispatcher {
    private final StandardRequests standard;
    private final QueueRequests queues;
    private final FlowRequests flows;
    private final GroupRequests groups;
    private final NiciraRequests nicira;
    private final RoleRequests roles;
    private final BundleRequests bundles;
    private final MonitorRequests monitors;

    RequestDispatcher(OpenFlowSwitch bridge, BridgeAgent agent) {
        this.standard = new StandardRequests(bridge);
        this.queues = new QueueRequests(bridge);
        this.flows = new FlowRequests(bridge);
        this.groups = new GroupRequests(bridge, agent);
        this.nicira = new NiciraRequests(bridge);
        this.roles = new RoleRequests(agent);
        this.bundles = new BundleRequests(bridge, agent);
        this.monitors = new MonitorRequests(agent);
    }

    /** @param message the whole message; its version byte is the session's */
    void handle(ByteBuf message, OpenFlowConnection connection, Reply reply) throws OfException {
        Session session = connection.session();
        int number = message.getUnsignedByte(message.readerIndex() + Wire.TYPE_OFFSET);
        ByteBuf body =
                message.slice(message.readerIndex() + Wire.HEADER_BYTES, message.readableBytes() - Wire.HEADER_BYTES);
        MessageType type = MessageFraming.read(number, body, session.agreedVersion(), session.role);
        if (type == null) {
            throw Request.unsupported(message);
        }
        type.handle(this, new Request(message, body, connection, reply));
    }

    StandardRequests standard() {
        return standard;
    }

    QueueRequests queues() {
        return queues;
    }

    FlowRequests flows() {
        return flows;
    }

    GroupRequests groups() {
        return groups;
    }

    NiciraRequests nicira() {
        return nicira;
    }

    RoleRequests roles() {
        return roles;
    }

    BundleRequests bundles() {
        return bundles;
    }

    MonitorRequests monitors() {
        return monitors;
    }
}
