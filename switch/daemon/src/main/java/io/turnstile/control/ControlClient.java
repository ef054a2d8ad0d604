package io.turnstile.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The client asks a switch by its control socket as {@code ovs-appctl} does, but any number of times on one connection.
 *
 * <p>Threads: one.
 */
public final class ControlClient implements AutoCloseable {
    private final ObjectMapper json = new ObjectMapper();
    private final SocketChannel channel;
    /** The replies; null before the first request, since making it reads already. */
    private @Nullable MappingIterator<JsonNode> replies;

    private long requests;

    /** @throws IOException nobody listens there */
    public ControlClient(Path socket) throws IOException {
        channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    }

    /**
     * Runs one command; waits for its reply, however long that takes.
     *
     * @throws IOException the switch has gone, or does not speak JSON-RPC
     */
    public CommandReply ask(String command, List<String> arguments) throws IOException {
        ObjectNode request = json.createObjectNode().put("method", command).put("id", ++requests);
        arguments.forEach(request.putArray("params")::add);
        ByteBuffer bytes = ByteBuffer.wrap(json.writeValueAsBytes(request));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        if (replies == null) {
            replies = json.readerFor(JsonNode.class).readValues(Channels.newInputStream(channel));
        }
        if (!replies.hasNextValue()) {
            throw new EOFException("the switch has closed the connection");
        }
        JsonNode reply = replies.nextValue();
        return reply.path("error").isTextual()
                ? CommandReply.error(reply.path("error").textValue())
                : CommandReply.ok(reply.path("result").asText(""));
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
