package io.turnstile.control;

/** A command is refused after its work has begun; the message is what the asker is told. */
public final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String message;

    public RefusedException(String message) {
        super(message);
        this.message = message;
    }

    @Override
    public String getMessage() {
        return message;
    }
}
