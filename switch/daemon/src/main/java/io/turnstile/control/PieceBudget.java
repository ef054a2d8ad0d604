package io.turnstile.control;

/**
 * How much one piece of a text may have: so many characters, and so much time, whatever they cost. Made anew for each
 * piece.
 *
 * <p>Threads: one.
 */
public final class PieceBudget {
    private static final long NS = 2_000_000;

    private final StringBuilder out;
    private final int fullLength;
    private final long endNs = System.nanoTime() + NS;

    /** @param out what the piece is appended to */
    public PieceBudget(StringBuilder out) {
        this.out = out;
        fullLength = out.length() + TextSource.ENOUGH;
    }

    /** Costs a look at the clock: to be asked after some work, not after each character. */
    public boolean isSpent() {
        return out.length() >= fullLength || System.nanoTime() - endNs >= 0;
    }
}
