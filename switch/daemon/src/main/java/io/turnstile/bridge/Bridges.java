package io.turnstile.bridge;

import io.turnstile.time.OncePerMinute;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All bridges of the switch, and those that are wanted but cannot be made.
 *
 * <p>Threads: the reconciler's.
 */
final class Bridges {
    private static final Logger LOG = LoggerFactory.getLogger(Bridges.class);
    private static final OncePerMinute TOLD = new OncePerMinute();

    private final SwitchComponents components;
    private final DatapathPorts datapathPorts;
    private final Map<String, Bridge> bridges = new LinkedHashMap<>();
    /** Wanted bridges of a type that does not exist. */
    private final Map<String, BridgeConfig> refused = new TreeMap<>();
    /** Whether controllers are connected to. */
    private boolean connects = true;
    /** Names that no bridge may have; each is said once. */
    private Set<String> ignored = Set.of();

    Bridges(SwitchComponents components) {
        this.components = components;
        datapathPorts = new DatapathPorts(
                components.datapath(),
                components.threads(),
                components.devices(),
                components.dummies(),
                components.clock());
    }

    Collection<Bridge> all() {
        return bridges.values();
    }

    /** Wanted bridges of a type that does not exist. */
    Collection<BridgeConfig> refused() {
        return refused.values();
    }

    /** The interfaces of all bridges. */
    Stream<Iface> ifaces() {
        return bridges.values().stream().flatMap(bridge -> bridge.ports().ifaces().stream());
    }

    /** The types of datapath that bridges are on, as the keys of Open_vSwitch:datapaths name them. */
    Set<String> datapathKeys() {
        return bridges.values().stream()
                .map(bridge -> bridge.config().datapathKey())
                .collect(Collectors.toSet());
    }

    List<BridgeView> views() {
        return bridges.values().stream().map(BridgeView::of).toList();
    }

    /**
     * Makes the bridges those that are wanted. All let go of what they do not need before any of them opens devices.
     *
     * @param connectsNow whether controllers are connected to from now on
     */
    void reconfigure(List<BridgeConfig> wantedBridges, boolean connectsNow) {
        connects = connectsNow;
        Map<String, BridgeConfig> wanted = new TreeMap<>();
        Set<String> ignoredNow = new HashSet<>();
        for (BridgeConfig config : wantedBridges) {
            if (SelfConfinement.isBridgeName(config.name())) {
                wanted.put(config.name(), config);
            } else if (ignoredNow.add(config.name()) && !ignored.contains(config.name())) {
                LOG.warn("ignoring bridge with invalid name \"{}\"", config.name());
            }
        }
        ignored = ignoredNow;
        refuseUnknownTypes(wanted);
        bridges.values().removeIf(bridge -> {
            BridgeConfig config = wanted.get(bridge.config().name());
            if (config != null && bridge.canBecome(config)) {
                bridge.ports().deleteUnwanted(config.ports());
                return false;
            }
            bridge.close();
            return true;
        });
        for (BridgeConfig config : wanted.values()) {
            try {
                bridges.computeIfAbsent(config.name(), name -> new Bridge(config, components, datapathPorts))
                        .reconfigure(config, connects);
            } catch (RuntimeException e) { // contained: a bridge that cannot be made must not hold up the others
                if (TOLD.isDue(config.name(), e)) {
                    LOG.error("bridge {} cannot be configured", config.name(), e);
                }
            }
        }
    }

    private void refuseUnknownTypes(Map<String, BridgeConfig> wanted) {
        Map<String, BridgeConfig> before = Map.copyOf(refused);
        refused.clear();
        wanted.values().stream()
                .filter(config -> !config.isKnownType(components.dummies()))
                .forEach(config -> {
                    refused.put(config.name(), config);
                    BridgeConfig former = before.get(config.name());
                    if (former == null || !former.datapathType().equals(config.datapathType())) {
                        LOG.error(
                                "failed to create bridge {}: unknown datapath type {}",
                                config.name(),
                                config.datapathType());
                    }
                });
        wanted.keySet().removeAll(refused.keySet());
    }

    /** Takes over the links' present state; once an interface waits for its device, all are tried again. */
    void refreshLinks() {
        bridges.values().forEach(bridge -> bridge.ports().refreshLinks());
        if (bridges.values().stream().anyMatch(bridge -> bridge.ports().hasFailing())) {
            bridges.values().forEach(bridge -> bridge.reconfigure(bridge.config(), connects));
        }
    }

    /** Forgets the bridges, which were closed. */
    void clear() {
        bridges.clear();
    }
}
