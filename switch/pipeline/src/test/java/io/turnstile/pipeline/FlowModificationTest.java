package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.dns;
import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.turnstile.packet.Frames;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Adding, modifying and deleting flows, alone and in bundles (OpenFlow 1.3.5 §6.4). */
class FlowModificationTest {
    private final PipelineBench bench = new PipelineBench(3);

    @Test
    void changedFlowForwardsNothingTheOldWay() {
        bench.flows("in_port=1,actions=output:2");
        bench.receive(1, udp().bytes());
        bench.flows("in_port=1,actions=output:3");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("3");
        bench.flows("priority=40000,udp,actions=output:2");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
        bench.change(bench.br0, FlowMod.Command.DELETE, "udp");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("3");
        bench.change(bench.br0, FlowMod.Command.MODIFY, "actions=drop");
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
    }

    @Test
    void flowThatCannotMatterLeavesDatapathFlowsAlone() {
        bench.flows("priority=5,in_port=1,udp,actions=output:2");
        bench.receive(1, udp().bytes());
        bench.flows(
                "priority=4,in_port=1,actions=drop",
                "priority=6,in_port=1,tcp,actions=drop",
                "table=9,actions=drop",
                "priority=9,in_port=2,actions=drop");
        bench.receive(1, udp().bytes());
        assertThat(bench.datapath.statistics().misses()).isEqualTo(1);
        bench.flows("priority=6,in_port=1,udp,tp_dst=2000,actions=drop");
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
    }

    @Test
    void bundleWithABadActionChangesNothing() {
        bench.flows("in_port=1,actions=output:2");
        List<FlowMod> changes = List.of(
                PipelineBench.parse(FlowMod.Command.DELETE, ""),
                PipelineBench.parse(FlowMod.Command.ADD, "in_port=1,actions=output:3"),
                PipelineBench.parse(FlowMod.Command.ADD, "table=5,actions=goto_table:5"));
        OpenFlowSwitch.BundleException refused =
                catchThrowableOfType(OpenFlowSwitch.BundleException.class, () -> bench.br0.applyAll(changes));
        assertThat(refused.index()).isEqualTo(2);
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
        assertThat(bench.allFlows()).hasSize(1);
    }

    @Test
    void bundleIsAllOrNothing() throws Exception {
        EventRecorder recorder = new EventRecorder();
        bench.br0.subscribe(recorder);
        bench.flows("cookie=1,send_flow_rem,udp,actions=output:2");
        bench.receive(1, dns().bytes());
        List<OpenFlowSwitch.FlowStats> before = bench.allFlows();
        List<FlowMod> bundle = List.of(
                PipelineBench.parse(FlowMod.Command.DELETE, "udp"),
                PipelineBench.parse(FlowMod.Command.ADD, "arp,actions=output:3"),
                PipelineBench.parse(FlowMod.Command.ADD, "check_overlap,arp,arp_op=1,actions=output:3"));
        assertThatThrownBy(() -> bench.br0.applyAll(bundle))
                .isInstanceOf(OpenFlowSwitch.BundleException.class)
                .satisfies(e ->
                        assertThat(((OpenFlowSwitch.BundleException) e).index()).isEqualTo(2));
        assertThat(bench.allFlows()).isEqualTo(before);
        assertThat(recorder.events)
                .as("nothing was removed, so nothing is reported")
                .isEmpty();
        assertThat(bench.receive(1, dns().bytes())).containsExactly("2");
        bench.br0.applyAll(bundle.subList(0, 2));
        assertThat(bench.allFlows())
                .singleElement()
                .satisfies(flow -> assertThat(FlowText.format(flow.match())).contains("arp"));
        assertThat(recorder.events).hasSize(1);
    }

    @Test
    void overlapIsRefusedOnlyWhereAsked() throws Exception {
        bench.flows("priority=5,ip,actions=output:2");
        FlowMod overlapping = PipelineBench.parse(FlowMod.Command.ADD, "check_overlap,priority=5,udp,actions=output:3");
        assertThatThrownBy(() -> bench.br0.apply(overlapping)).hasMessageContaining("overlap");
        bench.flows("check_overlap,priority=6,udp,actions=output:3", "priority=5,udp,actions=output:3");
        assertThat(bench.allFlows()).hasSize(3);
    }

    @Test
    void modifyKeepsCountersAndAddReplacesThem() throws Exception {
        bench.flows("cookie=1,in_port=1,actions=output:2");
        bench.receive(1, udp().bytes());
        bench.change(bench.br0, FlowMod.Command.MODIFY_STRICT, "in_port=1,actions=output:3");
        assertThat(bench.packetCount("")).isEqualTo(1);
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::cookie)
                .containsExactly(1L);
        bench.flows("in_port=1,reset_counts,actions=output:3");
        assertThat(bench.packetCount("")).isZero();
    }

    @Test
    void samePriorityAndMatchReplacesAndKeepsCounting() {
        bench.flows("udp,actions=output:2");
        assertThat(bench.receive(1, dns().bytes())).containsExactly("2");
        bench.flows("udp,actions=output:3");
        assertThat(bench.receive(1, dns().bytes())).containsExactly("3");
        assertThat(bench.allFlows())
                .singleElement()
                .satisfies(flow -> assertThat(flow.packetCount()).isEqualTo(2));
        bench.flows("reset_counts,udp,actions=output:1");
        assertThat(bench.allFlows())
                .singleElement()
                .satisfies(flow -> assertThat(flow.packetCount()).isZero());
    }

    @Test
    void modifyOfNothingAddsOnlyForOldProtocols() throws Exception {
        FlowMod modify = PipelineBench.parse(FlowMod.Command.MODIFY, "table=7,in_port=1,actions=drop");
        bench.br0.apply(modify);
        assertThat(bench.allFlows()).isEmpty();
        bench.br0.apply(new FlowMod(
                modify.command(),
                7,
                modify.priority(),
                modify.match(),
                0,
                0,
                5,
                0,
                0,
                0,
                modify.outPort(),
                Set.of(),
                modify.actions()));
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::cookie)
                .containsExactly(5L);
    }

    @Test
    void deleteSelectsByCookieOutputAndTable() {
        bench.flows(
                "cookie=0x11,in_port=1,actions=output:2",
                "cookie=0x12,in_port=2,actions=output:3",
                "table=1,cookie=0x11,in_port=1,actions=output:3");
        bench.change(bench.br0, FlowMod.Command.DELETE, "cookie=0x12/0xff");
        assertThat(bench.allFlows()).hasSize(2);
        bench.change(bench.br0, FlowMod.Command.DELETE, "out_port=3");
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::tableId)
                .containsExactly(0);
        bench.change(bench.br0, FlowMod.Command.DELETE_STRICT, "priority=7,in_port=1");
        assertThat(bench.allFlows()).hasSize(1);
    }

    @Test
    void cookiesSelectFlowsByBits() {
        bench.flows(
                "cookie=0x11,udp,actions=output:2",
                "cookie=0x12,tcp,actions=output:2",
                "cookie=0x21,arp,actions=output:2");
        bench.change(bench.br0, FlowMod.Command.DELETE, "cookie=0x10/0xf0");
        assertThat(bench.allFlows())
                .singleElement()
                .satisfies(flow -> assertThat(flow.cookie()).isEqualTo(0x21));
    }

    /** A frame whose datapath flow is its own: the flows look at its source's port. */
    private static byte[] from(int port) {
        return Frames.udp("10.0.0.1:" + port + " > 10.0.0.2:53").bytes();
    }

    @Test
    void moreAdditionsThanCanBeComparedWithDatapathFlowsDropAllThatMightBeConcerned() throws Exception {
        int flows = 1_000;
        int additions = (int) (FlowModification.MAX_COMPARISONS / flows) + 1;
        bench.flows("priority=0,actions=output:2");
        for (int i = 1; i <= 5; i++) {
            bench.flows("priority=1,udp,tp_src=" + i + ",actions=drop");
        }
        bench.datapath.setFlowLimit(2 * flows);
        for (int port = 1; port <= flows; port++) {
            bench.receive(1, from(10_000 + port));
        }
        assertThat(bench.datapath.flows()).hasSize(flows);
        List<FlowMod> bundle = IntStream.range(0, additions)
                .mapToObj(i -> PipelineBench.parse(
                        FlowMod.Command.ADD, "priority=40000,udp,tp_src=" + (10_001 + i) + ",actions=output:3"))
                .toList();
        bench.br0.applyAll(bundle.subList(0, 2));
        assertThat(bench.datapath.flows()).as("few are compared").hasSize(flows - 2);
        bench.br0.applyAll(bundle.subList(2, additions));
        for (int port = 1; port <= flows; port++) {
            assertThat(bench.receive(1, from(10_000 + port))).containsExactly(port <= additions ? "3" : "2");
        }
        assertThat(bench.datapath.flows()).hasSize(flows);
    }

    @Test
    void aFlowOfABundleThatTheBundleTakesAwayAgainLeavesNothing() throws Exception {
        bench.flows("cookie=1,in_port=1,actions=output:2");
        bench.br0.applyAll(List.of(
                PipelineBench.parse(FlowMod.Command.ADD, "udp,priority=9,actions=output:3"),
                PipelineBench.parse(FlowMod.Command.MODIFY, "udp,actions=drop"),
                PipelineBench.parse(FlowMod.Command.DELETE, "udp"),
                PipelineBench.parse(FlowMod.Command.DELETE, "in_port=1"),
                PipelineBench.parse(FlowMod.Command.ADD, "cookie=2,in_port=1,actions=output:3")));
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::cookie)
                .containsExactly(2L);
        assertThat(bench.br0.tables().getFirst().activeCount()).isEqualTo(1);
        assertThat(bench.receive(1, udp().bytes())).containsExactly("3");
    }

    @Test
    void under11FlowsKeepTheirCookiesAndWhatIsAddedGetsIt() throws Exception {
        bench.flows("in_port=1,cookie=0x1,actions=output:2");
        bench.br0.apply(withCookie("in_port=1,actions=output:3", 2));
        bench.br0.apply(withCookie("in_port=2,actions=output:3", 2));
        assertThat(bench.allFlows()).extracting(flow -> flow.cookie()).containsExactlyInAnyOrder(1L, 2L);
    }

    private static FlowMod withCookie(String flow, long cookie) {
        FlowMod said = PipelineBench.parse(FlowMod.Command.MODIFY, flow);
        return new FlowMod(
                said.command(),
                said.tableId(),
                said.priority(),
                said.match(),
                0,
                0,
                cookie,
                0,
                0,
                0,
                said.outPort(),
                said.outGroup(),
                said.flags(),
                said.actions(),
                true);
    }

    @Test
    void sinceWhenAFlowIsAsItIsIsToldBesideItsAge() {
        bench.flows("in_port=1,actions=drop");
        bench.pass(Duration.ofSeconds(5));
        bench.change(bench.br0, FlowMod.Command.MODIFY, "in_port=1,actions=output:2");
        bench.pass(Duration.ofSeconds(2));
        assertThat(bench.allFlows()).singleElement().satisfies(flow -> {
            assertThat(flow.durationNs()).isEqualTo(Duration.ofSeconds(7).toNanos());
            assertThat(flow.hardAgeNs()).isEqualTo(Duration.ofSeconds(2).toNanos());
        });
    }
}
