package io.turnstile.openflow;

import static io.turnstile.openflow.AsyncMasks.MASTER;
import static io.turnstile.openflow.AsyncMasks.SLAVE;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.AsyncMasks.Kind;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.List;
import org.projectfloodlight.openflow.protocol.OFControllerRole;
import org.projectfloodlight.openflow.protocol.OFRoleRequest;
import org.projectfloodlight.openflow.types.U64;

/** Roles with generation ids, and the masks of what is sent unasked (OpenFlow 1.3.5 §6.3.5, §6.3.6). */
final class RoleRequests {
    private static final List<Kind> MASKED_IN_13 = List.of(Kind.PACKET_IN, Kind.PORT_STATUS, Kind.FLOW_REMOVED);
    private static final int PROPERTY_BYTES = 8;
    private static final int PROPERTIES = 2 * Kind.values().length;

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

    /** OFPT_SET_ASYNC of 1.3: six masks, and nothing of what came later. */
    void setAsync13(Request request) {
        set(readMasks(request.body(), request.version()), request);
    }

    /** NXT_SET_ASYNC_CONFIG has the same masks; the order is packet-ins, ports, flows, each for master and slave. */
    static AsyncMasks readMasks(ByteBuf body, WireVersion version) {
        AsyncMasks masks = new AsyncMasks();
        for (Kind kind : MASKED_IN_13) {
            masks.setBy(version, kind, MASTER, body.readInt());
            masks.setBy(version, kind, SLAVE, body.readInt());
        }
        return masks;
    }

    /** OFPT_SET_ASYNC since 1.4, and NXT_SET_ASYNC_CONFIG2: properties, each of which changes one mask. */
    void setAsync(Request request) throws OfException {
        AsyncMasks masks = new AsyncMasks(request.session().async);
        ByteBuf body = request.body();
        while (body.isReadable()) {
            readProperty(body, request.version(), masks);
        }
        set(masks, request);
    }

    static void set(AsyncMasks masks, Request request) {
        request.session().setAsync(masks);
        request.connection().wishesChanged();
    }

    private static void readProperty(ByteBuf body, WireVersion version, AsyncMasks masks) throws OfException {
        if (body.readableBytes() < PROPERTY_BYTES) {
            throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, "a cut property");
        }
        int type = body.readUnsignedShort();
        int length = body.readUnsignedShort();
        if (type >= PROPERTIES) {
            throw new OfException(OfErrorCode.OFPACFC_UNSUPPORTED, "async property " + type);
        }
        if (length != PROPERTY_BYTES) {
            throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, "async property of " + length + " bytes");
        }
        Kind kind = Kind.values()[type / 2];
        int mask = body.readInt();
        if ((mask & ~kind.reasonsIn(version)) != 0) {
            throw new OfException(OfErrorCode.OFPACFC_INVALID, kind + " mask " + mask);
        }
        masks.setBy(version, kind, type % 2 == 0 ? SLAVE : MASTER, mask);
    }

    void getAsync(Request request) {
        AsyncMasks masks = request.session().async;
        WireVersion version = request.version();
        request.reply().send(MessageType.GET_ASYNC_REPLY, out -> {
            if (version.hasProperties()) {
                for (Kind kind : Kind.values()) {
                    writeProperty(out, kind, SLAVE, masks, version);
                    writeProperty(out, kind, MASTER, masks, version);
                }
            } else {
                for (Kind kind : MASKED_IN_13) {
                    int known = kind.reasonsIn(version);
                    out.writeInt(masks.get(kind, MASTER) & known).writeInt(masks.get(kind, SLAVE) & known);
                }
            }
        });
    }

    private static void writeProperty(ByteBuf out, Kind kind, int role, AsyncMasks masks, WireVersion version) {
        out.writeShort(kind.property(role))
                .writeShort(PROPERTY_BYTES)
                .writeInt(masks.get(kind, role) & kind.reasonsIn(version));
    }
}
