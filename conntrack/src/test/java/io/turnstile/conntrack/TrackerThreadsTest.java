package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Threads that commit, look up, reopen and flush the same few tuples: nothing is lost, doubled or torn. */
class TrackerThreadsTest {
    private static final int TUPLES = 200;
    private static final int ROUNDS = 4000;

    @Test
    void twoForwardersASweeperAndAFlusherAgree() throws Exception {
        ConnectionTracker tracker = new ConnectionTracker(Clock.system(), TUPLES * 2);
        Set<Long> committed = ConcurrentHashMap.newKeySet();
        Set<Long> removed = ConcurrentHashMap.newKeySet();
        AtomicInteger faults = new AtomicInteger();
        Set<Long> established = ConcurrentHashMap.newKeySet();
        tracker.setListener(new ConnectionListener() {
            @Override
            public void onCommitted(long connectionId, int inPort, long nowNs) {
                faults.addAndGet(committed.add(connectionId) ? 0 : 1);
            }

            @Override
            public void onEstablished(long connectionId, long nowNs) {
                faults.addAndGet(established.add(connectionId) ? 0 : 1);
                if (connectionId % 5 == 0) {
                    tracker.hold(connectionId);
                }
            }

            @Override
            public void onChanged(long connectionId, int changes, long nowNs) {
                faults.addAndGet(established.contains(connectionId) ? 0 : 1);
            }

            @Override
            public boolean onDeadline(long connectionId, long nowNs) {
                faults.addAndGet(connectionId % 5 == 0 ? 0 : 1);
                return connectionId % 2 == 0;
            }

            @Override
            public boolean isAwaited(long connectionId) {
                return ThreadLocalRandom.current().nextInt(4) > 0;
            }

            @Override
            public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
                faults.addAndGet(removed.add(connectionId) ? 0 : 1);
                if (connectionId % 2 == 0) {
                    tracker.release(connectionId);
                    return true;
                }
                return false;
            }
        });
        AtomicInteger running = new AtomicInteger(2);
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<Future<?>> all = new ArrayList<>();
            all.add(threads.submit(() -> forward(tracker, 1, faults, running)));
            all.add(threads.submit(() -> forward(tracker, 2, faults, running)));
            all.add(threads.submit(() -> {
                for (int i = 0; running.get() > 0; i++) {
                    long now = System.nanoTime();
                    tracker.sweep(now + TimeUnit.SECONDS.toNanos(i % 16 == 0 ? 40 : 0));
                    tracker.scan(0, TUPLES, connection -> faults.addAndGet(isWhole(connection) ? 0 : 1), now);
                    if (i % 50 == 0) {
                        tracker.flush(i % 3 == 0 ? null : Integer.valueOf(0), now);
                    }
                    Thread.yield();
                }
            }));
            for (Future<?> one : all) {
                one.get(60, TimeUnit.SECONDS);
            }
        }
        assertThat(faults).hasValue(0);
        assertThat(tracker.connectionCount())
                .isEqualTo(committed.size() - removed.size())
                .isLessThanOrEqualTo(TUPLES);
        tracker.flush(null, System.nanoTime());
        assertThat(tracker.connectionCount()).isZero();
        assertThat(removed).isEqualTo(committed);
        assertThat(tracker.refusals()).isZero();
    }

    private static boolean isWhole(ConnectionSnapshot seen) {
        boolean there = seen.original.destinationPort == 9000;
        int tuple = there ? seen.original.sourcePort : seen.original.destinationPort;
        long low = there ? seen.original.sourceLow : seen.original.destinationLow;
        return tuple == (int) (low & 0xffff) && seen.reply.sourceLow == seen.original.destinationLow;
    }

    private static void forward(ConnectionTracker tracker, int seed, AtomicInteger faults, AtomicInteger running) {
        try {
            Packet[][] packets = new Packet[TUPLES][2];
            for (int i = 0; i < TUPLES; i++) {
                String low = "10.1." + (i + 1) / 256 + "." + (i + 1) % 256 + ":" + (i + 1);
                packets[i][0] = Frames.udp(low + " > 10.2.0.1:9000").packet();
                packets[i][1] = Frames.udp("10.2.0.1:9000 > " + low).packet();
            }
            Random random = new Random(seed);
            PacketBatch batch = new PacketBatch();
            for (int round = 0; round < ROUNDS; round++) {
                batch.clear();
                for (int i = 0; i < PacketBatch.CAPACITY; i++) {
                    Packet packet = packets[random.nextInt(TUPLES)][random.nextInt(4) == 0 ? 0 : 1];
                    packet.clearConntrack();
                    batch.add(packet);
                }
                boolean force = random.nextInt(4) == 0;
                tracker.track(
                        batch,
                        new CtRequest(0, force || random.nextBoolean(), force, 0, 0, 0, 0, 0, 0),
                        System.nanoTime());
                for (int i = 0; i < batch.length(); i++) {
                    if ((batch.get(i).ctState() & (CtState.NEW | CtState.EST)) == 0) {
                        faults.incrementAndGet();
                    }
                }
            }
        } finally {
            running.decrementAndGet();
        }
    }
}
