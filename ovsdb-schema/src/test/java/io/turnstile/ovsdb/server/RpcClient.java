package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One JSON-RPC connection to a database server's unix socket, message by message. Threads: the test's, and one that
 * reads.
 */
final class RpcClient implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNode END = MissingNode.getInstance();
    private static final int PATIENCE_SECONDS = 5;

    private final SocketChannel channel;
    private final BlockingQueue<JsonNode> received = new LinkedBlockingQueue<>();
    private int lastId;

    RpcClient(Path socket) {
        try {
            channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
            Thread.ofVirtual().start(this::read);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sends a request and returns its id. */
    int send(String method, String params) {
        lastId++;
        sendRaw("{\"id\":" + lastId + ",\"method\":\"" + method + "\",\"params\":" + params + "}");
        return lastId;
    }

    void sendRaw(String text) {
        sendRaw(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends bytes; a connection that the server has closed takes them in vain. */
    void sendRaw(byte[] bytes) {
        try {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        } catch (IOException e) {
            // The next receive() sees the end.
        }
    }

    private void read() {
        try (JsonParser in = JSON.getFactory().createParser(Channels.newInputStream(channel))) {
            for (JsonNode message = JSON.readTree(in); message != null; message = JSON.readTree(in)) {
                received.add(message);
            }
        } catch (IOException e) {
            // A lost connection is an end like any other.
        }
        received.add(END);
    }

    /** Waits for the next message; null at the end of the connection. {@link AssertionError} if nothing comes. */
    JsonNode receive() {
        try {
            JsonNode message = received.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (message == null) {
                throw new AssertionError("no answer");
            }
            if (message.equals(END)) {
                received.add(END);
                return null;
            }
            return message;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Sends a request and returns the reply, passing over notifications. Null if the connection ends first. */
    JsonNode call(String method, String params) {
        int id = send(method, params);
        while (true) {
            JsonNode message = receive();
            if (message == null || message.path("id").asInt(-1) == id && !message.has("method")) {
                return message;
            }
        }
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
