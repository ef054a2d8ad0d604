package io.turnstile.daemon;

import io.netty.util.internal.PlatformDependent;
import io.turnstile.conntrack.ConnectionTracker;

/**
 * The most memory that this process takes, said at its start.
 *
 * @param heapBytes of the Java machine (-Xmx; the launcher sizes it)
 * @param directBytes what is on its way to clients (-XX:MaxDirectMemorySize)
 * @param connectionBytes the connection table, full of the largest connections there are
 */
record MemoryBudget(long heapBytes, long directBytes, long connectionBytes, int maxConnections, int forwardingThreads) {
    private static final long MEGABYTE = 1 << 20;

    static MemoryBudget of(DaemonConfig config) {
        return new MemoryBudget(
                Runtime.getRuntime().maxMemory(),
                PlatformDependent.maxDirectMemory(),
                ConnectionTracker.mostBytes(config.maxConnections()),
                config.maxConnections(),
                config.forwardingThreads());
    }

    @Override
    public String toString() {
        return "memory at most: heap %d MB, direct %d MB, %d connections %d MB; %d forwarding threads"
                .formatted(
                        heapBytes / MEGABYTE,
                        directBytes / MEGABYTE,
                        maxConnections,
                        connectionBytes / MEGABYTE,
                        forwardingThreads);
    }
}
