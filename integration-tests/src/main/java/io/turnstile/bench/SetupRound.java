package io.turnstile.bench;

/**
 * What a round of handshakes came to.
 *
 * @param slice the forwarding thread's time
 * @param misses packets that met no flow in the cache
 * @param allocatedBytes that the forwarding thread took from the heap; -1 if nobody counts them
 */
record SetupRound(Slice slice, long misses, long allocatedBytes) {
    double missesPerConnection() {
        return misses / (double) slice.connections();
    }

    double bytesPerConnection() {
        return allocatedBytes / (double) slice.connections();
    }
}
