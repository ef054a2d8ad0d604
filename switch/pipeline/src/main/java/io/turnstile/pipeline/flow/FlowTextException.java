package io.turnstile.pipeline.flow;

/**
 * The text is no flow, match or action that this switch knows; the message says what and is fit to show to its author.
 */
public final class FlowTextException extends Exception {
    private static final long serialVersionUID = 1L;

    public FlowTextException(String message) {
        super(message);
    }
}
