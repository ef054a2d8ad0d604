package io.turnstile.ovsdb.schema;

import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The five kinds of atom (RFC 7047 §3.1) and the Java class that holds each. */
public enum AtomType {
    INTEGER(Long.class),
    REAL(Double.class),
    BOOLEAN(Boolean.class),
    STRING(String.class),
    UUID(UUID.class);

    private final Class<?> javaClass;

    AtomType(Class<?> javaClass) {
        this.javaClass = javaClass;
    }

    public Class<?> javaClass() {
        return javaClass;
    }

    /** The word of the RFC. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The type of that word, null if there is none. */
    public static @Nullable AtomType ofWord(String word) {
        for (AtomType type : values()) {
            if (type.word().equals(word)) {
                return type;
            }
        }
        return null;
    }
}
