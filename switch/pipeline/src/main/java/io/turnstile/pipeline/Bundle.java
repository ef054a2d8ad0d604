package io.turnstile.pipeline;

import java.util.List;

/**
 * A {@link PortBundle} with those of its OpenFlow ports that are there.
 *
 * <p>Threads: under the table lock; {@link #dependents} under the flow cache's lock.
 */
final class Bundle {
    final String name;
    final PortVlan vlan;
    /** One or more OpenFlow port numbers. */
    final List<Integer> ports;
    /** Datapath flows whose walk asked this bundle's settings, other than to flood. */
    final Dependents dependents = new Dependents();

    Bundle(String name, PortVlan vlan, List<Integer> ports) {
        this.name = name;
        this.vlan = vlan;
        this.ports = ports;
    }

    /** The port that stands for the bundle where a number is wanted, and by which it sends. */
    int port() {
        return ports.getFirst();
    }

    boolean isBond() {
        return ports.size() > 1;
    }

    boolean isSame(Bundle other) {
        return name.equals(other.name) && vlan.equals(other.vlan) && ports.equals(other.ports);
    }
}
