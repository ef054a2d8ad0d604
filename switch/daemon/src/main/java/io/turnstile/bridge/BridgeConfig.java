package io.turnstile.bridge;

import io.turnstile.openflow.ControllerTarget;
import io.turnstile.pipeline.TableSettings;
import io.turnstile.pipeline.VlanSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * What the database wants of one bridge.
 *
 * @param floodVlans VLANs in which nothing is learned
 * @param flowTables what is said of OpenFlow tables, by their numbers
 * @param protocols names of OpenFlow versions, none if all are wanted
 * @param controllers by row
 * @param ports ordered by name; the local one is among them if the database has it
 */
record BridgeConfig(
        UUID row,
        String name,
        String datapathType,
        boolean secure,
        Set<String> protocols,
        Map<String, String> otherConfig,
        VlanSet floodVlans,
        Map<Integer, TableSettings> flowTables,
        Map<UUID, ControllerTarget> controllers,
        List<PortConfig> ports) {

    /** The interfaces of all ports. */
    Stream<InterfaceConfig> interfaces() {
        return ports.stream().flatMap(port -> port.interfaces().stream());
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

    /** The type as the keys of Open_vSwitch:datapaths name it. */
    String datapathKey() {
        return datapathType.isEmpty() ? "system" : datapathType;
    }
}
