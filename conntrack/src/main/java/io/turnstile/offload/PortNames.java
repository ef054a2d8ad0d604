package io.turnstile.offload;

import org.jspecify.annotations.Nullable;

/** Tells the names of ports, for {@link io.turnstile.offload.spi.PortRef}. Threads: any; answers at once. */
@FunctionalInterface
public interface PortNames {

    /** The interface name of the datapath port, or null if there is none by that number. */
    @Nullable
    String name(int portNumber);
}
