package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.bridge.BridgeView;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.port.DummyPort;
import io.turnstile.time.ManualClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Datapath flows by hand. */
class FlowEditCommandsTest {
    private static final String A = "in_port(1),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x1234)";
    private static final String B = A.replace(":02)", ":03)");
    private static final String SHOWN = "recirc_id(0)," + A + ", packets:0, bytes:0, used:never, actions:";

    private final ManualClock clock = new ManualClock(0, 0);
    private final Datapath datapath = new Datapath(new ConnectionTracker(clock, 16), clock);
    private final Pipeline pipeline = new Pipeline(datapath, clock, Runnable::run);
    private final FlowEditCommands commands = new FlowEditCommands(datapath, new DatapathName(this::views), clock);

    private List<BridgeView> views() {
        return pipeline.bridges().stream()
                .map(bridge -> new BridgeView(bridge, false, List.of()))
                .toList();
    }

    @BeforeEach
    void makeBridge() {
        pipeline.addBridge("br0", 1);
        datapath.addPort(new DummyPort("p7", "dummy", Map.of(), clock::nowNs), 7);
    }

    private CommandReply run(String name, String... words) {
        Command command = commands.commands().stream()
                .filter(each -> each.name().equals("dpctl/" + name))
                .findFirst()
                .orElseThrow();
        return command.handler().apply(List.of(words)).join();
    }

    private Stream<String> flows() {
        return datapath.flows().stream().map(flow -> DatapathFlowText.line(flow, clock.nowNs()));
    }

    private static void isRefused(CommandReply reply, String text) {
        assertThat(reply.isError()).isTrue();
        assertThat(reply.text()).isEqualTo(text);
    }

    @Test
    void aFlowIsAddedChangedAndDeleted() {
        assertThat(run("add-flow", A, "2,p7").isError()).isFalse();
        assertThat(flows()).containsExactly(SHOWN + "2,7");
        isRefused(run("add-flow", A, "3"), "ovs-vswitchd: updating flow table (File exists)");
        assertThat(run("mod-flow", "netdev@ovs-netdev", A, "3").isError()).isFalse();
        assertThat(flows()).containsExactly(SHOWN + "3");
        assertThat(run("del-flow", "-s", A).text()).isEqualTo("packets:0, bytes:0, used:never\n");
        assertThat(flows()).isEmpty();
    }

    @Test
    void whatIsNotThereIsNotChangedUnlessItMayBeMade() {
        isRefused(run("mod-flow", A, "3"), "ovs-vswitchd: updating flow table (No such file or directory)");
        isRefused(
                run("del-flow", A),
                "ovs-vswitchd: deleting flow (No such file or directory)\nPerhaps you need to specify a UFID?");
        assertThat(run("mod-flow", "--may-create", A, "3").isError()).isFalse();
        assertThat(flows()).containsExactly(SHOWN + "3");
    }

    @Test
    void aFlowIsDeletedByItsId() {
        run("add-flow", A, "2");
        String id = "ufid:" + datapath.flows().getFirst().uniqueId();
        assertThat(run("del-flow", id).isError()).isFalse();
        isRefused(run("del-flow", id), "ovs-vswitchd: deleting flow (No such file or directory)");
    }

    @Test
    void wrongWordsAreNamed() {
        isRefused(
                run("add-flow", "in_port(1),nothing(1)", "2"),
                "ovs-vswitchd: parsing flow key (syntax error at nothing(1)) (Invalid argument)");
        isRefused(run("add-flow", A, "nowhere"), "ovs-vswitchd: parsing actions (Invalid argument)");
        isRefused(run("add-flow", "eth_type(0x1234)", "2"), "ovs-vswitchd: updating flow table (Invalid argument)");
        isRefused(run("add-flow", "nosuch", A, "2"), "ovs-vswitchd: datapath not found (Invalid argument)");
        isRefused(run("add-flow", "a", "b", "c", "d"), "\"dpctl/add-flow\" command takes at most 3 arguments");
    }

    @Test
    void filesSayWhatToDoLineByLine(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("flows");
        Files.writeString(file, """
                # a comment, and an empty line

                %s 2
                add %s 2
                modify %s 3 # the first
                delete %s
                add nothing
                """.formatted(A, B, A, B));
        CommandReply reply = run("add-flows", file.toString());
        assertThat(reply.text()).isEqualTo("ovs-vswitchd: Failed parsing line number 7, skipped!\n");
        assertThat(flows()).containsExactly(SHOWN + "3");
        Files.writeString(file, A);
        assertThat(run("del-flows", file.toString()).text()).isEmpty();
        assertThat(flows()).isEmpty();
        isRefused(
                run("mod-flows", "/nosuch"),
                "ovs-vswitchd: Opening file \"/nosuch\" failed (No such file or directory)");
    }

    @Test
    void allFlowsAreDeleted() {
        run("add-flow", A, "2");
        run("add-flow", B, "2");
        assertThat(run("del-flows").isError()).isFalse();
        assertThat(flows()).isEmpty();
    }
}
