package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.OvsdbJson;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Mirrors that know nothing but the updates always equal the rows that a look at the database itself finds. */
class MonitorOracleTest {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final String NOBODY = "00000000-0000-0000-0000-000000000000";
    private static final DatabaseSchema SCHEMA = DatabaseSchema.fromJson(json("""
        {"name":"Things","version":"1.0.0","tables":{"Thing":{"isRoot":true,"columns":{
          "name":{"type":"string"},
          "count":{"type":"integer"},
          "maybe":{"type":{"key":"integer","min":0,"max":1}},
          "tags":{"type":{"key":"string","min":0,"max":"unlimited"}},
          "notes":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}}}}}}\
        """));
    private static final List<String> COLUMNS = List.of("name", "count", "maybe", "tags", "notes");
    private static final Map<String, String> DEFAULTS = Map.of(
            "name", "\"\"", "count", "0", "maybe", "[\"set\",[]]", "tags", "[\"set\",[]]", "notes", "[\"map\",[]]");

    private final Database database = Database.inMemory(SCHEMA, (delayMs, task) -> {});
    private final Map<String, Database> databases = Map.of("Things", database);

    private static JsonNode json(String text) {
        try {
            return OvsdbJson.MAPPER.readTree(text.replace('\'', '"'));
        } catch (IOException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    /** One client with one monitor, and the rows it knows of by its updates. */
    private final class Mirror {
        private final String method;
        private final Map<String, Map<String, JsonNode>> rows = new TreeMap<>();
        private final List<JsonNode> kinds = new ArrayList<>();
        private LocalPeer peer;
        private OvsdbSession session;
        private JsonNode reply;
        private String where = "[true]";
        private String lastTransaction = NOBODY;

        Mirror(String method) {
            this.method = method;
            connect();
        }

        void connect() {
            peer = new LocalPeer(this::receive);
            session = new OvsdbSession(databases, new Locks(), new UUID(1, 1), LocalPeer.LIMITS, peer);
            ObjectNode request = NODES.objectNode();
            COLUMNS.forEach(request.putArray("columns")::add);
            ArrayNode params = NODES.arrayNode().add("Things").add("m");
            if (!method.equals("monitor")) {
                request.set("where", json(where));
            }
            params.addObject().putArray("Thing").add(request);
            if (method.equals("monitor_cond_since")) {
                params.add(lastTransaction);
            }
            call(method, params);
            boolean since = method.equals("monitor_cond_since");
            if (!since || !reply.get(0).asBoolean()) {
                rows.clear();
            }
            lastTransaction = since ? reply.get(1).asText() : NOBODY;
            apply(since ? reply.get(2) : reply);
        }

        void call(String name, JsonNode params) {
            ObjectNode message = NODES.objectNode().put("id", 1).put("method", name);
            message.set("params", params);
            try {
                session.receive(message, 0);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        private void receive(JsonNode message) {
            if (!message.has("method")) {
                assertThat(message.path("error").isNull())
                        .as(message.toString())
                        .isTrue();
                reply = message.get("result");
                return;
            }
            JsonNode params = message.get("params");
            if (message.get("method").asText().equals("update3")) {
                lastTransaction = params.get(1).asText();
            }
            apply(params.get(params.size() - 1));
        }

        private void apply(JsonNode updates) {
            assertThat(updates.size()).isLessThanOrEqualTo(1);
            updates.path("Thing").properties().forEach(row -> {
                kinds.add(row.getValue());
                apply(row.getKey(), row.getValue());
            });
        }

        private void apply(String uuid, JsonNode update) {
            if (update.has("new")) {
                rows.put(uuid, columns(update.get("new"), false));
            } else if (update.has("old") || update.has("delete")) {
                assertThat(rows.remove(uuid)).as("known before it goes").isNotNull();
            } else if (update.has("modify")) {
                Map<String, JsonNode> row = rows.get(uuid);
                update.get("modify")
                        .properties()
                        .forEach(column -> row.put(
                                column.getKey(),
                                modified(column.getKey(), row.get(column.getKey()), column.getValue())));
            } else {
                JsonNode fresh = update.has("insert") ? update.get("insert") : update.get("initial");
                assertThat(rows.put(uuid, columns(fresh, true)))
                        .as("not known before it comes")
                        .isNull();
            }
        }
    }

    private static Map<String, JsonNode> columns(JsonNode given, boolean withDefaults) {
        Map<String, JsonNode> row = new TreeMap<>();
        for (String column : COLUMNS) {
            if (given.has(column)) {
                row.put(column, given.get(column));
            } else if (withDefaults) {
                row.put(column, json(DEFAULTS.get(column)));
            }
        }
        return row;
    }

    /** update2's modify, in the words of ovsdb-server(7): what is in both goes, what is in one is there. */
    private static JsonNode modified(String column, JsonNode before, JsonNode change) {
        return switch (column) {
            case "tags" -> {
                Set<String> tags = tags(before);
                tags(change).forEach(tag -> {
                    if (!tags.remove(tag)) {
                        tags.add(tag);
                    }
                });
                ArrayNode set = NODES.arrayNode();
                tags.forEach(set::add);
                yield set.size() == 1
                        ? set.get(0)
                        : NODES.arrayNode().add("set").add(set);
            }
            case "notes" -> {
                Map<String, String> notes = notes(before);
                notes(change).forEach((key, value) -> {
                    if (value.equals(notes.get(key))) {
                        notes.remove(key);
                    } else {
                        notes.put(key, value);
                    }
                });
                ArrayNode map = NODES.arrayNode();
                notes.forEach((key, value) -> map.addArray().add(key).add(value));
                yield NODES.arrayNode().add("map").add(map);
            }
            default -> change;
        };
    }

    private static Set<String> tags(JsonNode json) {
        Set<String> tags = new TreeSet<>();
        (json.isArray() ? json.get(1) : List.of(json)).forEach(tag -> tags.add(tag.asText()));
        return tags;
    }

    private static Map<String, String> notes(JsonNode json) {
        Map<String, String> notes = new TreeMap<>();
        json.get(1).forEach(pair -> notes.put(pair.get(0).asText(), pair.get(1).asText()));
        return notes;
    }

    private Map<String, Map<String, JsonNode>> seen(String where) {
        Map<String, Map<String, JsonNode>> rows = new TreeMap<>();
        for (DataRow row : database.snapshot().rows("Thing").values()) {
            long count = (Long) row.datum("count").key(0);
            String name = (String) row.datum("name").key(0);
            boolean visible = switch (where) {
                case "[true]", "[]" -> true;
                case "[false]" -> false;
                case "[['count','<',5]]" -> count < 5;
                case "[['count','>=',5],['name','==','a']]" -> count >= 5 || name.equals("a");
                default -> throw new IllegalArgumentException(where);
            };
            if (visible) {
                Map<String, JsonNode> columns = new TreeMap<>();
                COLUMNS.forEach(column -> columns.put(column, row.json(column)));
                rows.put(row.uuid().toString(), columns);
            }
        }
        return rows;
    }

    private void transact(String... operations) {
        List<JsonNode> all = new ArrayList<>();
        for (String operation : operations) {
            all.add(json(operation));
        }
        database.transact(
                all,
                lock -> false,
                this,
                NODES.numberNode(1),
                replies -> replies.forEach(reply ->
                        assertThat(reply.has("error")).as(reply.toString()).isFalse()));
    }

    private static String randomOperation(Random random) {
        String where = random.nextInt(8) == 0 ? "[]" : "[['name','==','" + "abcd".charAt(random.nextInt(4)) + "']]";
        String tag = "t" + random.nextInt(4);
        String pair = "['map',[['k" + random.nextInt(3) + "','v" + random.nextInt(3) + "']]]";
        return switch (random.nextInt(9)) {
            case 0, 1, 2 ->
                "{'op':'insert','table':'Thing','row':{'name':'" + "abcd".charAt(random.nextInt(4))
                        + "','count':"
                        + random.nextInt(10) + ",'tags':'" + tag + "'}}";
            case 3 ->
                "{'op':'update','table':'Thing','where':" + where + ",'row':{'count':" + random.nextInt(10) + "}}";
            case 4 ->
                "{'op':'update','table':'Thing','where':" + where + ",'row':{'maybe':"
                        + (random.nextBoolean() ? "['set',[]]" : random.nextInt(3)) + ",'notes':" + pair + "}}";
            case 5 ->
                "{'op':'mutate','table':'Thing','where':" + where + ",'mutations':[['tags','insert','" + tag
                        + "'],['notes','insert'," + pair + "]]}";
            case 6 ->
                "{'op':'mutate','table':'Thing','where':" + where + ",'mutations':[['tags','delete','" + tag
                        + "'],['notes','delete'," + pair + "]]}";
            case 7 ->
                "{'op':'update','table':'Thing','where':" + where + ",'row':{'name':'"
                        + "abcd".charAt(random.nextInt(4)) + "'}}";
            default ->
                "{'op':'delete','table':'Thing','where':[['name','==','" + "abcd".charAt(random.nextInt(4))
                        + "'],['count','<',3]]}";
        };
    }

    @Test
    void mirrorsEqualTheDatabaseWhateverHappens() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> conditions =
                List.of("[true]", "[]", "[false]", "[['count','<',5]]", "[['count','>=',5],['name','==','a']]");
        for (int i = 0; i < 10; i++) {
            transact(randomOperation(random));
        }
        List<Mirror> mirrors = List.of(
                new Mirror("monitor"),
                new Mirror("monitor_cond"),
                new Mirror("monitor_cond"),
                new Mirror("monitor_cond_since"),
                new Mirror("monitor_cond_since"));
        for (int i = 0; i < 1500; i++) {
            String[] operations = new String[1 + random.nextInt(3)];
            for (int j = 0; j < operations.length; j++) {
                operations[j] = randomOperation(random);
            }
            if (database.snapshot().rows("Thing").size() > 30) {
                operations[0] = "{'op':'delete','table':'Thing','where':[['count','>',2]]}";
            }
            transact(operations);
            Mirror mirror = mirrors.get(1 + random.nextInt(mirrors.size() - 1));
            if (random.nextInt(10) == 0) {
                mirror.where = conditions.get(random.nextInt(conditions.size()));
                // What an older transaction left under another condition is nothing to go on from, as Open vSwitch's
                // client
                // knows.
                mirror.lastTransaction = NOBODY;
                mirror.call("monitor_cond_change", json("['m','m',{'Thing':[{'where':" + mirror.where + "}]}]"));
            }
            if (random.nextInt(20) == 0) {
                mirror.session.close();
                int missed =
                        random.nextInt(10) == 0 ? 120 : random.nextInt(4); // More than the server remembers, or less.
                for (int j = 0; j < missed; j++) {
                    transact(randomOperation(random));
                }
                mirror.connect();
            }
            for (Mirror each : mirrors) {
                assertThat(each.rows.toString())
                        .as("seed %d step %d %s where %s", seed, i, each.method, each.where)
                        .isEqualTo(seen(each.where).toString());
            }
        }
    }

    @Test
    void whoReadsSlowlyEndsUpWithTheSameAsWhoReadsAtOnce() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> conditions = List.of("[true]", "[]", "[['count','<',5]]", "[['count','>=',5],['name','==','a']]");
        List<Mirror> slow = new ArrayList<>();
        List<Mirror> quick = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            String method =
                    List.of("monitor", "monitor_cond", "monitor_cond_since").get(i % 3);
            slow.add(new Mirror(method));
            quick.add(new Mirror(method));
        }
        for (int step = 0; step < 600; step++) {
            transact(
                    database.snapshot().rows("Thing").size() > 30
                            ? "{'op':'delete','table':'Thing','where':[['count','>',2]]}"
                            : randomOperation(random),
                    randomOperation(random));
            int which = random.nextInt(slow.size());
            Mirror mirror = slow.get(which);
            switch (random.nextInt(6)) {
                case 0, 1 -> mirror.peer.setBehind(true);
                case 2 -> {
                    mirror.peer.setBehind(false);
                    mirror.session.tellGathered();
                }
                case 3 -> { // Whatever is answered, what led to it is told before.
                    mirror.call("echo", NODES.arrayNode());
                    assertSame(mirror, quick.get(which), seed, step);
                }
                case 4 -> {
                    if (!mirror.method.equals("monitor")) {
                        String where = conditions.get(random.nextInt(conditions.size()));
                        for (Mirror each : List.of(mirror, quick.get(which))) {
                            each.where = where;
                            each.call("monitor_cond_change", json("['m','m',{'Thing':[{'where':" + where + "}]}]"));
                        }
                    }
                }
                default -> {
                    // Goes on as before.
                }
            }
            if (!mirror.peer.isBehind()) {
                assertSame(mirror, quick.get(which), seed, step);
            }
        }
        for (int i = 0; i < slow.size(); i++) {
            slow.get(i).session.tellGathered();
            assertSame(slow.get(i), quick.get(i), seed, i);
            assertThat(slow.get(i).rows.toString())
                    .as("seed %d", seed)
                    .isEqualTo(seen(slow.get(i).where).toString());
            assertThat(slow.get(i).kinds)
                    .as("seed %d", seed)
                    .hasSizeLessThan(quick.get(i).kinds.size());
        }
    }

    private static void assertSame(Mirror slow, Mirror quick, long seed, int step) {
        assertThat(slow.rows.toString())
                .as("seed %d step %d %s where %s", seed, step, slow.method, slow.where)
                .isEqualTo(quick.rows.toString());
        assertThat(slow.lastTransaction.isEmpty()).isFalse();
    }

    @Test
    void whatWasGatheredIsOneChangeARow() {
        transact("{'op':'insert','table':'Thing','row':{'name':'stays','count':1}}");
        Mirror mirror = new Mirror("monitor_cond");
        mirror.kinds.clear();
        mirror.peer.setBehind(true);
        for (int i = 2; i < 100; i++) {
            transact("{'op':'update','table':'Thing','where':[['name','==','stays']],'row':{'count':" + i + "}}");
        }
        transact("{'op':'insert','table':'Thing','row':{'name':'comes'}}");
        transact("{'op':'insert','table':'Thing','row':{'name':'comes and goes'}}");
        transact("{'op':'delete','table':'Thing','where':[['name','==','comes and goes']]}");
        assertThat(mirror.kinds).isEmpty();
        assertThat(RowsHeld.sum(mirror.session.gatheredRows()).rows()).hasSize(3);
        mirror.peer.setBehind(false);
        mirror.session.tellGathered();
        assertThat(mirror.kinds)
                .extracting(JsonNode::toString)
                .containsExactlyInAnyOrder("{\"modify\":{\"count\":99}}", "{\"insert\":{\"name\":\"comes\"}}");
        transact("{'op':'update','table':'Thing','where':[['name','==','stays']],'row':{'count':5}}");
        assertThat(mirror.kinds).as("and the next one at once").hasSize(3);
        mirror.kinds.clear();
        mirror.peer.setBehind(true);
        transact("{'op':'update','table':'Thing','where':[['name','==','stays']],'row':{'count':6}}");
        transact("{'op':'update','table':'Thing','where':[['name','==','stays']],'row':{'count':5}}");
        mirror.session.tellGathered();
        assertThat(mirror.kinds).as("changed and changed back").isEmpty();
        assertThat(mirror.session.gatheredRows()).isEmpty();
    }

    @Test
    void whatIsGatheredIsWeighedAsWhatItRefersTo() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Mirror mirror = new Mirror("monitor");
        mirror.peer.setBehind(true);
        for (int i = 0; i < 500; i++) {
            transact(randomOperation(random));
            for (RowsHeld held : mirror.session.gatheredRows()) {
                assertThat(held.rowBytes())
                        .as("seed %d step %d", seed, i)
                        .isEqualTo(held.rows().mapToLong(DataRow::sizeBytes).sum());
            }
        }
    }

    @Test
    void aKnownTransactionIsGoneOnFromAndAnUnknownOneIsNot() {
        transact(
                "{'op':'insert','table':'Thing','row':{'name':'a'}}",
                "{'op':'insert','table':'Thing','row':{'name':'b'}}");
        Mirror mirror = new Mirror("monitor_cond_since");
        assertThat(mirror.reply.get(0).asBoolean()).as("nobody's transaction").isFalse();
        mirror.session.close();
        transact("{'op':'update','table':'Thing','where':[['name','==','a']],'row':{'count':4}}");
        transact("{'op':'insert','table':'Thing','row':{'name':'short-lived'}}");
        transact("{'op':'delete','table':'Thing','where':[['name','==','short-lived']]}");
        mirror.kinds.clear();
        mirror.connect();
        assertThat(mirror.reply.get(0).asBoolean()).isTrue();
        assertThat(mirror.kinds).hasToString("[{\"modify\":{\"count\":4}}]");
        mirror.lastTransaction = "deadbeef-0000-4000-8000-000000000000";
        mirror.connect();
        assertThat(mirror.reply.get(0).asBoolean()).isFalse();
        assertThat(mirror.rows).hasToString(seen("[true]").toString());
    }

    @Test
    void everyMaskTellsItsKindsOfChangeAndNoOther() throws IOException {
        for (int mask = 0; mask < 16; mask++) {
            for (String method : List.of("monitor", "monitor_cond")) {
                Database fresh = Database.inMemory(SCHEMA, (delayMs, task) -> {});
                List<String> told = new ArrayList<>();
                Map<String, Database> all = new HashMap<>(Map.of("Things", fresh));
                OvsdbSession session = LocalPeer.session(all, new Locks(), message -> {
                    JsonNode updates =
                            message.has("method") ? message.get("params").get(1) : message.get("result");
                    updates.path("Thing").forEach(update -> told.add(kind(update, !message.has("method"))));
                });
                List<JsonNode> insert = List.of(json("{'op':'insert','table':'Thing','row':{'name':'a'}}"));
                fresh.transact(insert, lock -> false, this, NODES.nullNode(), reply -> {});
                session.receive(
                        json(("{'id':1,'method':'" + method
                                        + "','params':['Things','m',{'Thing':{'columns':['name'],'select':{"
                                        + "'initial':%b,'insert':%b,'modify':%b,'delete':%b}}}]}")
                                .formatted((mask & 1) != 0, (mask & 2) != 0, (mask & 4) != 0, (mask & 8) != 0)),
                        0);
                fresh.transact(insert, lock -> false, this, NODES.nullNode(), reply -> {});
                fresh.transact(
                        List.of(json("{'op':'update','table':'Thing','where':[],'row':{'count':1}}")),
                        lock -> false,
                        this,
                        NODES.nullNode(),
                        reply -> {});
                fresh.transact(
                        List.of(json("{'op':'update','table':'Thing','where':[],'row':{'name':'b'}}")),
                        lock -> false,
                        this,
                        NODES.nullNode(),
                        reply -> {});
                fresh.transact(
                        List.of(json("{'op':'delete','table':'Thing','where':[]}")),
                        lock -> false,
                        this,
                        NODES.nullNode(),
                        reply -> {});
                List<String> expected = new ArrayList<>();
                expected.addAll((mask & 1) != 0 ? List.of("initial") : List.of());
                expected.addAll((mask & 2) != 0 ? List.of("insert") : List.of());
                expected.addAll((mask & 4) != 0 ? List.of("modify", "modify") : List.of());
                expected.addAll((mask & 8) != 0 ? List.of("delete", "delete") : List.of());
                assertThat(told).as("%s with mask %d", method, mask).isEqualTo(expected);
            }
        }
    }

    private static String kind(JsonNode update, boolean initial) {
        if (update.has("new")) {
            return update.has("old") ? "modify" : initial ? "initial" : "insert";
        }
        return update.has("old") ? "delete" : update.fieldNames().next();
    }
}
