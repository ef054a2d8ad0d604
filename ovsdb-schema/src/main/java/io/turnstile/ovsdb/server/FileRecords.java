package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonGenerator;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.schema.ColumnSchema;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Transactions as records of the database file (ovsdb(5)), as ovsdb-server writes them from 2.15 on: table → UUID →
 * columns, null for a deleted row; of a new row the columns that are not at their defaults, of another one the
 * differences of those that changed; {@code _date}, {@code _comment}, and {@code _is_diff} to say so. Ephemeral columns
 * are not written. {@link Replay} reads them.
 */
final class FileRecords {
    private FileRecords() {}

    /** The record of a transaction; null if nothing in it is to be kept. */
    static RecordWriter.@Nullable Body ofChanges(Changes changes, String comment, long wallMs) {
        Map<String, Map<UUID, @Nullable DataRow>> kept = new LinkedHashMap<>();
        changes.written()
                .forEach((table, rows) -> rows.forEach((uuid, row) -> {
                    DataRow before = changes.before().rows(table).get(uuid);
                    if (row == null || before == null || !isSameInFile(before, row)) {
                        kept.computeIfAbsent(table, t -> new LinkedHashMap<>()).put(uuid, row);
                    }
                }));
        return kept.isEmpty()
                ? null
                : json -> {
                    json.writeStartObject();
                    for (Map.Entry<String, Map<UUID, @Nullable DataRow>> table : kept.entrySet()) {
                        Map<UUID, DataRow> before = changes.before().rows(table.getKey());
                        json.writeObjectFieldStart(table.getKey());
                        for (Map.Entry<UUID, @Nullable DataRow> row :
                                table.getValue().entrySet()) {
                            json.writeFieldName(row.getKey().toString());
                            write(before.get(row.getKey()), row.getValue(), json);
                        }
                        json.writeEndObject();
                    }
                    end(json, comment, wallMs);
                };
    }

    /** The whole database as one record, for compaction; an interrupt of the writing thread ends it. */
    static RecordWriter.Body ofSnapshot(DataSnapshot snapshot, long wallMs) {
        return json -> {
            json.writeStartObject();
            for (String table : snapshot.schema().tables().keySet()) {
                Map<UUID, DataRow> rows = snapshot.rows(table);
                if (rows.isEmpty()) {
                    continue;
                }
                json.writeObjectFieldStart(table);
                for (DataRow row : rows.values()) {
                    if (Thread.currentThread().isInterrupted()) {
                        throw new InterruptedIOException("interrupted");
                    }
                    json.writeFieldName(row.uuid().toString());
                    write(null, row, json);
                }
                json.writeEndObject();
            }
            end(json, "compacting database online", wallMs);
        };
    }

    private static void end(JsonGenerator json, String comment, long wallMs) throws IOException {
        if (!comment.isEmpty()) {
            json.writeStringField("_comment", comment);
        }
        json.writeBooleanField("_is_diff", true);
        json.writeNumberField("_date", wallMs);
        json.writeEndObject();
    }

    private static boolean isSameInFile(DataRow before, DataRow row) {
        for (ColumnSchema column : row.schema().columns().values()) {
            if (!column.ephemeral() && !before.datum(column).equals(row.datum(column))) {
                return false;
            }
        }
        return true;
    }

    private static void write(@Nullable DataRow before, @Nullable DataRow row, JsonGenerator json) throws IOException {
        if (row == null) {
            json.writeNull();
            return;
        }
        json.writeStartObject();
        for (ColumnSchema column : row.schema().columns().values()) {
            Datum old = before == null ? Datum.defaultOf(column) : before.datum(column);
            Datum now = row.datum(column);
            if (!column.ephemeral() && !old.equals(now)) {
                json.writeFieldName(column.name());
                json.writeTree((before == null ? now : old.differenceTo(now, column)).toJson(column));
            }
        }
        json.writeEndObject();
    }

    /** The bytes that rows take in a compacted file, about. */
    static long sizeBytes(DataRow row) {
        long bytes = 41; // the UUID and its punctuation
        for (ColumnSchema column : row.schema().columns().values()) {
            Datum datum = row.datum(column);
            if (!column.ephemeral() && !datum.isEmpty() && !datum.equals(Datum.defaultOf(column))) {
                bytes += column.name().length() + 4;
                for (int i = 0; i < datum.size(); i++) {
                    bytes += sizeBytes(datum.key(i)) + (datum.isMap() ? sizeBytes(datum.value(i)) + 4 : 1);
                }
            }
        }
        return bytes;
    }

    private static long sizeBytes(Object atom) {
        return switch (atom) {
            case String text -> text.length() + 2;
            case UUID _ -> 47;
            default -> 4;
        };
    }

    /** What changes make a compacted file longer, about. */
    static long growthBytes(Changes changes) {
        long bytes = 0;
        for (Map.Entry<String, Map<UUID, @Nullable DataRow>> table :
                changes.written().entrySet()) {
            Map<UUID, DataRow> before = changes.before().rows(table.getKey());
            for (Map.Entry<UUID, @Nullable DataRow> row : table.getValue().entrySet()) {
                DataRow old = before.get(row.getKey());
                bytes += (row.getValue() == null ? 0 : sizeBytes(row.getValue())) - (old == null ? 0 : sizeBytes(old));
            }
        }
        return bytes;
    }
}
