package io.turnstile.pipeline.flow;

/**
 * A request is refused; the wire layer answers with an OpenFlow error message of this code. Nothing has been changed.
 */
public final class OfException extends Exception {
    private static final long serialVersionUID = 1L;

    private final OfErrorCode code;

    public OfException(OfErrorCode code, String detail) {
        super(code + ": " + detail);
        this.code = code;
    }

    public OfErrorCode code() {
        return code;
    }
}
