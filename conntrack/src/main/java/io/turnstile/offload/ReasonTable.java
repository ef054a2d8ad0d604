package io.turnstile.offload;

import java.util.HashMap;
import java.util.Map;
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

    private final Map<String, Integer> indexes = new HashMap<>(); // guarded by this
    private final @Nullable String[] texts = new @Nullable String[CAPACITY + 2]; // guarded by this

    /** The index of a reason as the provider gave it; null or blank: it gave none. */
    synchronized int index(@Nullable String given) {
        String text = ProviderText.reason(given);
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
