package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.Atoms;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.TableSchema;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * One run of a transaction's operations over a snapshot (RFC 7047 §5.2). Nothing outside is changed: the result holds the
 * changes, and the replies in the RFC's form.
 */
final class Transaction {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final Changes changes;
    private final DataSnapshot before;
    private final Predicate<String> ownsLock;
    private final Map<String, UUID> names = new HashMap<>();
    private final Set<String> insertedNames = new HashSet<>();
    private final Atoms.NamedUuids named = Atoms.NamedUuids.of(names);
    private final List<String> comments = new ArrayList<>();
    private final long elapsedMs;
    private boolean durable;

    /** How a run ended. */
    sealed interface Outcome {
    }

    /** Committed, or refused if {@code changes} is null; {@code replies} says how. */
    record Done(ArrayNode replies, Changes changes, String comment, boolean durable) implements Outcome {
    }

    /**
     * A wait is not met yet: run again after the next change, or when so much time since the request has passed (-1: never).
     */
    record Blocked(long untilMs) implements Outcome {
    }

    /** A wait is not met and may wait on. */
    private static final class WaitException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final long timeoutMs;

        WaitException(long timeoutMs) {
            super(null, null, false, false);
            this.timeoutMs = timeoutMs;
        }
    }

    private Transaction(DataSnapshot before, Predicate<String> ownsLock, long elapsedMs) {
        this.before = before;
        this.changes = new Changes(before);
        this.ownsLock = ownsLock;
        this.elapsedMs = elapsedMs;
    }

    /**
     * @param operations the operations, without the database's name
     * @param ownsLock   whether the client holds a lock, for {@code assert}
     * @param elapsedMs  since the request came, for {@code wait}
     */
    static Outcome run(DataSnapshot before, List<JsonNode> operations, Predicate<String> ownsLock, long elapsedMs) {
        return new Transaction(before, ownsLock, elapsedMs).run(operations);
    }

    private Outcome run(List<JsonNode> operations) {
        ArrayNode replies = NODES.arrayNode();
        for (int i = 0; i < operations.size(); i++) {
            try {
                replies.add(execute(operations.get(i)));
            } catch (WaitException e) {
                return new Blocked(e.timeoutMs);
            } catch (OvsdbException e) {
                replies.add(error(e));
                for (int rest = i + 1; rest < operations.size(); rest++) {
                    replies.addNull();
                }
                return new Done(replies, null, "", false);
            }
        }
        try {
            Integrity.enforce(before.schema(), changes);
            changes.dropUnchanged();
            return new Done(replies, changes, String.join("\n", comments), durable);
        } catch (OvsdbException e) {
            return new Done(replies.add(error(e)), null, "", false);
        }
    }

    /** RFC 7047 §3.1 error. */
    static ObjectNode error(OvsdbException e) {
        ObjectNode json = NODES.objectNode();
        json.put("details", e.details());
        json.put("error", e.error());
        if (e.syntax() != null) {
            json.put("syntax", e.syntax());
        }
        return json;
    }

    private ObjectNode execute(JsonNode operation) {
        String name = operation.path("op").asText();
        return switch (name) {
            case "insert" -> insert(operation, table(operation));
            case "select" -> select(operation, table(operation));
            case "update" -> update(operation, table(operation));
            case "mutate" -> mutate(operation, table(operation));
            case "delete" -> delete(operation, table(operation));
            case "wait" -> await(operation, table(operation));
            case "commit" -> {
                durable |= operation.path("durable").asBoolean();
                yield NODES.objectNode();
            }
            case "abort" -> throw new OvsdbException("aborted", "aborted by request");
            case "comment" -> {
                comments.add(operation.path("comment").asText());
                yield NODES.objectNode();
            }
            case "assert" -> {
                String lock = operation.path("lock").asText();
                if (!ownsLock.test(lock)) {
                    throw new OvsdbException("not owner", "Asserted lock " + lock + " not held.");
                }
                yield NODES.objectNode();
            }
            default -> throw new OvsdbException("syntax error",
                    "Parsing ovsdb operation failed: No operation \"" + name + "\"").at(operation);
        };
    }

    private TableSchema table(JsonNode operation) {
        String name = operation.path("table").asText();
        TableSchema table = before.schema().table(name);
        if (table == null) {
            throw new OvsdbException("unknown table", "No table named " + name + ".").at(operation);
        }
        return table;
    }

    private ObjectNode insert(JsonNode operation, TableSchema table) {
        UUID uuid = operation.has("uuid") ? UUID.fromString(operation.get("uuid").asText()) : null;
        if (operation.has("uuid-name")) {
            String name = operation.get("uuid-name").asText();
            if (!insertedNames.add(name)) {
                throw new OvsdbException("duplicate uuid-name",
                        "This \"uuid-name\" appeared on an earlier \"insert\" operation.")
                        .at(operation);
            }
            uuid = uuid == null ? named.refer(name) : uuid;
            names.put(name, uuid);
        }
        if (uuid != null && changes.row(table.name(), uuid) != null) {
            throw new OvsdbException("duplicate uuid",
                    "This UUID would duplicate a UUID already present within the table or deleted "
                    + "within the same transaction.").at(operation);
        }
        DataRow row = DataRow.fresh(table, uuid == null ? UUID.randomUUID() : uuid)
                .with(columns(operation.path("row"), table, true));
        changes.put(row);
        return NODES.objectNode().set("uuid", Atoms.toJson(row.uuid()));
    }

    private Map<Integer, Datum> columns(JsonNode json, TableSchema table, boolean inserting) {
        if (!json.isObject() && !json.isMissingNode()) {
            throw new OvsdbException("syntax error", "row must be JSON object").at(json);
        }
        Map<Integer, Datum> columns = new HashMap<>();
        json.properties().forEach(entry -> {
            ColumnSchema column = table.column(entry.getKey());
            if (column == null) {
                throw new OvsdbException("unknown column", "No column " + entry.getKey() + " in table " + table.name() + ".")
                        .at(json);
            }
            if (!inserting && !column.mutable()) {
                throw new OvsdbException("constraint violation",
                        "Cannot update immutable column " + column.name() + " in table " + table.name() + ".").at(json);
            }
            columns.put(column.index(), Datum.fromJson(entry.getValue(), column, named));
        });
        return columns;
    }

    private List<DataRow> where(JsonNode operation, TableSchema table) {
        if (!operation.has("where")) {
            throw new OvsdbException("syntax error", "Parsing ovsdb operation failed: Required 'where' member is missing.")
                    .at(operation);
        }
        Condition condition = Condition.all(operation.get("where"), table, named);
        List<DataRow> rows = new ArrayList<>();
        UUID sole = condition.soleUuid();
        if (sole != null) {
            DataRow row = changes.row(table.name(), sole);
            if (row != null && condition.test(row)) {
                rows.add(row);
            }
        } else {
            changes.forEach(table.name(), row -> {
                if (condition.test(row)) {
                    rows.add(row);
                }
            });
        }
        return rows;
    }

    private ObjectNode select(JsonNode operation, TableSchema table) {
        List<String> columns = columnNames(operation, table);
        ObjectNode reply = NODES.objectNode();
        ArrayNode rows = reply.putArray("rows");
        Set<ObjectNode> seen = new HashSet<>();
        for (DataRow row : where(operation, table)) {
            ObjectNode json = json(row, columns);
            if (seen.add(json)) {
                rows.add(json);
            }
        }
        return reply;
    }

    private static ObjectNode json(DataRow row, List<String> columns) {
        ObjectNode json = NODES.objectNode();
        columns.forEach(column -> json.set(column, row.json(column)));
        return json;
    }

    private static List<String> columnNames(JsonNode operation, TableSchema table) {
        List<String> names = new ArrayList<>();
        if (operation.has("columns")) {
            for (JsonNode column : operation.get("columns")) {
                Condition.columnOf(table, column.asText());
                names.add(column.asText());
            }
        } else {
            names.add(DataRow.UUID_COLUMN);
            names.add(DataRow.VERSION_COLUMN);
            names.addAll(table.columns().keySet());
        }
        return names;
    }

    private static ObjectNode count(int rows) {
        return NODES.objectNode().put("count", rows);
    }

    private ObjectNode update(JsonNode operation, TableSchema table) {
        Map<Integer, Datum> columns = columns(operation.path("row"), table, false);
        List<DataRow> rows = where(operation, table);
        rows.forEach(row -> changes.put(row.with(columns)));
        return count(rows.size());
    }

    private ObjectNode mutate(JsonNode operation, TableSchema table) {
        List<Mutation> mutations = new ArrayList<>();
        operation.path("mutations").forEach(json -> mutations.add(Mutation.parse(json, table, named)));
        List<DataRow> rows = where(operation, table);
        for (DataRow row : rows) {
            Map<Integer, Datum> columns = new HashMap<>();
            for (Mutation mutation : mutations) {
                ColumnSchema column = mutation.column();
                Datum old = columns.getOrDefault(column.index(), row.datum(column));
                Datum changed = mutation.apply(old);
                if (changed.size() < column.min() || changed.size() > column.max()) {
                    throw new OvsdbException("constraint violation",
                            "Attempted to store %d elements in set of %d to %s elements.".formatted(changed.size(),
                            column.min(),
                                    column.max() == ColumnSchema.UNLIMITED ? "unlimited" : column.max()));
                }
                columns.put(column.index(), changed);
            }
            changes.put(row.with(columns));
        }
        return count(rows.size());
    }

    private ObjectNode delete(JsonNode operation, TableSchema table) {
        List<DataRow> rows = where(operation, table);
        rows.forEach(changes::delete);
        return count(rows.size());
    }

    private ObjectNode await(JsonNode operation, TableSchema table) {
        List<String> columns = columnNames(operation, table);
        boolean equal = switch (operation.path("until").asText()) {
            case "==" -> true;
            case "!=" -> false;
            default -> throw new OvsdbException("syntax error", "\"until\" must be \"==\" or \"!=\"").at(operation);
        };
        Set<List<Datum>> wanted = new HashSet<>();
        for (JsonNode json : operation.path("rows")) {
            DataRow row = DataRow.fresh(table, new UUID(0, 0)).with(columns(json, table, true));
            wanted.add(columns.stream().map(row::datum).toList());
        }
        Set<List<Datum>> present = new HashSet<>();
        where(operation, table).forEach(row -> present.add(columns.stream().map(row::datum).toList()));
        if (present.equals(wanted) == equal) {
            return NODES.objectNode();
        }
        long timeoutMs = operation.has("timeout") ? operation.get("timeout").asLong() : -1;
        if (timeoutMs >= 0 && elapsedMs >= timeoutMs) {
            throw new OvsdbException("timed out", timeoutMs == 0 ? "\"where\" clause test failed"
                    : "\"wait\" timed out after " + elapsedMs + " ms");
        }
        throw new WaitException(timeoutMs);
    }
}
