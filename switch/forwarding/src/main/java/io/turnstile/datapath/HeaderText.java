package io.turnstile.datapath;

import static io.turnstile.datapath.FieldText.DECIMAL;
import static io.turnstile.datapath.FieldText.HEX;
import static io.turnstile.datapath.FieldText.MAC;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The headers of datapath flows and set actions: which fields stand inside the brackets, in which order, by which
 * names. One table for matches and actions, because Open vSwitch prints both alike.
 */
enum HeaderText {
    // spotless:off
    SKB_PRIORITY("skb_priority", part("", Field.SKB_PRIORITY, HEX)),
    SKB_MARK    ("skb_mark",     part("", Field.PKT_MARK, HEX)),
    /** Stands behind the recirculation id. */
    DP_HASH     ("dp_hash",      part("", Field.DP_HASH, HEX)),
    CT_ZONE     ("ct_zone",      part("", Field.CT_ZONE, HEX)),
    CT_MARK     ("ct_mark",      part("", Field.CT_MARK, HEX)),
    CT_LABEL    ("ct_label",     part("", Field.CT_LABEL, HEX)),
    ETH         ("eth",          part("src", Field.ETH_SRC, MAC), part("dst", Field.ETH_DST, MAC)),
    IPV4        ("ipv4",         part("src", Field.NW_SRC, FieldText.IPV4), part("dst", Field.NW_DST, FieldText.IPV4),
                                 part("proto", Field.NW_PROTO, DECIMAL), part("tos", Field.NW_TOS, HEX),
                                 part("ttl", Field.NW_TTL, DECIMAL)),
    IPV6        ("ipv6",         part("src", Field.IPV6_SRC, FieldText.IPV6), part("dst", Field.IPV6_DST, FieldText.IPV6),
                                 part("label", Field.IPV6_LABEL, HEX), part("proto", Field.NW_PROTO, DECIMAL),
                                 part("tclass", Field.NW_TOS, HEX), part("hlimit", Field.NW_TTL, DECIMAL)),
    NSH         ("nsh",          part("flags", Field.NSH_FLAGS, DECIMAL), part("ttl", Field.NSH_TTL, DECIMAL),
                                 part("mdtype", Field.NSH_MDTYPE, DECIMAL), part("np", Field.NSH_NP, DECIMAL),
                                 part("spi", Field.NSH_SPI, FieldText.HEX_NUMBER), part("si", Field.NSH_SI, DECIMAL),
                                 part("c1", Field.NSH_C1, FieldText.HEX_NUMBER), part("c2", Field.NSH_C2, FieldText.HEX_NUMBER),
                                 part("c3", Field.NSH_C3, FieldText.HEX_NUMBER), part("c4", Field.NSH_C4, FieldText.HEX_NUMBER)),
    ARP         ("arp",          part("sip", Field.NW_SRC, FieldText.IPV4), part("tip", Field.NW_DST, FieldText.IPV4),
                                 part("op", Field.NW_PROTO, DECIMAL),
                                 part("sha", Field.ARP_SHA, MAC), part("tha", Field.ARP_THA, MAC)),
    TCP         ("tcp",          part("src", Field.TP_SRC, DECIMAL), part("dst", Field.TP_DST, DECIMAL)),
    UDP         ("udp",          part("src", Field.TP_SRC, DECIMAL), part("dst", Field.TP_DST, DECIMAL)),
    SCTP        ("sctp",         part("src", Field.TP_SRC, DECIMAL), part("dst", Field.TP_DST, DECIMAL)),
    ICMP        ("icmp",         part("type", Field.TP_SRC, DECIMAL), part("code", Field.TP_DST, DECIMAL)),
    ICMPV6      ("icmpv6",       part("type", Field.TP_SRC, DECIMAL), part("code", Field.TP_DST, DECIMAL)),
    ND          ("nd",           part("target", Field.ND_TARGET, FieldText.IPV6),
                                 part("sll", Field.ARP_SHA, MAC), part("tll", Field.ARP_THA, MAC)),
    ND_EXT      ("nd_ext",       part("nd_reserved", Field.ND_RESERVED, FieldText.HEX_NUMBER),
                                 part("nd_options_type", Field.ND_OPTIONS_TYPE, DECIMAL)),
    CT_TUPLE4   ("ct_tuple4",    part("src", Field.CT_NW_SRC, FieldText.IPV4), part("dst", Field.CT_NW_DST, FieldText.IPV4),
                                 part("proto", Field.CT_NW_PROTO, DECIMAL), part("tp_src", Field.CT_TP_SRC, DECIMAL),
                                 part("tp_dst", Field.CT_TP_DST, DECIMAL)),
    CT_TUPLE6   ("ct_tuple6",    part("src", Field.CT_IPV6_SRC, FieldText.IPV6), part("dst", Field.CT_IPV6_DST, FieldText.IPV6),
                                 part("proto", Field.CT_NW_PROTO, DECIMAL), part("tp_src", Field.CT_TP_SRC, DECIMAL),
                                 part("tp_dst", Field.CT_TP_DST, DECIMAL));
    // spotless:on

    /** One value inside the brackets; a header of one value has no name for it. */
    record Part(String name, Field field, FieldText text) {}

    private final String label;
    private final Part[] parts;

    private static Part part(String name, Field field, FieldText text) {
        return new Part(name, field, text);
    }

    HeaderText(String label, Part... parts) {
        this.label = label;
        this.parts = parts;
    }

    String label() {
        return label;
    }

    /** The header of that label; null if there is none. */
    static @Nullable HeaderText labelled(String label) {
        return Arrays.stream(values())
                .filter(header -> header.label.equals(label))
                .findFirst()
                .orElse(null);
    }

    /** The value of that name inside the brackets; null if there is none. */
    @Nullable
    Part part(String name) {
        return Arrays.stream(parts)
                .filter(part -> part.name().equals(name))
                .findFirst()
                .orElse(null);
    }

    /** Of a single value: its field. */
    Field onlyField() {
        return parts[0].field();
    }

    /** Of a single value: how it is written. */
    FieldText onlyText() {
        return parts[0].text();
    }

    /** What its first field tells of. */
    KeyLayer layer() {
        return parts[0].field().layer();
    }

    /** True for a single value, which has no name inside the brackets. */
    boolean isSingle() {
        return parts.length == 1;
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

    /** The first header that has the field, ports being TCP's; null if there is none. */
    static @Nullable HeaderText holding(Field field) {
        return Arrays.stream(values())
                .filter(header -> header.has(field))
                .findFirst()
                .orElse(null);
    }

    /**
     * The header that a rewrite of the field is shown in.
     *
     * @param network of the packet; null if it is none of those known
     * @param transport of the packet; null if it has none
     * @return null for a field that such packets do not have
     */
    static @Nullable HeaderText holding(Field field, @Nullable HeaderText network, @Nullable HeaderText transport) {
        for (HeaderText header : HeaderText.values()) {
            boolean foreign = header.layer() == KeyLayer.NETWORK
                            && header != network
                            && !(network == IPV6 && (header == ND || header == ND_EXT))
                    || header.layer() == KeyLayer.TRANSPORT && header != transport;
            if (header.has(field) && !foreign) {
                return header;
            }
        }
        return null;
    }

    /** The transport header that ports and ICMP types of such packets stand in; null if they have none. */
    static @Nullable HeaderText transport(int ipProtocol) {
        return switch (ipProtocol) {
            case IpProtocols.TCP -> TCP;
            case IpProtocols.UDP -> UDP;
            case IpProtocols.SCTP -> SCTP;
            case IpProtocols.ICMP -> ICMP;
            case IpProtocols.ICMPV6 -> ICMPV6;
            default -> null;
        };
    }

    /** The type of frames that have the header, as {@link #network} knows it; {@code other} if any type may. */
    int etherType(int other) {
        return switch (this) {
            case IPV4 -> EtherTypes.IPV4;
            case IPV6 -> EtherTypes.IPV6;
            case ARP -> EtherTypes.ARP;
            default -> other;
        };
    }

    /** The network header of such packets; null if it is none of those known. */
    static @Nullable HeaderText network(int etherType) {
        return switch (etherType) {
            case EtherTypes.IPV4 -> IPV4;
            case EtherTypes.IPV6 -> IPV6;
            case EtherTypes.ARP, EtherTypes.RARP -> ARP;
            case EtherTypes.NSH -> NSH;
            default -> null;
        };
    }
}
