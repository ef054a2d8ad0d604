package io.turnstile.bpf.asm;

/** What an XDP program says shall become of the frame ({@code enum xdp_action}). */
public enum XdpAction {
    ABORTED,
    DROP,
    PASS,
    TX,
    REDIRECT;

    public int code() {
        return ordinal();
    }
}
