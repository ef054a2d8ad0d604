package io.turnstile.control;

import java.util.Iterator;

/**
 * Lines that an iterator makes, each with its line end. An iterator that has looked at many things in vain says so by
 * an empty line, which is left out.
 *
 * <p>Threads: one.
 */
public final class TextLines implements TextSource {
    private static final int LINES_AT_ONCE = 8;

    private final Iterator<String> lines;

    public TextLines(Iterator<String> lines) {
        this.lines = lines;
    }

    @Override
    public boolean next(StringBuilder out) {
        PieceBudget budget = new PieceBudget(out);
        while (!budget.isSpent()) {
            for (int i = 0; i < LINES_AT_ONCE; i++) {
                if (!lines.hasNext()) {
                    return false;
                }
                String line = lines.next();
                if (!line.isEmpty()) {
                    out.append(line).append('\n');
                }
            }
        }
        return lines.hasNext();
    }
}
