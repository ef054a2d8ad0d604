package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same conversations with the system's ovsdb-server and with ours, over the same schema, word for word; both
 * transcripts are left in {@code target/conversations}. Where we differ on purpose the scripts do not tread, or
 * {@link Conversation} masks it:
 *
 * <ul>
 *   <li>an error reply of ours has {@code "result": null} (JSON-RPC 1.0 §1.2), ovsdb-server's has no result;
 *   <li>reals are written with all their digits, ovsdb-server's with 15;
 *   <li>monitor_cond_since goes on from the last 100 transactions, a standalone ovsdb-server always begins anew;
 *   <li>a cancelled transaction is answered "canceled" (RFC 7047 §4.1.4), ovsdb-server says nothing;
 *   <li>the holder of a lock is told "locked" once, ovsdb-server tells it again whenever somebody leaves the line;
 *   <li>monitor_cond_change of a monitor without conditions is an error, ovsdb-server ignores it;
 *   <li>the least integer times -1 is a range error, with ovsdb-server it is itself;
 *   <li>{@code convert} is an unknown method; what crashes ovsdb-server 3.1.0 does not crash us.
 * </ul>
 */
@Tag("system")
class OvsdbServerConversationTest {
    private static final Path SCHEMA = Path.of("/usr/share/openvswitch/vswitch.ovsschema");

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "operations",
                "conditions",
                "mutations",
                "types",
                "integrity",
                "waits",
                "locks",
                "monitors",
                "methods",
                "server"
            })
    @Timeout(30)
    void bothServersAnswerAlike(String name) throws IOException {
        List<String> script = script(name);
        Path theirs = database("theirs");
        Path ours = folder.resolve("ours.db");
        Files.copy(theirs, ours);
        Path socket = folder.resolve("theirs.sock");
        List<String> expected;
        try (InstalledOvsdbServer _ = InstalledOvsdbServer.serve(theirs, socket)) {
            expected = Conversation.hold(socket, script);
        }
        Path ourSocket = folder.resolve("ours.sock");
        List<String> actual;
        try (EmbeddedOvsdb _ = new EmbeddedOvsdb(ours, List.of("punix:" + ourSocket))) {
            actual = Conversation.hold(ourSocket, script);
        }
        Files.createDirectories(Path.of("target/conversations"));
        Files.write(Path.of("target/conversations", name + ".theirs"), expected);
        Files.write(Path.of("target/conversations", name + ".ours"), actual);
        assertThat(actual).isEqualTo(expected);
    }

    private static List<String> script(String name) throws IOException {
        try (InputStream in = OvsdbServerConversationTest.class.getResourceAsStream("conversations/" + name + ".txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }

    /** The installed schema and a table with every type and constraint that it does not use. */
    private Path database(String name) throws IOException {
        ObjectMapper json = new ObjectMapper();
        ObjectNode schema = (ObjectNode) json.readTree(SCHEMA.toFile());
        JsonNode more =
                json.readTree(OvsdbServerConversationTest.class.getResourceAsStream("conversations/tables.json"));
        schema.withObject("/tables").setAll((ObjectNode) more);
        schema.remove("cksum");
        Path file = folder.resolve("schema.json");
        json.writeValue(file.toFile(), schema);
        Path database = folder.resolve(name + ".db");
        InstalledOvsdbServer.tool(folder, "ovsdb-tool", "create", database.toString(), file.toString());
        return database;
    }
}
