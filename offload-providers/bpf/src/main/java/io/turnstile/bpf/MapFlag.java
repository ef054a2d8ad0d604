package io.turnstile.bpf;

/** How a map is made ({@code BPF_F_…} for BPF_MAP_CREATE). */
public enum MapFlag {
    /** Memory for an entry is taken when it comes, not for all of them at once. */
    NO_PREALLOC(0),
    /** Each CPU has a list of its own of what was used last: faster, and entries are dropped before the map is full. */
    NO_COMMON_LRU(1),
    /** Programs may only read it. */
    RDONLY_PROG(7),
    /** An array that can be mapped into the process ({@link BpfMap#mapped}). */
    MMAPABLE(10);

    private final int bit;

    MapFlag(int bit) {
        this.bit = bit;
    }

    int mask() {
        return 1 << bit;
    }
}
