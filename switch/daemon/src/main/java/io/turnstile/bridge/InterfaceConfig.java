package io.turnstile.bridge;

import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.Row;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;

/**
 * What the database wants of one interface.
 *
 * @param type as written; empty means {@code system}
 * @param isLocal the bridge's own port: an interface of the bridge's name
 * @param requested {@code ofport_request}
 * @param shown {@code ofport} as the row has it, from this daemon or the one before: kept where it can be
 * @param mac {@code Interface:mac} as written, null if absent
 * @param mtuRequest {@code mtu_request}
 * @param offloadPriority {@code other_config:hw-offload-priority}, null if absent
 * @param unsupported what its Port row asks for that is not there yet, null if nothing
 */
record InterfaceConfig(
        UUID row,
        String name,
        String type,
        boolean isLocal,
        Map<String, String> options,
        OptionalInt requested,
        OptionalInt shown,
        String mac,
        OptionalInt mtuRequest,
        String offloadPriority,
        String unsupported) {
    private static final int MAX_OFPORT = 0xfeff;

    static InterfaceConfig of(Row row, String bridge, String unsupported) {
        String name = row.string("name").orElse("");
        boolean local = name.equals(bridge);
        OptionalInt mtu = row.integer("mtu_request")
                .map(bytes -> OptionalInt.of(Math.clamp(bytes, 0, Integer.MAX_VALUE)))
                .orElse(OptionalInt.empty());
        return new InterfaceConfig(
                row.uuid(),
                name,
                local ? "internal" : row.string("type").orElse(""),
                local,
                row.stringMap("options"),
                number(row, "ofport_request"),
                number(row, "ofport"),
                row.string("mac").orElse(null),
                mtu,
                row.stringMap("other_config").get("hw-offload-priority"),
                unsupported);
    }

    private static OptionalInt number(Row row, String column) {
        return row.integer(column)
                .filter(number -> number >= 1 && number <= MAX_OFPORT)
                .map(number -> OptionalInt.of(number.intValue()))
                .orElse(OptionalInt.empty());
    }

    /** What a Port row asks for beyond one plain interface; null if nothing. */
    static String unsupported(Row port, DatabaseSnapshot snapshot) {
        if (port.references("interfaces").stream()
                        .filter(uuid -> snapshot.row("Interface", uuid) != null)
                        .count()
                > 1) {
            return "bonding is not supported";
        }
        if (port.integer("tag").isPresent()
                || !port.set("trunks").isEmpty()
                || port.string("vlan_mode").isPresent()) {
            return "VLAN tag, trunks and vlan_mode are not supported";
        }
        return null;
    }

    boolean isPatch() {
        return type.equals("patch");
    }

    /** Whether a port made for {@code other} can go on serving this. */
    boolean samePort(InterfaceConfig other) {
        return name.equals(other.name)
                && type.equals(other.type)
                && isLocal == other.isLocal
                && options.equals(other.options)
                && java.util.Objects.equals(unsupported, other.unsupported);
    }
}
