package io.turnstile.control;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** How the replies of a connection are to be written ({@code ovs-appctl --format}). */
enum OutputFormat {
    TEXT,
    /** As JSON what a command has so, and text in an object that says that it is text. */
    JSON;

    /** The command that says which. */
    static final Command SET_OPTIONS =
            Command.of("set-options", "[--format text|json]", 1, 2, OutputFormat::checkOptions);

    private static final String OPTION = "--format";

    private static CommandReply checkOptions(List<String> words) {
        String value = value(words);
        if (value == null) {
            return CommandReply.error("unrecognized option '" + words.getFirst() + "'");
        }
        return named(value) == null
                ? CommandReply.error("option format has invalid value " + value)
                : CommandReply.ok();
    }

    /** What the words of the command choose; null if they choose nothing. */
    static @Nullable OutputFormat chosen(List<String> words) {
        String value = value(words);
        return value == null ? null : named(value);
    }

    private static @Nullable String value(List<String> words) {
        String first = words.getFirst();
        if (first.startsWith(OPTION + "=")) {
            return first.substring(OPTION.length() + 1);
        }
        return first.equals(OPTION) && words.size() == 2 ? words.get(1) : null;
    }

    private static @Nullable OutputFormat named(String name) {
        return switch (name) {
            case "text" -> TEXT;
            case "json" -> JSON;
            default -> null;
        };
    }
}
