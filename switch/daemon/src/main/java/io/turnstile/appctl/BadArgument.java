package io.turnstile.appctl;

/**
 * An argument that cannot be used; the message is what the command answers, in Open vSwitch's words where it has some.
 */
final class BadArgument extends Exception {
    private static final long serialVersionUID = 1L;

    private final String message;

    BadArgument(String message) {
        super(message);
        this.message = message;
    }

    @Override
    public String getMessage() {
        return message;
    }
}
