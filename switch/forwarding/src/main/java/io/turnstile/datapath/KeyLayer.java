package io.turnstile.datapath;

/**
 * What a word of the flow key tells of: each word belongs to exactly one layer, and so to one stage of a staged lookup.
 */
public enum KeyLayer {
    /** Exists in the pipeline alone: the datapath never sees it, and it is frozen with a recirculation. */
    PIPELINE(0),
    /** Goes with a packet without being in it. */
    META(0),
    /** Comes from the packet's connection; {@code ct()} sets it. */
    CONNTRACK(0),
    LINK(1),
    NETWORK(2),
    TRANSPORT(3);

    private final int stage;

    KeyLayer(int stage) {
        this.stage = stage;
    }

    /** Whether what it tells of stands in the packet itself. */
    public boolean isInPacket() {
        return switch (this) {
            case LINK, NETWORK, TRANSPORT -> true;
            case META, CONNTRACK, PIPELINE -> false;
        };
    }

    /** Lookups go through the stages in ascending order; what costs the datapath nothing comes first. */
    int stage() {
        return stage;
    }
}
