package io.turnstile.telemetry;

import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.spi.PortRef;
import java.util.List;
import java.util.stream.IntStream;

/** Ports where there is no switch: of every number from 0 to 15 there is a port, p0 to p15. Threads: any. */
public final class NumberedPorts implements PortDirectory {
    private static final int PORTS = 16;

    @Override
    public PortRef port(int portNumber) {
        return portNumber < 0 || portNumber >= PORTS ? PortRef.GONE : new PortRef(portNumber, "p" + portNumber);
    }

    @Override
    public List<PortRef> ports() {
        return IntStream.range(0, PORTS).mapToObj(this::port).toList();
    }
}
