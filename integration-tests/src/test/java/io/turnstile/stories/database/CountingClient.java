package io.turnstile.stories.database;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * A client whose every write steps one counter ({@code next_cfg}), ages the rows of the {@link #WINDOW} writes before
 * it, adds a row of its own and writes its name under one of a few keys: so the database says of the last writes at
 * which step they came, answered or not.
 */
final class CountingClient implements AutoCloseable {
    /** So many writes have their rows; dscp, which is a row's age, goes to 63. */
    static final int WINDOW = 50;

    static final int KEYS = 8;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final SocketChannel channel;
    private final JsonParser in;
    private int lastId;

    CountingClient(Path socket) {
        try {
            channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
            // From octets it would begin with waiting for some.
            in = JSON.getFactory()
                    .createParser(new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the database says. */
    record State(long counter, Map<String, Long> recent, Map<String, String> keys) {}

    /** Steps the counter; the step has no answer if the connection ends. */
    Step write(String id, int key, int ballastChars) {
        String text = id + ":" + "x".repeat(ballastChars);
        return step(id, true, """
            {"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[["next_cfg","+=",1]]},
            {"op":"delete","table":"Queue","where":[["dscp",">=",%d]]},
            {"op":"mutate","table":"Queue","where":[],"mutations":[["dscp","+=",1]]},
            {"op":"insert","table":"Queue","row":{"dscp":0,"external_ids":["map",[["id","%s"]]]}},
            {"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[
              ["external_ids","delete",["set",["k%d"]]],["external_ids","insert",["map",[["k%d","%s"]]]]]},
            {"op":"select","table":"Open_vSwitch","where":[],"columns":["next_cfg"]}
            """.formatted(WINDOW - 1, id, key, key, text));
    }

    /** Reads the counter. */
    Step read(String id) {
        return step(
                id, false, "{\"op\":\"select\",\"table\":\"Open_vSwitch\",\"where\":[],\"columns\":[\"next_cfg\"]}");
    }

    private Step step(String id, boolean isWrite, String operations) {
        long requestNs = System.nanoTime();
        JsonNode result;
        try {
            result = transact(operations);
        } catch (IOException e) {
            return new Step(id, isWrite, requestNs, Long.MAX_VALUE, Step.UNKNOWN);
        }
        long responseNs = System.nanoTime();
        return new Step(
                id,
                isWrite,
                requestNs,
                responseNs,
                result.get(result.size() - 1)
                        .path("rows")
                        .path(0)
                        .path("next_cfg")
                        .asLong());
    }

    /** Everything, in one transaction. */
    State state() {
        try {
            JsonNode result = transact("""
                {"op":"select","table":"Open_vSwitch","where":[],"columns":["next_cfg","external_ids"]},
                {"op":"select","table":"Queue","where":[],"columns":["dscp","external_ids"]}\
                """);
            JsonNode root = result.get(0).get("rows").get(0);
            long counter = root.get("next_cfg").asLong();
            Map<String, Long> recent = new HashMap<>();
            for (JsonNode row : result.get(1).get("rows")) {
                String id = map(row.get("external_ids")).get("id");
                if (recent.put(id, counter - row.get("dscp").asLong()) != null) {
                    throw new AssertionError(id + " is there twice");
                }
            }
            return new State(counter, recent, map(root.get("external_ids")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, String> map(JsonNode json) {
        Map<String, String> map = new HashMap<>();
        json.get(1).forEach(pair -> map.put(pair.get(0).asText(), pair.get(1).asText()));
        return map;
    }

    private JsonNode transact(String operations) throws IOException {
        lastId++;
        String request =
                "{\"id\":" + lastId + ",\"method\":\"transact\",\"params\":[\"Open_vSwitch\"," + operations + "]}";
        ByteBuffer bytes = ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        JsonNode reply = JSON.readTree(in);
        if (reply == null) {
            throw new IOException("the connection has ended");
        }
        JsonNode result = reply.get("result");
        for (JsonNode part : result) {
            if (part.has("error")) {
                throw new AssertionError(request + ": " + result);
            }
        }
        return result;
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
