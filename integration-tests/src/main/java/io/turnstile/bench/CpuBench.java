package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongSupplier;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * The work of {@link TrackerBenchmark}, measured by the CPU time of the thread that does it: on a machine that others
 * use too, this is what can be compared. What making the packets costs is measured beside and taken off. Medians.
 */
@CommandLine.Command(name = "cpu", description = "the tracker by CPU time: for machines that are not idle")
public final class CpuBench implements Callable<Integer> {
    private static final CtRequest COMMIT = CtRequest.commit(1);
    private static final int PACKETS = 2_000_000;
    private static final int ROUNDS = 9;
    private static final int CREATED = 100_000;
    private static final int STRIDE = 618_033;
    private static final int STEP = 29;
    private static final int PEER_ROUNDS = 5;

    @Option(
            names = "--sizes",
            split = ",",
            defaultValue = "1000,100000,1000000,10000000",
            description = "connections in turn (default: ${DEFAULT-VALUE})")
    private int[] sizes;

    @Option(
            names = "--peer",
            paramLabel = "OVSTEST",
            description =
                    "Open vSwitch's tests/ovstest, built from its sources: its own benchmark takes turns with ours")
    private Path peer;

    @Override
    public Integer call() throws Exception {
        for (int round = 0; round < (peer == null ? 1 : PEER_ROUNDS); round++) {
            hotConnection();
        }
        if (peer != null) {
            new CtPeer(peer).printZone(CREATED);
        }
        for (int size : sizes) {
            ConnectionTracker tracker = new ConnectionTracker(Clock.system(), size + 1000);
            new Traffic().populate(tracker, size);
            System.out.printf(
                    "%d connections in turn: batches of 1 %.1f ns/packet, batches of 32 %.1f ns/packet%n",
                    size, inTurn(tracker, size, 1), inTurn(tracker, size, PacketBatch.CAPACITY));
        }
        createAndFlush();
        return 0;
    }

    private void hotConnection() throws Exception {
        double single = hot(new ConnectionTracker(Clock.system(), 1000), 0);
        double[] pair = twoThreads();
        System.out.printf(
                "hot connection, batches of 32: %.1f ns/packet; on two threads at once %.1f and %.1f (scales x%.2f)%n",
                single, pair[0], pair[1], single / pair[0] + single / pair[1]);
        if (peer != null) {
            new CtPeer(peer).printHot(PacketBatch.CAPACITY);
        }
    }

    /** The median over rounds, the first third of which only warms up. */
    private static double median(LongSupplier roundNs, int operations) {
        long[] rounds = new long[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            rounds[i] = roundNs.getAsLong();
        }
        long[] warm = Arrays.copyOfRange(rounds, ROUNDS / 3, ROUNDS);
        Arrays.sort(warm);
        return warm[warm.length / 2] / (double) operations;
    }

    /** One round of batches with tracking, less one of batches without. */
    private static double perPacket(
            ConnectionTracker tracker, Traffic traffic, int first, int size, int step, int length) {
        long[] state = new long[2];
        LongSupplier filling = () -> round(null, traffic, first, size, step, length, state);
        LongSupplier tracking = () -> round(tracker, traffic, first, size, step, length, state);
        double withTracking = median(tracking, PACKETS);
        return withTracking - median(filling, PACKETS);
    }

    /** @param state where the walk stands, and the time */
    private static long round(
            ConnectionTracker tracker, Traffic traffic, int first, int size, int step, int length, long[] state) {
        long span = Math.max(1, size - (long) step * length);
        long startNs = CpuTime.ofThisThreadNs();
        for (int done = 0; done < PACKETS; done += length) {
            state[0] = (state[0] + STRIDE) % span;
            PacketBatch batch = traffic.fill(first + (int) state[0], step, length);
            if (tracker != null) {
                tracker.track(batch, COMMIT, state[1] += 1000);
            }
        }
        return CpuTime.ofThisThreadNs() - startNs;
    }

    private static double hot(ConnectionTracker tracker, int number) {
        Traffic traffic = new Traffic();
        traffic.answer(tracker, traffic.fill(number, 0, PacketBatch.CAPACITY), 0);
        return perPacket(tracker, traffic, number, 1, 0, PacketBatch.CAPACITY);
    }

    private static double[] twoThreads() throws Exception {
        ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 1000);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<Double> one = threads.submit(() -> hot(tracker, 0));
            Future<Double> other = threads.submit(() -> hot(tracker, 1));
            return new double[] {one.get(), other.get()};
        }
    }

    private static double inTurn(ConnectionTracker tracker, int size, int length) {
        return perPacket(tracker, new Traffic(), 0, size, length == 1 ? 0 : STEP, length);
    }

    private static void createAndFlush() {
        ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 2 * CREATED);
        Traffic traffic = new Traffic();
        long[] flushNs = new long[ROUNDS];
        int[] round = new int[1];
        double create = median(
                () -> {
                    long startNs = CpuTime.ofThisThreadNs();
                    for (int n = 0; n < CREATED; n++) {
                        tracker.track(traffic.fill(n, 0, 1), COMMIT, n);
                    }
                    long createdNs = CpuTime.ofThisThreadNs();
                    tracker.flush(1, CREATED);
                    flushNs[round[0]++] = CpuTime.ofThisThreadNs() - createdNs;
                    return createdNs - startNs;
                },
                CREATED);
        Arrays.sort(flushNs);
        System.out.printf(
                "create, batches of 1: %.1f ns; flush a zone of %d: %.2f ms%n",
                create, CREATED, flushNs[ROUNDS / 2] / 1e6);
    }
}
