package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.OvsdbJson;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.SchemaNotation;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A client that says anything: messages, and the operations, conditions, mutations and monitors in them. What it leaves
 * in the database can be written to a file and read from it. Input: JSON texts, one after the other.
 */
class OvsdbSessionFuzzTest {
    private static final String ECHO_ID = "still there?";
    private static final DatabaseSchema SCHEMA = SchemaNotation.openVswitch();

    static Stream<byte[]> seeds() {
        return Stream.of("operations", "conditions", "mutations", "integrity", "waits", "locks", "monitors", "methods")
                .flatMap(OvsdbSessionFuzzTest::requests)
                .map(text -> text.getBytes(StandardCharsets.UTF_8));
    }

    /** The first lines of a conversation whose clients are all the same one. */
    private static Stream<String> requests(String conversation) {
        try (var in = OvsdbSessionFuzzTest.class.getResourceAsStream("conversations/" + conversation + ".txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                            .lines()
                            .filter(line -> !line.startsWith("#") && !line.startsWith(" "))
                            .map(line -> line.split(" ", 3))
                            .filter(words -> words.length == 3 && !words[1].equals("raw"))
                            .map(words -> "{\"id\":1,\"method\":\"" + words[1] + "\",\"params\":" + words[2] + "}")
                            .limit(20)
                            .toList()
                            .stream();
        } catch (IOException e) {
            throw new AssertionError(conversation, e);
        }
    }

    @MethodSource("seeds")
    @FuzzTest
    void everythingIsAnsweredAndKeptWhole(byte[] input) throws Exception {
        Database database = Database.inMemory(SCHEMA, (delayMs, task) -> {});
        List<JsonNode> out = new ArrayList<>();
        OvsdbSession session = LocalPeer.session(Map.of("Open_vSwitch", database), new Locks(), out::add);
        try (MappingIterator<JsonNode> messages =
                OvsdbJson.MAPPER.readerFor(JsonNode.class).readValues(new String(input, StandardCharsets.UTF_8))) {
            while (messages.hasNextValue()) {
                session.receive(messages.nextValue(), 0);
            }
        } catch (ProtocolException | JsonProcessingException | IllegalArgumentException letGo) {
            session.close();
            assertThatFileHolds(database.snapshot());
            return;
        }
        session.receive(
                OvsdbJson.MAPPER.readTree("{\"id\":\"" + ECHO_ID + "\",\"method\":\"echo\",\"params\":[1]}"), 0);
        assertThat(out.getLast().path("id").asText()).isEqualTo(ECHO_ID);
        assertThatFileHolds(database.snapshot());
        session.close();
        database.close();
    }

    private static void assertThatFileHolds(DataSnapshot snapshot) {
        JsonNode record = Records.ofSnapshot(snapshot);
        assertThat(Records.ofSnapshot(Records.replay(snapshot.schema(), record)))
                .isEqualTo(record);
    }
}
