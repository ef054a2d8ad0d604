package io.turnstile.appctl;

import io.turnstile.bridge.BridgeView;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.datapath.Datapath;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PathBook;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.telemetry.OffloadMonitor;
import io.turnstile.time.WarpableClock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * The parts of the switch that the commands look at and change.
 *
 * @param paths who carries what
 * @param bridges the bridges as they stand
 * @param onLinkChange is called when a command has changed the state of a device
 * @param rescanProviders looks at the folder of offload providers again
 * @param pluginFaults what of the plug-ins cannot be used, a line each
 * @param warp moves time, and lets everything happen that is due then
 * @param flowRounds the rounds in which datapath flows are looked at
 * @param log the levels of the log
 * @param forwardingThreads how many threads carry packets
 * @param dummies whether the commands for test suites are there ({@code --enable-dummy})
 * @param onExit ends the process; called after the reply has been sent
 */
public record CommandContext(
        Datapath datapath,
        Pipeline pipeline,
        ConnectionTracker tracker,
        OffloadDispatcher offload,
        PathBook paths,
        OffloadMonitor offloadMonitor,
        WarpableClock clock,
        Supplier<List<BridgeView>> bridges,
        Runnable onLinkChange,
        Supplier<CompletableFuture<ProviderRegistry.Rescan>> rescanProviders,
        Supplier<List<String>> pluginFaults,
        Coverage coverage,
        TimeWarp warp,
        FlowRounds flowRounds,
        LogControl log,
        int forwardingThreads,
        boolean dummies,
        Runnable onExit) {

    /** The rounds in which datapath flows are credited and expire. */
    public interface FlowRounds {
        /** Completes when a whole round has been made that began after this call. */
        CompletableFuture<Void> next();

        /** Makes no rounds by itself until told otherwise. */
        void setPaused(boolean paused);
    }

    /** Moves the switch's time forward. */
    @FunctionalInterface
    public interface TimeWarp {
        /**
         * Completes when everything that is due after each of the steps is done. Who cancels it has no further step
         * made.
         */
        CompletableFuture<Void> warp(Duration distance, Duration step);
    }
}
