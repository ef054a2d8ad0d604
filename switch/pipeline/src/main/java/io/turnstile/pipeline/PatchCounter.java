package io.turnstile.pipeline;

import io.turnstile.port.PortStatistics;
import java.util.concurrent.atomic.LongAdder;

/** What has gone through one end of a pair of patch ports; no device counts it. Threads: any. */
final class PatchCounter {
    private final LongAdder rxPackets = new LongAdder();
    private final LongAdder rxBytes = new LongAdder();
    private final LongAdder txPackets = new LongAdder();
    private final LongAdder txBytes = new LongAdder();

    /**
     * A way from one end to the other, which a walk has taken.
     *
     * @param out the end where packets leave a bridge
     * @param in the end where they come into the other
     */
    record Crossing(PatchCounter out, PatchCounter in) {
        void credit(long packets, long bytes) {
            out.txPackets.add(packets);
            out.txBytes.add(bytes);
            in.rxPackets.add(packets);
            in.rxBytes.add(bytes);
        }
    }

    PortStatistics statistics() {
        return PortStatistics.ofTraffic(rxPackets.sum(), rxBytes.sum(), txPackets.sum(), txBytes.sum());
    }
}
