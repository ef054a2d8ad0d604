package io.turnstile.control;

import java.util.List;
import java.util.Optional;

/** How a connection wants what its commands answer, by {@code set-options --format} ({@code ovs-appctl --format}). */
enum ReplyFormat {
    /** A string. */
    TEXT,
    /** A JSON document, in which a command that has none of its own puts its text. */
    JSON;

    private static final String OPTION = "--format";

    /** What the words choose, the last of several; empty if they are about nothing. */
    static Optional<ReplyFormat> chosenBy(List<String> words) throws RefusedException {
        Optional<ReplyFormat> chosen = Optional.empty();
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (word.equals(OPTION)) {
                i++;
                if (i == words.size()) {
                    throw new RefusedException("option '" + OPTION + "' requires an argument");
                }
                chosen = Optional.of(named(words.get(i)));
            } else if (word.startsWith(OPTION + "=")) {
                chosen = Optional.of(named(word.substring(OPTION.length() + 1)));
            } else if (word.startsWith("-") && word.length() > 1) {
                throw new RefusedException("unrecognized option '" + word + "'");
            }
        }
        return chosen;
    }

    private static ReplyFormat named(String name) throws RefusedException {
        return switch (name) {
            case "text" -> TEXT;
            case "json" -> JSON;
            default -> throw new RefusedException("option format has invalid value " + name);
        };
    }
}
