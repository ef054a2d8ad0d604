package io.turnstile.pipeline.text;

import io.turnstile.datapath.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One field that OpenFlow can match on or act on: how it is called, where it stands in the flow key, and how it
 * travels. Several may share a {@link Field} of the key: {@code tcp_src} and {@code icmp_type} do, {@code vlan_vid} is
 * a part of {@code vlan_tci}. The table {@link #ALL} is the only place that says so (ovs-fields(7); OpenFlow 1.5.1
 * §7.2.3).
 *
 * @param names the first is the one printed in {@code set_field}
 * @param offsetBits where in {@code field} its lowest bit is
 * @param widthBits as a subfield: {@code name[0..widthBits-1]}
 * @param matchMask lower 64 bits, in the field's place, that an exact match covers
 * @param impliedBits bits of {@code field} that must be one for the match to make sense: the VLAN tag's presence
 * @param wireBytes size of the value in NXM and OXM
 * @param nxm class and field number without mask bit and length ({@code class << 7 | number}), -1: none
 * @param oxm the same for OpenFlow 1.2 and later; -1: the NXM one is used
 * @param maskable any mask will do; else all or nothing
 * @param writable set_field, load, move and pop may change it
 */
public record MatchField(
        List<String> names,
        Field field,
        int offsetBits,
        int widthBits,
        long matchMask,
        long impliedBits,
        int wireBytes,
        int nxm,
        int oxm,
        String nxmName,
        String oxmName,
        Style style,
        boolean maskable,
        boolean writable,
        Prerequisite prerequisite) {

    /** How a value is written. */
    public enum Style {
        DECIMAL,
        HEX,
        MAC,
        IPV4,
        IPV6,
        PORT,
        FRAGMENT,
        TCP_FLAGS,
        CT_STATE
    }

    /** A value and mask in the field's own numbering (bit 0 is its lowest); the high halves are for 128-bit fields. */
    public record Masked(long high, long low, long maskHigh, long maskLow) {}

    private static final int NXM_OF = 0x0000;
    private static final int NXM_NX = 0x0001;
    private static final int OXM_OF = 0x8000;
    private static final int OXM_PKT_REG = 0x8001;
    private static final int ABSENT = -1;

    /** In the order of ovs-fields(7). */
    public static final List<MatchField> ALL = table();

    private static final Map<String, MatchField> BY_NAME = indexByName();
    private static final Map<Integer, MatchField> BY_CODE = indexByCode();

    /** By ovs-fields(7) name, alias, or NXM_/OXM_ name, in any case; null if there is none. */
    public static MatchField named(String name) {
        return BY_NAME.get(name.toLowerCase(Locale.ROOT));
    }

    /** By {@code class << 7 | number}; null if this switch does not know it. */
    public static MatchField coded(int classAndNumber) {
        return BY_CODE.get(classAndNumber);
    }

    public String name() {
        return names.getFirst();
    }

    /** The name used inside {@code load}, {@code move} and subfields: NXM_OF_ETH_SRC. */
    public String codeName() {
        return nxmName != null ? nxmName : oxmName != null ? oxmName : name();
    }

    /** True for fields of 128 bits. */
    public boolean isWide() {
        return field.isWide();
    }

    /** All ones in the field's own numbering, as wide as what is matched. */
    public long lowMask() {
        return matchMask >>> offsetBits;
    }

    /** True if these bits of the key field are exactly what this field's subfield covers or a part of it. */
    boolean contains(int keyOffsetBits, int bits) {
        return keyOffsetBits >= offsetBits && keyOffsetBits + bits <= offsetBits + widthBits;
    }

    private static Map<String, MatchField> indexByName() {
        Map<String, MatchField> index = new HashMap<>();
        for (MatchField field : ALL) {
            field.names.forEach(name -> index.putIfAbsent(name, field));
            for (String name : Arrays.asList(field.nxmName, field.oxmName)) {
                if (name != null) {
                    index.putIfAbsent(name.toLowerCase(Locale.ROOT), field);
                }
            }
        }
        return Map.copyOf(index);
    }

    private static Map<Integer, MatchField> indexByCode() {
        Map<Integer, MatchField> index = new HashMap<>();
        for (MatchField field : ALL) {
            if (field.nxm != ABSENT) {
                index.put(field.nxm, field);
            }
            if (field.oxm != ABSENT) {
                index.put(field.oxm, field);
            }
        }
        return Map.copyOf(index);
    }

    private static List<MatchField> table() {
        List<MatchField> rows = new ArrayList<>();
        metadataRows(rows);
        conntrackRows(rows);
        registerRows(rows);
        linkRows(rows);
        networkRows(rows);
        transportRows(rows);
        return List.copyOf(rows);
    }

    private static void metadataRows(List<MatchField> rows) {
        rows.add(
                row(Field.METADATA, 8, Style.HEX, "metadata").oxm(2, "METADATA").build());
        rows.add(row(Field.IN_PORT, 2, Style.PORT, "in_port")
                .width(16)
                .match(0xffff_ffffL)
                .exact()
                .nxmOf(0, "IN_PORT")
                .build());
        rows.add(row(Field.IN_PORT, 4, Style.PORT, "in_port_oxm")
                .exact()
                .oxm(0, "IN_PORT")
                .build());
        rows.add(row(Field.SKB_PRIORITY, 4, Style.HEX, "skb_priority")
                .exact()
                .readOnly()
                .build());
        rows.add(row(Field.PKT_MARK, 4, Style.HEX, "pkt_mark")
                .nxmNx(33, "PKT_MARK")
                .build());
    }

    private static void conntrackRows(List<MatchField> rows) {
        rows.add(row(Field.CT_STATE, 4, Style.CT_STATE, "ct_state")
                .width(32)
                .match(0xff)
                .readOnly()
                .nxmNx(105, "CT_STATE")
                .build());
        rows.add(row(Field.CT_ZONE, 2, Style.HEX, "ct_zone")
                .exact()
                .readOnly()
                .nxmNx(106, "CT_ZONE")
                .build());
        rows.add(row(Field.CT_MARK, 4, Style.HEX, "ct_mark")
                .nxmNx(107, "CT_MARK")
                .build());
        rows.add(row(Field.CT_LABEL, 16, Style.HEX, "ct_label")
                .nxmNx(108, "CT_LABEL")
                .build());
        rows.add(row(Field.CT_NW_PROTO, 1, Style.DECIMAL, "ct_nw_proto")
                .exact()
                .readOnly()
                .needs(Prerequisite.CT)
                .nxmNx(119, "CT_NW_PROTO")
                .build());
        rows.add(row(Field.CT_NW_SRC, 4, Style.IPV4, "ct_nw_src")
                .readOnly()
                .needs(Prerequisite.CT)
                .nxmNx(120, "CT_NW_SRC")
                .build());
        rows.add(row(Field.CT_NW_DST, 4, Style.IPV4, "ct_nw_dst")
                .readOnly()
                .needs(Prerequisite.CT)
                .nxmNx(121, "CT_NW_DST")
                .build());
        rows.add(row(Field.CT_IPV6_SRC, 16, Style.IPV6, "ct_ipv6_src")
                .readOnly()
                .needs(Prerequisite.CT)
                .nxmNx(122, "CT_IPV6_SRC")
                .build());
        rows.add(row(Field.CT_IPV6_DST, 16, Style.IPV6, "ct_ipv6_dst")
                .readOnly()
                .needs(Prerequisite.CT)
                .nxmNx(123, "CT_IPV6_DST")
                .build());
        rows.add(row(Field.CT_TP_SRC, 2, Style.DECIMAL, "ct_tp_src")
                .readOnly()
                .needs(Prerequisite.CT)
                .nxmNx(124, "CT_TP_SRC")
                .build());
        rows.add(row(Field.CT_TP_DST, 2, Style.DECIMAL, "ct_tp_dst")
                .readOnly()
                .needs(Prerequisite.CT)
                .nxmNx(125, "CT_TP_DST")
                .build());
    }

    private static void registerRows(List<MatchField> rows) {
        for (int i = 0; i < 16; i++) {
            rows.add(row(Field.valueOf("REG" + i), 4, Style.HEX, "reg" + i)
                    .nxmNx(i, "REG" + i)
                    .build());
        }
        for (int i = 0; i < 8; i++) {
            rows.add(row(Field.valueOf("XREG" + i), 8, Style.HEX, "xreg" + i)
                    .packetRegister(i)
                    .build());
        }
        for (int i = 0; i < 4; i++) {
            rows.add(row(Field.valueOf("XXREG" + i), 16, Style.HEX, "xxreg" + i)
                    .nxmNx(111 + i, "XXREG" + i)
                    .build());
        }
    }

    private static void linkRows(List<MatchField> rows) {
        rows.add(row(Field.ETH_SRC, 6, Style.MAC, "eth_src", "dl_src")
                .nxmOf(2, "ETH_SRC")
                .oxm(4, "ETH_SRC")
                .build());
        rows.add(row(Field.ETH_DST, 6, Style.MAC, "eth_dst", "dl_dst")
                .nxmOf(1, "ETH_DST")
                .oxm(3, "ETH_DST")
                .build());
        rows.add(row(Field.ETH_TYPE, 2, Style.HEX, "eth_type", "dl_type")
                .exact()
                .readOnly()
                .nxmOf(3, "ETH_TYPE")
                .oxm(5, "ETH_TYPE")
                .build());
        rows.add(row(Field.VLAN_TCI, 2, Style.HEX, "vlan_tci")
                .nxmOf(4, "VLAN_TCI")
                .build());
        rows.add(row(Field.VLAN_TCI, 2, Style.DECIMAL, "dl_vlan")
                .width(12)
                .match(0x1fff)
                .implies(0x1000)
                .exact()
                .build());
        rows.add(row(Field.VLAN_TCI, 2, Style.DECIMAL, "vlan_vid")
                .width(12)
                .match(0x1fff)
                .oxm(6, "VLAN_VID")
                .build());
        rows.add(row(Field.VLAN_TCI, 1, Style.DECIMAL, "dl_vlan_pcp")
                .part(13, 3)
                .implies(0x1000)
                .exact()
                .build());
        rows.add(row(Field.VLAN_TCI, 1, Style.DECIMAL, "vlan_pcp")
                .part(13, 3)
                .implies(0x1000)
                .exact()
                .needs(Prerequisite.VLAN)
                .oxm(7, "VLAN_PCP")
                .build());
    }

    private static void networkRows(List<MatchField> rows) {
        rows.add(row(Field.NW_SRC, 4, Style.IPV4, "ip_src", "nw_src")
                .needs(Prerequisite.IPV4)
                .nxmOf(7, "IP_SRC")
                .oxm(11, "IPV4_SRC")
                .build());
        rows.add(row(Field.NW_DST, 4, Style.IPV4, "ip_dst", "nw_dst")
                .needs(Prerequisite.IPV4)
                .nxmOf(8, "IP_DST")
                .oxm(12, "IPV4_DST")
                .build());
        rows.add(row(Field.IPV6_SRC, 16, Style.IPV6, "ipv6_src")
                .needs(Prerequisite.IPV6)
                .nxmNx(19, "IPV6_SRC")
                .oxm(26, "IPV6_SRC")
                .build());
        rows.add(row(Field.IPV6_DST, 16, Style.IPV6, "ipv6_dst")
                .needs(Prerequisite.IPV6)
                .nxmNx(20, "IPV6_DST")
                .oxm(27, "IPV6_DST")
                .build());
        rows.add(row(Field.IPV6_LABEL, 4, Style.HEX, "ipv6_label")
                .width(20)
                .match(0xffff_ffffL)
                .needs(Prerequisite.IPV6)
                .nxmNx(27, "IPV6_LABEL")
                .oxm(28, "IPV6_FLABEL")
                .build());
        rows.add(row(Field.NW_PROTO, 1, Style.DECIMAL, "nw_proto", "ip_proto")
                .exact()
                .readOnly()
                .needs(Prerequisite.IP)
                .nxmOf(6, "IP_PROTO")
                .oxm(10, "IP_PROTO")
                .build());
        rows.add(row(Field.NW_TOS, 1, Style.DECIMAL, "nw_tos")
                .match(0xfc)
                .exact()
                .needs(Prerequisite.IP)
                .nxmOf(5, "IP_TOS")
                .build());
        rows.add(row(Field.NW_TOS, 1, Style.DECIMAL, "ip_dscp")
                .part(2, 6)
                .exact()
                .needs(Prerequisite.IP)
                .oxm(8, "IP_DSCP")
                .build());
        rows.add(row(Field.NW_TOS, 1, Style.DECIMAL, "nw_ecn", "ip_ecn")
                .part(0, 2)
                .exact()
                .needs(Prerequisite.IP)
                .nxmNx(28, "IP_ECN")
                .oxm(9, "IP_ECN")
                .build());
        rows.add(row(Field.NW_TTL, 1, Style.DECIMAL, "nw_ttl")
                .exact()
                .needs(Prerequisite.IP)
                .nxmNx(29, "IP_TTL")
                .build());
        rows.add(row(Field.NW_FRAG, 1, Style.FRAGMENT, "ip_frag", "nw_frag")
                .part(0, 2)
                .readOnly()
                .needs(Prerequisite.IP)
                .nxmNx(26, "IP_FRAG")
                .build());
        rows.add(row(Field.NW_PROTO, 2, Style.DECIMAL, "arp_op")
                .exact()
                .needs(Prerequisite.ARP)
                .nxmOf(15, "ARP_OP")
                .oxm(21, "ARP_OP")
                .build());
        rows.add(row(Field.NW_SRC, 4, Style.IPV4, "arp_spa")
                .needs(Prerequisite.ARP)
                .nxmOf(16, "ARP_SPA")
                .oxm(22, "ARP_SPA")
                .build());
        rows.add(row(Field.NW_DST, 4, Style.IPV4, "arp_tpa")
                .needs(Prerequisite.ARP)
                .nxmOf(17, "ARP_TPA")
                .oxm(23, "ARP_TPA")
                .build());
        rows.add(row(Field.ARP_SHA, 6, Style.MAC, "arp_sha")
                .needs(Prerequisite.ARP)
                .nxmNx(17, "ARP_SHA")
                .oxm(24, "ARP_SHA")
                .build());
        rows.add(row(Field.ARP_THA, 6, Style.MAC, "arp_tha")
                .needs(Prerequisite.ARP)
                .nxmNx(18, "ARP_THA")
                .oxm(25, "ARP_THA")
                .build());
    }

    private static void transportRows(List<MatchField> rows) {
        rows.add(row(Field.TP_SRC, 2, Style.DECIMAL, "tcp_src", "tp_src")
                .needs(Prerequisite.TCP)
                .nxmOf(9, "TCP_SRC")
                .oxm(13, "TCP_SRC")
                .build());
        rows.add(row(Field.TP_DST, 2, Style.DECIMAL, "tcp_dst", "tp_dst")
                .needs(Prerequisite.TCP)
                .nxmOf(10, "TCP_DST")
                .oxm(14, "TCP_DST")
                .build());
        rows.add(row(Field.TCP_FLAGS, 2, Style.TCP_FLAGS, "tcp_flags")
                .part(0, 12)
                .readOnly()
                .needs(Prerequisite.TCP)
                .nxmNx(34, "TCP_FLAGS")
                .oxm(42, "TCP_FLAGS")
                .build());
        rows.add(row(Field.TP_SRC, 2, Style.DECIMAL, "udp_src")
                .needs(Prerequisite.UDP)
                .nxmOf(11, "UDP_SRC")
                .oxm(15, "UDP_SRC")
                .build());
        rows.add(row(Field.TP_DST, 2, Style.DECIMAL, "udp_dst")
                .needs(Prerequisite.UDP)
                .nxmOf(12, "UDP_DST")
                .oxm(16, "UDP_DST")
                .build());
        rows.add(row(Field.TP_SRC, 2, Style.DECIMAL, "sctp_src")
                .needs(Prerequisite.SCTP)
                .oxm(17, "SCTP_SRC")
                .build());
        rows.add(row(Field.TP_DST, 2, Style.DECIMAL, "sctp_dst")
                .needs(Prerequisite.SCTP)
                .oxm(18, "SCTP_DST")
                .build());
        rows.add(row(Field.TP_SRC, 1, Style.DECIMAL, "icmp_type")
                .width(8)
                .match(0xffff)
                .exact()
                .needs(Prerequisite.ICMPV4)
                .nxmOf(13, "ICMP_TYPE")
                .oxm(19, "ICMPV4_TYPE")
                .build());
        rows.add(row(Field.TP_DST, 1, Style.DECIMAL, "icmp_code")
                .width(8)
                .match(0xffff)
                .exact()
                .needs(Prerequisite.ICMPV4)
                .nxmOf(14, "ICMP_CODE")
                .oxm(20, "ICMPV4_CODE")
                .build());
        rows.add(row(Field.TP_SRC, 1, Style.DECIMAL, "icmpv6_type")
                .width(8)
                .match(0xffff)
                .exact()
                .needs(Prerequisite.ICMPV6)
                .nxmNx(21, "ICMPV6_TYPE")
                .oxm(29, "ICMPV6_TYPE")
                .build());
        rows.add(row(Field.TP_DST, 1, Style.DECIMAL, "icmpv6_code")
                .width(8)
                .match(0xffff)
                .exact()
                .needs(Prerequisite.ICMPV6)
                .nxmNx(22, "ICMPV6_CODE")
                .oxm(30, "ICMPV6_CODE")
                .build());
        rows.add(row(Field.ND_TARGET, 16, Style.IPV6, "nd_target")
                .needs(Prerequisite.ND)
                .nxmNx(23, "ND_TARGET")
                .oxm(31, "IPV6_ND_TARGET")
                .build());
        rows.add(row(Field.ARP_SHA, 6, Style.MAC, "nd_sll")
                .needs(Prerequisite.ND_SOLICIT)
                .nxmNx(24, "ND_SLL")
                .oxm(32, "IPV6_ND_SLL")
                .build());
        rows.add(row(Field.ARP_THA, 6, Style.MAC, "nd_tll")
                .needs(Prerequisite.ND_ADVERT)
                .nxmNx(25, "ND_TLL")
                .oxm(33, "IPV6_ND_TLL")
                .build());
    }

    private static Row row(Field field, int wireBytes, Style style, String... names) {
        return new Row(field, wireBytes, style, List.of(names));
    }

    /** One row under construction: maskable, writable and without prerequisite unless said otherwise. */
    private static final class Row {
        private final Field field;
        private final int wireBytes;
        private final Style style;
        private final List<String> names;
        private int offset;
        private int width;
        private long matchMask;
        private long implied;
        private int nxm = ABSENT;
        private int oxm = ABSENT;
        private String nxmName;
        private String oxmName;
        private boolean maskable = true;
        private boolean writable = true;
        private Prerequisite prerequisite = Prerequisite.NONE;

        Row(Field field, int wireBytes, Style style, List<String> names) {
            this.field = field;
            this.wireBytes = wireBytes;
            this.style = style;
            this.names = names;
            this.width = field.widthBits();
            this.matchMask = field.lowMask();
        }

        Row width(int bits) {
            width = bits;
            return this;
        }

        Row part(int offsetBits, int bits) {
            offset = offsetBits;
            width = bits;
            matchMask = ((1L << bits) - 1) << offsetBits;
            return this;
        }

        Row match(long mask) {
            matchMask = mask;
            return this;
        }

        Row implies(long bits) {
            implied = bits;
            return this;
        }

        Row exact() {
            maskable = false;
            return this;
        }

        Row readOnly() {
            writable = false;
            return this;
        }

        Row needs(Prerequisite what) {
            prerequisite = what;
            return this;
        }

        Row nxmOf(int number, String name) {
            nxm = NXM_OF << 7 | number;
            nxmName = "NXM_OF_" + name;
            return this;
        }

        Row nxmNx(int number, String name) {
            nxm = NXM_NX << 7 | number;
            nxmName = "NXM_NX_" + name;
            return this;
        }

        Row oxm(int number, String name) {
            oxm = OXM_OF << 7 | number;
            oxmName = "OXM_OF_" + name;
            return this;
        }

        Row packetRegister(int number) {
            oxm = OXM_PKT_REG << 7 | number;
            oxmName = "OXM_OF_PKT_REG" + number;
            return this;
        }

        MatchField build() {
            return new MatchField(
                    names,
                    field,
                    offset,
                    width,
                    matchMask,
                    implied,
                    wireBytes,
                    nxm,
                    oxm,
                    nxmName,
                    oxmName,
                    style,
                    maskable,
                    writable,
                    prerequisite);
        }
    }
}
