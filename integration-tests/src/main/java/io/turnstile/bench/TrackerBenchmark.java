package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.packet.Frames;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
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
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a packet costs in the tracker, single-threaded. Every figure is per packet or per connection. Packets are UDP over
 * IPv4 whose transport checksums are known good, as of a port that verifies them.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(value = 1, jvmArgsAppend = {"-Xmx1g", "--enable-native-access=ALL-UNNAMED"})
public class TrackerBenchmark {
    private static final int BATCH = PacketBatch.CAPACITY;
    private static final int BATCHES = 256;
    private static final int SOURCE_ADDRESS = 14 + 12;
    private static final int SOURCE_PORT = 14 + 20;
    private static final int CREATED = 100_000;
    private static final CtRequest LOOK = CtRequest.lookup(1);
    private static final CtRequest COMMIT = CtRequest.commit(1);

    /** A batch of packets of which the source addresses are written anew again and again. */
    private static final class Traffic {
        final Packet[] packets = new Packet[BATCH];
        final PacketBatch batch = new PacketBatch();

        Traffic() {
            for (int i = 0; i < BATCH; i++) {
                packets[i] = Frames.udp("10.0.0.1:1234 > 192.0.2.1:80").payload(18).withoutChecksum().packet();
            }
        }

        /** An address of 16 bits and their complement keeps the header sum as it is. */
        PacketBatch fill(int from, int step, int modulus, int length) {
            batch.clear();
            for (int i = 0; i < length; i++) {
                Packet packet = packets[i];
                int number = (int) ((from + (long) i * step) % modulus);
                packet.clearConntrack();
                packet.setChecksumState(ChecksumState.GOOD);
                packet.putU16(SOURCE_ADDRESS, number & 0xffff);
                packet.putU16(SOURCE_ADDRESS + 2, ~number & 0xffff);
                // The source port is under no checksum that is looked at.
                packet.putU16(SOURCE_PORT, 1024 + (number >>> 16));
                batch.add(packet);
            }
            return batch;
        }

        /** Makes the header sum right for what {@link #fill} writes. */
        Traffic prepared() {
            fill(0, 0, 1, BATCH);
            for (Packet packet : packets) {
                packet.putU16(14 + 10, 0);
                packet.putU16(14 + 10, InternetChecksum.finish(
                        InternetChecksum.add(0, packet, 14, 34)));
            }
            return this;
        }

        void populate(ConnectionTracker tracker, int connections) {
            for (int n = 0; n < connections; n += BATCH) {
                tracker.track(fill(n, 1, connections, BATCH), COMMIT, 0);
            }
            if (tracker.connectionCount() < connections) {
                throw new IllegalStateException("only " + tracker.connectionCount() + " of " + connections);
            }
        }
    }

    /** One connection, batches of 32. */
    @State(Scope.Thread)
    public static class Hot {
        final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 1000);
        final Traffic traffic = new Traffic().prepared();

        @Setup
        public void setUp() {
            traffic.populate(tracker, BATCH);
        }
    }

    /** 100 000 connections. */
    @State(Scope.Thread)
    public static class Many {
        final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 200_000);
        final Traffic traffic = new Traffic().prepared();
        int next;

        @Setup
        public void setUp() {
            traffic.populate(tracker, 100_000);
        }
    }

    /** A million connections. */
    @State(Scope.Thread)
    public static class Million {
        final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 1_100_000);
        final Traffic traffic = new Traffic().prepared();
        int next;

        @Setup
        public void setUp() {
            traffic.populate(tracker, 1_000_000);
        }
    }

    /** An empty table that is warm. */
    @State(Scope.Thread)
    public static class Empty {
        final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 200_000);
        final Traffic traffic = new Traffic().prepared();

        @Setup(Level.Invocation)
        public void setUp() {
            tracker.flush(null, 0);
        }
    }

    /** A table with connections to flush. */
    @State(Scope.Thread)
    public static class Full {
        final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 200_000);
        final Traffic traffic = new Traffic().prepared();

        @Setup(Level.Invocation)
        public void setUp() {
            traffic.populate(tracker, CREATED);
        }
    }

    @Benchmark
    @OperationsPerInvocation(BATCH * BATCHES)
    public void oneConnectionBatchesOf32(Hot state) {
        for (int i = 0; i < BATCHES; i++) {
            state.tracker.track(state.traffic.fill(3, 0, BATCH, BATCH), LOOK, 1);
        }
    }

    /** The price of {@code fill}, contained in every other figure. */
    @Benchmark
    @OperationsPerInvocation(BATCH * BATCHES)
    public void makingPacketsOnly(Hot state) {
        for (int i = 0; i < BATCHES; i++) {
            state.traffic.fill(i, 1, 1000, BATCH);
        }
    }

    @Benchmark
    @OperationsPerInvocation(BATCHES)
    public void hundredThousandBatchesOfOne(Many state) {
        for (int i = 0; i < BATCHES; i++) {
            state.next = (state.next + 61_803) % 100_000;
            state.tracker.track(state.traffic.fill(state.next, 0, 100_000, 1), LOOK, 1);
        }
    }

    @Benchmark
    @OperationsPerInvocation(BATCH * BATCHES)
    public void millionBatchesOf32(Million state) {
        for (int i = 0; i < BATCHES; i++) {
            state.next = (state.next + 618_033) % 1_000_000;
            state.tracker.track(state.traffic.fill(state.next, 31_249, 1_000_000, BATCH), LOOK, 1);
        }
    }

    @Benchmark
    @OperationsPerInvocation(CREATED)
    public void create(Empty state) {
        state.traffic.populate(state.tracker, CREATED);
    }

    @Benchmark
    @OperationsPerInvocation(CREATED)
    public int flush(Full state) {
        return state.tracker.flush(null, 0);
    }
}
