package io.turnstile.bridge;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;

/**
 * What the database wants of one Port: one interface, or several that are bonded.
 *
 * @param tag the VLAN of an access port
 * @param trunks the VLANs that it carries; empty for all
 * @param vlanMode {@code vlan_mode} as written
 * @param interfaces one or more; those rows only that there are
 */
record PortConfig(
        UUID row,
        String name,
        OptionalLong tag,
        Set<Long> trunks,
        Optional<String> vlanMode,
        List<InterfaceConfig> interfaces) {

    /** What the row asks for beyond one plain interface, as Interface:error shows it. */
    Optional<String> unsupported() {
        if (interfaces.size() > 1) {
            return Optional.of("bonding is not supported");
        }
        if (tag.isPresent() || !trunks.isEmpty() || vlanMode.isPresent()) {
            return Optional.of("VLAN tag, trunks and vlan_mode are not supported");
        }
        return Optional.empty();
    }
}
