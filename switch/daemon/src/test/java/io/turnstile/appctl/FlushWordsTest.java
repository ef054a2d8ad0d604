package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.time.ManualClock;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How many words a flush takes: as many as in Open vSwitch, and what Open vSwitch does not have beside them. */
class FlushWordsTest {
    private static final String TUPLE = "ct_nw_src=10.1.1.1";

    private final ManualClock clock = new ManualClock(0, 0);
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 16);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final Command flush = new ConntrackCommands(
                    tracker, dispatcher, dispatcher.paths(), clock, () -> "netdev@ovs-netdev")
            .commands().stream()
                    .filter(command -> command.name().equals("dpctl/flush-conntrack"))
                    .findAny()
                    .orElseThrow();

    @AfterEach
    void close() {
        dispatcher.close();
    }

    private CommandReply reply(String... words) {
        assertThat(words).hasSizeLessThanOrEqualTo(flush.maxArguments());
        return flush.handler().apply(List.of(words)).join().whole();
    }

    @Test
    void aSeventhWordIsOneTooMany() {
        assertThat(reply("zone=1", "mark=1", "labels=1", TUPLE, TUPLE, "invalid", "invalid"))
                .isEqualTo(CommandReply.error("\"dpctl/flush-conntrack\" command takes at most 6 arguments"));
        assertThat(reply("netdev@ovs-netdev", "zone=1", "mark=1", "labels=1", TUPLE, TUPLE, "invalid"))
                .isEqualTo(CommandReply.error("\"dpctl/flush-conntrack\" command takes at most 6 arguments"));
    }

    @Test
    void whatOpenVSwitchDoesNotHaveIsNotCounted() {
        String limit = "limit=5";
        String state = "state=established";
        CommandReply found =
                reply("--dry-run", "netdev@ovs-netdev", limit, state, "zone=1", "mark=1", "labels=1", TUPLE, TUPLE);
        assertThat(found.isError()).as(found.text()).isFalse();
    }

    @Test
    void aSixthWordThatMeansNothingIsInvalid() {
        assertThat(reply("zone=1", "mark=1", "labels=1", TUPLE, TUPLE, "invalid")
                        .text())
                .isEqualTo("ovs-vswitchd: invalid arguments (Invalid argument)");
    }
}
