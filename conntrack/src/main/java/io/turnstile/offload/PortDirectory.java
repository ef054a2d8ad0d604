package io.turnstile.offload;

import io.turnstile.offload.spi.PortRef;
import java.util.List;

/** Tells what ports there are, for {@link PortRef}. Threads: any; answers at once. */
public interface PortDirectory {

    /** The datapath port of that number; {@link PortRef#GONE} if there is none. */
    PortRef port(int portNumber);

    /** All ports. */
    List<PortRef> ports();
}
