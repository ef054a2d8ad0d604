package io.turnstile.bpf.asm;

/** Flags of helpers, from include/uapi/linux/bpf.h; bpf-helpers(7) says what each does. */
public final class HelperFlags {
    /**
     * {@link Helper#SKB_STORE_BYTES}: a checksum over the whole packet, if a driver left one, is brought up to date.
     */
    public static final int RECOMPUTE_CSUM = 1;
    /** {@link Helper#SKB_STORE_BYTES}: the packet's hash is computed anew when somebody wants it. */
    public static final int INVALIDATE_HASH = 1 << 1;
    /** {@link Helper#L4_CSUM_REPLACE}: what changes is part of the pseudo header, so partial checksums change, too. */
    public static final int PSEUDO_HDR = 1 << 4;
    /** {@link Helper#L4_CSUM_REPLACE}: a checksum of 0 says that there is none, and stays (UDP over IPv4). */
    public static final int MARK_MANGLED_0 = 1 << 5;
    /** {@link Helper#REDIRECT}: the packet is received by the other device, not sent by it. */
    public static final int INGRESS = 1;

    private HelperFlags() {}
}
