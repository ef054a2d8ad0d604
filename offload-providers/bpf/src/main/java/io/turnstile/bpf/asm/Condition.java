package io.turnstile.bpf.asm;

/** What a conditional jump asks of its two operands (RFC 9669 §4.3). */
public enum Condition {
    // spotless:off
    //        code  text
    EQ       (0x10, "=="),
    /** Greater, unsigned. */
    GT       (0x20, ">"),
    /** Greater or equal, unsigned. */
    GE       (0x30, ">="),
    /** Some bit is set in both. */
    SET      (0x40, "&"),
    NE       (0x50, "!="),
    SIGNED_GT(0x60, "s>"),
    SIGNED_GE(0x70, "s>="),
    /** Less, unsigned. */
    LT       (0xa0, "<"),
    /** Less or equal, unsigned. */
    LE       (0xb0, "<="),
    SIGNED_LT(0xc0, "s<"),
    SIGNED_LE(0xd0, "s<=");
    // spotless:on

    private final int code;
    private final String text;

    Condition(int code, String text) {
        this.code = code;
        this.text = text;
    }

    int code() {
        return code;
    }

    String text() {
        return text;
    }
}
