package io.turnstile.ovsdb.data;

import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A {@link DatabaseSnapshot} of {@link DataRow}s. A change copies the tables it touches and shares the rest. */
public final class DataSnapshot implements DatabaseSnapshot {
    private final DatabaseSchema schema;
    private final Map<String, Map<UUID, DataRow>> tables;

    private DataSnapshot(DatabaseSchema schema, Map<String, Map<UUID, DataRow>> tables) {
        this.schema = schema;
        this.tables = tables;
    }

    public static DataSnapshot empty(DatabaseSchema schema) {
        return new DataSnapshot(schema, Map.of());
    }

    /** A snapshot of these rows, by table. */
    public static DataSnapshot of(DatabaseSchema schema, Map<String, Map<UUID, DataRow>> rows) {
        Map<String, Map<UUID, DataRow>> tables = new HashMap<>();
        rows.forEach((table, byUuid) -> tables.put(table, new HashMap<>(byUuid)));
        return new DataSnapshot(schema, tables);
    }

    public DatabaseSchema schema() {
        return schema;
    }

    /** The rows of a table. */
    public Map<UUID, DataRow> rows(String table) {
        return tables.getOrDefault(table, Map.of());
    }

    @Override
    public Map<UUID, Row> table(String name) {
        return Collections.unmodifiableMap(rows(name));
    }

    /** This snapshot after changes: table → UUID → new row, or null for a deleted one. */
    public DataSnapshot with(Map<String, Map<UUID, @Nullable DataRow>> changes) {
        Map<String, Map<UUID, DataRow>> after = new HashMap<>(tables);
        changes.forEach((table, rows) -> {
            Map<UUID, DataRow> copy = new HashMap<>(rows(table));
            rows.forEach((uuid, row) -> {
                if (row == null) {
                    copy.remove(uuid);
                } else {
                    copy.put(uuid, row);
                }
            });
            after.put(table, copy);
        });
        return new DataSnapshot(schema, after);
    }
}
