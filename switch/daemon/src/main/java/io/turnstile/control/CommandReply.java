package io.turnstile.control;

/**
 * The answer of a command. {@code ovs-appctl} prints the text of a success to standard output, that of a refusal to
 * standard error, and ends with status 2 after the latter.
 */
public record CommandReply(String text, boolean isError) {

    public static CommandReply ok(String text) {
        return new CommandReply(text, false);
    }

    public static CommandReply ok() {
        return ok("");
    }

    public static CommandReply error(String text) {
        return new CommandReply(text, true);
    }

    /** The text as Open vSwitch sends it: unless it is empty it ends with a newline. */
    String terminated() {
        return text.isEmpty() || text.endsWith("\n") ? text : text + "\n";
    }
}
