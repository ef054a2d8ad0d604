package io.turnstile.offload;

import io.turnstile.offload.spi.PortRef;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Tells what ports there are, for {@link PortRef}. Threads: any; answers at once. */
public interface PortDirectory {

    /** The datapath port of that number; {@link PortRef#GONE} if there is none. */
    PortRef port(int portNumber);

    /** All ports. */
    List<PortRef> ports();

    /**
     * Has a socket filter decide which frames software sees of those that come in by the port; see
     * {@link io.turnstile.offload.spi.ProviderContext#filterReceived}. It takes the place of one that is there. Makes
     * system calls.
     *
     * @param portId {@link PortRef#id()}
     * @return null if the port is filtered now, else why not, for people
     */
    default @Nullable String filterReceived(long portId, int programFd) {
        return "not supported here";
    }

    /** Takes the filter from the port; nothing happens if there is none. Makes system calls. */
    default void stopFiltering(long portId) {}

    /** {@link io.turnstile.offload.spi.ProviderContext#portOptions}. */
    default Map<String, String> offloadOptions(long portId) {
        return Map.of();
    }

    /** Ports of which no more is known than a name, every number being one: for a tracker without a switch. */
    static PortDirectory named(IntFunction<String> names) {
        return new PortDirectory() {
            @Override
            public PortRef port(int portNumber) {
                return portNumber < 0 ? PortRef.GONE : new PortRef(portNumber, names.apply(portNumber));
            }

            @Override
            public List<PortRef> ports() {
                return List.of();
            }
        };
    }
}
