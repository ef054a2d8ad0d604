package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PathBook;
import io.turnstile.offload.PathBook.DirectionState;
import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.provider.dummy.DummyProvider;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import io.turnstile.telemetry.FakePaths;
import io.turnstile.telemetry.OffloadMonitor;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What {@code conntrack/offload-why} answers, line by line. */
class OffloadCommandsTest {
    private static final String DATAPATH = "dummy@ovs-dummy";
    private static final CommandReply NOTHING =
            CommandReply.error("ovs-vswitchd: no connection matches (No such file or directory)");
    private static final String FIRST = "udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1,dport=53),"
            + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=53,dport=1)";

    private final ManualClock clock = new ManualClock(0, 0);
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 1000);
    private final DummyProvider alpha = new DummyProvider("alpha", 200, 10);
    private final DummyProvider beta = new DummyProvider("beta", 100, 10);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final FakePaths paths = new FakePaths();
    private List<String> pluginFaults = List.of();
    private final OffloadMonitor monitor = new OffloadMonitor(dispatcher, clock);
    private final OffloadCommands commands = new OffloadCommands(
            dispatcher, paths, tracker, clock, monitor, CompletableFuture::new, () -> pluginFaults, () -> DATAPATH);

    @AfterEach
    void close() {
        monitor.close();
        dispatcher.close();
    }

    private void commit(int zone, String... packets) {
        for (String packet : packets) {
            PacketBatch batch = new PacketBatch();
            batch.add(Frames.udp(packet).packet());
            tracker.track(batch, CtRequest.commit(zone), clock.nowNs());
        }
        dispatcher.drain();
    }

    private void turnOn() {
        beta.answerCanOffload(connection -> new Verdict.Decline("only TCP"));
        dispatcher.enable(List.of(alpha, beta));
    }

    private CommandReply why(String... words) {
        return DpctlLine.run(List.of(words), commands::why).whole();
    }

    @Test
    void showSaysWhatIsCarriedIfSomebodyCarries() {
        Command show = commands.commands().getFirst();
        paths.asked = false;
        String before = show.handler().apply(List.of()).join().text();
        paths.asked = true;
        paths.totals = new PathBook.Totals(3, 100, 6400);
        for (List<String> arguments : List.of(List.<String>of(), List.of("-m"))) {
            assertThat(show.handler().apply(arguments).join().whole().text())
                    .isEqualTo(before + "paths: 3 directions carried, 100 packets, 6400 bytes so far\n");
        }
    }

    @Test
    void whyShowsForEachDirectionWhoCarriesItOrWhyNobodyDoes() {
        turnOn();
        commit(0, "10.0.0.1:1 > 10.0.0.2:53");
        paths.states = List.of(
                new DirectionState(Direction.ORIGINAL, "carried", "alpha", "", "original p1(1) src=10.0.0.1 -> p2(2)"),
                new DirectionState(Direction.REPLY, "not carried", "", "more than\none output", ""));
        assertThat(why("ct_nw_src=10.0.0.1").text()).isEqualTo(FIRST + """

              held by alpha, not yet established
              declined by beta: only TCP
              original carried by alpha: p1(1) src=10.0.0.1 -> p2(2)
              reply not carried: more than one output
            """);
        paths.states = List.of(
                new DirectionState(Direction.ORIGINAL, "offered", "alpha", "", ""),
                new DirectionState(Direction.REPLY, "wanted", "", "", ""));
        assertThat(why("ct_nw_src=10.0.0.1").text()).endsWith("\n  original offered to alpha\n  reply wanted\n");
    }

    @Test
    void theDumpHasAColumnOfDirections() {
        commit(0, "10.0.0.1:1 > 10.0.0.2:53");
        paths.states = List.of(
                new DirectionState(Direction.ORIGINAL, "carried", "alpha", "", "original p1(1) -> p2(2)"),
                new DirectionState(Direction.REPLY, "not carried", "", "meter", ""));
        assertThat(dump("-m")).endsWith(",carried=(original:alpha,reply:no(meter))\n");
        assertThat(dump("-m", "-f", "json"))
                .endsWith(",\"carried\":[{\"direction\":\"original\",\"state\":\"carried\",\"provider\":\"alpha\","
                        + "\"path\":\"original p1(1) -> p2(2)\"},"
                        + "{\"direction\":\"reply\",\"state\":\"not carried\",\"reason\":\"meter\"}]}\n");
        assertThat(dump()).doesNotContain("carried");
        paths.states = List.of();
        assertThat(dump("-m")).doesNotContain("carried");
    }

    private String dump(String... words) {
        return new ConntrackCommands(tracker, dispatcher, paths, clock, () -> DATAPATH)
                .commands()
                .getFirst()
                .handler()
                .apply(List.of(words))
                .join()
                .whole()
                .text();
    }

    @Test
    void showEndsWithThePluginsThatCannotBeUsed() {
        Command show = commands.commands().getFirst();
        String before = show.handler().apply(List.of()).join().text();
        pluginFaults = List.of("a.jar: is no jar: zip file is empty", "b.jar: acme.Card is not in it");
        for (List<String> arguments : List.of(List.<String>of(), List.of("-m"))) {
            assertThat(show.handler().apply(arguments).join().whole().text()).isEqualTo(before + """
                plug-ins left out:
                  a.jar: is no jar: zip file is empty
                  b.jar: acme.Card is not in it
                """);
        }
    }

    @Test
    void eachProviderHasALineBelowTheConnection() {
        turnOn();
        commit(0, "10.0.0.1:1 > 10.0.0.2:53");
        assertThat(why("ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=1,ct_tp_dst=53"))
                .isEqualTo(CommandReply.ok(FIRST + """

                      held by alpha, not yet established
                      declined by beta: only TCP
                    """));
    }

    @Test
    void partOfATupleIsEnoughInEitherDirectionAndInAnyZone() {
        turnOn();
        commit(3, "10.0.0.1:1 > 10.0.0.2:53", "10.0.0.9:1 > 10.0.0.8:53");
        String first = FIRST + ",zone=3\n  held by alpha, not yet established\n  declined by beta: only TCP\n";
        for (String tuple : List.of(
                "ct_nw_src=10.0.0.1",
                "ct_nw_dst=10.0.0.1",
                "ct_nw_src=10.0.0.2,ct_nw_proto=17,ct_tp_src=53",
                "ct_nw_src=10.0.0.2,ct_nw_dst=10.0.0.1,ct_nw_proto=17,ct_tp_src=53,ct_tp_dst=1")) {
            assertThat(why(tuple)).as(tuple).isEqualTo(CommandReply.ok(first));
            assertThat(why(DATAPATH, "zone=3", tuple)).as(tuple).isEqualTo(CommandReply.ok(first));
            assertThat(why("zone=4", tuple)).as(tuple).isEqualTo(NOTHING);
        }
        assertThat(why("ct_nw_proto=17").text().lines().filter(line -> line.startsWith("udp")))
                .hasSize(2);
        assertThat(why("ct_nw_src=10.0.0.1,ct_nw_proto=6")).isEqualTo(NOTHING);
    }

    @Test
    void aHundredConnectionsAreShownAndTheOthersCounted() {
        turnOn();
        for (int port = 1; port <= 103; port++) {
            commit(0, "10.0.0.1:" + port + " > 10.0.0.2:53");
        }
        List<String> lines =
                new ArrayList<>(why("ct_nw_src=10.0.0.1").text().lines().toList());
        assertThat(lines.removeLast()).isEqualTo("and 3 more connections");
        assertThat(lines.stream().filter(line -> line.startsWith("udp,"))).hasSize(100);
    }

    @Test
    void offIsSaidAndBadFiltersAreRefusedAsForAFlush() {
        commit(0, "10.0.0.1:1 > 10.0.0.2:53");
        assertThat(why("ct_nw_src=10.0.0.1")).isEqualTo(CommandReply.ok("hw-offload is disabled"));
        turnOn();
        assertThat(why("ct_nw_src=10.0.0")).isEqualTo(DpctlLine.invalid("failed to parse field ct_nw_src"));
        assertThat(why("foo=1")).isEqualTo(DpctlLine.invalid("invalid conntrack tuple field: foo"));
        assertThat(why("zone=x")).isEqualTo(DpctlLine.invalid("failed to parse zone"));
        assertThat(why(DATAPATH)).isEqualTo(DpctlLine.invalid("too few arguments"));
    }
}
