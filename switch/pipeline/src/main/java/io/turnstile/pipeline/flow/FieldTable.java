package io.turnstile.pipeline.flow;

import static io.turnstile.pipeline.flow.MatchField.Access.IN_CT;
import static io.turnstile.pipeline.flow.MatchField.Access.NOT_SET_FIELD;
import static io.turnstile.pipeline.flow.MatchField.Access.READ_ONLY;
import static io.turnstile.pipeline.flow.MatchField.Access.WHOLE;
import static io.turnstile.pipeline.flow.MatchField.Access.WRITABLE;
import static io.turnstile.pipeline.flow.MatchField.Style.ADDRESS4;
import static io.turnstile.pipeline.flow.MatchField.Style.ADDRESS6;
import static io.turnstile.pipeline.flow.MatchField.Style.CT_STATE;
import static io.turnstile.pipeline.flow.MatchField.Style.DECIMAL;
import static io.turnstile.pipeline.flow.MatchField.Style.ETHER_TYPE;
import static io.turnstile.pipeline.flow.MatchField.Style.FLOW_LABEL;
import static io.turnstile.pipeline.flow.MatchField.Style.FRAGMENT;
import static io.turnstile.pipeline.flow.MatchField.Style.HEX;
import static io.turnstile.pipeline.flow.MatchField.Style.HEX_NUMBER;
import static io.turnstile.pipeline.flow.MatchField.Style.MAC;
import static io.turnstile.pipeline.flow.MatchField.Style.PACKET_TYPE;
import static io.turnstile.pipeline.flow.MatchField.Style.PADDED;
import static io.turnstile.pipeline.flow.MatchField.Style.PORT;
import static io.turnstile.pipeline.flow.MatchField.Style.TCP_FLAGS;
import static io.turnstile.pipeline.flow.MatchField.Style.UNMASKED;
import static io.turnstile.pipeline.flow.MatchField.Style.VLAN_TCI;
import static io.turnstile.pipeline.flow.Prerequisite.ARP;
import static io.turnstile.pipeline.flow.Prerequisite.CT;
import static io.turnstile.pipeline.flow.Prerequisite.ICMPV4;
import static io.turnstile.pipeline.flow.Prerequisite.ICMPV6;
import static io.turnstile.pipeline.flow.Prerequisite.IP;
import static io.turnstile.pipeline.flow.Prerequisite.IPV4;
import static io.turnstile.pipeline.flow.Prerequisite.IPV6;
import static io.turnstile.pipeline.flow.Prerequisite.MPLS;
import static io.turnstile.pipeline.flow.Prerequisite.ND;
import static io.turnstile.pipeline.flow.Prerequisite.ND_ADVERT;
import static io.turnstile.pipeline.flow.Prerequisite.ND_SOLICIT;
import static io.turnstile.pipeline.flow.Prerequisite.NONE;
import static io.turnstile.pipeline.flow.Prerequisite.NSH;
import static io.turnstile.pipeline.flow.Prerequisite.SCTP;
import static io.turnstile.pipeline.flow.Prerequisite.TCP;
import static io.turnstile.pipeline.flow.Prerequisite.UDP;
import static io.turnstile.pipeline.flow.Prerequisite.VLAN;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.pipeline.flow.MatchField.Access;
import io.turnstile.pipeline.flow.MatchField.Sent;
import io.turnstile.pipeline.flow.MatchField.Shown;
import io.turnstile.pipeline.flow.MatchField.Style;
import java.util.ArrayList;
import java.util.List;

/**
 * Every field that OpenFlow can match on or act on, a row each (ovs-fields(7); OpenFlow 1.5.1 §7.2.3). Everything that
 * reads, writes, checks or shows a field goes by these rows.
 *
 * <p>Columns, as {@link MatchField} says more fully: names; the {@link Field} of the key; which bits of it; bytes on
 * the wire; how values are written; numbers in NXM and OXM, whose names are the field's own unless they are given;
 * whether any mask will do; what may write it; prerequisite; the rank in a flow's text, with the name there if it is
 * another; the rank in a match on the wire.
 */
final class FieldTable {
    private static final int NXM_OF = 0x0000;
    private static final int NXM_NX = 0x0001;
    private static final int ERICOXM_OF = 0x1000;
    private static final int OXM_OF = 0x8000;
    private static final int OXM_PKT_REG = 0x8001;
    private static final boolean ANY = true;
    private static final boolean EXACT = false;

    private FieldTable() {}

    static List<MatchField> rows() {
        List<MatchField> rows = new ArrayList<>(metadata());
        rows.add(actionSetOutput());
        rows.addAll(registers());
        rows.addAll(headers());
        rows.addAll(neighbours());
        rows.addAll(labels());
        rows.addAll(serviceHeader());
        return List.copyOf(rows);
    }

    // spotless:off
    private static List<MatchField> metadata() {
        return List.of(
            //  names                key field           bits          bytes style       NXM                   OXM                        mask   written by     needs       shown                   sent
            row("dp_hash",           Field.DP_HASH,      whole(),      4,    HEX,        nxmNx(35),            none(),                    ANY,   READ_ONLY,     NONE,       shown(1),               always(1)),
            row("tun_id tunnel_id",  Field.TUN_ID,       whole(),      8,    HEX,        nxmNx(16),            oxm(38, "TUNNEL_ID"),      ANY,   WRITABLE,      NONE,       shown(12),              always(9)),
            row("tun_src",           Field.TUN_SRC,      whole(),      4,    ADDRESS4,   nxmNx(31, "TUN_IPV4_SRC"), none(),               ANY,   WRITABLE,      NONE,       shown(12),              always(9)),
            row("tun_dst",           Field.TUN_DST,      whole(),      4,    ADDRESS4,   nxmNx(32, "TUN_IPV4_DST"), none(),               ANY,   WRITABLE,      NONE,       shown(12),              always(9)),
            row("tun_ipv6_src",      Field.TUN_IPV6_SRC, whole(),      16,   ADDRESS6,   nxmNx(109),           none(),                    ANY,   WRITABLE,      NONE,       shown(12),              always(9)),
            row("tun_ipv6_dst",      Field.TUN_IPV6_DST, whole(),      16,   ADDRESS6,   nxmNx(110),           none(),                    ANY,   WRITABLE,      NONE,       shown(12),              always(9)),
            row("tun_gbp_id",        Field.TUN_GBP_ID,   whole(),      2,    DECIMAL,    nxmNx(38),            none(),                    ANY,   WRITABLE,      NONE,       shown(12),              always(9)),
            row("tun_gbp_flags",     Field.TUN_GBP_FLAGS, whole(),     1,    HEX,        nxmNx(39),            none(),                    ANY,   WRITABLE,      NONE,       shown(12),              always(9)),
            row("metadata",          Field.METADATA,     whole(),      8,    HEX,        none(),               oxm(2),                    ANY,   WRITABLE,      NONE,       shown(12),              always(11)),
            row("conj_id",           Field.CONJ_ID,      whole(),      4,    DECIMAL,    nxmNx(37),            none(),                    EXACT, READ_ONLY,     NONE,       shown(2),               always(1)),
            row("in_port",           Field.IN_PORT,      port16(),     2,    PORT,       nxmOf(0),             none(),                    EXACT, WRITABLE,      NONE,       shown(13),              nxmOnly(1)),
            row("in_port_oxm",       Field.IN_PORT,      whole(),      4,    PORT,       none(),               oxm(0, "IN_PORT"),         EXACT, WRITABLE,      NONE,       hidden(),               oxmOnly(1)),
            row("skb_priority",      Field.SKB_PRIORITY, whole(),      4,    HEX,        none(),               none(),                    EXACT, READ_ONLY,     NONE,       shown(2),               never()),
            row("pkt_mark",          Field.PKT_MARK,     whole(),      4,    HEX,        nxmNx(33),            none(),                    ANY,   WRITABLE,      NONE,       shown(1),               always(9)),
            row("ct_state",          Field.CT_STATE,     ctState(),    4,    CT_STATE,   nxmNx(105),           none(),                    ANY,   READ_ONLY,     NONE,       shown(3),               always(10)),
            row("ct_zone",           Field.CT_ZONE,      whole(),      2,    DECIMAL,    nxmNx(106),           none(),                    EXACT, READ_ONLY,     NONE,       shown(3),               always(10)),
            row("ct_mark",           Field.CT_MARK,      whole(),      4,    HEX,        nxmNx(107),           none(),                    ANY,   IN_CT,         NONE,       shown(3),               always(10)),
            row("ct_label",          Field.CT_LABEL,     whole(),      16,   HEX,        nxmNx(108),           none(),                    ANY,   IN_CT,         NONE,       shown(3),               always(10)),
            row("ct_nw_proto",       Field.CT_NW_PROTO,  whole(),      1,    DECIMAL,    nxmNx(119),           none(),                    EXACT, READ_ONLY,     CT,         shown(8),               always(10)),
            row("ct_nw_src",         Field.CT_NW_SRC,    whole(),      4,    ADDRESS4,   nxmNx(120),           none(),                    ANY,   READ_ONLY,     CT,         shown(4),               always(10)),
            row("ct_nw_dst",         Field.CT_NW_DST,    whole(),      4,    ADDRESS4,   nxmNx(121),           none(),                    ANY,   READ_ONLY,     CT,         shown(6),               always(10)),
            row("ct_ipv6_src",       Field.CT_IPV6_SRC,  whole(),      16,   ADDRESS6,   nxmNx(122),           none(),                    ANY,   READ_ONLY,     CT,         shown(5),               always(10)),
            row("ct_ipv6_dst",       Field.CT_IPV6_DST,  whole(),      16,   ADDRESS6,   nxmNx(123),           none(),                    ANY,   READ_ONLY,     CT,         shown(7),               always(10)),
            row("ct_tp_src",         Field.CT_TP_SRC,    whole(),      2,    DECIMAL,    nxmNx(124),           none(),                    ANY,   READ_ONLY,     CT,         withProto(8),           always(10)),
            row("ct_tp_dst",         Field.CT_TP_DST,    whole(),      2,    DECIMAL,    nxmNx(125),           none(),                    ANY,   READ_ONLY,     CT,         withProto(8),           always(10)));
    }

    private static List<MatchField> neighbours() {
        return List.of(
            //  names                key field             bits        bytes style       NXM                   OXM                        mask   written by     needs       shown                   sent
            row("nd_reserved",       Field.ND_RESERVED,    whole(),    4,    PADDED,     none(),               ericsson(1, "ICMPV6_ND_RESERVED"),     EXACT, WRITABLE, ND, shown(22),         always(8)),
            row("nd_options_type",   Field.ND_OPTIONS_TYPE, whole(),   1,    DECIMAL,    none(),               ericsson(2, "ICMPV6_ND_OPTIONS_TYPE"), EXACT, WRITABLE, ND, shown(22),         always(8)));
    }

    private static List<MatchField> serviceHeader() {
        return List.of(
            //  names                key field           bits          bytes style       NXM                   OXM                        mask   written by     needs       shown                   sent
            row("packet_type",       Field.PACKET_TYPE,  whole(),      4,    PACKET_TYPE, none(),              oxm(44),                   EXACT, READ_ONLY,     NONE,       shown(9),               always(1)),
            row("nsh_flags",         Field.NSH_FLAGS,    whole(),      1,    PADDED,     none(),               nsh(1, "FLAGS"),           ANY,   WRITABLE,      NSH,        shown(17),              always(8)),
            row("nsh_ttl",           Field.NSH_TTL,      whole(),      1,    DECIMAL,    none(),               nsh(10, "TTL"),            EXACT, WRITABLE,      NSH,        shown(17),              always(8)),
            row("nsh_mdtype",        Field.NSH_MDTYPE,   whole(),      1,    DECIMAL,    none(),               nsh(2, "MDTYPE"),          EXACT, READ_ONLY,     NSH,        shown(17),              always(8)),
            row("nsh_np",            Field.NSH_NP,       whole(),      1,    DECIMAL,    none(),               nsh(3, "NP"),              EXACT, READ_ONLY,     NSH,        shown(17),              always(8)),
            row("nsh_spi nsp",       Field.NSH_SPI,      whole(),      4,    HEX_NUMBER, none(),               nsh(4, "SPI"),             EXACT, WRITABLE,      NSH,        shown(17),              always(8)),
            row("nsh_si nsi",        Field.NSH_SI,       whole(),      1,    DECIMAL,    none(),               nsh(5, "SI"),              EXACT, WRITABLE,      NSH,        shown(17),              always(8)),
            row("nsh_c1 nshc1",      Field.NSH_C1,       whole(),      4,    HEX_NUMBER, none(),               nsh(6, "C1"),              ANY,   WRITABLE,      NSH,        shown(17),              always(8)),
            row("nsh_c2 nshc2",      Field.NSH_C2,       whole(),      4,    HEX_NUMBER, none(),               nsh(7, "C2"),              ANY,   WRITABLE,      NSH,        shown(17),              always(8)),
            row("nsh_c3 nshc3",      Field.NSH_C3,       whole(),      4,    HEX_NUMBER, none(),               nsh(8, "C3"),              ANY,   WRITABLE,      NSH,        shown(17),              always(8)),
            row("nsh_c4 nshc4",      Field.NSH_C4,       whole(),      4,    HEX_NUMBER, none(),               nsh(9, "C4"),              ANY,   WRITABLE,      NSH,        shown(17),              always(8)));
    }

    /** Parts of the outermost entry of a label stack; of those behind it only packets and datapath flows tell. */
    private static List<MatchField> labels() {
        return List.of(
            //  names                key field           bits          bytes style       NXM                   OXM                        mask   written by     needs       shown                   sent
            row("mpls_tc",           Field.MPLS_LSE,     part(9, 3),   1,    UNMASKED,   none(),               oxm(35),                   EXACT, WRITABLE,      MPLS,       shown(25),              always(3)),
            row("mpls_bos",          Field.MPLS_LSE,     part(8, 1),   1,    UNMASKED,   none(),               oxm(36),                   EXACT, READ_ONLY,     MPLS,       shown(27),              always(3)),
            row("mpls_ttl",          Field.MPLS_LSE,     part(0, 8),   1,    UNMASKED,   nxmNx(30),            none(),                    EXACT, WRITABLE,      MPLS,       shown(26),              always(3)),
            row("mpls_label",        Field.MPLS_LSE,     part(12, 20), 4,    UNMASKED,   none(),               oxm(34),                   EXACT, WRITABLE,      MPLS,       shown(24),              always(3)),
            row("mpls_lse1",         Field.MPLS_LSE1,    whole(),      4,    PADDED,   none(),               none(),                    ANY,   READ_ONLY,     MPLS,       shown(28),              never()),
            row("mpls_lse2",         Field.MPLS_LSE2,    whole(),      4,    PADDED,   none(),               none(),                    ANY,   READ_ONLY,     MPLS,       shown(28),              never()));
    }

    private static List<MatchField> headers() {
        return List.of(
            //  names                key field           bits          bytes style       NXM                   OXM                        mask   written by     needs       shown                   sent
            row("eth_src dl_src",    Field.ETH_SRC,      whole(),      6,    MAC,        nxmOf(2),             oxm(4),                    ANY,   WRITABLE,      NONE,       shown(15, "dl_src"),    always(2)),
            row("eth_dst dl_dst",    Field.ETH_DST,      whole(),      6,    MAC,        nxmOf(1),             oxm(3),                    ANY,   WRITABLE,      NONE,       shown(15, "dl_dst"),    always(2)),
            row("eth_type dl_type",  Field.ETH_TYPE,     whole(),      2,    ETHER_TYPE, nxmOf(3),             oxm(5),                    EXACT, READ_ONLY,     NONE,       shown(16, "dl_type"),   always(2)),
            row("vlan_tci",          Field.VLAN_TCI,     whole(),      2,    VLAN_TCI,   nxmOf(4),             none(),                    ANY,   WRITABLE,      NONE,       shown(14),              nxmOnly(3)),
            row("dl_vlan",           Field.VLAN_TCI,     inTag(0, 12), 2,    DECIMAL,    none(),               none(),                    EXACT, NOT_SET_FIELD, NONE,       hidden(),               never()),
            row("vlan_vid",          Field.VLAN_TCI,     vlanId(),     2,    DECIMAL,    none(),               oxm(6),                    ANY,   WHOLE,         NONE,       hidden(),               oxmOnly(3)),
            row("dl_vlan_pcp",       Field.VLAN_TCI,     inTag(13, 3), 1,    DECIMAL,    none(),               none(),                    EXACT, NOT_SET_FIELD, NONE,       hidden(),               never()),
            row("vlan_pcp",          Field.VLAN_TCI,     inTag(13, 3), 1,    DECIMAL,    none(),               oxm(7),                    EXACT, WRITABLE,      VLAN,       hidden(),               oxmOnly(3)),
            row("ip_src nw_src",     Field.NW_SRC,       whole(),      4,    ADDRESS4,   nxmOf(7),             oxm(11, "IPV4_SRC"),       ANY,   WRITABLE,      IPV4,       shown(17, "nw_src"),    always(6)),
            row("ip_dst nw_dst",     Field.NW_DST,       whole(),      4,    ADDRESS4,   nxmOf(8),             oxm(12, "IPV4_DST"),       ANY,   WRITABLE,      IPV4,       shown(17, "nw_dst"),    always(6)),
            row("ipv6_src",          Field.IPV6_SRC,     whole(),      16,   ADDRESS6,   nxmNx(19),            oxm(26),                   ANY,   WRITABLE,      IPV6,       shown(17),              always(6)),
            row("ipv6_dst",          Field.IPV6_DST,     whole(),      16,   ADDRESS6,   nxmNx(20),            oxm(27),                   ANY,   WRITABLE,      IPV6,       shown(17),              always(6)),
            row("ipv6_label",        Field.IPV6_LABEL,   low(20),      4,    FLOW_LABEL, nxmNx(27),            oxm(28, "IPV6_FLABEL"),    ANY,   WRITABLE,      IPV6,       shown(17),              always(6)),
            row("nw_proto ip_proto", Field.NW_PROTO,     whole(),      1,    DECIMAL,    nxmOf(6, "IP_PROTO"), oxm(10, "IP_PROTO"),       EXACT, READ_ONLY,     IP,         shown(18),              always(5)),
            row("nw_tos",            Field.NW_TOS,       tos(),        1,    UNMASKED,   nxmOf(5, "IP_TOS"),   none(),                    EXACT, WRITABLE,      IP,         shown(20),              nxmOnly(4)),
            row("ip_dscp",           Field.NW_TOS,       part(2, 6),   1,    DECIMAL,    none(),               oxm(8),                    EXACT, WHOLE,         IP,         hidden(),               oxmOnly(4)),
            row("nw_ecn ip_ecn",     Field.NW_TOS,       part(0, 2),   1,    UNMASKED,   nxmNx(28, "IP_ECN"),  oxm(9, "IP_ECN"),          EXACT, WRITABLE,      IP,         shown(20),              always(4)),
            row("nw_ttl",            Field.NW_TTL,       whole(),      1,    UNMASKED,   nxmNx(29, "IP_TTL"),  none(),                    EXACT, WRITABLE,      IP,         shown(20),              always(7)),
            row("ip_frag nw_frag",   Field.NW_FRAG,      part(0, 2),   1,    FRAGMENT,   nxmNx(26),            none(),                    ANY,   READ_ONLY,     IP,         shown(20, "nw_frag"),   always(7)),
            row("arp_op",            Field.NW_PROTO,     said(16),     2,    DECIMAL,    nxmOf(15),            oxm(21),                   EXACT, WRITABLE,      ARP,        shown(18),              always(5)),
            row("arp_spa",           Field.NW_SRC,       whole(),      4,    ADDRESS4,   nxmOf(16),            oxm(22),                   ANY,   WRITABLE,      ARP,        shown(17),              always(6)),
            row("arp_tpa",           Field.NW_DST,       whole(),      4,    ADDRESS4,   nxmOf(17),            oxm(23),                   ANY,   WRITABLE,      ARP,        shown(17),              always(6)),
            row("arp_sha",           Field.ARP_SHA,      whole(),      6,    MAC,        nxmNx(17),            oxm(24),                   ANY,   WRITABLE,      ARP,        shown(19),              always(6)),
            row("arp_tha",           Field.ARP_THA,      whole(),      6,    MAC,        nxmNx(18),            oxm(25),                   ANY,   WRITABLE,      ARP,        shown(19),              always(6)),
            row("tcp_src tp_src",    Field.TP_SRC,       whole(),      2,    DECIMAL,    nxmOf(9),             oxm(13),                   ANY,   WRITABLE,      TCP,        shown(21, "tp_src"),    always(8)),
            row("tcp_dst tp_dst",    Field.TP_DST,       whole(),      2,    DECIMAL,    nxmOf(10),            oxm(14),                   ANY,   WRITABLE,      TCP,        shown(21, "tp_dst"),    always(8)),
            row("tcp_flags",         Field.TCP_FLAGS,    part(0, 12),  2,    TCP_FLAGS,  nxmNx(34),            onf(42),                   ANY,   READ_ONLY,     TCP,        shown(23),              always(8)),
            row("udp_src",           Field.TP_SRC,       whole(),      2,    DECIMAL,    nxmOf(11),            oxm(15),                   ANY,   WRITABLE,      UDP,        shown(21, "tp_src"),    always(8)),
            row("udp_dst",           Field.TP_DST,       whole(),      2,    DECIMAL,    nxmOf(12),            oxm(16),                   ANY,   WRITABLE,      UDP,        shown(21, "tp_dst"),    always(8)),
            row("sctp_src",          Field.TP_SRC,       whole(),      2,    DECIMAL,    none(),               oxm(17),                   ANY,   WRITABLE,      SCTP,       shown(21, "tp_src"),    always(8)),
            row("sctp_dst",          Field.TP_DST,       whole(),      2,    DECIMAL,    none(),               oxm(18),                   ANY,   WRITABLE,      SCTP,       shown(21, "tp_dst"),    always(8)),
            row("icmp_type",         Field.TP_SRC,       low(8),       1,    DECIMAL,    nxmOf(13),            oxm(19, "ICMPV4_TYPE"),    EXACT, WRITABLE,      ICMPV4,     shown(21),              always(8)),
            row("icmp_code",         Field.TP_DST,       low(8),       1,    DECIMAL,    nxmOf(14),            oxm(20, "ICMPV4_CODE"),    EXACT, WRITABLE,      ICMPV4,     shown(21),              always(8)),
            row("icmpv6_type",       Field.TP_SRC,       low(8),       1,    DECIMAL,    nxmNx(21),            oxm(29),                   EXACT, WRITABLE,      ICMPV6,     shown(21, "icmp_type"), always(8)),
            row("icmpv6_code",       Field.TP_DST,       low(8),       1,    DECIMAL,    nxmNx(22),            oxm(30),                   EXACT, WRITABLE,      ICMPV6,     shown(21, "icmp_code"), always(8)),
            row("nd_target",         Field.ND_TARGET,    whole(),      16,   ADDRESS6,   nxmNx(23),            oxm(31, "IPV6_ND_TARGET"), ANY,   WRITABLE,      ND,         shown(22),              always(8)),
            row("nd_sll",            Field.ARP_SHA,      whole(),      6,    MAC,        nxmNx(24),            oxm(32, "IPV6_ND_SLL"),    ANY,   WRITABLE,      ND_SOLICIT, shown(22),              always(8)),
            row("nd_tll",            Field.ARP_THA,      whole(),      6,    MAC,        nxmNx(25),            oxm(33, "IPV6_ND_TLL"),    ANY,   WRITABLE,      ND_ADVERT,  shown(22),              always(8)));
    }
    // spotless:on

    private static MatchField actionSetOutput() {
        return row(
                "actset_output",
                Field.ACTSET_OUTPUT,
                whole(),
                4,
                PORT,
                none(),
                onf(43),
                EXACT,
                READ_ONLY,
                NONE,
                shown(2),
                always(1));
    }

    /** The same row for each; matched and shown as reg0 to reg31 alone. */
    private static List<MatchField> registers() {
        List<MatchField> rows = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
            rows.add(row(
                    "reg" + i,
                    Field.valueOf("REG" + i),
                    whole(),
                    4,
                    HEX,
                    i < 16 ? nxmNx(i) : none(),
                    i < 16 ? none() : nicira(i + 1),
                    ANY,
                    WRITABLE,
                    NONE,
                    shown(11),
                    always(12)));
        }
        for (int i = 0; i < 16; i++) {
            rows.add(row(
                    "xreg" + i,
                    Field.valueOf("XREG" + i),
                    whole(),
                    8,
                    HEX,
                    none(),
                    new FieldCode(OXM_PKT_REG << 7 | i, "OXM_OF_PKT_REG" + i, false),
                    ANY,
                    WRITABLE,
                    NONE,
                    hidden(),
                    never()));
        }
        for (int i = 0; i < 8; i++) {
            rows.add(row(
                    "xxreg" + i,
                    Field.valueOf("XXREG" + i),
                    whole(),
                    16,
                    HEX,
                    i < 4 ? nxmNx(111 + i) : none(),
                    i < 4 ? none() : nicira(29 + i),
                    ANY,
                    WRITABLE,
                    NONE,
                    hidden(),
                    never()));
        }
        return rows;
    }

    private static MatchField row(
            String names,
            Field field,
            FieldBits bits,
            int wireBytes,
            Style style,
            FieldCode nxm,
            FieldCode oxm,
            boolean maskable,
            Access access,
            Prerequisite prerequisite,
            Shown shown,
            Sent sent) {
        List<String> all = List.of(names.split(" "));
        String first = all.getFirst();
        return new MatchField(
                all,
                field,
                bits.in(field),
                wireBytes,
                style,
                nxm.named(first),
                oxm.named(first),
                maskable,
                access,
                prerequisite,
                shown.named(first),
                sent);
    }

    // ---- which bits of the key's field ----

    private static FieldBits whole() {
        return FieldBits.WHOLE;
    }

    private static FieldBits part(int offset, int width) {
        return FieldBits.part(offset, width);
    }

    /** A match is on the whole field, whose upper bits are always zero. */
    private static FieldBits low(int width) {
        return FieldBits.low(width);
    }

    /** Others say that it has more bits, of which the upper are always zero. */
    private static FieldBits said(int width) {
        return FieldBits.WHOLE.saidToHave(width);
    }

    /** 16 bits stand for a port of 32. */
    private static FieldBits port16() {
        return FieldBits.of(0, 16, 0xffff_ffffL, 0xffff_ffffL);
    }

    /** Others say 32 bits, of which eight have a meaning. */
    private static FieldBits ctState() {
        return FieldBits.of(0, 32, CtState.ALL, CtState.ALL);
    }

    /** All eight bits as a number, of which those of the DSCP are matched. */
    private static FieldBits tos() {
        return FieldBits.of(0, 8, FieldValues.DSCP_MASK, FieldValues.DSCP_MASK);
    }

    /** Twelve bits as a number; with the presence bit in values and masks, which has to be set where it is written. */
    private static FieldBits vlanId() {
        long bits = FieldValues.VLAN_PRESENT | FieldValues.VLAN_VID_MASK;
        return FieldBits.of(0, 12, bits, bits).requiring(FieldValues.VLAN_PRESENT);
    }

    /** Of a tag that is there. */
    private static FieldBits inTag(int offset, int width) {
        return FieldBits.part(offset, width).implying(FieldValues.VLAN_PRESENT);
    }

    // ---- numbers ----

    private static FieldCode nxmOf(int number, String... name) {
        return FieldCode.of(NXM_OF, "NXM_OF_", number, name);
    }

    private static FieldCode nxmNx(int number, String... name) {
        return FieldCode.of(NXM_NX, "NXM_NX_", number, name);
    }

    private static FieldCode oxm(int number, String... name) {
        return FieldCode.of(OXM_OF, "OXM_OF_", number, name);
    }

    /** Under OpenFlow 1.3 one of ONF's experimenter fields, of the same number. */
    private static FieldCode onf(int number, String... name) {
        return oxm(number, name).asExperimenter13();
    }

    private static FieldCode ericsson(int number, String name) {
        return FieldCode.of(ERICOXM_OF, "ERICOXM_OF_", number, name);
    }

    /** One of Nicira's experimenter fields. */
    private static FieldCode nsh(int number, String name) {
        return FieldCode.of(FieldCode.EXPERIMENTER_CLASS, "NXOXM_NSH_", number, name);
    }

    /** The same of the older vendor. */
    private static FieldCode nicira(int number) {
        return FieldCode.of(FieldCode.NICIRA_CLASS, "NXOXM_ET_", number);
    }

    private static FieldCode none() {
        return FieldCode.NONE;
    }

    // ---- places ----

    private static Shown shown(int rank) {
        return new Shown(rank, "", null);
    }

    private static Shown shown(int rank, String name) {
        return new Shown(rank, name, null);
    }

    /** Only in flows that match on the tuple's protocol, too. */
    private static Shown withProto(int rank) {
        return new Shown(rank, "", Field.CT_NW_PROTO);
    }

    /** Other fields show its bits. */
    private static Shown hidden() {
        return new Shown(Shown.NEVER, "", null);
    }

    private static Sent always(int rank) {
        return new Sent(rank, true, true);
    }

    private static Sent nxmOnly(int rank) {
        return new Sent(rank, true, false);
    }

    private static Sent oxmOnly(int rank) {
        return new Sent(rank, false, true);
    }

    /** Other fields carry its bits, or none does. */
    private static Sent never() {
        return new Sent(Sent.NEVER, false, false);
    }
}
