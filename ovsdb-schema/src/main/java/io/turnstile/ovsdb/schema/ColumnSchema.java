package io.turnstile.ovsdb.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * A column (RFC 7047 §3.2 column-schema and type).
 *
 * @param value null unless the column is a map
 * @param min 0 or 1 (fewest atoms or pairs)
 * @param max most atoms or pairs, {@link #UNLIMITED} for no limit
 * @param ephemeral lost when the server restarts
 * @param mutable may change after insertion
 * @param index position in its table's rows
 */
public record ColumnSchema(
        String name,
        BaseType key,
        @Nullable BaseType value,
        int min,
        int max,
        boolean ephemeral,
        boolean mutable,
        int index) {
    public static final int UNLIMITED = Integer.MAX_VALUE;

    public boolean isMap() {
        return value != null;
    }

    /** Exactly one atom. */
    public boolean isScalar() {
        return value == null && min == 1 && max == 1;
    }

    /** At most one atom: RFC 7047 §5.1 writes it without brackets. */
    public boolean isOptionalScalar() {
        return value == null && max == 1;
    }

    /** The type in words, as ovsdb-server's errors have it: "set of up to 2 strings". */
    public String typeInEnglish() {
        if (isScalar()) {
            return key.atom().word();
        }
        String arity = max != UNLIMITED
                ? min == 0 ? "of up to " + max : "of " + min + " to " + max
                : min == 0 ? "of" : "of " + min + " or more";
        return value != null
                ? "map %s (%s, %s) pairs"
                        .formatted(arity, key.atom().word(), value.atom().word())
                : "set %s %ss".formatted(arity, key.atom().word());
    }

    JsonNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        if (isScalar() && key.toJson().isTextual()) {
            json.set("type", key.toJson());
        } else {
            ObjectNode type = json.putObject("type");
            type.set("key", key.toJson());
            if (value != null) {
                type.set("value", value.toJson());
            }
            if (min != 1) {
                type.put("min", min);
            }
            if (max == UNLIMITED) {
                type.put("max", "unlimited");
            } else if (max != 1) {
                type.put("max", max);
            }
        }
        if (ephemeral) {
            json.put("ephemeral", true);
        }
        if (!mutable) {
            json.put("mutable", false);
        }
        return json;
    }

    static ColumnSchema fromJson(String name, JsonNode json, int index) {
        JsonNode type = json.path("type");
        boolean ephemeral = json.path("ephemeral").asBoolean(false);
        boolean mutable = json.path("mutable").asBoolean(true);
        if (type.isMissingNode()) {
            throw new SchemaException("column " + name + " has no type");
        }
        if (type.isTextual()) {
            return new ColumnSchema(name, BaseType.fromJson(type), null, 1, 1, ephemeral, mutable, index);
        }
        JsonNode max = type.path("max");
        return new ColumnSchema(
                name,
                BaseType.fromJson(type.path("key")),
                type.has("value") ? BaseType.fromJson(type.get("value")) : null,
                type.path("min").asInt(1),
                max.isTextual() ? UNLIMITED : max.asInt(1),
                ephemeral,
                mutable,
                index);
    }
}
