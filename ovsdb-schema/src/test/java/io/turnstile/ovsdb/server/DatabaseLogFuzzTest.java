package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Any file as a database: it is refused in words, or read, and read the same once more. Input: an octet, odd if what
 * follows is the file; otherwise it is the texts of records, a line each, which get their headers here since nobody
 * guesses their sums.
 */
class DatabaseLogFuzzTest {
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
                ("\0" + text).getBytes(StandardCharsets.UTF_8),
                ("\1" + new String(file, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8));
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatIsReadIsReadTheSameOnceMore(byte[] input) throws Exception {
        if (input.length < 2) {
            return; // an empty file is a new one
        }
        Path file = folder.resolve("things.db");
        Files.write(file, new byte[0]);
        String content = new String(input, 1, input.length - 1, StandardCharsets.UTF_8);
        if ((input[0] & 1) != 0) {
            Files.writeString(file, content);
        } else {
            for (String line : content.split("\n", -1)) {
                Files.write(file, Records.record(line), java.nio.file.StandardOpenOption.APPEND);
            }
        }
        String read;
        try (Database database = Things.open(file)) {
            read = Records.ofSnapshot(database.snapshot()).toString();
        } catch (IOException refused) {
            assertThat(refused.getMessage()).startsWith(file.toString());
            return;
        }
        try (Database database = Things.open(file)) {
            assertThat(Records.ofSnapshot(database.snapshot())).hasToString(read);
        }
    }
}
