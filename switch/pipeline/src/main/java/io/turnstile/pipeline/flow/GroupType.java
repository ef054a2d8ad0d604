package io.turnstile.pipeline.flow;

import org.jspecify.annotations.Nullable;

/**
 * What a group does with its buckets (OFPGT_*, OpenFlow 1.3.5 §5.6.1); the constants stand in the order of the wire.
 */
public enum GroupType {
    /** Each bucket gets the packet. */
    ALL("all"),
    /** One bucket does, always the same for packets of one connection. */
    SELECT("select"),
    /** The one bucket that there is. */
    INDIRECT("indirect"),
    /** The first bucket that is alive. */
    FAST_FAILOVER("ff");

    private final String label;

    GroupType(String label) {
        this.label = label;
    }

    /** The name in ovs-ofctl(8). */
    public String label() {
        return label;
    }

    /** The number on the wire. */
    public int number() {
        return ordinal();
    }

    /** The type with that number; null if there is none. */
    public static @Nullable GroupType ofNumber(int number) {
        return number >= 0 && number < values().length ? values()[number] : null;
    }

    /** The type with that name; null if there is none. */
    static @Nullable GroupType named(String label) {
        for (GroupType type : values()) {
            if (type.label.equals(label) || type == FAST_FAILOVER && label.equals("fast_failover")) {
                return type;
            }
        }
        return null;
    }
}
