package io.turnstile.bridge;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One Port of a bridge: the interfaces that serve it together.
 *
 * <p>Threads: the reconciler's.
 */
final class BridgePort {
    private PortConfig config;
    private List<Iface> ifaces = new ArrayList<>();

    BridgePort(PortConfig config) {
        this.config = config;
    }

    /**
     * Takes over what is wanted; interfaces that are new are not attached yet.
     *
     * @param byName all interfaces of the bridge: one that is there already stays, whatever port it was in; new ones
     *     are added
     */
    void reconfigure(PortConfig wanted, Map<String, Iface> byName) {
        config = wanted;
        ifaces = new ArrayList<>();
        for (InterfaceConfig each : wanted.interfaces()) {
            Iface iface = byName.computeIfAbsent(each.name(), name -> new Iface(this, each));
            iface.setConfig(this, each);
            ifaces.add(iface);
        }
    }

    PortConfig config() {
        return config;
    }

    List<Iface> ifaces() {
        return List.copyOf(ifaces);
    }

    void remove(Iface iface) {
        ifaces.remove(iface);
    }
}
