package io.turnstile.port;

/** A port cannot be opened or changed; the message is what Interface:error shows. */
public final class PortException extends RuntimeException {
    public PortException(String message) {
        super(message);
    }

    public PortException(String message, Throwable cause) {
        super(message, cause);
    }
}
