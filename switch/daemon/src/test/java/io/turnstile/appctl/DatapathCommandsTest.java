package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.bridge.BridgeView;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.DatapathPort;
import io.turnstile.datapath.FlowMatchParser;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.datapath.SampledWalk;
import io.turnstile.datapath.WalkWatcher;
import io.turnstile.offload.PathBook;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.port.DummyPort;
import io.turnstile.telemetry.FakePaths;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two datapath flows, of which the one for 10.0.0.1 is somebody else's to carry. */
class DatapathCommandsTest {
    private static final String HEAD = "flow-dump from the main thread:";

    private final ManualClock clock = new ManualClock(0, 0);
    private final Datapath datapath = new Datapath(new ConnectionTracker(clock, 16), clock);
    private final Pipeline pipeline = new Pipeline(datapath, clock, Runnable::run);
    private final FakePaths paths = new FakePaths();
    private final DatapathCommands commands = new DatapathCommands(
            datapath, clock, this::views, new DatapathName(this::views), paths, () -> List.of("ebpf"));

    private List<BridgeView> views() {
        return pipeline.bridges().stream()
                .map(bridge -> new BridgeView(bridge, false, List.of()))
                .toList();
    }

    /** Follows the flows of packets from 10.0.0.1. */
    private static final class Follower implements WalkWatcher {
        @Override
        public boolean isWatching() {
            return false;
        }

        @Override
        public boolean claims(long connectionId, boolean reply) {
            return false;
        }

        @Override
        public void walked(SampledWalk walk) {}

        @Override
        public boolean isFollowed(DatapathFlow flow) {
            return DatapathFlowText.line(flow, 0).contains("src=10.0.0.1");
        }

        @Override
        public void flowsKilled(Collection<DatapathFlow> flows) {}

        @Override
        public void waysChanged() {}

        @Override
        public void portRemoved(DatapathPort port) {}

        @Override
        public void awaitGone() {}
    }

    @BeforeEach
    void makeFlows() throws Exception {
        datapath.setWalkWatcher(new Follower());
        BridgePipeline bridge = pipeline.addBridge("br0", 1);
        int number = datapath.addPort(new DummyPort("p1", "dummy", Map.of(), clock::nowNs), 1);
        bridge.addPort(new OfPort(1, number, "p1", 0, 0, 0, null, 0));
        bridge.apply(
                FlowText.parseFlowMod(FlowMod.Command.ADD, "ip,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],IN_PORT"));
        ForwardingContext context = datapath.newContext();
        PacketBatch batch = new PacketBatch();
        for (String source : List.of("10.0.0.1", "10.0.0.2")) {
            batch.clear();
            batch.add(Frames.udp(source + ":1 > 192.0.2.1:53").packet());
            batch.get(0).setInPort(number);
            datapath.process(batch, context);
        }
        datapath.retire(context);
    }

    private CommandReply run(String name, String... words) {
        Command command = commands.commands().stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElseThrow();
        return command.handler().apply(List.of(words)).join().whole();
    }

    private List<String> dump(String... words) {
        List<String> lines = run("dpctl/dump-flows", words).text().lines().toList();
        assertThat(lines).first().isEqualTo(HEAD);
        return lines.subList(1, lines.size());
    }

    @Test
    void flowsAreShownByWhoCarriesThem() {
        assertThat(dump()).hasSize(2);
        assertThat(dump("type=all")).hasSize(2);
        assertThat(dump("type=offloaded")).singleElement().asString().contains("src=10.0.0.1");
        assertThat(dump("netdev@ovs-netdev", "type=non-offloaded"))
                .singleElement()
                .asString()
                .contains("src=10.0.0.2");
        assertThat(dump("type=partially-offloaded")).isEmpty();
    }

    @Test
    void flowsStandInTheOrderOfTheirComing() throws Exception {
        for (int last = 9; last > 2; last--) {
            clock.advance(Duration.ofMillis(1));
            datapath.putFlow(
                    FlowMatchParser.parseMatch("in_port(1),eth_type(0x0800),ipv4(src=10.0.0." + last + ")", name -> -1),
                    new DatapathAction[0],
                    true,
                    false);
        }
        assertThat(dump("filter=ip"))
                .extracting(line -> line.replaceAll(".*src=10.0.0.(\\d).*", "$1"))
                .endsWith("9", "8", "7", "6", "5", "4", "3");
    }

    @Test
    void verboseLinesNameTheLayer() {
        assertThat(dump("-m", "type=offloaded"))
                .singleElement()
                .asString()
                .contains(", offloaded:yes, dp:ebpf, actions:");
        assertThat(dump("-m", "type=ovs"))
                .singleElement()
                .asString()
                .contains(", dp:ovs, actions:")
                .doesNotContain("offloaded");
        assertThat(dump("type=offloaded").getFirst()).doesNotContain("dp:");
    }

    @Test
    void anUnknownTypeIsRefusedAsInOpenVswitch() {
        assertThat(run("dpctl/dump-flows", "type=hw")).isEqualTo(DpctlLine.invalid("Failed to parse type (hw)"));
    }

    @Test
    void theTotalsStandInOpenVswitchsForm() {
        paths.totals = new PathBook.Totals(3, 100, 6_400_000);
        assertThat(run("dpctl/offload-stats-show").text()).isEqualTo("""
            HW Offload stats:
              Total:
                Inserted offloads:      3
                Carried packets:    100
                Carried bytes: 6400000
            """);
    }

    @Test
    void aFilterPassesWhatIsNotOtherwise() {
        assertThat(dump("filter=ip,nw_src=10.0.0.1")).singleElement().asString().contains("src=10.0.0.1");
        assertThat(dump("filter=in_port=p1")).hasSize(2);
        assertThat(dump("filter=udp,tp_dst=9")).as("which no flow looks at").hasSize(2);
        assertThat(run("dpctl/dump-flows", "filter=arp").text()).isEmpty();
        assertThat(run("dpctl/dump-flows", "filter=nothing=1").text()).contains("Failed to parse filter (");
    }

    @Test
    void aFlowIsFoundByItsUniqueId() {
        DatapathFlow flow = datapath.flows().getFirst();
        assertThat(run("dpctl/get-flow", "ufid:" + flow.uniqueId()).text())
                .isEqualTo(DatapathFlowText.line(flow, clock.nowNs()) + "\n");
        assertThat(run("dpctl/get-flow", "ufid:" + new UUID(1, 2)).text())
                .isEqualTo("ovs-vswitchd: getting flow (No such file or directory)");
        assertThat(run("dpctl/get-flow", "none").text()).contains("parsing flow ufid");
    }
}
