package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.Timeout;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.datapath.Datapath;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.packet.PacketBatch;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.ZoneTimeouts;
import io.turnstile.time.Clock;
import io.turnstile.time.ManualClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * How long a batch of new connections waits while something is done that concerns all connections: the index grows, all
 * are flushed, all expire in one tick, all are dumped, their policies change, a provider is told of them; and at the
 * start, when all memory is new.
 */
@CommandLine.Command(
        name = "pauses",
        description = "the longest batches of new connections while something is done that concerns all connections")
public final class PauseBench implements Callable<Integer> {
    private static final int ZONE = Traffic.ZONE;
    private static final int OTHER_ZONE = 2;
    private static final int FIRST_OF_THREAD = 200_000_000;
    private static final long LIFE_NS = TimeUnit.SECONDS.toNanos(120);
    private static final long CALM_NS = TimeUnit.SECONDS.toNanos(3);
    /** A provider is told of connections evenly, a million in some 14 s: the rest would be like the beginning. */
    private static final long REPLAY_NS = TimeUnit.SECONDS.toNanos(15);
    /** 200 000 connections a second of each thread. */
    private static final long PAUSE_NS = TimeUnit.SECONDS.toNanos(1) * PacketBatch.CAPACITY / 200_000;

    private static final long LOOK_NS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long CHANGE_NS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final int SCANNED_AT_ONCE = 4096;
    private static final int MOST_SECONDS = 86_400;

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
            description = "that are flushed, expire, and so on (default: ${DEFAULT-VALUE})")
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

    @Option(names = "--only", split = ",", description = "those of: ${COMPLETION-CANDIDATES} (default: all)")
    private List<What> only = List.of(What.values());

    /** What is done beside the batches. */
    private enum What {
        NOTHING,
        START,
        GROWTH,
        FLUSH,
        DEADLINES,
        DUMP,
        POLICIES,
        REPLAY
    }

    /** How it is done. */
    private interface Operation {
        void run(ConnectionTracker tracker) throws InterruptedException;
    }

    /** What time it is when a tracker is made. */
    private long startNs;

    @Override
    public Integer call() throws Exception {
        for (int count : threads) {
            for (What what : only) {
                measure(what, count);
            }
        }
        return 0;
    }

    private void measure(What what, int count) throws Exception {
        switch (what) {
            case NOTHING -> calm(count);
            case START -> start(count);
            case GROWTH -> growth(count);
            case FLUSH -> besideAll("flush", count, 0, tracker -> tracker.flush(ZONE, startNs + LIFE_NS));
            case DEADLINES -> besideAll("deadlines in one tick", count, LIFE_NS, PauseBench::awaitExpiry);
            case DUMP -> besideAll("dump", count, 0, this::dump);
            case POLICIES -> policies(count);
            case REPLAY -> replay(count);
        }
    }

    private void calm(int count) throws Exception {
        ConnectionTracker tracker = tracker(growsFrom, 2 * connections);
        measure("nothing", count, tracker, PAUSE_NS, 0, _ -> TimeUnit.NANOSECONDS.sleep(CALM_NS));
    }

    /** From the first batch of a new table on. The code is compiled if something was measured before. */
    private void start(int count) throws Exception {
        ConnectionTracker tracker = emptyTracker(2 * connections);
        measure("start", count, tracker, PAUSE_NS, 0, _ -> TimeUnit.NANOSECONDS.sleep(CALM_NS));
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

    private ConnectionTracker tracker(int connections, int most) {
        ConnectionTracker tracker = emptyTracker(most);
        new Traffic().populate(tracker, connections, CtRequest.commit(ZONE), startNs);
        return tracker;
    }

    private ConnectionTracker emptyTracker(int most) {
        System.gc(); // the tracker before goes, and its gigabytes
        startNs = Clock.system().nowNs();
        return new ConnectionTracker(new ManualClock(startNs, 0), most);
    }

    /** Until there are only those that are made meanwhile. */
    private static void awaitExpiry(ConnectionTracker tracker) {
        while (tracker.zoneLimits().count(ZONE) > 0) {
            LockSupport.parkNanos(LOOK_NS);
        }
    }

    private void dump(ConnectionTracker tracker) {
        for (long cursor = 0; cursor >= 0; ) {
            cursor = tracker.scan(cursor, SCANNED_AT_ONCE, _ -> {}, startNs);
        }
    }

    /** A thousand times a second the database gives all connections' zone other timeouts, and limits. */
    private void policies(int count) throws Exception {
        ConnectionTracker tracker = emptyTracker(4 * connections);
        Clock clock = Clock.system();
        ZoneTimeouts timeouts = new ZoneTimeouts(new Pipeline(new Datapath(tracker, clock), clock), tracker);
        timeouts.set(Map.of(ZONE, policy(0)));
        new Traffic().populate(tracker, connections, CtRequest.commit(ZONE).withTimeouts(1), startNs);
        measure("policies of %,d changed".formatted(connections), count, tracker, PAUSE_NS, 0, changed -> {
            long endNs = System.nanoTime() + CALM_NS;
            for (int change = 1; System.nanoTime() < endNs; change++) {
                timeouts.set(Map.of(ZONE, policy(change), OTHER_ZONE, policy(change + 1)));
                changed.zoneLimits().set(ZONE, change);
                changed.zoneLimits().set(OTHER_ZONE, 3 * connections + change);
                LockSupport.parkNanos(CHANGE_NS);
            }
        });
    }

    private static TimeoutPolicy policy(int number) {
        return new TimeoutPolicy(Map.of(Timeout.UDP_MULTIPLE, (long) MOST_SECONDS + number));
    }

    /** A provider comes later and is told of all connections. */
    private void replay(int count) throws Exception {
        ConnectionTracker tracker = emptyTracker(4 * connections);
        tracker.setTimeoutPolicy(1, policy(0)); // they are still there when the provider is told of them
        new Traffic().populate(tracker, connections, CtRequest.commit(ZONE).withTimeouts(1), startNs);
        CountingProvider provider = new CountingProvider("late", true);
        try (OffloadDispatcher dispatcher =
                new OffloadDispatcher(tracker, Clock.system(), PortDirectory.named(port -> "p" + port))) {
            measure("replay of %,d".formatted(connections), count, tracker, PAUSE_NS, 0, _ -> {
                dispatcher.enable(List.of(provider));
                TimeUnit.NANOSECONDS.sleep(REPLAY_NS);
            });
            System.out.printf("%36s told of %,d%n", "", provider.adds());
        }
    }

    /** @param sweptNs what time it is for the sweeper once all has begun, since the tracker was made */
    private void measure(
            String what, int count, ConnectionTracker tracker, long pauseNs, long sweptNs, Operation operation)
            throws Exception {
        Pauses pauses = new Pauses();
        Threads all = new Threads(count + 2);
        all.join(); // this one does what is done beside
        List<Committer> committers = new ArrayList<>();
        boolean atOnce = tracker.connectionCount() == 0;
        long beganNs;
        long operationNs;
        long collectedNs;
        try (ExecutorService executor = Executors.newFixedThreadPool(count);
                Sweeper sweeper = new Sweeper(tracker, startNs, all)) {
            List<Future<Pauses>> running = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                Committer committer =
                        new Committer(tracker, (i + 1) * FIRST_OF_THREAD, startNs + LIFE_NS, pauseNs, all);
                committer.measured = atOnce;
                committers.add(committer);
                running.add(executor.submit(committer));
            }
            TimeUnit.MILLISECONDS.sleep(500);
            System.gc(); // the histograms, megabytes of them, are not to be copied in what is measured
            beganNs = System.nanoTime();
            collectedNs = Memory.collectingNs();
            committers.forEach(committer -> committer.measured = true);
            sweeper.nowNs = startNs + sweptNs;
            operation.run(tracker);
            operationNs = System.nanoTime() - beganNs;
            collectedNs = Memory.collectingNs() - collectedNs;
            committers.forEach(committer -> committer.stopped = true);
            for (Future<Pauses> one : running) {
                pauses.add(one.get());
            }
        }
        System.out.printf(
                "%-36s %d thread%s, %4.1f s: %s; garbage was collected for %d ms%n",
                what, count, count == 1 ? " " : "s", operationNs / 1e9, pauses, collectedNs / 1_000_000);
    }

    /** Those that a batch may have to wait for. */
    private static final class Threads {
        private final ConcurrentLinkedQueue<Path> threads = new ConcurrentLinkedQueue<>();
        private final CountDownLatch awaited;

        Threads(int count) {
            awaited = new CountDownLatch(count);
        }

        /** The calling thread is there. */
        Path join() throws IOException {
            Path thread = CpuTime.thisThread();
            threads.add(thread);
            awaited.countDown();
            return thread;
        }

        /** The others' places in line, once all are there. */
        List<CpuTime.Line> others(Path thread) throws IOException, InterruptedException {
            awaited.await();
            List<CpuTime.Line> lines = new ArrayList<>();
            for (Path other : threads) {
                if (!other.equals(thread)) {
                    lines.add(new CpuTime.Line(other));
                }
            }
            return lines;
        }
    }

    /** Sweeps as the switch does, but never much later. */
    private static final class Sweeper implements AutoCloseable {
        private final Thread thread;
        private volatile long nowNs;
        private volatile boolean stopped;

        Sweeper(ConnectionTracker tracker, long nowNs, Threads all) {
            this.nowNs = nowNs;
            thread = Thread.ofPlatform().name("sweeper").start(() -> sweep(tracker, all));
        }

        /** The switch sweeps before it has ports. */
        private void sweep(ConnectionTracker tracker, Threads all) {
            tracker.sweepAll(nowNs);
            try {
                all.join();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            while (!stopped) {
                LockSupport.parkNanos(Math.min(tracker.sweep(nowNs), LOOK_NS));
            }
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
        private final long nowNs;
        private final long pauseNs;
        private final Threads all;
        private final Pauses before = new Pauses();
        private final Pauses pauses = new Pauses();
        private int next;
        volatile boolean measured;
        volatile boolean stopped;

        Committer(ConnectionTracker tracker, int first, long nowNs, long pauseNs, Threads all) {
            this.tracker = tracker;
            this.next = first;
            this.nowNs = nowNs;
            this.pauseNs = pauseNs;
            this.all = all;
        }

        @Override
        public Pauses call() throws IOException, InterruptedException {
            List<CpuTime.Line> others = all.others(all.join());
            try (CpuTime.Line line = new CpuTime.Line()) {
                while (!stopped) {
                    makeSome(measured ? pauses : before, line, others);
                    if (pauseNs > 0 || !measured) {
                        LockSupport.parkNanos(PAUSE_NS);
                    }
                }
            } finally {
                for (CpuTime.Line other : others) {
                    other.close();
                }
            }
            return pauses;
        }

        private void makeSome(Pauses pauses, CpuTime.Line line, List<CpuTime.Line> others) throws IOException {
            PacketBatch batch = traffic.fill(next, 1, PacketBatch.CAPACITY);
            next += PacketBatch.CAPACITY;
            long othersBeforeNs = waitedNs(others);
            long waitedBeforeNs = line.waitedNs();
            long usedBeforeNs = CpuTime.ofThisThreadNs();
            long beganNs = System.nanoTime();
            tracker.track(batch, commit, nowNs);
            long tookNs = System.nanoTime() - beganNs;
            long usedNs = CpuTime.ofThisThreadNs() - usedBeforeNs;
            long waitedNs = line.waitedNs() - waitedBeforeNs;
            pauses.add(tookNs, waitedNs, tookNs - usedNs - waitedNs, waitedNs(others) - othersBeforeNs);
        }

        private static long waitedNs(List<CpuTime.Line> lines) throws IOException {
            long sumNs = 0;
            for (CpuTime.Line line : lines) {
                sumNs += line.waitedNs();
            }
            return sumNs;
        }
    }
}
