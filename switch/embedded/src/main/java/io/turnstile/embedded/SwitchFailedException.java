package io.turnstile.embedded;

import org.jspecify.annotations.Nullable;

/**
 * Something went wrong inside the switch that a switch in production would have logged and survived: a fault of the
 * switch's own or of the test's set-up, never the refusal of a wrong argument. Its cause is what was thrown, if
 * anything was; further failures of the same call are {@linkplain #getSuppressed suppressed}.
 */
public final class SwitchFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    SwitchFailedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
