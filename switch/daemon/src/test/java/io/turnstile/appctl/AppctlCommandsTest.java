package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.control.Command;
import io.turnstile.datapath.Datapath;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.telemetry.OffloadMonitor;
import io.turnstile.time.ManualClock;
import io.turnstile.time.WarpableClock;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The rows of all commands. */
class AppctlCommandsTest {
    private static final CommandContext.FlowRounds NO_ROUNDS = new CommandContext.FlowRounds() {
        @Override
        public CompletableFuture<Void> next() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void setPaused(boolean paused) {}
    };
    private static final LogControl NO_LOG = new LogControl() {
        @Override
        public boolean setBounded(String module, boolean bounded) {
            return true;
        }

        @Override
        public void close() {}

        @Override
        public String set(String spec) {
            return null;
        }

        @Override
        public String list() {
            return "";
        }

        @Override
        public String reopen() {
            return null;
        }
    };

    private final WarpableClock clock = new WarpableClock(new ManualClock(0, 0));
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 16);
    private final Datapath datapath = new Datapath(tracker, clock);
    private final OffloadDispatcher offload =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final OffloadMonitor monitor = new OffloadMonitor(offload, clock);

    @AfterEach
    void close() {
        monitor.close();
        offload.close();
    }

    private List<Command> commands(boolean dummies) {
        return AppctlCommands.all(new CommandContext(
                datapath,
                new Pipeline(datapath, clock, Runnable::run),
                tracker,
                offload,
                offload.paths(),
                monitor,
                clock,
                List::of,
                () -> {},
                CompletableFuture::new,
                List::of,
                new Coverage(datapath, tracker, List.of()),
                (distance, step) -> CompletableFuture.completedFuture(null),
                NO_ROUNDS,
                NO_LOG,
                1,
                dummies,
                () -> {}));
    }

    @Test
    void everyCommandHasOneRow() {
        assertThat(commands(true)).extracting(Command::name).isNotEmpty().doesNotHaveDuplicates();
    }

    @Test
    void usageAndNumberOfArgumentsGoTogether() {
        for (Command command : commands(true)) {
            assertThat(command.minArguments()).as(command.name()).isLessThanOrEqualTo(command.maxArguments());
            assertThat(command.usage().isEmpty()).as(command.name()).isEqualTo(command.maxArguments() == 0);
        }
    }

    @Test
    void commandsForTestSuitesAreThereOnRequestOnly() {
        assertThat(commands(false))
                .extracting(Command::name)
                .noneMatch(name -> name.startsWith("time/") || name.startsWith("netdev-dummy/"));
        assertThat(commands(true))
                .extracting(Command::name)
                .contains("time/stop", "time/warp", "netdev-dummy/receive", "netdev-dummy/set-admin-state");
    }
}
