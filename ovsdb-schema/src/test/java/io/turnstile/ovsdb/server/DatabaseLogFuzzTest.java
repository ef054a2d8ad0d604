package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Any file as a database: it is refused in words, or read, and read the same once more; and damage costs nothing that
 * stands before it, nor is anything cut that is not kept. Input: an octet of bits, 1 if what follows is the file, which
 * otherwise is the texts of records, a line each, which get their headers here since nobody guesses their sums; 2 if
 * three octets follow first that say where the file is damaged then, and how.
 */
class DatabaseLogFuzzTest {
    private static final int RAW = 1;
    private static final int DAMAGED = 2;
    /** Where little memory is, the same holds. */
    private static final long FEW_BYTES = 2_000;

    @TempDir
    static Path folder;

    static Stream<byte[]> seeds() throws Exception {
        DatabaseSchema schema = DatabaseSchema.fromJson(Things.json(Things.SCHEMA));
        String row = "{\"Thing\":{\"" + Things.ID + "\":";
        String text = schema.toJson() + "\n" + row
                + "{\"name\":\"a\",\"tags\":[\"set\",[\"b\",\"c\"]],\"maybe\":7}},\"_date\":1}\n" + row
                + "{\"tags\":\"c\"}},\"_is_diff\":true}\n" + row + "null}}";
        byte[] file = Records.record(schema.toJson().toString());
        return Stream.of(
                        "\0" + text,
                        "\1" + new String(file, StandardCharsets.UTF_8),
                        "\2\2\7\1" + text,
                        "\2\3\0\uFFFF" + text,
                        "\2\2\120\40" + text)
                .map(seed -> seed.getBytes(StandardCharsets.UTF_8));
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatIsReadIsReadTheSameOnceMore(byte[] input) throws Exception {
        int header = input.length > 0 && (input[0] & DAMAGED) != 0 ? 4 : 1;
        if (input.length <= header) {
            return;
        }
        byte[] content = Arrays.copyOfRange(input, header, input.length);
        List<byte[]> records = (input[0] & RAW) != 0 ? List.of(content) : records(content);
        byte[] whole = join(records);
        Path file = folder.resolve("things.db");
        Files.write(file, whole);
        Optional<String> read = read(file);
        assertThat(read(file)).isEqualTo(read);
        openWithLittleMemory(file);
        if (header > 1) {
            int at = ((input[1] & 0xff) << 8 | input[2] & 0xff) % whole.length;
            byte[] damaged = whole.clone();
            damaged[at] ^= input[3];
            Files.write(file, damaged);
            openWithLittleMemory(file);
            if ((input[0] & RAW) == 0) {
                assertThatDamageCostsNothingBeforeIt(file, records, at, read);
            }
        }
    }

    private static List<byte[]> records(byte[] lines) throws Exception {
        List<byte[]> records = new ArrayList<>();
        for (String line : new String(lines, StandardCharsets.UTF_8).split("\n", -1)) {
            records.add(Records.record(line));
        }
        return records;
    }

    private static byte[] join(List<byte[]> parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        parts.forEach(all::writeBytes);
        return all.toByteArray();
    }

    /** What the file holds; empty if it is refused. */
    private static Optional<String> read(Path file) throws Exception {
        try (Database database = Things.open(file)) {
            return Optional.of(Records.ofSnapshot(database.snapshot()).toString());
        } catch (IOException refused) {
            assertThat(refused.getMessage()).startsWith(file.toString()).doesNotContain("\n");
            return Optional.empty();
        }
    }

    private static void openWithLittleMemory(Path file) throws Exception {
        try {
            DatabaseLog.open(file, json -> json.writeStartObject(), new Replay("Things", FEW_BYTES))
                    .close();
        } catch (IOException refused) {
            assertThat(refused.getMessage()).startsWith(file.toString());
        }
    }

    private static void assertThatDamageCostsNothingBeforeIt(
            Path file, List<byte[]> records, int at, Optional<String> undamaged) throws Exception {
        int before = 0;
        int length = 0;
        while (length + records.get(before).length <= at) {
            length += records.get(before++).length;
        }
        byte[] damaged = Files.readAllBytes(file);
        Optional<String> read = read(file);
        if (before > 0) {
            Files.write(file, Arrays.copyOf(damaged, length));
            Optional<String> beforeIt = read(file);
            // Not all bits count: a checksum may be written in capitals.
            assertThat(read).isIn(beforeIt, undamaged);
            Files.write(file, damaged);
        }
        if (read.isPresent() && !read.equals(undamaged)) {
            assertThatWhatIsCutIsKept(file, damaged, length);
        }
    }

    private static void assertThatWhatIsCutIsKept(Path file, byte[] damaged, int whole) throws Exception {
        Path copy = folder.resolve("things.db.damaged-1");
        try (DatabaseLog log =
                DatabaseLog.open(file, json -> json.writeStartObject(), new Replay("Things", Long.MAX_VALUE))) {
            log.prepare();
        }
        byte[] now = Files.readAllBytes(file);
        assertThat(Arrays.copyOf(now, whole)).isEqualTo(Arrays.copyOf(damaged, whole));
        // A damaged length may look like a crash in the middle of the last record: no good one follows then.
        if (Files.exists(copy)) {
            assertThat(Files.readAllBytes(copy)).isEqualTo(damaged);
            Files.delete(copy);
        } else {
            assertThat(new String(damaged, whole + 1, damaged.length - whole - 1, StandardCharsets.ISO_8859_1))
                    .doesNotContain("\nOVSDB JSON ");
        }
    }
}
