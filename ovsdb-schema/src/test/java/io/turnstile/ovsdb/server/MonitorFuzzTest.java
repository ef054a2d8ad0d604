package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.OvsdbJson;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.SchemaNotation;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two clients that say anything, and two that follow the whole database and read now and then: what these know, when
 * they have read all, is the database. Input: bytes of requests, parted by lines of one letter: {@code a} and {@code b}
 * say who sends what follows, {@code s} and {@code t} let a follower fall behind, {@code u} and {@code v} have it read
 * on.
 */
class MonitorFuzzTest {
    private static final DatabaseSchema SCHEMA = schema();
    private static final int SEED_REQUESTS = 40;
    private static final int MAX_PARTS = 200;

    static Stream<byte[]> seeds() throws IOException {
        List<String> requests = HostileClientTest.messages();
        List<byte[]> seeds = new ArrayList<>();
        for (int from = 0; from + SEED_REQUESTS <= requests.size(); from += SEED_REQUESTS * 4) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < SEED_REQUESTS; i++) {
                text.append(List.of("a\n", "s\na\n", "b\n", "t\na\n", "u\nb\n", "v\na\n")
                                .get(i % 6))
                        .append(requests.get(from + i).replace("{\"id\":1,", "{\"id\":" + i + ","))
                        .append('\n');
            }
            seeds.add(text.toString().getBytes(StandardCharsets.UTF_8));
        }
        return seeds.stream();
    }

    private static DatabaseSchema schema() {
        ObjectNode schema = (ObjectNode) SchemaNotation.openVswitch().toJson();
        try (var more = MonitorFuzzTest.class.getResourceAsStream("conversations/tables.json")) {
            schema.withObject("/tables").setAll((ObjectNode) OvsdbJson.MAPPER.readTree(more));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return DatabaseSchema.fromJson(schema);
    }

    /** A client that follows everything. */
    private static final class Follower {
        private final Replica replica = new Replica(SCHEMA);
        private final LocalPeer peer = new LocalPeer(this::receive);
        private final OvsdbSession session;

        Follower(Map<String, Database> databases, Locks locks, String method) throws IOException {
            session = new OvsdbSession(databases, locks, new UUID(1, 1), LocalPeer.LIMITS, peer);
            ObjectNode request =
                    OvsdbJson.MAPPER.createObjectNode().put("id", 1).put("method", method);
            ObjectNode tables =
                    request.putArray("params").add("Open_vSwitch").add("all").addObject();
            SCHEMA.tables()
                    .values()
                    .forEach(table -> table.columns()
                            .keySet()
                            .forEach(tables.putArray(table.name()).addObject().putArray("columns")::add));
            session.receive(request, 0);
        }

        private void receive(JsonNode message) {
            replica.apply(message.has("method") ? message.get("params").get(1) : message.get("result"));
        }

        void readOn() {
            peer.setBehind(false);
            session.tellGathered();
        }
    }

    @MethodSource("seeds")
    @FuzzTest
    void whoFollowsKnowsTheDatabase(byte[] input) throws IOException {
        Database database = Database.inMemory(SCHEMA, (delayMs, task) -> {});
        Map<String, Database> databases = Map.of("Open_vSwitch", database);
        Locks locks = new Locks();
        List<Follower> followers =
                List.of(new Follower(databases, locks, "monitor"), new Follower(databases, locks, "monitor_cond"));
        List<Inbox> inboxes = List.of(new Inbox(LocalPeer.LIMITS), new Inbox(LocalPeer.LIMITS));
        List<OvsdbSession> clients = new ArrayList<>();
        inboxes.forEach(inbox -> clients.add(LocalPeer.session(databases, locks, message -> {})));
        int who = 0;
        for (byte[] part : lines(input)) {
            if (part.length != 1) {
                try {
                    say(part, inboxes.get(who), clients.get(who));
                } catch (ProtocolException | JsonProcessingException | IllegalArgumentException letGo) {
                    break;
                }
            } else {
                switch (part[0]) {
                    case 'a', 'b' -> who = part[0] - 'a';
                    case 's', 't' -> followers.get(part[0] - 's').peer.setBehind(true);
                    case 'u', 'v' -> followers.get(part[0] - 'u').readOn();
                    default -> {
                        // Means nothing.
                    }
                }
            }
            for (Follower follower : followers) {
                if (!follower.peer.isBehind()) {
                    assertThat(follower.replica.tables()).isEqualTo(Replica.of(database.snapshot()));
                }
            }
        }
        for (Follower follower : followers) {
            follower.readOn();
            assertThat(follower.replica.tables()).isEqualTo(Replica.of(database.snapshot()));
        }
        database.close();
    }

    private static void say(byte[] bytes, Inbox inbox, OvsdbSession session) throws IOException {
        inbox.feed(bytes);
        for (Inbox.Read read = inbox.next(); read != null; read = inbox.next()) {
            if (read instanceof Inbox.Message(JsonNode json, long costBytes)) {
                session.receive(json, costBytes);
            }
        }
    }

    private static List<byte[]> lines(byte[] input) {
        List<byte[]> lines = new ArrayList<>();
        int from = 0;
        for (int i = 0; i <= input.length && lines.size() < MAX_PARTS; i++) {
            if (i == input.length || input[i] == '\n') {
                lines.add(Arrays.copyOfRange(input, from, i));
                from = i + 1;
            }
        }
        return lines;
    }
}
