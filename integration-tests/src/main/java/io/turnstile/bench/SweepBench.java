package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.Timeout;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** What idle connections cost: memory of each, and the sweeper's share of a core while hours pass. */
@CommandLine.Command(name = "sweep", description = "memory of a connection, and what sweeping idle ones costs")
public final class SweepBench implements Callable<Integer> {
    private static final int POLICY = 1;
    private static final long LIFE_SECONDS = 24 * 60 * 60;
    private static final CtRequest COMMIT = CtRequest.commit(1).withTimeouts(POLICY);

    @Option(names = "--connections", defaultValue = "10000000", description = "idle ones (default: ${DEFAULT-VALUE})")
    private int connections;

    @Option(names = "--hours", defaultValue = "23", description = "virtual hours to pass (default: ${DEFAULT-VALUE})")
    private int hours;

    @Override
    public Integer call() throws IOException {
        long residentBefore = Memory.residentBytes();
        ConnectionTracker tracker = new ConnectionTracker(new ManualClock(0, 0), connections);
        tracker.setTimeoutPolicy(POLICY, new TimeoutPolicy(Map.of(Timeout.UDP_FIRST, LIFE_SECONDS)));
        Traffic traffic = new Traffic();
        for (int n = 0; n < connections; n += PacketBatch.CAPACITY) {
            // Made over an hour, as they come in life.
            long nowNs = TimeUnit.HOURS.toNanos(1) / connections * n;
            tracker.track(traffic.fill(n, 1, Math.min(PacketBatch.CAPACITY, connections - n)), COMMIT, nowNs);
        }
        System.out.printf(
                "%d connections: %.1f bytes each, everything counted%n",
                tracker.connectionCount(), (Memory.residentBytes() - residentBefore) / (double) connections);
        long nowNs = TimeUnit.HOURS.toNanos(1);
        long endNs = TimeUnit.HOURS.toNanos(hours);
        long cpuNs = CpuTime.ofThisThreadNs();
        long longestNs = 0;
        while (nowNs < endNs) {
            long startNs = CpuTime.ofThisThreadNs();
            nowNs += Math.max(tracker.sweep(nowNs), TimeUnit.SECONDS.toNanos(1));
            longestNs = Math.max(longestNs, CpuTime.ofThisThreadNs() - startNs);
        }
        long usedNs = CpuTime.ofThisThreadNs() - cpuNs;
        System.out.printf(
                "sweeping them for %d h: %.2f s of CPU, %.5f %% of a core, longest sweep %.1f ms, %d left%n",
                hours - 1,
                usedNs / 1e9,
                100.0 * usedNs / (endNs - TimeUnit.HOURS.toNanos(1)),
                longestNs / 1e6,
                tracker.connectionCount());
        return 0;
    }
}
