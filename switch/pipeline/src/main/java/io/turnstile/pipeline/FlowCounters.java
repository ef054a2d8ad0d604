package io.turnstile.pipeline;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** The counters of a flow. They survive a modification of the flow unless it asks for new ones. Threads: any. */
final class FlowCounters {
    private final LongAdder packets = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final AtomicLong lastUsedNs;

    FlowCounters(long bornNs) {
        lastUsedNs = new AtomicLong(bornNs);
    }

    void add(long packetsDelta, long bytesDelta, long usedNs) {
        packets.add(packetsDelta);
        bytes.add(bytesDelta);
        lastUsedNs.accumulateAndGet(usedNs, FlowCounters::later);
    }

    /** Readings of a clock that wraps. */
    private static long later(long a, long b) {
        return a - b >= 0 ? a : b;
    }

    long packets() {
        return packets.sum();
    }

    long bytes() {
        return bytes.sum();
    }

    /** Time of the last packet, or the birth. */
    long lastUsedNs() {
        return lastUsedNs.get();
    }
}
