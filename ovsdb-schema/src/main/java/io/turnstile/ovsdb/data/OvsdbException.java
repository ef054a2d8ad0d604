package io.turnstile.ovsdb.data;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/** An RFC 7047 error: {@link #error()} is its word ("constraint violation"), the message adds the details. */
public final class OvsdbException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String error;
    private final String details;
    private final @Nullable String syntax;

    public OvsdbException(String error, String details) {
        this(error, details, null);
    }

    private OvsdbException(String error, String details, @Nullable String syntax) {
        super(error + ": " + details);
        this.error = error;
        this.details = details;
        this.syntax = syntax;
    }

    /** The same error with the JSON text at fault, as ovsdb-server shows it. */
    public OvsdbException at(JsonNode syntax) {
        return new OvsdbException(error, details, OvsdbJson.sortedText(syntax));
    }

    /** The JSON text at fault, null if the error is not about one. */
    public @Nullable String syntax() {
        return syntax;
    }

    public String error() {
        return error;
    }

    public String details() {
        return details;
    }
}
