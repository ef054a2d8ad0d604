package io.turnstile.offload.spi;

/**
 * A field of a packet, beside the tuple of its connection, that a {@link Path}'s guard looks at or its rewrites write.
 * Named as ovs-fields(7) names it.
 */
public enum HeaderField {
    /** Ethernet destination. */
    ETH_DST("eth_dst", 48),
    /** Ethernet source. */
    ETH_SRC("eth_src", 48),
    /**
     * The outermost VLAN tag: its TCI with bit 0x1000 set; 0 for a frame without a tag. To write 0 is to pop the tag,
     * to write a TCI on a frame without a tag is to push one. All tags meant here have the TPID 0x8100: a frame with
     * another one in front, or with a second tag behind the first, passes no guard. Bit 0x1000 says that there is a
     * tag, so that a frame's own (DEI) is in no guard, and is 0 in a tag that was written.
     */
    VLAN_TCI("vlan_tci", 16),
    /** IPv4 TOS or IPv6 traffic class: DSCP in the upper six bits, ECN in the lower two. */
    NW_TOS("nw_tos", 8),
    /** IPv4 TTL or IPv6 hop limit. */
    NW_TTL("nw_ttl", 8),
    /** IPv6 flow label. */
    IPV6_LABEL("ipv6_label", 20),
    /** The packet's mark, which goes with it and is in no header; 0 as it comes in. */
    PKT_MARK("pkt_mark", 32),
    /** The packet's queueing priority, which goes with it and is in no header; 0 as it comes in. */
    SKB_PRIORITY("skb_priority", 32);

    private final String text;
    private final int widthBits;

    HeaderField(String text, int widthBits) {
        this.text = text;
        this.widthBits = widthBits;
    }

    /** How many bits it has; they stand in the low end of a long. */
    public int widthBits() {
        return widthBits;
    }

    /** A mask with all of its bits. */
    public long fullMask() {
        return (1L << widthBits) - 1;
    }

    @Override
    public String toString() {
        return text;
    }
}
