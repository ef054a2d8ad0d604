package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.FlowModCodec;
import io.turnstile.openflow.wire.FlowStatsCodec;
import io.turnstile.openflow.wire.PacketOutCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.FlowMod;
import io.turnstile.pipeline.OfErrorCode;
import io.turnstile.pipeline.OfException;
import io.turnstile.pipeline.OpenFlowSwitch;
import org.projectfloodlight.openflow.exceptions.OFParseError;
import org.projectfloodlight.openflow.protocol.OFFactories;
import org.projectfloodlight.openflow.protocol.OFMessage;

/**
 * Takes one request apart and has it done. Whatever is wrong with it comes out as an {@link OfException}, so that the
 * connection goes on.
 */
final class RequestDispatcher {
    private static final int EXPERIMENTER = 4;
    private static final int STATS_REQUEST10 = 16;
    private static final int MULTIPART_REQUEST = 18;
    private static final int PORT_MOD10 = 15;
    private static final int PORT_MOD13 = 16;
    private static final int ROLE_REQUEST = 24;
    private static final int GET_ASYNC = 26;
    private static final int SET_ASYNC = 28;
    private static final int BUNDLE_CONTROL = 33;
    private static final int BUNDLE_ADD = 34;
    private static final int STATS_TABLE_FEATURES = 12;
    private static final int STATS_PORT_DESC = 13;
    private static final int STATS_QUEUE = 5;
    private static final int STATS_TABLE = 3;
    private static final int STATS_PORT = 4;
    private static final int STATS_DESC = 0;

    private final StandardRequests standard;
    private final FlowRequests flows;
    private final NiciraRequests nicira;
    private final RoleRequests roles;
    private final BundleRequests bundles;

    RequestDispatcher(OpenFlowSwitch bridge, BridgeAgent agent) {
        this.standard = new StandardRequests(bridge);
        this.flows = new FlowRequests(bridge);
        this.roles = new RoleRequests(agent);
        this.bundles = new BundleRequests(bridge);
        this.nicira = new NiciraRequests(bridge, flows, roles, bundles);
    }

    /** @param message the whole message; its version byte is the session's */
    void handle(ByteBuf message, OpenFlowConnection connection, Reply reply) throws OfException {
        Session session = connection.session();
        int type = message.getUnsignedByte(message.readerIndex() + 1);
        if (session.role == Role.SLAVE && changesState(type, session.version, message)) {
            throw new OfException(OfErrorCode.OFPBRC_IS_SLAVE, "a slave only looks");
        }
        ByteBuf body =
                message.slice(message.readerIndex() + Wire.HEADER_BYTES, message.readableBytes() - Wire.HEADER_BYTES);
        if (type == FlowModCodec.TYPE) {
            flows.modify(readFlowMod(body, session));
        } else if (type == PacketOutCodec.TYPE) {
            flows.packetOut(body, session.version);
        } else if (type == EXPERIMENTER) {
            nicira.handle(body, connection, reply);
        } else if (type == (session.version.isOxm() ? MULTIPART_REQUEST : STATS_REQUEST10)) {
            statistics(message, body, connection, reply);
        } else if (session.version.isOxm() && isRoleOrAsync(type)) {
            roles.handle(parse(message), connection, reply);
        } else if (session.version == WireVersion.OF15 && type == BUNDLE_CONTROL) {
            bundles.control(body, session, reply);
        } else if (session.version == WireVersion.OF15 && type == BUNDLE_ADD) {
            bundles.add(body, session);
        } else {
            standard.handle(parse(message), session, reply);
        }
    }

    static FlowMod readFlowMod(ByteBuf body, Session session) throws OfException {
        return session.version.isOxm()
                ? FlowModCodec.read13(body, session.version)
                : FlowModCodec.read10(body, session.flowModTableId);
    }

    private static boolean isRoleOrAsync(int type) {
        return type == ROLE_REQUEST || type >= GET_ASYNC && type <= SET_ASYNC;
    }

    /** What a slave may not send (OpenFlow 1.3.5 §6.3.6). */
    private static boolean changesState(int type, WireVersion version, ByteBuf message) {
        if (type == EXPERIMENTER) {
            return NiciraRequests.changesState(message);
        }
        boolean bundle = version == WireVersion.OF15 && (type == BUNDLE_CONTROL || type == BUNDLE_ADD);
        int portMod = version.isOxm() ? PORT_MOD13 : PORT_MOD10;
        boolean later = version.isOxm() && (type == 15 || type == 17 || type == 29); // group, table and meter_mod
        return type == FlowModCodec.TYPE || type == PacketOutCodec.TYPE || type == portMod || bundle || later;
    }

    private void statistics(ByteBuf message, ByteBuf body, OpenFlowConnection connection, Reply reply)
            throws OfException {
        boolean oxm = reply.version().isOxm();
        if (body.readableBytes() < (oxm ? 8 : 4)) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "statistics request");
        }
        int type = body.readUnsignedShort();
        body.skipBytes(oxm ? 6 : 2);
        switch (type) {
            case FlowRequests.STATS_FLOW ->
                flows.flows(oxm ? FlowStatsCodec.readRequest13(body) : FlowStatsCodec.readRequest10(body), reply);
            case FlowRequests.STATS_AGGREGATE ->
                flows.aggregate(oxm ? FlowStatsCodec.readRequest13(body) : FlowStatsCodec.readRequest10(body), reply);
            case FlowRequests.STATS_EXPERIMENTER -> nicira.statistics(body, reply);
            case STATS_DESC, STATS_TABLE, STATS_PORT, STATS_QUEUE ->
                standard.handle(parse(message), connection.session(), reply);
            case STATS_TABLE_FEATURES -> tableFeatures(body, reply);
            case STATS_PORT_DESC -> portDescriptions(message, connection, reply);
            default -> throw new OfException(OfErrorCode.OFPBRC_BAD_STAT, "statistics type " + type);
        }
    }

    private void tableFeatures(ByteBuf body, Reply reply) throws OfException {
        if (!reply.version().isOxm()) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_STAT, "OpenFlow 1.0 has no table features");
        }
        if (body.isReadable()) {
            throw new OfException(OfErrorCode.OFPBRC_EPERM, "tables' features cannot be changed");
        }
        standard.tableFeatures(reply);
    }

    /** OpenFlow 1.0 has no such statistics; Open vSwitch knows them all the same, and ovs-ofctl asks for them. */
    private void portDescriptions(ByteBuf message, OpenFlowConnection connection, Reply reply) throws OfException {
        if (reply.version().isOxm()) {
            standard.handle(parse(message), connection.session(), reply);
        } else {
            standard.portDescriptions(reply);
        }
    }

    private static OFMessage parse(ByteBuf message) throws OfException {
        try {
            OFMessage parsed = OFFactories.getGenericReader().readFrom(message.duplicate());
            if (parsed == null) {
                throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "incomplete message");
            }
            return parsed;
        } catch (OFParseError | RuntimeException malformed) {
            int type = message.getUnsignedByte(message.readerIndex() + 1);
            boolean unknown = String.valueOf(malformed.getMessage()).contains("discriminator");
            throw new OfException(
                    unknown ? OfErrorCode.OFPBRC_BAD_TYPE : OfErrorCode.OFPBRC_BAD_LEN,
                    "message type " + type + ": " + malformed.getMessage());
        }
    }
}
