package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a client knows of a database by the updates it was sent: table → UUID → column → value, sets and maps in the
 * order of their text. It follows the words of ovsdb-server(7) and shares no code with what writes the updates.
 */
final class Replica {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final DatabaseSchema schema;
    private final Map<String, Map<String, Map<String, JsonNode>>> tables = new TreeMap<>();

    Replica(DatabaseSchema schema) {
        this.schema = schema;
    }

    Map<String, Map<String, Map<String, JsonNode>>> tables() {
        return tables;
    }

    /** Takes {@code <table-updates>} or {@code <table-updates2>}. */
    void apply(JsonNode updates) {
        updates.properties()
                .forEach(table -> table.getValue()
                        .properties()
                        .forEach(row -> apply(table.getKey(), row.getKey(), row.getValue())));
        tables.values().removeIf(Map::isEmpty);
    }

    private void apply(String table, String uuid, JsonNode update) {
        Map<String, Map<String, JsonNode>> rows = tables.computeIfAbsent(table, t -> new TreeMap<>());
        if (update.has("new")) {
            assertThat(rows.containsKey(uuid)).as("as known as it is said").isEqualTo(update.has("old"));
            rows.put(uuid, row(table, update.get("new")));
        } else if (update.has("old") || update.has("delete")) {
            assertThat(rows.remove(uuid)).as("known before it goes").isNotNull();
        } else if (update.has("modify")) {
            Map<String, JsonNode> row = rows.get(uuid);
            assertThat(update.get("modify").isEmpty()).isFalse();
            update.get("modify")
                    .properties()
                    .forEach(change -> row.merge(
                            change.getKey(),
                            sorted(change.getValue()),
                            (before, difference) -> changed(column(table, change.getKey()), before, difference)));
        } else {
            JsonNode fresh = update.has("insert") ? update.get("insert") : update.get("initial");
            assertThat(rows.put(uuid, row(table, fresh)))
                    .as("not known before it comes")
                    .isNull();
        }
    }

    private ColumnSchema column(String table, String name) {
        return schema.table(table).known(name);
    }

    /** All columns but those of UUIDs' and versions' own; what is not told is at its default. */
    private Map<String, JsonNode> row(String table, JsonNode told) {
        Map<String, JsonNode> row = new TreeMap<>();
        schema.table(table)
                .columns()
                .values()
                .forEach(column -> row.put(
                        column.name(),
                        sorted(
                                told.has(column.name())
                                        ? told.get(column.name())
                                        : LocalPeer.whole(
                                                Datum.defaultOf(column).toJson(column)))));
        return row;
    }

    private static JsonNode changed(ColumnSchema column, JsonNode before, JsonNode difference) {
        if (column.isOptionalScalar()) {
            return difference;
        }
        Map<String, JsonNode> members = new TreeMap<>();
        for (JsonNode item : items(before)) {
            members.put(key(column, item), item);
        }
        for (JsonNode item : items(difference)) {
            String key = key(column, item);
            if (item.equals(members.get(key))) {
                members.remove(key);
            } else {
                members.put(key, item);
            }
        }
        ArrayNode all = NODES.arrayNode();
        members.values().forEach(all::add);
        return sorted(
                !column.isMap() && all.size() == 1
                        ? all.get(0)
                        : NODES.arrayNode().add(column.isMap() ? "map" : "set").add(all));
    }

    private static String key(ColumnSchema column, JsonNode item) {
        return (column.isMap() ? item.get(0) : item).toString();
    }

    private static Iterable<JsonNode> items(JsonNode value) {
        return value.path(1).isArray() ? value.get(1) : List.of(value);
    }

    private static JsonNode sorted(JsonNode value) {
        if (!value.path(1).isArray()) {
            return value;
        }
        List<JsonNode> items = new ArrayList<>();
        value.get(1).forEach(items::add);
        items.sort((a, b) -> a.toString().compareTo(b.toString()));
        return NODES.arrayNode().add(value.get(0)).add(NODES.arrayNode().addAll(items));
    }

    /** What a replica of the whole database would hold. */
    static Map<String, Map<String, Map<String, JsonNode>>> of(DataSnapshot snapshot) {
        Map<String, Map<String, Map<String, JsonNode>>> tables = new TreeMap<>();
        snapshot.schema()
                .tables()
                .values()
                .forEach(table -> snapshot.rows(table.name()).forEach((uuid, row) -> {
                    Map<String, JsonNode> columns = new TreeMap<>();
                    table.columns()
                            .values()
                            .forEach(column ->
                                    columns.put(column.name(), sorted(LocalPeer.whole(row.json(column.name())))));
                    tables.computeIfAbsent(table.name(), t -> new TreeMap<>()).put(uuid.toString(), columns);
                }));
        return tables;
    }
}
