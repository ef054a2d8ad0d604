package io.turnstile.pipeline.text;

import io.turnstile.datapath.Field;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.Match;

/** A match as {@code ovs-ofctl dump-flows} prints it: same names, same order, same number formats. */
final class MatchFormat {
    private static final int CFI = 0x1000;
    private static final int VID = 0x0fff;
    private static final int PCP = 0xe000;
    private static final int DSCP = 0xfc;
    private static final int ECN = 0x03;

    private final Match match;
    private final StringBuilder out = new StringBuilder();
    private final int etherType;
    private final boolean ip4;
    private final boolean ip6;
    private final boolean arp;

    MatchFormat(Match match) {
        this.match = match;
        this.etherType = (int) match.value(Field.ETH_TYPE);
        this.ip4 = etherType == EtherTypes.IPV4;
        this.ip6 = etherType == EtherTypes.IPV6;
        this.arp = etherType == EtherTypes.ARP || etherType == EtherTypes.RARP;
    }

    /** Without the priority. */
    String format() {
        hex("pkt_mark", Field.PKT_MARK);
        if (match.matchesOn(Field.SKB_PRIORITY)) {
            add("skb_priority", Numbers.hex(match.value(Field.SKB_PRIORITY)));
        }
        conntrack();
        boolean typeSaid = protocolShorthand();
        for (int i = 0; i < 16; i++) {
            hex("reg" + i, Field.values()[Field.REG0.ordinal() + i]);
        }
        hex("metadata", Field.METADATA);
        if (match.matchesOn(Field.IN_PORT)) {
            add("in_port", PortNames.format((int) match.value(Field.IN_PORT)));
        }
        vlan();
        mac("dl_src", Field.ETH_SRC);
        mac("dl_dst", Field.ETH_DST);
        if (!typeSaid && match.matchesOn(Field.ETH_TYPE)) {
            add("dl_type", "0x%04x".formatted(etherType));
        }
        network();
        transport();
        return out.toString();
    }

    private void conntrack() {
        if (match.matchesOn(Field.CT_STATE)) {
            add("ct_state", FlagText.CT_STATE.format(match.value(Field.CT_STATE), match.mask(Field.CT_STATE)));
        }
        decimal("ct_zone", Field.CT_ZONE);
        hex("ct_mark", Field.CT_MARK);
        if (match.matchesOn(Field.CT_LABEL)) {
            String value = Numbers.hex128(match.valueHigh(Field.CT_LABEL), match.value(Field.CT_LABEL));
            add(
                    "ct_label",
                    match.isExact(Field.CT_LABEL)
                            ? value
                            : value + "/" + Numbers.hex128(match.maskHigh(Field.CT_LABEL), match.mask(Field.CT_LABEL)));
        }
        ipv4("ct_nw_src", Field.CT_NW_SRC);
        ipv6("ct_ipv6_src", Field.CT_IPV6_SRC);
        ipv4("ct_nw_dst", Field.CT_NW_DST);
        ipv6("ct_ipv6_dst", Field.CT_IPV6_DST);
        if (match.matchesOn(Field.CT_NW_PROTO)) {
            decimal("ct_nw_proto", Field.CT_NW_PROTO);
            decimal("ct_tp_src", Field.CT_TP_SRC);
            decimal("ct_tp_dst", Field.CT_TP_DST);
        }
    }

    /** @return true if the shorthand says the Ethernet type */
    private boolean protocolShorthand() {
        if (!match.matchesOn(Field.ETH_TYPE)) {
            return false;
        }
        String name = switch (etherType) {
            case EtherTypes.IPV4, EtherTypes.IPV6 -> ipShorthand();
            case EtherTypes.ARP -> "arp";
            case EtherTypes.RARP -> "rarp";
            case 0x8847 -> "mpls";
            case 0x8848 -> "mplsm";
            default -> null;
        };
        if (name != null) {
            separator().append(name);
        }
        return name != null;
    }

    private String ipShorthand() {
        String plain = ip4 ? "ip" : "ipv6";
        return match.matchesOn(Field.NW_PROTO) && protocolName() != null ? protocolName() : plain;
    }

    private String protocolName() {
        int protocol = (int) match.value(Field.NW_PROTO);
        String suffix = ip6 ? "6" : "";
        return switch (protocol) {
            case IpProtocols.TCP -> "tcp" + suffix;
            case IpProtocols.UDP -> "udp" + suffix;
            case IpProtocols.SCTP -> "sctp" + suffix;
            case IpProtocols.ICMP -> ip4 ? "icmp" : null;
            case IpProtocols.ICMPV6 -> ip6 ? "icmp6" : null;
            default -> null;
        };
    }

    private void vlan() {
        int mask = (int) match.mask(Field.VLAN_TCI);
        int tci = (int) match.value(Field.VLAN_TCI);
        if (mask == 0) {
            return;
        }
        int vid = mask & VID;
        int pcp = mask & PCP;
        boolean named =
                (mask & tci & CFI) != 0 && (vid == 0 || vid == VID) && (pcp == 0 || pcp == PCP) && vid + pcp != 0;
        if (!named) {
            add("vlan_tci", "0x%04x".formatted(tci) + (mask == 0xffff ? "" : "/0x%04x".formatted(mask)));
            return;
        }
        if (vid != 0) {
            add("dl_vlan", Integer.toString(tci & VID));
        }
        if (pcp != 0) {
            add("dl_vlan_pcp", Integer.toString(tci >>> 13));
        }
    }

    private void network() {
        if (ip6) {
            ipv6("ipv6_src", Field.IPV6_SRC);
            ipv6("ipv6_dst", Field.IPV6_DST);
            label();
        } else {
            ipv4(arp ? "arp_spa" : "nw_src", Field.NW_SRC);
            ipv4(arp ? "arp_tpa" : "nw_dst", Field.NW_DST);
        }
        boolean protocolSaid = (ip4 || ip6) && protocolName() != null;
        if (!protocolSaid && match.matchesOn(Field.NW_PROTO)) {
            decimal(arp ? "arp_op" : "nw_proto", Field.NW_PROTO);
        }
        if (arp) {
            mac("arp_sha", Field.ARP_SHA);
            mac("arp_tha", Field.ARP_THA);
        }
        if ((match.mask(Field.NW_TOS) & DSCP) != 0) {
            add("nw_tos", Long.toString(match.value(Field.NW_TOS) & DSCP));
        }
        if ((match.mask(Field.NW_TOS) & ECN) != 0) {
            add("nw_ecn", Long.toString(match.value(Field.NW_TOS) & ECN));
        }
        if (match.matchesOn(Field.NW_TTL)) {
            add("nw_ttl", Long.toString(match.value(Field.NW_TTL)));
        }
        if (match.matchesOn(Field.NW_FRAG)) {
            add("nw_frag", ValueText.formatFragment(match.value(Field.NW_FRAG), match.mask(Field.NW_FRAG)));
        }
    }

    private void label() {
        if (match.matchesOn(Field.IPV6_LABEL)) {
            String value = "0x%05x".formatted(match.value(Field.IPV6_LABEL));
            add(
                    "ipv6_label",
                    match.isExact(Field.IPV6_LABEL)
                            ? value
                            : value + "/0x%05x".formatted(match.mask(Field.IPV6_LABEL)));
        }
    }

    private void transport() {
        int protocol = (int) match.value(Field.NW_PROTO);
        boolean icmp4 = ip4 && protocol == IpProtocols.ICMP;
        boolean icmp6 = ip6 && protocol == IpProtocols.ICMPV6;
        decimal(icmp4 || icmp6 ? "icmp_type" : "tp_src", Field.TP_SRC);
        decimal(icmp4 || icmp6 ? "icmp_code" : "tp_dst", Field.TP_DST);
        if (icmp6) {
            ipv6("nd_target", Field.ND_TARGET);
            mac("nd_sll", Field.ARP_SHA);
            mac("nd_tll", Field.ARP_THA);
        }
        if ((ip4 || ip6) && protocol == IpProtocols.TCP && match.matchesOn(Field.TCP_FLAGS)) {
            add("tcp_flags", FlagText.TCP_FLAGS.format(match.value(Field.TCP_FLAGS), match.mask(Field.TCP_FLAGS)));
        }
    }

    private StringBuilder separator() {
        return out.append(out.isEmpty() ? "" : ",");
    }

    private void add(String name, String value) {
        separator().append(name).append('=').append(value);
    }

    private void hex(String name, Field field) {
        if (match.matchesOn(field)) {
            String value = Numbers.hex(match.value(field));
            add(name, match.isExact(field) ? value : value + "/" + Numbers.hex(match.mask(field)));
        }
    }

    private void decimal(String name, Field field) {
        if (match.matchesOn(field)) {
            add(
                    name,
                    match.isExact(field)
                            ? Numbers.decimal(match.value(field))
                            : "0x" + Long.toHexString(match.value(field)) + "/0x"
                                    + Long.toHexString(match.mask(field)));
        }
    }

    private void mac(String name, Field field) {
        if (match.matchesOn(field)) {
            String value = AddressText.mac(match.value(field));
            add(name, match.isExact(field) ? value : value + "/" + AddressText.mac(match.mask(field)));
        }
    }

    private void ipv4(String name, Field field) {
        if (match.matchesOn(field)) {
            add(name, AddressText.ipv4Masked(match.value(field), match.mask(field)));
        }
    }

    private void ipv6(String name, Field field) {
        if (match.matchesOn(field)) {
            add(
                    name,
                    AddressText.ipv6Masked(
                            match.valueHigh(field), match.value(field), match.maskHigh(field), match.mask(field)));
        }
    }
}
