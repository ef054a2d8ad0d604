package io.turnstile.ovsdb.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.OvsdbBackend.ColumnUpdate;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.data.Row;
import io.turnstile.ovsdb.server.InstalledOvsdbServer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Attached to the system's ovsdb-server: what it says arrives, what we write lands, a restart is survived. */
@Tag("system")
@Timeout(40)
class RemoteOvsdbTest {
    private static final int PATIENCE_SECONDS = 15;

    @TempDir
    Path folder;

    private Path file;
    private Path socket;

    @BeforeEach
    void createDatabase() {
        file = folder.resolve("conf.db");
        socket = folder.resolve("db.sock");
        InstalledOvsdbServer.tool(
                folder, "ovsdb-tool", "create", file.toString(), "/usr/share/openvswitch/vswitch.ovsschema");
    }

    /** The snapshots that came, in order. */
    private static final class Followed {
        private final BlockingQueue<DatabaseSnapshot> snapshots = new LinkedBlockingQueue<>();

        Followed(RemoteOvsdb database) {
            database.follow(snapshots::add);
        }

        DatabaseSnapshot await(Predicate<DatabaseSnapshot> wanted) throws InterruptedException {
            while (true) {
                DatabaseSnapshot snapshot = snapshots.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
                if (snapshot == null) {
                    throw new AssertionError("no such snapshot came");
                }
                if (wanted.test(snapshot)) {
                    return snapshot;
                }
            }
        }
    }

    private String vsctl(String... words) {
        String[] all = new String[words.length + 4];
        all[0] = "ovs-vsctl";
        all[1] = "--db=unix:" + socket;
        all[2] = "--timeout=10";
        all[3] = "--no-wait";
        System.arraycopy(words, 0, all, 4, words.length);
        return InstalledOvsdbServer.tool(folder, all).strip();
    }

    private static Row bridge(DatabaseSnapshot snapshot, String name) {
        return snapshot.table("Bridge").values().stream()
                .filter(row -> row.atom("name").orElseThrow().equals(name))
                .findFirst()
                .orElse(null);
    }

    @Test
    void theFirstSnapshotIsWholeAndChangesFollow() throws Exception {
        try (InstalledOvsdbServer _ = InstalledOvsdbServer.serve(file, socket)) {
            vsctl("add-br", "br0", "--", "set", "bridge", "br0", "other_config:k=v", "protocols=OpenFlow10,OpenFlow13");
            try (RemoteOvsdb database = new RemoteOvsdb("unix:" + socket)) {
                Followed followed = new Followed(database);
                Row br0 = bridge(followed.await(snapshot -> bridge(snapshot, "br0") != null), "br0");
                assertThat(br0.stringMap("other_config")).isEqualTo(Map.of("k", "v"));
                assertThat(br0.set("protocols")).containsExactly("OpenFlow10", "OpenFlow13");
                assertThat(br0.atom("fail_mode")).isEmpty();
                assertThat(database.isConnected()).isTrue();

                vsctl(
                        "set",
                        "bridge",
                        "br0",
                        "fail_mode=secure",
                        "--",
                        "remove",
                        "bridge",
                        "br0",
                        "other_config",
                        "k",
                        "--",
                        "add-port",
                        "br0",
                        "p1");
                DatabaseSnapshot after = followed.await(
                        snapshot -> bridge(snapshot, "br0").atom("fail_mode").isPresent());
                assertThat(bridge(after, "br0").stringMap("other_config")).isEmpty();
                assertThat(after.table("Interface").values())
                        .extracting(row -> row.atom("name").orElseThrow())
                        .containsExactlyInAnyOrder("br0", "p1");
                for (Object port : bridge(after, "br0").set("ports")) {
                    assertThat(after.row("Port", (java.util.UUID) port))
                            .as("a reference within one snapshot")
                            .isNotNull();
                }

                vsctl("del-br", "br0");
                DatabaseSnapshot none = followed.await(snapshot -> bridge(snapshot, "br0") == null);
                assertThat(none.table("Interface")).isEmpty();
            }
        }
    }

    @Test
    void whatIsWrittenBackLandsInTheDatabase() throws Exception {
        try (InstalledOvsdbServer _ = InstalledOvsdbServer.serve(file, socket);
                RemoteOvsdb database = new RemoteOvsdb("unix:" + socket)) {
            Followed followed = new Followed(database);
            followed.await(snapshot -> true);
            database.ensureRoot().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            database.ensureRoot().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            vsctl("add-br", "br0");
            Row br0 = bridge(followed.await(snapshot -> bridge(snapshot, "br0") != null), "br0");
            database.update(List.of(new ColumnUpdate(
                            "Bridge",
                            br0.uuid(),
                            Map.of(
                                    "datapath_id",
                                    "00000000000000ff",
                                    "status",
                                    Map.of("a", "b"),
                                    "no_such_column",
                                    1))))
                    .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            assertThat(vsctl("get", "bridge", "br0", "datapath_id", "status")).isEqualTo("\"00000000000000ff\"\n{a=b}");
            assertThat(vsctl("--columns=_uuid", "--bare", "list", "open_vswitch")
                            .lines())
                    .as("one root row")
                    .hasSize(1);
            followed.await(
                    snapshot -> bridge(snapshot, "br0").stringMap("status").equals(Map.of("a", "b")));

            assertThatThrownBy(() -> database.update(
                                    List.of(new ColumnUpdate("Bridge", br0.uuid(), Map.of("fail_mode", "foo"))))
                            .get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOf(OvsdbException.class)
                    .hasMessage("constraint violation: foo is not one of the allowed values ([secure, standalone])");
        }
    }

    @Test
    void aRestartedServerIsFoundAgainAndItsRowsAreTheOnlyOnes() throws Exception {
        try (RemoteOvsdb database = new RemoteOvsdb("unix:" + socket)) {
            Followed followed = new Followed(database);
            assertThatThrownBy(() -> database.ensureRoot().get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .hasMessageContaining("not connected");
            try (InstalledOvsdbServer _ = InstalledOvsdbServer.serve(file, socket)) {
                vsctl("add-br", "br0", "--", "add-br", "br1");
                followed.await(snapshot -> bridge(snapshot, "br0") != null && bridge(snapshot, "br1") != null);
            }
            followed.snapshots.clear();
            InstalledOvsdbServer.tool(
                    folder,
                    "ovsdb-tool",
                    "transact",
                    file.toString(),
                    "[\"Open_vSwitch\",{\"op\":\"update\","
                            + "\"table\":\"Open_vSwitch\",\"where\":[],\"row\":{\"bridges\":[\"set\",[]],\"next_cfg\":77}}]");
            try (InstalledOvsdbServer _ = InstalledOvsdbServer.serve(file, socket)) {
                DatabaseSnapshot fresh = followed.await(snapshot -> true);
                assertThat(fresh.table("Bridge"))
                        .as("rows deleted while we were away")
                        .isEmpty();
                vsctl("add-br", "br2");
                followed.await(snapshot -> bridge(snapshot, "br2") != null && bridge(snapshot, "br1") == null);
                assertThat(database.isConnected()).isTrue();
            }
        }
    }
}
