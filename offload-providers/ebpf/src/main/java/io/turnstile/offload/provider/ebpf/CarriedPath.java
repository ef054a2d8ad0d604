package io.turnstile.offload.provider.ebpf;

import io.turnstile.offload.spi.Path;

/** A path that the kernel has, or had until it was lost. Guarded by the lock of {@link Carrier}. */
final class CarriedPath {
    final Path path;
    final PathKey key;
    /** Which counter is its own, until it is let go of. */
    final int counter;
    /** Whether the kernel still has it. */
    boolean isCarried = true;

    private long toldPackets;
    private long toldBytes;

    CarriedPath(Path path, PathKey key, int counter) {
        this.path = path;
        this.key = key;
        this.counter = counter;
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
