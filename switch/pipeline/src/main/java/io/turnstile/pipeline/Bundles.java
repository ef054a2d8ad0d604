package io.turnstile.pipeline;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The bundles of one bridge. A port that no bundle names is one of its own that carries all VLANs.
 *
 * <p>Threads: under the table lock; what hands out {@link Dependents} as those say.
 */
final class Bundles {
    private final MacTable macTable;
    private Map<String, PortBundle> byInterface = Map.of();
    private Map<Integer, Bundle> byPort = Map.of();
    private List<Bundle> inOrder = List.of();
    /** Datapath flows whose walk has flooded, which asks every bundle. */
    private final Dependents floods = new Dependents();
    /** Datapath flows whose walk came to NORMAL. */
    private final Dependents normal = new Dependents();

    Bundles(MacTable macTable) {
        this.macTable = macTable;
    }

    /** The bundle that the port is in; null if there is no such port. */
    @Nullable
    Bundle of(int port) {
        return byPort.get(port);
    }

    /** By their first port, as {@link BridgePorts#inOrder}. */
    List<Bundle> inOrder() {
        return inOrder;
    }

    Dependents floods() {
        return floods;
    }

    Dependents normal() {
        return normal;
    }

    /** Other Ports are wanted; concerned is who asked one of those that are not as they were. */
    void configure(Collection<PortBundle> wanted, List<OfPort> ports, Effects effects) {
        Map<String, PortBundle> next = new HashMap<>();
        wanted.forEach(bundle -> bundle.interfaces().forEach(name -> next.put(name, bundle)));
        if (next.equals(byInterface)) {
            return;
        }
        byInterface = next;
        List<Bundle> before = inOrder;
        arrange(ports);
        List<Bundle> gone =
                before.stream().filter(old -> !inOrder.contains(old)).toList();
        if (gone.isEmpty() && before.size() == inOrder.size()) {
            return; // Nothing but ports that are still to come.
        }
        effects.everythingThrough(floods);
        gone.forEach(old -> {
            effects.everythingThrough(old.dependents);
            effects.stationsChanged(macTable, macTable.forgetPort(old.port()));
        });
    }

    /** Ports came or went. */
    void arrange(List<OfPort> ports) {
        Map<String, List<Integer>> members = new LinkedHashMap<>();
        Map<String, PortVlan> settings = new HashMap<>();
        for (OfPort port : ports) {
            PortBundle bundle = byInterface.get(port.name());
            String name = bundle == null ? port.name() : bundle.name();
            settings.putIfAbsent(name, bundle == null ? PortVlan.TRUNK : bundle.vlan());
            members.computeIfAbsent(name, _ -> new ArrayList<>()).add(port.number());
        }
        Map<Integer, Bundle> next = new HashMap<>();
        List<Bundle> order = new ArrayList<>();
        members.forEach((name, numbers) -> {
            Bundle old = byPort.get(numbers.getFirst());
            Bundle now = new Bundle(name, settings.getOrDefault(name, PortVlan.TRUNK), List.copyOf(numbers));
            Bundle kept = old != null && old.isSame(now) ? old : now;
            numbers.forEach(number -> next.put(number, kept));
            order.add(kept);
        });
        byPort = next;
        inOrder = List.copyOf(order);
    }
}
