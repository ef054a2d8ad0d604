package io.turnstile.datapath;

import io.turnstile.packet.PacketParser;

/** Bits and values of key fields that have a meaning of their own. */
public final class FieldValues {
    /** Set in vlan_tci while there is a tag. */
    public static final int VLAN_PRESENT = PacketParser.VLAN_PRESENT;

    public static final int VLAN_VID_MASK = 0x0fff;
    public static final int VLAN_PCP_SHIFT = 13;
    public static final int VLAN_PCP_MASK = 7 << VLAN_PCP_SHIFT;

    /** The bits of nw_tos that are the DSCP. */
    public static final int DSCP_MASK = 0xfc;

    /** Set in ip_frag for any fragment. */
    public static final int FRAGMENT_ANY = 1;
    /** Set in ip_frag for fragments that have no transport header. */
    public static final int FRAGMENT_LATER = 2;

    /** Lower twelve bits of the word that holds them in the TCP header (RFC 9293 §3.1). */
    public static final int TCP_FLAGS_MASK = 0x0fff;

    /** ICMPv6 type (RFC 4861 §4.3). */
    public static final int NEIGHBOUR_SOLICITATION = 135;
    /** ICMPv6 type (RFC 4861 §4.4). */
    public static final int NEIGHBOUR_ADVERTISEMENT = 136;

    private FieldValues() {}

    public static int vlanId(long tci) {
        return (int) tci & VLAN_VID_MASK;
    }

    public static int vlanPriority(long tci) {
        return (int) (tci & VLAN_PCP_MASK) >>> VLAN_PCP_SHIFT;
    }
}
