package io.turnstile.offload.provider.ebpf;

import io.turnstile.offload.spi.Path;
import org.jspecify.annotations.Nullable;

/**
 * A path that the kernel has, or had until it was lost. Guarded by the lock of {@link Carrier}. There may be millions:
 * what can be read from the path does not stand here again.
 */
final class CarriedPath {
    final Path path;
    /** Which counter is its own, until it is let go of. */
    final int counter;
    /** Whether the kernel still has it. */
    boolean isCarried = true;
    /** The next of its connection's. */
    @Nullable
    CarriedPath next;

    private long toldPackets;
    private long toldBytes;

    CarriedPath(Path path, int counter) {
        this.path = path;
        this.counter = counter;
    }

    PathKey key() {
        return PathKey.of(path);
    }

    /** How many of the packets have not been told yet; from now on they have. */
    long tellPackets(long packets) {
        long untold = packets - toldPackets;
        toldPackets = packets;
        return untold;
    }

    /** The same of bytes. */
    long tellBytes(long bytes) {
        long untold = bytes - toldBytes;
        toldBytes = bytes;
        return untold;
    }
}
