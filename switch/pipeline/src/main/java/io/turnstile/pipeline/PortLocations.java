package io.turnstile.pipeline;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The index of all bridges' ports, by datapath port and by name of patch port. Threads: under the table lock. */
final class PortLocations {
    private final Map<Integer, PortLocation> byDatapathPort = new HashMap<>();
    private final Map<String, PortLocation> patchPorts = new HashMap<>();
    /** Datapath flows of packets that came in by a port of no bridge. Under the flow cache's lock. */
    private final Dependents unlocated = new Dependents();

    /** Where packets of the datapath's port belong, or null. */
    @Nullable
    PortLocation locate(int datapathPort) {
        return byDatapathPort.get(datapathPort);
    }

    Dependents unlocated() {
        return unlocated;
    }

    /** The other end of a patch port if both name each other, or null. */
    @Nullable
    PortLocation peerOf(OfPort port) {
        PortLocation peer = patchPorts.get(port.patchPeer());
        OfPort other = peer == null ? null : peer.bridge().port(peer.number());
        return other != null && port.name().equals(other.patchPeer()) ? peer : null;
    }

    /** A bridge's port came or changed. */
    void map(OfPort port, PortLocation location, Effects effects) {
        if (port.datapathPort() >= 0) {
            byDatapathPort.put(port.datapathPort(), location);
            effects.everythingThrough(unlocated);
        }
        if (port.patchPeer() != null) {
            patchPorts.put(port.name(), location);
            concernPeer(port, effects);
        }
    }

    /** A bridge's port went. */
    void unmap(OfPort port, PortLocation location, Effects effects) {
        byDatapathPort.remove(port.datapathPort(), location);
        if (port.patchPeer() != null) {
            concernPeer(port, effects);
            patchPorts.remove(port.name(), location);
        }
    }

    private void concernPeer(OfPort port, Effects effects) {
        PortLocation peer = patchPorts.get(port.patchPeer());
        if (peer != null) {
            effects.everythingThrough(peer.bridge().dependents());
        }
    }

    /** The bridge is gone. */
    void forget(BridgePipeline bridge) {
        byDatapathPort.values().removeIf(location -> location.bridge() == bridge);
        patchPorts.values().removeIf(location -> location.bridge() == bridge);
    }
}
