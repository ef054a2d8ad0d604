package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A provider with what it says of itself, asked once: {@code name()} and {@code priority()} are foreign code, which may
 * hang or throw, so nobody who is waited for calls them.
 *
 * @param name lower case letters, digits, - and _; not {@link PriorityList#NONE}
 * @param priority higher comes first
 */
public record NamedProvider(String name, int priority, OffloadProvider provider) {
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_-]*");
    private static final String RULE = "a name is lower case letters, digits, - and _, and not \"none\"";

    /** @throws IllegalArgumentException no provider may bear this name */
    public NamedProvider {
        String fault = fault(name);
        if (fault != null) {
            throw new IllegalArgumentException(fault);
        }
    }

    /** What is wrong with a name, in a sentence; null: nothing. */
    static @Nullable String fault(@Nullable String name) {
        boolean good = name != null
                && name.length() <= ProviderText.MAX_LENGTH
                && NAME.matcher(name).matches()
                && !name.equals(PriorityList.NONE);
        return good ? null : RULE;
    }
}
