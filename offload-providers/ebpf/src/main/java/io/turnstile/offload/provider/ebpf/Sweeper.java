package io.turnstile.offload.provider.ebpf;

import io.turnstile.bpf.BpfException;
import io.turnstile.offload.spi.Gauge;
import io.turnstile.offload.spi.ProviderContext;
import java.lang.System.Logger.Level;
import java.util.concurrent.locks.LockSupport;

/** The thread that reads the counters again and again, and tells what they have come to. */
final class Sweeper implements AutoCloseable {
    private static final long NS_PER_MS = 1_000_000;

    private final ProviderContext context;
    private final Carrier carrier;
    private final Gauge paths;
    private final Gauge guardFailures;
    private final Gauge rewriteFailures;
    private final Thread thread = new Thread(this::run, "ebpf-sweep");
    private volatile int periodMs;

    private Sweeper(ProviderContext context, Carrier carrier, int periodMs) {
        this.context = context;
        this.carrier = carrier;
        this.periodMs = periodMs;
        paths = context.gauge("paths", "paths that the kernel carries by");
        guardFailures = context.gauge("guard_failures", "frames shown to software for failing a path's guard or size");
        rewriteFailures = context.gauge("rewrite_failures", "frames dropped as they could not be rewritten");
        thread.setDaemon(true);
    }

    static Sweeper start(ProviderContext context, Carrier carrier, int periodMs) {
        Sweeper sweeper = new Sweeper(context, carrier, periodMs);
        sweeper.thread.start();
        return sweeper;
    }

    /** From the next sweep on, so often. */
    void every(int periodMs) {
        this.periodMs = periodMs;
    }

    private void run() {
        while (!Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(periodMs * NS_PER_MS);
            try {
                carrier.sweep();
                carrier.followPorts();
                paths.set(carrier.paths());
                guardFailures.set((double) carrier.guardFailures());
                rewriteFailures.set((double) carrier.rewriteFailures());
            } catch (BpfException | RuntimeException e) { // the next sweep may do better
                context.logger().log(Level.WARNING, "reading counters failed", e);
            }
        }
    }

    /** Ends it; when this is back nothing is told any more. */
    @Override
    public void close() throws InterruptedException {
        thread.interrupt();
        thread.join();
    }
}
