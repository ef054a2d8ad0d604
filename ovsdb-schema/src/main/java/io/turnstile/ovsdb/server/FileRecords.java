package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.Atoms;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.TableSchema;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Transactions as records of the database file (ovsdb(5)): table → UUID → changed columns, null for a deleted row;
 * {@code _date}, {@code _comment}, and {@code _is_diff} where changed columns hold differences. Ephemeral columns are
 * not written.
 */
final class FileRecords {
    private FileRecords() {}

    /** The record of a transaction; null if nothing in it is to be kept. */
    static @Nullable ObjectNode ofChanges(Changes changes, String comment, long wallMs) {
        ObjectNode record = JsonNodeFactory.instance.objectNode();
        changes.written().forEach((table, rows) -> {
            ObjectNode json = JsonNodeFactory.instance.objectNode();
            rows.forEach((uuid, row) -> {
                DataRow before = changes.before().rows(table).get(uuid);
                if (row == null) {
                    json.putNull(uuid.toString());
                } else {
                    ObjectNode columns = changedColumns(before, row);
                    if (before == null || !columns.isEmpty()) {
                        json.set(uuid.toString(), columns);
                    }
                }
            });
            if (!json.isEmpty()) {
                record.set(table, json);
            }
        });
        return record.isEmpty() ? null : stamped(record, comment, wallMs);
    }

    private static ObjectNode stamped(ObjectNode record, String comment, long wallMs) {
        record.put("_date", wallMs);
        if (!comment.isEmpty()) {
            record.put("_comment", comment);
        }
        return record;
    }

    private static ObjectNode changedColumns(@Nullable DataRow before, DataRow row) {
        ObjectNode columns = JsonNodeFactory.instance.objectNode();
        for (ColumnSchema column : row.schema().columns().values()) {
            Datum old = before == null ? Datum.defaultOf(column) : before.datum(column);
            if (!column.ephemeral() && !old.equals(row.datum(column))) {
                columns.set(column.name(), row.datum(column).toJson(column));
            }
        }
        return columns;
    }

    /** The whole database as one record, for compaction. */
    static ObjectNode ofSnapshot(DataSnapshot snapshot, long wallMs) {
        ObjectNode record = JsonNodeFactory.instance.objectNode();
        for (String table : snapshot.schema().tables().keySet()) {
            ObjectNode rows = JsonNodeFactory.instance.objectNode();
            snapshot.rows(table).forEach((uuid, row) -> rows.set(uuid.toString(), changedColumns(null, row)));
            if (!rows.isEmpty()) {
                record.set(table, rows);
            }
        }
        return stamped(record, "compacting database online", wallMs);
    }

    /** The snapshot after a record that was read from a file. */
    static DataSnapshot apply(DataSnapshot snapshot, JsonNode record) {
        boolean differences = record.path("_is_diff").asBoolean(false);
        Map<String, Map<UUID, @Nullable DataRow>> written = new HashMap<>();
        record.properties().forEach(entry -> {
            TableSchema table = snapshot.schema().table(entry.getKey());
            if (table == null) {
                return; // _date, _comment, and tables that a newer schema dropped.
            }
            Map<UUID, @Nullable DataRow> rows = written.computeIfAbsent(table.name(), t -> new HashMap<>());
            entry.getValue().properties().forEach(row -> {
                UUID uuid = UUID.fromString(row.getKey());
                rows.put(
                        uuid,
                        row.getValue().isNull()
                                ? null
                                : row(snapshot.rows(table.name()).get(uuid), table, uuid, row.getValue(), differences));
            });
        });
        return snapshot.with(written);
    }

    private static DataRow row(
            @Nullable DataRow before, TableSchema table, UUID uuid, JsonNode columns, boolean differences) {
        Map<Integer, Datum> data = new HashMap<>();
        columns.properties().forEach(entry -> {
            ColumnSchema column = table.column(entry.getKey());
            if (column == null) {
                return;
            }
            Datum written = Datum.fromJson(entry.getValue(), column, Atoms.NamedUuids.NONE, 0, ColumnSchema.UNLIMITED);
            data.put(
                    column.index(),
                    differences && before != null ? before.datum(column).apply(written, column) : written);
        });
        return (before == null ? DataRow.fresh(table, uuid) : before).with(data);
    }
}
