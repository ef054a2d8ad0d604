package io.turnstile.ovsdb.server;

import static io.turnstile.ovsdb.server.Things.ID;
import static io.turnstile.ovsdb.server.Things.insert;
import static io.turnstile.ovsdb.server.Things.inserting;
import static io.turnstile.ovsdb.server.Things.json;
import static io.turnstile.ovsdb.server.Things.names;
import static io.turnstile.ovsdb.server.Things.open;
import static io.turnstile.ovsdb.server.Things.schema;
import static io.turnstile.ovsdb.server.Things.transact;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.DataRow;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What stands in the file, and what is read from it. */
class DatabaseLogTest {
    @TempDir
    Path folder;

    private Path file(byte[]... parts) throws IOException {
        return Things.write(folder.resolve("things.db"), parts);
    }

    /** The JSON of the file's last record. */
    private static JsonNode lastRecord(Path file) throws IOException {
        List<String> lines = Files.readAllLines(file);
        return json(lines.getLast());
    }

    @Test
    void aWholeRecordOfWrongTypesIsRefusedNotCut() throws Exception {
        Path file = file(
                schema(), inserting(1, "first"), Records.record("{\"Thing\":{\"" + ID + "\":{\"count\":\"text\"}}}"));
        byte[] before = Files.readAllBytes(file);
        assertThatThrownBy(() -> open(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("record 2")
                .hasMessageContaining("expected integer");
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
        for (String text :
                List.of("{\"Thing\":{\"nonsense\":{}}}", "{\"Thing\":[]}", "{\"Thing\":{\"" + ID + "\":7}}")) {
            Path bad = file(schema(), Records.record(text));
            assertThatThrownBy(() -> open(bad)).as(text).isInstanceOf(IOException.class);
        }
    }

    @Test
    void differencesAreAppliedToWhatIsThere() throws Exception {
        Path file = file(
                schema(),
                Records.record("{\"_is_diff\":true,\"Thing\":{\"" + ID
                        + "\":{\"name\":\"n\",\"count\":3,\"tags\":[\"set\",[\"a\",\"b\"]],"
                        + "\"notes\":[\"map\",[[\"k\",\"v\"],[\"l\",\"w\"],[\"m\",\"x\"]]],\"maybe\":7}}}"),
                Records.record(
                        "{\"Thing\":{\"" + ID + "\":{\"count\":5,\"tags\":[\"set\",[\"b\",\"c\"]],"
                                + "\"notes\":[\"map\",[[\"k\",\"v\"],[\"l\",\"changed\"],[\"new\",\"y\"]]],\"maybe\":[\"set\",[]]}},\"_is_diff\":true}"),
                Records.record("{\"Thing\":{\"" + ID + "\":{\"name\":\"whole\"}}}"));
        try (Database database = open(file)) {
            DataRow row = row(database);
            assertThat(row.json("name").toString()).isEqualTo("\"whole\"");
            assertThat(row.json("count").toString()).isEqualTo("5");
            assertThat(row.json("tags").toString()).isEqualTo("[\"set\",[\"a\",\"c\"]]");
            assertThat(row.json("notes").toString())
                    .isEqualTo("[\"map\",[[\"l\",\"changed\"],[\"m\",\"x\"],[\"new\",\"y\"]]]");
            assertThat(row.json("maybe").toString()).isEqualTo("[\"set\",[]]");
        }
    }

    private static DataRow row(Database database) {
        return database.snapshot().rows("Thing").get(UUID.fromString(ID));
    }

    @Test
    void changesAreWrittenAsDifferencesAndNewRowsWhole() throws Exception {
        Path file = file(schema());
        try (Database database = open(file)) {
            transact(
                    database,
                    "{\"op\":\"insert\",\"table\":\"Thing\",\"uuid\":\"" + ID
                            + "\",\"row\":{\"name\":\"n\",\"tags\":[\"set\",[\"a\",\"b\"]],\"pair\":[\"map\",[[\"p\",1]]],"
                            + "\"notes\":[\"map\",[[\"k\",\"v\"],[\"l\",\"w\"]]],\"lost\":\"x\"}}",
                    "{\"op\":\"comment\",\"comment\":\"said\"}");
            JsonNode inserted = lastRecord(file);
            assertThat(inserted.path("_is_diff").asBoolean()).isTrue();
            assertThat(inserted.path("_comment").asText()).isEqualTo("said");
            assertThat(inserted.path("_date").isIntegralNumber()).isTrue();
            assertThat(inserted.path("Thing").path(ID))
                    .isEqualTo(json("{\"name\":\"n\",\"tags\":[\"set\",[\"a\",\"b\"]],\"pair\":[\"map\",[[\"p\",1]]],"
                            + "\"notes\":[\"map\",[[\"k\",\"v\"],[\"l\",\"w\"]]]}"));
            transact(
                    database,
                    "{\"op\":\"update\",\"table\":\"Thing\",\"where\":[],\"row\":{\"count\":4,\"tags\":[\"set\",[\"b\",\"c\"]],"
                            + "\"pair\":[\"map\",[[\"q\",2]]],\"notes\":[\"map\",[[\"l\",\"z\"],[\"m\",\"new\"]]]}}");
            assertThat(lastRecord(file).path("Thing").path(ID))
                    .isEqualTo(json("{\"count\":4,\"tags\":[\"set\",[\"a\",\"c\"]],\"pair\":[\"map\",[[\"q\",2]]],"
                            + "\"notes\":[\"map\",[[\"k\",\"v\"],[\"l\",\"z\"],[\"m\",\"new\"]]]}"));
            long size = Files.size(file);
            transact(database, "{\"op\":\"update\",\"table\":\"Thing\",\"where\":[],\"row\":{\"lost\":\"y\"}}");
            assertThat(Files.size(file)).as("an ephemeral column is not kept").isEqualTo(size);
            transact(database, "{\"op\":\"delete\",\"table\":\"Thing\",\"where\":[]}");
            assertThat(lastRecord(file).path("Thing").path(ID).isNull()).isTrue();
        }
    }

    @Test
    void aLargeValueCostsAFileOnlyWhatChangesOfIt() throws Exception {
        Path file = file(schema());
        try (Database database = open(file)) {
            StringBuilder pairs = new StringBuilder();
            for (int i = 0; i < 5_000; i++) {
                pairs.append(i == 0 ? "" : ",").append("[\"key").append(i).append("\",\"value\"]");
            }
            transact(database, "{\"op\":\"insert\",\"table\":\"Thing\",\"row\":{\"notes\":[\"map\",[" + pairs + "]]}}");
            long before = Files.size(file);
            transact(
                    database,
                    "{\"op\":\"mutate\",\"table\":\"Thing\",\"where\":[],\"mutations\":[[\"notes\",\"insert\",[\"map\",[[\"one\",\"more\"]]]]]}");
            assertThat(Files.size(file) - before).isLessThan(300);
        }
        try (Database database = open(file)) {
            assertThat(database.snapshot()
                            .rows("Thing")
                            .values()
                            .iterator()
                            .next()
                            .datum("notes")
                            .size())
                    .isEqualTo(5_001);
        }
    }

    @Test
    void randomTransactionsAreReadAsTheyWere() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Path file = file(schema());
        JsonNode written;
        try (Database database = open(file)) {
            for (int i = 0; i < 400; i++) {
                transact(database, operation(random), operation(random));
            }
            written = Records.ofSnapshot(database.snapshot());
        }
        try (Database database = open(file)) {
            assertThat(Records.ofSnapshot(database.snapshot()).path("Thing"))
                    .as("seed %d", seed)
                    .isEqualTo(written.path("Thing"));
            assertThat(written.path("Thing")).isNotEmpty();
        }
    }

    private static String operation(Random random) {
        String where = "\"where\":[[\"count\",\"==\"," + random.nextInt(8) + "]]";
        String some = "[\"set\",[\"t" + random.nextInt(5) + "\",\"\u00fc" + random.nextInt(5) + "\"]]";
        String pair = "[\"map\",[[\"k" + random.nextInt(4) + "\",\"" + random.nextInt(3) + "\"]]]";
        return switch (random.nextInt(5)) {
            case 0 ->
                "{\"op\":\"insert\",\"table\":\"Thing\",\"row\":{\"count\":" + random.nextInt(8) + ",\"tags\":" + some
                        + "}}";
            case 1 ->
                "{\"op\":\"update\",\"table\":\"Thing\"," + where + ",\"row\":{\"tags\":" + some + ",\"maybe\":"
                        + (random.nextBoolean() ? "[\"set\",[]]" : random.nextInt(9)) + ",\"pair\":[\"map\",[[\"p\","
                        + random.nextInt(3) + "]]]}}";
            case 2 ->
                "{\"op\":\"mutate\",\"table\":\"Thing\"," + where + ",\"mutations\":[[\"notes\",\"insert\"," + pair
                        + "],[\"tags\",\"delete\",\"t" + random.nextInt(5) + "\"],[\"count\",\"+=\",1]]}";
            case 3 ->
                "{\"op\":\"mutate\",\"table\":\"Thing\"," + where
                        + ",\"mutations\":[[\"notes\",\"delete\",[\"set\",[\"k" + random.nextInt(4) + "\"]]]]}";
            default ->
                random.nextInt(4) == 0
                        ? "{\"op\":\"delete\",\"table\":\"Thing\"," + where + "}"
                        : "{\"op\":\"comment\",\"comment\":\"none\"}";
        };
    }

    @Test
    void aRecordOfAnyLengthIsWrittenAndRead() throws Exception {
        Path file = file(schema());
        // Around what the buffer holds, where a record is written in one piece or in several.
        int buffer = 1 << 16;
        int common =
                "{\"Thing\":{\"\":{\"name\":\"\"}},\"_is_diff\":true,\"_date\":1700000000000}\n".length() + ID.length();
        List<Integer> lengths = List.of(
                1, buffer - common - 1, buffer - common, buffer - common + 1, buffer, 2 * buffer - common, 500_000);
        try (Database database = open(file)) {
            for (int length : lengths) {
                assertThat(insert(database, "x".repeat(length))).contains("uuid");
            }
        }
        try (Database database = open(file)) {
            assertThat(database.snapshot().rows("Thing").values())
                    .extracting(row -> ((String) row.datum("name").key(0)).length())
                    .containsExactlyInAnyOrderElementsOf(lengths);
        }
    }

    @Test
    void oneFileHasOneServer() throws Exception {
        Path file = file(schema());
        try (Database database = open(file)) {
            assertThatThrownBy(() -> open(file)).isInstanceOf(IOException.class).hasMessageContaining("in use");
            assertThat(insert(database, "still")).contains("uuid");
        }
        open(file).close();
    }

    @Test
    void whatALinkPointsAtIsTheDatabase() throws Exception {
        Path real = Files.createDirectory(folder.resolve("elsewhere")).resolve("real.db");
        Path link = folder.resolve("link.db");
        Files.createSymbolicLink(link, real);
        HandLoop loop = new HandLoop();
        try (Database database = open(link, loop)) {
            insert(database, "one");
            database.compact(failure -> assertThat(failure).isNull());
            loop.next().run();
            insert(database, "two");
        }
        assertThat(link).isSymbolicLink();
        try (Database database = open(real)) {
            assertThat(names(database)).isEqualTo("one two");
        }
    }

    @Test
    void textOfAllKindsComesBackAsItWas() throws Exception {
        String text = "\u00fc \u4e2d \uD83D\uDE00 \u0001 \\n \\\"";
        Path file = file(schema());
        try (Database database = open(file)) {
            assertThat(insert(database, text.replace("\u0001", "\\u0001"))).contains("uuid");
            text = names(database);
        }
        assertThat(Files.readString(file, StandardCharsets.UTF_8)).contains("\u00fc \u4e2d ");
        try (Database database = open(file)) {
            assertThat(names(database)).isEqualTo(text).contains("\uD83D\uDE00", "\u0001", "\n", "\"");
        }
    }

    @Test
    void aTextIsReadThatIsLongerThanJsonIsUsuallyLetBe() throws Exception {
        int chars = 21_000_000; // a client may say that much; a reader of JSON takes 20 million of itself
        Path file = file(schema(), inserting(1, "x".repeat(chars)));
        try (Database database = open(file)) {
            assertThat(names(database)).hasSize(chars);
        }
    }
}
