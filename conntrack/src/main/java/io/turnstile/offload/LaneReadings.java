package io.turnstile.offload;

/** How a lane stands, for gauges. Threads: any; answers at once. */
public interface LaneReadings {

    /** How many connections wait for the provider. */
    int queueDepth();

    /** How long the first of them has waited; 0 if none does. */
    long oldestWaitNs();

    /** How many connections the provider holds. Walks a side table, so its cost follows the table's size. */
    long heldConnections();

    /** Whether the provider is left alone because it failed too often. */
    boolean isBreakerOpen();
}
