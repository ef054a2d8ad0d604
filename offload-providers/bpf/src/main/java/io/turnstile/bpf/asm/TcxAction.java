package io.turnstile.bpf.asm;

/** What a tcx program says shall become of the packet ({@code enum tcx_action_base} and TC_ACT_REDIRECT). */
public enum TcxAction {
    // spotless:off
    /** Goes on to the next program, and from the last into the stack. */
    NEXT    (-1),
    PASS    (0),
    DROP    (2),
    REDIRECT(7);
    // spotless:on

    private final int code;

    TcxAction(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }
}
