package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.FieldSelection;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Tables with a limit: flows that are refused, flows that go for others, and who hears how full a table is. */
class TableOverflowTest {
    private final PipelineBench bench = new PipelineBench(8);
    private final List<String> told = new ArrayList<>();

    private TableOverflowTest() {
        bench.br0.subscribe(new EventRecorder() {
            @Override
            public void tableStatus(OpenFlowSwitch.TableDescription table, TableStatusReason reason) {
                told.add(reason + " " + table.vacancyPercent());
            }

            @Override
            public void flowRemoved(OpenFlowSwitch.FlowStats flow, FlowRemovedReason reason) {
                told.add(flow.match().value(Field.IN_PORT) + " " + reason);
            }
        });
    }

    private void configure(long limit, boolean evicts, String... groups) {
        List<FieldSelection> fields = Arrays.stream(groups)
                .map(text -> {
                    try {
                        return FieldSelection.parse(text);
                    } catch (FlowTextException e) {
                        throw new AssertionError(e);
                    }
                })
                .toList();
        bench.br0.configureTables(Map.of(0, new TableSettings("main", limit, evicts, fields)));
    }

    private List<Long> inPorts() {
        return bench.allFlows().stream()
                .map(flow -> flow.match().value(Field.IN_PORT))
                .sorted()
                .toList();
    }

    private OfErrorCode refusal(FlowMod.Command command, String flow) {
        OfException refused =
                catchThrowableOfType(OfException.class, () -> bench.br0.apply(PipelineBench.parse(command, flow)));
        return refused == null ? null : refused.code();
    }

    @Test
    void aFlowTooManyIsRefusedAndOneInThePlaceOfItsLikeIsNot() {
        configure(2, false);
        bench.flows("in_port=1,actions=drop", "in_port=2,actions=drop");
        assertThat(refusal(FlowMod.Command.ADD, "in_port=3,actions=drop")).isEqualTo(OfErrorCode.OFPFMFC_TABLE_FULL);
        assertThat(refusal(FlowMod.Command.ADD, "in_port=2,actions=output:1")).isNull();
        bench.flows("table=1,in_port=3,actions=drop");
        assertThat(bench.br0.tables().getFirst().maxEntries()).isEqualTo(2);
        assertThat(bench.br0.tables().getFirst().name()).isEqualTo("main");
        assertThat(bench.br0.tables().get(1).maxEntries()).isEqualTo(1_000_000);
    }

    /** As "eviction upon table overflow" in Open vSwitch's tests. */
    @Test
    void theFlowThatEndsSoonestGoesAndOneWithoutTimeoutNever() {
        configure(4, true);
        for (int port = 4; port >= 1; port--) {
            bench.flows("idle_timeout=" + port * 10 + ",in_port=" + port + ",send_flow_rem,actions=drop");
        }
        bench.flows("in_port=5,actions=drop");
        assertThat(inPorts()).containsExactly(2L, 3L, 4L, 5L);
        bench.flows("in_port=6,actions=drop", "in_port=4,actions=normal");
        bench.change(bench.br0, FlowMod.Command.MODIFY, "in_port=3,actions=output:1");
        assertThat(inPorts()).containsExactly(3L, 4L, 5L, 6L);
        bench.flows("in_port=7,actions=normal");
        assertThat(refusal(FlowMod.Command.ADD, "in_port=8,actions=drop")).isEqualTo(OfErrorCode.OFPFMFC_TABLE_FULL);
        assertThat(inPorts()).containsExactly(4L, 5L, 6L, 7L);
        assertThat(told).containsExactly("1 EVICTION", "2 EVICTION", "3 EVICTION");
    }

    /** As "… with modified idle timeout": packets that keep a flow alive are heard of. */
    @Test
    void aFlowThatPacketsKeepAliveStays() {
        configure(4, true);
        for (int port = 4; port >= 1; port--) {
            bench.flows("idle_timeout=" + (10 + port * 3) + ",in_port=" + port + ",actions=drop");
        }
        bench.pass(Duration.ofSeconds(5));
        bench.receive(1, udp().bytes());
        bench.pass(Duration.ofSeconds(2));
        bench.flows("in_port=5,actions=drop");
        assertThat(inPorts()).containsExactly(1L, 3L, 4L, 5L);
    }

    @Test
    void theLeastImportantFlowGoesFirstIfAControllerHasSaidSo() {
        configure(3, false);
        bench.br0.configureTable(0, new TableMod.Overflow(true, false, 0, 0));
        bench.flows(
                "importance=3,hard_timeout=1,in_port=1,actions=drop",
                "importance=1,hard_timeout=500,in_port=2,actions=drop",
                "importance=1,hard_timeout=400,in_port=3,actions=drop",
                "importance=9,hard_timeout=500,in_port=4,actions=drop");
        assertThat(inPorts()).containsExactly(1L, 2L, 4L);
        assertThat(bench.br0.tableDescriptions().getFirst().evicts()).isTrue();
        bench.br0.configureTable(0, new TableMod.Overflow(false, false, 0, 0));
        assertThat(refusal(FlowMod.Command.ADD, "in_port=5,actions=drop")).isEqualTo(OfErrorCode.OFPFMFC_TABLE_FULL);
    }

    /** As "… with fairness". */
    @Test
    void theLargestGroupLosesAFlow() {
        configure(4, true, "NXM_OF_IN_PORT[]");
        bench.flows(
                "idle_timeout=10,in_port=2,tcp,actions=drop",
                "idle_timeout=20,in_port=1,udp,actions=drop",
                "idle_timeout=30,in_port=1,tcp,actions=drop",
                "idle_timeout=40,in_port=1,icmp,actions=drop",
                "in_port=2,arp,actions=drop");
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::idleTimeoutSeconds)
                .containsExactlyInAnyOrder(10, 30, 40, 0);
        configure(2, true);
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::idleTimeoutSeconds)
                .containsExactlyInAnyOrder(40, 0);
    }

    @Test
    void aBundleThatFailsBringsBackWhatItEvicted() {
        configure(2, true);
        bench.flows("idle_timeout=10,in_port=1,actions=drop", "in_port=2,actions=drop");
        List<FlowMod> bundle = List.of(
                PipelineBench.parse(FlowMod.Command.ADD, "in_port=3,actions=drop"),
                PipelineBench.parse(FlowMod.Command.ADD, "in_port=4,actions=drop"));
        assertThat(catchThrowableOfType(OpenFlowSwitch.BundleException.class, () -> bench.br0.applyAll(bundle))
                        .index())
                .isEqualTo(1);
        assertThat(inPorts()).containsExactly(1L, 2L);
        assertThat(told).isEmpty();
        bench.flows("in_port=5,actions=drop"); // and it can be evicted again
        assertThat(inPorts()).containsExactly(2L, 5L);
    }

    @Test
    void vacancyIsToldOnceOnEitherWay() {
        configure(10, false);
        bench.br0.configureTable(0, new TableMod.Overflow(false, true, 20, 80));
        for (int i = 1; i <= 10; i++) {
            bench.flows("in_port=" + i + ",actions=drop");
        }
        assertThat(told).containsExactly("VACANCY_DOWN 10");
        for (int i = 10; i >= 1; i--) {
            bench.change(bench.br0, FlowMod.Command.DELETE, "in_port=" + i);
        }
        assertThat(told).containsExactly("VACANCY_DOWN 10", "VACANCY_UP 90");
    }

    @Test
    void aTableThatIsFullerThanTheUpperThresholdTellsWhenItEmpties() {
        configure(10, false);
        for (int i = 1; i <= 3; i++) {
            bench.flows("in_port=" + i + ",actions=drop");
        }
        bench.br0.configureTable(0, new TableMod.Overflow(false, true, 20, 80));
        for (int i = 4; i <= 10; i++) {
            bench.flows("in_port=" + i + ",actions=drop");
        }
        bench.change(bench.br0, FlowMod.Command.DELETE, "");
        assertThat(told).containsExactly("VACANCY_UP 100");
    }

    /** Against a list that is sorted anew each time. */
    @Test
    void whoGoesIsWhomASortedListWouldName() {
        Random random = new Random(20_260_101);
        configure(40, true, "NXM_OF_IN_PORT[0..1]");
        bench.pass(Duration.ofSeconds(1));
        for (int i = 0; i < 600; i++) {
            List<OpenFlowSwitch.FlowStats> before = bench.allFlows();
            int port = random.nextInt(1, 9);
            String flow = "in_port=%d,udp,tp_dst=%d,importance=%d,%s,actions=drop"
                    .formatted(
                            port,
                            i,
                            random.nextInt(3),
                            random.nextInt(4) == 0 ? "cookie=1" : "hard_timeout=" + random.nextInt(1000, 60000));
            bench.clock.advance(Duration.ofMillis(random.nextInt(1, 400)));
            OfErrorCode refused = refusal(FlowMod.Command.ADD, flow);
            if (before.size() < 40) {
                assertThat(refused).isNull();
                continue;
            }
            List<OpenFlowSwitch.FlowStats> mayGo = before.stream()
                    .filter(each -> each.hardTimeoutSeconds() != 0)
                    .toList();
            if (mayGo.isEmpty()) {
                assertThat(refused).isEqualTo(OfErrorCode.OFPFMFC_TABLE_FULL);
                continue;
            }
            List<OpenFlowSwitch.FlowStats> after = bench.allFlows();
            OpenFlowSwitch.FlowStats gone = mayGo.stream()
                    .filter(each ->
                            after.stream().noneMatch(left -> left.match().equals(each.match())))
                    .findFirst()
                    .orElseThrow();
            assertThat(after).hasSize(40);
            assertThat(gone.match()).isEqualTo(expected(mayGo).match());
            if (i % 7 == 0) {
                bench.change(bench.br0, FlowMod.Command.DELETE, "in_port=" + random.nextInt(1, 9));
            }
        }
    }

    private static OpenFlowSwitch.FlowStats expected(List<OpenFlowSwitch.FlowStats> mayGo) {
        Map<Long, Integer> sizes = new HashMap<>();
        mayGo.forEach(flow -> sizes.merge(group(flow), 1, Integer::sum));
        int largest = sizes.values().stream().max(Integer::compare).orElseThrow();
        return mayGo.stream()
                .filter(flow -> sizes.get(group(flow)) == largest)
                .min(Comparator.comparingInt(OpenFlowSwitch.FlowStats::importance)
                        .thenComparingLong(flow -> flow.hardTimeoutSeconds() * 1_000_000_000L - flow.durationNs()))
                .orElseThrow();
    }

    private static long group(OpenFlowSwitch.FlowStats flow) {
        return flow.match().value(Field.IN_PORT) & 3;
    }
}
