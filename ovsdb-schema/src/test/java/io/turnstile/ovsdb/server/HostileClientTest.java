package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.OvsdbJson;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.SchemaNotation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * Whatever one client sends or leaves unread, the server lives, what it keeps for him is bounded, and others are
 * served.
 */
@Timeout(60)
class HostileClientTest {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final int MUTATED_MESSAGES = 4000;
    private static final int GARBLED_MESSAGES = 3000;
    private static final int MESSAGES_A_CONNECTION = 50;
    private static final int CHANNEL_CHARS = "[id: 0x01234567".length();
    private static final List<String> BLAME = List.of(
            "not JSON",
            "ProtocolException",
            "CorruptedFrameException",
            "TooLongFrameException",
            "does not read",
            "Connection reset",
            "Broken pipe");
    private static final List<String> SCRIPTS = List.of(
            "operations",
            "conditions",
            "mutations",
            "types",
            "integrity",
            "waits",
            "locks",
            "monitors",
            "methods",
            "server");

    @TempDir
    Path folder;

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private Path socket;
    private EmbeddedOvsdb server;
    private RpcClient bystander;

    @BeforeEach
    void serve() throws IOException {
        ObjectNode schema = (ObjectNode) SchemaNotation.openVswitch().toJson();
        try (var more = HostileClientTest.class.getResourceAsStream("conversations/tables.json")) {
            schema.withObject("/tables").setAll((ObjectNode) OvsdbJson.MAPPER.readTree(more));
        }
        Path file = folder.resolve("conf.db");
        Database.open(file, DatabaseSchema.fromJson(schema), (delayMs, task) -> {})
                .close();
        socket = folder.resolve("db.sock");
        server = new EmbeddedOvsdb(file, List.of("punix:" + socket));
        bystander = new RpcClient(socket);
        log.list = new CopyOnWriteArrayList<>(); // Written by the server's thread.
        log.start();
        listenerLog().addAppender(log);
    }

    @AfterEach
    void stop() {
        listenerLog().detachAppender(log);
        bystander.close();
        server.close();
    }

    private static Logger listenerLog() {
        return (Logger) LoggerFactory.getLogger(OvsdbListener.class);
    }

    private void assertOthersAreServed(String as) {
        assertThat(bystander.call("echo", "[\"alive\"]")).as(as).isNotNull();
    }

    /** One line a connection, and never for a fault of our own. */
    private void assertOnlyClientsWereBlamed(long seed) {
        List<String> lines =
                log.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
        assertThat(lines.stream().filter(line -> BLAME.stream().noneMatch(line::contains)))
                .as("seed %d", seed)
                .isEmpty();
        assertThat(lines)
                .as("seed %d", seed)
                .allSatisfy(line -> assertThat(line).hasSizeLessThan(400).doesNotContain("\n"));
        assertThat(lines.stream().map(line -> line.substring(0, CHANNEL_CHARS)))
                .as("seed %d", seed)
                .doesNotHaveDuplicates();
    }

    private static List<String> messages() throws IOException {
        List<String> messages = new ArrayList<>();
        for (String script : SCRIPTS) {
            try (var in = HostileClientTest.class.getResourceAsStream("conversations/" + script + ".txt")) {
                new String(in.readAllBytes(), StandardCharsets.UTF_8)
                        .lines()
                        .filter(line -> !line.startsWith("#"))
                        .forEach(line -> {
                            String[] words = line.split(" ", 3);
                            if (words.length == 3) {
                                messages.add(
                                        words[1].equals("raw")
                                                ? words[2]
                                                : "{\"id\":1,\"method\":\"" + words[1] + "\",\"params\":" + words[2]
                                                        + "}");
                            }
                        });
            }
        }
        return messages;
    }

    @Test
    void messagesWithPartsReplacedAreAnsweredOrTheirSenderIsLetGo() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<JsonNode> corpus = new ArrayList<>();
        for (String message : messages()) {
            try {
                corpus.add(OvsdbJson.MAPPER.readTree(message));
            } catch (IOException | IllegalArgumentException e) {
                // The scripts hold broken messages too; those are for the other test.
            }
        }
        assertThat(corpus).hasSizeGreaterThan(1000);
        RpcClient client = new RpcClient(socket);
        for (int i = 0; i < MUTATED_MESSAGES; i++) {
            JsonNode message = corpus.get(random.nextInt(corpus.size())).deepCopy();
            for (int changes = random.nextInt(3); changes >= 0; changes--) {
                mutate(message, corpus, random);
            }
            client.sendRaw(message.toString());
            if (client.call("echo", "[]") == null || i % MESSAGES_A_CONNECTION == 0) {
                client.close();
                client = new RpcClient(socket);
            }
        }
        client.close();
        assertOthersAreServed("seed " + seed);
        assertOnlyClientsWereBlamed(seed);
    }

    private static void mutate(JsonNode root, List<JsonNode> corpus, Random random) {
        List<JsonNode> containers = new ArrayList<>();
        collect(root, containers, false);
        if (containers.isEmpty()) {
            return;
        }
        JsonNode place = containers.get(random.nextInt(containers.size()));
        List<JsonNode> parts = new ArrayList<>();
        collect(corpus.get(random.nextInt(corpus.size())), parts, true);
        JsonNode part = switch (random.nextInt(8)) {
            case 0 -> NODES.nullNode();
            case 1 -> NODES.numberNode(random.nextBoolean() ? Long.MAX_VALUE : random.nextLong());
            case 2 -> NODES.numberNode(random.nextGaussian() * 1e20);
            case 3 -> NODES.textNode("");
            default -> parts.get(random.nextInt(parts.size())).deepCopy();
        };
        if (place instanceof ArrayNode array && !array.isEmpty()) {
            int at = random.nextInt(array.size());
            if (random.nextInt(4) == 0) {
                array.remove(at);
            } else {
                array.set(at, part);
            }
        } else if (place instanceof ObjectNode object && !object.isEmpty()) {
            List<String> names = new ArrayList<>();
            object.fieldNames().forEachRemaining(names::add);
            String name = names.get(random.nextInt(names.size()));
            if (random.nextInt(4) == 0) {
                object.remove(name);
            } else {
                object.set(name, part);
            }
        }
    }

    private static void collect(JsonNode node, List<JsonNode> found, boolean leaves) {
        if (leaves || node.isContainerNode()) {
            found.add(node);
        }
        node.forEach(child -> collect(child, found, leaves));
    }

    @Test
    void garbledBytesHarmNobodyElse() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> corpus = messages();
        for (int sent = 0; sent < GARBLED_MESSAGES; sent += MESSAGES_A_CONNECTION / 10) {
            try (RpcClient client = new RpcClient(socket)) {
                for (int i = 0; i < MESSAGES_A_CONNECTION / 10; i++) {
                    byte[] bytes = corpus.get(random.nextInt(corpus.size())).getBytes(StandardCharsets.UTF_8);
                    for (int flips = random.nextInt(4); flips > 0; flips--) {
                        bytes[random.nextInt(bytes.length)] = (byte)
                                (random.nextBoolean()
                                        ? random.nextInt(256)
                                        : "{}[]\",:0eE-\\".charAt(random.nextInt(12)));
                    }
                    client.sendRaw(bytes);
                }
                assertOthersAreServed("seed " + seed);
            }
        }
        assertOnlyClientsWereBlamed(seed);
    }

    @Test
    void whatFollowsABadMessageInOneBreathIsNotDone() {
        try (RpcClient client = new RpcClient(socket)) {
            client.sendRaw(
                    "{\"id\":1}{\"id\":2,\"method\":\"transact\",\"params\":[\"Open_vSwitch\",{\"op\":\"insert\",\"table\":\"QoS\","
                            + "\"row\":{}}]}");
            assertThat(client.receive()).as("let go").isNull();
        }
        assertThat(bystander
                        .call("transact", "[\"Open_vSwitch\",{\"op\":\"select\",\"table\":\"QoS\",\"where\":[]}]")
                        .get("result")
                        .toString())
                .isEqualTo("[{\"rows\":[]}]");
        assertOnlyClientsWereBlamed(0);
    }

    @Test
    void endlessNestingIsLetGo() {
        for (String text : List.of(
                "[".repeat(2_000_000),
                "{\"a\":".repeat(500_000),
                "{\"id\":1,\"method\":\"echo\",\"params\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}")) {
            try (RpcClient client = new RpcClient(socket)) {
                client.sendRaw(text);
                assertOthersAreServed("deep nesting");
            }
        }
        try (RpcClient client = new RpcClient(socket)) {
            client.sendRaw("{\"id\":1,\"method\":\"echo\",\"params\":" + "[".repeat(5_000) + "]".repeat(5_000) + "}");
            assertThat(client.receive()).as("let go").isNull();
        }
        assertOnlyClientsWereBlamed(0);
    }

    @Test
    void aMessageWithoutEndIsNotKeptWithoutEnd() {
        byte[] megabyte = "x".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII);
        try (RpcClient client = new RpcClient(socket)) {
            client.sendRaw("{\"id\":1,\"method\":\"echo\",\"params\":[\"");
            for (int i = 0; i < 100; i++) {
                client.sendRaw(megabyte);
            }
            assertThat(client.receive()).as("let go").isNull();
        }
        assertOthersAreServed("100 MB string");
        assertOnlyClientsWereBlamed(0);
    }

    @Test
    void repliesThatNobodyReadsAreNotKeptWithoutEnd() throws IOException {
        try (var channel = java.nio.channels.SocketChannel.open(java.net.UnixDomainSocketAddress.of(socket))) {
            channel.configureBlocking(false);
            var request = java.nio.ByteBuffer.wrap("{\"id\":1,\"method\":\"get_schema\",\"params\":[\"Open_vSwitch\"]}"
                    .repeat(200)
                    .getBytes(StandardCharsets.US_ASCII));
            boolean letGo = false;
            for (int i = 0; i < 20_000 && !letGo; i++) {
                try {
                    if (channel.write(request) == 0) {
                        assertOthersAreServed("unread replies");
                    }
                    if (!request.hasRemaining()) {
                        request.rewind();
                    }
                } catch (IOException e) {
                    letGo = true;
                }
            }
            assertThat(letGo).isTrue();
        }
        assertOthersAreServed("unread replies");
        assertOnlyClientsWereBlamed(0);
    }

    @Test
    void aWaitForAgesSleeps() throws IOException {
        List<Long> delaysMs = new ArrayList<>();
        List<Runnable> tasks = new ArrayList<>();
        Database database = Database.inMemory(SchemaNotation.openVswitch(), (delayMs, task) -> {
            delaysMs.add(delayMs);
            tasks.add(task);
        });
        database.transact(
                List.of(OvsdbJson.MAPPER.readTree(
                        "{\"op\":\"wait\",\"table\":\"Bridge\",\"where\":[],\"until\":\"!=\",\"rows\":[],"
                                + "\"columns\":[\"name\"],\"timeout\":" + Long.MAX_VALUE + "}")),
                lock -> false,
                this,
                NODES.nullNode(),
                reply -> {});
        tasks.getFirst().run();
        assertThat(delaysMs)
                .hasSize(2)
                .allSatisfy(delayMs -> assertThat(delayMs).isGreaterThan(1000));
        database.close();
    }
}
