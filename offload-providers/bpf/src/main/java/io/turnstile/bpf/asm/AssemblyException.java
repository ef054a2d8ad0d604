package io.turnstile.bpf.asm;

/**
 * A program that cannot be assembled: what is wrong with it, and near which label. A mistake of the program's author,
 * so unchecked.
 */
public final class AssemblyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    AssemblyException(String message) {
        super(message);
    }
}
