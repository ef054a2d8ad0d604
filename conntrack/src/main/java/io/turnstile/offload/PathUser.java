package io.turnstile.offload;

/**
 * Whoever has offered a path. Threads: any, the provider's own included; every method returns at once and takes no lock
 * that is held while anybody waits.
 */
public interface PathUser {

    /**
     * Whether packets of the walk would still go as the path says. Asked when the book holds the walk's connections, so
     * that what changes about them from now on is told; and before each offer to a provider.
     */
    boolean isCurrent();

    /**
     * Packets were carried.
     *
     * @param packets since the last time, joined frames counted by their segments; 0 if unknown
     * @param bytes of those
     * @param lastUsedNs when the last of them was, on the monotonic clock
     */
    void carried(long packets, long bytes, long lastUsedNs);

    /** Nobody carries the path, and nobody will. Comes once, after the last {@link #carried}. */
    void ended();
}
