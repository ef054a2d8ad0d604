package io.turnstile.control;

/** A text that is there already, cut into pieces. Threads: one. */
final class TextPieces implements TextSource {
    private final String text;
    private int at;

    TextPieces(String text) {
        this.text = text;
    }

    @Override
    public boolean next(StringBuilder out) {
        int end = Math.min(text.length(), at + ENOUGH);
        if (end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))) {
            end++; // the two belong together
        }
        out.append(text, at, end);
        at = end;
        return at < text.length();
    }
}
