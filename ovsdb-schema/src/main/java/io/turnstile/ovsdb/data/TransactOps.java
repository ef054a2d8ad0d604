package io.turnstile.ovsdb.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.TableSchema;
import java.util.ArrayList;
import java.util.List;

/** The encoder says what a backend wants done in RFC 7047 operations. Threads: stateless. */
public final class TransactOps {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private TransactOps() {}

    /**
     * One operation of the kind "update" for each row; columns that the schema does not have are passed over, as an
     * older server may lack some.
     */
    public static List<JsonNode> updates(List<OvsdbBackend.ColumnUpdate> updates, DatabaseSchema schema) {
        List<JsonNode> operations = new ArrayList<>();
        for (OvsdbBackend.ColumnUpdate update : updates) {
            TableSchema table = schema.table(update.table());
            if (table == null) {
                continue;
            }
            ObjectNode row = NODES.objectNode();
            update.columns().forEach((name, value) -> {
                ColumnSchema column = table.column(name);
                if (column != null) {
                    row.set(name, Datum.ofJava(value).toJson(column));
                }
            });
            ArrayNode where = NODES.arrayNode();
            where.add(NODES.arrayNode().add("_uuid").add("==").add(Atoms.toJson(update.row())));
            ObjectNode operation = NODES.objectNode().put("op", "update").put("table", update.table());
            operation.set("where", where);
            operation.set("row", row);
            operations.add(operation);
        }
        return operations;
    }

    /** Inserts the root row provided that there is none. */
    public static List<JsonNode> ensureRoot() {
        ObjectNode wait = NODES.objectNode()
                .put("op", "wait")
                .put("table", "Open_vSwitch")
                .put("timeout", 0)
                .put("until", "==");
        wait.set("where", NODES.arrayNode());
        wait.set("columns", NODES.arrayNode().add("next_cfg"));
        wait.set("rows", NODES.arrayNode());
        ObjectNode insert = NODES.objectNode().put("op", "insert").put("table", "Open_vSwitch");
        insert.set("row", NODES.objectNode());
        return List.of(wait, insert);
    }
}
