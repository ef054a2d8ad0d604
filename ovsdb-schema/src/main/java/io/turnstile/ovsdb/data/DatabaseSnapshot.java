package io.turnstile.ovsdb.data;

import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The rows of a database at one moment, consistent across tables. Immutable. */
public interface DatabaseSnapshot {

    /** Rows of a table by UUID; empty for a table that the server's schema does not have. */
    Map<UUID, Row> table(String name);

    /** A row by reference, null if it is not there. */
    default @Nullable Row row(String table, UUID uuid) {
        return table(table).get(uuid);
    }
}
