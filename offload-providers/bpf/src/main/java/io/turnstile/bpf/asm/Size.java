package io.turnstile.bpf.asm;

/** How many bytes a load, a store or an atomic operation touches, or a swap turns round (RFC 9669 §5). */
public enum Size {
    // spotless:off
    //   bytes  in the opcode
    U8  (1,     0x10),
    U16 (2,     0x08),
    U32 (4,     0x00),
    U64 (8,     0x18);
    // spotless:on

    private final int bytes;
    private final int code;

    Size(int bytes, int code) {
        this.bytes = bytes;
        this.code = code;
    }

    public int bytes() {
        return bytes;
    }

    int bits() {
        return bytes * Byte.SIZE;
    }

    int code() {
        return code;
    }

    /** The size that an opcode of class LD, LDX, ST or STX has. */
    static Size ofOpcode(int opcode) {
        return switch (opcode & 0x18) {
            case 0x10 -> U8;
            case 0x08 -> U16;
            case 0x00 -> U32;
            default -> U64;
        };
    }
}
