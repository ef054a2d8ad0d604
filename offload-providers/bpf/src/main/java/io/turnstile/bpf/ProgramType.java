package io.turnstile.bpf;

/** What a program is for ({@code enum bpf_prog_type}), which decides its context and its helpers. */
public enum ProgramType {
    // spotless:off
    /** Says how much of a packet a socket gets; context {@code SkBuff}. */
    SOCKET_FILTER(1),
    /** For tcx; context {@code SkBuff}, result {@code TcxAction}. */
    TC           (3),
    /** Runs before a packet is one; context {@code XdpMd}, result {@code XdpAction}. */
    XDP          (6);
    // spotless:on

    private final int number;

    ProgramType(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}
