package io.turnstile.control;

/**
 * A text in pieces, each made when it is asked for: the server asks while the asker takes what is sent, and answers
 * other connections between two pieces. Work that is too long for one turn but has little to say makes empty pieces.
 *
 * <p>Threads: the server's, one call after the other; {@link #close} comes last, and once.
 */
@FunctionalInterface
public interface TextSource {
    /** A piece of about this many characters is enough. */
    int ENOUGH = 1 << 16;

    /**
     * Appends the next piece: {@link #ENOUGH} characters or a millisecond or two of work, whichever comes first.
     *
     * @return false if that was the last one
     * @throws RefusedException the command is refused after all; only before anything was appended
     */
    boolean next(StringBuilder out) throws RefusedException;

    /** The text is over, or nobody takes it any more. */
    default void close() {}
}
