package io.turnstile.ovsdb.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A database (RFC 7047 §3.2 database-schema).
 *
 * @param checksum as ovsdb-tool writes it into schemas; empty if the schema has none
 */
public record DatabaseSchema(String name, String version, String checksum, Map<String, TableSchema> tables) {

    /** The table of that name, null if there is none. */
    public @Nullable TableSchema table(String table) {
        return tables.get(table);
    }

    /** The table of that name; that there is none is a bug and an {@link IllegalArgumentException}. */
    public TableSchema known(String table) {
        TableSchema known = tables.get(table);
        if (known == null) {
            throw new IllegalArgumentException("database " + name + " has no table " + table);
        }
        return known;
    }

    /** RFC 7047 §3.2: if no table says that it is a root, all are. */
    public boolean isRoot(TableSchema table) {
        return table.root() || tables.values().stream().noneMatch(TableSchema::root);
    }

    public JsonNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("name", name);
        json.put("version", version);
        if (!checksum.isEmpty()) {
            json.put("cksum", checksum);
        }
        ObjectNode all = json.putObject("tables");
        tables.values().forEach(table -> all.set(table.name(), table.toJson()));
        return json;
    }

    /**
     * Reads a schema from its JSON.
     *
     * @throws SchemaException if it is no schema
     */
    public static DatabaseSchema fromJson(JsonNode json) {
        if (!json.path("name").isTextual() || !json.path("tables").isObject()) {
            throw new SchemaException("not a database schema: no name or no tables");
        }
        Map<String, TableSchema> tables = new LinkedHashMap<>();
        json.get("tables")
                .properties()
                .forEach(entry -> tables.put(entry.getKey(), TableSchema.fromJson(entry.getKey(), entry.getValue())));
        return new DatabaseSchema(
                json.get("name").asText(),
                json.path("version").asText(""),
                json.path("cksum").asText(""),
                tables);
    }
}
