package io.turnstile.datapath;

/**
 * A field of the flow key: where it stands and how wide it is. Names are those of ovs-fields(7) for the datapath's own
 * idea of the field; prerequisites and wire codes are the OpenFlow layer's business.
 *
 * <p>A field of up to 64 bits lies inside one word at {@code shift}; a 128-bit field takes two whole words, the upper
 * half first.
 */
public enum Field {
    /** OpenFlow (or datapath) port by which the packet came in. */
    IN_PORT("in_port", FlowKey.IN_PORT_RECIRC, 32, 32),
    /** Recirculation id; never visible to OpenFlow. */
    RECIRC_ID("recirc_id", FlowKey.IN_PORT_RECIRC, 0, 32),
    CT_STATE("ct_state", FlowKey.CT_STATE_ZONE_MARK, 48, 16),
    CT_ZONE("ct_zone", FlowKey.CT_STATE_ZONE_MARK, 32, 16),
    CT_MARK("ct_mark", FlowKey.CT_STATE_ZONE_MARK, 0, 32),
    CT_LABEL("ct_label", FlowKey.CT_LABEL, 0, 128),
    ETH_DST("dl_dst", FlowKey.ETH_DST_TYPE, 16, 48),
    ETH_TYPE("dl_type", FlowKey.ETH_DST_TYPE, 0, 16),
    ETH_SRC("dl_src", FlowKey.ETH_SRC_VLAN, 16, 48),
    /** With bit 0x1000 set while a tag is there. */
    VLAN_TCI("vlan_tci", FlowKey.ETH_SRC_VLAN, 0, 16),
    /** IP protocol, or ARP opcode. */
    NW_PROTO("nw_proto", FlowKey.NW_MISC, 56, 8),
    /** The whole TOS / traffic class byte: DSCP and ECN. */
    NW_TOS("nw_tos", FlowKey.NW_MISC, 48, 8),
    NW_TTL("nw_ttl", FlowKey.NW_MISC, 40, 8),
    /** Bit 0: any fragment, bit 1: later fragment. */
    NW_FRAG("ip_frag", FlowKey.NW_MISC, 32, 8),
    /** Low 12 bits. */
    TCP_FLAGS("tcp_flags", FlowKey.NW_MISC, 16, 16),
    /** IPv4 source or ARP SPA. */
    NW_SRC("nw_src", FlowKey.NW_ADDR, 32, 32),
    /** IPv4 destination or ARP TPA. */
    NW_DST("nw_dst", FlowKey.NW_ADDR, 0, 32),
    IPV6_SRC("ipv6_src", FlowKey.IPV6_SRC, 0, 128),
    IPV6_DST("ipv6_dst", FlowKey.IPV6_DST, 0, 128),
    /** TCP/UDP/SCTP source port, or ICMP type. */
    TP_SRC("tp_src", FlowKey.TP_IPV6_LABEL, 48, 16),
    /** TCP/UDP/SCTP destination port, or ICMP code. */
    TP_DST("tp_dst", FlowKey.TP_IPV6_LABEL, 32, 16),
    /** Low 20 bits. */
    IPV6_LABEL("ipv6_label", FlowKey.TP_IPV6_LABEL, 0, 32),
    /** Or nd_sll. */
    ARP_SHA("arp_sha", FlowKey.ARP_SHA, 16, 48),
    /** Or nd_tll. */
    ARP_THA("arp_tha", FlowKey.ARP_THA, 16, 48),
    ND_TARGET("nd_target", FlowKey.ND_TARGET, 0, 128),
    CT_NW_SRC("ct_nw_src", FlowKey.CT_NW_ADDR, 32, 32),
    CT_NW_DST("ct_nw_dst", FlowKey.CT_NW_ADDR, 0, 32),
    CT_TP_SRC("ct_tp_src", FlowKey.CT_TP_PROTO, 48, 16),
    CT_TP_DST("ct_tp_dst", FlowKey.CT_TP_PROTO, 32, 16),
    CT_NW_PROTO("ct_nw_proto", FlowKey.CT_TP_PROTO, 24, 8),
    CT_IPV6_SRC("ct_ipv6_src", FlowKey.CT_IPV6_SRC, 0, 128),
    CT_IPV6_DST("ct_ipv6_dst", FlowKey.CT_IPV6_DST, 0, 128),
    PKT_MARK("pkt_mark", FlowKey.PKT_MARK_PRIORITY, 32, 32),
    SKB_PRIORITY("skb_priority", FlowKey.PKT_MARK_PRIORITY, 0, 32),
    METADATA("metadata", FlowKey.METADATA, 0, 64),
    REG0("reg0", FlowKey.REGISTERS, 32, 32),
    REG1("reg1", FlowKey.REGISTERS, 0, 32),
    REG2("reg2", FlowKey.REGISTERS + 1, 32, 32),
    REG3("reg3", FlowKey.REGISTERS + 1, 0, 32),
    REG4("reg4", FlowKey.REGISTERS + 2, 32, 32),
    REG5("reg5", FlowKey.REGISTERS + 2, 0, 32),
    REG6("reg6", FlowKey.REGISTERS + 3, 32, 32),
    REG7("reg7", FlowKey.REGISTERS + 3, 0, 32),
    REG8("reg8", FlowKey.REGISTERS + 4, 32, 32),
    REG9("reg9", FlowKey.REGISTERS + 4, 0, 32),
    REG10("reg10", FlowKey.REGISTERS + 5, 32, 32),
    REG11("reg11", FlowKey.REGISTERS + 5, 0, 32),
    REG12("reg12", FlowKey.REGISTERS + 6, 32, 32),
    REG13("reg13", FlowKey.REGISTERS + 6, 0, 32),
    REG14("reg14", FlowKey.REGISTERS + 7, 32, 32),
    REG15("reg15", FlowKey.REGISTERS + 7, 0, 32),
    XREG0("xreg0", FlowKey.REGISTERS, 0, 64),
    XREG1("xreg1", FlowKey.REGISTERS + 1, 0, 64),
    XREG2("xreg2", FlowKey.REGISTERS + 2, 0, 64),
    XREG3("xreg3", FlowKey.REGISTERS + 3, 0, 64),
    XREG4("xreg4", FlowKey.REGISTERS + 4, 0, 64),
    XREG5("xreg5", FlowKey.REGISTERS + 5, 0, 64),
    XREG6("xreg6", FlowKey.REGISTERS + 6, 0, 64),
    XREG7("xreg7", FlowKey.REGISTERS + 7, 0, 64),
    XXREG0("xxreg0", FlowKey.REGISTERS, 0, 128),
    XXREG1("xxreg1", FlowKey.REGISTERS + 2, 0, 128),
    XXREG2("xxreg2", FlowKey.REGISTERS + 4, 0, 128),
    XXREG3("xxreg3", FlowKey.REGISTERS + 6, 0, 128);

    private final String label;
    private final int word;
    private final int shift;
    private final int widthBits;

    Field(String label, int word, int shift, int widthBits) {
        this.label = label;
        this.word = word;
        this.shift = shift;
        this.widthBits = widthBits;
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

    /** True for fields of 128 bits, whose upper half is read by {@link #getHigh}. */
    public boolean isWide() {
        return widthBits > 64;
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
