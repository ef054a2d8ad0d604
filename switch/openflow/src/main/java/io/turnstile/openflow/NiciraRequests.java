package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.CtFlushCodec;
import io.turnstile.openflow.wire.FlowModCodec;
import io.turnstile.openflow.wire.FlowStatsCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.pipeline.OfErrorCode;
import io.turnstile.pipeline.OfException;
import io.turnstile.pipeline.OpenFlowSwitch;

/** Experimenter messages: Nicira's, by which ovs-ofctl speaks under OpenFlow 1.0, and ONF's bundles under 1.3. */
final class NiciraRequests {
    private static final int NXT_ROLE_REQUEST = 10;
    private static final int NXT_ROLE_REPLY = 11;
    private static final int NXT_SET_FLOW_FORMAT = 12;
    private static final int NXT_FLOW_MOD = 13;
    private static final int NXT_FLOW_MOD_TABLE_ID = 15;
    private static final int NXT_SET_PACKET_IN_FORMAT = 16;
    private static final int NXT_SET_ASYNC_CONFIG = 19;
    private static final int NXT_SET_CONTROLLER_ID = 20;
    private static final int ONF_BUNDLE_CONTROL = 2300;
    private static final int ONF_BUNDLE_ADD = 2301;
    private static final int FORMAT_OPENFLOW10 = 0;
    private static final int FORMAT_NXM = 2;
    private static final int EXPERIMENTER_TYPE = 4;

    private final OpenFlowSwitch bridge;
    private final FlowRequests flows;
    private final RoleRequests roles;
    private final BundleRequests bundles;

    NiciraRequests(OpenFlowSwitch bridge, FlowRequests flows, RoleRequests roles, BundleRequests bundles) {
        this.bridge = bridge;
        this.flows = flows;
        this.roles = roles;
        this.bundles = bundles;
    }

    /** Whether a slave may not send this experimenter message. */
    static boolean changesState(ByteBuf message) {
        int at = message.readerIndex() + Wire.HEADER_BYTES;
        if (message.readableBytes() < Wire.HEADER_BYTES + 8) {
            return false;
        }
        int vendor = message.getInt(at);
        int subtype = message.getInt(at + 4);
        return vendor == Wire.NICIRA
                        && (subtype == NXT_FLOW_MOD
                                || subtype == CtFlushCodec.NXT_CT_FLUSH
                                || subtype == CtFlushCodec.NXT_CT_FLUSH_ZONE)
                || vendor == Wire.ONF;
    }

    /** @param body what stands behind the header */
    void handle(ByteBuf body, OpenFlowConnection connection, Reply reply) throws OfException {
        need(body, 8);
        int vendor = body.readInt();
        int subtype = body.readInt();
        if (vendor == Wire.ONF) {
            onf(subtype, body, connection.session(), reply);
        } else if (vendor == Wire.NICIRA) {
            nicira(subtype, body, connection, reply);
        } else {
            throw new OfException(OfErrorCode.OFPBRC_BAD_VENDOR, "vendor 0x" + Integer.toHexString(vendor));
        }
    }

    private void onf(int subtype, ByteBuf body, Session session, Reply reply) throws OfException {
        switch (subtype) {
            case ONF_BUNDLE_CONTROL -> bundles.control(body, session, reply);
            case ONF_BUNDLE_ADD -> bundles.add(body, session);
            default -> throw new OfException(OfErrorCode.OFPBRC_BAD_SUBTYPE, "ONF message " + subtype);
        }
    }

    private void nicira(int subtype, ByteBuf body, OpenFlowConnection connection, Reply reply) throws OfException {
        Session session = connection.session();
        switch (subtype) {
            case NXT_FLOW_MOD -> flows.modify(FlowModCodec.readNicira(body, session.flowModTableId));
            case NXT_FLOW_MOD_TABLE_ID -> {
                need(body, 8);
                session.flowModTableId = body.readByte() != 0;
            }
            case NXT_SET_FLOW_FORMAT -> {
                need(body, 4);
                int format = body.readInt();
                if (format != FORMAT_OPENFLOW10 && format != FORMAT_NXM) {
                    throw new OfException(OfErrorCode.OFPBRC_EPERM, "flow format " + format);
                }
                session.nxmFlowFormat = format == FORMAT_NXM;
            }
            case NXT_SET_PACKET_IN_FORMAT -> packetInFormat(body, session);
            case NXT_SET_ASYNC_CONFIG -> asyncConfig(body, session);
            case NXT_SET_CONTROLLER_ID -> {
                need(body, 8);
                body.skipBytes(6);
                session.controllerId = body.readUnsignedShort();
            }
            case CtFlushCodec.NXT_CT_FLUSH_ZONE -> bridge.flushConnections(CtFlushCodec.readZone(body));
            case CtFlushCodec.NXT_CT_FLUSH -> bridge.flushConnections(CtFlushCodec.read(body));
            case NXT_ROLE_REQUEST -> {
                need(body, 4);
                roles.setRole10(body.readInt(), connection);
                roleReply(session, reply);
            }
            default -> throw new OfException(OfErrorCode.OFPBRC_BAD_SUBTYPE, "Nicira message " + subtype);
        }
    }

    private static void roleReply(Session session, Reply reply) {
        ByteBuf out = reply.buffer();
        int start = Wire.startMessage(out, reply.version(), EXPERIMENTER_TYPE, reply.xid());
        out.writeInt(Wire.NICIRA).writeInt(NXT_ROLE_REPLY).writeInt(session.role.ordinal());
        Wire.endMessage(out, start);
        reply.send(out);
    }

    private static void packetInFormat(ByteBuf body, Session session) throws OfException {
        need(body, 4);
        int format = body.readInt();
        session.packetInFormat = switch (format) {
            case 0 -> Session.PacketInFormat.STANDARD;
            case 1 -> Session.PacketInFormat.NXM;
            case 2 -> Session.PacketInFormat.NXM2;
            default -> throw new OfException(OfErrorCode.OFPBRC_EPERM, "packet-in format " + format);
        };
    }

    private static void asyncConfig(ByteBuf body, Session session) throws OfException {
        need(body, 24);
        AsyncMasks masks = new AsyncMasks();
        for (int[] pair : new int[][] {masks.packetIn, masks.portStatus, masks.flowRemoved}) {
            pair[0] = body.readInt();
            pair[1] = body.readInt();
        }
        session.async = masks;
    }

    /** Vendor statistics; {@code body} stands behind the statistics header. */
    void statistics(ByteBuf body, Reply reply) throws OfException {
        need(body, 8);
        int vendor = body.readInt();
        int subtype = body.readInt();
        if (vendor != Wire.NICIRA) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_VENDOR, "vendor 0x" + Integer.toHexString(vendor));
        }
        if (reply.version().isOxm() || subtype != FlowRequests.NXST_FLOW && subtype != FlowRequests.NXST_AGGREGATE) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_SUBTYPE, "Nicira statistics " + subtype);
        }
        need(body, 4);
        body.skipBytes(4);
        var query = FlowStatsCodec.readRequestNicira(body);
        if (subtype == FlowRequests.NXST_FLOW) {
            flows.flowsNicira(query, reply);
        } else {
            flows.aggregateNicira(query, reply);
        }
    }

    private static void need(ByteBuf body, int bytes) throws OfException {
        if (body.readableBytes() < bytes) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "truncated");
        }
    }
}
