package io.turnstile.bpf.asm;

/** The parts of which an opcode is made (RFC 9669 §3.1, §3.3, §5). */
final class Opcodes {
    static final int CLASS_MASK = 0x07;
    static final int LD = 0x00;
    static final int LDX = 0x01;
    static final int ST = 0x02;
    static final int STX = 0x03;
    static final int ALU = 0x04;
    static final int JMP = 0x05;
    static final int JMP32 = 0x06;
    static final int ALU64 = 0x07;

    /** Second operand is the source register, not the immediate. */
    static final int FROM_REGISTER = 0x08;

    static final int OPERATION_MASK = 0xf0;
    static final int NEGATE = 0x80;
    static final int END = 0xd0;
    static final int GO_TO = 0x00;
    static final int CALL = 0x80;
    static final int EXIT = 0x90;

    static final int MODE_MASK = 0xe0;
    static final int MEM = 0x60;
    static final int MEM_SIGNED = 0x80;
    static final int ATOMIC = 0xc0;

    /** The only instruction of two slots: a 64-bit immediate (RFC 9669 §5.4). */
    static final int WIDE = LD | 0x18;

    // What the source register's bits of WIDE say about its immediate (RFC 9669 §5.4).
    static final int MAP_FD = 1;
    static final int MAP_VALUE = 2;

    /** In the source register's bits of a call: of a function of this program (RFC 9669 §4.3.2). */
    static final int LOCAL_CALL = 1;

    private Opcodes() {}
}
