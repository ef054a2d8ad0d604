package io.turnstile.ovsdb.data;

/** An RFC 7047 error: {@link #error()} is its word ("constraint violation"), the message adds the details. */
public final class OvsdbException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String error;
    private final String details;

    public OvsdbException(String error, String details) {
        super(error + ": " + details);
        this.error = error;
        this.details = details;
    }

    public String error() {
        return error;
    }

    public String details() {
        return details;
    }
}
