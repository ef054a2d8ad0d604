package io.turnstile.openflow;

import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OfErrorCode;
import io.turnstile.pipeline.OfException;
import java.util.ArrayList;
import java.util.List;
import org.projectfloodlight.openflow.protocol.OFAsyncConfigProp;
import org.projectfloodlight.openflow.protocol.OFAsyncConfigPropFlowRemovedMaster;
import org.projectfloodlight.openflow.protocol.OFAsyncConfigPropFlowRemovedSlave;
import org.projectfloodlight.openflow.protocol.OFAsyncConfigPropPacketInMaster;
import org.projectfloodlight.openflow.protocol.OFAsyncConfigPropPacketInSlave;
import org.projectfloodlight.openflow.protocol.OFAsyncConfigPropPortStatusMaster;
import org.projectfloodlight.openflow.protocol.OFAsyncConfigPropPortStatusSlave;
import org.projectfloodlight.openflow.protocol.OFAsyncGetReply;
import org.projectfloodlight.openflow.protocol.OFAsyncGetRequest;
import org.projectfloodlight.openflow.protocol.OFAsyncSet;
import org.projectfloodlight.openflow.protocol.OFControllerRole;
import org.projectfloodlight.openflow.protocol.OFFactory;
import org.projectfloodlight.openflow.protocol.OFMessage;
import org.projectfloodlight.openflow.protocol.OFRoleRequest;
import org.projectfloodlight.openflow.types.U64;

/** Roles with generation ids, and the masks of what is sent unasked (OpenFlow 1.3.5 §6.3.5, §6.3.6). */
final class RoleRequests {
    private final BridgeAgent agent;

    RoleRequests(BridgeAgent agent) {
        this.agent = agent;
    }

    void handle(OFMessage request, OpenFlowConnection connection, Reply reply) throws OfException {
        switch (request) {
            case OFRoleRequest role -> role(role, connection, reply);
            case OFAsyncGetRequest get -> getAsync(connection.session(), reply);
            case OFAsyncSet set -> setAsync(set, connection.session());
            default -> throw new OfException(OfErrorCode.OFPBRC_BAD_TYPE, request.getType() + " is not a request");
        }
    }

    private void role(OFRoleRequest request, OpenFlowConnection connection, Reply reply) throws OfException {
        Role wanted = switch (request.getRole()) {
            case ROLE_NOCHANGE -> null;
            case ROLE_EQUAL -> Role.EQUAL;
            case ROLE_MASTER -> Role.MASTER;
            case ROLE_SLAVE -> Role.SLAVE;
        };
        if (wanted == Role.MASTER || wanted == Role.SLAVE) {
            agent.checkGeneration(request.getGenerationId().getValue());
        }
        if (wanted != null) {
            agent.setRole(connection, wanted);
        }
        reply.send(reply.factory()
                .buildRoleReply()
                .setXid(reply.unsignedXid())
                .setRole(wire(connection.session().role))
                .setGenerationId(U64.of(agent.generationId()))
                .build());
    }

    private static OFControllerRole wire(Role role) {
        return switch (role) {
            case EQUAL -> OFControllerRole.ROLE_EQUAL;
            case MASTER -> OFControllerRole.ROLE_MASTER;
            case SLAVE -> OFControllerRole.ROLE_SLAVE;
        };
    }

    /** Nicira's role request of OpenFlow 1.0: there are no generations. */
    void setRole10(int code, OpenFlowConnection connection) throws OfException {
        if (code < 0 || code >= Role.values().length) {
            throw new OfException(OfErrorCode.OFPRRFC_BAD_ROLE, "role " + code);
        }
        agent.setRole(connection, Role.values()[code]);
    }

    private static void setAsync(OFAsyncSet set, Session session) throws OfException {
        AsyncMasks masks = new AsyncMasks();
        if (session.version == WireVersion.OF15) {
            for (OFAsyncConfigProp property : set.getProperties()) {
                apply(property, session.async);
            }
            return;
        }
        masks.packetIn[0] = (int) set.getPacketInMaskEqualMaster();
        masks.packetIn[1] = (int) set.getPacketInMaskSlave();
        masks.portStatus[0] = (int) set.getPortStatusMaskEqualMaster();
        masks.portStatus[1] = (int) set.getPortStatusMaskSlave();
        masks.flowRemoved[0] = (int) set.getFlowRemovedMaskEqualMaster();
        masks.flowRemoved[1] = (int) set.getFlowRemovedMaskSlave();
        session.async = masks;
    }

    private static void apply(OFAsyncConfigProp property, AsyncMasks masks) throws OfException {
        switch (property) {
            case OFAsyncConfigPropPacketInMaster p -> masks.packetIn[0] = (int) p.getMask();
            case OFAsyncConfigPropPacketInSlave p -> masks.packetIn[1] = (int) p.getMask();
            case OFAsyncConfigPropPortStatusMaster p -> masks.portStatus[0] = (int) p.getMask();
            case OFAsyncConfigPropPortStatusSlave p -> masks.portStatus[1] = (int) p.getMask();
            case OFAsyncConfigPropFlowRemovedMaster p -> masks.flowRemoved[0] = (int) p.getMask();
            case OFAsyncConfigPropFlowRemovedSlave p -> masks.flowRemoved[1] = (int) p.getMask();
            default -> throw new OfException(OfErrorCode.OFPBRC_BAD_TYPE, "async property " + property.getType());
        }
    }

    private static void getAsync(Session session, Reply reply) {
        AsyncMasks masks = session.async;
        OFFactory factory = reply.factory();
        OFAsyncGetReply.Builder answer = factory.buildAsyncGetReply().setXid(reply.unsignedXid());
        if (reply.version() == WireVersion.OF15) {
            List<OFAsyncConfigProp> properties = new ArrayList<>();
            properties.add(factory.buildAsyncConfigPropPacketInSlave()
                    .setMask(masks.packetIn[1])
                    .build());
            properties.add(factory.buildAsyncConfigPropPacketInMaster()
                    .setMask(masks.packetIn[0])
                    .build());
            properties.add(factory.buildAsyncConfigPropPortStatusSlave()
                    .setMask(masks.portStatus[1])
                    .build());
            properties.add(factory.buildAsyncConfigPropPortStatusMaster()
                    .setMask(masks.portStatus[0])
                    .build());
            properties.add(factory.buildAsyncConfigPropFlowRemovedSlave()
                    .setMask(masks.flowRemoved[1])
                    .build());
            properties.add(factory.buildAsyncConfigPropFlowRemovedMaster()
                    .setMask(masks.flowRemoved[0])
                    .build());
            reply.send(answer.setProperties(properties).build());
            return;
        }
        reply.send(answer.setPacketInMaskEqualMaster(masks.packetIn[0])
                .setPacketInMaskSlave(masks.packetIn[1])
                .setPortStatusMaskEqualMaster(masks.portStatus[0])
                .setPortStatusMaskSlave(masks.portStatus[1])
                .setFlowRemovedMaskEqualMaster(masks.flowRemoved[0])
                .setFlowRemovedMaskSlave(masks.flowRemoved[1])
                .build());
    }
}
