package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.Atoms;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.data.Members;
import io.turnstile.ovsdb.data.Members.Kind;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.TableSchema;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One run of a transaction's operations over a snapshot (RFC 7047 §5.2). Nothing outside is changed: the result holds
 * the changes, and the replies in the RFC's form.
 */
final class Transaction {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    /** Stands for a table that an operation names wrongly. */
    private static final TableSchema NO_TABLE = new TableSchema("", Map.of(), false, 0, List.of());

    private static final Set<String> WRITING = Set.of("insert", "update", "mutate", "delete", "commit");

    private final Changes changes;
    private final DataSnapshot before;
    private final Predicate<String> ownsLock;
    private final Map<String, UUID> names = new HashMap<>();
    private final Set<String> insertedNames = new HashSet<>();
    private final Atoms.NamedUuids named = Atoms.NamedUuids.of(names);
    private final List<String> comments = new ArrayList<>();
    private final long elapsedMs;
    private final boolean reserved;
    private final int maxRows;
    private final List<DataRow> selected = new ArrayList<>();
    private long rowVisits;

    /** How a run ended. */
    sealed interface Outcome {}

    /**
     * Committed, or refused if {@code changes} is null; {@code replies} says how.
     *
     * @param replies may hold {@link Unfolding}s, of {@code rows}
     */
    record Done(ArrayNode replies, @Nullable Changes changes, String comment, RowsHeld rows) implements Outcome {}

    /**
     * A wait is not met yet: run again after the next change, or when so much time since the request has passed (-1:
     * never).
     */
    record Blocked(long untilMs) implements Outcome {}

    /** A wait is not met and may wait on. */
    private static final class WaitException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final long timeoutMs;

        WaitException(long timeoutMs) {
            super(null, null, false, false);
            this.timeoutMs = timeoutMs;
        }
    }

    private Transaction(
            DataSnapshot before,
            Predicate<String> ownsLock,
            long elapsedMs,
            boolean reserved,
            long maxBytes,
            int maxRows) {
        this.before = before;
        this.changes = new Changes(before, maxBytes);
        this.maxRows = maxRows;
        this.ownsLock = ownsLock;
        this.elapsedMs = elapsedMs;
        this.reserved = reserved;
    }

    /**
     * Runs a transaction.
     *
     * @param operations the operations, without the database's name
     * @param ownsLock whether the client holds a lock, for {@code assert}
     * @param elapsedMs since the request came, for {@code wait}
     * @param reserved the database is the server's own: whatever would write is refused
     * @param maxBytes what the database may grow to
     * @param maxRows how many rows all selects together may find
     */
    static Outcome run(
            DataSnapshot before,
            List<JsonNode> operations,
            Predicate<String> ownsLock,
            long elapsedMs,
            boolean reserved,
            long maxBytes,
            int maxRows) {
        return new Transaction(before, ownsLock, elapsedMs, reserved, maxBytes, maxRows).run(operations);
    }

    private Outcome run(List<JsonNode> operations) {
        ArrayNode replies = NODES.arrayNode();
        for (int i = 0; i < operations.size(); i++) {
            try {
                replies.add(execute(
                        new Members(operations.get(i), "ovsdb operation %d of %d".formatted(i + 1, operations.size())),
                        operations.get(i)));
            } catch (WaitException e) {
                return new Blocked(e.timeoutMs);
            } catch (OvsdbException e) {
                replies.add(error(e));
                for (int rest = i + 1; rest < operations.size(); rest++) {
                    replies.addNull();
                }
                return new Done(replies, null, "", rows());
            }
        }
        try {
            Integrity.enforce(before.schema(), changes);
            changes.dropUnchanged();
            return new Done(replies, changes, String.join("\n", comments), rows());
        } catch (OvsdbException e) {
            return new Done(replies.add(error(e)), null, "", rows());
        }
    }

    private RowsHeld rows() {
        return RowsHeld.of(selected);
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

    private ObjectNode execute(Members members, JsonNode operation) {
        String name = members.require("op", Kind.ID).asText();
        ObjectNode reply = switch (name) {
            case "insert" -> insert(members, table(members));
            case "select" -> select(members, table(members));
            case "update" -> update(members, table(members), operation);
            case "mutate" -> mutate(members, table(members));
            case "delete" -> delete(members, table(members));
            case "wait" -> await(members, table(members));
            case "commit" -> {
                members.require("durable", Kind.BOOLEAN); // Every commit is: it is on disk before its reply.
                members.finish();
                yield NODES.objectNode();
            }
            case "abort" -> {
                members.finish();
                throw new OvsdbException("aborted", "aborted by request");
            }
            case "comment" -> comment(members);
            case "assert" -> assertLock(members);
            default -> {
                members.raise("No operation \"" + name + "\"");
                members.finish();
                throw new IllegalStateException("finish() throws what was raised");
            }
        };
        if (reserved && WRITING.contains(name)) {
            throw new OvsdbException(
                    "not allowed",
                    "%s operation not allowed on table in reserved database %s"
                            .formatted(name, before.schema().name()));
        }
        return reply;
    }

    private ObjectNode comment(Members members) {
        JsonNode comment = members.require("comment", Kind.STRING);
        members.finish();
        comments.add(comment.asText());
        return NODES.objectNode();
    }

    private ObjectNode assertLock(Members members) {
        String lock = members.require("lock", Kind.ID).asText();
        members.finish();
        if (!ownsLock.test(lock)) {
            throw new OvsdbException("not owner", "Asserted lock " + lock + " not held.");
        }
        return NODES.objectNode();
    }

    /** The operation's table; {@link #NO_TABLE} if it is wrong, which {@link Members#finish} will say. */
    private TableSchema table(Members members) {
        JsonNode name = members.require("table", Kind.ID);
        TableSchema table = before.schema().table(name.asText());
        if (table == null && !name.isMissingNode()) {
            members.raise("No table named " + name.asText() + ".");
        }
        return table == null ? NO_TABLE : table;
    }

    private ObjectNode insert(Members members, TableSchema table) {
        JsonNode uuidJson = members.optional("uuid", Kind.STRING);
        JsonNode nameJson = members.optional("uuid-name", Kind.ID);
        JsonNode row = members.require("row", Kind.OBJECT);
        members.finish();
        UUID uuid = uuidJson.isMissingNode() ? null : uuidOfNewRow(uuidJson, table);
        if (!nameJson.isMissingNode()) {
            String name = nameJson.asText();
            if (!insertedNames.add(name)) {
                throw new OvsdbException(
                                "duplicate uuid-name",
                                "This \"uuid-name\" appeared on an earlier \"insert\" operation.")
                        .at(nameJson);
            }
            uuid = uuid == null ? named.refer(name) : uuid;
            names.put(name, uuid);
        }
        Map<Integer, Datum> columns = new HashMap<>();
        columns(row, table).forEach((column, datum) -> {
            if (column.index() >= 0) { // _uuid and _version are the server's to choose.
                columns.put(column.index(), datum);
            }
        });
        DataRow inserted =
                DataRow.fresh(table, uuid == null ? UUID.randomUUID() : uuid).with(columns);
        for (ColumnSchema column : table.columns().values()) {
            String violation = inserted.datum(column).violation(column); // A default need not be allowed.
            if (violation != null) {
                throw new OvsdbException("constraint violation", violation);
            }
        }
        changes.put(inserted);
        return NODES.objectNode().set("uuid", Atoms.toJson(inserted.uuid()));
    }

    private UUID uuidOfNewRow(JsonNode json, TableSchema table) {
        if (!Atoms.isUuid(json.asText())) {
            throw new OvsdbException("syntax error", "bad uuid").at(json);
        }
        UUID uuid = UUID.fromString(json.asText());
        if (before.rows(table.name()).containsKey(uuid) || changes.row(table.name(), uuid) != null) {
            throw new OvsdbException(
                            "duplicate uuid",
                            "This UUID would duplicate a UUID already present within the table or deleted "
                                    + "within the same transaction.")
                    .at(json);
        }
        return uuid;
    }

    private Map<ColumnSchema, Datum> columns(JsonNode json, TableSchema table) {
        if (!json.isObject()) {
            throw new OvsdbException("syntax error", "row must be JSON object").at(json);
        }
        Map<ColumnSchema, Datum> columns = new LinkedHashMap<>();
        json.properties().forEach(entry -> {
            ColumnSchema column = Condition.columnOf(table, entry.getKey());
            if (column == null) {
                throw new OvsdbException(
                                "unknown column", "No column " + entry.getKey() + " in table " + table.name() + ".")
                        .at(json);
            }
            columns.put(column, Datum.fromJson(entry.getValue(), column, named));
        });
        return columns;
    }

    private List<DataRow> matching(Condition condition, TableSchema table) {
        List<DataRow> rows = new ArrayList<>();
        UUID sole = condition.soleUuid();
        int costOfRow = Math.max(1, condition.size());
        if (sole != null) {
            visit(costOfRow);
            DataRow row = changes.row(table.name(), sole);
            if (row != null && condition.test(row)) {
                rows.add(row);
            }
        } else {
            changes.forEach(table.name(), row -> {
                visit(costOfRow);
                if (condition.test(row)) {
                    rows.add(row);
                }
            });
        }
        return rows;
    }

    private void visit(int cost) {
        rowVisits += cost;
        if (rowVisits > ServerLimits.ROW_VISITS) {
            throw new OvsdbException(
                    "resources exhausted",
                    "The transaction looks at rows more than " + ServerLimits.ROW_VISITS + " times.");
        }
    }

    private ObjectNode select(Members members, TableSchema table) {
        JsonNode where = members.require("where", Kind.ARRAY);
        JsonNode columnsJson = members.optional("columns", Kind.ARRAY);
        JsonNode sortJson = members.optional("sort", Kind.ARRAY);
        members.finish();
        Condition condition = Condition.all(where, table, named);
        List<String> columns = columnNames(columnsJson, table);
        List<String> sort = sortJson.isMissingNode() ? List.of() : columnNames(sortJson, table);
        List<DataRow> found = matching(condition, table);
        if (!sort.isEmpty()) {
            found.sort((a, b) -> sort.stream()
                    .mapToInt(column -> a.datum(column).compareTo(b.datum(column)))
                    .filter(order -> order != 0)
                    .findFirst()
                    .orElse(0));
        }
        List<DataRow> distinct = columns.contains(DataRow.UUID_COLUMN) ? found : distinct(found, columns);
        if (selected.size() + distinct.size() > maxRows) {
            throw new OvsdbException("resources exhausted", "The transaction selects more than " + maxRows + " rows.");
        }
        selected.addAll(distinct);
        return NODES.objectNode()
                .set(
                        "rows",
                        Unfolding.array(distinct.stream()
                                .map(row -> (JsonNode) json(row, columns))
                                .iterator()));
    }

    /** The first of the rows of each kind. */
    private static List<DataRow> distinct(List<DataRow> rows, List<String> columns) {
        Set<List<Datum>> seen = new HashSet<>();
        return rows.stream()
                .filter(row -> seen.add(columns.stream().map(row::datum).toList()))
                .toList();
    }

    private static ObjectNode json(DataRow row, List<String> columns) {
        ObjectNode json = NODES.objectNode();
        columns.forEach(column -> json.set(column, Values.json(row, column)));
        return json;
    }

    /** Names of columns, checked; all of the table's if there are none. */
    private static List<String> columnNames(JsonNode json, TableSchema table) {
        Set<String> names = new LinkedHashSet<>();
        if (json.isMissingNode()) {
            names.add(DataRow.UUID_COLUMN);
            names.add(DataRow.VERSION_COLUMN);
            names.addAll(table.columns().keySet());
        }
        for (JsonNode name : json) {
            if (name.isTextual() && Condition.columnOf(table, name.asText()) == null) {
                throw new OvsdbException("syntax error", name.asText() + " is not a valid column name").at(json);
            }
            if (!name.isTextual() || !names.add(name.asText())) {
                throw new OvsdbException("syntax error", "array of distinct column names expected").at(json);
            }
        }
        return List.copyOf(names);
    }

    private static ObjectNode count(int rows) {
        return NODES.objectNode().put("count", rows);
    }

    private ObjectNode update(Members members, TableSchema table, JsonNode operation) {
        JsonNode where = members.require("where", Kind.ARRAY);
        JsonNode row = members.require("row", Kind.OBJECT);
        members.finish();
        Map<Integer, Datum> columns = new HashMap<>();
        columns(row, table).forEach((column, datum) -> {
            if (!column.mutable()) {
                throw new OvsdbException(
                                "constraint violation",
                                "Cannot update immutable column " + column.name() + " in table " + table.name() + ".")
                        .at(operation);
            }
            columns.put(column.index(), datum);
        });
        List<DataRow> rows = matching(Condition.all(where, table, named), table);
        rows.forEach(old -> changes.put(old.with(columns)));
        return count(rows.size());
    }

    private ObjectNode mutate(Members members, TableSchema table) {
        JsonNode where = members.require("where", Kind.ARRAY);
        JsonNode mutationsJson = members.require("mutations", Kind.ARRAY);
        members.finish();
        List<Mutation> mutations = new ArrayList<>();
        mutationsJson.forEach(json -> mutations.add(Mutation.parse(json, table, named)));
        List<DataRow> rows = matching(Condition.all(where, table, named), table);
        for (DataRow row : rows) {
            visit(mutations.size());
            Map<Integer, Datum> columns = new HashMap<>();
            for (Mutation mutation : mutations) {
                ColumnSchema column = mutation.column();
                columns.put(column.index(), mutation.apply(columns.getOrDefault(column.index(), row.datum(column))));
            }
            changes.put(row.with(columns));
        }
        return count(rows.size());
    }

    private ObjectNode delete(Members members, TableSchema table) {
        JsonNode where = members.require("where", Kind.ARRAY);
        members.finish();
        List<DataRow> rows = matching(Condition.all(where, table, named), table);
        rows.forEach(changes::delete);
        return count(rows.size());
    }

    private ObjectNode await(Members members, TableSchema table) {
        JsonNode timeout = members.optional("timeout", Kind.INTEGER);
        JsonNode where = members.require("where", Kind.ARRAY);
        JsonNode columnsJson = members.optional("columns", Kind.ARRAY);
        JsonNode until = members.require("until", Kind.STRING);
        JsonNode rowsJson = members.require("rows", Kind.ARRAY);
        members.finish();
        Condition condition = Condition.all(where, table, named);
        List<String> columns = columnNames(columnsJson, table);
        long timeoutMs = timeout.asLong(-1);
        if (!timeout.isMissingNode() && timeoutMs < 0) {
            throw new OvsdbException("syntax error", "timeout must be nonnegative").at(timeout);
        }
        boolean equal = switch (until.asText()) {
            case "==" -> true;
            case "!=" -> false;
            default -> throw new OvsdbException("syntax error", "\"until\" must be \"==\" or \"!=\"").at(until);
        };
        Set<List<Datum>> wanted = new HashSet<>();
        for (JsonNode json : rowsJson) {
            Map<ColumnSchema, Datum> given = columns(json, table);
            wanted.add(columns.stream()
                    .map(name -> Condition.columnOf(table, name))
                    .map(column -> given.getOrDefault(column, Datum.defaultOf(column)))
                    .toList());
        }
        Set<List<Datum>> present = new HashSet<>();
        matching(condition, table)
                .forEach(row -> present.add(columns.stream().map(row::datum).toList()));
        if (present.equals(wanted) == equal) {
            return NODES.objectNode();
        }
        if (timeoutMs >= 0 && elapsedMs >= timeoutMs) {
            throw new OvsdbException(
                    "timed out",
                    elapsedMs == 0 ? "\"where\" clause test failed" : "\"wait\" timed out after " + elapsedMs + " ms");
        }
        throw new WaitException(timeoutMs);
    }
}
