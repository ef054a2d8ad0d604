package io.turnstile.bridge;

import io.turnstile.openflow.ControllerTarget;
import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.Row;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;

/**
 * What the database wants of one bridge.
 *
 * @param interfaces by name, ordered by name; the local one is among them if the database has it
 * @param controllers by row
 */
record BridgeConfig(
        UUID row,
        String name,
        String datapathType,
        boolean secure,
        Map<String, String> otherConfig,
        Map<UUID, ControllerTarget> controllers,
        List<InterfaceConfig> interfaces) {

    static BridgeConfig of(Row row, DatabaseSnapshot snapshot) {
        String name = row.string("name").orElse("");
        List<InterfaceConfig> interfaces = row.references("ports").stream()
                .map(uuid -> snapshot.row("Port", uuid))
                .filter(Objects::nonNull)
                .sorted(Comparator.comparing(port -> port.string("name").orElse("")))
                .flatMap(port -> interfaces(port, name, snapshot))
                .toList();
        return new BridgeConfig(
                row.uuid(),
                name,
                row.string("datapath_type").orElse(""),
                row.string("fail_mode").filter("secure"::equals).isPresent(),
                row.stringMap("other_config"),
                controllers(row, snapshot),
                interfaces);
    }

    private static java.util.stream.Stream<InterfaceConfig> interfaces(
            Row port, String bridge, DatabaseSnapshot snapshot) {
        String unsupported = InterfaceConfig.unsupported(port, snapshot);
        return port.references("interfaces").stream()
                .map(uuid -> snapshot.row("Interface", uuid))
                .filter(Objects::nonNull)
                .map(row -> InterfaceConfig.of(row, bridge, unsupported));
    }

    private static Map<UUID, ControllerTarget> controllers(Row bridge, DatabaseSnapshot snapshot) {
        Map<UUID, ControllerTarget> targets = new LinkedHashMap<>();
        for (UUID uuid : bridge.references("controller")) {
            Row row = snapshot.row("Controller", uuid);
            if (row != null) {
                targets.put(
                        uuid,
                        new ControllerTarget(
                                row.string("target").orElse(""),
                                milliseconds(row, "max_backoff", ControllerTarget.DEFAULT_MAX_BACKOFF_MS),
                                milliseconds(row, "inactivity_probe", ControllerTarget.DEFAULT_INACTIVITY_PROBE_MS)));
            }
        }
        return targets;
    }

    /** The database's integers have 64 bits; longer than 24 days is as good as for ever. */
    private static int milliseconds(Row row, String column, int defaultMs) {
        return Math.clamp(row.integer(column).orElse((long) defaultMs), 0, Integer.MAX_VALUE);
    }

    /** Whether there is a datapath of that type; {@code system} is this one too, so that plain {@code add-br} works. */
    boolean isKnownType(DummyLevel dummies) {
        return switch (datapathType) {
            case "", "system", "netdev" -> true;
            case "dummy" -> dummies != DummyLevel.NONE;
            default -> false;
        };
    }

    boolean isDummy() {
        return datapathType.equals("dummy");
    }
}
