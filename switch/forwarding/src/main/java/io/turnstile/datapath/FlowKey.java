package io.turnstile.datapath;

import java.util.Arrays;

/**
 * The fixed layout of what a packet can be matched on: an array of {@link #WORDS} longs. A mask is an array of the same
 * layout. The first {@link #DATAPATH_WORDS} words come from the packet, its port and {@code ct()}; the rest exists in
 * the pipeline only (metadata, registers) and is frozen with a recirculation, so that the datapath never hashes it.
 *
 * <p>Which bits mean what is said once, in {@link Field}; the words here are only numbered. Initialisation fails if the
 * fields and words do not fit together ({@link KeyLayout}).
 */
public final class FlowKey {
    static final int IN_PORT_RECIRC = 0;
    static final int CT_STATE_ZONE_MARK = 1;
    static final int CT_LABEL = 2; // and 3
    static final int ETH_DST_TYPE = 4;
    static final int ETH_SRC_VLAN = 5;
    static final int NW_MISC = 6;
    static final int NW_ADDR = 7;
    static final int IPV6_SRC = 8; // and 9
    static final int IPV6_DST = 10; // and 11
    static final int TP_IPV6_LABEL = 12;
    static final int ARP_SHA = 13;
    static final int ARP_THA = 14;
    static final int ND_TARGET = 15; // and 16
    static final int CT_NW_ADDR = 17;
    static final int CT_TP_PROTO = 18;
    static final int CT_IPV6_SRC = 19; // and 20
    static final int CT_IPV6_DST = 21; // and 22
    static final int PKT_MARK_PRIORITY = 23;
    static final int DP_HASH = 24;
    static final int VLAN_TAGS = 25;
    static final int MPLS_LABELS = 26;
    static final int MPLS_LABEL_TYPE = 27;
    static final int NSH = 28;
    static final int NSH_CONTEXT = 29; // and 30
    static final int ND_EXTENSIONS = 31;
    // The pipeline's own, behind all others.
    static final int METADATA = ND_EXTENSIONS + 1;
    static final int REGISTERS = METADATA + 1; // sixteen words, two registers a word, the even one in the high half
    static final int CONJUNCTION = REGISTERS + 16;
    static final int TUN_ID = CONJUNCTION + 1;
    static final int TUN_ADDR = TUN_ID + 1;
    static final int TUN_IPV6_SRC = TUN_ADDR + 1; // and the next
    static final int TUN_IPV6_DST = TUN_IPV6_SRC + 2; // and the next
    static final int TUN_MISC = TUN_IPV6_DST + 2;

    private static final KeyLayout LAYOUT =
            KeyLayout.of(Arrays.stream(Field.values()).map(Field::slot).toList());
    /** How many words a packet's own key has. */
    public static final int DATAPATH_WORDS = LAYOUT.datapathWords();
    /** How many words the pipeline's key has. */
    public static final int WORDS = LAYOUT.words();

    /** The hash of no word. */
    public static final long HASH_SEED = 0x9e37_79b9_7f4a_7c15L;

    private static final long HASH_FACTOR = 0xff51_afd7_ed55_8ccdL;

    private FlowKey() {}

    /**
     * The hash with one more word. Both halves of the product count: the lower one alone would carry a difference
     * upwards only, and tables, which go by the lowest bits, had all flows that differ in the source port in one
     * bucket.
     */
    public static long hash(long hash, long word) {
        long mixed = hash ^ word;
        return Math.unsignedMultiplyHigh(mixed, HASH_FACTOR) ^ mixed * HASH_FACTOR;
    }

    public static long[] newKey() {
        return new long[WORDS];
    }

    /** Every word of the key exactly once, in the order in which a staged lookup looks at them. */
    public static int[][] stages() {
        return Arrays.stream(LAYOUT.stages()).map(int[]::clone).toArray(int[][]::new);
    }
}
