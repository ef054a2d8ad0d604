package io.turnstile.control;

import org.jspecify.annotations.Nullable;

/**
 * The answer of a command. {@code ovs-appctl} prints the text of a success to standard output, that of a refusal to
 * standard error, and ends with status 2 after the latter.
 *
 * @param text empty if the source has it
 * @param source makes the text of a success piece by piece; null if it is there
 * @param isJson whether the text of a success is a JSON document
 */
public record CommandReply(
        String text, boolean isError, @Nullable TextSource source, boolean isJson) {

    public static CommandReply ok(String text) {
        return new CommandReply(text, false, null, false);
    }

    public static CommandReply ok() {
        return ok("");
    }

    /** A JSON document, for who has asked for one. */
    public static CommandReply json(String document) {
        return new CommandReply(document, false, null, true);
    }

    public static CommandReply error(String text) {
        return new CommandReply(text, true, null, false);
    }

    /** A text that may be large, or that takes a while: it is made as the asker takes it, and never stands whole. */
    public static CommandReply ofSource(TextSource source) {
        return new CommandReply("", false, source, false);
    }

    /** The same with its whole text, for who has the room. */
    public CommandReply whole() {
        TextSource making = source;
        if (making == null) {
            return this;
        }
        StringBuilder all = new StringBuilder();
        try {
            boolean more = true;
            while (more) {
                more = making.next(all);
            }
            return ok(all.toString());
        } catch (RefusedException e) {
            return error(e.getMessage());
        } finally {
            making.close();
        }
    }

    /** What makes the text of a success. */
    TextSource pieces() {
        return source != null ? source : new TextPieces(text);
    }
}
