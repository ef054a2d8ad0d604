package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import java.util.HashMap;
import java.util.Map;

/**
 * Tells a provider of ports that have come, changed or gone since it was told last. What came and went between two
 * looks is never told.
 *
 * <p>Threads: {@link #changed} any; the rest under the lock of the first shard.
 */
final class PortNews {
    private final PortDirectory ports;
    private final Map<Long, PortRef> told = new HashMap<>();
    /** At first everything is news. */
    private volatile boolean pending = true;

    PortNews(PortDirectory ports) {
        this.ports = ports;
    }

    /** There may be news. */
    void changed() {
        pending = true;
    }

    boolean isPending() {
        return pending;
    }

    /** Tells what is new. Returns whether there was anything to look at. */
    boolean step(OffloadProvider provider, BatchRunner runner) {
        if (!pending) {
            return false;
        }
        pending = false;
        Map<Long, PortRef> present = new HashMap<>();
        ports.ports().forEach(port -> present.put(port.id(), port));
        told.values().removeIf(port -> {
            boolean gone = !present.containsKey(port.id());
            if (gone && !runner.isGivenUp()) {
                runner.tell("portRemoved", () -> provider.portRemoved(port));
            }
            return gone;
        });
        for (PortRef port : present.values()) {
            PortRef before = told.put(port.id(), port);
            if (runner.isGivenUp()) {
                return true;
            }
            if (before == null) {
                runner.tell("portAdded", () -> provider.portAdded(port));
            } else if (!before.equals(port)) {
                runner.tell("portChanged", () -> provider.portChanged(port));
            }
        }
        return true;
    }
}
