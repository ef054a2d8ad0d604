package io.turnstile.bridge;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The reader of one row's settings. It warns of a value that cannot be used, once as long as it stays the same, and
 * takes the default in its place.
 *
 * <p>Threads: the reconciler's.
 */
final class SettingsReader {
    private static final Logger LOG = LoggerFactory.getLogger(SettingsReader.class);

    private final String owner;
    private final Map<String, @Nullable String> warnedOf = new HashMap<>();

    /** @param owner begins each warning, such as {@code bridge br0} */
    SettingsReader(String owner) {
        this.owner = owner;
    }

    /**
     * Reads a whole number from {@code smallest} to {@link Integer#MAX_VALUE}; the default also if the setting is
     * absent.
     */
    int number(Map<String, String> settings, String key, int smallest, int defaultValue) {
        String text = settings.get(key);
        Integer value = parsed(text);
        boolean good = text == null || value != null && value >= smallest;
        check(key, text, good, "not a whole number from " + smallest + ", taken as " + defaultValue);
        return good && value != null ? value : defaultValue;
    }

    /**
     * Warns of a bad value unless that has been done.
     *
     * @param text the setting as it stands; null if it is absent
     * @param good whether it can be used; forgets what was said of the key
     * @param complaint what is wrong and what is done instead
     */
    void check(String key, @Nullable String text, boolean good, String complaint) {
        if (isNewFault(key, text, good)) {
            LOG.warn("{}: {}={}: {}", owner, key, text, complaint);
        }
    }

    /** The same where Open vSwitch says nothing at all: those who read warnings of its kind expect none. */
    void note(String key, @Nullable String text, boolean good, String complaint) {
        if (isNewFault(key, text, good)) {
            LOG.info("{}: {}={}: {}", owner, key, text, complaint);
        }
    }

    private boolean isNewFault(String key, @Nullable String text, boolean good) {
        if (good) {
            warnedOf.remove(key);
            return false;
        }
        return !Objects.equals(warnedOf.put(key, text), text);
    }

    private static @Nullable Integer parsed(@Nullable String text) {
        try {
            return text == null ? null : Integer.valueOf(text);
        } catch (NumberFormatException notANumber) {
            return null;
        }
    }
}
