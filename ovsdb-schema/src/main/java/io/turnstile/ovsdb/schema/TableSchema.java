package io.turnstile.ovsdb.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A table (RFC 7047 §3.2 table-schema).
 *
 * @param columns by name, in order; their {@link ColumnSchema#index} counts from 0
 * @param root rows live without being referred to
 * @param indexes sets of columns whose values together are unique
 */
public record TableSchema(
        String name, Map<String, ColumnSchema> columns, boolean root, int maxRows, List<List<String>> indexes) {

    /** The column of that name, null if there is none. */
    public @Nullable ColumnSchema column(String column) {
        return columns.get(column);
    }

    /** The column of that name; that there is none is a bug and an {@link IllegalArgumentException}. */
    public ColumnSchema known(String column) {
        ColumnSchema known = columns.get(column);
        if (known == null) {
            throw new IllegalArgumentException("table " + name + " has no column " + column);
        }
        return known;
    }

    JsonNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ObjectNode all = json.putObject("columns");
        columns.values().forEach(column -> all.set(column.name(), column.toJson()));
        if (root) {
            json.put("isRoot", true);
        }
        if (maxRows != ColumnSchema.UNLIMITED) {
            json.put("maxRows", maxRows);
        }
        if (!indexes.isEmpty()) {
            ArrayNode list = json.putArray("indexes");
            indexes.forEach(index -> {
                ArrayNode names = list.addArray();
                index.forEach(names::add);
            });
        }
        return json;
    }

    static TableSchema fromJson(String name, JsonNode json) {
        Map<String, ColumnSchema> columns = new LinkedHashMap<>();
        json.path("columns")
                .properties()
                .forEach(entry -> columns.put(
                        entry.getKey(), ColumnSchema.fromJson(entry.getKey(), entry.getValue(), columns.size())));
        List<List<String>> indexes = new ArrayList<>();
        json.path("indexes").forEach(index -> {
            List<String> names = new ArrayList<>();
            index.forEach(column -> names.add(column.asText()));
            indexes.add(List.copyOf(names));
        });
        return new TableSchema(
                name,
                columns,
                json.path("isRoot").asBoolean(false),
                json.path("maxRows").asInt(ColumnSchema.UNLIMITED),
                List.copyOf(indexes));
    }
}
