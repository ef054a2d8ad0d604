package io.turnstile.ovsdb.server;

import static io.turnstile.ovsdb.server.Things.insert;
import static io.turnstile.ovsdb.server.Things.inserting;
import static io.turnstile.ovsdb.server.Things.names;
import static io.turnstile.ovsdb.server.Things.open;
import static io.turnstile.ovsdb.server.Things.schema;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What a crash leaves is cut; what is damaged otherwise is said, and kept. */
class DatabaseDamageTest {
    @TempDir
    Path folder;

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    @BeforeEach
    void listen() {
        log.start();
        logger().addAppender(log);
    }

    @AfterEach
    void stopListening() {
        logger().detachAppender(log);
    }

    private static Logger logger() {
        return (Logger) LoggerFactory.getLogger(DatabaseLog.class);
    }

    private Path file(byte[]... parts) throws IOException {
        return Things.write(folder.resolve("things.db"), parts);
    }

    private Path copy(int number) {
        return folder.resolve("things.db.damaged-" + number);
    }

    private List<String> siblings() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private String said() {
        return String.join(
                "\n", log.list.stream().map(ILoggingEvent::getFormattedMessage).toList());
    }

    private static byte[] flipped(byte[] record, int at) {
        byte[] damaged = record.clone();
        damaged[at] ^= 0x01;
        return damaged;
    }

    @Test
    void aRecordTornAtAnyByteIsCutAndTheRestStands() throws Exception {
        byte[] schema = schema();
        byte[] first = inserting(1, "first");
        byte[] last = inserting(2, "last\u00fc");
        for (int length = 0; length < last.length; length++) {
            Path file = file(schema, first, Arrays.copyOf(last, length));
            try (Database database = open(file)) {
                assertThat(names(database)).as("torn after %d bytes", length).isEqualTo("first");
                assertThat(insert(database, "after")).contains("uuid");
            }
            try (Database database = open(file)) {
                assertThat(names(database)).isEqualTo("after first");
            }
        }
        assertThat(siblings())
                .as("the beginning of a record is worth no copy")
                .containsExactly(".things.db.~lock~", "things.db");
    }

    @Test
    void zerosThatAPowerCutLeftAreCut() throws Exception {
        Path file = file(schema(), inserting(1, "first"), new byte[100_000]);
        try (Database database = open(file)) {
            assertThat(insert(database, "after")).contains("uuid");
        }
        assertThat(siblings()).containsExactly(".things.db.~lock~", "things.db");
        assertThat(Files.size(file)).isLessThan(10_000);
    }

    @Test
    void aFlippedByteInTheLastRecordCostsThatRecordAndTheFileIsKept() throws Exception {
        byte[] schema = schema();
        byte[] first = inserting(1, "first");
        byte[] last = inserting(2, "last");
        for (int at = 0; at < last.length; at++) {
            Path file = file(schema, first, flipped(last, at));
            byte[] damaged = Files.readAllBytes(file);
            try (Database database = open(file)) {
                assertThat(names(database)).as("byte %d flipped", at).isEqualTo("first");
                assertThat(Files.readAllBytes(file))
                        .as("not touched before a write")
                        .isEqualTo(damaged);
                insert(database, "after");
            }
            assertThat(Files.readAllBytes(copy(1))).as("byte %d flipped", at).isEqualTo(damaged);
            Files.delete(copy(1));
            try (Database database = open(file)) {
                assertThat(names(database)).isEqualTo("after first");
            }
        }
    }

    @Test
    void damageInTheMiddleIsSaidAsWhatItIs() throws Exception {
        byte[] before = schema();
        byte[] first = inserting(1, "first");
        byte[] damaged = inserting(2, "damaged");
        int offset = before.length + first.length;
        byte[] third = inserting(3, "third");
        byte[] fourth = inserting(4, "fourth");
        record Case(byte[] record, String what) {}
        List<Case> cases = List.of(
                new Case(flipped(damaged, damaged.length - 5), "bad checksum over "),
                new Case(flipped(damaged, 3), "the header is none: \"OVSEB JSON "),
                new Case(
                        new String(damaged, StandardCharsets.ISO_8859_1)
                                .replaceFirst(" [0-9a-f]{40}", " " + "5".repeat(40))
                                .getBytes(StandardCharsets.ISO_8859_1),
                        "bad checksum over "),
                new Case(Records.record("[\"no object\"]"), "bytes that are not a JSON object"),
                new Case(Records.record("{\"no\": end"), "bytes that are not a JSON object"),
                new Case(
                        new String(damaged, StandardCharsets.ISO_8859_1)
                                .replaceFirst(" (\\d+) ", " 99$1 ")
                                .getBytes(StandardCharsets.ISO_8859_1),
                        "bytes are announced, "));
        for (Case one : cases) {
            log.list.clear();
            Path file = file(before, first, one.record, third, fourth);
            byte[] content = Files.readAllBytes(file);
            try (Database database = open(file)) {
                assertThat(names(database)).as(one.what).isEqualTo("first");
                assertThat(said().lines())
                        .singleElement()
                        .asString()
                        .startsWith(file + ": record 2 at offset " + offset + ": ")
                        .contains(
                                one.what,
                                "; 2 good records behind it; the records before it are used, and the file is copied");
                insert(database, "after");
                assertThat(said()).contains("copied as " + copy(1));
            }
            assertThat(Files.readAllBytes(copy(1))).as(one.what).isEqualTo(content);
            Files.delete(copy(1));
            try (Database database = open(file)) {
                assertThat(names(database)).isEqualTo("after first");
            }
        }
    }

    @Test
    void compactionToKeepsWhatIsDamaged() throws Exception {
        byte[] damaged = inserting(2, "damaged");
        Path file = file(schema(), inserting(1, "first"), flipped(damaged, 70), inserting(3, "third"));
        byte[] content = Files.readAllBytes(file);
        HandLoop loop = new HandLoop();
        try (Database database = open(file, loop)) {
            database.compact(failure -> assertThat(failure).isNull());
            loop.next().run();
        }
        assertThat(Files.readAllBytes(copy(1))).isEqualTo(content);
        try (Database database = open(file)) {
            assertThat(names(database)).isEqualTo("first");
        }
    }

    @Test
    void theLastFewCopiesAreKept() throws Exception {
        for (int i = 1; i <= DamagedCopies.MAX_COPIES + 2; i++) {
            Path file = file(schema(), flipped(inserting(i, "damaged"), 70));
            try (Database database = open(file)) {
                insert(database, "after");
            }
        }
        assertThat(siblings())
                .containsExactly(
                        ".things.db.~lock~",
                        "things.db",
                        "things.db.damaged-3",
                        "things.db.damaged-4",
                        "things.db.damaged-5",
                        "things.db.damaged-6",
                        "things.db.damaged-7");
    }

    @Test
    void aDamagedFileThatCannotBeCopiedIsNotWrittenTo() throws Exception {
        Path file = file(schema(), inserting(1, "first"), flipped(inserting(2, "damaged"), 70));
        byte[] content = Files.readAllBytes(file);
        Path inTheWay =
                Files.createDirectories(folder.resolve("things.db.damaged.tmp").resolve("full"));
        try (Database database = open(folder.resolve("things.db"))) {
            throw new AssertionError("opened beside " + inTheWay + ": " + names(database));
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("things.db");
        }
        Files.delete(inTheWay);
        Files.delete(inTheWay.getParent());
        try (Database database = open(file)) {
            Files.createDirectories(inTheWay);
            assertThat(insert(database, "refused"))
                    .contains("\"error\":\"I/O error\"", "copying the damaged file failed");
            assertThat(Files.readAllBytes(file)).isEqualTo(content);
            Files.delete(inTheWay);
            assertThat(insert(database, "taken")).contains("uuid").doesNotContain("error");
        }
        assertThat(Files.readAllBytes(copy(1))).isEqualTo(content);
    }

    @Test
    void aDamagedSchemaIsRefusedWithWhatFollows() throws Exception {
        Path file = file(flipped(schema(), 70), inserting(1, "first"), inserting(2, "second"));
        byte[] content = Files.readAllBytes(file);
        assertThatThrownBy(() -> open(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("schema is damaged")
                .hasMessageContaining("bad checksum")
                .hasMessageContaining("2 good records behind it");
        assertThat(Files.readAllBytes(file)).isEqualTo(content);
        assertThat(siblings()).containsExactly("things.db");
    }

    /** Each candidate costs the search a checksum over nearly all that follows; there are many. */
    @Test
    void lookingForGoodRecordsHasAnEnd() throws Exception {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 20_000; i++) {
            text.append("OVSDB JSON ")
                    .append(1_000_000 - 70 * i)
                    .append(" ")
                    .append("0".repeat(40))
                    .append("\n");
        }
        Path file = file(schema(), text.toString().getBytes(StandardCharsets.US_ASCII), inserting(1, "far"));
        long startNs = System.nanoTime();
        open(file).close();
        assertThat(System.nanoTime() - startNs).as("ns").isLessThan(10_000_000_000L);
        assertThat(said()).contains("record 1 at offset");
    }
}
