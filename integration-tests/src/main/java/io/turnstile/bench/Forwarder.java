package io.turnstile.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A forwarding thread: has the packets of a load tracked without a pause, and writes down what it came to in each slice
 * of {@link #SLICE_NS}.
 *
 * <p>Threads: its own; {@link #slices} any.
 */
final class Forwarder implements AutoCloseable {
    static final long SLICE_NS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final int SLICES = 100_000;

    /** What is forwarded. Threads: the forwarder's. */
    interface Load {
        /** Has some packets tracked, some hundreds at most. Returns how many. */
        int step(long nowNs);

        /** Connections made so far. */
        long connections();
    }

    private final Load load;
    private final Slice[] slices = new Slice[SLICES];
    private volatile int length; // slices below are written
    private volatile boolean stopped;
    private volatile Throwable failure;
    private final Thread thread;

    Forwarder(Load load) {
        this.load = load;
        thread = Thread.ofPlatform().name("forwarder").start(this::run);
    }

    private void run() {
        try {
            while (!stopped && length < SLICES) {
                slice();
            }
        } catch (RuntimeException | Error e) {
            failure = e;
        }
    }

    private void slice() {
        long startNs = System.nanoTime();
        long startCpuNs = CpuTime.ofThisThreadNs();
        long startWaitedNs = CpuTime.waitedByThisThreadNs();
        long connections = load.connections();
        long packets = 0;
        long nowNs = startNs;
        while (nowNs - startNs < SLICE_NS) {
            packets += load.step(nowNs);
            nowNs = System.nanoTime();
        }
        long cpuNs = CpuTime.ofThisThreadNs() - startCpuNs;
        long waitedNs = CpuTime.waitedByThisThreadNs() - startWaitedNs;
        slices[length] =
                new Slice(startNs, nowNs - startNs, cpuNs, waitedNs, packets, load.connections() - connections);
        length++; // no other writer
    }

    /** The slices that lie within this span of time as a whole. */
    List<Slice> slices(long fromNs, long toNs) {
        if (failure != null) {
            throw new IllegalStateException("the forwarding thread has failed", failure);
        }
        List<Slice> within = new ArrayList<>();
        for (int i = 0, end = length; i < end; i++) {
            if (slices[i].startNs() - fromNs >= 0 && slices[i].startNs() + slices[i].lengthNs() - toNs <= 0) {
                within.add(slices[i]);
            }
        }
        return within;
    }

    /** Lets it go on for so long. */
    static void pause(double seconds) {
        long endNs = System.nanoTime() + (long) (seconds * 1e9);
        for (long leftNs = endNs - System.nanoTime(); leftNs > 0; leftNs = endNs - System.nanoTime()) {
            LockSupport.parkNanos(leftNs);
        }
    }

    /** Ends the thread. */
    @Override
    public void close() throws InterruptedException {
        stopped = true;
        thread.join();
    }
}
