package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfAction.SetField.Spelling;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketInReason;
import org.projectfloodlight.openflow.exceptions.OFParseError;
import org.projectfloodlight.openflow.protocol.OFFactories;
import org.projectfloodlight.openflow.protocol.OFPacketOut;
import org.projectfloodlight.openflow.protocol.action.OFAction;
import org.projectfloodlight.openflow.protocol.action.OFActionOutput;
import org.projectfloodlight.openflow.protocol.action.OFActionPushVlan;
import org.projectfloodlight.openflow.protocol.action.OFActionSetDlDst;
import org.projectfloodlight.openflow.protocol.action.OFActionSetDlSrc;
import org.projectfloodlight.openflow.protocol.action.OFActionSetNwDst;
import org.projectfloodlight.openflow.protocol.action.OFActionSetNwEcn;
import org.projectfloodlight.openflow.protocol.action.OFActionSetNwSrc;
import org.projectfloodlight.openflow.protocol.action.OFActionSetNwTos;
import org.projectfloodlight.openflow.protocol.action.OFActionSetNwTtl;
import org.projectfloodlight.openflow.protocol.action.OFActionSetTpDst;
import org.projectfloodlight.openflow.protocol.action.OFActionSetTpSrc;
import org.projectfloodlight.openflow.protocol.action.OFActionSetVlanPcp;
import org.projectfloodlight.openflow.protocol.action.OFActionSetVlanVid;
import org.projectfloodlight.openflow.types.EthType;
import org.projectfloodlight.openflow.types.IPv4Address;
import org.projectfloodlight.openflow.types.IpEcn;
import org.projectfloodlight.openflow.types.MacAddress;
import org.projectfloodlight.openflow.types.OFPort;
import org.projectfloodlight.openflow.types.TransportPort;
import org.projectfloodlight.openflow.types.VlanPcp;
import org.projectfloodlight.openflow.types.VlanVid;

/**
 * The specifications' own actions, one at a time, read and written by OpenFlowJ. Its action readers are not public, so
 * that an action is shown to it as the only one of a packet-out.
 */
final class StandardActions {
    private static final int ECN_MASK = 3;

    private StandardActions() {}

    /** Reads one action that is whole in {@code in}, of a size that fits its type. */
    static OfAction read(ByteBuf in, WireVersion version) throws OfException {
        return convert(parse(in, version), version == WireVersion.OF10);
    }

    private static OFAction parse(ByteBuf action, WireVersion version) throws OfException {
        // OpenFlowJ knows set_dl_src and the like in 1.1 alone; what is read here is the same in all later versions.
        WireVersion frame = version.hasInstructions() ? WireVersion.OF11 : WireVersion.OF10;
        ByteBuf message = Unpooled.buffer(64);
        int start = Wire.startMessage(message, frame, PacketOutCodec.TYPE, 0);
        message.writeInt(-1);
        Wire.writePort(message, Ports.NONE, frame);
        message.writeShort(action.readableBytes());
        message.writeZero(frame.hasInstructions() ? 6 : 0);
        message.writeBytes(action);
        Wire.endMessage(message, start);
        try {
            return ((OFPacketOut) OFFactories.getGenericReader().readFrom(message))
                    .getActions()
                    .getFirst();
        } catch (OFParseError | RuntimeException malformed) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, String.valueOf(malformed.getMessage()));
        }
    }

    /** @param pushesVlan whether a packet without a tag gets one where its VLAN is set, as under 1.0 alone */
    private static OfAction convert(OFAction action, boolean pushesVlan) throws OfException {
        return switch (action) {
            case OFActionOutput a -> output(a);
            case OFActionSetVlanVid a ->
                new OfAction.SetVlanVid(bounded(a.getVlanVid().getVlan(), FieldValues.VLAN_VID_MASK), pushesVlan);
            case OFActionSetVlanPcp a ->
                new OfAction.SetVlanPcp(bounded(a.getVlanPcp().getValue() & 0xff, 7), pushesVlan);
            case OFActionSetDlSrc a -> whole(Field.ETH_SRC, a.getDlAddr().getLong());
            case OFActionSetDlDst a -> whole(Field.ETH_DST, a.getDlAddr().getLong());
            case OFActionSetNwSrc a -> whole(Field.NW_SRC, a.getNwAddr().getInt() & 0xffff_ffffL);
            case OFActionSetNwDst a -> whole(Field.NW_DST, a.getNwAddr().getInt() & 0xffff_ffffL);
            case OFActionSetNwTos a -> tos(a.getNwTos() & 0xff);
            case OFActionSetNwEcn a -> ecn(a.getNwEcn().getEcnValue() & 0xff);
            case OFActionSetNwTtl a -> whole(Field.NW_TTL, a.getNwTtl() & 0xff);
            case OFActionSetTpSrc a -> whole(Field.TP_SRC, a.getTpPort().getPort());
            case OFActionSetTpDst a -> whole(Field.TP_DST, a.getTpPort().getPort());
            case OFActionPushVlan a -> pushVlan(a.getEthertype().getValue());
            default -> throw new OfException(OfErrorCode.OFPBAC_BAD_TYPE, action.getType() + " is not supported");
        };
    }

    private static OfAction output(OFActionOutput a) throws OfException {
        int port = a.getPort().getPortNumber();
        if (port == Ports.CONTROLLER) {
            return new OfAction.Controller(a.getMaxLen(), PacketInReason.ACTION, 0);
        }
        if (!Wire.isOutputPort(port)) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_OUT_PORT, "port " + Integer.toUnsignedString(port));
        }
        return new OfAction.Output(port, a.getMaxLen());
    }

    private static OfAction tos(int value) throws OfException {
        if ((value & 3) != 0) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "TOS " + value);
        }
        return new OfAction.SetField(Field.NW_TOS, 0, value, 0, FieldValues.DSCP_MASK, Spelling.MOD);
    }

    private static OfAction ecn(int value) throws OfException {
        return new OfAction.SetField(Field.NW_TOS, 0, bounded(value, ECN_MASK), 0, ECN_MASK, Spelling.MOD);
    }

    private static OfAction pushVlan(int etherType) throws OfException {
        if (etherType != EtherTypes.VLAN && etherType != EtherTypes.QINQ) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "push_vlan of 0x" + Integer.toHexString(etherType));
        }
        return new OfAction.PushVlan(etherType);
    }

    private static int bounded(int value, int max) throws OfException {
        if (value < 0 || value > max) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, value + " is more than " + max);
        }
        return value;
    }

    private static OfAction.SetField whole(Field field, long value) {
        return new OfAction.SetField(field, 0, value, 0, field.lowMask(), Spelling.MOD);
    }

    // ---- writing ----

    static void output(ByteBuf out, int port, int maxLengthBytes, WireVersion version) {
        version.factory()
                .actions()
                .buildOutput()
                .setPort(OFPort.of(port))
                .setMaxLen(maxLengthBytes)
                .build()
                .writeTo(out);
    }

    static void setVlanVid(ByteBuf out, int vid, WireVersion version) {
        version.factory().actions().setVlanVid(VlanVid.ofVlan(vid)).writeTo(out);
    }

    static void setVlanPcp(ByteBuf out, int pcp, WireVersion version) {
        version.factory().actions().setVlanPcp(VlanPcp.of((byte) pcp)).writeTo(out);
    }

    static void pushVlan(ByteBuf out, int etherType, WireVersion version) {
        version.factory().actions().pushVlan(EthType.of(etherType)).writeTo(out);
    }

    /** The set_… that OpenFlow 1.0 and 1.1 have for a whole field; false if there is none for this field. */
    static boolean setField11(ByteBuf out, OfAction.SetField a, Match context, WireVersion version) {
        var actions = version.factory().actions();
        long value = a.valueLow();
        boolean whole =
                a.maskLow() == a.field().lowMask() && a.maskHigh() == a.field().highMask();
        boolean has11 = version.hasInstructions();
        boolean came = a.spelling() == OfAction.SetField.Spelling.MOD; // as that action, whatever is matched on
        boolean ipv4 = came || isIpv4(context);
        boolean ports = came || hasPorts(context);
        boolean dscp = a.field() == Field.NW_TOS && a.maskLow() == FieldValues.DSCP_MASK;
        boolean ecn = a.field() == Field.NW_TOS && a.maskLow() == ECN_MASK && has11;
        OFAction action = dscp
                ? actions.setNwTos((short) value)
                : ecn
                        ? actions.setNwEcn(IpEcn.of((byte) value))
                        : !whole
                                ? null
                                : switch (a.field()) {
                                    case ETH_SRC -> actions.setDlSrc(MacAddress.of(value));
                                    case ETH_DST -> actions.setDlDst(MacAddress.of(value));
                                    case NW_SRC -> ipv4 ? actions.setNwSrc(IPv4Address.of((int) value)) : null;
                                    case NW_DST -> ipv4 ? actions.setNwDst(IPv4Address.of((int) value)) : null;
                                    case TP_SRC -> ports ? actions.setTpSrc(TransportPort.of((int) value)) : null;
                                    case TP_DST -> ports ? actions.setTpDst(TransportPort.of((int) value)) : null;
                                    case NW_TTL -> has11 ? actions.setNwTtl((short) value) : null;
                                    default -> null;
                                };
        if (action != null) {
            action.writeTo(out);
        }
        return action != null;
    }

    /** ARP's addresses are other fields. */
    private static boolean isIpv4(Match context) {
        return context.value(Field.ETH_TYPE) == EtherTypes.IPV4;
    }

    /** OpenFlow 1.0 knows the ports of TCP and UDP. */
    private static boolean hasPorts(Match context) {
        long protocol = context.value(Field.NW_PROTO);
        return protocol == IpProtocols.TCP || protocol == IpProtocols.UDP;
    }
}
