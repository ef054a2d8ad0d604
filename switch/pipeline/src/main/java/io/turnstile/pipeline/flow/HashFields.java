package io.turnstile.pipeline.flow;

import java.util.Arrays;
import java.util.Optional;

/** What of a packet {@code multipath} and {@code bundle} choose by (NX_HASH_FIELDS_*), in the order of the numbers. */
public enum HashFields {
    ETH_SRC("eth_src"),
    /** Addresses of both layers, VLAN and ports; the same for both directions, as are the others so called. */
    SYMMETRIC_L4("symmetric_l4"),
    SYMMETRIC_L3L4("symmetric_l3l4"),
    SYMMETRIC_L3L4_UDP("symmetric_l3l4+udp"),
    NW_SRC("nw_src"),
    NW_DST("nw_dst"),
    SYMMETRIC_L3("symmetric_l3");

    private final String label;

    HashFields(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }

    public int number() {
        return ordinal();
    }

    public static Optional<HashFields> of(int number) {
        return Arrays.stream(values()).filter(one -> one.number() == number).findFirst();
    }

    static Optional<HashFields> named(String name) {
        return Arrays.stream(values())
                .filter(one -> one.label.equalsIgnoreCase(name))
                .findFirst();
    }
}
