package io.turnstile.bpf.asm;

/** Fields of the context of XDP programs ({@code struct xdp_md} in include/uapi/linux/bpf.h), each 4 bytes. */
public enum XdpMd {
    DATA,
    DATA_END,
    DATA_META,
    INGRESS_IFINDEX,
    RX_QUEUE_INDEX,
    EGRESS_IFINDEX;

    /** Bytes from the start of the context. */
    public int offset() {
        return ordinal() * Integer.BYTES;
    }
}
