package io.turnstile.bridge;

import io.turnstile.conntrack.Timeout;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.openflow.ControllerTarget;
import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.Row;
import io.turnstile.pipeline.TableSettings;
import io.turnstile.pipeline.VlanSet;
import io.turnstile.tls.TlsFiles;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * The reader takes the configuration out of the database (ovs-vswitchd.conf.db(5)). Columns are read here and nowhere
 * else. References to rows that are not there are passed over.
 */
final class ConfigReader {
    private static final Map<String, Timeout> TIMEOUTS = new HashMap<>();
    /** The database knows one more, which is the switch's own. */
    private static final long LAST_TABLE = 253;

    static {
        for (Timeout timeout : Timeout.values()) {
            TIMEOUTS.put(timeout.name().toLowerCase(Locale.ROOT), timeout);
        }
    }

    private final DatabaseSnapshot snapshot;

    private ConfigReader(DatabaseSnapshot snapshot) {
        this.snapshot = snapshot;
    }

    /** The configuration; empty as long as the database has no Open_vSwitch row. */
    static Optional<SwitchConfig> read(DatabaseSnapshot snapshot) {
        return snapshot.table("Open_vSwitch").values().stream()
                .findFirst()
                .map(root -> new ConfigReader(snapshot).switchConfig(root));
    }

    private SwitchConfig switchConfig(Row root) {
        List<String> managers = rows(root, "manager_options", "Manager")
                .flatMap(manager -> manager.string("target").stream())
                .sorted()
                .toList();
        return new SwitchConfig(
                root.uuid(),
                root.stringMap("other_config"),
                managers,
                rows(root, "ssl", "SSL").findFirst().map(ConfigReader::tls),
                rows(root, "bridges", "Bridge").map(this::bridge).toList(),
                datapaths(root),
                longNumber(root, "next_cfg"));
    }

    /** The rows that a column refers to, in its order. */
    private Stream<Row> rows(Row from, String column, String table) {
        return from.references(column).stream()
                .map(uuid -> snapshot.row(table, uuid))
                .filter(Objects::nonNull);
    }

    private static TlsFiles tls(Row row) {
        return new TlsFiles(
                Path.of(row.string("private_key").orElse("")),
                Path.of(row.string("certificate").orElse("")),
                Path.of(row.string("ca_cert").orElse("")),
                row.bool("bootstrap_ca_cert").orElse(false));
    }

    // ---- bridges, ports, interfaces ----

    private BridgeConfig bridge(Row row) {
        String name = row.string("name").orElse("");
        return new BridgeConfig(
                row.uuid(),
                name,
                row.string("datapath_type").orElse(""),
                row.string("fail_mode").filter("secure"::equals).isPresent(),
                strings(row, "protocols"),
                row.stringMap("other_config"),
                VlanSet.of(vlans(row, "flood_vlans")),
                flowTables(row, name),
                controllers(row),
                rows(row, "ports", "Port")
                        .map(port -> port(port, name))
                        .sorted(Comparator.comparing(PortConfig::name))
                        .toList());
    }

    private Map<Integer, TableSettings> flowTables(Row bridge, String name) {
        Map<Integer, TableSettings> tables = new TreeMap<>();
        bridge.integerReferenceMap("flow_tables").forEach((number, uuid) -> {
            Row row = snapshot.row("Flow_Table", uuid);
            if (number > LAST_TABLE) {
                FlowTableReader.complain(
                        "bridge %s: ignoring configuration for flow table %d not supported by this datapath"
                                .formatted(name, number));
            } else if (row != null) {
                tables.put(number.intValue(), FlowTableReader.read(row, name, number));
            }
        });
        return tables;
    }

    private static Set<String> strings(Row row, String column) {
        Set<String> strings = new HashSet<>();
        row.set(column).forEach(each -> strings.add((String) each));
        return strings;
    }

    private Map<UUID, ControllerTarget> controllers(Row bridge) {
        Map<UUID, ControllerTarget> targets = new LinkedHashMap<>();
        rows(bridge, "controller", "Controller")
                .forEach(row -> targets.put(
                        row.uuid(),
                        new ControllerTarget(
                                row.string("target").orElse(""),
                                milliseconds(row, "max_backoff", ControllerTarget.DEFAULT_MAX_BACKOFF_MS),
                                milliseconds(row, "inactivity_probe", ControllerTarget.DEFAULT_INACTIVITY_PROBE_MS))));
        return targets;
    }

    /** Numbers of VLANs; older databases have not all of these columns. */
    static Set<Long> vlans(Row row, String column) {
        Set<Long> vlans = new HashSet<>();
        if (row.has(column)) {
            row.set(column).forEach(vlan -> vlans.add((Long) vlan));
        }
        return vlans;
    }

    /** A duration. The database's integers have 64 bits; longer than 24 days is as good as for ever. */
    private static int milliseconds(Row row, String column, int defaultMs) {
        return Math.clamp(row.integer(column).orElse((long) defaultMs), 0, Integer.MAX_VALUE);
    }

    private PortConfig port(Row row, String bridge) {
        return new PortConfig(
                row.uuid(),
                row.string("name").orElse(""),
                PortVlanReader.read(row),
                rows(row, "interfaces", "Interface")
                        .map(each -> interfaceOf(each, bridge))
                        .toList());
    }

    private static InterfaceConfig interfaceOf(Row row, String bridge) {
        String name = row.string("name").orElse("");
        boolean local = name.equals(bridge);
        Optional<Integer> mtuBytes = row.integer("mtu_request").map(bytes -> Math.clamp(bytes, 0, Integer.MAX_VALUE));
        return new InterfaceConfig(
                row.uuid(),
                name,
                local ? "internal" : row.string("type").orElse(""),
                local,
                row.stringMap("options"),
                ofport(row, "ofport_request"),
                ofport(row, "ofport"),
                row.string("mac"),
                optionalInt(mtuBytes),
                Optional.ofNullable(row.stringMap("other_config").get("hw-offload-priority")));
    }

    private static OptionalInt ofport(Row row, String column) {
        return optionalInt(row.integer(column)
                .filter(number -> number >= 1 && number <= OfPortAllocator.MAX_OFPORT)
                .map(Long::intValue));
    }

    // ---- datapaths ----

    private Map<String, DatapathConfig> datapaths(Row root) {
        Map<String, DatapathConfig> datapaths = new LinkedHashMap<>();
        if (!root.has("datapaths")) { // an older database
            return datapaths;
        }
        root.referenceMap("datapaths").forEach((type, uuid) -> {
            Row row = snapshot.row("Datapath", uuid);
            if (row != null) {
                datapaths.put(type, datapath(row));
            }
        });
        return datapaths;
    }

    private DatapathConfig datapath(Row row) {
        Map<Integer, DatapathConfig.Zone> zones = new TreeMap<>();
        row.integerReferenceMap("ct_zones").forEach((number, uuid) -> {
            Row zone = snapshot.row("CT_Zone", uuid);
            if (zone != null) {
                zones.put(number.intValue(), new DatapathConfig.Zone(limit(zone, "limit"), timeouts(zone)));
            }
        });
        return new DatapathConfig(row.uuid(), zones, limit(row, "ct_zone_default_limit"));
    }

    /** A limit, unsigned; older databases have no such column. */
    private static OptionalInt limit(Row row, String column) {
        return row.has(column) ? optionalInt(row.integer(column).map(Long::intValue)) : OptionalInt.empty();
    }

    private Optional<TimeoutPolicy> timeouts(Row zone) {
        return zone.reference("timeout_policy")
                .map(uuid -> snapshot.row("CT_Timeout_Policy", uuid))
                .map(policy -> {
                    Map<Timeout, Long> seconds = new EnumMap<>(Timeout.class);
                    policy.integerMap("timeouts").forEach((name, value) -> {
                        Timeout timeout = TIMEOUTS.get(name);
                        if (timeout != null) {
                            seconds.put(timeout, value);
                        }
                    });
                    return new TimeoutPolicy(seconds);
                });
    }

    private static OptionalInt optionalInt(Optional<Integer> number) {
        return number.isPresent() ? OptionalInt.of(number.get()) : OptionalInt.empty();
    }

    static OptionalLong longNumber(Row row, String column) {
        Optional<Long> number = row.integer(column);
        return number.isPresent() ? OptionalLong.of(number.get()) : OptionalLong.empty();
    }
}
