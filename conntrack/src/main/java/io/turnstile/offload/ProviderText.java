package io.turnstile.offload;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a provider says, made fit to be shown within a line and kept. */
final class ProviderText {
    static final int MAX_LENGTH = 200;
    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}+");

    private ProviderText() {}

    /** The text without control characters and of at most {@link #MAX_LENGTH} characters; null is empty. */
    static String capped(@Nullable String text) {
        if (text == null) {
            return "";
        }
        boolean isLong = text.length() > MAX_LENGTH;
        // A copy: what is kept must not keep the rest of a long text alive.
        String head = isLong ? text.substring(0, MAX_LENGTH - 1) + "…" : text;
        return CONTROL.matcher(head).replaceAll(" ");
    }
}
