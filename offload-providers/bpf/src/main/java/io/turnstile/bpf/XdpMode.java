package io.turnstile.bpf;

/** Where XDP programs run on a device ({@code XDP_FLAGS_…} in linux/if_link.h). */
public enum XdpMode {
    /** In the driver if it can, else generic. */
    ANY(0),
    /** In the stack, on what is a packet already; works on each device, and undoes joined segments. */
    GENERIC(1 << 1),
    /** In the driver, or not at all. */
    DRIVER(1 << 2);

    private final int flags;

    XdpMode(int flags) {
        this.flags = flags;
    }

    int flags() {
        return flags;
    }
}
