package io.turnstile.pipeline;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.Field;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;

/**
 * Which packets have a field (ovs-fields(7), "Prerequisites"), in terms of the datapath's own fields. Asked of a
 * packet's key during a walk and of a flow's match when it is added.
 */
final class Prerequisites {
    private static final int NEIGHBOUR_SOLICITATION = 135;
    private static final int NEIGHBOUR_ADVERTISEMENT = 136;

    private Prerequisites() {}

    /**
     * Whether a packet with this key has the field.
     *
     * @param lookedAt gets the bits that the answer rests on
     */
    static boolean areMet(Field field, long[] key, long[] lookedAt) {
        int etherType = (int) Field.ETH_TYPE.get(key);
        return switch (field) {
            case NW_SRC, NW_DST -> etherType == EtherTypes.IPV4 || isArp(etherType);
            case NW_PROTO -> isArp(etherType);
            case NW_TOS, NW_TTL, NW_FRAG -> isIp(etherType);
            case IPV6_SRC, IPV6_DST, IPV6_LABEL -> etherType == EtherTypes.IPV6;
            case TP_SRC, TP_DST -> hasPorts(etherType, key, lookedAt);
            case TCP_FLAGS -> isIp(etherType) && protocol(key, lookedAt) == IpProtocols.TCP;
            case ARP_SHA, ARP_THA -> isArp(etherType) || isNeighbourDiscovery(etherType, key, lookedAt);
            case ND_TARGET -> isNeighbourDiscovery(etherType, key, lookedAt);
            case CT_NW_SRC, CT_NW_DST, CT_TP_SRC, CT_TP_DST, CT_NW_PROTO, CT_IPV6_SRC, CT_IPV6_DST ->
                hasConnection(key, lookedAt);
            case IN_PORT,
                    RECIRC_ID,
                    CT_STATE,
                    CT_ZONE,
                    CT_MARK,
                    CT_LABEL,
                    ETH_DST,
                    ETH_TYPE,
                    ETH_SRC,
                    VLAN_TCI,
                    PKT_MARK,
                    SKB_PRIORITY,
                    METADATA,
                    REG0,
                    REG1,
                    REG2,
                    REG3,
                    REG4,
                    REG5,
                    REG6,
                    REG7,
                    REG8,
                    REG9,
                    REG10,
                    REG11,
                    REG12,
                    REG13,
                    REG14,
                    REG15,
                    XREG0,
                    XREG1,
                    XREG2,
                    XREG3,
                    XREG4,
                    XREG5,
                    XREG6,
                    XREG7,
                    XXREG0,
                    XXREG1,
                    XXREG2,
                    XXREG3 -> true;
        };
    }

    /** Whether the field tells of the packet's connection, and is there only if it has one. */
    static boolean areOfConnection(Field field) {
        return switch (field) {
            case CT_NW_SRC, CT_NW_DST, CT_TP_SRC, CT_TP_DST, CT_NW_PROTO, CT_IPV6_SRC, CT_IPV6_DST -> true;
            default -> false;
        };
    }

    /** A packet that was tracked and is not invalid has one of these set, which then proves it. */
    private static boolean hasConnection(long[] key, long[] lookedAt) {
        long proof = Field.CT_STATE.get(key) & (CtState.NEW | CtState.EST | CtState.RPL);
        long looked = proof != 0 ? proof : CtState.NEW | CtState.EST | CtState.RPL;
        new Bits(0, looked).orInto(Field.CT_STATE, lookedAt);
        return proof != 0;
    }

    /** Whether an action may write the field at all, given its prerequisites are met. */
    static boolean isWritable(Field field) {
        return switch (field) {
            case IN_PORT,
                    ETH_DST,
                    ETH_SRC,
                    VLAN_TCI,
                    NW_PROTO,
                    NW_TOS,
                    NW_TTL,
                    NW_SRC,
                    NW_DST,
                    IPV6_SRC,
                    IPV6_DST,
                    TP_SRC,
                    TP_DST,
                    IPV6_LABEL,
                    ARP_SHA,
                    ARP_THA,
                    ND_TARGET,
                    PKT_MARK,
                    METADATA,
                    REG0,
                    REG1,
                    REG2,
                    REG3,
                    REG4,
                    REG5,
                    REG6,
                    REG7,
                    REG8,
                    REG9,
                    REG10,
                    REG11,
                    REG12,
                    REG13,
                    REG14,
                    REG15,
                    XREG0,
                    XREG1,
                    XREG2,
                    XREG3,
                    XREG4,
                    XREG5,
                    XREG6,
                    XREG7,
                    XXREG0,
                    XXREG1,
                    XXREG2,
                    XXREG3 -> true;
            case RECIRC_ID,
                    CT_STATE,
                    CT_ZONE,
                    CT_MARK,
                    CT_LABEL,
                    ETH_TYPE,
                    NW_FRAG,
                    TCP_FLAGS,
                    CT_NW_SRC,
                    CT_NW_DST,
                    CT_TP_SRC,
                    CT_TP_DST,
                    CT_NW_PROTO,
                    CT_IPV6_SRC,
                    CT_IPV6_DST,
                    SKB_PRIORITY -> false;
        };
    }

    static boolean isIp(int etherType) {
        return etherType == EtherTypes.IPV4 || etherType == EtherTypes.IPV6;
    }

    private static boolean isArp(int etherType) {
        return etherType == EtherTypes.ARP || etherType == EtherTypes.RARP;
    }

    private static int protocol(long[] key, long[] lookedAt) {
        Field.NW_PROTO.setExact(lookedAt);
        return (int) Field.NW_PROTO.get(key);
    }

    /** Later fragments have no ports; ip_frag is always part of a datapath flow's mask. */
    private static boolean hasPorts(int etherType, long[] key, long[] lookedAt) {
        if (!isIp(etherType) || (Field.NW_FRAG.get(key) & 2) != 0) {
            return false;
        }
        return switch (protocol(key, lookedAt)) {
            case IpProtocols.TCP, IpProtocols.UDP, IpProtocols.SCTP -> true;
            case IpProtocols.ICMP -> etherType == EtherTypes.IPV4;
            case IpProtocols.ICMPV6 -> etherType == EtherTypes.IPV6;
            default -> false;
        };
    }

    private static boolean isNeighbourDiscovery(int etherType, long[] key, long[] lookedAt) {
        if (etherType != EtherTypes.IPV6 || protocol(key, lookedAt) != IpProtocols.ICMPV6) {
            return false;
        }
        Field.TP_SRC.setExact(lookedAt);
        Field.TP_DST.setExact(lookedAt);
        int type = (int) Field.TP_SRC.get(key);
        return (type == NEIGHBOUR_SOLICITATION || type == NEIGHBOUR_ADVERTISEMENT) && Field.TP_DST.get(key) == 0;
    }
}
