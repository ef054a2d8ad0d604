package io.turnstile.pipeline;

import java.util.concurrent.atomic.AtomicLongFieldUpdater;

/**
 * The counters of a flow. They survive a modification of the flow unless it asks for new ones. Plain numbers: a
 * datapath flow's packets are credited together, a few times a second, so that threads hardly ever meet here.
 *
 * <p>Threads: any.
 */
final class FlowCounters {
    private static final AtomicLongFieldUpdater<FlowCounters> PACKETS =
            AtomicLongFieldUpdater.newUpdater(FlowCounters.class, "packets");
    private static final AtomicLongFieldUpdater<FlowCounters> BYTES =
            AtomicLongFieldUpdater.newUpdater(FlowCounters.class, "bytes");
    private static final AtomicLongFieldUpdater<FlowCounters> LAST_USED =
            AtomicLongFieldUpdater.newUpdater(FlowCounters.class, "lastUsedNs");

    private volatile long packets;
    private volatile long bytes;
    private volatile long lastUsedNs;

    FlowCounters(long bornNs) {
        lastUsedNs = bornNs;
    }

    void add(long packetsDelta, long bytesDelta, long usedNs) {
        PACKETS.addAndGet(this, packetsDelta);
        BYTES.addAndGet(this, bytesDelta);
        LAST_USED.accumulateAndGet(this, usedNs, FlowCounters::later);
    }

    /** Readings of a clock that wraps. */
    private static long later(long a, long b) {
        return a - b >= 0 ? a : b;
    }

    long packets() {
        return packets;
    }

    long bytes() {
        return bytes;
    }

    /** Time of the last packet, or the birth. */
    long lastUsedNs() {
        return lastUsedNs;
    }
}
