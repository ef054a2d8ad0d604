package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.TcpResume;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.conformance.IdleProvider;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What offload costs: the packet path's share (reports to the dispatcher) and the offload thread's share (carrying them
 * to providers that do nothing). Single-threaded; the tracker behind is one that knows every connection at once.
 * Figures are per connection.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(
        value = 1,
        jvmArgsAppend = {"-Xmx1g", "--enable-native-access=ALL-UNNAMED"})
public class DispatcherBenchmark {
    private static final int CONNECTIONS = 4096;

    /** A dispatcher with so many providers that is drained by hand. */
    @State(Scope.Thread)
    public static class Offload {
        @Param({"0", "1", "2"})
        int providers;

        OffloadDispatcher dispatcher;
        private long generation;

        @Setup(Level.Iteration)
        public void setUp() {
            dispatcher = OffloadDispatcher.drainedByCaller(
                    new AllKnowing(), Clock.system(), PortDirectory.named(port -> "p"));
            dispatcher.enable(List.<OffloadProvider>of(new IdleProvider("alpha"), new IdleProvider("beta"))
                    .subList(0, providers));
            generation = 0;
        }

        void nextGeneration() {
            generation++;
        }

        /** The present generation of a slot. */
        long id(int slot) {
            return generation << 32 | slot;
        }

        void commitAll() {
            for (int slot = 0; slot < CONNECTIONS; slot++) {
                dispatcher.onCommitted(id(slot), 1, 0);
            }
        }

        void establishAll() {
            for (int slot = 0; slot < CONNECTIONS; slot++) {
                dispatcher.onEstablished(id(slot), 0);
            }
        }

        void removeAll() {
            for (int slot = 0; slot < CONNECTIONS; slot++) {
                dispatcher.onRemoved(id(slot), RemovalReason.EXPIRED, 0);
            }
        }
    }

    /** Before each measured span providers have nothing to do, and new connections may come. */
    @State(Scope.Thread)
    public static class Idle extends Offload {
        @Setup(Level.Invocation)
        public void drain() {
            dispatcher.drain();
            nextGeneration();
        }

        @TearDown(Level.Invocation)
        public void letGo() {
            removeAll();
        }
    }

    /** Before each measured span providers were told of connections, and hold them. */
    @State(Scope.Thread)
    public static class Holding extends Offload {
        @Setup(Level.Invocation)
        public void hold() {
            dispatcher.drain();
            nextGeneration();
            commitAll();
            dispatcher.drain();
        }

        @TearDown(Level.Invocation)
        public void letGo() {
            removeAll();
        }
    }

    /** The packet path's and the sweep's reports of a life that no provider hears of: commit, reply, removal. */
    @Benchmark
    @OperationsPerInvocation(CONNECTIONS)
    public void reportsOfALifeUnheard(Idle offload) {
        offload.commitAll();
        offload.establishAll();
        offload.removeAll();
    }

    /** The packet path's report of a commit, which queues the connection for each provider. */
    @Benchmark
    @OperationsPerInvocation(CONNECTIONS)
    public void reportOfACommit(Idle offload) {
        offload.commitAll();
    }

    /** The packet path's report of an establishment to providers that hold the connection. */
    @Benchmark
    @OperationsPerInvocation(CONNECTIONS)
    public void reportOfAnEstablishment(Holding offload) {
        offload.establishAll();
    }

    /** Reports and provider calls of a life: query, add, established, del. */
    @Benchmark
    @OperationsPerInvocation(CONNECTIONS)
    public void wholeLife(Offload offload) {
        offload.nextGeneration();
        offload.commitAll();
        offload.establishAll();
        offload.dispatcher.drain();
        offload.removeAll();
        offload.dispatcher.drain();
    }

    /** To it every id is a live connection that has had its reply. */
    private static final class AllKnowing implements Conntrack {
        @Override
        public boolean read(long connectionId, ConnectionSnapshot into, long nowNs) {
            into.connectionId = connectionId;
            into.protocol = 17;
            into.replySeen = true;
            into.replyInPort = 2;
            into.established = true;
            into.original.sourcePort = (int) connectionId;
            into.reply.destinationPort = (int) connectionId;
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
        public int flush(Integer zone, long nowNs) {
            return 0;
        }

        @Override
        public int connectionCount() {
            return 0;
        }

        @Override
        public void setListener(ConnectionListener listener) {
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
        public boolean hold(long connectionId) {
            return true;
        }

        @Override
        public void unhold(long connectionId, TcpResume resume) {
            // There is no window check.
        }

        @Override
        public boolean awaitEstablished(long connectionId) {
            return false; // the benchmark reports it
        }

        @Override
        public void forgetPorts(IntPredicate gone) {
            // No port goes.
        }
    }
}
