package io.turnstile.datapath;

import static io.turnstile.datapath.KeyLayer.CONNTRACK;
import static io.turnstile.datapath.KeyLayer.LINK;
import static io.turnstile.datapath.KeyLayer.META;
import static io.turnstile.datapath.KeyLayer.NETWORK;
import static io.turnstile.datapath.KeyLayer.PIPELINE;
import static io.turnstile.datapath.KeyLayer.TRANSPORT;

import io.turnstile.datapath.KeyLayout.Slot;
import org.jspecify.annotations.Nullable;

/**
 * A field of the flow key: where it stands, how wide it is and what it tells of. Names are those of ovs-fields(7) for
 * the datapath's own idea of the field. What OpenFlow calls by several names may be one field here (tcp_src and
 * icmp_type); those names, prerequisites and wire codes are the pipeline's business.
 *
 * <p>A field of up to 64 bits lies inside one word at {@code shift}; a 128-bit field takes two whole words, the upper
 * half first.
 */
public enum Field {
    // spotless:off
    // A connection's original tuple names the packet's field that it is of; true: shows bits of the fields before.
    //            name            word                        shift  width  layer
    /** OpenFlow (or datapath) port by which the packet came in. */
    IN_PORT      ("in_port",      FlowKey.IN_PORT_RECIRC,         32,    32, META),
    /** Recirculation id; never visible to OpenFlow. */
    RECIRC_ID    ("recirc_id",    FlowKey.IN_PORT_RECIRC,          0,    32, META),
    CT_STATE     ("ct_state",     FlowKey.CT_STATE_ZONE_MARK,     48,    16, CONNTRACK),
    CT_ZONE      ("ct_zone",      FlowKey.CT_STATE_ZONE_MARK,     32,    16, CONNTRACK),
    CT_MARK      ("ct_mark",      FlowKey.CT_STATE_ZONE_MARK,      0,    32, CONNTRACK),
    CT_LABEL     ("ct_label",     FlowKey.CT_LABEL,                0,   128, CONNTRACK),
    ETH_DST      ("dl_dst",       FlowKey.ETH_DST_TYPE,           16,    48, LINK),
    ETH_TYPE     ("dl_type",      FlowKey.ETH_DST_TYPE,            0,    16, LINK),
    ETH_SRC      ("dl_src",       FlowKey.ETH_SRC_VLAN,           16,    48, LINK),
    /** With {@link FieldValues#VLAN_PRESENT} set while a tag is there. */
    VLAN_TCI     ("vlan_tci",     FlowKey.ETH_SRC_VLAN,            0,    16, LINK),
    /** Ethernet type of the outer tag, 0 if there is none. */
    VLAN_TPID    ("vlan_tpid",    FlowKey.VLAN_TAGS,              48,    16, LINK),
    /** Ethernet type of the tag behind the outer one, 0 if there is none. OpenFlow has no names for that tag. */
    VLAN_TPID1   ("vlan_tpid1",   FlowKey.VLAN_TAGS,              16,    16, LINK),
    /** TCI of the tag behind the outer one, as {@link #VLAN_TCI}. */
    VLAN_TCI1    ("vlan_tci1",    FlowKey.VLAN_TAGS,               0,    16, LINK),
    /** IP protocol, or ARP opcode. */
    NW_PROTO     ("nw_proto",     FlowKey.NW_MISC,                56,     8, NETWORK),
    /** The whole TOS / traffic class byte: DSCP and ECN. */
    NW_TOS       ("nw_tos",       FlowKey.NW_MISC,                48,     8, NETWORK),
    NW_TTL       ("nw_ttl",       FlowKey.NW_MISC,                40,     8, NETWORK),
    /** {@link FieldValues#FRAGMENT_ANY}, {@link FieldValues#FRAGMENT_LATER}. */
    NW_FRAG      ("ip_frag",      FlowKey.NW_MISC,                32,     8, NETWORK),
    /** Low 12 bits. */
    TCP_FLAGS    ("tcp_flags",    FlowKey.NW_MISC,                16,    16, NETWORK),
    /** IPv4 source or ARP SPA. */
    NW_SRC       ("nw_src",       FlowKey.NW_ADDR,                32,    32, NETWORK),
    /** IPv4 destination or ARP TPA. */
    NW_DST       ("nw_dst",       FlowKey.NW_ADDR,                 0,    32, NETWORK),
    IPV6_SRC     ("ipv6_src",     FlowKey.IPV6_SRC,                0,   128, NETWORK),
    IPV6_DST     ("ipv6_dst",     FlowKey.IPV6_DST,                0,   128, NETWORK),
    /** TCP/UDP/SCTP source port, or ICMP type. */
    TP_SRC       ("tp_src",       FlowKey.TP_IPV6_LABEL,          48,    16, TRANSPORT),
    /** TCP/UDP/SCTP destination port, or ICMP code. */
    TP_DST       ("tp_dst",       FlowKey.TP_IPV6_LABEL,          32,    16, TRANSPORT),
    /** Low 20 bits. */
    IPV6_LABEL   ("ipv6_label",   FlowKey.TP_IPV6_LABEL,           0,    32, TRANSPORT),
    /** Or nd_sll. */
    ARP_SHA      ("arp_sha",      FlowKey.ARP_SHA,                16,    48, NETWORK),
    /** Or nd_tll. */
    ARP_THA      ("arp_tha",      FlowKey.ARP_THA,                16,    48, NETWORK),
    ND_TARGET    ("nd_target",    FlowKey.ND_TARGET,               0,   128, NETWORK),
    CT_NW_SRC    ("ct_nw_src",    FlowKey.CT_NW_ADDR,             32,    32, CONNTRACK, NW_SRC),
    CT_NW_DST    ("ct_nw_dst",    FlowKey.CT_NW_ADDR,              0,    32, CONNTRACK, NW_DST),
    CT_TP_SRC    ("ct_tp_src",    FlowKey.CT_TP_PROTO,            48,    16, CONNTRACK, TP_SRC),
    CT_TP_DST    ("ct_tp_dst",    FlowKey.CT_TP_PROTO,            32,    16, CONNTRACK, TP_DST),
    CT_NW_PROTO  ("ct_nw_proto",  FlowKey.CT_TP_PROTO,            24,     8, CONNTRACK, NW_PROTO),
    CT_IPV6_SRC  ("ct_ipv6_src",  FlowKey.CT_IPV6_SRC,             0,   128, CONNTRACK, IPV6_SRC),
    CT_IPV6_DST  ("ct_ipv6_dst",  FlowKey.CT_IPV6_DST,             0,   128, CONNTRACK, IPV6_DST),
    PKT_MARK     ("pkt_mark",     FlowKey.PKT_MARK_PRIORITY,      32,    32, META),
    SKB_PRIORITY ("skb_priority", FlowKey.PKT_MARK_PRIORITY,       0,    32, META),
    /** What {@link DatapathAction.Hash} has computed; 0 before that. */
    DP_HASH      ("dp_hash",      FlowKey.DP_HASH,                 0,    32, META),
    /** The outermost entry of an MPLS label stack (RFC 3032 §2.1), 0 if there is none. */
    MPLS_LSE     ("mpls_lse",     FlowKey.MPLS_LABELS,            32,    32, LINK),
    /** The entry behind it, 0 if there is none. */
    MPLS_LSE1    ("mpls_lse1",    FlowKey.MPLS_LABELS,             0,    32, LINK),
    MPLS_LSE2    ("mpls_lse2",    FlowKey.MPLS_LABEL_TYPE,        32,    32, LINK),
    /** What the packet begins with: 0 for Ethernet, else the namespace 1 and an Ethernet type, in 16 bits each. */
    PACKET_TYPE  ("packet_type",  FlowKey.MPLS_LABEL_TYPE,         0,    32, LINK),
    NSH_FLAGS    ("nsh_flags",    FlowKey.NSH,                    56,     8, NETWORK),
    NSH_TTL      ("nsh_ttl",      FlowKey.NSH,                    48,     8, NETWORK),
    NSH_MDTYPE   ("nsh_mdtype",   FlowKey.NSH,                    40,     8, NETWORK),
    NSH_NP       ("nsh_np",       FlowKey.NSH,                    32,     8, NETWORK),
    NSH_SPI      ("nsh_spi",      FlowKey.NSH,                     8,    24, NETWORK),
    NSH_SI       ("nsh_si",       FlowKey.NSH,                     0,     8, NETWORK),
    NSH_C1       ("nsh_c1",       FlowKey.NSH_CONTEXT,            32,    32, NETWORK),
    NSH_C2       ("nsh_c2",       FlowKey.NSH_CONTEXT,             0,    32, NETWORK),
    NSH_C3       ("nsh_c3",       FlowKey.NSH_CONTEXT + 1,        32,    32, NETWORK),
    NSH_C4       ("nsh_c4",       FlowKey.NSH_CONTEXT + 1,         0,    32, NETWORK),
    /** The four octets behind the checksum of neighbour discovery: flags and reserved bits (RFC 4861 §4.3, §4.4). */
    ND_RESERVED  ("nd_reserved",  FlowKey.ND_EXTENSIONS,          32,    32, NETWORK),
    /** The type of its first link-layer address option, 0 if there is none. */
    ND_OPTIONS_TYPE("nd_options_type", FlowKey.ND_EXTENSIONS,      0,     8, NETWORK),
    METADATA     ("metadata",     FlowKey.METADATA,                0,    64, PIPELINE),
    /** The conjunction whose clauses the packet has met, while a table is looked up for it; else 0. */
    CONJ_ID      ("conj_id",      FlowKey.CONJUNCTION,             0,    32, PIPELINE),
    TUN_ID       ("tun_id",       FlowKey.TUN_ID,                  0,    64, PIPELINE),
    TUN_SRC      ("tun_src",      FlowKey.TUN_ADDR,               32,    32, PIPELINE),
    TUN_DST      ("tun_dst",      FlowKey.TUN_ADDR,                0,    32, PIPELINE),
    TUN_IPV6_SRC ("tun_ipv6_src", FlowKey.TUN_IPV6_SRC,            0,   128, PIPELINE),
    TUN_IPV6_DST ("tun_ipv6_dst", FlowKey.TUN_IPV6_DST,            0,   128, PIPELINE),
    TUN_GBP_ID   ("tun_gbp_id",   FlowKey.TUN_MISC,               48,    16, PIPELINE),
    TUN_GBP_FLAGS("tun_gbp_flags",FlowKey.TUN_MISC,               40,     8, PIPELINE),
    /** The port that the action set outputs to; OpenFlow's UNSET where it outputs to none, or to a group. */
    ACTSET_OUTPUT("actset_output",FlowKey.TUN_MISC,                0,    32, PIPELINE),
    REG0         ("reg0",         FlowKey.REGISTERS,              32,    32, PIPELINE),
    REG1         ("reg1",         FlowKey.REGISTERS,               0,    32, PIPELINE),
    REG2         ("reg2",         FlowKey.REGISTERS + 1,          32,    32, PIPELINE),
    REG3         ("reg3",         FlowKey.REGISTERS + 1,           0,    32, PIPELINE),
    REG4         ("reg4",         FlowKey.REGISTERS + 2,          32,    32, PIPELINE),
    REG5         ("reg5",         FlowKey.REGISTERS + 2,           0,    32, PIPELINE),
    REG6         ("reg6",         FlowKey.REGISTERS + 3,          32,    32, PIPELINE),
    REG7         ("reg7",         FlowKey.REGISTERS + 3,           0,    32, PIPELINE),
    REG8         ("reg8",         FlowKey.REGISTERS + 4,          32,    32, PIPELINE),
    REG9         ("reg9",         FlowKey.REGISTERS + 4,           0,    32, PIPELINE),
    REG10        ("reg10",        FlowKey.REGISTERS + 5,          32,    32, PIPELINE),
    REG11        ("reg11",        FlowKey.REGISTERS + 5,           0,    32, PIPELINE),
    REG12        ("reg12",        FlowKey.REGISTERS + 6,          32,    32, PIPELINE),
    REG13        ("reg13",        FlowKey.REGISTERS + 6,           0,    32, PIPELINE),
    REG14        ("reg14",        FlowKey.REGISTERS + 7,          32,    32, PIPELINE),
    REG15        ("reg15",        FlowKey.REGISTERS + 7,           0,    32, PIPELINE),
    REG16        ("reg16",        FlowKey.REGISTERS + 8,         32,    32, PIPELINE),
    REG17        ("reg17",        FlowKey.REGISTERS + 8,          0,    32, PIPELINE),
    REG18        ("reg18",        FlowKey.REGISTERS + 9,         32,    32, PIPELINE),
    REG19        ("reg19",        FlowKey.REGISTERS + 9,          0,    32, PIPELINE),
    REG20        ("reg20",        FlowKey.REGISTERS + 10,        32,    32, PIPELINE),
    REG21        ("reg21",        FlowKey.REGISTERS + 10,         0,    32, PIPELINE),
    REG22        ("reg22",        FlowKey.REGISTERS + 11,        32,    32, PIPELINE),
    REG23        ("reg23",        FlowKey.REGISTERS + 11,         0,    32, PIPELINE),
    REG24        ("reg24",        FlowKey.REGISTERS + 12,        32,    32, PIPELINE),
    REG25        ("reg25",        FlowKey.REGISTERS + 12,         0,    32, PIPELINE),
    REG26        ("reg26",        FlowKey.REGISTERS + 13,        32,    32, PIPELINE),
    REG27        ("reg27",        FlowKey.REGISTERS + 13,         0,    32, PIPELINE),
    REG28        ("reg28",        FlowKey.REGISTERS + 14,        32,    32, PIPELINE),
    REG29        ("reg29",        FlowKey.REGISTERS + 14,         0,    32, PIPELINE),
    REG30        ("reg30",        FlowKey.REGISTERS + 15,        32,    32, PIPELINE),
    REG31        ("reg31",        FlowKey.REGISTERS + 15,         0,    32, PIPELINE),
    XREG0        ("xreg0",        FlowKey.REGISTERS,               0,    64, PIPELINE, true),
    XREG1        ("xreg1",        FlowKey.REGISTERS + 1,           0,    64, PIPELINE, true),
    XREG2        ("xreg2",        FlowKey.REGISTERS + 2,           0,    64, PIPELINE, true),
    XREG3        ("xreg3",        FlowKey.REGISTERS + 3,           0,    64, PIPELINE, true),
    XREG4        ("xreg4",        FlowKey.REGISTERS + 4,           0,    64, PIPELINE, true),
    XREG5        ("xreg5",        FlowKey.REGISTERS + 5,           0,    64, PIPELINE, true),
    XREG6        ("xreg6",        FlowKey.REGISTERS + 6,           0,    64, PIPELINE, true),
    XREG7        ("xreg7",        FlowKey.REGISTERS + 7,           0,    64, PIPELINE, true),
    XREG8        ("xreg8",        FlowKey.REGISTERS + 8,          0,    64, PIPELINE, true),
    XREG9        ("xreg9",        FlowKey.REGISTERS + 9,          0,    64, PIPELINE, true),
    XREG10       ("xreg10",       FlowKey.REGISTERS + 10,         0,    64, PIPELINE, true),
    XREG11       ("xreg11",       FlowKey.REGISTERS + 11,         0,    64, PIPELINE, true),
    XREG12       ("xreg12",       FlowKey.REGISTERS + 12,         0,    64, PIPELINE, true),
    XREG13       ("xreg13",       FlowKey.REGISTERS + 13,         0,    64, PIPELINE, true),
    XREG14       ("xreg14",       FlowKey.REGISTERS + 14,         0,    64, PIPELINE, true),
    XREG15       ("xreg15",       FlowKey.REGISTERS + 15,         0,    64, PIPELINE, true),
    XXREG0       ("xxreg0",       FlowKey.REGISTERS,               0,   128, PIPELINE, true),
    XXREG1       ("xxreg1",       FlowKey.REGISTERS + 2,           0,   128, PIPELINE, true),
    XXREG2       ("xxreg2",       FlowKey.REGISTERS + 4,           0,   128, PIPELINE, true),
    XXREG3       ("xxreg3",       FlowKey.REGISTERS + 6,           0,   128, PIPELINE, true),
    XXREG4       ("xxreg4",       FlowKey.REGISTERS + 8,          0,   128, PIPELINE, true),
    XXREG5       ("xxreg5",       FlowKey.REGISTERS + 10,         0,   128, PIPELINE, true),
    XXREG6       ("xxreg6",       FlowKey.REGISTERS + 12,         0,   128, PIPELINE, true),
    XXREG7       ("xxreg7",       FlowKey.REGISTERS + 14,         0,   128, PIPELINE, true);
    // spotless:on

    private final String label;
    private final int word;
    private final int shift;
    private final int widthBits;
    private final KeyLayer layer;
    private final boolean view;
    private final @Nullable Field packetField;

    Field(String label, int word, int shift, int widthBits, KeyLayer layer) {
        this(label, word, shift, widthBits, layer, false, null);
    }

    Field(String label, int word, int shift, int widthBits, KeyLayer layer, boolean view) {
        this(label, word, shift, widthBits, layer, view, null);
    }

    Field(String label, int word, int shift, int widthBits, KeyLayer layer, Field packetField) {
        this(label, word, shift, widthBits, layer, false, packetField);
    }

    Field(String label, int word, int shift, int widthBits, KeyLayer layer, boolean view, @Nullable Field packetField) {
        this.label = label;
        this.word = word;
        this.shift = shift;
        this.widthBits = widthBits;
        this.layer = layer;
        this.view = view;
        this.packetField = packetField;
    }

    Slot slot() {
        return new Slot(label, word, shift, widthBits, layer, view);
    }

    /** The ovs-fields(7) name. */
    public String label() {
        return label;
    }

    public int word() {
        return word;
    }

    public int shift() {
        return shift;
    }

    public int widthBits() {
        return widthBits;
    }

    /** What the field tells of. */
    public KeyLayer layer() {
        return layer;
    }

    /** True if the field shows bits of others together, as xreg0 does. */
    public boolean isView() {
        return view;
    }

    /** The packet's own field of which this is the connection's original; null if this is no part of a tuple. */
    public @Nullable Field packetField() {
        return packetField;
    }

    /** True if the datapath has the field, false if the pipeline alone has. */
    public boolean isOfDatapath() {
        return layer != PIPELINE;
    }

    /** True for fields of 128 bits, whose upper half is read by {@link #getHigh}. */
    public boolean isWide() {
        return widthBits > 64;
    }

    /** True if some of the field's bits stand in that word of the key. */
    public boolean isIn(int index) {
        return index == word || isWide() && index == word + 1;
    }

    /** All ones, as wide as (the lower half of) the field. */
    public long lowMask() {
        return widthBits >= 64 ? -1L : (1L << widthBits) - 1;
    }

    /** All ones for the upper half of a wide field, 0 for others. */
    public long highMask() {
        return isWide() ? -1L : 0;
    }

    /** The field's value; the lower 64 bits of a wide one. */
    public long get(long[] key) {
        return isWide() ? key[word + 1] : (key[word] >>> shift) & lowMask();
    }

    /** The word of the key that has the field, or the lower half of a wide one. */
    public int lowWord() {
        return isWide() ? word + 1 : word;
    }

    /** The field's value, or the lower half of a wide one, in what {@link #lowWord} of a key holds. */
    public long in(long lowWord) {
        return isWide() ? lowWord : (lowWord >>> shift) & lowMask();
    }

    /** The upper 64 bits of a wide field, else 0. */
    public long getHigh(long[] key) {
        return isWide() ? key[word] : 0;
    }

    /** Sets a field of at most 64 bits; excess bits of {@code value} are ignored. */
    public void set(long[] key, long value) {
        set(key, 0, value);
    }

    /** Sets the field; {@code high} counts for wide fields only. */
    public void set(long[] key, long high, long low) {
        if (isWide()) {
            key[word] = high;
            key[word + 1] = low;
        } else {
            long mask = lowMask() << shift;
            key[word] = (key[word] & ~mask) | ((low << shift) & mask);
        }
    }

    /** Makes the whole field exact in a mask. */
    public void setExact(long[] mask) {
        set(mask, -1L, -1L);
    }
}
