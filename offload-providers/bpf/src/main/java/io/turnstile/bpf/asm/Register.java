package io.turnstile.bpf.asm;

/**
 * A register of the BPF machine, 64 bits wide (RFC 9669 §2.1).
 *
 * <p>A call leaves its result in {@link #R0}, takes its arguments from {@link #R1} to {@link #R5} and leaves nothing
 * readable in them; {@link #R6} to {@link #R9} survive it. A program begins with its context in R1.
 */
public enum Register {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    /** The frame pointer: one past the 512 bytes of the function's stack, and read-only. */
    R10;

    /** Its number in an instruction's four bits. */
    int number() {
        return ordinal();
    }
}
