package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.OvsdbJson;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The file: what a crash cuts off, what damage costs, differences, compaction. */
class DatabaseLogTest {
    static final String SCHEMA = """
            {"name":"Things","version":"1.0.0","tables":{"Thing":{"isRoot":true,"columns":{
              "name":{"type":"string"},
              "count":{"type":"integer"},
              "tags":{"type":{"key":"string","min":0,"max":"unlimited"}},
              "notes":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
              "maybe":{"type":{"key":"integer","min":0,"max":1}},
              "lost":{"type":"string","ephemeral":true}}}}}""";
    static final String ID = "10000001-1111-4111-8111-000000000001";

    @TempDir
    Path folder;

    static JsonNode json(String text) {
        try {
            return OvsdbJson.MAPPER.readTree(text);
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }

    static byte[] record(String text) throws Exception {
        byte[] body = (text + "\n").getBytes(StandardCharsets.UTF_8);
        byte[] hash = MessageDigest.getInstance("SHA-1").digest(body);
        byte[] head = ("OVSDB JSON " + body.length + " " + HexFormat.of().formatHex(hash) + "\n")
                .getBytes(StandardCharsets.UTF_8);
        byte[] all = Arrays.copyOf(head, head.length + body.length);
        System.arraycopy(body, 0, all, head.length, body.length);
        return all;
    }

    private Path file(byte[]... parts) throws IOException {
        Path file = folder.resolve("things.db");
        Files.write(file, new byte[0]);
        for (byte[] part : parts) {
            Files.write(file, part, java.nio.file.StandardOpenOption.APPEND);
        }
        return file;
    }

    static Database open(Path file) throws IOException {
        return Database.open(file, DatabaseSchema.fromJson(json(SCHEMA)), (delayMs, task) -> {});
    }

    private static String names(Database database) {
        List<String> names = new ArrayList<>();
        database.snapshot()
                .rows("Thing")
                .values()
                .forEach(row -> names.add((String) row.datum("name").key(0)));
        names.sort(null);
        return String.join(" ", names);
    }

    private static String insert(Database database, String name) {
        List<String> replies = new ArrayList<>();
        database.transact(
                List.of(json(
                        "{\"op\":\"insert\",\"table\":\"Thing\",\"row\":{\"name\":\"" + name + "\",\"lost\":\"x\"}}")),
                lock -> false,
                database,
                json("1"),
                reply -> replies.add(reply.toString()));
        return replies.getFirst();
    }

    private static byte[] inserting(int number, String name) throws Exception {
        return record("{\"Thing\":{\"" + new UUID(0, number) + "\":{\"name\":\"" + name + "\"}},\"_date\":1}");
    }

    @Test
    void aRecordTornAtAnyByteIsCutAndTheRestStands() throws Exception {
        byte[] schema = record(json(SCHEMA).toString());
        byte[] first = inserting(1, "first");
        byte[] last = inserting(2, "last\u00fc");
        for (int length = 0; length < last.length; length++) {
            Path file = file(schema, first, Arrays.copyOf(last, length));
            try (Database database = open(file)) {
                assertThat(names(database)).as("torn after %d bytes", length).isEqualTo("first");
                assertThat(Files.size(file)).isEqualTo(schema.length + first.length);
                assertThat(insert(database, "after")).contains("uuid");
            }
            try (Database database = open(file)) {
                assertThat(names(database)).isEqualTo("after first");
            }
        }
    }

    @Test
    void aFlippedByteInTheLastRecordCutsItWhereverItIs() throws Exception {
        byte[] schema = record(json(SCHEMA).toString());
        byte[] first = inserting(1, "first");
        byte[] last = inserting(2, "last");
        for (int at = 0; at < last.length; at++) {
            byte[] damaged = last.clone();
            damaged[at] ^= 0x01;
            Path file = file(schema, first, damaged);
            try (Database database = open(file)) {
                assertThat(names(database)).as("byte %d flipped", at).isEqualTo("first");
            }
        }
    }

    @Test
    void nothingBehindADamagedRecordIsTaken() throws Exception {
        byte[] damaged = inserting(2, "damaged");
        damaged[damaged.length - 5] ^= 0x01;
        Path file = file(record(json(SCHEMA).toString()), inserting(1, "first"), damaged, inserting(3, "third"));
        try (Database database = open(file)) {
            assertThat(names(database)).isEqualTo("first");
        }
    }

    @Test
    void aFileThatIsNoDatabaseIsRefusedAndLeftAlone() throws Exception {
        for (String text : List.of("hello\n", "OVSDB JSON 3 abc\n{}\n", "OVSDB CLUSTER 2 0123\n{}", "\0\0\0\0")) {
            Path file = file(text.getBytes(StandardCharsets.UTF_8));
            assertThatThrownBy(() -> open(file))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("not an OVSDB database");
            assertThat(Files.readString(file)).isEqualTo(text);
        }
        Path other = file(record("{\"name\":\"Other\",\"tables\":{}}"));
        assertThatThrownBy(() -> open(other))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("holds database Other");
    }

    @Test
    void aWholeRecordOfWrongTypesIsRefusedNotCut() throws Exception {
        Path file = file(
                record(json(SCHEMA).toString()),
                inserting(1, "first"),
                record("{\"Thing\":{\"" + ID + "\":{\"count\":\"text\"}}}"));
        byte[] before = Files.readAllBytes(file);
        assertThatThrownBy(() -> open(file)).isInstanceOf(IOException.class).hasMessageContaining("expected integer");
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
        Path noUuid = file(record(json(SCHEMA).toString()), record("{\"Thing\":{\"nonsense\":{}}}"));
        assertThatThrownBy(() -> open(noUuid)).isInstanceOf(IOException.class);
    }

    @Test
    void differencesAreAppliedToWhatIsThere() throws Exception {
        Path file = file(
                record(json(SCHEMA).toString()),
                record("{\"_is_diff\":true,\"Thing\":{\"" + ID
                        + "\":{\"name\":\"n\",\"count\":3,\"tags\":[\"set\",[\"a\",\"b\"]],"
                        + "\"notes\":[\"map\",[[\"k\",\"v\"],[\"l\",\"w\"],[\"m\",\"x\"]]],\"maybe\":7}}}"),
                record(
                        "{\"_is_diff\":true,\"Thing\":{\"" + ID + "\":{\"count\":5,\"tags\":[\"set\",[\"b\",\"c\"]],"
                                + "\"notes\":[\"map\",[[\"k\",\"v\"],[\"l\",\"changed\"],[\"new\",\"y\"]]],\"maybe\":[\"set\",[]]}}}"),
                record("{\"Thing\":{\"" + ID + "\":{\"name\":\"whole\"}}}"));
        try (Database database = open(file)) {
            var row = database.snapshot().rows("Thing").get(UUID.fromString(ID));
            assertThat(row.json("name").toString()).isEqualTo("\"whole\"");
            assertThat(row.json("count").toString()).isEqualTo("5");
            assertThat(row.json("tags").toString()).isEqualTo("[\"set\",[\"a\",\"c\"]]");
            assertThat(row.json("notes").toString())
                    .isEqualTo("[\"map\",[[\"l\",\"changed\"],[\"m\",\"x\"],[\"new\",\"y\"]]]");
            assertThat(row.json("maybe").toString()).isEqualTo("[\"set\",[]]");
        }
    }

    @Test
    void compactionKeepsEveryRowAndTheFileGoesOn() throws Exception {
        Path file = file(record(json(SCHEMA).toString()));
        long longSize;
        try (Database database = open(file)) {
            for (int i = 0; i < 30; i++) {
                insert(database, "n" + i);
            }
            longSize = Files.size(file);
            database.compact();
            assertThat(Files.size(file)).isLessThan(longSize);
            insert(database, "after");
        }
        try (Database database = open(file)) {
            assertThat(database.snapshot().rows("Thing")).hasSize(31);
            assertThat(names(database)).contains("n0", "n29", "after");
            assertThat(database.snapshot().rows("Thing").values())
                    .allSatisfy(row -> assertThat(row.datum("lost").key(0))
                            .as("an ephemeral column")
                            .isEqualTo(""));
        }
    }

    @Test
    void aFileGrowsNoMoreThanSomeTimesItsContents() throws Exception {
        Path file = file(record(json(SCHEMA).toString()));
        String text = "x".repeat(40_000);
        try (Database database = open(file)) {
            insert(database, "one");
            for (int i = 0; i < 100; i++) {
                database.transact(
                        List.of(json("{\"op\":\"update\",\"table\":\"Thing\",\"where\":[],\"row\":{\"name\":\""
                                + text + i
                                + "\"}}")),
                        lock -> false,
                        database,
                        json("1"),
                        reply -> {});
            }
            assertThat(Files.size(file)).isLessThan(2 << 20);
            assertThat(names(database)).isEqualTo(text + 99);
        }
        try (Database database = open(file)) {
            assertThat(names(database)).isEqualTo(text + 99);
        }
    }

    @Test
    void oneFileHasOneServer() throws Exception {
        Path file = file(record(json(SCHEMA).toString()));
        try (Database database = open(file)) {
            assertThatThrownBy(() -> open(file)).isInstanceOf(IOException.class).hasMessageContaining("in use");
            assertThat(insert(database, "still")).contains("uuid");
        }
        open(file).close();
    }
}
