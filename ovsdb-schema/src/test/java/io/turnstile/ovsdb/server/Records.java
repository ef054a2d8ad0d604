package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.OvsdbJson;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;

/** Records of database files, made and read by hand. */
final class Records {
    private Records() {}

    /** A record with that text, as the file has it. */
    static byte[] record(String text) throws Exception {
        byte[] body = (text + "\n").getBytes(StandardCharsets.UTF_8);
        byte[] hash = MessageDigest.getInstance("SHA-1").digest(body);
        byte[] head = ("OVSDB JSON " + body.length + " " + HexFormat.of().formatHex(hash) + "\n")
                .getBytes(StandardCharsets.UTF_8);
        byte[] all = Arrays.copyOf(head, head.length + body.length);
        System.arraycopy(body, 0, all, head.length, body.length);
        return all;
    }

    /** The JSON of a compacted file's second record. */
    static JsonNode ofSnapshot(DataSnapshot snapshot) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = OvsdbJson.MAPPER.createGenerator(text)) {
            FileRecords.ofSnapshot(snapshot, 0).write(json);
            json.flush();
            return OvsdbJson.MAPPER.readTree(text.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a file of these records would hold. */
    static DataSnapshot replay(DatabaseSchema schema, JsonNode record) {
        Replay replay = new Replay(schema.name(), Long.MAX_VALUE);
        try {
            for (JsonNode json : new JsonNode[] {schema.toJson(), record}) {
                int number = json == record ? 1 : 0;
                try (JsonParser parser = OvsdbJson.MAPPER.createParser(json.toString())) {
                    parser.nextToken();
                    replay.read(number, parser);
                }
                replay.take(number);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return replay.snapshot();
    }
}
