package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.OvsdbException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * One client's conversation: requests in, replies and notifications out (RFC 7047 §4).
 *
 * <p>Threads: the server's event loop.
 */
final class OvsdbSession {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final Map<String, Database> databases;
    private final Locks locks;
    private final UUID serverId;
    private final Consumer<JsonNode> out;
    private final Set<String> lockNames = new HashSet<>();
    private final Map<JsonNode, Monitoring> monitors = new HashMap<>();

    private record Monitoring(Database database, Monitor monitor, Object key) {
    }

    OvsdbSession(Map<String, Database> databases, Locks locks, UUID serverId, Consumer<JsonNode> out) {
        this.databases = databases;
        this.locks = locks;
        this.serverId = serverId;
        this.out = out;
    }

    /** Takes one JSON-RPC message. */
    void receive(JsonNode message) {
        if (!message.has("method")) {
            return; // A reply to one of our echoes.
        }
        JsonNode id = message.path("id");
        JsonNode params = message.path("params");
        String method = message.get("method").asText();
        if (method.equals("cancel")) {
            databases.values().forEach(database -> database.cancel(this, params.path(0)));
            return;
        }
        try {
            handle(method, params, id);
        } catch (OvsdbException e) {
            reply(id, NullNode.instance, Transaction.error(e));
        }
    }

    private void handle(String method, JsonNode params, JsonNode id) {
        switch (method) {
            case "echo" -> reply(id, params);
            case "list_dbs" -> {
                ArrayNode names = NODES.arrayNode();
                databases.keySet().forEach(names::add);
                reply(id, names);
            }
            case "get_schema" -> reply(id, database(params).schema().toJson());
            case "get_server_id" -> reply(id, NODES.textNode(serverId.toString()));
            case "set_db_change_aware" -> reply(id, NODES.objectNode());
            case "transact" -> transact(params, id);
            case "monitor" -> monitor(params, id, Monitor.Version.MONITOR);
            case "monitor_cond" -> monitor(params, id, Monitor.Version.COND);
            case "monitor_cond_since" -> monitor(params, id, Monitor.Version.COND_SINCE);
            case "monitor_cond_change" -> changeConditions(params, id);
            case "monitor_cancel" -> cancelMonitor(params, id);
            case "lock" -> lock(params, id, false);
            case "steal" -> lock(params, id, true);
            case "unlock" -> {
                String name = params.path(0).asText();
                lockNames.remove(name);
                locks.unlock(name, this);
                reply(id, NODES.objectNode());
            }
            default -> reply(id, NullNode.instance, Transaction.error(new OvsdbException("unknown method", method)));
        }
    }

    private Database database(JsonNode params) {
        Database database = databases.get(params.path(0).asText());
        if (database == null) {
            throw new OvsdbException("unknown database", params.path(0).asText()).at(params);
        }
        return database;
    }

    private void transact(JsonNode params, JsonNode id) {
        List<JsonNode> operations = new ArrayList<>();
        params.forEach(operations::add);
        Database database = database(params);
        if (database.schema().name().equals("_Server")) {
            throw new OvsdbException("not allowed", "_Server database is read-only");
        }
        database.transact(operations.subList(1, operations.size()), name -> locks.isOwner(name, this), this, id, replies -> {
            if (replies == null) {
                reply(id, NullNode.instance, NODES.textNode("canceled"));
            } else {
                reply(id, replies);
            }
        });
    }

    // ---- monitors ----

    private void monitor(JsonNode params, JsonNode id, Monitor.Version version) {
        Database database = database(params);
        JsonNode monitorId = params.path(1);
        if (monitors.containsKey(monitorId)) {
            throw new OvsdbException("syntax error", "duplicate monitor ID").at(monitorId);
        }
        Monitor monitor = Monitor.parse(params.path(2), database.schema(), version);
        Object key = new Object();
        monitors.put(monitorId, new Monitoring(database, monitor, key));
        database.follow(key, (transaction, changes) -> notifyOf(monitorId, monitor, transaction, monitor.update(changes)));
        if (version == Monitor.Version.COND_SINCE) {
            reply(id, since(database, monitor, params.path(3).asText()));
        } else {
            reply(id, monitor.initial(database.snapshot()));
        }
    }

    /** ovsdb-server(7) §4.1.15: only what the client has missed, if we still know that. */
    private static ArrayNode since(Database database, Monitor monitor, String lastSeen) {
        Map<String, Map<UUID, Monitor.RowChange>> missed = null;
        try {
            missed = database.changesSince(UUID.fromString(lastSeen));
        } catch (IllegalArgumentException e) {
            // Not a transaction of ours.
        }
        return NODES.arrayNode().add(missed != null).add(database.lastTransaction().toString())
                .add(missed != null ? monitor.update(missed) : monitor.initial(database.snapshot()));
    }

    private void notifyOf(JsonNode monitorId, Monitor monitor, UUID transaction, ObjectNode updates) {
        if (updates.isEmpty()) {
            return;
        }
        ArrayNode params = NODES.arrayNode().add(monitorId);
        if (monitor.version() == Monitor.Version.COND_SINCE) {
            params.add(transaction.toString());
        }
        send(monitor.version().notification(), params.add(updates));
    }

    private void changeConditions(JsonNode params, JsonNode id) {
        Monitoring monitoring = monitors.remove(params.path(0));
        if (monitoring == null) {
            throw new OvsdbException("unknown monitor", "unknown monitor").at(params.path(0));
        }
        JsonNode newId = params.path(1);
        Database database = monitoring.database;
        Monitor monitor = monitoring.monitor;
        monitors.put(newId, monitoring);
        database.follow(monitoring.key,
                (transaction, changes) -> notifyOf(newId, monitor, transaction, monitor.update(changes)));
        ObjectNode updates = monitor.changeConditions(params.path(2), database.snapshot());
        notifyOf(newId, monitor, database.lastTransaction(), updates);
        reply(id, NODES.objectNode());
    }

    private void cancelMonitor(JsonNode params, JsonNode id) {
        Monitoring monitoring = monitors.remove(params.path(0));
        if (monitoring == null) {
            throw new OvsdbException("unknown monitor", "unknown monitor").at(params);
        }
        monitoring.database.unfollow(monitoring.key);
        reply(id, NODES.objectNode());
    }

    // ---- locks ----

    private void lock(JsonNode params, JsonNode id, boolean steal) {
        String name = params.path(0).asText();
        if (!lockNames.add(name)) {
            throw new OvsdbException("syntax error", "must issue \"unlock\" before new \"lock\"").at(params);
        }
        if (steal) {
            OvsdbSession victim = locks.steal(name, this);
            if (victim != null) {
                victim.send("stolen", NODES.arrayNode().add(name));
            }
            reply(id, NODES.objectNode().put("locked", true));
        } else {
            reply(id, NODES.objectNode().put("locked", locks.lock(name, this)));
        }
    }

    /** The lock that this client waited for is its own now. */
    void locked(String name) {
        send("locked", NODES.arrayNode().add(name));
    }

    // ---- out ----

    void probe() {
        out.accept(NODES.objectNode().put("id", "echo").put("method", "echo").set("params", NODES.arrayNode()));
    }

    private void send(String method, JsonNode params) {
        ObjectNode message = NODES.objectNode();
        message.putNull("id");
        message.put("method", method);
        message.set("params", params);
        out.accept(message);
    }

    private void reply(JsonNode id, JsonNode result) {
        reply(id, result, NullNode.instance);
    }

    private void reply(JsonNode id, JsonNode result, JsonNode error) {
        if (id.isMissingNode() || id.isNull()) {
            return; // A notification wants no answer.
        }
        ObjectNode message = NODES.objectNode();
        message.set("id", id);
        message.set("result", result);
        message.set("error", error);
        out.accept(message);
    }

    /** The connection is gone. */
    void close() {
        monitors.values().forEach(monitoring -> monitoring.database.unfollow(monitoring.key));
        databases.values().forEach(database -> database.cancel(this, null));
        List.copyOf(lockNames).forEach(name -> locks.unlock(name, this));
    }
}
