package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
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
 * What offload costs: the packet path's share (reports to the dispatcher) and the offload thread's share (carrying them to a
 * provider that does nothing). Single-threaded; the tracker behind is one that knows every connection at once.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(value = 1, jvmArgsAppend = {"-Xmx1g", "--enable-native-access=ALL-UNNAMED"})
public class DispatcherBenchmark {
    private static final int CONNECTIONS = 4096;

    private OffloadDispatcher dispatcher;
    private long generation;

    @Setup(Level.Iteration)
    public void setUp() {
        dispatcher = OffloadDispatcher.drainedByCaller(new AllKnowing(), Clock.system(), port -> "p");
        dispatcher.enable(List.of(new Nothing()));
        generation = 0;
    }

    /** All reports of a life that no provider hears of: the most that the packet path and the sweep pay for a connection. */
    @Benchmark
    @OperationsPerInvocation(CONNECTIONS)
    public void reportsOfOneLife() {
        generation++;
        for (int slot = 0; slot < CONNECTIONS; slot++) {
            long id = generation << 32 | slot;
            dispatcher.onCommitted(id, 1, 0);
            dispatcher.onReply(id, 2, 0);
            dispatcher.onRemoved(id, RemovalReason.EXPIRED, 0);
        }
        dispatcher.drain();
    }

    /** Reports and provider calls of a life: query, add, established, del. */
    @Benchmark
    @OperationsPerInvocation(CONNECTIONS)
    public void wholeOfOneLife() {
        generation++;
        for (int slot = 0; slot < CONNECTIONS; slot++) {
            long id = generation << 32 | slot;
            dispatcher.onCommitted(id, 1, 0);
            dispatcher.onReply(id, 2, 0);
        }
        dispatcher.drain();
        for (int slot = 0; slot < CONNECTIONS; slot++) {
            dispatcher.onRemoved(generation << 32 | slot, RemovalReason.EXPIRED, 0);
        }
        dispatcher.drain();
    }

    private static final class Nothing implements OffloadProvider {
        @Override
        public String name() {
            return "nothing";
        }

        @Override
        public void connAdd(ConnView connection) {
            // Carries nothing.
        }

        @Override
        public boolean connEstablished(ConnView connection, PortRef replyIngress) {
            return true;
        }

        @Override
        public long connUpdate(ConnView connection) {
            return 0;
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            // Carried nothing.
        }
    }

    /** To it every id is a live connection that has had its reply. */
    private static final class AllKnowing implements Conntrack {
        @Override
        public boolean read(long connectionId, ConnectionSnapshot into, long nowNs) {
            into.connectionId = connectionId;
            into.protocol = 17;
            into.replySeen = true;
            into.replyInPort = 2;
            return true;
        }

        @Override
        public long scan(long cursor, int limit, ConnectionVisitor visitor, long nowNs) {
            return -1;
        }

        @Override
        public int track(PacketBatch packets, CtRequest request, long nowNs) {
            throw new UnsupportedOperationException("no packets in this benchmark");
        }

        @Override
        public int flushMatching(Predicate<ConnectionSnapshot> filter, long nowNs) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long sweep(long nowNs) {
            return Long.MAX_VALUE;
        }

        @Override
        public int flush(Integer zoneOrNull, long nowNs) {
            return 0;
        }

        @Override
        public int connectionCount() {
            return 0;
        }

        @Override
        public void setListener(ConnectionListener listenerOrNull) {
            // Reports are made by the benchmark.
        }

        @Override
        public void release(long connectionId) {
            // Slots are the benchmark's.
        }

        @Override
        public void extend(long connectionId, long lastUsedNs) {
            // Nothing expires.
        }

        @Override
        public void carriedElsewhere(long connectionId) {
            // There is no window check.
        }
    }
}
