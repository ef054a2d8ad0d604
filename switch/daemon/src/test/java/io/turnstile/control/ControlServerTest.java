package io.turnstile.control;

import static io.turnstile.control.Asker.request;
import static io.turnstile.control.Asker.send;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The control socket as a client sees it that speaks JSON-RPC by hand. */
@Timeout(20)
class ControlServerTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    private ControlServer server;
    private Path socket;

    @BeforeEach
    void listen() throws IOException {
        server = new ControlServer("ovs-vswitchd (Turnstile) 1.2.3");
        server.register(Command.of("say", "WORD [WORD]", 1, 2, words -> CommandReply.ok(String.join(" ", words))));
        server.register(Command.of("refuse", "", 0, 0, words -> CommandReply.error("not today")));
        server.register(Command.of("fail", "", 0, 0, words -> {
            throw new IllegalStateException("a bug");
        }));
        socket = folder.resolve("x.ctl");
        server.listen(socket);
    }

    @AfterEach
    void close() {
        server.close();
    }

    @Test
    void aTextEndsWithANewline() throws IOException {
        JsonNode reply = ask("{\"method\":\"say\",\"params\":[\"hello\",\"world\"],\"id\":7}");
        assertThat(reply.path("result").asText()).isEqualTo("hello world\n");
        assertThat(reply.path("error").isNull()).isTrue();
        assertThat(reply.path("id").asInt()).isEqualTo(7);
    }

    @Test
    void aRefusalIsAnErrorWithoutResult() throws IOException {
        JsonNode reply = ask(request("refuse"));
        assertThat(reply.path("error").asText()).isEqualTo("not today\n");
        assertThat(reply.path("result").isNull()).isTrue();
    }

    @Test
    void anUnknownCommandIsNamed() throws IOException {
        assertThat(ask(request("foo")).path("error").asText())
                .isEqualTo("\"foo\" is not a valid command (use \"list-commands\" to see a list of valid commands)\n");
    }

    @Test
    void tooFewAndTooManyArgumentsAreCounted() throws IOException {
        assertThat(ask(request("say")).path("error").asText())
                .isEqualTo("\"say\" command requires at least 1 arguments\n");
        assertThat(ask(request("say", "a", "b", "c")).path("error").asText())
                .isEqualTo("\"say\" command takes at most 2 arguments\n");
    }

    @Test
    void anArgumentThatIsNoStringIsRefused() throws IOException {
        assertThat(ask("{\"method\":\"say\",\"params\":[1],\"id\":0}")
                        .path("error")
                        .asText())
                .isEqualTo("\"say\" command has non-string argument\n");
    }

    @Test
    void commandsAreListedInOrderWithTheirUsage() throws IOException {
        assertThat(ask(request("list-commands")).path("result").asText()).isEqualTo("""
            The available commands are:
              fail                   \s
              list-commands          \s
              refuse                 \s
              say                     WORD [WORD]
              set-options             [--format text|json]
              version                \s
            """);
    }

    @Test
    void aCommandThatFailsLeavesTheServerAlive() throws IOException {
        assertThat(ask(request("fail")).path("error").asText()).contains("a bug");
        assertThat(ask(request("version")).path("result").asText()).isEqualTo("ovs-vswitchd (Turnstile) 1.2.3\n");
    }

    @Test
    void requestsOfOneConnectionAreAnsweredInTheirOrder() throws IOException {
        try (SocketChannel client = connect()) {
            send(client, request("say", "one") + request("refuse") + request("say", "three"));
            MappingIterator<JsonNode> replies =
                    JSON.readerFor(JsonNode.class).readValues(Channels.newInputStream(client));
            assertThat(replies.next().path("result").asText()).isEqualTo("one\n");
            assertThat(replies.next().path("error").asText()).isEqualTo("not today\n");
            assertThat(replies.next().path("result").asText()).isEqualTo("three\n");
        }
    }

    @Test
    void whoAsksForJsonGetsItAndTextInsideOfIt() throws IOException {
        server.register(Command.of("show", "", 0, 0, words -> CommandReply.ok("a table"))
                .orJson(words -> CommandReply.json("{\"rows\":[1,2]}")));
        try (SocketChannel client = connect()) {
            send(
                    client,
                    request("show")
                            + request("set-options", "--format", "xml")
                            + request("set-options", "--format", "json")
                            + request("show")
                            + request("say", "\"hi\"")
                            + request("refuse")
                            + request("set-options", "--format=text")
                            + request("show"));
            MappingIterator<JsonNode> replies =
                    JSON.readerFor(JsonNode.class).readValues(Channels.newInputStream(client));
            assertThat(replies.next().path("result").asText()).isEqualTo("a table\n");
            assertThat(replies.next().path("error").asText()).isEqualTo("option format has invalid value xml\n");
            assertThat(replies.next().path("result").path("reply").asText())
                    .as("in the new format already")
                    .isEmpty();
            assertThat(replies.next().path("result").toString()).isEqualTo("{\"rows\":[1,2]}");
            JsonNode wrapped = replies.next().path("result");
            assertThat(wrapped.path("reply").asText()).isEqualTo("\"hi\"");
            assertThat(wrapped.path("reply-format").asText()).isEqualTo("plain");
            assertThat(replies.next().path("error").asText()).isEqualTo("not today\n");
            assertThat(replies.next().path("result").isTextual()).isTrue();
            assertThat(replies.next().path("result").asText()).isEqualTo("a table\n");
        }
    }

    @Test
    void aReplyThatTakesAWhileHoldsUpItsOwnConnectionOnly() throws IOException {
        CompletableFuture<CommandReply> later = new CompletableFuture<>();
        server.register(Command.later("later", "", 0, 0, words -> later));
        try (SocketChannel client = connect()) {
            send(client, request("later") + request("say", "after"));
            assertThat(ask(request("say", "meanwhile")).path("result").asText()).isEqualTo("meanwhile\n");
            assertThat(later).isNotDone();
            later.complete(CommandReply.ok("at last"));
            MappingIterator<JsonNode> replies =
                    JSON.readerFor(JsonNode.class).readValues(Channels.newInputStream(client));
            assertThat(replies.next().path("result").asText()).isEqualTo("at last\n");
            assertThat(replies.next().path("result").asText()).isEqualTo("after\n");
        }
    }

    @Test
    void aReplyThatFailsLaterIsAnError() throws IOException {
        server.register(Command.later(
                "later",
                "",
                0,
                0,
                words -> CompletableFuture.supplyAsync(() -> {
                    throw new IllegalStateException("a late bug");
                })));
        assertThat(ask(request("later")).path("error").asText()).contains("a late bug");
    }

    @Test
    void aReplyThatNobodyWaitsForAnyMoreIsCancelled() throws Exception {
        CompletableFuture<CommandReply> later = new CompletableFuture<>();
        CompletableFuture<Void> asked = new CompletableFuture<>();
        CompletableFuture<Void> cancelled = new CompletableFuture<>();
        later.whenComplete((reply, failure) -> cancelled.complete(null));
        server.register(Command.later("later", "", 0, 0, words -> {
            asked.complete(null);
            return later;
        }));
        try (SocketChannel client = connect()) {
            send(client, request("later"));
            asked.get();
        }
        cancelled.get();
        assertThat(later).isCancelled();
        assertThat(ask(request("say", "alive")).path("result").asText()).isEqualTo("alive\n");
    }

    @Test
    void aRequestMayComeInPieces() throws IOException {
        try (SocketChannel client = connect()) {
            for (String piece : request("say", "slow").split("(?<=\\G.{5})")) {
                send(client, piece);
            }
            assertThat(JSON.readTree(Channels.newInputStream(client))
                            .path("result")
                            .asText())
                    .isEqualTo("slow\n");
        }
    }

    @Test
    void whatIsNoRequestEndsTheConnectionOnly() throws IOException {
        Random random = new Random(20_261_123);
        for (int round = 0; round < 200; round++) {
            byte[] noise = new byte[1 + random.nextInt(64)];
            random.nextBytes(noise);
            noise[0] |= (byte) 0x80; // no JSON begins so
            try (SocketChannel client = connect()) {
                client.write(ByteBuffer.wrap(noise));
                client.shutdownOutput();
                assertThat(client.read(ByteBuffer.allocate(1)))
                        .as("round %d", round)
                        .isEqualTo(-1);
            }
        }
        assertThat(ask(request("version")).path("error").isNull()).isTrue();
    }

    @Test
    void aNotificationIsNotAnswered() throws IOException {
        try (SocketChannel client = connect()) {
            send(client, "{\"method\":\"version\",\"params\":[],\"id\":null}");
            assertThat(client.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
    }

    @Test
    void closingRemovesTheSocket() {
        server.close();
        assertThat(Files.exists(socket)).isFalse();
    }

    @Test
    void aFileInItsPlaceIsLeftAlone() throws IOException {
        Path left = Files.createFile(folder.resolve("left.ctl"));
        try (ControlServer next = new ControlServer("v")) {
            assertThatThrownBy(() -> next.listen(left)).isInstanceOf(IOException.class);
        }
        assertThat(left).exists();
    }

    private JsonNode ask(String request) throws IOException {
        return Asker.ask(socket, request);
    }

    private SocketChannel connect() throws IOException {
        return Asker.connect(socket);
    }

    private static JsonNode next(SocketChannel client, String method, String... words) throws IOException {
        send(client, request(method, words));
        return Asker.read(client);
    }

    @Test
    void whoWantsDocumentsGetsThem() throws IOException {
        try (SocketChannel client = Asker.connect(socket)) {
            assertThat(next(client, "set-options", "--format", "json").path("result"))
                    .isEqualTo(JSON.readTree("{\"reply\":\"\",\"reply-format\":\"plain\"}"));
            assertThat(next(client, "say", "a\"b").path("result"))
                    .isEqualTo(JSON.readTree("{\"reply\":\"a\\\"b\",\"reply-format\":\"plain\"}"));
            assertThat(next(client, "list-commands").path("result").path("say").asText())
                    .isEqualTo("WORD [WORD]");
            assertThat(next(client, "refuse").path("error").asText()).isEqualTo("not today\n");
            assertThat(next(client, "set-options", "--format=text")
                            .path("result")
                            .asText())
                    .isEmpty();
            assertThat(next(client, "say", "a").path("result").asText()).isEqualTo("a\n");
        }
        assertThat(ask(request("say", "others")).path("result").asText()).isEqualTo("others\n");
    }

    @Test
    void optionsThatMeanNothingAreRefused() throws IOException {
        assertThat(ask(request("set-options", "--format", "xml")).path("error").asText())
                .isEqualTo("option format has invalid value xml\n");
        assertThat(ask(request("set-options", "--format")).path("error").asText())
                .isEqualTo("option '--format' requires an argument\n");
        assertThat(ask(request("set-options", "--colour")).path("error").asText())
                .isEqualTo("unrecognized option '--colour'\n");
    }
}
