package io.turnstile.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/** What ovs-appctl does: one command, its text back. */
record ControlClient(Path socket) {
    private static final ObjectMapper JSON = new ObjectMapper();

    String run(String command, String... arguments) throws IOException {
        ObjectNode request = JSON.createObjectNode().put("id", 0).put("method", command);
        for (String argument : arguments) {
            request.withArray("params").add(argument);
        }
        if (arguments.length == 0) {
            request.putArray("params");
        }
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            channel.write(ByteBuffer.wrap(JSON.writeValueAsBytes(request)));
            MappingIterator<JsonNode> replies = JSON.readerFor(JsonNode.class).readValues(Channels.newInputStream(channel));
            JsonNode reply = replies.nextValue();
            if (!reply.path("error").isNull()) {
                throw new IOException(command + ": " + reply.get("error").asText());
            }
            return reply.path("result").asText();
        }
    }
}
