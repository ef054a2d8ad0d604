package io.turnstile.bridge;

import io.turnstile.tls.TlsFiles;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * What the database wants of the switch at one moment: its Open_vSwitch row and all that hangs on it. Immutable.
 *
 * @param managers targets of the Manager rows, in order
 * @param tls the SSL row, if it names files
 * @param datapaths what the Datapath rows want, by the type of datapath
 * @param nextConfig {@code next_cfg}
 */
record SwitchConfig(
        UUID row,
        Map<String, String> otherConfig,
        List<String> managers,
        Optional<TlsFiles> tls,
        List<BridgeConfig> bridges,
        Map<String, DatapathConfig> datapaths,
        OptionalLong nextConfig) {

    /** What the datapaths of those types want, as far as there are rows for them. */
    List<DatapathConfig> datapathsOf(Set<String> types) {
        return datapaths.entrySet().stream()
                .filter(datapath -> types.contains(datapath.getKey()))
                .map(Map.Entry::getValue)
                .toList();
    }

    /** Names of interfaces by which nothing is to be carried. */
    Set<String> leftAlone() {
        return bridges.stream()
                .flatMap(BridgeConfig::interfaces)
                .filter(each -> !each.mayBeCarried())
                .map(InterfaceConfig::name)
                .collect(Collectors.toSet());
    }
}
