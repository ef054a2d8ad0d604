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
    private final long sizeBytes;

    private DataSnapshot(DatabaseSchema schema, Map<String, Map<UUID, DataRow>> tables, long sizeBytes) {
        this.schema = schema;
        this.tables = tables;
        this.sizeBytes = sizeBytes;
    }

    public static DataSnapshot empty(DatabaseSchema schema) {
        return new DataSnapshot(schema, Map.of(), 0);
    }

    /** A snapshot of these rows, by table. */
    public static DataSnapshot of(DatabaseSchema schema, Map<String, Map<UUID, DataRow>> rows) {
        Map<String, Map<UUID, DataRow>> tables = new HashMap<>();
        rows.forEach((table, byUuid) -> tables.put(table, new HashMap<>(byUuid)));
        long sizeBytes = tables.values().stream()
                .flatMap(table -> table.values().stream())
                .mapToLong(DataRow::sizeBytes)
                .sum();
        return new DataSnapshot(schema, tables, sizeBytes);
    }

    public DatabaseSchema schema() {
        return schema;
    }

    /** The rows of a table. */
    public Map<UUID, DataRow> rows(String table) {
        return tables.getOrDefault(table, Map.of());
    }

    /** About how much memory all rows take. */
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public Map<UUID, Row> table(String name) {
        return Collections.unmodifiableMap(rows(name));
    }

    /** This snapshot after changes: table → UUID → new row, or null for a deleted one. */
    public DataSnapshot with(Map<String, Map<UUID, @Nullable DataRow>> changes) {
        Map<String, Map<UUID, DataRow>> after = new HashMap<>(tables);
        long afterBytes = sizeBytes;
        for (Map.Entry<String, Map<UUID, @Nullable DataRow>> table : changes.entrySet()) {
            Map<UUID, DataRow> copy = new HashMap<>(rows(table.getKey()));
            for (Map.Entry<UUID, @Nullable DataRow> change : table.getValue().entrySet()) {
                DataRow row = change.getValue();
                DataRow old = row == null ? copy.remove(change.getKey()) : copy.put(change.getKey(), row);
                afterBytes += sizeBytes(row) - sizeBytes(old);
            }
            after.put(table.getKey(), copy);
        }
        return new DataSnapshot(schema, after, afterBytes);
    }

    private static long sizeBytes(@Nullable DataRow row) {
        return row == null ? 0 : row.sizeBytes();
    }
}
