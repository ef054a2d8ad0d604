package io.turnstile.bpf;

/** A kind of map ({@code enum bpf_map_type}), as far as forwarding needs them. */
public enum MapType {
    // spotless:off
    //                number  a value for each CPU
    HASH             (1,      false),
    /** Values by index, all there from the start and all 0; keys are 4 bytes in the machine's order. */
    ARRAY            (2,      false),
    PERCPU_HASH      (5,      true),
    PERCPU_ARRAY     (6,      true),
    /** A hash that makes room by dropping what was not used for long. */
    LRU_HASH         (9,      false),
    LRU_PERCPU_HASH  (10,     true),
    /** Devices by index, to redirect XDP frames to; a value is an interface index, which has to exist. */
    DEVMAP           (14,     false),
    /** The same by any number of 4 bytes. */
    DEVMAP_HASH      (25,     false);
    // spotless:on

    private final int number;
    private final boolean perCpu;

    MapType(int number, boolean perCpu) {
        this.number = number;
        this.perCpu = perCpu;
    }

    int number() {
        return number;
    }

    /** Whether there is a value for each CPU under one key. */
    public boolean isPerCpu() {
        return perCpu;
    }
}
