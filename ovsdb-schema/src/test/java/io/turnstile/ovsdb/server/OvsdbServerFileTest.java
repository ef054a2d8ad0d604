package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.turnstile.ovsdb.schema.SchemaNotation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files and schemas pass between the system's tools and ours, both ways, with nothing lost. */
@Tag("system")
class OvsdbServerFileTest {
    private static final Path SCHEMA = Path.of("/usr/share/openvswitch/vswitch.ovsschema");
    private static final int TRANSACTIONS = 150;

    @TempDir
    Path folder;

    @Test
    void everyTableAndColumnOfTheInstalledSchemaIsOurs() throws IOException {
        ObjectMapper json = new ObjectMapper();
        JsonNode theirs = json.readTree(SCHEMA.toFile());
        JsonNode ours = json.readTree(SchemaNotation.openVswitch().toJson().toString());
        assertThat(ours.get("name")).isEqualTo(theirs.get("name"));
        assertThat(theirs.get("tables").size()).isGreaterThan(10);
        theirs.get("tables").properties().forEach(table -> {
            JsonNode our = ours.get("tables").path(table.getKey());
            for (String member : List.of("isRoot", "maxRows", "indexes")) {
                assertThat(our.path(member))
                        .as("%s of %s", member, table.getKey())
                        .isEqualTo(table.getValue().path(member));
            }
            table.getValue().get("columns").properties().forEach(column -> {
                JsonNode ourColumn = our.path("columns").path(column.getKey());
                assertThat(canonical(ourColumn))
                        .as("%s.%s", table.getKey(), column.getKey())
                        .isEqualTo(canonical(column.getValue()));
                assertThat(max(ourColumn))
                        .as("%s.%s: a newer schema may take more", table.getKey(), column.getKey())
                        .isGreaterThanOrEqualTo(max(column.getValue()));
            });
        });
    }

    /** A type may be written in longer and shorter ways; the longest is as good as any. */
    private static Map<String, Object> canonical(JsonNode column) {
        Map<String, Object> all = new TreeMap<>();
        JsonNode type = column.path("type");
        all.put("key", base(type.isTextual() ? type : type.path("key")));
        all.put("value", base(type.path("value")));
        all.put("min", type.path("min").asInt(1));
        all.put("ephemeral", column.path("ephemeral").asBoolean(false));
        all.put("mutable", column.path("mutable").asBoolean(true));
        return all;
    }

    private static int max(JsonNode column) {
        JsonNode max = column.path("type").path("max");
        return max.isTextual() ? Integer.MAX_VALUE : max.asInt(1);
    }

    private static Map<String, Object> base(JsonNode base) {
        Map<String, Object> all = new TreeMap<>();
        if (base.isTextual()) {
            all.put("type", base.asText());
        }
        base.properties()
                .forEach(member -> all.put(
                        member.getKey(),
                        member.getKey().equals("enum")
                                ? words(member.getValue())
                                : member.getValue().asText()));
        if ("strong".equals(all.get("refType"))) {
            all.remove("refType");
        }
        return all;
    }

    private static List<String> words(JsonNode set) {
        List<String> words = new ArrayList<>();
        (set.isArray() ? set.get(1) : List.of(set)).forEach(word -> words.add(word.asText()));
        words.sort(null);
        return words;
    }

    @Test
    void ovsdbClientDumpsWhatDatabasesTheServerHas() {
        Path socket = folder.resolve("db.sock");
        String theirs = folder.resolve("theirs.db").toString();
        InstalledOvsdbServer.tool(folder, "ovsdb-tool", "create", theirs, SCHEMA.toString());
        String[] dump = {
            "ovsdb-client",
            "dump",
            "--format=csv",
            "unix:" + socket,
            "_Server",
            "Database",
            "name",
            "model",
            "connected",
            "leader",
            "cid",
            "index"
        };
        String expected;
        try (InstalledOvsdbServer _ = InstalledOvsdbServer.serve(Path.of(theirs), socket)) {
            expected = InstalledOvsdbServer.tool(folder, dump);
        }
        try (EmbeddedOvsdb _ = new EmbeddedOvsdb(null, List.of("punix:" + socket))) {
            assertThat(InstalledOvsdbServer.tool(folder, dump))
                    .isEqualTo(expected)
                    .contains("Open_vSwitch", "standalone");
        }
    }

    @Test
    @Timeout(60)
    void randomTransactionsReadTheSameFromEitherServersFile() throws IOException {
        long seed = System.nanoTime();
        List<String> transactions = transactions(new Random(seed));
        Path theirs = folder.resolve("theirs.db");
        Path ours = folder.resolve("ours.db");
        InstalledOvsdbServer.tool(folder, "ovsdb-tool", "create", theirs.toString(), SCHEMA.toString());
        Files.copy(theirs, ours);
        Path socket = folder.resolve("db.sock");
        String dumpByOvsdbServer;
        try (InstalledOvsdbServer _ = InstalledOvsdbServer.serve(theirs, socket)) {
            dumpByOvsdbServer = run(socket, transactions);
        }
        String dumpByUs;
        try (EmbeddedOvsdb _ = new EmbeddedOvsdb(ours, List.of("punix:" + socket))) {
            dumpByUs = run(socket, transactions);
        }
        assertThat(dumpByUs).as("seed %d", seed).isEqualTo(dumpByOvsdbServer).contains("name7");
        try (InstalledOvsdbServer _ = InstalledOvsdbServer.serve(ours, socket)) {
            assertThat(run(socket, List.of()))
                    .as("our file with ovsdb-server, seed %d", seed)
                    .isEqualTo(dumpByOvsdbServer);
        }
        try (EmbeddedOvsdb server = new EmbeddedOvsdb(theirs, List.of("punix:" + socket))) {
            assertThat(run(socket, List.of()))
                    .as("ovsdb-server's file with us, seed %d", seed)
                    .isEqualTo(dumpByOvsdbServer);
            server.compact().join();
        }
        assertThat(InstalledOvsdbServer.tool(folder, "ovsdb-tool", "show-log", theirs.toString()))
                .contains("record 1");
        InstalledOvsdbServer.tool(folder, "ovsdb-tool", "compact", ours.toString());
        try (InstalledOvsdbServer _ = InstalledOvsdbServer.serve(theirs, socket)) {
            assertThat(run(socket, List.of()))
                    .as("compacted by us, seed %d", seed)
                    .isEqualTo(dumpByOvsdbServer);
        }
        try (EmbeddedOvsdb _ = new EmbeddedOvsdb(ours, List.of("punix:" + socket))) {
            assertThat(run(socket, List.of()))
                    .as("compacted by ovsdb-tool, seed %d", seed)
                    .isEqualTo(dumpByOvsdbServer);
        }
    }

    private String run(Path socket, List<String> transactions) {
        try (RpcClient client = new RpcClient(socket)) {
            for (String transaction : transactions) {
                assertThat(client.call("transact", transaction).get("error").isNull())
                        .as(transaction)
                        .isTrue();
            }
        }
        return InstalledOvsdbServer.tool(
                        folder,
                        "ovsdb-client",
                        "dump",
                        "--format=csv",
                        "unix:" + socket,
                        "Open_vSwitch",
                        "QoS",
                        "_uuid",
                        "type",
                        "other_config",
                        "external_ids",
                        "queues")
                + InstalledOvsdbServer.tool(
                        folder,
                        "ovsdb-client",
                        "dump",
                        "--format=csv",
                        "unix:" + socket,
                        "Open_vSwitch",
                        "Queue",
                        "_uuid",
                        "dscp",
                        "external_ids");
    }

    /** Inserts, updates, mutations and deletions of two tables, with sets, maps, optional values and references. */
    private static List<String> transactions(Random random) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < TRANSACTIONS; i++) {
            String row = "[[\"type\",\"==\",\"name" + random.nextInt(30) + "\"]]";
            String text = "\""
                    + List.of("v", "ümläut", "a b", "quo\\\"te", "", "\\\\", "中\uD83D\uDE00")
                            .get(random.nextInt(7)) + "\"";
            String pairs = "[\"map\",[[\"k" + random.nextInt(4) + "\"," + text + "]]]";
            all.add("[\"Open_vSwitch\","
                    + switch (random.nextInt(7)) {
                        case 0, 1 ->
                            "{\"op\":\"insert\",\"table\":\"QoS\",\"uuid\":\"%08x-0000-4000-8000-000000000000\","
                                            .formatted(i + 1)
                                    + "\"row\":{\"type\":\"name" + i % 30 + "\",\"other_config\":" + pairs + "}}";
                        case 2 ->
                            "{\"op\":\"update\",\"table\":\"QoS\",\"where\":" + row + ",\"row\":{\"external_ids\":"
                                    + pairs + "}}";
                        case 3 ->
                            "{\"op\":\"mutate\",\"table\":\"QoS\",\"where\":" + row
                                    + ",\"mutations\":[[\"external_ids\",\"insert\"," + pairs
                                    + "],[\"other_config\",\"delete\",[\"set\",[\"k" + random.nextInt(4) + "\"]]]]}";
                        case 4 -> "{\"op\":\"delete\",\"table\":\"QoS\",\"where\":" + row + "}";
                        case 5 ->
                            ("{\"op\":\"insert\",\"table\":\"Queue\",\"uuid\":\"%08x-0000-4000-9000-000000000000\",\"uuid-name\":\"q\","
                                                    + "\"row\":{\"dscp\":%d}},")
                                            .formatted(i + 1, random.nextInt(64))
                                    + "{\"op\":\"mutate\",\"table\":\"QoS\",\"where\":" + row
                                    + ",\"mutations\":[[\"queues\",\"insert\",[\"map\",[["
                                    + random.nextInt(5)
                                    + ",[\"uuid\",\"%08x-0000-4000-9000-000000000000\"]]]]]]}".formatted(i + 1);
                        default ->
                            "{\"op\":\"update\",\"table\":\"Queue\",\"where\":[[\"dscp\",\"<\"," + random.nextInt(64)
                                    + "]],\"row\":{\"dscp\":"
                                    + (random.nextBoolean() ? "[\"set\",[]]" : random.nextInt(64))
                                    + ",\"external_ids\":" + pairs + "}}";
                    }
                    + "]");
        }
        all.add(
                "[\"Open_vSwitch\",{\"op\":\"insert\",\"table\":\"QoS\",\"uuid\":\"f0000000-0000-4000-8000-000000000000\","
                        + "\"row\":{\"type\":\"name7\"}}]");
        return all;
    }
}
