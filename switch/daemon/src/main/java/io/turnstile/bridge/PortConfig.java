package io.turnstile.bridge;

import io.turnstile.pipeline.PortBundle;
import io.turnstile.pipeline.PortVlan;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What the database wants of one Port: one interface, or several that are bonded.
 *
 * @param vlan {@code tag}, {@code trunks}, {@code vlan_mode} and what belongs to them
 * @param interfaces one or more; those rows only that there are
 */
record PortConfig(UUID row, String name, PortVlan vlan, List<InterfaceConfig> interfaces) {

    /** What the row asks for beyond one plain interface, as Interface:error shows it. */
    Optional<String> unsupported() {
        return interfaces.size() > 1 ? Optional.of("bonding is not supported") : Optional.empty();
    }

    /** The Port as NORMAL knows it. */
    PortBundle bundle() {
        return new PortBundle(
                name, interfaces.stream().map(InterfaceConfig::name).toList(), vlan);
    }
}
