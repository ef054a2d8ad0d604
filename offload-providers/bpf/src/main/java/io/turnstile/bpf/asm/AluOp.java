package io.turnstile.bpf.asm;

/** An operation of two operands, the first of which is also the result (RFC 9669 §4.1). */
public enum AluOp {
    // spotless:off
    //          code  offset  text
    ADD        (0x00, 0,      "+="),
    SUB        (0x10, 0,      "-="),
    MUL        (0x20, 0,      "*="),
    /** Unsigned; by a register that is 0 it gives 0. */
    DIV        (0x30, 0,      "/="),
    /** Signed, towards zero. CPU version 4 (Linux 6.6). */
    SIGNED_DIV (0x30, 1,      "s/="),
    OR         (0x40, 0,      "|="),
    AND        (0x50, 0,      "&="),
    LSH        (0x60, 0,      "<<="),
    RSH        (0x70, 0,      ">>="),
    /** Unsigned; by a register that is 0 it leaves the first operand as it is. */
    MOD        (0x90, 0,      "%="),
    /** Signed, with the sign of the dividend. CPU version 4 (Linux 6.6). */
    SIGNED_MOD (0x90, 1,      "s%="),
    XOR        (0xa0, 0,      "^="),
    MOV        (0xb0, 0,      "="),
    /** Shifts the sign in. */
    ARSH       (0xc0, 0,      "s>>=");
    // spotless:on

    private final int code;
    private final int offset;
    private final String text;

    AluOp(int code, int offset, String text) {
        this.code = code;
        this.offset = offset;
        this.text = text;
    }

    int code() {
        return code;
    }

    /** What stands in the instruction's offset, by which signed and unsigned division differ. */
    int offset() {
        return offset;
    }

    String text() {
        return text;
    }

    boolean isShift() {
        return this == LSH || this == RSH || this == ARSH;
    }

    boolean isDivision() {
        return this == DIV || this == SIGNED_DIV || this == MOD || this == SIGNED_MOD;
    }
}
