package io.turnstile.daemon;

import io.turnstile.bridge.Dummies;
import io.turnstile.control.CommandReply;
import io.turnstile.control.ControlServer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Commands about the daemon as a whole; registers those of its neighbours too. */
final class Commands {
    private static final int EXIT_DELAY_MS = 50;
    private static final long WARP_STEP_MS = 1000;

    private final SwitchDaemon daemon;
    private final Runnable onExit;

    Commands(SwitchDaemon daemon, Runnable onExit) {
        this.daemon = daemon;
        this.onExit = onExit;
    }

    void registerAll(ControlServer control) {
        control.register("exit", "[--cleanup]", 0, 1, this::exit);
        control.register(
                "coverage/show",
                "",
                0,
                0,
                arguments -> CommandReply.ok(daemon.housekeeping().coverage().text()));
        control.register("memory/show", "", 0, 0, arguments -> memory());
        DatapathCommands datapath = new DatapathCommands(daemon);
        datapath.registerAll(control);
        new ConntrackCommands(daemon, datapath::presentName).registerAll(control);
        new OffloadCommands(
                        daemon.dispatcher(), daemon.tracker(), daemon.clock(), daemon.monitor(), datapath::presentName)
                .registerAll(control);
        control.registerLater(
                "conntrack/offload-rescan",
                "",
                0,
                0,
                arguments ->
                        daemon.reconciler().rescanProviders().thenApply(found -> CommandReply.ok(found.toString())));
        new FragmentCommands(daemon.datapath().fragments(), datapath::presentName).registerAll(control);
        new BridgeCommands(daemon).registerAll(control);
        new LogCommands().registerAll(control);
        if (daemon.config().dummies() != Dummies.NONE) {
            control.register("time/stop", "", 0, 0, arguments -> stopTime());
            control.register("time/warp", "[large_msecs] msecs", 1, 2, this::warpTime);
            new DummyCommands(daemon).registerAll(control);
        }
    }

    /** The reply is on its way before the end begins. */
    private CommandReply exit(List<String> arguments) {
        if (!arguments.isEmpty() && !arguments.getFirst().equals("--cleanup")) {
            return CommandReply.error("unknown option " + arguments.getFirst());
        }
        Thread.ofPlatform().daemon().name("exit").start(() -> {
            try {
                TimeUnit.MILLISECONDS.sleep(EXIT_DELAY_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            onExit.run();
        });
        return CommandReply.ok();
    }

    private CommandReply memory() {
        long heapKib =
                (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) >> 10;
        long rules = daemon.pipeline().bridges().stream()
                .flatMap(bridge -> bridge.tables().stream())
                .mapToLong(table -> table.activeCount())
                .sum();
        return CommandReply.ok("connections:%d flows:%d handlers:%d heap-kB:%d ports:%d rules:%d"
                .formatted(
                        daemon.tracker().connectionCount(),
                        daemon.datapath().statistics().flows(),
                        daemon.config().forwardingThreads(),
                        heapKib,
                        daemon.datapath().ports().size(),
                        rules));
    }

    private CommandReply stopTime() {
        daemon.clock().stop();
        return CommandReply.ok();
    }

    /** One number: so far at once. Two: as far as the first says, in steps of the second. */
    private CommandReply warpTime(List<String> arguments) {
        for (String argument : arguments) {
            if (!argument.matches("[1-9][0-9]{0,14}")) {
                return CommandReply.error("invalid MSECS");
            }
        }
        long distanceMs = Long.parseLong(arguments.getFirst());
        long stepMs = arguments.size() > 1 ? Long.parseLong(arguments.get(1)) : Math.min(distanceMs, WARP_STEP_MS);
        daemon.housekeeping().warp(Duration.ofMillis(distanceMs), Duration.ofMillis(stepMs));
        return CommandReply.ok("warped");
    }
}
