package io.turnstile.bridge;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The columns in which the Open_vSwitch row shows the switch itself. */
final class RootColumns {
    private static final Path OS_RELEASE = Path.of("/etc/os-release");

    private RootColumns() {}

    static Map<String, Object> of(SwitchComponents parts) {
        boolean dummies = parts.dummies() != DummyLevel.NONE;
        List<Object> interfaceTypes = new ArrayList<>();
        if (dummies) {
            interfaceTypes.add("dummy");
        }
        interfaceTypes.addAll(List.of("internal", "patch", "system", "tap"));
        Map<String, Object> columns = new LinkedHashMap<>();
        columns.put("ovs_version", parts.version());
        if (!parts.databaseVersion().isEmpty()) {
            columns.put("db_version", parts.databaseVersion());
        }
        columns.put("dpdk_initialized", false);
        columns.put("iface_types", interfaceTypes);
        columns.put("datapath_types", dummies ? List.of("dummy", "netdev", "system") : List.of("netdev", "system"));
        Map<String, String> release = osRelease();
        columns.put("system_type", release.getOrDefault("ID", "unknown"));
        columns.put("system_version", release.getOrDefault("VERSION_ID", "unknown"));
        return columns;
    }

    /** The system's name and version by os-release(5): lines of NAME=value, the value perhaps in quotes. */
    private static Map<String, String> osRelease() {
        Map<String, String> values = new LinkedHashMap<>();
        try {
            for (String line : Files.readAllLines(OS_RELEASE)) {
                int equals = line.indexOf('=');
                if (equals > 0) {
                    values.put(
                            line.substring(0, equals),
                            line.substring(equals + 1).replaceAll("^\"|\"$", ""));
                }
            }
        } catch (IOException e) {
            return Map.of();
        }
        return values;
    }
}
