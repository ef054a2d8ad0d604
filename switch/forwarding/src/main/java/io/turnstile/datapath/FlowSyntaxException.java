package io.turnstile.datapath;

/** A datapath flow that cannot be read; the message is for people, in Open vSwitch's words. */
public final class FlowSyntaxException extends Exception {
    private static final long serialVersionUID = 1;

    private final String message;

    FlowSyntaxException(String message) {
        super(message, null, false, false);
        this.message = message;
    }

    @Override
    public String getMessage() {
        return message;
    }
}
