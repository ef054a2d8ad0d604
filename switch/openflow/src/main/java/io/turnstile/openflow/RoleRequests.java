package io.turnstile.openflow;

import static io.turnstile.openflow.AsyncMasks.MASTER;
import static io.turnstile.openflow.AsyncMasks.SLAVE;

import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
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
import org.projectfloodlight.openflow.protocol.OFAsyncSet;
import org.projectfloodlight.openflow.protocol.OFControllerRole;
import org.projectfloodlight.openflow.protocol.OFFactory;
import org.projectfloodlight.openflow.protocol.OFRoleRequest;
import org.projectfloodlight.openflow.types.U64;

/** Roles with generation ids, and the masks of what is sent unasked (OpenFlow 1.3.5 §6.3.5, §6.3.6). */
final class RoleRequests {
    private final BridgeAgent agent;

    RoleRequests(BridgeAgent agent) {
        this.agent = agent;
    }

    void role(OFRoleRequest wish, Request request) throws OfException {
        OpenFlowConnection connection = request.connection();
        Reply reply = request.reply();
        Role wanted = switch (wish.getRole()) {
            case ROLE_NOCHANGE -> null;
            case ROLE_EQUAL -> Role.EQUAL;
            case ROLE_MASTER -> Role.MASTER;
            case ROLE_SLAVE -> Role.SLAVE;
        };
        if (wanted == Role.MASTER || wanted == Role.SLAVE) {
            agent.checkGeneration(wish.getGenerationId().getValue());
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

    /** Nicira's role request: there are no generations. */
    void roleOfNicira(Request request) throws OfException {
        agent.setRole(request.connection(), Role.ofNiciraCode(request.body().readInt()));
        request.reply()
                .send(
                        MessageType.NXT_ROLE_REPLY,
                        out -> out.writeInt(request.session().role.niciraCode()));
    }

    void setAsync(OFAsyncSet set, Session session) throws OfException {
        AsyncMasks masks = new AsyncMasks();
        if (session.version == WireVersion.OF15) {
            for (OFAsyncConfigProp property : set.getProperties()) {
                apply(property, session.async);
            }
            return;
        }
        masks.packetIn[MASTER] = (int) set.getPacketInMaskEqualMaster();
        masks.packetIn[SLAVE] = (int) set.getPacketInMaskSlave();
        masks.portStatus[MASTER] = (int) set.getPortStatusMaskEqualMaster();
        masks.portStatus[SLAVE] = (int) set.getPortStatusMaskSlave();
        masks.flowRemoved[MASTER] = (int) set.getFlowRemovedMaskEqualMaster();
        masks.flowRemoved[SLAVE] = (int) set.getFlowRemovedMaskSlave();
        session.async = masks;
    }

    private static void apply(OFAsyncConfigProp property, AsyncMasks masks) throws OfException {
        switch (property) {
            case OFAsyncConfigPropPacketInMaster p -> masks.packetIn[MASTER] = (int) p.getMask();
            case OFAsyncConfigPropPacketInSlave p -> masks.packetIn[SLAVE] = (int) p.getMask();
            case OFAsyncConfigPropPortStatusMaster p -> masks.portStatus[MASTER] = (int) p.getMask();
            case OFAsyncConfigPropPortStatusSlave p -> masks.portStatus[SLAVE] = (int) p.getMask();
            case OFAsyncConfigPropFlowRemovedMaster p -> masks.flowRemoved[MASTER] = (int) p.getMask();
            case OFAsyncConfigPropFlowRemovedSlave p -> masks.flowRemoved[SLAVE] = (int) p.getMask();
            default -> throw new OfException(OfErrorCode.OFPBRC_BAD_TYPE, "async property " + property.getType());
        }
    }

    void getAsync(Request request) {
        AsyncMasks masks = request.session().async;
        Reply reply = request.reply();
        OFFactory factory = reply.factory();
        OFAsyncGetReply.Builder answer = factory.buildAsyncGetReply().setXid(reply.unsignedXid());
        if (reply.version() == WireVersion.OF15) {
            List<OFAsyncConfigProp> properties = new ArrayList<>();
            properties.add(factory.buildAsyncConfigPropPacketInSlave()
                    .setMask(masks.packetIn[SLAVE])
                    .build());
            properties.add(factory.buildAsyncConfigPropPacketInMaster()
                    .setMask(masks.packetIn[MASTER])
                    .build());
            properties.add(factory.buildAsyncConfigPropPortStatusSlave()
                    .setMask(masks.portStatus[SLAVE])
                    .build());
            properties.add(factory.buildAsyncConfigPropPortStatusMaster()
                    .setMask(masks.portStatus[MASTER])
                    .build());
            properties.add(factory.buildAsyncConfigPropFlowRemovedSlave()
                    .setMask(masks.flowRemoved[SLAVE])
                    .build());
            properties.add(factory.buildAsyncConfigPropFlowRemovedMaster()
                    .setMask(masks.flowRemoved[MASTER])
                    .build());
            reply.send(answer.setProperties(properties).build());
            return;
        }
        reply.send(answer.setPacketInMaskEqualMaster(masks.packetIn[MASTER])
                .setPacketInMaskSlave(masks.packetIn[SLAVE])
                .setPortStatusMaskEqualMaster(masks.portStatus[MASTER])
                .setPortStatusMaskSlave(masks.portStatus[SLAVE])
                .setFlowRemovedMaskEqualMaster(masks.flowRemoved[MASTER])
                .setFlowRemovedMaskSlave(masks.flowRemoved[SLAVE])
                .build());
    }
}
