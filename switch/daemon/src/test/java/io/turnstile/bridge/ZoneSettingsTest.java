package io.turnstile.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.ZoneLimits;
import io.turnstile.datapath.Datapath;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.SchemaNotation;
import io.turnstile.ovsdb.schema.TableSchema;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.time.ManualClock;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Zones in the database become limits and policies of the tracker. */
class ZoneSettingsTest {
    private static final Set<String> NETDEV = Set.of("netdev");

    private final ManualClock clock = new ManualClock(0, 0);
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 1000);
    private final Pipeline pipeline = new Pipeline(new Datapath(tracker, clock), clock, Runnable::run);
    private final ZoneSettings settings = new ZoneSettings(pipeline, tracker);
    private final ZoneLimits limits = tracker.zoneLimits();
    private DatabaseSchema schema = SchemaNotation.openVswitch();
    private DataSnapshot database;
    private UUID root;

    private void begin() {
        database = DataSnapshot.empty(schema);
        root = insert("Open_vSwitch", Map.of());
    }

    private UUID insert(String table, Map<String, Object> columns) {
        UUID uuid = UUID.randomUUID();
        put(table, DataRow.fresh(schema.table(table), uuid), columns);
        return uuid;
    }

    private void put(String table, DataRow row, Map<String, Object> columns) {
        Map<Integer, Datum> data = new HashMap<>();
        columns.forEach(
                (name, value) -> data.put(row.schema().columns().get(name).index(), Datum.ofJava(value)));
        database = database.with(Map.of(table, Map.of(row.uuid(), row.with(data))));
    }

    private UUID zone(Long limit, Map<String, Long> timeouts) {
        Map<String, Object> columns = new HashMap<>();
        if (limit != null) {
            columns.put("limit", limit);
        }
        if (!timeouts.isEmpty()) {
            columns.put("timeout_policy", insert("CT_Timeout_Policy", Map.of("timeouts", timeouts)));
        }
        return insert("CT_Zone", columns);
    }

    private void datapath(String name, Map<Long, UUID> zones, Long defaultLimit) {
        Map<String, Object> columns = new HashMap<>(Map.of("datapath_version", "0", "ct_zones", zones));
        if (defaultLimit != null) {
            columns.put("ct_zone_default_limit", defaultLimit);
        }
        UUID row = insert("Datapath", columns);
        put("Open_vSwitch", database.rows("Open_vSwitch").get(root), Map.of("datapaths", Map.of(name, row)));
    }

    private void follow() {
        SwitchConfig config = ConfigReader.read(database).orElseThrow();
        settings.reconfigure(config.datapathsOf(NETDEV));
    }

    @Test
    void limitsComeAndGoWithTheirRows() {
        begin();
        datapath("netdev", Map.of(3L, zone(5L, Map.of()), 4L, zone(0xffff_ffffL, Map.of())), 9L);
        follow();
        assertThat(limits.configured()).containsExactlyInAnyOrderEntriesOf(Map.of(3, 5, 4, -1));
        assertThat(limits.defaultLimit()).isEqualTo(9);
        assertThat(limits.isFromDatabase()).isTrue();
        begin();
        datapath("netdev", Map.of(3L, zone(6L, Map.of())), null);
        follow();
        assertThat(limits.configured()).containsExactlyEntriesOf(Map.of(3, 6));
        assertThat(limits.defaultLimit()).isZero();
        begin();
        follow();
        assertThat(limits.configured()).isEmpty();
        assertThat(limits.isFromDatabase()).isFalse();
    }

    @Test
    void limitsThatOperatorsSetStayWhileTheDatabaseHasNone() {
        begin();
        datapath("netdev", Map.of(3L, zone(null, Map.of("udp_first", 7L))), null);
        limits.set(8, 2);
        limits.setDefaultLimit(11);
        follow();
        follow();
        assertThat(limits.configured()).containsExactlyEntriesOf(Map.of(8, 2));
        assertThat(limits.defaultLimit()).isEqualTo(11);
        assertThat(limits.isFromDatabase()).isFalse();
    }

    @Test
    void aDatapathThatNoBridgeIsOnCountsForNothing() {
        begin();
        datapath("system", Map.of(3L, zone(5L, Map.of())), 9L);
        follow();
        assertThat(limits.configured()).isEmpty();
        assertThat(limits.defaultLimit()).isZero();
    }

    /** As Debian's version 3.1 has it. */
    @Test
    void aDatabaseWithoutLimitsHasTimeoutsAllTheSame() {
        schema = without(without(schema, "CT_Zone", "limit"), "Datapath", "ct_zone_default_limit");
        begin();
        datapath("netdev", Map.of(3L, zone(null, Map.of("udp_first", 7L, "tcp_close_wait", 5L))), null);
        follow();
        assertThat(limits.configured()).isEmpty();
        assertThat(limits.isFromDatabase()).isFalse();
        assertThat(secondsOfPolicy(1)).isEqualTo(7);
        assertThat(secondsOfPolicy(2)).as("nobody's").isEqualTo(60);
        begin();
        follow();
        assertThat(secondsOfPolicy(1)).as("forgotten").isEqualTo(60);
    }

    @Test
    void equalPoliciesAreOne() {
        begin();
        datapath(
                "netdev",
                Map.of(
                        3L,
                        zone(null, Map.of("udp_first", 7L)),
                        4L,
                        zone(null, Map.of("udp_first", 7L)),
                        5L,
                        zone(null, Map.of())),
                null);
        follow();
        assertThat(secondsOfPolicy(1)).isEqualTo(7);
        assertThat(secondsOfPolicy(2)).isEqualTo(60);
    }

    /** What a connection committed under that policy gets. */
    private long secondsOfPolicy(int id) {
        PacketBatch batch = new PacketBatch();
        batch.add(Frames.udp("10.0.0.1:" + id + " > 10.0.0.2:2").packet());
        tracker.flush(null, clock.nowNs());
        tracker.track(batch, CtRequest.commit(0).withTimeouts(id), clock.nowNs());
        long[] leftNs = new long[1];
        tracker.scan(0, Integer.MAX_VALUE, connection -> leftNs[0] = connection.timeLeftNs, clock.nowNs());
        return leftNs[0] / 1_000_000_000L;
    }

    private static DatabaseSchema without(DatabaseSchema schema, String table, String column) {
        Map<String, TableSchema> tables = new LinkedHashMap<>(schema.tables());
        TableSchema before = tables.get(table);
        Map<String, ColumnSchema> columns = new LinkedHashMap<>();
        before.columns().values().stream()
                .filter(other -> !other.name().equals(column))
                .forEach(other -> columns.put(
                        other.name(),
                        new ColumnSchema(
                                other.name(),
                                other.key(),
                                other.value(),
                                other.min(),
                                other.max(),
                                other.ephemeral(),
                                other.mutable(),
                                columns.size())));
        tables.put(table, new TableSchema(table, columns, before.root(), before.maxRows(), before.indexes()));
        return new DatabaseSchema(schema.name(), schema.version(), schema.checksum(), tables);
    }
}
