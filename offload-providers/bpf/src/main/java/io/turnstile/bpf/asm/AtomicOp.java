package io.turnstile.bpf.asm;

/** An operation on memory that nobody sees half done (RFC 9669 §5.3). On 4 or 8 bytes. */
public enum AtomicOp {
    // spotless:off
    //                immediate
    ADD              (0x00),
    OR               (0x40),
    AND              (0x50),
    XOR              (0xa0),
    /** The source register gets what stood there before; so for the other {@code FETCH_}. */
    FETCH_ADD        (0x01),
    FETCH_OR         (0x41),
    FETCH_AND        (0x51),
    FETCH_XOR        (0xa1),
    /** Memory and source register change places. */
    EXCHANGE         (0xe1),
    /** Memory that is equal to R0 becomes the source register; R0 gets what stood there before. */
    COMPARE_EXCHANGE (0xf1);
    // spotless:on

    private final int immediate;

    AtomicOp(int immediate) {
        this.immediate = immediate;
    }

    /** What stands in the instruction's immediate: the operation itself. */
    int immediate() {
        return immediate;
    }

    static AtomicOp ofImmediate(long immediate) {
        for (AtomicOp op : values()) {
            if (op.immediate == immediate) {
                return op;
            }
        }
        throw new IllegalArgumentException("no atomic operation has the number " + immediate);
    }
}
