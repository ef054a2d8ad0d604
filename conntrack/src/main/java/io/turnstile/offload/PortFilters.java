package io.turnstile.offload;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whose socket filter each port has: one provider's at most. And what else carrying providers may ask of a port.
 *
 * <p>Threads: any, one at a time: system calls are made under this object's monitor, which no forwarding thread takes.
 */
final class PortFilters {
    private record Owner(Object context, String provider) {}

    private final PortDirectory ports;
    private final Map<Long, Owner> owners = new HashMap<>(); // guarded by this

    PortFilters(PortDirectory ports) {
        this.ports = ports;
    }

    /** What the operator says of a port to whoever carries. */
    Map<String, String> options(long portId) {
        return ports.offloadOptions(portId);
    }

    /** Gives the port a provider's filter. Returns null, or why that did not succeed. */
    synchronized @Nullable String filter(Object context, String provider, long portId, int programFd) {
        Owner owner = owners.get(portId);
        if (owner != null && owner.context != context) {
            return "provider " + owner.provider + " filters it";
        }
        String fault = ports.filterReceived(portId, programFd);
        if (fault == null) {
            owners.put(portId, new Owner(context, provider));
        }
        return fault;
    }

    /** Takes the filter from the port if it is this provider's. */
    synchronized void stop(Object context, long portId) {
        Owner owner = owners.get(portId);
        if (owner != null && owner.context == context) {
            owners.remove(portId);
            ports.stopFiltering(portId);
        }
    }

    /** The provider is closed: none of its filters stays. */
    synchronized void stopAll(Object context) {
        List<Long> own = new ArrayList<>();
        owners.forEach((portId, owner) -> {
            if (owner.context == context) {
                own.add(portId);
            }
        });
        own.forEach(portId -> stop(context, portId));
    }
}
