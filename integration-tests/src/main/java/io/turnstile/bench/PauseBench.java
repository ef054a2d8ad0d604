package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * How long a batch of new connections waits while something is done that concerns all connections: the index grows, all
 * are flushed, all expire in one tick, all are dumped.
 */
@CommandLine.Command(
        name = "pauses",
        description = "the longest batches of new connections while the table grows, is flushed, expires, is dumped")
public final class PauseBench implements Callable<Integer> {
    private static final int ZONE = 1;
    private static final int OTHER_ZONE = 2;
    private static final int FIRST_OF_THREAD = 200_000_000;
    private static final long LIFE_NS = TimeUnit.SECONDS.toNanos(120);
    private static final long CALM_NS = TimeUnit.SECONDS.toNanos(3);
    /** 200 000 connections a second of each thread. */
    private static final long PAUSE_NS = TimeUnit.SECONDS.toNanos(1) * PacketBatch.CAPACITY / 200_000;

    private static final long LOOK_NS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final int SCANNED_AT_ONCE = 4096;

    @Option(
            names = "--threads",
            split = ",",
            defaultValue = "1,2",
            description = "that make connections (default: ${DEFAULT-VALUE})")
    private int[] threads;

    @Option(
            names = "--connections",
            defaultValue = "10M",
            converter = Amount.class,
            description = "that are flushed, expire, are dumped (default: ${DEFAULT-VALUE})")
    private int connections;

    @Option(
            names = "--grows-from",
            defaultValue = "1M",
            converter = Amount.class,
            description = "connections in the table that grows (default: ${DEFAULT-VALUE})")
    private int growsFrom;

    @Option(
            names = "--grows-to",
            defaultValue = "16M",
            converter = Amount.class,
            description = "that it is filled up to (default: ${DEFAULT-VALUE})")
    private int growsTo;

    /** What is done beside the batches. */
    private interface Operation {
        void run(ConnectionTracker tracker) throws InterruptedException;
    }

    @Override
    public Integer call() throws Exception {
        for (int count : threads) {
            calm(count);
            growth(count);
            besideAll("flush", count, 0, tracker -> tracker.flush(ZONE, LIFE_NS));
            besideAll("deadlines in one tick", count, LIFE_NS, PauseBench::awaitExpiry);
            besideAll("dump", count, 0, PauseBench::dump);
        }
        return 0;
    }

    private void calm(int count) throws Exception {
        ConnectionTracker tracker = tracker(growsFrom, 2 * connections);
        measure("nothing", count, tracker, PAUSE_NS, 0, _ -> TimeUnit.NANOSECONDS.sleep(CALM_NS));
    }

    /** As fast as they come. */
    private void growth(int count) throws Exception {
        ConnectionTracker tracker = tracker(growsFrom, growsFrom + growsFrom / 2);
        measure("growth %,d to %,d".formatted(growsFrom, growsTo), count, tracker, 0, 0, grown -> {
            grown.setMaxConnections(growsTo);
            while (grown.connectionCount() < growsTo) {
                LockSupport.parkNanos(LOOK_NS);
            }
        });
    }

    private void besideAll(String what, int count, long sweptNs, Operation operation) throws Exception {
        ConnectionTracker tracker = tracker(connections, 4 * connections);
        measure("%s of %,d".formatted(what, connections), count, tracker, PAUSE_NS, sweptNs, operation);
    }

    private static ConnectionTracker tracker(int connections, int most) {
        ConnectionTracker tracker = new ConnectionTracker(new ManualClock(0, 0), most);
        new Traffic().populate(tracker, connections);
        return tracker;
    }

    /** Until there are only those that are made meanwhile. */
    private static void awaitExpiry(ConnectionTracker tracker) {
        int before;
        int now = tracker.connectionCount();
        do {
            before = now;
            LockSupport.parkNanos(10 * LOOK_NS);
            now = tracker.connectionCount();
        } while (now < before);
    }

    private static void dump(ConnectionTracker tracker) {
        for (long cursor = 0; cursor >= 0; ) {
            cursor = tracker.scan(cursor, SCANNED_AT_ONCE, _ -> {}, 0);
        }
    }

    /** @param sweptNs what time it is for the sweeper once all has begun */
    private static void measure(
            String what, int count, ConnectionTracker tracker, long pauseNs, long sweptNs, Operation operation)
            throws Exception {
        Pauses pauses = new Pauses();
        List<Committer> committers = new ArrayList<>();
        long startNs;
        long operationNs;
        try (ExecutorService executor = Executors.newFixedThreadPool(count);
                Sweeper sweeper = new Sweeper(tracker)) {
            List<Future<Pauses>> running = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                committers.add(new Committer(tracker, (i + 1) * FIRST_OF_THREAD, pauseNs));
                running.add(executor.submit(committers.getLast()));
            }
            TimeUnit.MILLISECONDS.sleep(500);
            startNs = System.nanoTime();
            committers.forEach(committer -> committer.measured = true);
            sweeper.nowNs = sweptNs;
            operation.run(tracker);
            operationNs = System.nanoTime() - startNs;
            committers.forEach(committer -> committer.stopped = true);
            for (Future<Pauses> one : running) {
                pauses.add(one.get());
            }
        }
        System.out.printf(
                "%-36s %d thread%s, %4.1f s: %s%n", what, count, count == 1 ? " " : "s", operationNs / 1e9, pauses);
    }

    /** Sweeps as the switch does, but never much later. */
    private static final class Sweeper implements AutoCloseable {
        private final Thread thread;
        private volatile long nowNs;
        private volatile boolean stopped;

        Sweeper(ConnectionTracker tracker) {
            thread = Thread.ofPlatform().name("sweeper").start(() -> {
                while (!stopped) {
                    LockSupport.parkNanos(Math.min(tracker.sweep(nowNs), LOOK_NS));
                }
            });
        }

        @Override
        public void close() throws InterruptedException {
            stopped = true;
            thread.join();
        }
    }

    /** Makes connections, in batches of new ones. */
    private static final class Committer implements Callable<Pauses> {
        private final ConnectionTracker tracker;
        private final Traffic traffic = new Traffic();
        private final CtRequest commit = CtRequest.commit(OTHER_ZONE);
        private final long pauseNs;
        private int next;
        volatile boolean measured;
        volatile boolean stopped;

        Committer(ConnectionTracker tracker, int first, long pauseNs) {
            this.tracker = tracker;
            this.next = first;
            this.pauseNs = pauseNs;
        }

        @Override
        public Pauses call() throws IOException {
            Pauses pauses = new Pauses();
            try (CpuTime.Line line = new CpuTime.Line()) {
                while (!stopped) {
                    boolean counts = measured;
                    PacketBatch batch = traffic.fill(next, 1, PacketBatch.CAPACITY);
                    next += PacketBatch.CAPACITY;
                    long waitedNs = line.waitedNs();
                    long startNs = System.nanoTime();
                    tracker.track(batch, commit, LIFE_NS);
                    long tookNs = System.nanoTime() - startNs;
                    if (counts) {
                        pauses.add(tookNs, line.waitedNs() - waitedNs);
                    }
                    if (pauseNs > 0 || !measured) {
                        LockSupport.parkNanos(PAUSE_NS);
                    }
                }
            }
            return pauses;
        }
    }
}
