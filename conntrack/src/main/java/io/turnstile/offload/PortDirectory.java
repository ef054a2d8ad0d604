package io.turnstile.offload;

import io.turnstile.offload.spi.PortRef;
import java.util.List;
import java.util.function.IntFunction;

/** Tells what ports there are, for {@link PortRef}. Threads: any; answers at once. */
public interface PortDirectory {

    /** The datapath port of that number; {@link PortRef#GONE} if there is none. */
    PortRef port(int portNumber);

    /** All ports. */
    List<PortRef> ports();

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
