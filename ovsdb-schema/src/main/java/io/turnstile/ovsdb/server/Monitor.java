package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.data.Members;
import io.turnstile.ovsdb.data.Members.Kind;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.TableSchema;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What one client follows of one database: tables, columns, kinds of change and conditions (RFC 7047 §4.1.5;
 * ovsdb-server(7) §4.1.12, §4.1.15), and the updates that tell it of a change.
 */
final class Monitor {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    /** Which of the three protocols, and so which form of updates. */
    enum Version {
        MONITOR("update"),
        COND("update2"),
        COND_SINCE("update3");

        private final String notification;

        Version(String notification) {
            this.notification = notification;
        }

        String notification() {
            return notification;
        }
    }

    private record Column(ColumnSchema schema, Select select) {}

    /** Which kinds of change are told. */
    private record Select(boolean initial, boolean insert, boolean delete, boolean modify) {
        static final Select ALL = new Select(true, true, true, true);
        static final Select NONE = new Select(false, false, false, false);

        Select or(Select other) {
            return new Select(
                    initial || other.initial, insert || other.insert, delete || other.delete, modify || other.modify);
        }
    }

    /**
     * A table that is followed.
     *
     * @param select what any of the columns is followed for
     */
    private record Table(TableSchema schema, List<Column> columns, Select select, Condition condition) {

        /** True if a column differs that is followed or that the condition looks at. */
        boolean differs(DataRow before, DataRow after) {
            return Stream.concat(columns.stream().map(Column::schema), condition.columns().stream())
                    .anyMatch(column -> !before.datum(column.name()).equals(after.datum(column.name())));
        }
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
            throw new OvsdbException("syntax error", "monitor-requests must be object").at(requests);
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
        List<JsonNode> clauses = new ArrayList<>();
        Select any = Select.NONE;
        boolean everyRow = false;
        for (JsonNode request : json.isArray() ? json : List.of(json)) {
            Members members = new Members(request, "table " + schema.name());
            JsonNode where =
                    version == Version.MONITOR ? MissingNode.getInstance() : members.optional("where", Kind.ARRAY);
            JsonNode names = members.optional("columns", Kind.ARRAY);
            JsonNode selectJson = members.optional("select", Kind.OBJECT);
            members.finish();
            Select select = select(selectJson, schema);
            any = any.or(select);
            for (ColumnSchema column : columns(names, schema)) {
                if (columns.stream().anyMatch(taken -> taken.schema.name().equals(column.name()))) {
                    throw new OvsdbException("syntax error", "column " + column.name() + " mentioned more than once")
                            .at(names);
                }
                columns.add(new Column(column, select));
            }
            everyRow |= where.isMissingNode();
            Condition.any(where.isMissingNode() ? NODES.arrayNode() : where, schema);
            where.forEach(clauses::add);
        }
        Condition condition =
                everyRow ? Condition.TRUE : Condition.any(NODES.arrayNode().addAll(clauses), schema);
        return new Table(schema, columns, any, condition);
    }

    private static Select select(JsonNode json, TableSchema schema) {
        if (json.isMissingNode()) {
            return Select.ALL;
        }
        Members members = new Members(json, "table " + schema.name() + " select");
        Select select = new Select(
                members.optional("initial", Kind.BOOLEAN).asBoolean(true),
                members.optional("insert", Kind.BOOLEAN).asBoolean(true),
                members.optional("delete", Kind.BOOLEAN).asBoolean(true),
                members.optional("modify", Kind.BOOLEAN).asBoolean(true));
        members.finish();
        return select;
    }

    /** The columns of those names; without names all but {@code _uuid}, which every update tells anyway. */
    private static List<ColumnSchema> columns(JsonNode names, TableSchema schema) {
        List<ColumnSchema> columns = new ArrayList<>();
        if (names.isMissingNode()) {
            columns.add(Condition.columnOf(schema, DataRow.VERSION_COLUMN));
            columns.addAll(schema.columns().values());
        }
        for (JsonNode name : names) {
            if (!name.isTextual()) {
                throw new OvsdbException("syntax error", "array of column names expected").at(names);
            }
            ColumnSchema column = Condition.columnOf(schema, name.asText());
            if (column == null) {
                throw new OvsdbException("syntax error", name.asText() + " is not a valid column name").at(names);
            }
            columns.add(column);
        }
        return columns;
    }

    // ---- updates ----

    /** The rows that are there when the monitor begins. */
    JsonNode initial(DataSnapshot snapshot) {
        return Unfolding.object(updates(
                tablesNow().filter(table -> table.select.initial),
                table -> snapshot.rows(table.schema.name()).values().stream()
                        .filter(table.condition)
                        .map(row -> Map.entry(
                                row.uuid(), Unfolding.later(() -> whole("initial", table, row, Select::initial))))));
    }

    /** The tables under their conditions of now, whatever they are when an update unfolds. */
    private Stream<Table> tablesNow() {
        return List.copyOf(tables.values()).stream();
    }

    /**
     * What changes mean for this monitor, null if nothing.
     *
     * @param changes do not change any more
     */
    @Nullable
    JsonNode update(Map<String, Map<UUID, RowChange>> changes) {
        Iterator<Map.Entry<String, JsonNode>> updates = updates(
                tablesNow(),
                table -> changes.getOrDefault(table.schema.name(), Map.of()).entrySet().stream()
                        .map(row -> rowUpdate(
                                row.getKey(),
                                table,
                                matching(table, row.getValue().before()),
                                matching(table, row.getValue().after()))));
        return updates.hasNext() ? Unfolding.object(updates) : null;
    }

    /**
     * Tables that have rows to tell of, and those rows, looked for no further than is asked: of a pair of streams the
     * inner one would be gone through at once ({@code flatMap}).
     */
    private static Iterator<Map.Entry<String, JsonNode>> updates(
            Stream<Table> tables, Function<Table, Stream<Map.@Nullable Entry<UUID, JsonNode>>> rowsOf) {
        return tables.map(table -> Map.entry(
                        table.schema.name(),
                        rowsOf.apply(table)
                                .filter(Objects::nonNull)
                                .map(row -> Map.entry(row.getKey().toString(), row.getValue()))
                                .iterator()))
                .filter(table -> table.getValue().hasNext())
                .map(table -> Map.entry(table.getKey(), Unfolding.object(table.getValue())))
                .iterator();
    }

    /** True if the change of a row may matter to this monitor: cheaper than the update, and never wrong about a no. */
    boolean mayTell(String tableName, RowChange change) {
        Table table = tables.get(tableName);
        if (table == null) {
            return false;
        }
        DataRow before = change.before();
        DataRow after = change.after();
        return before == null || after == null || table.differs(before, after);
    }

    boolean follows(String table) {
        return tables.containsKey(table);
    }

    private static @Nullable DataRow matching(Table table, @Nullable DataRow row) {
        return row != null && table.condition.test(row) ? row : null;
    }

    /**
     * One row's update, null if there is nothing to tell. Whether there is shows without making it: of all that is to
     * be sent no row's tree is there before its turn.
     */
    private Map.@Nullable Entry<UUID, JsonNode> rowUpdate(
            UUID uuid, Table table, @Nullable DataRow before, @Nullable DataRow after) {
        Supplier<ObjectNode> update;
        if (before != null && after != null) {
            update = table.select.modify && table.differs(before, after) ? () -> modified(table, before, after) : null;
        } else if (after != null) {
            update = table.select.insert ? () -> whole("insert", table, after, Select::insert) : null;
        } else {
            update = before != null && table.select.delete ? () -> deleted(table, before) : null;
        }
        return update == null ? null : Map.entry(uuid, Unfolding.later(update));
    }

    /**
     * The update of a row of which all is told.
     *
     * @param kind its word in the versions that have one for each kind
     */
    private ObjectNode whole(String kind, Table table, DataRow row, Predicate<Select> selected) {
        ObjectNode update = NODES.objectNode();
        if (version == Version.MONITOR) {
            update.set("new", allColumns(table, row, selected));
        } else {
            update.set(kind, nonDefault(table, row, selected));
        }
        return update;
    }

    private ObjectNode deleted(Table table, DataRow row) {
        ObjectNode update = NODES.objectNode();
        if (version == Version.MONITOR) {
            update.set("old", allColumns(table, row, Select::delete));
        } else {
            update.putNull("delete");
        }
        return update;
    }

    private ObjectNode modified(Table table, DataRow before, DataRow after) {
        ObjectNode changed = NODES.objectNode();
        for (Column column : table.columns) {
            Datum old = before.datum(column.schema.name());
            Datum now = after.datum(column.schema.name());
            if (column.select.modify && !old.equals(now)) {
                changed.set(
                        column.schema.name(),
                        version == Version.MONITOR
                                ? Values.json(old, column.schema)
                                : Values.json(old.differenceTo(now, column.schema), column.schema));
            }
        }
        ObjectNode update = NODES.objectNode();
        if (version == Version.MONITOR) {
            update.set("old", changed);
            update.set("new", allColumns(table, after, Select::modify));
        } else {
            update.set("modify", changed);
        }
        return update;
    }

    private static ObjectNode allColumns(Table table, DataRow row, Predicate<Select> selected) {
        ObjectNode json = NODES.objectNode();
        table.columns.stream()
                .filter(column -> selected.test(column.select))
                .forEach(column -> json.set(column.schema.name(), Values.json(row, column.schema.name())));
        return json;
    }

    private static ObjectNode nonDefault(Table table, DataRow row, Predicate<Select> selected) {
        ObjectNode json = NODES.objectNode();
        table.columns.stream()
                .filter(column -> selected.test(column.select))
                .filter(column -> !row.datum(column.schema.name()).equals(Datum.defaultOf(column.schema)))
                .forEach(column -> json.set(column.schema.name(), Values.json(row, column.schema.name())));
        return json;
    }

    /**
     * monitor_cond_change: takes over new conditions and says what comes into view and what goes out of it.
     *
     * @param requests table → {@code [{"where": …}]}
     * @return null if nothing does
     */
    @Nullable
    JsonNode changeConditions(JsonNode requests, DatabaseSchema schema, DataSnapshot snapshot) {
        if (!requests.isObject()) {
            throw new OvsdbException("syntax error", "monitor-cond-change-requests must be object");
        }
        Map<String, ConditionChange> changes = new LinkedHashMap<>();
        requests.properties()
                .forEach(entry -> changes.put(entry.getKey(), newCondition(entry.getKey(), entry.getValue(), schema)));
        changes.forEach((name, change) -> tables.put(name, change.after));
        Map<String, Table> now = Map.copyOf(tables); // It unfolds later.
        Iterator<Map.Entry<String, JsonNode>> updates =
                updates(changes.values().stream().map(ConditionChange::before), before -> {
                    Table after = now.getOrDefault(before.schema.name(), before);
                    return snapshot.rows(before.schema.name()).values().stream()
                            .map(row -> rowUpdate(row.uuid(), before, matching(before, row), matching(after, row)));
                });
        return updates.hasNext() ? Unfolding.object(updates) : null;
    }

    /** A table as it is followed until now and from now on. */
    private record ConditionChange(Table before, Table after) {}

    /** The table with the condition that the last of its requests asks for; with its own if there is no request. */
    private ConditionChange newCondition(String name, JsonNode requests, DatabaseSchema schema) {
        if (schema.table(name) == null) {
            throw new OvsdbException("syntax error", "no table named " + name);
        }
        Table table = tables.get(name);
        if (table == null) {
            throw new OvsdbException("syntax error", "no table named " + name + " in monitor session");
        }
        if (!requests.isArray()) {
            throw new OvsdbException("syntax error", "table " + name + " no monitor-cond-change JSON array");
        }
        Condition condition = table.condition;
        for (JsonNode request : requests) {
            Members members = new Members(request, "table " + name);
            JsonNode columns = members.optional("columns", Kind.ARRAY);
            JsonNode where = members.optional("where", Kind.ARRAY);
            members.finish();
            if (!columns.isMissingNode()) {
                throw new OvsdbException("syntax error", "changing columns is unsupported").at(request);
            }
            condition = where.isMissingNode() ? Condition.TRUE : Condition.any(where, table.schema);
        }
        return new ConditionChange(table, new Table(table.schema, table.columns, table.select, condition));
    }

    /** A row before and after; null where it was not there. */
    record RowChange(@Nullable DataRow before, @Nullable DataRow after) {

        /** What the two take in memory. */
        long rowBytes() {
            return (before == null ? 0 : before.sizeBytes()) + (after == null ? 0 : after.sizeBytes());
        }
    }
}
