package io.turnstile.offload;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The distinct reasons that a provider gave for declining or failing, so that a connection keeps a number instead of a
 * text. Bounded: what comes after {@link #CAPACITY} distinct texts is {@code other}. Index 0 is "no reason".
 *
 * <p>Threads: any.
 */
final class ReasonTable {
    static final int CAPACITY = 255;
    private static final int OTHER = CAPACITY + 1;
    private static final int MAX_LENGTH = 200;
    /** A reason is shown within a line. */
    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}+");

    private final Map<String, Integer> indexes = new HashMap<>(); // guarded by this
    private final @Nullable String[] texts = new @Nullable String[CAPACITY + 2]; // guarded by this

    /** The index of a reason as the provider gave it; null or blank: it gave none. */
    synchronized int index(@Nullable String given) {
        String reason = given == null || given.isBlank()
                ? "no reason given"
                : CONTROL.matcher(given.strip()).replaceAll(" ");
        String text = reason.length() <= MAX_LENGTH ? reason : reason.substring(0, MAX_LENGTH);
        Integer known = indexes.get(text);
        if (known != null) {
            return known;
        }
        if (indexes.size() == CAPACITY) {
            texts[OTHER] = "other";
            return OTHER;
        }
        int index = indexes.size() + 1;
        indexes.put(text, index);
        texts[index] = text;
        return index;
    }

    /** The text of a reason; null for index 0. */
    synchronized @Nullable String text(int index) {
        return texts[index];
    }
}
