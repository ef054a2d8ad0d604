package io.turnstile.ovsdb.server;

import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.schema.BaseType;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.TableSchema;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * What must hold when a transaction commits (RFC 7047 §3.2, §4.1.3), in ovsdb-server's order: new strong references
 * name rows that exist or did, rows that nobody refers to go, no strong reference is left to a deleted row, weak
 * references without a row go, tables keep to their row limits and indexes.
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
            integrity.checkNewReferences();
            integrity.collectGarbage();
            integrity.checkReferencesToDeleted();
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
                    return old == null
                            || row == null
                            || row.schema().columns().values().stream()
                                    .anyMatch(column ->
                                            refers(column) && !old.datum(column).equals(row.datum(column)));
                }));
    }

    private static boolean refers(ColumnSchema column) {
        return column.key().refTable() != null
                || column.value() != null && column.value().refTable() != null;
    }

    // ---- references ----

    private record Target(String table, UUID uuid) {}

    private static void forEachStrongReference(DataRow row, Consumer<Target> visitor) {
        row.schema().columns().values().forEach(column -> forEachStrongReference(row, column, visitor));
    }

    private static void forEachStrongReference(DataRow row, ColumnSchema column, Consumer<Target> visitor) {
        Datum datum = row.datum(column);
        for (int i = 0; i < datum.size(); i++) {
            visitIfStrongReference(column.key(), datum.key(i), visitor);
            if (column.value() != null) {
                visitIfStrongReference(column.value(), datum.value(i), visitor);
            }
        }
    }

    private static void visitIfStrongReference(BaseType type, Object atom, Consumer<Target> visitor) {
        String table = type.refTable();
        if (table != null && !type.weak()) {
            visitor.accept(new Target(table, (UUID) atom));
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

    /** Also of rows that are garbage by now: a client's mistake is not to depend on who else refers to what. */
    private void checkNewReferences() {
        changes.written()
                .values()
                .forEach(rows -> rows.values().stream().filter(Objects::nonNull).forEach(row -> {
                    for (ColumnSchema column : row.schema().columns().values()) {
                        forEachStrongReference(row, column, target -> {
                            if (changes.row(target.table(), target.uuid()) == null
                                    && !changes.before().rows(target.table()).containsKey(target.uuid())) {
                                throw new OvsdbException(
                                        "referential integrity violation",
                                        "Table %s column %s row %s references nonexistent row %s in table %s."
                                                .formatted(
                                                        row.schema().name(),
                                                        column.name(),
                                                        row.uuid(),
                                                        target.uuid(),
                                                        target.table()));
                            }
                        });
                    }
                }));
    }

    private void checkReferencesToDeleted() {
        Map<Target, Integer> toDeleted = new LinkedHashMap<>();
        forEachRow(row -> forEachStrongReference(row, target -> {
            if (changes.row(target.table(), target.uuid()) == null) {
                toDeleted.merge(target, 1, Integer::sum);
            }
        }));
        toDeleted.forEach((target, count) -> {
            throw new OvsdbException(
                    "referential integrity violation",
                    "cannot delete %s row %s because of %d remaining reference(s)"
                            .formatted(target.table(), target.uuid(), count));
        });
    }

    private void dropDanglingWeakReferences() {
        for (TableSchema table : schema.tables().values()) {
            List<ColumnSchema> weak = table.columns().values().stream()
                    .filter(column -> column.key().isWeakReference()
                            || column.value() != null && column.value().isWeakReference())
                    .toList();
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
                    && (column.value() == null || isAlive(column.value(), before.value(i))));
            if (after.size() != before.size()) {
                if (after.size() < column.min()) {
                    throw leftEmpty(row, column, before, before.size() - after.size());
                }
                cleaned.put(column.index(), after);
            }
        }
        if (!cleaned.isEmpty()) {
            changes.put(row.with(cleaned));
        }
    }

    private OvsdbException leftEmpty(DataRow row, ColumnSchema column, Datum before, int deleted) {
        String table = row.schema().name();
        boolean inserted = !changes.before().rows(table).containsKey(row.uuid());
        if (inserted && before.indexOf(new UUID(0, 0)) >= 0) {
            return new OvsdbException(
                    "constraint violation",
                    ("Weak reference column \"%s\" in \"%s\" row %s (inserted within this "
                                    + "transaction) contained all-zeros UUID (probably as the default value for this column) but deleting this value "
                                    + "caused a constraint volation because this column is not allowed to be empty.")
                            .formatted(column.name(), table, row.uuid()));
        }
        return new OvsdbException(
                "constraint violation",
                ("Deletion of %d weak reference(s) to deleted (or never-existing) rows from "
                                + "column \"%s\" in \"%s\" row %s %scaused this column to become empty, but constraints on this column disallow an empty "
                                + "column.")
                        .formatted(
                                deleted,
                                column.name(),
                                table,
                                row.uuid(),
                                inserted ? "(inserted within this transaction) " : ""));
    }

    private boolean isAlive(BaseType type, Object atom) {
        String table = type.refTable();
        return table == null || !type.weak() || changes.row(table, (UUID) atom) != null;
    }

    // ---- limits ----

    private void checkRowLimits() {
        for (String name : changes.written().keySet()) {
            int limit = schema.known(name).maxRows();
            int count = limit == ColumnSchema.UNLIMITED ? 0 : changes.count(name);
            if (count > limit) {
                throw new OvsdbException(
                        "constraint violation",
                        "transaction causes \"%s\" table to contain %d rows, greater than the schema-defined limit of %d row(s)"
                                .formatted(name, count, limit));
            }
        }
    }

    private void checkIndexes() {
        for (String name : changes.written().keySet()) {
            TableSchema table = schema.known(name);
            for (List<String> index : table.indexes()) {
                Map<List<Datum>, DataRow> seen = new HashMap<>();
                changes.forEach(name, row -> {
                    DataRow twin =
                            seen.putIfAbsent(index.stream().map(row::datum).toList(), row);
                    if (twin != null) {
                        throw duplicate(table, index, twin, row);
                    }
                });
            }
        }
    }

    private OvsdbException duplicate(TableSchema table, List<String> index, DataRow one, DataRow other) {
        boolean changedLast = changes.isWritten(table.name(), other.uuid());
        DataRow first = changedLast ? other : one; // ovsdb-server begins with a row that the transaction wrote.
        DataRow second = changedLast ? one : other;
        return new OvsdbException(
                "constraint violation",
                ("Transaction causes multiple rows in \"%s\" table to have identical values "
                                + "(%s) for index on column%s %s.  First row, with UUID %s, %s.  Second row, with UUID %s, %s.")
                        .formatted(
                                table.name(),
                                values(first, index),
                                index.size() == 1 ? "" : "s",
                                String.join(
                                        " and ",
                                        index.stream()
                                                .map(column -> "\"" + column + "\"")
                                                .toList()),
                                first.uuid(),
                                history(first, index),
                                second.uuid(),
                                history(second, index)));
    }

    private static String values(DataRow row, List<String> index) {
        return String.join(
                " and ",
                index.stream()
                        .map(name -> row.datum(name).show(row.schema().known(name)))
                        .toList());
    }

    private String history(DataRow row, List<String> index) {
        DataRow old = changes.before().rows(row.schema().name()).get(row.uuid());
        if (old == null) {
            return "was inserted by this transaction";
        }
        if (old.sameData(row)) {
            return "existed in the database before this transaction and was not modified by the transaction";
        }
        return index.stream().allMatch(name -> old.datum(name).equals(row.datum(name)))
                ? "existed in the database before this transaction, which modified some of the row's columns but not any columns in this "
                        + "index"
                : "had the following index values before the transaction: " + values(old, index);
    }
}
