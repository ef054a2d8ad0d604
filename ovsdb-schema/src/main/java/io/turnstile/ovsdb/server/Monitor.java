package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.TableSchema;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * What one client follows of one database: tables, columns, kinds of change and conditions (RFC 7047 §4.1.5; ovsdb-server(7)
 * §4.1.12, §4.1.15), and the updates that tell it of a change.
 */
final class Monitor {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    /** Which of the three protocols, and so which form of updates. */
    enum Version {
        MONITOR("update"), COND("update2"), COND_SINCE("update3");

        private final String notification;

        Version(String notification) {
            this.notification = notification;
        }

        String notification() {
            return notification;
        }
    }

    private record Column(ColumnSchema schema, boolean initial, boolean insert, boolean delete, boolean modify) {
    }

    private record Table(TableSchema schema, List<Column> columns, Condition condition) {
    }

    private final Version version;
    private final Map<String, Table> tables = new LinkedHashMap<>();

    private Monitor(Version version) {
        this.version = version;
    }

    Version version() {
        return version;
    }

    /** Reads monitor-requests; {@link OvsdbException} if they are none. */
    static Monitor parse(JsonNode requests, DatabaseSchema schema, Version version) {
        Monitor monitor = new Monitor(version);
        if (!requests.isObject()) {
            throw new OvsdbException("syntax error", "<monitor-requests> must be an object").at(requests);
        }
        requests.properties().forEach(entry -> {
            TableSchema table = schema.table(entry.getKey());
            if (table == null) {
                throw new OvsdbException("syntax error", "no table named " + entry.getKey());
            }
            monitor.tables.put(table.name(), monitor.parseTable(entry.getValue(), table));
        });
        return monitor;
    }

    private Table parseTable(JsonNode json, TableSchema schema) {
        List<Column> columns = new ArrayList<>();
        Condition condition = Condition.TRUE;
        Iterable<JsonNode> requests = json.isArray() ? json : List.of(json);
        for (JsonNode request : requests) {
            JsonNode select = request.path("select");
            if (request.has("where")) {
                condition = Condition.any(request.get("where"), schema);
            }
            List<String> names = new ArrayList<>();
            if (request.has("columns")) {
                request.get("columns").forEach(name -> names.add(name.asText()));
            } else {
                names.addAll(schema.columns().keySet());
            }
            for (String name : names) {
                if (name.startsWith("_")) {
                    continue; // Every row update names its UUID; the version is nobody's business.
                }
                columns.add(new Column(Condition.columnOf(schema, name), select.path("initial").asBoolean(true),
                        select.path("insert").asBoolean(true), select.path("delete").asBoolean(true),
                        select.path("modify").asBoolean(true)));
            }
        }
        return new Table(schema, columns, condition);
    }

    // ---- updates ----

    /** The rows that are there when the monitor begins. */
    ObjectNode initial(DataSnapshot snapshot) {
        ObjectNode updates = NODES.objectNode();
        tables.forEach((name, table) -> {
            ObjectNode rows = NODES.objectNode();
            if (table.columns.isEmpty() || table.columns.stream().anyMatch(Column::initial)) {
                snapshot.rows(name).values().stream().filter(table.condition).forEach(row -> {
                    ObjectNode update = rows.putObject(row.uuid().toString());
                    if (version == Version.MONITOR) {
                        update.set("new", allColumns(table, row, Column::initial));
                    } else {
                        update.set("initial", nonDefault(table, row, Column::initial));
                    }
                });
            }
            if (!rows.isEmpty()) {
                updates.set(name, rows);
            }
        });
        return updates;
    }

    /** What a change means for this monitor; empty if nothing. */
    ObjectNode update(Map<String, Map<UUID, RowChange>> changes) {
        ObjectNode updates = NODES.objectNode();
        changes.forEach((name, rows) -> {
            Table table = tables.get(name);
            if (table == null) {
                return;
            }
            ObjectNode rowUpdates = NODES.objectNode();
            rows.forEach((uuid, change) -> {
                ObjectNode update = rowUpdate(table, matching(table, change.before()), matching(table, change.after()));
                if (update != null) {
                    rowUpdates.set(uuid.toString(), update);
                }
            });
            if (!rowUpdates.isEmpty()) {
                updates.set(name, rowUpdates);
            }
        });
        return updates;
    }

    private static DataRow matching(Table table, DataRow row) {
        return row != null && table.condition.test(row) ? row : null;
    }

    private ObjectNode rowUpdate(Table table, DataRow before, DataRow after) {
        if (before == null && after == null) {
            return null;
        }
        if (before == null) {
            return inserted(table, after);
        }
        if (after == null) {
            return deleted(table, before);
        }
        return modified(table, before, after);
    }

    private ObjectNode inserted(Table table, DataRow row) {
        if (!table.columns.isEmpty() && table.columns.stream().noneMatch(Column::insert)) {
            return null;
        }
        ObjectNode update = NODES.objectNode();
        if (version == Version.MONITOR) {
            update.set("new", allColumns(table, row, Column::insert));
        } else {
            update.set("insert", nonDefault(table, row, Column::insert));
        }
        return update;
    }

    private ObjectNode deleted(Table table, DataRow row) {
        if (!table.columns.isEmpty() && table.columns.stream().noneMatch(Column::delete)) {
            return null;
        }
        ObjectNode update = NODES.objectNode();
        if (version == Version.MONITOR) {
            update.set("old", allColumns(table, row, Column::delete));
        } else {
            update.putNull("delete");
        }
        return update;
    }

    private ObjectNode modified(Table table, DataRow before, DataRow after) {
        ObjectNode changed = NODES.objectNode();
        for (Column column : table.columns) {
            Datum old = before.datum(column.schema);
            Datum now = after.datum(column.schema);
            if (column.modify && !old.equals(now)) {
                changed.set(column.schema.name(), version == Version.MONITOR ? old.toJson(column.schema)
                        : old.differenceTo(now, column.schema).toJson(column.schema));
            }
        }
        if (changed.isEmpty()) {
            return null;
        }
        ObjectNode update = NODES.objectNode();
        if (version == Version.MONITOR) {
            update.set("old", changed);
            update.set("new", allColumns(table, after, Column::modify));
        } else {
            update.set("modify", changed);
        }
        return update;
    }

    private static ObjectNode allColumns(Table table, DataRow row, Predicate<Column> selected) {
        ObjectNode json = NODES.objectNode();
        table.columns.stream().filter(selected)
                .forEach(column -> json.set(column.schema.name(), row.json(column.schema.name())));
        return json;
    }

    private static ObjectNode nonDefault(Table table, DataRow row, Predicate<Column> selected) {
        ObjectNode json = NODES.objectNode();
        table.columns.stream().filter(selected)
                .filter(column -> !row.datum(column.schema).equals(Datum.defaultOf(column.schema)))
                .forEach(column -> json.set(column.schema.name(), row.json(column.schema.name())));
        return json;
    }

    /**
     * monitor_cond_change: takes over new conditions and says what comes into view and what goes out of it.
     *
     * @param requests table → {@code [{"where": …}]}
     */
    ObjectNode changeConditions(JsonNode requests, DataSnapshot snapshot) {
        ObjectNode updates = NODES.objectNode();
        requests.properties().forEach(entry -> {
            Table table = tables.get(entry.getKey());
            if (table == null) {
                throw new OvsdbException("syntax error", "no table named " + entry.getKey() + " in monitor");
            }
            JsonNode request = entry.getValue().isArray() ? entry.getValue().path(0) : entry.getValue();
            Condition condition = request.has("where") ? Condition.any(request.get("where"), table.schema) : Condition.TRUE;
            Table changed = new Table(table.schema, table.columns, condition);
            tables.put(entry.getKey(), changed);
            ObjectNode rows = NODES.objectNode();
            snapshot.rows(entry.getKey()).values().forEach(row -> {
                ObjectNode update = rowUpdate(table, matching(table, row), matching(changed, row));
                if (update != null) {
                    rows.set(row.uuid().toString(), update);
                }
            });
            if (!rows.isEmpty()) {
                updates.set(entry.getKey(), rows);
            }
        });
        return updates;
    }

    /** A row before and after; null where it was not there. */
    record RowChange(DataRow before, DataRow after) {
    }
}
