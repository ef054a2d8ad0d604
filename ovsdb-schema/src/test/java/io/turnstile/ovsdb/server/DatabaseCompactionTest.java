package io.turnstile.ovsdb.server;

import static io.turnstile.ovsdb.server.Things.insert;
import static io.turnstile.ovsdb.server.Things.inserting;
import static io.turnstile.ovsdb.server.Things.json;
import static io.turnstile.ovsdb.server.Things.names;
import static io.turnstile.ovsdb.server.Things.open;
import static io.turnstile.ovsdb.server.Things.schema;
import static io.turnstile.ovsdb.server.Things.transact;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A log is written anew beside itself, while transactions go on. */
class DatabaseCompactionTest {
    @TempDir
    Path folder;

    private final HandLoop loop = new HandLoop();
    private final List<@Nullable IOException> outcomes = new ArrayList<>();

    private Path file(byte[]... parts) throws IOException {
        return Things.write(folder.resolve("things.db"), parts);
    }

    private List<String> siblings() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static void rename(Database database, String name) {
        assertThat(transact(
                        database,
                        "{\"op\":\"update\",\"table\":\"Thing\",\"where\":[],\"row\":{\"name\":\"" + name + "\"}}"))
                .contains("count");
    }

    @Test
    void compactionKeepsEveryRowAndTheFileGoesOn() throws Exception {
        Path file = file(schema());
        try (Database database = open(file, loop)) {
            for (int i = 0; i < 30; i++) {
                insert(database, "n" + i);
            }
            long longSize = Files.size(file);
            database.compact(outcomes::add);
            loop.next().run();
            assertThat(outcomes).hasSize(1).containsOnlyNulls();
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
    void whatIsCommittedWhileTheNewFileIsWrittenIsInIt() throws Exception {
        Path file = file(schema(), inserting(1, "before"));
        try (Database database = open(file, loop)) {
            rename(database, "renamed");
            database.compact(outcomes::add);
            insert(database, "at once");
            Runnable end = loop.next(); // The new file is written but for what comes now.
            insert(database, "late");
            assertThat(names(database)).isEqualTo("at once late renamed");
            assertThat(siblings()).contains("things.db.tmp");
            end.run();
            assertThat(outcomes).hasSize(1).containsOnlyNulls();
            insert(database, "after");
        }
        assertThat(siblings()).containsExactly(".things.db.~lock~", "things.db");
        try (Database database = open(file)) {
            assertThat(names(database)).isEqualTo("after at once late renamed");
        }
    }

    /** As after a new file under the log's name of which nobody knows whether that name is on disk. */
    @Test
    void aNewFileThatHasTakenTheLogsPlaceIsNotGivenUpWithItsRewriting() throws Exception {
        Path file = file(schema(), inserting(1, "before"));
        JsonNode schema = json(Things.SCHEMA);
        Replay replay = new Replay("Things", Long.MAX_VALUE);
        try (DatabaseLog log = DatabaseLog.open(file, out -> out.writeTree(schema), replay)) {
            Rewrite rewrite = Rewrite.begin(log);
            rewrite.write(List.of(out -> out.writeTree(schema), FileRecords.ofSnapshot(replay.snapshot(), 0)));
            rewrite.takePlace();
            rewrite.drop();
            JsonNode after = json("{\"Thing\":{\"" + Things.ID + "\":{\"name\":\"after\"}}}");
            log.append(out -> out.writeTree(after));
        }
        try (Database database = open(file)) {
            assertThat(names(database)).isEqualTo("after before");
        }
    }

    @Test
    void whoAsksWhileOneRunsWaitsForOneOfHisOwn() throws Exception {
        Path file = file(schema());
        try (Database database = open(file, loop)) {
            database.compact(outcomes::add);
            insert(database, "one");
            rename(database, "two");
            database.compact(outcomes::add);
            database.compact(outcomes::add);
            loop.next().run();
            assertThat(outcomes).as("the first asker").hasSize(1);
            loop.next().run();
            assertThat(outcomes).hasSize(3).containsOnlyNulls();
            assertThat(loop.isEmpty()).isTrue();
            assertThat(Files.readString(file)).doesNotContain("one").contains("two");
        }
    }

    @Test
    void aCrashAtAnyPointOfACompactionLosesNothing() throws Exception {
        Path file = file(schema(), inserting(1, "before"));
        List<byte[]> moments = new ArrayList<>();
        List<Boolean> hasNewFile = new ArrayList<>();
        Path fresh = folder.resolve("things.db.tmp");
        ByteArrayOutputStream freshContent = new ByteArrayOutputStream();
        try (Database database = open(file, loop)) {
            database.compact(outcomes::add);
            Runnable end = loop.next();
            insert(database, "meanwhile");
            moments.add(Files.readAllBytes(file));
            freshContent.write(Files.readAllBytes(fresh));
            end.run();
            moments.add(Files.readAllBytes(file));
            hasNewFile.add(Files.exists(fresh));
        }
        assertThat(hasNewFile).containsExactly(false);
        byte[] beginning = freshContent.toByteArray();
        for (int length = 0; length <= beginning.length; length += 37) {
            Files.write(file, moments.getFirst());
            Files.write(fresh, java.util.Arrays.copyOf(beginning, length));
            try (Database database = open(file)) {
                assertThat(names(database)).isEqualTo("before meanwhile");
            }
            assertThat(siblings()).as("what was left of it").containsExactly(".things.db.~lock~", "things.db");
        }
        Files.write(file, moments.getLast());
        try (Database database = open(file)) {
            assertThat(names(database)).isEqualTo("before meanwhile");
        }
    }

    @Test
    void aFileGrowsNoMoreThanSomeTimesItsContents() throws Exception {
        Path file = file(schema());
        String text = "x".repeat(40_000);
        try (Database database = open(file, loop)) {
            insert(database, "one");
            for (int i = 0; i < 200; i++) {
                rename(database, text + i);
                if (Files.exists(folder.resolve("things.db.tmp"))) {
                    loop.next().run();
                }
            }
            assertThat(Files.size(file)).isLessThan(DatabaseFile.COMPACT_FROM_BYTES + 100_000);
            assertThat(names(database)).isEqualTo(text + 199);
        }
        try (Database database = open(file)) {
            assertThat(names(database)).isEqualTo(text + 199);
        }
    }

    @Test
    void aLogMuchLongerThanItsContentsIsCompactedAtTheStart() throws Exception {
        Path file = file(schema());
        try (Database database = open(file)) { // Its compactions never end.
            insert(database, "one");
            for (int i = 0; i < 40; i++) {
                rename(database, "x".repeat(40_000) + i);
            }
        }
        assertThat(Files.size(file)).isGreaterThan(DatabaseFile.COMPACT_FROM_BYTES);
        try (Database database = open(file, loop)) {
            loop.next().run();
            assertThat(Files.size(file)).isLessThan(60_000);
            assertThat(names(database)).endsWith("39");
        }
        try (Database database = open(file, loop)) {
            assertThat(names(database)).endsWith("39");
            assertThat(siblings()).as("not worth it").doesNotContain("things.db.tmp");
        }
    }

    /** Escapes make what is written several times as long as what is held: that is no reason to begin for ever. */
    @Test
    void contentsThatAreLongerThanTheyLookAreCompactedOnce() throws Exception {
        Path file = file(schema());
        String escapes = "\\u0001".repeat(60_000);
        try (Database database = open(file, loop)) {
            for (int i = 0; i < 4; i++) {
                insert(database, escapes);
            }
            loop.next().run();
            for (int i = 0; i < 10; i++) {
                insert(database, "small" + i);
            }
            assertThat(siblings()).doesNotContain("things.db.tmp");
            assertThat(loop.isEmpty()).isTrue();
        }
    }

    @Test
    void afterACompactionOfNothingItGoesByWhatComes() throws Exception {
        Path file = file(schema());
        try (Database database = open(file, loop)) {
            database.compact(outcomes::add);
            loop.next().run();
            insert(database, "one");
            for (int i = 0; i < 60; i++) {
                rename(database, "x".repeat(40_000) + i);
                if (Files.exists(folder.resolve("things.db.tmp"))) {
                    loop.next().run();
                }
            }
            assertThat(Files.size(file)).isLessThan(DatabaseFile.COMPACT_FROM_BYTES + 100_000);
        }
    }

    @Test
    void aCompactionThatFailsHarmsNobodyAndIsNotTriedAtEachTransaction() throws Exception {
        Path file = file(schema(), inserting(1, "before"));
        Path inTheWay = folder.resolve("things.db.tmp");
        try (Database database = open(file, loop)) {
            Files.createDirectories(inTheWay.resolve("full"));
            database.compact(outcomes::add);
            assertThat(outcomes)
                    .singleElement()
                    .satisfies(failure -> assertThat(failure)
                            .hasMessageContaining("things.db.tmp")
                            .hasMessageContaining("Directory not empty"));
            for (int i = 0; i < 60; i++) {
                rename(database, "x".repeat(40_000) + i);
            }
            Files.delete(inTheWay.resolve("full"));
            Files.delete(inTheWay);
            rename(database, "last");
            assertThat(siblings()).as("it rests").doesNotContain("things.db.tmp");
            database.compact(outcomes::add);
            loop.next().run();
            assertThat(outcomes).hasSize(2);
            assertThat(outcomes.getLast()).isNull();
        }
        try (Database database = open(file)) {
            assertThat(names(database)).isEqualTo("last");
        }
    }

    @Test
    void closingInTheMiddleLeavesNoNewFile() throws Exception {
        Path file = file(schema(), inserting(1, "before"));
        Database database = open(file, loop);
        database.compact(outcomes::add);
        Runnable end = loop.next();
        database.close();
        assertThat(outcomes)
                .singleElement()
                .satisfies(failure -> assertThat(failure).hasMessageContaining("being closed"));
        end.run();
        assertThat(siblings()).containsExactly(".things.db.~lock~", "things.db");
        open(file).close();
    }

    @Test
    void theNewFileHasTheOldOnesMode() throws Exception {
        Path file = file(schema());
        Files.setPosixFilePermissions(file, java.nio.file.attribute.PosixFilePermissions.fromString("rw-rw----"));
        try (Database database = open(file, loop)) {
            database.compact(outcomes::add);
            loop.next().run();
        }
        assertThat(java.nio.file.attribute.PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-rw----");
    }
}
