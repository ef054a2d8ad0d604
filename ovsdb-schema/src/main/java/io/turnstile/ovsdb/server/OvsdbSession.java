package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.Atoms;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.data.OvsdbJson;
import java.net.ProtocolException;
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
    private static final JsonNode PROBE_ID = NODES.textNode("echo");
    private static final Set<String> MEMBERS = Set.of("id", "method", "params", "result", "error");

    private final Map<String, Database> databases;
    private final Locks locks;
    private final UUID serverId;
    private final Consumer<JsonNode> out;
    private final Set<String> lockNames = new HashSet<>();
    private final Map<JsonNode, Monitoring> monitors = new HashMap<>();

    private record Monitoring(Database database, Monitor monitor, Object key) {}

    OvsdbSession(Map<String, Database> databases, Locks locks, UUID serverId, Consumer<JsonNode> out) {
        this.databases = databases;
        this.locks = locks;
        this.serverId = serverId;
        this.out = out;
    }

    /**
     * Takes one JSON-RPC message; {@link ProtocolException} if it is none, after which there is nothing to be said any
     * more.
     */
    void receive(JsonNode message) throws ProtocolException {
        requireRpc(message);
        JsonNode id = message.path("id");
        JsonNode params = message.path("params");
        if (!message.has("method")) {
            return; // The reply to our probe.
        }
        String method = message.get("method").asText();
        if (id.isMissingNode() || id.isNull()) {
            if (method.equals("cancel") && params.size() == 1) {
                databases.values().forEach(database -> database.cancel(this, params.get(0)));
            }
            return; // RFC 7047 knows no other notification from a client.
        }
        try {
            handle(method, params, id);
        } catch (OvsdbException e) {
            reply(id, NullNode.instance, Transaction.error(e));
        }
    }

    /** JSON-RPC 1.0: a request, a notification, or the one reply that we wait for. */
    private static void requireRpc(JsonNode message) throws ProtocolException {
        if (!message.isObject()
                || !message.properties().stream().allMatch(member -> MEMBERS.contains(member.getKey()))) {
            throw new ProtocolException("not a JSON-RPC message");
        }
        boolean nothingElse = isAbsent(message, "result") && isAbsent(message, "error");
        boolean call =
                message.path("method").isTextual() && message.path("params").isArray() && nothingElse;
        boolean reply = !message.has("method") && message.path("id").equals(PROBE_ID) && message.has("result");
        if (!call && !reply) {
            throw new ProtocolException("neither a request nor a reply to one of ours");
        }
    }

    private static boolean isAbsent(JsonNode message, String member) {
        return message.path(member).isMissingNode() || message.path(member).isNull();
    }

    private void handle(String method, JsonNode params, JsonNode id) {
        switch (method) {
            case "echo" -> reply(id, params);
            case "list_dbs" -> {
                ArrayNode names = NODES.arrayNode();
                databases.keySet().forEach(names::add);
                reply(id, names);
            }
            case "get_schema" -> reply(id, database(method, params).schema().toJson());
            case "get_server_id" -> reply(id, NODES.textNode(serverId.toString()));
            case "set_db_change_aware" -> {
                if (params.size() != 1 || !params.get(0).isBoolean()) {
                    throw new OvsdbException("syntax error", method + ": true or false parameter expected").at(params);
                }
                reply(id, NODES.objectNode()); // No database ever comes, goes or is converted here.
            }
            case "transact" -> transact(params, id);
            case "monitor" -> monitor(method, params, id, Monitor.Version.MONITOR);
            case "monitor_cond" -> monitor(method, params, id, Monitor.Version.COND);
            case "monitor_cond_since" -> monitor(method, params, id, Monitor.Version.COND_SINCE);
            case "monitor_cond_change" -> changeConditions(params, id);
            case "monitor_cancel" -> cancelMonitor(params, id);
            case "lock", "steal" -> lock(method, params, id);
            case "unlock" -> unlock(params, id);
            default -> reply(id, NullNode.instance, NODES.textNode("unknown method"));
        }
    }

    private Database database(String method, JsonNode params) {
        if (!params.path(0).isTextual()) {
            throw new OvsdbException("syntax error", method + " request params must begin with <db-name>").at(params);
        }
        Database database = databases.get(params.get(0).asText());
        if (database == null) {
            throw new OvsdbException(
                            "unknown database",
                            method + " request specifies unknown database "
                                    + params.get(0).asText())
                    .at(params);
        }
        return database;
    }

    private void transact(JsonNode params, JsonNode id) {
        Database database = database("transact", params);
        if (databases.values().stream().anyMatch(other -> other.isPending(this, id))) {
            throw new OvsdbException("syntax error", "transact: duplicate request ID").at(params);
        }
        List<JsonNode> operations = new ArrayList<>();
        params.forEach(operations::add);
        database.transact(
                operations.subList(1, operations.size()), name -> locks.isOwner(name, this), this, id, replies -> {
                    if (replies == null) {
                        reply(id, NullNode.instance, NODES.textNode("canceled"));
                    } else {
                        reply(id, replies);
                    }
                });
    }

    // ---- monitors ----

    private void monitor(String method, JsonNode params, JsonNode id, Monitor.Version version) {
        Database database = database(method, params);
        int expected = version == Monitor.Version.COND_SINCE ? 4 : 3;
        if (version == Monitor.Version.MONITOR ? params.size() < expected : params.size() != expected) {
            throw new OvsdbException("syntax error", "invalid parameters").at(params);
        }
        JsonNode monitorId = params.get(1);
        if (!params.get(2).isObject()) {
            throw new OvsdbException("syntax error", "monitor-requests must be object").at(params.get(2));
        }
        if (monitors.containsKey(monitorId)) {
            throw new OvsdbException("syntax error", "duplicate monitor ID").at(monitorId);
        }
        Monitor monitor = Monitor.parse(params.get(2), database.schema(), version);
        JsonNode result = version == Monitor.Version.COND_SINCE
                ? since(database, monitor, params.get(3))
                : monitor.initial(database.snapshot());
        Object key = new Object();
        monitors.put(monitorId, new Monitoring(database, monitor, key));
        database.follow(
                key, (transaction, changes) -> notifyOf(monitorId, monitor, transaction, monitor.update(changes)));
        reply(id, result);
    }

    /** ovsdb-server(7) §4.1.15: only what the client has missed, if we still know that. */
    private static ArrayNode since(Database database, Monitor monitor, JsonNode lastSeen) {
        if (!lastSeen.isTextual()) {
            throw new OvsdbException("syntax error", "last-txn-id must be string").at(lastSeen);
        }
        if (!Atoms.isUuid(lastSeen.asText())) {
            throw new OvsdbException("syntax error", "last-txn-id must be UUID format.").at(lastSeen);
        }
        Map<String, Map<UUID, Monitor.RowChange>> missed = database.changesSince(UUID.fromString(lastSeen.asText()));
        return NODES.arrayNode()
                .add(missed != null)
                .add(database.lastTransaction().toString())
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
        if (params.size() != 3) {
            throw new OvsdbException("syntax error", "invalid parameters").at(params);
        }
        JsonNode oldId = params.get(0);
        JsonNode newId = params.get(1);
        Monitoring monitoring = monitors.get(oldId);
        if (monitoring == null) {
            throw new OvsdbException("syntax error", "unknown monitor session").at(oldId);
        }
        if (!oldId.equals(newId) && monitors.containsKey(newId)) {
            throw new OvsdbException("syntax error", "duplicate monitor ID").at(newId);
        }
        Database database = monitoring.database;
        Monitor monitor = monitoring.monitor;
        if (monitor.version() == Monitor.Version.MONITOR) {
            throw new OvsdbException("syntax error", "a monitor without conditions cannot change them").at(oldId);
        }
        ObjectNode updates = monitor.changeConditions(params.get(2), database.schema(), database.snapshot());
        monitors.remove(oldId);
        monitors.put(newId, monitoring);
        database.follow(
                monitoring.key,
                (transaction, changes) -> notifyOf(newId, monitor, transaction, monitor.update(changes)));
        notifyOf(newId, monitor, database.lastTransaction(), updates);
        reply(id, NODES.objectNode());
    }

    private void cancelMonitor(JsonNode params, JsonNode id) {
        Monitoring monitoring = params.size() == 1 ? monitors.remove(params.get(0)) : null;
        if (monitoring == null) {
            reply(id, NullNode.instance, NODES.textNode(params.size() == 1 ? "unknown monitor" : "invalid parameters"));
            return;
        }
        monitoring.database.unfollow(monitoring.key);
        reply(id, NODES.objectNode());
    }

    // ---- locks ----

    private static String lockName(String method, JsonNode params) {
        if (params.size() != 1
                || !params.get(0).isTextual()
                || !OvsdbJson.isId(params.get(0).asText())) {
            throw new OvsdbException("syntax error", method + " request params must be <id>").at(params);
        }
        return params.get(0).asText();
    }

    private void lock(String method, JsonNode params, JsonNode id) {
        String name = lockName(method, params);
        if (!lockNames.add(name)) {
            throw new OvsdbException("syntax error", "must issue \"unlock\" before new \"" + method + "\"").at(params);
        }
        if (method.equals("steal")) {
            OvsdbSession victim = locks.steal(name, this);
            if (victim != null) {
                victim.send("stolen", NODES.arrayNode().add(name));
            }
            reply(id, NODES.objectNode().put("locked", true));
        } else {
            reply(id, NODES.objectNode().put("locked", locks.lock(name, this)));
        }
    }

    private void unlock(JsonNode params, JsonNode id) {
        String name = lockName("unlock", params);
        if (!lockNames.remove(name)) {
            throw new OvsdbException("syntax error", "unlock: \"unlock\" without \"lock\" or \"steal\"").at(params);
        }
        locks.unlock(name, this);
        reply(id, NODES.objectNode());
    }

    /** The lock that this client waited for is its own now. */
    void locked(String name) {
        send("locked", NODES.arrayNode().add(name));
    }

    // ---- out ----

    void probe() {
        ObjectNode message = NODES.objectNode().put("method", "echo");
        message.set("id", PROBE_ID);
        message.set("params", NODES.arrayNode());
        out.accept(message);
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
