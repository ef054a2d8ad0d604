package io.turnstile.ovsdb.server;

import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.schema.BaseType;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.TableSchema;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * What must hold when a transaction commits (RFC 7047 §3.2, §4.1.3), in the peer's order: rows that nobody refers to go,
 * strong references have targets, weak references without one go, tables keep to their row limits and indexes.
 */
final class Integrity {
    private final DatabaseSchema schema;
    private final Changes changes;

    private Integrity(DatabaseSchema schema, Changes changes) {
        this.schema = schema;
        this.changes = changes;
    }

    /** Brings the changes in order, or throws the RFC's error. */
    static void enforce(DatabaseSchema schema, Changes changes) {
        Integrity integrity = new Integrity(schema, changes);
        if (integrity.touchesReferences()) {
            integrity.collectGarbage();
            integrity.checkStrongReferences();
            integrity.dropDanglingWeakReferences();
            integrity.checkRowLimits();
        }
        integrity.checkIndexes();
    }

    /** Rows came or went, or a column that refers to rows changed; otherwise references stand as they stood. */
    private boolean touchesReferences() {
        return changes.written().entrySet().stream()
                .anyMatch(table -> table.getValue().entrySet().stream().anyMatch(entry -> {
            DataRow old = changes.before().rows(table.getKey()).get(entry.getKey());
            DataRow row = entry.getValue();
            return old == null || row == null || row.schema().columns().values().stream()
                    .anyMatch(column -> refers(column) && !old.datum(column).equals(row.datum(column)));
        }));
    }

    private static boolean refers(ColumnSchema column) {
        return column.key().refTable() != null || column.isMap() && column.value().refTable() != null;
    }

    // ---- references ----

    private record Target(String table, UUID uuid) {
    }

    private static void forEachStrongReference(DataRow row, Consumer<Target> visitor) {
        for (ColumnSchema column : row.schema().columns().values()) {
            Datum datum = row.datum(column);
            if (column.key().isStrongReference()) {
                datum.keys().forEach(key -> visitor.accept(new Target(column.key().refTable(), (UUID) key)));
            }
            if (column.isMap() && column.value().isStrongReference()) {
                for (int i = 0; i < datum.size(); i++) {
                    visitor.accept(new Target(column.value().refTable(), (UUID) datum.value(i)));
                }
            }
        }
    }

    private void forEachRow(Consumer<DataRow> visitor) {
        schema.tables().keySet().forEach(table -> changes.forEach(table, visitor));
    }

    private void collectGarbage() {
        Map<Target, Integer> references = new HashMap<>();
        forEachRow(row -> forEachStrongReference(row, target -> {
            if (!target.uuid().equals(row.uuid())) { // A row does not keep itself.
                references.merge(target, 1, Integer::sum);
            }
        }));
        Deque<DataRow> unreferenced = new ArrayDeque<>();
        for (TableSchema table : schema.tables().values()) {
            if (!schema.isRoot(table)) {
                changes.forEach(table.name(), row -> {
                    if (!references.containsKey(new Target(table.name(), row.uuid()))) {
                        unreferenced.add(row);
                    }
                });
            }
        }
        while (!unreferenced.isEmpty()) {
            DataRow row = unreferenced.remove();
            changes.delete(row);
            forEachStrongReference(row, target -> {
                boolean last = references.merge(target, -1, (a, b) -> a + b == 0 ? null : a + b) == null;
                DataRow next = last ? changes.row(target.table(), target.uuid()) : null;
                if (next != null && !schema.isRoot(next.schema())) {
                    unreferenced.add(next);
                }
            });
        }
    }

    private void checkStrongReferences() {
        Map<Target, Integer> toDeleted = new HashMap<>();
        forEachRow(row -> {
            for (ColumnSchema column : row.schema().columns().values()) {
                checkReferences(row, column, column.key(), row.datum(column).keys(), toDeleted);
                if (column.isMap()) {
                    checkReferences(row, column, column.value(), List.copyOf(row.datum(column).pairs().values()), toDeleted);
                }
            }
        });
        toDeleted.forEach((target, count) -> {
            throw new OvsdbException("referential integrity violation",
                    "cannot delete %s row %s because of %d remaining reference(s)"
                    .formatted(target.table(), target.uuid(), count));
        });
    }

    private void checkReferences(DataRow row, ColumnSchema column, BaseType type, List<Object> atoms,
            Map<Target, Integer> toDeleted) {
        if (!type.isStrongReference()) {
            return;
        }
        for (Object atom : atoms) {
            UUID uuid = (UUID) atom;
            if (changes.row(type.refTable(), uuid) != null) {
                continue;
            }
            if (changes.before().rows(type.refTable()).containsKey(uuid)) {
                toDeleted.merge(new Target(type.refTable(), uuid), 1, Integer::sum);
            } else {
                throw new OvsdbException("referential integrity violation",
                        "Table %s column %s row %s references nonexistent row %s in table %s.".formatted(row.schema().name(),
                                column.name(), row.uuid(), uuid, type.refTable()));
            }
        }
    }

    private void dropDanglingWeakReferences() {
        for (TableSchema table : schema.tables().values()) {
            List<ColumnSchema> weak = table.columns().values().stream().filter(column -> column.key().isWeakReference()
                    || column.isMap() && column.value().isWeakReference()).toList();
            if (!weak.isEmpty()) {
                changes.forEach(table.name(), row -> dropDangling(row, weak));
            }
        }
    }

    private void dropDangling(DataRow row, List<ColumnSchema> weak) {
        Map<Integer, Datum> cleaned = new HashMap<>();
        for (ColumnSchema column : weak) {
            Datum before = row.datum(column);
            Datum after = before.filter(i -> isAlive(column.key(), before.key(i))
                    && (!column.isMap() || isAlive(column.value(), before.value(i))));
            if (after != before) {
                if (after.size() < column.min()) {
                    throw new OvsdbException("constraint violation",
                            ("Weak reference column \"%s\" in \"%s\" row %s (inserted within "
                            + "this transaction) (or that existed before) has no row left to refer to, "
                            + "but its type requires %d.")
                            .formatted(column.name(), row.schema().name(), row.uuid(), column.min()));
                }
                cleaned.put(column.index(), after);
            }
        }
        if (!cleaned.isEmpty()) {
            changes.put(row.with(cleaned));
        }
    }

    private boolean isAlive(BaseType type, Object atom) {
        return !type.isWeakReference() || changes.row(type.refTable(), (UUID) atom) != null;
    }

    // ---- limits ----

    private void checkRowLimits() {
        for (String name : changes.written().keySet()) {
            int limit = schema.table(name).maxRows();
            int count = limit == ColumnSchema.UNLIMITED ? 0 : changes.count(name);
            if (count > limit) {
                throw new OvsdbException("constraint violation",
                        ("transaction causes \"%s\" table to contain %d rows, "
                        + "greater than the schema-defined limit of %d row(s)").formatted(name, count, limit));
            }
        }
    }

    private void checkIndexes() {
        for (String name : changes.written().keySet()) {
            TableSchema table = schema.table(name);
            for (List<String> index : table.indexes()) {
                Map<List<Datum>, DataRow> seen = new HashMap<>();
                changes.forEach(name, row -> {
                    DataRow twin = seen.putIfAbsent(index.stream().map(row::datum).toList(), row);
                    if (twin != null) {
                        throw duplicate(table, index, twin, row);
                    }
                });
            }
        }
    }

    private OvsdbException duplicate(TableSchema table, List<String> index, DataRow first, DataRow second) {
        List<String> values = new ArrayList<>();
        index.forEach(column -> values.add(first.json(column).toString()));
        return new OvsdbException("constraint violation",
                ("Transaction causes multiple rows in \"%s\" table to have identical values "
                + "(%s) for index on column%s %s.  First row, with UUID %s, %s.  Second row, with UUID %s, %s.")
                .formatted(table.name(), String.join(" and ", values), index.size() == 1 ? "" : "s",
                String.join(" and ", index.stream().map(column -> "\"" + column + "\"").toList()),
                first.uuid(), history(first), second.uuid(), history(second)));
    }

    private String history(DataRow row) {
        DataRow old = changes.before().rows(row.schema().name()).get(row.uuid());
        if (old == null) {
            return "was inserted by this transaction";
        }
        return old == row ? "existed in the database before this transaction and was not modified by the transaction"
                : "existed in the database before this transaction, which modified some of the row's columns "
                + "but not any columns in this index";
    }
}
