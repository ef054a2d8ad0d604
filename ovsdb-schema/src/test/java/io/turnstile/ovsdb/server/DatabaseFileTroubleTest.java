package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.schema.SchemaNotation;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files that cannot be opened, disks that take no more, logs that are longer than the memory. */
class DatabaseFileTroubleTest {
    private static final int SMALL_HEAP_MB = 40;
    private static final int MEGABYTE = 1 << 20;

    @TempDir
    Path folder;

    private List<String> siblings() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> !file.equals(folder))
                    .map(file -> folder.relativize(file).toString())
                    .sorted()
                    .toList();
        }
    }

    private void assertRefused(Path file, String why) throws IOException {
        List<String> before = siblings();
        assertThatThrownBy(() -> Things.open(file))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(why)
                .message()
                .doesNotContain("\n");
        assertThat(siblings()).as("left behind, %s", why).isEqualTo(before);
    }

    @Test
    void whatIsNoDatabaseIsRefusedInWordsAndNothingIsLeftBehind() throws Exception {
        Path file = folder.resolve("things.db");
        record Case(String content, String why) {}
        String schema = new String(Records.record("{\"name\":\"Other\",\"tables\":{}}"), StandardCharsets.UTF_8);
        for (Case one : List.of(
                new Case("", "not an OVSDB database file: it is empty"),
                new Case("hello\n", "not an OVSDB database file: it begins \"hello\""),
                new Case("\0\0\0\0", "not an OVSDB database file: it begins \"????\""),
                new Case("\n\n\n", "not an OVSDB database file"),
                new Case("OVSDB JSON 3 abc\n{}\n", "the header is none"),
                new Case("OVSDB CLUSTER 2 0123\n{}", "a clustered database, not a standalone one"),
                new Case(schema, "holds database Other, not Things"),
                new Case(
                        new String(Records.record("{\"name\":7}"), StandardCharsets.UTF_8), "not a database schema"))) {
            Files.writeString(file, one.content);
            assertRefused(file, one.why);
            assertThat(Files.readString(file)).isEqualTo(one.content);
        }
        Files.delete(file);
        assertRefused(Files.createDirectory(folder.resolve("dir.db")), "Is a directory");
        assertRefused(Path.of("/dev/null"), "not an OVSDB database file");
        Path plain = Files.writeString(folder.resolve("plain"), "no folder");
        assertRefused(plain.resolve("below.db"), "create failed");
        assertRefused(plain.resolve("far").resolve("below.db"), "create failed");
    }

    @Test
    void foldersThatAreMissingAreMade() throws Exception {
        Path file = folder.resolve("a").resolve("b").resolve("things.db");
        try (Database database = Things.open(file)) {
            Things.insert(database, "one");
        }
        try (Database database = Things.open(file)) {
            assertThat(Things.names(database)).isEqualTo("one");
        }
        assertThat(Files.getPosixFilePermissions(file))
                .as("not for everybody")
                .doesNotContain(java.nio.file.attribute.PosixFilePermission.OTHERS_READ);
    }

    /** Owner without a single capability: root, too, may not read what its mode forbids. */
    @Test
    @Tag("system")
    void aFileWithoutPermissionIsRefusedInWords() throws Exception {
        Path file = folder.resolve("conf.db");
        new EmbeddedOvsdb(file, List.of()).close();
        Files.setPosixFilePermissions(file, java.util.Set.of());
        assertThatThrownBy(() -> ServerProcess.start(
                        List.of("setpriv", "--bounding-set=-all", "--inh-caps=-all"), 64, file, folder.resolve("s")))
                .hasMessageContaining("refused: " + file + ": open failed (Permission denied)\n")
                .message()
                .doesNotContain("\tat ");
        Files.delete(file);
        Files.delete(folder.resolve(".conf.db.~lock~"));
        Files.setPosixFilePermissions(folder, java.nio.file.attribute.PosixFilePermissions.fromString("r-x------"));
        try {
            assertThatThrownBy(() -> ServerProcess.start(
                            List.of("setpriv", "--bounding-set=-all", "--inh-caps=-all"),
                            64,
                            file,
                            folder.resolve("s")))
                    .hasMessageContaining("refused: " + file + ": failed to lock lockfile (Permission denied)\n");
        } finally {
            Files.setPosixFilePermissions(folder, java.nio.file.attribute.PosixFilePermissions.fromString("rwx------"));
        }
        assertThat(siblings()).isEmpty();
    }

    private static String insert(String name) {
        return "[\"Open_vSwitch\",{\"op\":\"insert\",\"table\":\"QoS\",\"row\":{\"type\":\"%s\"}}]".formatted(name);
    }

    /**
     * Fills the disk; then what is refused leaves nothing behind, what fits is taken, and all that was acknowledged is
     * there afterwards. Returns the names of the acknowledged.
     */
    private static List<String> fill(ServerProcess server, Path socket, String reason) throws IOException {
        List<String> acknowledged = new ArrayList<>();
        try (RpcClient client = new RpcClient(socket)) {
            int refused = 0;
            for (int i = 0; refused < 50; i++) {
                assertThat(i).as("transactions").isLessThan(200);
                String name = i + "x".repeat(30_000);
                JsonNode result = client.call("transact", insert(name)).get("result");
                if (result.size() == 1) {
                    acknowledged.add(name);
                } else {
                    refused++;
                    assertThat(result.get(1).path("error").asText()).isEqualTo("I/O error");
                    assertThat(result.get(1).path("details").asText()).endsWith("conf.db: write failed");
                    assertThat(result.get(1).path("io-error").asText()).isEqualTo(reason);
                }
            }
            assertThat(acknowledged).hasSizeGreaterThan(2);
            assertThat(client.call("transact", insert("small")).get("result")).hasSize(1);
            acknowledged.add("small");
        }
        assertThat(server.errors().lines().filter(line -> line.contains("write failed")))
                .as(server.errors())
                .hasSize(1)
                .allSatisfy(line -> assertThat(line).contains("conf.db: write failed (" + reason + ")"));
        assertThat(server.errors()).as("no stack trace").doesNotContain("\tat ");
        return acknowledged;
    }

    private static List<String> names(Path socket) {
        List<String> names = new ArrayList<>();
        try (RpcClient client = new RpcClient(socket)) {
            client.call(
                            "transact",
                            "[\"Open_vSwitch\",{\"op\":\"select\",\"table\":\"QoS\",\"where\":[],\"columns\":[\"type\"]}]")
                    .get("result")
                    .get(0)
                    .get("rows")
                    .forEach(row -> names.add(row.get("type").asText()));
        }
        return names;
    }

    @Test
    @Timeout(60)
    void whatADiskTakesNoMoreIsRefusedAndTheRestGoesOn() throws Exception {
        Path file = folder.resolve("conf.db");
        Path socket = folder.resolve("s");
        List<String> acknowledged;
        try (ServerProcess server =
                ServerProcess.start(List.of("sh", "-c", "ulimit -f 512; exec \"$@\"", "sh"), 64, file, socket)) {
            acknowledged = fill(server, socket, "File too large");
        }
        assertThat(siblings()).containsExactly(".conf.db.~lock~", "conf.db", "s");
        try (ServerProcess server = ServerProcess.start(file, socket)) {
            assertThat(names(socket)).containsExactlyInAnyOrderElementsOf(acknowledged);
            assertThat(server.errors()).as("nothing was left half written").isEmpty();
        }
    }

    @Test
    @Tag("system")
    @Timeout(60)
    void aFullDiskIsSaidInOneLine() throws Exception {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        Path socket = folder.resolve("s");
        List<String> full = List.of(
                "unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=512k none \"$0\"; exec \"$@\"", disk.toString());
        try (ServerProcess server = ServerProcess.start(full, 64, disk.resolve("conf.db"), socket)) {
            fill(server, socket, "No space left on device");
        }
        List<String> noRoom = List.of(
                "unshare",
                "-m",
                "sh",
                "-c",
                "mount -t tmpfs -o size=8k none \"$0\"; trap 'ls -A \"$0\" >&2' EXIT; \"$@\"",
                disk.toString());
        assertThatThrownBy(() -> ServerProcess.start(noRoom, 64, disk.resolve("conf.db"), socket))
                .hasMessageContaining(
                        "refused: " + disk.resolve("conf.db") + ": create failed (No space left on device)\n")
                .message()
                .as("nothing left behind")
                .doesNotContain(".conf.db.~lock~", "conf.db.tmp");
    }

    @Test
    @Tag("system")
    @Timeout(60)
    void aReadOnlyDiskIsSaidInOneLine() throws Exception {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        Path file = folder.resolve("conf.db");
        new EmbeddedOvsdb(file, List.of()).close();
        List<String> readOnly = List.of(
                "unshare",
                "-m",
                "sh",
                "-c",
                "mount -t tmpfs none \"$0\"; cp \"$1\" \"$0\"; mount -o remount,ro \"$0\"; shift; exec \"$@\"",
                disk.toString(),
                file.toString());
        assertThatThrownBy(() -> ServerProcess.start(readOnly, 64, disk.resolve("conf.db"), folder.resolve("s")))
                .hasMessageContaining("refused: " + disk.resolve("conf.db") + ": open failed (Read-only file system)\n")
                .message()
                .doesNotContain("\tat ");
    }

    /** A log of which each record replaces the large value of the one before. */
    private Path longLog(int records, int valueBytes) throws Exception {
        Path file = folder.resolve("conf.db");
        String uuid = new UUID(1, 1).toString();
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            out.write(Records.record(SchemaNotation.openVswitch().toJson().toString()));
            for (int i = 0; i < records; i++) {
                out.write(Records.record("{\"QoS\":{\"" + uuid + "\":{\"type\":\"" + i + "x".repeat(valueBytes)
                        + "\"}},\"_is_diff\":true,\"_date\":" + i + "}"));
            }
        }
        return file;
    }

    @Test
    @Timeout(60)
    void aLogLongerThanTheMemoryIsReadAndCompactedAtTheStart() throws Exception {
        Path file = longLog(80, MEGABYTE);
        Path socket = folder.resolve("s");
        assertThat(Files.size(file)).isGreaterThan(2L * SMALL_HEAP_MB * MEGABYTE);
        try (ServerProcess _ = ServerProcess.start(List.of(), SMALL_HEAP_MB, file, socket);
                RpcClient client = new RpcClient(socket)) {
            long deadlineNs = System.nanoTime() + 20_000_000_000L;
            while (Files.size(file) > 2 * MEGABYTE) {
                assertThat(System.nanoTime()).as("compacted").isLessThan(deadlineNs);
                client.call("echo", "[1]");
            }
            assertThat(names(socket))
                    .singleElement()
                    .asString()
                    .startsWith("79x")
                    .hasSize(2 + MEGABYTE);
        }
    }

    @Test
    @Timeout(60)
    void moreDataThanMemoryIsRefusedInWords() throws Exception {
        Path file = folder.resolve("conf.db");
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 60; i++) {
            rows.append(i == 0 ? "" : ",")
                    .append('"')
                    .append(new UUID(1, i))
                    .append("\":{\"type\":\"")
                    .append("x".repeat(MEGABYTE))
                    .append("\"}");
        }
        String schema = SchemaNotation.openVswitch().toJson().toString();
        Things.write(file, Records.record(schema), Records.record("{\"QoS\":{" + rows + "}}"));
        assertRefusedForMemory(file, "resources exhausted: with it the database takes more than 19 MB of memory");
        String map = "[\"k\",\"v\"],".repeat(1_000_000);
        Things.write(
                file,
                Records.record(schema),
                Records.record("{\"QoS\":{\"" + new UUID(1, 1) + "\":{\"other_config\":[\"map\",[" + map
                        + "[\"l\",\"v\"]]]}}}"));
        assertRefusedForMemory(file, "resources exhausted: with it the database takes more than 19 MB of memory");
        Things.write(
                file,
                Records.record(schema),
                Records.record(
                        "{\"QoS\":{\"" + new UUID(1, 1) + "\":{\"type\":\"" + "x".repeat(10 * MEGABYTE) + "\"}}}"));
        assertRefusedForMemory(file, "exceeds the maximum allowed");
    }

    private void assertRefusedForMemory(Path file, String why) throws IOException {
        long size = Files.size(file);
        assertThatThrownBy(() -> ServerProcess.start(List.of(), SMALL_HEAP_MB, file, folder.resolve("s")))
                .hasMessageContaining("refused: " + file + ": record 1: ")
                .hasMessageContaining(why)
                .message()
                .doesNotContain("OutOfMemory", "\tat ");
        assertThat(Files.size(file)).isEqualTo(size);
        assertThat(siblings()).containsExactly("conf.db");
    }
}
