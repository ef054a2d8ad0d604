package io.turnstile.control;

/** What came is no request, so that there is nothing to answer: the connection ends. The message is for the log. */
final class MalformedRequestException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedRequestException(String message) {
        super(message);
    }
}
