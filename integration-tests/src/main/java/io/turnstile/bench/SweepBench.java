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

/**
 * A table's life: connections are made, looked up, idle for hours, half of them expire and the rest is flushed. What
 * each takes of memory, and each step of a core.
 */
@CommandLine.Command(name = "sweep", description = "memory of a connection, and what sweeping idle ones costs")
public final class SweepBench implements Callable<Integer> {
    private static final int POLICY = 1;
    private static final long LIFE_HOURS = 24;
    private static final long LIFE_SECONDS = LIFE_HOURS * 60 * 60;
    private static final CtRequest COMMIT = CtRequest.commit(Traffic.ZONE).withTimeouts(POLICY);
    private static final CtRequest LOOK = CtRequest.lookup(Traffic.ZONE);
    private static final long HOUR_NS = TimeUnit.HOURS.toNanos(1);
    private static final int STRIDE = 618_033;
    private static final int STEP = 29;

    @Option(
            names = "--connections",
            defaultValue = "10M",
            converter = Amount.class,
            description = "how many, such as 100M (default: ${DEFAULT-VALUE})")
    private int connections;

    @Option(names = "--hours", defaultValue = "23", description = "virtual hours to pass (default: ${DEFAULT-VALUE})")
    private int hours;

    private final Traffic traffic = new Traffic();

    @Override
    public Integer call() throws IOException {
        long residentBefore = Memory.residentBytes();
        ConnectionTracker tracker = new ConnectionTracker(new ManualClock(0, 0), connections);
        tracker.setTimeoutPolicy(
                POLICY,
                new TimeoutPolicy(Map.of(
                        Timeout.UDP_FIRST, LIFE_SECONDS,
                        Timeout.UDP_SINGLE, LIFE_SECONDS,
                        Timeout.UDP_MULTIPLE, LIFE_SECONDS)));
        long startNs = CpuTime.ofThisThreadNs();
        create(tracker);
        print("created", tracker.connectionCount(), startNs);
        System.out.printf(
                "%d connections: %.1f bytes each, everything counted%n",
                tracker.connectionCount(), (Memory.residentBytes() - residentBefore) / (double) connections);
        startNs = CpuTime.ofThisThreadNs();
        int found = lookUp(tracker);
        print("looked up", found, startNs);
        long nowNs = idle(tracker);
        for (int n = connections / 2; n < connections; n += PacketBatch.CAPACITY) {
            tracker.track(traffic.fill(n, 1, Math.min(PacketBatch.CAPACITY, connections - n)), LOOK, nowNs);
        }
        nowNs = Math.max(nowNs, (LIFE_HOURS + 2) * HOUR_NS); // the others were used for the last time in the first hour
        startNs = CpuTime.ofThisThreadNs();
        int before = tracker.connectionCount();
        tracker.sweepAll(nowNs);
        print("expired", before - tracker.connectionCount(), startNs);
        startNs = CpuTime.ofThisThreadNs();
        print("flushed", tracker.flush(Traffic.ZONE, nowNs), startNs);
        return found == connections && tracker.connectionCount() == 0 ? 0 : 1;
    }

    private static void print(String what, int count, long startNs) {
        long usedNs = CpuTime.ofThisThreadNs() - startNs;
        System.out.printf("%s: %d, %.2f s of CPU, %.0f ns each%n", what, count, usedNs / 1e9, (double) usedNs / count);
    }

    /** Over an hour, as they come in life. */
    private void create(ConnectionTracker tracker) {
        for (int n = 0; n < connections; n += PacketBatch.CAPACITY) {
            long nowNs = HOUR_NS / connections * n;
            tracker.track(traffic.fill(n, 1, Math.min(PacketBatch.CAPACITY, connections - n)), COMMIT, nowNs);
        }
    }

    /** As many packets as there are connections, jumping to and fro; how many had one. */
    private int lookUp(ConnectionTracker tracker) {
        int found = 0;
        long at = 0;
        int span = Math.max(1, connections - STEP * PacketBatch.CAPACITY);
        for (int n = 0; n < connections; n += PacketBatch.CAPACITY) {
            int length = Math.min(PacketBatch.CAPACITY, connections - n);
            at = (at + STRIDE) % span;
            PacketBatch batch = traffic.fill((int) at, STEP, length);
            tracker.track(batch, LOOK, HOUR_NS);
            for (int i = 0; i < length; i++) {
                found += batch.get(i).ctConnection() == ConnectionTracker.NO_CONNECTION ? 0 : 1;
            }
        }
        return found;
    }

    private long idle(ConnectionTracker tracker) {
        long nowNs = HOUR_NS;
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
                100.0 * usedNs / (endNs - HOUR_NS),
                longestNs / 1e6,
                tracker.connectionCount());
        return nowNs;
    }
}
