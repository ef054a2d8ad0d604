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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One client's conversation: requests in, replies and notifications out (RFC 7047 §4).
 *
 * <p>Threads: the server's event loop.
 */
final class OvsdbSession {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final UUID NOTHING = new UUID(0, 0);
    private static final JsonNode PROBE_ID = NODES.textNode("echo");
    private static final Set<String> MEMBERS = Set.of("id", "method", "params", "result", "error");

    private final Map<String, Database> databases;
    private final Locks locks;
    private final UUID serverId;
    private final Peer peer;
    private final ServerLimits limits;
    /** Each lock with what its request cost. */
    private final Map<String, Long> lockNames = new HashMap<>();

    private final Map<JsonNode, Monitoring> monitors = new LinkedHashMap<>();
    private int waiting;
    /** What the request that is handled now takes in memory. */
    private long costBytes;

    /** A client's session; what it has beyond the limits is refused. */
    OvsdbSession(Map<String, Database> databases, Locks locks, UUID serverId, ServerLimits limits, Peer peer) {
        this.databases = databases;
        this.locks = locks;
        this.serverId = serverId;
        this.limits = limits;
        this.peer = peer;
    }

    /**
     * One of the client's monitors, and what it was not told yet because it has not read what it was told before. That
     * is one change for each row, however often the row changed.
     */
    private final class Monitoring implements Database.Follower {
        private final Database database;
        private final Monitor monitor;
        private final long costBytes;
        private JsonNode id;
        private final Map<String, Map<UUID, Monitor.RowChange>> gathered = new HashMap<>();
        private UUID gatheredUntil = NOTHING;
        private long gatheredBytes;
        private int gatheredCount;

        Monitoring(JsonNode id, Database database, Monitor monitor, long costBytes) {
            this.id = id;
            this.database = database;
            this.monitor = monitor;
            this.costBytes = costBytes;
        }

        @Override
        public void committed(UUID transaction, Map<String, Map<UUID, Monitor.RowChange>> changes) {
            if (peer.isBehind() || !gathered.isEmpty()) {
                gather(transaction, changes);
            } else {
                tell(transaction, monitor.update(changes), RowsHeld.of(changes));
            }
        }

        private void gather(UUID transaction, Map<String, Map<UUID, Monitor.RowChange>> changes) {
            gatheredUntil = transaction;
            changes.forEach((table, rows) -> {
                if (!monitor.follows(table)) {
                    return;
                }
                Map<UUID, Monitor.RowChange> byRow = gathered.computeIfAbsent(table, t -> new HashMap<>());
                rows.forEach((uuid, change) -> gather(table, byRow, uuid, change));
                if (byRow.isEmpty()) {
                    gathered.remove(table);
                }
            });
        }

        private void gather(String table, Map<UUID, Monitor.RowChange> byRow, UUID uuid, Monitor.RowChange change) {
            Monitor.RowChange first = byRow.get(uuid);
            if (first == null && !monitor.mayTell(table, change)) {
                return;
            }
            Monitor.RowChange both = first == null ? change : new Monitor.RowChange(first.before(), change.after());
            gatheredBytes += both.rowBytes() - (first == null ? 0 : first.rowBytes());
            gatheredCount += first == null ? 1 : 0;
            if (both.before() == null && both.after() == null) { // Came and went.
                byRow.remove(uuid);
                gatheredCount--;
            } else {
                byRow.put(uuid, both);
            }
        }

        RowsHeld gatheredRows() {
            return new RowsHeld(
                    gatheredBytes, (long) RowsHeld.CHANGE_BYTES * gatheredCount, RowsHeld.sources(gathered));
        }

        void tellGathered() {
            if (!gathered.isEmpty()) {
                Map<String, Map<UUID, Monitor.RowChange>> changes = Map.copyOf(gathered);
                gathered.clear();
                gatheredBytes = 0;
                gatheredCount = 0;
                tell(gatheredUntil, monitor.update(changes), RowsHeld.of(changes));
            }
        }

        void tell(UUID transaction, @Nullable JsonNode updates, RowsHeld rows) {
            if (updates == null) {
                return;
            }
            ArrayNode params = NODES.arrayNode().add(id);
            if (monitor.version() == Monitor.Version.COND_SINCE) {
                params.add(transaction.toString());
            }
            send(monitor.version().notification(), params.add(updates), rows);
        }
    }

    /**
     * Takes one JSON-RPC message; {@link ProtocolException} if it is none, after which there is nothing to be said any
     * more.
     *
     * @param costBytes what the message takes in memory
     */
    void receive(JsonNode message, long costBytes) throws ProtocolException {
        this.costBytes = costBytes;
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
            refuse(id, e);
        }
    }

    /** Answers a request with an error. */
    void refuse(JsonNode id, OvsdbException error) {
        reply(id, NullNode.instance, Transaction.error(error));
    }

    private void requireRoom(int own, int all, String what) {
        if (own >= limits.perClient() || all >= limits.together()) {
            throw new OvsdbException(
                    "resources exhausted",
                    "%s: a client may have %d, and all together %d."
                            .formatted(what, limits.perClient(), limits.together()));
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
            case "get_schema" -> reply(id, database(method, params).schemaJson());
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
        Wait wait = new Wait(costBytes);
        database.transactUnfolding(
                operations.subList(1, operations.size()),
                name -> locks.isOwner(name, this),
                this,
                id,
                (replies, rows) -> {
                    wait.end();
                    if (replies == null) {
                        reply(id, NullNode.instance, NODES.textNode("canceled"));
                    } else {
                        // Each operation has its part in the answer, whether it has found rows or not.
                        reply(id, replies, NullNode.instance, rows.within(wait.begun ? wait.costBytes : 0));
                    }
                });
        if (wait.begin()
                && (waiting > limits.perClient()
                        || databases.values().stream()
                                        .mapToInt(Database::waiting)
                                        .sum()
                                > limits.together())) {
            wait.end();
            database.forget(this, id);
            requireRoom(limits.perClient(), 0, "too many waiting transactions");
        }
    }

    /** A transaction's wait, if it has one, as the client is charged for it. */
    private final class Wait {
        private final long costBytes;
        private boolean begun;
        private boolean ended;

        Wait(long costBytes) {
            this.costBytes = costBytes;
        }

        /** Returns false if the transaction is over already. */
        boolean begin() {
            if (ended) {
                return false;
            }
            begun = true;
            waiting++;
            peer.charge(ClientBudget.Held.KEPT, costBytes);
            return true;
        }

        void end() {
            if (begun && !ended) {
                waiting--;
                peer.charge(ClientBudget.Held.KEPT, -costBytes);
            }
            ended = true;
        }
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
        requireRoom(
                monitors.size(),
                databases.values().stream().mapToInt(Database::followers).sum(),
                "too many monitors");
        Monitor monitor = Monitor.parse(params.get(2), database.schema(), version);
        Map<String, Map<UUID, Monitor.RowChange>> missed =
                version == Monitor.Version.COND_SINCE ? missed(database, params.get(3)) : null;
        JsonNode updates = missed == null ? monitor.initial(database.snapshot()) : monitor.update(missed);
        Monitoring monitoring = new Monitoring(monitorId, database, monitor, costBytes);
        monitors.put(monitorId, monitoring);
        peer.charge(ClientBudget.Held.KEPT, costBytes);
        database.follow(monitoring, monitoring);
        JsonNode result = updates == null ? NODES.objectNode() : updates;
        reply(
                id,
                version == Monitor.Version.COND_SINCE
                        ? NODES.arrayNode()
                                .add(missed != null)
                                .add(database.lastTransaction().toString())
                                .add(result)
                        : result,
                NullNode.instance,
                missed == null ? RowsHeld.of(database.snapshot(), database::snapshot) : RowsHeld.of(missed));
    }

    /** ovsdb-server(7) §4.1.15: only what the client has missed, if we still know that. */
    private static @Nullable Map<String, Map<UUID, Monitor.RowChange>> missed(Database database, JsonNode lastSeen) {
        if (!lastSeen.isTextual()) {
            throw new OvsdbException("syntax error", "last-txn-id must be string").at(lastSeen);
        }
        if (!Atoms.isUuid(lastSeen.asText())) {
            throw new OvsdbException("syntax error", "last-txn-id must be UUID format.").at(lastSeen);
        }
        return database.changesSince(UUID.fromString(lastSeen.asText()));
    }

    /** Tells of what was gathered while the client had not taken what it was sent. */
    void tellGathered() {
        monitors.values().forEach(Monitoring::tellGathered);
    }

    /** The rows that are to be told of. */
    List<RowsHeld> gatheredRows() {
        return monitors.values().stream()
                .filter(monitoring -> !monitoring.gathered.isEmpty())
                .map(Monitoring::gatheredRows)
                .toList();
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
        monitoring.tellGathered(); // By the conditions under which it was gathered.
        JsonNode updates = monitor.changeConditions(params.get(2), database.schema(), database.snapshot());
        monitors.remove(oldId);
        monitors.put(newId, monitoring);
        monitoring.id = newId;
        monitoring.tell(database.lastTransaction(), updates, RowsHeld.of(database.snapshot(), database::snapshot));
        reply(id, NODES.objectNode());
    }

    private void cancelMonitor(JsonNode params, JsonNode id) {
        Monitoring monitoring = params.size() == 1 ? monitors.remove(params.get(0)) : null;
        if (monitoring == null) {
            reply(id, NullNode.instance, NODES.textNode(params.size() == 1 ? "unknown monitor" : "invalid parameters"));
            return;
        }
        monitoring.database.unfollow(monitoring);
        peer.charge(ClientBudget.Held.KEPT, -monitoring.costBytes);
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
        if (lockNames.containsKey(name)) {
            throw new OvsdbException("syntax error", "must issue \"unlock\" before new \"" + method + "\"").at(params);
        }
        requireRoom(lockNames.size(), locks.places(), "too many locks");
        lockNames.put(name, costBytes);
        peer.charge(ClientBudget.Held.KEPT, costBytes);
        if (method.equals("steal")) {
            OvsdbSession victim = locks.steal(name, this);
            if (victim != null) {
                victim.stolen(name);
            }
            reply(id, NODES.objectNode().put("locked", true));
        } else {
            reply(id, NODES.objectNode().put("locked", locks.lock(name, this)));
        }
    }

    private void unlock(JsonNode params, JsonNode id) {
        String name = lockName("unlock", params);
        Long cost = lockNames.remove(name);
        if (cost == null) {
            throw new OvsdbException("syntax error", "unlock: \"unlock\" without \"lock\" or \"steal\"").at(params);
        }
        peer.charge(ClientBudget.Held.KEPT, -cost);
        locks.unlock(name, this);
        reply(id, NODES.objectNode());
    }

    /** Another client has taken this client's lock. */
    private void stolen(String name) {
        tellGathered();
        send("stolen", NODES.arrayNode().add(name), RowsHeld.NONE);
    }

    /** The lock that this client waited for is its own now: it knows all that happened until then. */
    void locked(String name) {
        tellGathered();
        send("locked", NODES.arrayNode().add(name), RowsHeld.NONE);
    }

    // ---- out ----

    void probe() {
        ObjectNode message = NODES.objectNode().put("method", "echo");
        message.set("id", PROBE_ID);
        message.set("params", NODES.arrayNode());
        peer.send(message, RowsHeld.NONE);
    }

    private void send(String method, JsonNode params, RowsHeld rows) {
        ObjectNode message = NODES.objectNode();
        message.putNull("id");
        message.put("method", method);
        message.set("params", params);
        peer.send(message, rows);
    }

    private void reply(JsonNode id, JsonNode result) {
        reply(id, result, NullNode.instance);
    }

    private void reply(JsonNode id, JsonNode result, JsonNode error) {
        reply(id, result, error, RowsHeld.NONE);
    }

    /** Whoever is answered has heard of all changes up to the answer. */
    private void reply(JsonNode id, JsonNode result, JsonNode error, RowsHeld rows) {
        tellGathered();
        ObjectNode message = NODES.objectNode();
        message.set("id", id);
        message.set("result", result);
        message.set("error", error);
        peer.send(message, rows);
    }

    /** What the client has, for the log. */
    String describe() {
        return " (%d monitors, %d waiting transactions, %d locks)"
                .formatted(monitors.size(), waiting, lockNames.size());
    }

    /** The connection is gone. */
    void close() {
        monitors.values().forEach(monitoring -> monitoring.database.unfollow(monitoring));
        databases.values().forEach(database -> database.cancel(this, null));
        List.copyOf(lockNames.keySet()).forEach(name -> locks.unlock(name, this));
    }
}
