package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import io.turnstile.ovsdb.data.Atoms;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.data.OvsdbJson;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.TableSchema;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What the records of a database file add up to. In memory are the rows so far and what one record changes of them; of
 * the JSON there is never more than one column's value.
 */
final class Replay implements DatabaseLog.Loader {
    /** What a reference, the header of an object and its place in a table take. */
    private static final int ROW_BYTES = 300;

    private final String name;
    private final long maxHeapBytes;
    private final Map<String, Map<UUID, DataRow>> tables = new HashMap<>();
    private @Nullable DatabaseSchema schema;
    private long heapBytes;

    // Of the record that is being read.
    private @Nullable DatabaseSchema schemaRead;
    /** By table and UUID; null for a deleted row. */
    private final Map<TableSchema, Map<UUID, @Nullable Map<Integer, Datum>>> written = new HashMap<>();

    private boolean differences;
    private long writtenHeapBytes;
    /** What the JSON of the column's value takes that is being read. */
    private long valueHeapBytes;

    private final ObjectReader values = OvsdbJson.counting(bytes -> {
        valueHeapBytes += bytes;
        checkMemory(heapBytes + writtenHeapBytes + valueHeapBytes);
    });

    /**
     * A replay of the records of the database of that name.
     *
     * @param maxHeapBytes how much memory rows may take, as far as that can be told from what they hold
     */
    Replay(String name, long maxHeapBytes) {
        this.name = name;
        this.maxHeapBytes = maxHeapBytes;
    }

    DatabaseSchema schema() {
        if (schema == null) {
            throw new IllegalStateException("no record has been read");
        }
        return schema;
    }

    /** The rows after all records. */
    DataSnapshot snapshot() {
        return DataSnapshot.of(schema(), tables);
    }

    @Override
    public void read(long record, JsonParser json) throws IOException {
        if (record == 0) {
            schemaRead = DatabaseSchema.fromJson(values.readTree(json));
            if (!schemaRead.name().equals(name)) {
                throw new RecordReader.RefusedException("holds database " + schemaRead.name() + ", not " + name);
            }
            return;
        }
        written.clear();
        differences = false;
        writtenHeapBytes = 0;
        for (String member = json.nextFieldName(); member != null; member = json.nextFieldName()) {
            JsonToken value = json.nextToken();
            TableSchema table = schema().table(member);
            if (member.equals("_is_diff")) {
                differences = value == JsonToken.VALUE_TRUE;
            }
            if (table == null) {
                json.skipChildren(); // _date, _comment, and tables that a newer schema dropped.
            } else {
                readTable(table, value, json);
            }
        }
    }

    private void readTable(TableSchema table, JsonToken begin, JsonParser json) throws IOException {
        expectObject(begin);
        Map<UUID, @Nullable Map<Integer, Datum>> rows = written.computeIfAbsent(table, t -> new HashMap<>());
        for (String text = json.nextFieldName(); text != null; text = json.nextFieldName()) {
            if (!Atoms.isUuid(text)) {
                throw new OvsdbException("syntax error", "\"" + text + "\" is not a valid UUID");
            }
            JsonToken value = json.nextToken();
            rows.put(UUID.fromString(text), value == JsonToken.VALUE_NULL ? null : readRow(table, value, json));
            grow(ROW_BYTES);
        }
    }

    private Map<Integer, Datum> readRow(TableSchema table, JsonToken begin, JsonParser json) throws IOException {
        expectObject(begin);
        Map<Integer, Datum> data = new HashMap<>();
        for (String columnName = json.nextFieldName(); columnName != null; columnName = json.nextFieldName()) {
            json.nextToken();
            ColumnSchema column = table.column(columnName);
            if (column == null) {
                json.skipChildren();
                continue;
            }
            valueHeapBytes = 0;
            JsonNode value = values.readTree(json);
            // A difference may have more or fewer members than a value.
            Datum datum = Datum.fromJson(value, column, Atoms.NamedUuids.NONE, 0, ColumnSchema.UNLIMITED);
            data.put(column.index(), datum);
            grow(datum.sizeBytes());
        }
        return data;
    }

    private static void expectObject(JsonToken token) {
        if (token != JsonToken.START_OBJECT) {
            throw new OvsdbException("syntax error", "object expected");
        }
    }

    private void grow(long bytes) {
        writtenHeapBytes += bytes;
        checkMemory(heapBytes + writtenHeapBytes);
    }

    private void checkMemory(long bytes) {
        if (bytes > maxHeapBytes) {
            throw new OvsdbException(
                    "resources exhausted",
                    "with it the database takes more than %d MB of memory, half of what this process may have (-Xmx)"
                            .formatted(maxHeapBytes >> 20));
        }
    }

    @Override
    public void take(long record) throws IOException {
        if (record == 0) {
            schema = schemaRead;
            return;
        }
        for (Map.Entry<TableSchema, Map<UUID, @Nullable Map<Integer, Datum>>> entry : written.entrySet()) {
            TableSchema table = entry.getKey();
            Map<UUID, DataRow> rows = tables.computeIfAbsent(table.name(), t -> new HashMap<>());
            entry.getValue().forEach((uuid, data) -> {
                DataRow before = data == null ? rows.remove(uuid) : rows.get(uuid);
                heapBytes -= before == null ? 0 : before.sizeBytes();
                if (data != null) {
                    DataRow row = row(before, table, uuid, data);
                    rows.put(uuid, row);
                    heapBytes += row.sizeBytes();
                }
            });
        }
        written.clear();
        checkMemory(heapBytes);
    }

    private DataRow row(@Nullable DataRow before, TableSchema table, UUID uuid, Map<Integer, Datum> data) {
        if (before == null) {
            return DataRow.fresh(table, uuid).with(data);
        }
        if (differences) {
            for (ColumnSchema column : table.columns().values()) {
                data.computeIfPresent(
                        column.index(), (_, difference) -> before.datum(column).apply(difference, column));
            }
        }
        return before.with(data);
    }
}
