package io.turnstile.ovsdb.schema;

/** A schema cannot be read; the message says where. */
public final class SchemaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public SchemaException(String message) {
        super(message);
    }
}
