package io.turnstile.lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/**
 * What ovs-appctl does, without a process for each command: JSON-RPC over a switch's control socket (ovs-appctl(8)),
 * one command after the other on one connection.
 *
 * <p>Threads: one.
 */
public final class ControlConnection implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final SocketChannel channel;
    private MappingIterator<JsonNode> replies; // null before the first command: the reader begins by waiting for bytes
    private int lastId;

    /** The switch answered that the command failed; the message is what it said, without the last line end. */
    public static final class RefusedException extends IOException {
        private static final long serialVersionUID = 1L;

        RefusedException(String answer) {
            super(answer);
        }
    }

    private ControlConnection(SocketChannel channel) {
        this.channel = channel;
    }

    public static ControlConnection open(Path socket) throws IOException {
        return new ControlConnection(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
    }

    /** The answer to a command; {@link RefusedException} if it is an error, EOFException if the switch hung up. */
    public String run(String command, String... arguments) throws IOException {
        ObjectNode request = JSON.createObjectNode().put("id", ++lastId).put("method", command);
        ArrayNode words = request.putArray("params");
        for (String argument : arguments) {
            words.add(argument);
        }
        ByteBuffer bytes = ByteBuffer.wrap(JSON.writeValueAsBytes(request));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        if (replies == null) {
            replies = JSON.readerFor(JsonNode.class).readValues(Channels.newInputStream(channel));
        }
        if (!replies.hasNextValue()) {
            throw new EOFException("no answer to " + command);
        }
        JsonNode reply = replies.nextValue();
        if (!reply.path("error").isNull()) {
            throw new RefusedException(reply.get("error").asText().stripTrailing());
        }
        return reply.path("result").asText();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
