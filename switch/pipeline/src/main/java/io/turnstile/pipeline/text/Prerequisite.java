package io.turnstile.pipeline.text;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.Field;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import java.util.function.ToLongFunction;

/** What else a match has to say before it may name a field (ovs-fields(7), "Prerequisites"). */
public enum Prerequisite {
    NONE,
    VLAN,
    IPV4,
    IPV6,
    IP,
    ARP,
    TCP,
    UDP,
    SCTP,
    ICMPV4,
    ICMPV6,
    ND,
    ND_SOLICIT,
    ND_ADVERT,
    CT;

    private static final int RARP = 0x8035;
    private static final int VLAN_PRESENT = 0x1000;
    private static final int LATER_FRAGMENT = 2;
    private static final int NEIGHBOR_SOLICIT = 135;
    private static final int NEIGHBOR_ADVERT = 136;

    /**
     * Whether the match so far meets it.
     *
     * @param value the exact-or-masked value of a field
     * @param mask the mask of a field; a prerequisite needs all bits it speaks of
     */
    public boolean isMet(ToLongFunction<Field> value, ToLongFunction<Field> mask) {
        int etherType = exact(Field.ETH_TYPE, value, mask);
        boolean ip4 = etherType == EtherTypes.IPV4;
        boolean ip6 = etherType == EtherTypes.IPV6;
        int protocol = ip4 || ip6 ? exact(Field.NW_PROTO, value, mask) : -1;
        boolean later = (value.applyAsLong(Field.NW_FRAG) & mask.applyAsLong(Field.NW_FRAG) & LATER_FRAGMENT) != 0;
        int transport = later ? -1 : protocol; // later fragments have no transport header
        boolean icmp6 = ip6 && transport == IpProtocols.ICMPV6;
        int type = icmp6 ? exact(Field.TP_SRC, value, mask) : -1;
        return switch (this) {
            case NONE -> true;
            case VLAN -> (value.applyAsLong(Field.VLAN_TCI) & mask.applyAsLong(Field.VLAN_TCI) & VLAN_PRESENT) != 0;
            case IPV4 -> ip4;
            case IPV6 -> ip6;
            case IP -> ip4 || ip6;
            case ARP -> etherType == EtherTypes.ARP || etherType == RARP;
            case TCP -> transport == IpProtocols.TCP;
            case UDP -> transport == IpProtocols.UDP;
            case SCTP -> transport == IpProtocols.SCTP;
            case ICMPV4 -> ip4 && transport == IpProtocols.ICMP;
            case ICMPV6 -> icmp6;
            case ND -> type == NEIGHBOR_SOLICIT || type == NEIGHBOR_ADVERT;
            case ND_SOLICIT -> type == NEIGHBOR_SOLICIT;
            case ND_ADVERT -> type == NEIGHBOR_ADVERT;
            case CT -> hasConnection((int) value.applyAsLong(Field.CT_STATE), (int) mask.applyAsLong(Field.CT_STATE));
        };
    }

    /** A bit that only a valid connection has, or an explicit "tracked and not invalid". */
    private static boolean hasConnection(int state, int mask) {
        int valid = CtState.NEW | CtState.EST | CtState.REL | CtState.RPL | CtState.SNAT | CtState.DNAT;
        return (state & mask & valid) != 0
                || (state & mask & CtState.TRK) != 0 && (mask & CtState.INV) != 0 && (state & CtState.INV) == 0;
    }

    private static int exact(Field field, ToLongFunction<Field> value, ToLongFunction<Field> mask) {
        return mask.applyAsLong(field) == field.lowMask() ? (int) value.applyAsLong(field) : -1;
    }
}
