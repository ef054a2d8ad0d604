package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.ThreadParams;

/**
 * What a packet costs in the tracker. Every figure is per packet or per connection. Packets are UDP over IPv4 whose
 * transport checksums are known good, as of a port that verifies them; each is read, checked, hashed, looked up, its
 * connection's state and deadline are updated, and its metadata written, under a clock that goes on with each batch.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(
        value = 1,
        jvmArgsAppend = {"-Xmx1g", "--enable-native-access=ALL-UNNAMED"})
public class TrackerBenchmark {
    private static final int BATCH = PacketBatch.CAPACITY;
    private static final int BATCHES = 256;
    private static final int CREATED = 100_000;
    private static final long BATCH_NS = 1_000;
    private static final CtRequest COMMIT = CtRequest.commit(1);

    /** One tracker for all threads. */
    @State(Scope.Benchmark)
    public static class Hot {
        final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 1000);
    }

    /** Each thread has a connection of its own. */
    @State(Scope.Thread)
    public static class OfThread {
        final Traffic traffic = new Traffic();
        int number;
        long nowNs;

        @Setup
        public void setUp(Hot hot, ThreadParams threads) {
            number = threads.getThreadIndex();
            traffic.answer(hot.tracker, traffic.fill(number, 0, BATCH), nowNs);
        }
    }

    /** So many connections. */
    @State(Scope.Thread)
    public static class Populated {
        @Param({"1000", "100000", "1000000", "10000000"})
        int connections;

        ConnectionTracker tracker;
        Traffic traffic;
        int next;
        long nowNs;

        @Setup
        public void setUp() {
            tracker = new ConnectionTracker(Clock.system(), connections + 1000);
            traffic = new Traffic();
            traffic.populate(tracker, connections);
        }

        int next(int step) {
            next = (int) ((next + (long) step) % connections);
            return next;
        }
    }

    /** An empty table that is warm. */
    @State(Scope.Thread)
    public static class Empty {
        final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 200_000);
        final Traffic traffic = new Traffic();

        @Setup(Level.Invocation)
        public void setUp() {
            tracker.flush(null, 0);
        }
    }

    /** A table with connections to flush. */
    @State(Scope.Thread)
    public static class Full {
        final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 200_000);
        final Traffic traffic = new Traffic();

        @Setup(Level.Invocation)
        public void setUp() {
            for (int n = 0; n < CREATED; n += BATCH) {
                tracker.track(traffic.fill(n, 1, BATCH), COMMIT, 0);
            }
        }
    }

    @Benchmark
    @OperationsPerInvocation(BATCH * BATCHES)
    public void hotConnection(Hot hot, OfThread own) {
        for (int i = 0; i < BATCHES; i++) {
            hot.tracker.track(own.traffic.fill(own.number, 0, BATCH), COMMIT, own.nowNs += BATCH_NS);
        }
    }

    @Benchmark
    @Threads(2)
    @OperationsPerInvocation(BATCH * BATCHES)
    public void hotConnectionOfEachOfTwoThreads(Hot hot, OfThread own) {
        hotConnection(hot, own);
    }

    /** The price of {@code fill}, contained in every other figure. */
    @Benchmark
    @OperationsPerInvocation(BATCH * BATCHES)
    public void makingPacketsOnly(OfThread own) {
        for (int i = 0; i < BATCHES; i++) {
            own.traffic.fill(own.number, 0, BATCH);
        }
    }

    @Benchmark
    @OperationsPerInvocation(BATCHES)
    public void inTurnBatchesOf1(Populated state) {
        for (int i = 0; i < BATCHES; i++) {
            state.tracker.track(state.traffic.fill(state.next(618_033), 0, 1), COMMIT, state.nowNs += BATCH_NS);
        }
    }

    @Benchmark
    @OperationsPerInvocation(BATCH * BATCHES)
    public void inTurnBatchesOf32(Populated state) {
        for (int i = 0; i < BATCHES; i++) {
            int from = state.next(618_033) % (state.connections - BATCH * 29);
            state.tracker.track(state.traffic.fill(from, 29, BATCH), COMMIT, state.nowNs += BATCH_NS);
        }
    }

    @Benchmark
    @OperationsPerInvocation(CREATED)
    public void createBatchesOf1(Empty state) {
        for (int n = 0; n < CREATED; n++) {
            state.tracker.track(state.traffic.fill(n, 0, 1), COMMIT, n);
        }
    }

    @Benchmark
    @OperationsPerInvocation(CREATED)
    public int flush(Full state) {
        return state.tracker.flush(1, 0);
    }
}
