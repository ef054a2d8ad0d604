package io.turnstile.datapath;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;

/**
 * The headers of datapath flows and set actions: which fields stand inside the brackets, in which order, by which
 * names. One table for matches and actions, because Open vSwitch prints both alike.
 */
enum HeaderText {
    SKB_PRIORITY("skb_priority", new Part("", Field.SKB_PRIORITY, FieldText.HEX)),
    SKB_MARK("skb_mark", new Part("", Field.PKT_MARK, FieldText.HEX)),
    ETH("eth", new Part("src", Field.ETH_SRC, FieldText.MAC), new Part("dst", Field.ETH_DST, FieldText.MAC)),
    IPV4(
            "ipv4",
            new Part("src", Field.NW_SRC, FieldText.IPV4),
            new Part("dst", Field.NW_DST, FieldText.IPV4),
            new Part("proto", Field.NW_PROTO, FieldText.DECIMAL),
            new Part("tos", Field.NW_TOS, FieldText.HEX),
            new Part("ttl", Field.NW_TTL, FieldText.DECIMAL)),
    IPV6(
            "ipv6",
            new Part("src", Field.IPV6_SRC, FieldText.IPV6),
            new Part("dst", Field.IPV6_DST, FieldText.IPV6),
            new Part("label", Field.IPV6_LABEL, FieldText.HEX),
            new Part("proto", Field.NW_PROTO, FieldText.DECIMAL),
            new Part("tclass", Field.NW_TOS, FieldText.HEX),
            new Part("hlimit", Field.NW_TTL, FieldText.DECIMAL)),
    ARP(
            "arp",
            new Part("sip", Field.NW_SRC, FieldText.IPV4),
            new Part("tip", Field.NW_DST, FieldText.IPV4),
            new Part("op", Field.NW_PROTO, FieldText.DECIMAL),
            new Part("sha", Field.ARP_SHA, FieldText.MAC),
            new Part("tha", Field.ARP_THA, FieldText.MAC)),
    TCP("tcp", new Part("src", Field.TP_SRC, FieldText.DECIMAL), new Part("dst", Field.TP_DST, FieldText.DECIMAL)),
    UDP("udp", new Part("src", Field.TP_SRC, FieldText.DECIMAL), new Part("dst", Field.TP_DST, FieldText.DECIMAL)),
    SCTP("sctp", new Part("src", Field.TP_SRC, FieldText.DECIMAL), new Part("dst", Field.TP_DST, FieldText.DECIMAL)),
    ICMP("icmp", new Part("type", Field.TP_SRC, FieldText.DECIMAL), new Part("code", Field.TP_DST, FieldText.DECIMAL)),
    ICMPV6(
            "icmpv6",
            new Part("type", Field.TP_SRC, FieldText.DECIMAL),
            new Part("code", Field.TP_DST, FieldText.DECIMAL)),
    ND(
            "nd",
            new Part("target", Field.ND_TARGET, FieldText.IPV6),
            new Part("sll", Field.ARP_SHA, FieldText.MAC),
            new Part("tll", Field.ARP_THA, FieldText.MAC)),
    CT_TUPLE4(
            "ct_tuple4",
            new Part("src", Field.CT_NW_SRC, FieldText.IPV4),
            new Part("dst", Field.CT_NW_DST, FieldText.IPV4),
            new Part("proto", Field.CT_NW_PROTO, FieldText.DECIMAL),
            new Part("tp_src", Field.CT_TP_SRC, FieldText.DECIMAL),
            new Part("tp_dst", Field.CT_TP_DST, FieldText.DECIMAL)),
    CT_TUPLE6(
            "ct_tuple6",
            new Part("src", Field.CT_IPV6_SRC, FieldText.IPV6),
            new Part("dst", Field.CT_IPV6_DST, FieldText.IPV6),
            new Part("proto", Field.CT_NW_PROTO, FieldText.DECIMAL),
            new Part("tp_src", Field.CT_TP_SRC, FieldText.DECIMAL),
            new Part("tp_dst", Field.CT_TP_DST, FieldText.DECIMAL));

    /** One value inside the brackets; a header of one value has no name for it. */
    record Part(String name, Field field, FieldText text) {}

    private final String label;
    private final Part[] parts;

    HeaderText(String label, Part... parts) {
        this.label = label;
        this.parts = parts;
    }

    boolean has(Field field) {
        for (Part part : parts) {
            if (part.field() == field) {
                return true;
            }
        }
        return false;
    }

    /** {@code label(name=value/mask,…)}; empty if nothing is masked and not everything is asked for. */
    String text(long[] key, long[] mask, boolean all) {
        String inside = inside(key, mask, all);
        return inside.isEmpty() ? "" : label + "(" + inside + ")";
    }

    /** What stands in the brackets. */
    String inside(long[] key, long[] mask, boolean all) {
        StringBuilder text = new StringBuilder();
        for (Part part : parts) {
            Field field = part.field();
            if (all || field.get(mask) != 0 || field.getHigh(mask) != 0) {
                text.append(text.isEmpty() ? "" : ",")
                        .append(part.name())
                        .append(part.name().isEmpty() ? "" : "=")
                        .append(part.text()
                                .masked(
                                        field,
                                        field.getHigh(key),
                                        field.get(key),
                                        field.getHigh(mask),
                                        field.get(mask)));
            }
        }
        return text.toString();
    }

    /** The transport header that ports and ICMP types of such packets stand in; null if they have none. */
    static HeaderText transport(int ipProtocol) {
        return switch (ipProtocol) {
            case IpProtocols.TCP -> TCP;
            case IpProtocols.UDP -> UDP;
            case IpProtocols.SCTP -> SCTP;
            case IpProtocols.ICMP -> ICMP;
            case IpProtocols.ICMPV6 -> ICMPV6;
            default -> null;
        };
    }

    /** The network header of such packets; null if it is none of those known. */
    static HeaderText network(int etherType) {
        return switch (etherType) {
            case EtherTypes.IPV4 -> IPV4;
            case EtherTypes.IPV6 -> IPV6;
            case EtherTypes.ARP, EtherTypes.RARP -> ARP;
            default -> null;
        };
    }
}
