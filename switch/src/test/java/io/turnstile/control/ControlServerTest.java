package io.turnstile.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlServerTest {
    @TempDir
    Path folder;
    private final ControlServer server = new ControlServer("ovs-vswitchd (Turnstile) 1.2.3");
    private Path socket;

    @BeforeEach
    void listen() throws IOException {
        socket = folder.resolve("test.ctl");
        server.register("echo", "word...", 1, 3, words -> CommandReply.ok(String.join(" ", words)));
        server.register("refuse", "", 0, 0, words -> CommandReply.error("no such bridge"));
        server.register("fail", "", 0, 0, words -> {
            throw new IllegalStateException("a bug");
        });
        server.listen(socket);
    }

    @AfterEach
    void close() {
        server.close();
    }

    private JsonNode ask(String request) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8)));
            return new ObjectMapper().readTree(Channels.newInputStream(channel));
        }
    }

    private JsonNode call(String method, String... words) throws IOException {
        ObjectMapper json = new ObjectMapper();
        return ask(json.writeValueAsString(json.createObjectNode().put("id", 7).put("method", method)
                .set("params", json.valueToTree(words))));
    }

    @Test
    void aReplyEndsWithANewline() throws IOException {
        JsonNode reply = call("echo", "a", "b");
        assertThat(reply.get("result").asText()).isEqualTo("a b\n");
        assertThat(reply.get("error").isNull()).isTrue();
        assertThat(reply.get("id").asInt()).isEqualTo(7);
    }

    @Test
    void aRefusalIsAnError() throws IOException {
        JsonNode reply = call("refuse");
        assertThat(reply.get("result").isNull()).isTrue();
        assertThat(reply.get("error").asText()).isEqualTo("no such bridge\n");
    }

    @Test
    void anUnknownCommandIsRefusedAsThePeerDoes() throws IOException {
        assertThat(call("foo").get("error").asText()).isEqualTo(
                "\"foo\" is not a valid command (use \"list-commands\" to see a list of valid commands)\n");
    }

    @Test
    void tooFewAndTooManyArgumentsAreRefused() throws IOException {
        assertThat(call("echo").get("error").asText()).isEqualTo("\"echo\" command requires at least 1 arguments\n");
        assertThat(call("echo", "1", "2", "3", "4").get("error").asText())
                .isEqualTo("\"echo\" command takes at most 3 arguments\n");
    }

    @Test
    void aFailingCommandDoesNotEndTheServer() throws IOException {
        assertThat(call("fail").get("error").asText()).contains("a bug");
        assertThat(call("echo", "still", "here").get("result").asText()).isEqualTo("still here\n");
    }

    @Test
    void commandsAreListedInOrderAndPadded() throws IOException {
        assertThat(call("list-commands").get("result").asText()).startsWith("The available commands are:\n"
                + "  echo                    word...\n  fail                    \n");
    }

    @Test
    void severalRequestsOnOneConnectionAreAnsweredInOrder() throws IOException {
        ObjectMapper json = new ObjectMapper();
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            channel.write(ByteBuffer.wrap(("{\"id\":1,\"method\":\"echo\",\"params\":[\"x\"]}"
                    + "{\"id\":2,\"method\":\"echo\",\"params\":[\"y\"]}").getBytes(StandardCharsets.UTF_8)));
            try (var parser = json.createParser(Channels.newInputStream(channel))) {
                assertThat(json.<JsonNode>readTree(parser).get("result").asText()).isEqualTo("x\n");
                assertThat(json.<JsonNode>readTree(parser).get("result").asText()).isEqualTo("y\n");
            }
        }
    }

    @Test
    void randomBytesHarmNobody() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 50; i++) {
            byte[] bytes = new byte[1 + random.nextInt(200)];
            random.nextBytes(bytes);
            if (random.nextBoolean()) {
                bytes[0] = '{';
            }
            try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                channel.write(ByteBuffer.wrap(bytes));
            }
        }
        assertThat(call("echo", "alive").get("result").asText()).as("seed %d", seed).isEqualTo("alive\n");
    }

    @Test
    void closingRemovesTheSocket() {
        server.close();
        assertThat(Files.exists(socket)).isFalse();
    }

    @Test
    @Tag("system")
    void ovsAppctlSpeaksToIt() throws Exception {
        assertThat(appctl("version")).isEqualTo("ovs-vswitchd (Turnstile) 1.2.3\n");
        assertThat(appctl("echo", "a", "b")).isEqualTo("a b\n");
        assertThat(appctl("refuse")).startsWith("no such bridge\novs-appctl: ").endsWith("server returned an error\n");
    }

    private String appctl(String... words) throws Exception {
        List<String> command = new ArrayList<>(List.of("ovs-appctl", "--timeout=10", "--target=" + socket));
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }
}
