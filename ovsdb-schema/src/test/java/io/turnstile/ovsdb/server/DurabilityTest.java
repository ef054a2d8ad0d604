package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a client was told is on disk, whenever the process dies. */
class DurabilityTest {
    private static final int KILLS = 4;

    @TempDir
    Path folder;

    @Test
    @Timeout(60)
    void whatWasAcknowledgedIsThereAfterKill9() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Path file = folder.resolve("conf.db");
        Path socket = folder.resolve("db.sock");
        Set<String> acknowledged = new TreeSet<>();
        int sent = 0;
        for (int round = 0; round < KILLS; round++) {
            try (ServerProcess server = ServerProcess.start(file, socket);
                    RpcClient client = new RpcClient(socket)) {
                assertThat(names(client)).as("seed %d", seed).containsAll(acknowledged);
                int answers = 20 + random.nextInt(60);
                for (int i = 0; i < answers + 20; i++) { // Some are under way when the server is killed.
                    client.send("transact", insert("b" + (sent + i)));
                }
                for (int i = 0; i < answers; i++) {
                    assertThat(client.receive().toString()).contains("\"uuid\"").doesNotContain("details");
                    acknowledged.add("b" + (sent + i));
                }
                sent += answers + 20;
                server.kill();
            }
        }
        try (ServerProcess _ = ServerProcess.start(file, socket);
                RpcClient client = new RpcClient(socket)) {
            Set<String> there = names(client);
            assertThat(there).as("seed %d", seed).containsAll(acknowledged);
            Set<String> never = new TreeSet<>(there);
            for (int i = 0; i < sent; i++) {
                never.remove("b" + i);
            }
            assertThat(never).as("rows that nobody sent").isEmpty();
        }
    }

    private static String insert(String name) {
        return "[\"Open_vSwitch\",{\"op\":\"insert\",\"table\":\"QoS\",\"row\":{\"type\":\"%s\"}}]".formatted(name);
    }

    private static Set<String> names(RpcClient client) {
        Set<String> names = new TreeSet<>();
        JsonNode reply = client.call(
                "transact",
                "[\"Open_vSwitch\",{\"op\":\"select\",\"table\":\"QoS\",\"where\":[],\"columns\":[\"type\"]}]");
        reply.get("result")
                .get(0)
                .get("rows")
                .forEach(row -> names.add(row.get("type").asText()));
        return names;
    }
}
