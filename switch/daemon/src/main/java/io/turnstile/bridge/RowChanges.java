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

/**
 * The changes that are to be written back in one transaction, without rows that the database has like this already. Not
 * thread-safe.
 */
final class RowChanges {
    private final DatabaseSnapshot snapshot;
    private final List<ColumnUpdate> updates = new ArrayList<>();

    RowChanges(DatabaseSnapshot snapshot) {
        this.snapshot = snapshot;
    }

    /**
     * Adds columns of a row; a row that is gone is passed over. If one value is new all are written: the snapshot may
     * be older than what was written last, and a row is not to show half of each.
     *
     * @param columns values as {@link ColumnUpdate} has them; {@code List.of()} for absent
     */
    void set(String table, UUID uuid, Map<String, Object> columns) {
        Row row = snapshot.table(table).get(uuid);
        if (row == null) {
            return;
        }
        Map<String, Object> known = new LinkedHashMap<>();
        boolean isNew = false;
        for (Map.Entry<String, Object> column : columns.entrySet()) {
            try {
                isNew |= !holds(row, column.getKey(), column.getValue());
                known.put(column.getKey(), column.getValue());
            } catch (IllegalArgumentException e) {
                // This database's schema lacks the column: an older server is no error.
            }
        }
        if (isNew) {
            updates.add(new ColumnUpdate(table, uuid, known));
        }
    }

    /** Whether a row is there and its column, a map to integers, has nothing in it. */
    boolean isEmptyMap(String table, UUID uuid, String column) {
        Row row = snapshot.table(table).get(uuid);
        return row != null && row.integerMap(column).isEmpty();
    }

    List<ColumnUpdate> updates() {
        return updates;
    }

    private static boolean holds(Row row, String column, Object value) {
        return switch (value) {
            case Collection<?> atoms -> new HashSet<>(row.set(column)).equals(new HashSet<>(atoms));
            case Map<?, ?> map
            when column.equals("statistics") -> row.integerMap(column).equals(map);
            case Map<?, ?> map -> row.stringMap(column).equals(map);
            default -> row.atom(column).filter(value::equals).isPresent();
        };
    }
}
