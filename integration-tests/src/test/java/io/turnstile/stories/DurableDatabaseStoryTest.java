package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Lab;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What was acknowledged is there after kill -9, and the file is one that Debian's tools read and write too. */
@Tag("system")
class DurableDatabaseStoryTest {
    private static final int KILLS = 3;

    @Test
    void killedDuringAStreamOfTransactionsLosesNothingAcknowledged() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (Lab lab = new Lab("db");
                Turnstile turnstile = Turnstile.start(lab)) {
            List<String> acknowledged = Collections.synchronizedList(new ArrayList<>());
            for (int kill = 0; kill < KILLS; kill++) {
                CountDownLatch someDone = new CountDownLatch(5 + random.nextInt(10));
                int stream = kill;
                Thread writer = Thread.ofPlatform().start(() -> {
                    for (int i = 0; i < 1_000; i++) {
                        String key = "s" + stream + "n" + i;
                        if (!turnstile
                                .vsctl("--no-wait", "set", "open_vswitch", ".", "external_ids:" + key + "=yes")
                                .within(Duration.ofSeconds(2))
                                .attempt()
                                .succeeded()) {
                            return;
                        }
                        acknowledged.add(key);
                        someDone.countDown();
                    }
                });
                someDone.await();
                turnstile.daemon().kill();
                writer.join();
                turnstile.restart();
                String externalIds = turnstile
                        .vsctl("get", "open_vswitch", ".", "external_ids")
                        .run()
                        .text();
                assertThat(acknowledged)
                        .as("seed %d", seed)
                        .allSatisfy(key -> assertThat(externalIds).contains(key + "="));
            }
        }
    }

    @Test
    void portNumbersSurviveARestart() {
        try (Lab lab = new Lab("db");
                Turnstile turnstile = Turnstile.start(lab, "--enable-dummy=override")) {
            turnstile
                    .vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy")
                    .run();
            turnstile.vsctl("add-port", "br0", "d5").run();
            turnstile.vsctl("add-port", "br0", "d6").run();
            turnstile.vsctl("del-port", "br0", "d5").run();
            turnstile.daemon().kill();
            turnstile.restart();
            turnstile.vsctl("add-port", "br0", "d7").run();
            assertThat(turnstile.vsctl("get", "interface", "d6", "ofport").run().text())
                    .isEqualTo("2");
            assertThat(turnstile.vsctl("get", "interface", "d7", "ofport").run().text())
                    .isEqualTo("1");
            assertThat(turnstile.ofctl("show", "br0").run().text()).contains(" 1(d7)", " 2(d6)");
        }
    }

    @Test
    void aFileOfOursOpensWithDebiansTools() {
        try (Lab lab = new Lab("db")) {
            String bridge = lab.deviceName("br");
            Path file;
            try (Turnstile turnstile = Turnstile.start(lab)) {
                file = turnstile.databaseFile();
                turnstile
                        .vsctl(
                                "add-br",
                                bridge,
                                "--",
                                "set",
                                "bridge",
                                bridge,
                                "datapath_type=netdev",
                                "external_ids:said=\"a \\\"quoted\\\" word\"")
                        .run();
            }
            assertThat(Command.of("ovsdb-tool", "db-name", file.toString())
                            .run()
                            .text())
                    .isEqualTo("Open_vSwitch");
            assertThat(Command.of(
                                    "ovsdb-tool",
                                    "query",
                                    file.toString(),
                                    "[\"Open_vSwitch\",{\"op\":\"select\",\"table\":\"Bridge\",\"where\":[],\"columns\":[\"name\"]}]")
                            .run()
                            .text())
                    .contains(bridge);
            assertThat(Command.of("ovsdb-tool", "show-log", file.toString())
                            .run()
                            .text())
                    .contains("record 0", bridge);
            assertThat(serveWithDebian(lab, file, "list-br")).isEqualTo(bridge);
        }
    }

    @Test
    void aFileOfDebiansServerIsTakenOver() {
        try (Lab lab = new Lab("db")) {
            String bridge = lab.deviceName("br");
            Path file = lab.folder().resolve("theirs.db");
            Command.of("ovsdb-tool", "create", file.toString(), OpenVswitch.SCHEMA)
                    .run();
            serveWithDebian(
                    lab,
                    file,
                    "--no-wait",
                    "init",
                    "--",
                    "add-br",
                    bridge,
                    "--",
                    "set",
                    "bridge",
                    bridge,
                    "datapath_type=netdev");
            try (Turnstile turnstile = Turnstile.startOn(lab, file)) {
                assertThat(turnstile.vsctl("list-br").run().text()).isEqualTo(bridge);
                Await.until(
                        "the bridge is made",
                        Duration.ofSeconds(10),
                        () -> turnstile.ofctl("show", bridge).attempt().succeeded(),
                        turnstile.daemon()::output);
            }
        }
    }

    @Test
    void aFileIsCompactedWhenAskedFor() throws Exception {
        try (Lab lab = new Lab("db");
                Turnstile turnstile = Turnstile.start(lab)) {
            for (int i = 0; i < 20; i++) {
                turnstile
                        .vsctl("--no-wait", "set", "open_vswitch", ".", "external_ids:step=" + i)
                        .run();
            }
            turnstile.appctl("ovsdb-server/compact").run();
            assertThat(Command.of(
                                    "ovsdb-tool",
                                    "show-log",
                                    turnstile.databaseFile().toString())
                            .run()
                            .text())
                    .contains("record 1", "compacting database online")
                    .doesNotContain("record 9");
            assertThat(turnstile
                            .vsctl("get", "open_vswitch", ".", "external_ids:step")
                            .run()
                            .text())
                    .contains("19");
        }
    }

    @Test
    void aTornTailIsCut() throws Exception {
        try (Lab lab = new Lab("db")) {
            Path file;
            try (Turnstile turnstile = Turnstile.start(lab)) {
                file = turnstile.databaseFile();
                turnstile
                        .vsctl("--no-wait", "set", "open_vswitch", ".", "external_ids:whole=yes")
                        .run();
            }
            byte[] whole = Files.readAllBytes(file);
            byte[] torn = java.util.Arrays.copyOf(whole, whole.length + 40);
            System.arraycopy("OVSDB JSON 500 0123456789abcdef01234567".getBytes(), 0, torn, whole.length, 39);
            Files.write(file, torn);
            try (Turnstile turnstile = Turnstile.startOn(lab, file)) {
                assertThat(turnstile
                                .vsctl("get", "open_vswitch", ".", "external_ids")
                                .run()
                                .text())
                        .contains("whole=");
                turnstile
                        .vsctl("--no-wait", "set", "open_vswitch", ".", "external_ids:after=yes")
                        .run();
            }
            assertThat(Command.of("ovsdb-tool", "show-log", "-m", file.toString())
                            .run()
                            .text())
                    .contains("after");
        }
    }

    private static String serveWithDebian(Lab lab, Path file, String... vsctl) {
        Path socket = lab.folder().resolve("peer.sock");
        try (Daemon server = lab.start(
                List.of(
                        "ovsdb-server",
                        file.toString(),
                        "--remote=punix:" + socket,
                        "--unixctl=" + lab.folder().resolve("peer.ctl")),
                Map.of())) {
            Await.until("ovsdb-server listens", Duration.ofSeconds(10), () -> Files.exists(socket), server::output);
            List<String> words = new ArrayList<>(List.of("ovs-vsctl", "--db=unix:" + socket, "--timeout=10"));
            words.addAll(List.of(vsctl));
            return Command.of(words).run().text();
        }
    }
}
