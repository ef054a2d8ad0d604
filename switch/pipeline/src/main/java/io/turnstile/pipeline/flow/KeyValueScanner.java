package io.turnstile.pipeline.flow;

/**
 * The scanner splits {@code key=value}, {@code key:value}, {@code key(value)} and bare keys at commas and blanks
 * outside parentheses, as every piece of ovs-ofctl syntax is made.
 */
public final class KeyValueScanner {
    private static final String SEPARATORS = ", \t\r\n";

    private final String text;
    private int at;
    private String key = "";
    private String value = "";

    public KeyValueScanner(String text) {
        this.text = text;
    }

    /** Moves on; false at the end. */
    public boolean next() throws FlowTextException {
        while (at < text.length() && SEPARATORS.indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        if (at >= text.length()) {
            return false;
        }
        int start = at;
        while (at < text.length() && ":=(".indexOf(text.charAt(at)) < 0 && SEPARATORS.indexOf(text.charAt(at)) < 0) {
            at++;
        }
        key = text.substring(start, at);
        value = "";
        if (at < text.length() && text.charAt(at) == '(') {
            value = parenthesised();
        } else if (at < text.length() && SEPARATORS.indexOf(text.charAt(at)) < 0) {
            at++;
            value = upToSeparator();
        }
        return true;
    }

    public String key() {
        return key;
    }

    /** Empty if there is none. */
    public String value() {
        return value;
    }

    private String parenthesised() throws FlowTextException {
        int start = at + 1;
        int depth = 0;
        do {
            if (at >= text.length()) {
                throw new FlowTextException(key + ": unbalanced parentheses");
            }
            char c = text.charAt(at++);
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        } while (depth > 0);
        if (text.startsWith("->", at)) { // Where the result goes is a part of the value.
            return text.substring(start - 1, at) + upToSeparator();
        }
        return text.substring(start, at - 1);
    }

    private String upToSeparator() {
        int start = at;
        int depth = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (depth == 0 && SEPARATORS.indexOf(c) >= 0) {
                break;
            }
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
            at++;
        }
        return text.substring(start, at);
    }
}
