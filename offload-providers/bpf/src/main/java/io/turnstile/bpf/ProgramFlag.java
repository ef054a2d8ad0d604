package io.turnstile.bpf;

/** How a program is loaded ({@code BPF_F_…} for BPF_PROG_LOAD). */
public enum ProgramFlag {
    /**
     * An XDP program that may be given frames of several buffers, of which it sees the first one alone; a device whose
     * frames may be so long takes no other.
     */
    XDP_HAS_FRAGS(5);

    private final int bit;

    ProgramFlag(int bit) {
        this.bit = bit;
    }

    int mask() {
        return 1 << bit;
    }
}
