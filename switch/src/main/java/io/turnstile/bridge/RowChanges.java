package io.turnstile.bridge;

import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.OvsdbBackend.ColumnUpdate;
import io.turnstile.ovsdb.data.Row;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Collects what is to be written back, leaving out what the database has already. Not thread-safe. */
final class RowChanges {
    private final DatabaseSnapshot snapshot;
    private final List<ColumnUpdate> updates = new ArrayList<>();

    RowChanges(DatabaseSnapshot snapshot) {
        this.snapshot = snapshot;
    }

    /** Values as {@link ColumnUpdate} has them; {@code List.of()} for absent. A row that is gone is passed over. */
    void set(String table, UUID uuid, Map<String, Object> columns) {
        Row row = snapshot.table(table).get(uuid);
        if (row == null) {
            return;
        }
        Map<String, Object> different = new LinkedHashMap<>();
        columns.forEach((column, value) -> {
            if (!isSame(row, column, value)) {
                different.put(column, value);
            }
        });
        if (!different.isEmpty()) {
            updates.add(new ColumnUpdate(table, uuid, different));
        }
    }

    List<ColumnUpdate> updates() {
        return updates;
    }

    /** A column that this database's schema lacks counts as written: an older server is no error. */
    private static boolean isSame(Row row, String column, Object value) {
        try {
            return holds(row, column, value);
        } catch (IllegalArgumentException e) {
            return true;
        }
    }

    private static boolean holds(Row row, String column, Object value) {
        return switch (value) {
            case Collection<?> atoms -> new HashSet<>(row.set(column)).equals(new HashSet<>(atoms));
            case Map<?, ?> map when column.equals("statistics") -> row.integerMap(column).equals(map);
            case Map<?, ?> map -> row.stringMap(column).equals(map);
            default -> row.atom(column).filter(value::equals).isPresent();
        };
    }
}
