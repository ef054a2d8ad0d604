package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.dns;
import static io.turnstile.pipeline.SampleFrames.tcp;
import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.PacketInReason;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** The counters of flows, their timeouts, and the events that controllers are sent. */
class EventsAndTimeoutsTest {
    private final PipelineBench bench = new PipelineBench(3);

    @Test
    void countersAreExactWhenAsked() {
        bench.flows("actions=resubmit(,1),output:2", "table=1,udp,actions=drop");
        for (int i = 0; i < 5; i++) {
            bench.receive(1, udp().bytes());
        }
        bench.receive(1, tcp().bytes());
        assertThat(bench.packetCount("table=0")).isEqualTo(6);
        assertThat(bench.packetCount("table=1")).isEqualTo(5);
        assertThat(bench.br0.tables().get(1).lookupCount()).isEqualTo(6);
        assertThat(bench.br0.tables().get(1).matchedCount()).isEqualTo(5);
    }

    @Test
    void idleTimeoutCountsFromTheLastPacket() {
        EventRecorder recorder = new EventRecorder();
        bench.br0.subscribe(recorder);
        bench.flows(
                "idle_timeout=10,send_flow_rem,actions=output:2", "table=3,hard_timeout=12,send_flow_rem,actions=drop");
        bench.pass(Duration.ofSeconds(6));
        bench.receive(1, udp().bytes());
        bench.pass(Duration.ofSeconds(6));
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::tableId)
                .containsExactly(0);
        bench.pass(Duration.ofSeconds(4));
        assertThat(bench.allFlows()).isEmpty();
        assertThat(recorder.events)
                .containsExactly("removed table=3 reason=1 packets=0", "removed table=0 reason=0 packets=1");
    }

    @Test
    void aModificationIsNoUseAndItsAgeIsAnotherOne() {
        for (String flags : List.of("", "reset_counts,")) {
            bench.flows("idle_timeout=10,actions=output:2");
            bench.pass(Duration.ofSeconds(4));
            bench.change(bench.br0, FlowMod.Command.MODIFY, flags + "actions=output:3");
            bench.pass(Duration.ofSeconds(3));
            assertThat(bench.allFlows()).singleElement().satisfies(flow -> {
                assertThat(flow.durationNs()).isEqualTo(7_000_000_000L);
                assertThat(flow.idleAgeNs()).isEqualTo(7_000_000_000L);
                assertThat(flow.hardAgeNs()).isEqualTo(3_000_000_000L);
            });
            bench.pass(Duration.ofSeconds(4));
            assertThat(bench.allFlows()).as("not used for 11 s").isEmpty();
        }
    }

    @Test
    void busyFlowDoesNotIdle() {
        bench.flows("idle_timeout=10,udp,actions=output:2");
        for (int i = 0; i < 40; i++) {
            bench.receive(1, dns().bytes());
            bench.pass(Duration.ofSeconds(1));
        }
        assertThat(bench.allFlows())
                .singleElement()
                .satisfies(flow -> assertThat(flow.packetCount()).isEqualTo(40));
        bench.pass(Duration.ofSeconds(10));
        assertThat(bench.allFlows()).isEmpty();
    }

    @Test
    void hardTimeoutEndsABusyFlow() {
        EventRecorder recorder = new EventRecorder();
        bench.br0.subscribe(recorder);
        bench.flows("hard_timeout=10,send_flow_rem,udp,actions=output:2");
        for (int i = 0; i < 11; i++) {
            bench.receive(1, dns().bytes());
            bench.pass(Duration.ofSeconds(1));
        }
        assertThat(bench.allFlows()).isEmpty();
        assertThat(recorder.events).singleElement().asString().startsWith("removed table=0 reason=1 ");
        assertThat(bench.receive(1, dns().bytes())).isEmpty();
    }

    @Test
    void deletedFlowReportsItsLastPacket() {
        EventRecorder recorder = new EventRecorder();
        bench.br0.subscribe(recorder);
        bench.flows("send_flow_rem,actions=output:2");
        bench.receive(1, udp().bytes());
        bench.change(bench.br0, FlowMod.Command.DELETE, "");
        assertThat(recorder.events).containsExactly("removed table=0 reason=2 packets=1");
    }

    @Test
    void controllerGetsThePacketWithItsPipelineFields() {
        EventRecorder recorder = new EventRecorder();
        bench.br0.subscribe(recorder);
        bench.flows("in_port=1,cookie=0x77,actions=load:3->NXM_NX_REG4[],controller");
        bench.receive(1, udp().bytes());
        assertThat(recorder.events).containsExactly("packet-in reason=1 table=0 in_port=1");
        assertThat(recorder.lastMetadata)
                .isEqualTo(Match.builder()
                        .exact(Field.IN_PORT, 1)
                        .exact(Field.REG4, 3)
                        .build());
    }

    /** Whatever else the action asks for (OpenFlow 1.3.5 §5.4); what names another reason has that one. */
    @Test
    void aTableMissFlowsControllerActionIsAMiss() {
        EventRecorder recorder = new EventRecorder();
        bench.br0.subscribe(recorder);
        bench.flows("priority=0,actions=controller(id=3,userdata=01)");
        bench.receive(1, udp().bytes());
        assertThat(recorder.lastReason).isEqualTo(PacketInReason.EXPLICIT_MISS);
        bench.flows("priority=0,actions=controller(reason=invalid_ttl)");
        bench.receive(1, udp().bytes());
        assertThat(recorder.lastReason).isEqualTo(PacketInReason.INVALID_TTL);
        bench.flows("priority=1,actions=controller(id=3,userdata=01)");
        bench.receive(1, udp().bytes());
        assertThat(recorder.lastReason).isEqualTo(PacketInReason.ACTION);
    }

    @Test
    void missIsAPacketInOnlyForThoseWhoExpectIt() throws Exception {
        EventRecorder recorder = new EventRecorder();
        AutoCloseable subscription = bench.br0.subscribe(recorder);
        bench.receive(1, udp().bytes());
        recorder.wantsMisses = true;
        bench.br0.refreshSubscribers();
        bench.receive(1, udp().bytes());
        subscription.close();
        bench.receive(1, udp().bytes());
        assertThat(recorder.events).containsExactly("packet-in reason=0 table=0 in_port=1");
    }

    @Test
    void aMissHasAReasonAndACookieOfItsOwn() {
        EventRecorder recorder = new EventRecorder();
        recorder.wantsMisses = true;
        bench.br0.subscribe(recorder);
        bench.receive(1, udp().bytes());
        assertThat(recorder.lastReason).isEqualTo(PacketInReason.IMPLICIT_MISS);
        assertThat(recorder.lastCookie).isZero();
        bench.flows("priority=0,cookie=0x5,actions=controller");
        bench.receive(1, udp().bytes());
        assertThat(recorder.lastReason).isEqualTo(PacketInReason.EXPLICIT_MISS);
        assertThat(recorder.lastCookie).isEqualTo(5);
        bench.flows("priority=1,udp,cookie=0x6,actions=controller");
        bench.receive(1, udp().bytes());
        assertThat(recorder.lastReason).as("a flow that does not match all").isEqualTo(PacketInReason.ACTION);
    }

    /** OFPTC_TABLE_MISS_* of OpenFlow 1.1 and 1.2. */
    @Test
    void aTableSaysWhatBecomesOfItsMisses() {
        EventRecorder recorder = new EventRecorder();
        bench.br0.subscribe(recorder);
        bench.flows("table=2,actions=output:2");
        assertThat(bench.receive(1, udp().bytes())).as("nothing was said").isEmpty();
        bench.br0.configureTable(0, new TableMod.Misses(TableMiss.CONTINUE));
        bench.br0.configureTable(1, new TableMod.Misses(TableMiss.CONTINUE));
        assertThat(bench.receive(1, udp().bytes())).hasSize(1);
        bench.br0.configureTable(1, new TableMod.Misses(TableMiss.CONTROLLER));
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
        assertThat(recorder.events).containsExactly("packet-in reason=0 table=1 in_port=1");
        bench.br0.configureTable(FlowMod.ALL_TABLES, new TableMod.Misses(TableMiss.DROP));
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
        assertThat(recorder.events).hasSize(1);
    }

    /** As ovs-vswitchd 3.1: the action set is the packet's, and that met the first table first. */
    @Test
    void anActionSetBearsTheCookieOfTheFirstFlow() {
        EventRecorder recorder = new EventRecorder();
        bench.br0.subscribe(recorder);
        bench.flows(
                "cookie=0x1,actions=goto_table:1",
                "table=1,cookie=0x2,actions=write_actions(controller),goto_table:2",
                "table=2,cookie=0x3,actions=drop");
        bench.receive(1, udp().bytes());
        assertThat(recorder.events).containsExactly("packet-in reason=3 table=0 in_port=1");
        assertThat(recorder.lastCookie).isEqualTo(1);
    }

    @Test
    void aPacketOutHasNoCookieUntilItMeetsAFlow() throws Exception {
        EventRecorder recorder = new EventRecorder();
        bench.br0.subscribe(recorder);
        bench.flows("table=3,cookie=0x9,actions=controller");
        bench.br0.packetOut(1, FlowText.parseActions("controller"), udp().bytes());
        assertThat(recorder.lastReason).isEqualTo(PacketInReason.PACKET_OUT);
        assertThat(recorder.lastCookie).isEqualTo(-1);
        bench.br0.packetOut(1, FlowText.parseActions("resubmit(,3)"), udp().bytes());
        assertThat(recorder.lastReason).isEqualTo(PacketInReason.PACKET_OUT);
        assertThat(recorder.lastCookie).isEqualTo(9);
        bench.br0.packetOut(1, FlowText.parseActions("controller(id=4,reason=no_match)"), udp().bytes());
        assertThat(recorder.lastReason).as("what the action says").isEqualTo(PacketInReason.NO_MATCH);
    }

    @Test
    void eventsCanBeAwaitedWhoeverDeliversThem() throws Exception {
        try (var pool = Executors.newSingleThreadExecutor()) {
            Pipeline pipeline = new Pipeline(bench.datapath, bench.clock, pool);
            BridgePipeline bridge = pipeline.addBridge("br9", 9);
            EventRecorder recorder = new EventRecorder();
            AutoCloseable subscription = bridge.subscribe(recorder);
            bridge.addPort(new OfPort(1, -1, "a", 0, 0, 0, null, 0));
            bridge.awaitEvents();
            assertThat(recorder.events).containsExactly("port a reason=0");
            subscription.close();
            bridge.awaitEvents();
        }
    }
}
