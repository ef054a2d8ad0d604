package io.turnstile.daemon;

import io.turnstile.appctl.CommandContext;
import io.turnstile.appctl.Coverage;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.datapath.Datapath;
import io.turnstile.offload.HeapExhaustion;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.telemetry.RareEvent;
import io.turnstile.time.OncePerMinute;
import io.turnstile.time.WarpableClock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The housekeeper does what time brings about by itself: flows, rules, addresses and connections expire, and counters
 * travel from datapath flows to rules.
 *
 * <p>Threads: has one of its own, {@code housekeeping}; its methods may be called by any other.
 */
final class Housekeeping implements AutoCloseable, CommandContext.FlowRounds {
    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);
    private static final OncePerMinute TOLD = new OncePerMinute();
    private static final long FLOWS_EVERY_NS = 500_000_000L;
    /** How long time is warped before the housekeeper looks at what else is due. */
    private static final long WARP_SLICE_NS = 20_000_000L;

    private final WarpableClock clock;
    private final Datapath datapath;
    private final Pipeline pipeline;
    private final ConnectionTracker tracker;
    private final OffloadDispatcher offload;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            task -> Thread.ofPlatform().daemon().name("housekeeping").unstarted(task));
    private final Coverage coverage;
    private final ConntrackFullLog fullness;
    private long flowsDueNs = System.nanoTime();
    private volatile boolean paused;

    Housekeeping(
            WarpableClock clock,
            Datapath datapath,
            Pipeline pipeline,
            ConnectionTracker tracker,
            OffloadDispatcher offload,
            List<RareEvent> lost) {
        this.clock = clock;
        this.datapath = datapath;
        this.pipeline = pipeline;
        this.tracker = tracker;
        this.offload = offload;
        coverage = new Coverage(datapath, tracker, lost);
        fullness = new ConntrackFullLog(tracker);
    }

    void start() {
        thread.execute(this::turn);
        thread.scheduleAtFixedRate(
                () -> contain("counters", coverage::sample),
                Coverage.SAMPLE_SECONDS,
                Coverage.SAMPLE_SECONDS,
                TimeUnit.SECONDS);
    }

    Coverage coverage() {
        return coverage;
    }

    /**
     * Makes one round; the next comes when the tracker has something to do, or the flows are due, whatever this one has
     * thrown.
     */
    private void turn() {
        long pauseNs = FLOWS_EVERY_NS;
        try {
            long realNs = System.nanoTime(); // how often to look is a matter of real time; what has expired is not
            if (realNs - flowsDueNs >= 0) {
                flowsDueNs = realNs + FLOWS_EVERY_NS;
                contain("flows", this::maintainFlows);
                contain("the look at the table", () -> fullness.look(realNs));
            }
            // None if the sweep has left some: in between others have had their turn.
            pauseNs = Math.min(tracker.sweep(clock.nowNs()), FLOWS_EVERY_NS);
        } catch (RuntimeException | Error e) { // contained: one failure must not end all expiry
            tell("expiry", e);
        } finally {
            if (!thread.isShutdown()) {
                thread.schedule(this::turn, pauseNs, TimeUnit.NANOSECONDS);
            }
        }
    }

    /** What keeps one of the housekeeper's duties from being done does not keep him from the others. */
    private static void contain(String what, Runnable duty) {
        try {
            duty.run();
        } catch (RuntimeException | Error e) { // contained, as above
            tell(what, e);
        }
    }

    private static void tell(String what, Throwable failure) {
        HeapExhaustion.check(failure);
        if (TOLD.isDue(what, failure)) {
            LOG.error("housekeeping of {} failed", what, failure);
        }
    }

    private void maintainFlows() {
        long nowNs = clock.nowNs();
        if (!paused) {
            datapath.maintain(nowNs);
        }
        pipeline.maintain(nowNs);
    }

    @Override
    public CompletableFuture<Void> next() {
        return CompletableFuture.runAsync(
                () -> {
                    long nowNs = clock.nowNs();
                    datapath.maintain(nowNs);
                    pipeline.maintain(nowNs);
                },
                thread);
    }

    @Override
    public void setPaused(boolean paused) {
        this.paused = paused;
    }

    /**
     * Moves time in steps and does after each everything that is due, between the housekeeper's other rounds. Completes
     * when that is done; cancelled, it ends there.
     *
     * @param afterwards what others have to do when time has passed
     */
    CompletableFuture<Void> warp(Duration distance, Duration step, Supplier<CompletableFuture<Void>> afterwards) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        thread.execute(() -> warp(distance, step, afterwards, done));
        return done;
    }

    private void warp(
            Duration distance,
            Duration step,
            Supplier<CompletableFuture<Void>> afterwards,
            CompletableFuture<Void> done) {
        try {
            long endNs = System.nanoTime() + WARP_SLICE_NS;
            Duration left = distance;
            while (left.isPositive() && !done.isDone() && System.nanoTime() - endNs < 0) {
                Duration next = left.compareTo(step) < 0 ? left : step;
                clock.warp(next);
                left = left.minus(next);
                maintainFlows();
                tracker.sweepAll(clock.nowNs());
                offload.drain(); // providers asked about expiring connections answer before the sweep that counts
                tracker.sweepAll(clock.nowNs());
            }
            Duration rest = left;
            if (!left.isPositive()) {
                afterwards.get().whenComplete((nothing, failure) -> {
                    if (failure == null) {
                        done.complete(null);
                    } else {
                        done.completeExceptionally(failure);
                    }
                });
            } else if (!done.isDone()) {
                thread.execute(() -> warp(rest, step, afterwards, done));
            }
        } catch (RuntimeException | Error e) { // contained: it is the asker's to hear of
            HeapExhaustion.check(e);
            done.completeExceptionally(e);
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
        try {
            thread.awaitTermination(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
