package io.turnstile.appctl;

import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.time.WarpableClock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** {@code time/…}: time by hand, for test suites. */
final class TimeCommands {
    private static final long DEFAULT_STEP_MS = 1000;

    private final WarpableClock clock;
    private final CommandContext.TimeWarp warp;

    TimeCommands(WarpableClock clock, CommandContext.TimeWarp warp) {
        this.clock = clock;
        this.warp = warp;
    }

    List<Command> commands() {
        return List.of(
                Command.of("time/stop", "", 0, 0, arguments -> stop()),
                Command.later("time/warp", "[large_msecs] msecs", 1, 2, this::warp));
    }

    private CommandReply stop() {
        clock.stop();
        return CommandReply.ok();
    }

    /** Moves time. One number says how far, in steps of a second at most; of two the second is the step. */
    private CompletableFuture<CommandReply> warp(List<String> arguments) {
        for (String argument : arguments) {
            if (!argument.matches("[1-9][0-9]{0,14}")) {
                return CompletableFuture.completedFuture(CommandReply.error("invalid MSECS"));
            }
        }
        long distanceMs = Long.parseLong(arguments.getFirst());
        long stepMs = arguments.size() > 1 ? Long.parseLong(arguments.get(1)) : Math.min(distanceMs, DEFAULT_STEP_MS);
        CompletableFuture<Void> warping = warp.warp(Duration.ofMillis(distanceMs), Duration.ofMillis(stepMs));
        CompletableFuture<CommandReply> reply = warping.thenApply(done -> CommandReply.ok("warped"));
        reply.whenComplete((done, failure) -> warping.cancel(false)); // the asker may have left
        return reply;
    }
}
