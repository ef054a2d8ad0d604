package io.turnstile.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** What a client of the control socket does that speaks JSON-RPC by hand. */
final class Asker {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Asker() {}

    static SocketChannel connect(Path socket) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(socket));
    }

    static String request(String method, String... words) {
        return JSON.createObjectNode()
                .put("method", method)
                .put("id", 0)
                .set("params", JSON.valueToTree(words))
                .toString();
    }

    static void send(SocketChannel client, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            client.write(bytes);
        }
    }

    /** The next reply; what has come behind it by then is lost. */
    static JsonNode read(SocketChannel client) throws IOException {
        return JSON.readTree(JSON.getFactory().createParser(Channels.newInputStream(client)));
    }

    /** The reply to a request on a connection of its own. */
    static JsonNode ask(Path socket, String request) throws IOException {
        try (SocketChannel client = connect(socket)) {
            send(client, request);
            return read(client);
        }
    }
}
