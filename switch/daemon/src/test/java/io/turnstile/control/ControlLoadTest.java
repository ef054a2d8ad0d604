package io.turnstile.control;

import static io.turnstile.control.Asker.read;
import static io.turnstile.control.Asker.request;
import static io.turnstile.control.Asker.send;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Large answers, askers who do not read, do not end what they say, or are too many: everybody else is answered. */
@Timeout(30)
class ControlLoadTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String LINE = "a \"quoted\" line with \\, a tab\t, a bell \u0007, an é and a \uD83D\uDE00\n";
    /** What a Unix socket and the server's buffer hold of a reply that nobody reads, and some more. */
    private static final int PIECES_UNREAD = 64;

    @TempDir
    Path folder;

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final AtomicInteger pieces = new AtomicInteger();
    private final CompletableFuture<Void> left = new CompletableFuture<>();
    private ControlServer server;
    private Path socket;

    @BeforeEach
    void listen() throws IOException {
        log.start();
        ((Logger) LoggerFactory.getLogger(ControlServer.class)).addAppender(log);
        listen(ControlLimits.DEFAULT);
    }

    private void listen(ControlLimits limits) throws IOException {
        server = new ControlServer("v", limits);
        server.register(Command.of("endless", "", 0, 0, words -> CommandReply.ofSource(new Endless())));
        socket = folder.resolve(limits.connections() + ".ctl");
        server.listen(socket);
    }

    @AfterEach
    void close() {
        server.close();
        ((Logger) LoggerFactory.getLogger(ControlServer.class)).detachAppender(log);
    }

    private final class Endless implements TextSource {
        @Override
        public boolean next(StringBuilder out) {
            out.repeat("x", ENOUGH);
            pieces.incrementAndGet();
            return true;
        }

        @Override
        public void close() {
            left.complete(null);
        }
    }

    private void source(String name, TextSource source) {
        server.register(Command.of(name, "", 0, 0, words -> CommandReply.ofSource(source)));
    }

    @Test
    void aLargeTextArrivesAsItWasMade() throws IOException {
        int[] count = new int[1];
        source("large", out -> {
            for (int i = 0; i < 1000; i++) {
                out.append(count[0]++).append(LINE);
            }
            return count[0] < 100_000;
        });
        StringBuilder expected = new StringBuilder();
        for (int i = 0; i < 100_000; i++) {
            expected.append(i).append(LINE);
        }
        assertThat(ask("large").path("result").asText()).isEqualTo(expected.toString());
    }

    @Test
    void aTextThatIsThereIsCutBetweenCharacters() throws IOException {
        String text = "y" + "\uD83D\uDE00".repeat(TextSource.ENOUGH);
        server.register(Command.of("whole", "", 0, 0, words -> CommandReply.ok(text)));
        assertThat(ask("whole").path("result").asText()).isEqualTo(text + "\n");
    }

    @Test
    void aTextWithoutLineEndGetsOneAndAnEmptyOneDoesNot() throws IOException {
        source("open", out -> !out.append("no end").isEmpty() && false);
        source("empty", out -> false);
        assertThat(ask("open").path("result").asText()).isEqualTo("no end\n");
        assertThat(ask("empty").path("result").textValue()).isEmpty();
    }

    @Test
    void workWithoutTextMayEndInARefusal() throws IOException {
        AtomicInteger turns = new AtomicInteger();
        source("work", out -> {
            if (turns.incrementAndGet() < 1000) {
                return true;
            }
            throw new RefusedException("found nothing");
        });
        JsonNode reply = ask("work");
        assertThat(reply.path("error").asText()).isEqualTo("found nothing\n");
        assertThat(reply.path("result").isNull()).isTrue();
    }

    @Test
    void othersAreAnsweredWhileWorkGoesOn() throws IOException {
        CompletableFuture<Void> enough = new CompletableFuture<>();
        source("work", out -> !enough.isDone());
        try (SocketChannel worker = connect()) {
            send(worker, request("work"));
            for (int i = 0; i < 100; i++) {
                assertThat(ask("version").path("result").asText()).isEqualTo("v\n");
            }
            enough.complete(null);
            assertThat(JSON.readTree(Channels.newInputStream(worker))
                            .path("result")
                            .asText())
                    .isEmpty();
        }
    }

    @Test
    void nothingIsMadeForWhoDoesNotReadAndOthersAreAnswered() throws IOException {
        try (SocketChannel deaf = connect()) {
            send(deaf, request("endless"));
            for (int i = 0; i < 100; i++) {
                assertThat(ask("version").path("result").asText()).isEqualTo("v\n");
            }
            assertThat(pieces).hasValueBetween(1, PIECES_UNREAD);
        }
        left.join();
    }

    @Test
    void whoLeavesInTheMiddleEndsTheWork() throws IOException {
        try (SocketChannel client = connect()) {
            send(client, request("endless"));
            InputStream answers = Channels.newInputStream(client);
            assertThat(answers.readNBytes(10 << 20)).hasSize(10 << 20);
        }
        left.join();
        assertThat(ask("version").path("result").asText()).isEqualTo("v\n");
    }

    @Test
    void requestsAreTakenUpOnlyAsAnswersLeave() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        server.register(Command.of("much", "", 0, 0, words -> {
            asked.incrementAndGet();
            return CommandReply.ok("z".repeat(TextSource.ENOUGH));
        }));
        try (SocketChannel client = connect()) {
            send(client, request("much").repeat(1000));
            for (int i = 0; i < 100; i++) {
                assertThat(ask("version").path("result").asText()).isEqualTo("v\n");
            }
            assertThat(asked).hasValueBetween(1, PIECES_UNREAD);
            MappingIterator<JsonNode> replies =
                    JSON.readerFor(JsonNode.class).readValues(Channels.newInputStream(client));
            for (int i = 0; i < 1000; i++) {
                assertThat(replies.next().path("result").asText()).hasSize(TextSource.ENOUGH + 1);
            }
        }
    }

    @Test
    void whatIsSentBehindAnUnansweredRequestIsNotReadWithoutEnd() throws IOException {
        CompletableFuture<CommandReply> later = new CompletableFuture<>();
        server.register(Command.later("later", "", 0, 0, words -> later));
        try (SocketChannel client = connect()) {
            send(client, request("later"));
            client.configureBlocking(false);
            ByteBuffer more = ByteBuffer.wrap(request("version").repeat(1000).getBytes(StandardCharsets.UTF_8));
            long sent = 0;
            for (int round = 0; round < 1000 && sent < 100 << 20; round++) {
                sent += client.write(more.rewind());
                assertThat(ask("version").path("result").asText()).isEqualTo("v\n"); // the loop has turned
            }
            assertThat(sent).isLessThan(4 << 20);
        }
        later.complete(CommandReply.ok());
    }

    @Test
    void whoDoesNotTakeTheReplyForLongIsLetGo() throws IOException {
        server.close();
        listen(new ControlLimits(3, 100, 300));
        try (SocketChannel deaf = connect()) {
            send(deaf, request("endless"));
            left.join();
        }
        assertThat(messages()).containsExactly("control connection closed: its reply was not read for 300 ms");
    }

    @Test
    void halfARequestIsNotWaitedForForEver() throws IOException {
        server.close();
        listen(new ControlLimits(3, 100, 300));
        try (SocketChannel slow = connect()) {
            send(slow, request("version") + "{\"method\":\"ver");
            assertThat(new String(Channels.newInputStream(slow).readAllBytes(), StandardCharsets.UTF_8))
                    .contains("\"v\\n\"");
        }
        assertThat(messages())
                .containsExactly("control connection closed: the rest of a request did not come for 100 ms");
    }

    @Test
    void theIdlestMakesRoomForOneMoreAndTheBusyDoNot() throws IOException {
        server.close();
        listen(new ControlLimits(3, 10_000, 10_000));
        List<CompletableFuture<CommandReply>> waiting = new ArrayList<>();
        server.register(Command.later("later", "", 0, 0, words -> {
            waiting.add(new CompletableFuture<>());
            return waiting.getLast();
        }));
        try (SocketChannel busy = connect();
                SocketChannel idle = connect();
                SocketChannel third = connect()) {
            send(busy, request("later"));
            for (SocketChannel each : List.of(idle, third)) {
                send(each, request("version"));
                assertThat(read(each).path("result").asText()).isEqualTo("v\n");
            }
            try (SocketChannel fourth = connect()) {
                send(fourth, request("version"));
                assertThat(read(fourth).path("result").asText()).isEqualTo("v\n");
                assertThat(idle.read(ByteBuffer.allocate(1))).isEqualTo(-1);
                for (SocketChannel each : List.of(third, fourth)) {
                    send(each, request("later"));
                }
                assertThat(connect().read(ByteBuffer.allocate(1))).isEqualTo(-1);
            }
        }
        assertThat(messages())
                .containsExactly(
                        "more than 3 control connections: the idle one is closed",
                        "more than 3 busy control connections: a new one is refused");
    }

    @Test
    void aFailureInTheMiddleEndsTheConnectionWithOneLine() throws IOException {
        AtomicInteger turns = new AtomicInteger();
        source("broken", out -> {
            out.append("so far");
            if (turns.incrementAndGet() % 2 == 0) {
                throw new IllegalStateException("a bug\n2026-01-01|forged");
            }
            return true;
        });
        for (int round = 0; round < 3; round++) {
            try (SocketChannel client = connect()) {
                send(client, request("broken"));
                byte[] half = Channels.newInputStream(client).readAllBytes();
                assertThat(new String(half, StandardCharsets.UTF_8)).endsWith("so far");
            }
        }
        assertThat(messages())
                .hasSize(1)
                .first()
                .asString()
                .contains("a bug\\u000a2026-01-01|forged at ")
                .doesNotContain("\n");
        assertThat(log.list.getFirst().getThrowableProxy()).isNull();
    }

    @Test
    void wordsOfTheAskerForgeNoLogLine() throws IOException {
        server.register(Command.of("fail\nforged", "", 0, 1, words -> {
            throw new IllegalStateException(words.getFirst());
        }));
        ask("fail\nforged", "a\r\nb\u2028c\u0085d");
        assertThat(messages()).hasSize(1);
        assertThat(messages().getFirst())
                .startsWith("command fail\\u000aforged [a\\u000d\\u000ab\\u2028c\\u0085d] failed: ")
                .doesNotContainPattern("[\\p{Cntrl}\\u2028\\u0085]");
    }

    private List<String> messages() {
        return log.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private JsonNode ask(String method, String... words) throws IOException {
        return Asker.ask(socket, request(method, words));
    }

    private SocketChannel connect() throws IOException {
        return Asker.connect(socket);
    }
}
