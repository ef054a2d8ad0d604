package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.Timeout;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.embedded.model.CarrierByHand;
import io.turnstile.offload.PathBook.DirectionState;
import io.turnstile.offload.spi.Path;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Paths through the whole switch: how they come of walks, what takes them back, and where their packets are counted.
 */
class EmbeddedPathsTest {
    private static final String FIREWALL = """
            priority=10,in_port=1,ip,ct_state=-trk actions=ct(table=1,zone=7)
            priority=10,in_port=2,ip,ct_state=-trk actions=ct(table=1,zone=7)
            table=1,priority=10,in_port=1,ip,ct_state=+trk+new actions=ct(commit,zone=7),2
            table=1,priority=10,in_port=1,ip,ct_state=+trk+est actions=dec_ttl,2
            table=1,priority=10,in_port=2,ip,ct_state=+trk+est+rpl actions=1
            """;

    private final Frame query = Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").payload(10);
    private final Frame answer = query.reply();
    private final CarrierByHand carrier = new CarrierByHand();
    private EmbeddedSwitch sw;

    private void startWith(String flows) {
        sw = EmbeddedSwitch.builder().ports(1, 2, 3).providers(carrier).start();
        sw.deleteFlows();
        sw.flows(flows);
        sw.hwOffload(true);
    }

    @AfterEach
    void atTheEndNothingIsCarried() {
        sw.close();
        assertThat(carrier.paths).isEmpty();
    }

    private void converse() {
        sw.receive(1, query);
        sw.receive(2, answer);
        sw.receive(1, query);
        sw.receive(2, answer);
    }

    private List<String> states() {
        List<Long> connections = new ArrayList<>();
        sw.conntrack()
                .scan(
                        0,
                        1 << 20,
                        connection -> connections.add(connection.connectionId),
                        sw.clock().nowNs());
        return connections.stream()
                .flatMap(id -> sw.core().dispatcher.paths().states(id).stream())
                .map(EmbeddedPathsTest::text)
                .toList();
    }

    private static String text(DirectionState state) {
        return state.direction() + " " + state.state() + (state.reason().isEmpty() ? "" : ": " + state.reason());
    }

    private static String counts(EmbeddedSwitch sw, String part) {
        String line = sw.dumpFlows().stream()
                .filter(each -> each.contains(part))
                .findFirst()
                .orElseThrow();
        return line.replaceAll(".*(n_packets=\\d+, n_bytes=\\d+).*", "$1");
    }

    // ---- how they come ----

    @Test
    void aFirewallsConnectionIsCarriedInBothDirections() {
        startWith(FIREWALL);
        sw.receive(1, query);
        assertThat(carrier.log).isEmpty();
        converse();
        assertThat(carrier.takeLog())
                .containsExactlyInAnyOrder(
                        "put original p1(1) src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=53"
                                + " guard(vlan_tci=0x0/0x1fff, nw_ttl=0x40) -> p2(2) set(nw_ttl=0x3f)",
                        "put reply p2(2) src=10.0.0.2,dst=10.0.0.1,sport=53,dport=1000"
                                + " guard(vlan_tci=0x0/0x1fff) -> p1(1)");
        assertThat(states()).containsExactly("original carried", "reply carried");
    }

    @Test
    void tcpIsCarriedOnceTheHandshakeIsOver() {
        startWith(FIREWALL);
        TcpDialogue dialogue = sw.tcpHandshake(1, 2, "10.0.0.1:1000 > 10.0.0.2:80");
        assertThat(dialogue).isNotNull();
        Frame syn = Frames.tcp("10.0.0.1:2000 > 10.0.0.2:80").syn().seq(100);
        sw.receive(1, syn);
        sw.receive(2, syn.reply());
        carrier.takeLog();
        Frame ack = syn.reply().reply();
        sw.receive(1, ack);
        sw.receive(1, ack);
        sw.receive(2, ack.reply());
        assertThat(carrier.takeLog()).hasSize(2);
    }

    @Test
    void aTranslatedConnectionLeavesTranslated() {
        startWith("""
                priority=10,in_port=1,ip,ct_state=-trk actions=ct(table=1,zone=7,nat)
                priority=10,in_port=2,ip,ct_state=-trk actions=ct(table=1,zone=7,nat)
                table=1,priority=10,in_port=1,ip,ct_state=+trk+new actions=ct(commit,zone=7,nat(src=192.0.2.1)),2
                table=1,priority=10,in_port=1,ip,ct_state=+trk+est actions=2
                table=1,priority=10,in_port=2,ip,ct_state=+trk+est actions=1
                """);
        sw.receive(1, query);
        Frame translated = sw.takeSent(2).getFirst().reply();
        sw.receive(2, translated);
        sw.receive(1, query);
        sw.receive(2, translated);
        assertThat(carrier.takeLog())
                .containsExactlyInAnyOrder(
                        "put original p1(1) src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=53 guard(vlan_tci=0x0/0x1fff)"
                                + " -> p2(2) src=192.0.2.1,dst=10.0.0.2,sport=1000,dport=53",
                        "put reply p2(2) src=10.0.0.2,dst=192.0.2.1,sport=53,dport=1000 guard(vlan_tci=0x0/0x1fff)"
                                + " -> p1(1) src=10.0.0.2,dst=10.0.0.1,sport=53,dport=1000");
    }

    @Test
    void twoBridgesAreOnePath() {
        startWith("""
                priority=10,in_port=1,ip,ct_state=-trk actions=ct(table=1,zone=7)
                table=1,priority=10,in_port=1,ip,ct_state=+trk+new actions=ct(commit,zone=7),mod_vlan_vid:5,9
                table=1,priority=10,in_port=1,ip,ct_state=+trk+est actions=mod_vlan_vid:5,9
                priority=10,in_port=9,ip,ct_state=-trk actions=strip_vlan,ct(table=1,zone=7)
                table=1,priority=10,in_port=9,ip,ct_state=+trk+est actions=1
                """);
        EmbeddedBridge other = sw.addBridge("br1", 1);
        sw.bridge().patch(9, other, 9);
        other.deleteFlows();
        other.flows("""
                in_port=9,dl_vlan=5 actions=1
                in_port=1,dl_vlan=5 actions=9
                """);
        Frame tagged = answer.vlan(5);
        sw.receive(1, query);
        other.receive(1, tagged);
        sw.receive(1, query);
        other.receive(1, tagged);
        assertThat(carrier.takeLog())
                .containsExactlyInAnyOrder(
                        "put original p1(1) src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=53 guard(vlan_tci=0x0)"
                                + " -> br1-p1(65281) set(vlan_tci=0x1005)",
                        "put reply br1-p1(65281) src=10.0.0.2,dst=10.0.0.1,sport=53,dport=1000"
                                + " guard(vlan_tci=0x1005) -> p1(1) set(vlan_tci=0x0)");

        sw.advance(Duration.ofMillis(500));
        String before = counts(other, "in_port=9");
        assertThat(before).isEqualTo("n_packets=2, n_bytes=104");
        carrier.carry(carrier.path("original"), 10, 520);
        carrier.tell();
        sw.advance(Duration.ofMillis(500));
        assertThat(counts(other, "in_port=9")).isEqualTo("n_packets=12, n_bytes=624");

        other.modifyFlows("in_port=9,dl_vlan=5 actions=drop");
        assertThat(carrier.takeLog()).containsExactly("del original: rules changed");
    }

    private static String counts(EmbeddedBridge bridge, String part) {
        return bridge.dumpFlows().stream()
                .filter(each -> each.contains(part))
                .findFirst()
                .orElseThrow()
                .replaceAll(".*(n_packets=\\d+, n_bytes=\\d+).*", "$1");
    }

    // ---- what is not carried ----

    @Test
    void whatStandsInTheWayIsSaid() {
        startWith("""
                priority=10,ip,ct_state=-trk actions=ct(table=1,zone=7)
                table=1,priority=10,in_port=1,ip,ct_state=+trk+new actions=ct(commit,zone=7),2
                table=1,priority=10,in_port=1,ip,ct_state=+trk+est actions=2,3
                table=1,priority=10,in_port=2,ip,ct_state=+trk+est actions=controller
                """);
        converse();
        assertThat(carrier.log).isEmpty();
        assertThat(states())
                .containsExactly("original not carried: more than one output", "reply not carried: to the controller");
    }

    /** More than the shortest pause after which a direction is looked at again. */
    private static final Duration PAUSE = Duration.ofSeconds(3);

    @Test
    void whatFlowsKeptFromBeingCarriedForGoodIsCarriedOnceTheyAreGone() {
        startWith(FIREWALL);
        sw.modifyFlows("table=1,in_port=1,ip,ct_state=+trk+est actions=push_vlan:0x88a8,2");
        converse();
        sw.advance(PAUSE);
        sw.receive(1, query);
        assertThat(states())
                .as("nothing has changed")
                .contains("original not carried: a VLAN tag of another type than 0x8100");
        sw.modifyFlows("table=1,in_port=1,ip,ct_state=+trk+est actions=2");
        sw.receive(1, query);
        sw.advance(PAUSE);
        sw.receive(1, query);
        assertThat(states()).contains("original carried");
    }

    @Test
    void whatAProviderHasDeclinedIsOfferedAgainOnceRulesHaveChanged() {
        carrier.declines = true;
        startWith(FIREWALL);
        converse();
        for (int i = 0; i < 10; i++) {
            sw.advance(PAUSE);
            converse();
        }
        assertThat(carrier.declined).as("paths, while nothing has changed").isEqualTo(2);
        carrier.declines = false;
        sw.flows("table=1,priority=20,in_port=3,ip actions=1");
        converse();
        sw.advance(PAUSE);
        converse();
        assertThat(states()).containsExactly("original carried", "reply carried");
    }

    @Test
    void rulesThatChangeAllTheTimeDoNotHaveEachPacketLookedAt() {
        carrier.declines = true;
        startWith(FIREWALL);
        for (int i = 0; i < 100; i++) {
            sw.flows("table=1,priority=20,in_port=3,ip actions=1");
            converse();
            sw.advance(Duration.ofMillis(100));
        }
        assertThat(carrier.declined).as("paths in 10 s").isBetween(6, 12);
    }

    @Test
    void aFullFlowCacheIsNotTakenForRulesThatChange() {
        startWith(FIREWALL);
        sw.core().datapath.setFlowLimit(0);
        converse();
        assertThat(states())
                .containsExactly("original not carried: flow cache is full", "reply not carried: flow cache is full");
    }

    // ---- what takes them back ----

    @Test
    void aFlowModTakesThemBackBeforeItIsAnswered() {
        startWith(FIREWALL);
        converse();
        carrier.takeLog();
        sw.modifyFlows("table=1,in_port=1,ip,ct_state=+trk+est actions=drop");
        assertThat(carrier.takeLog()).containsExactly("del original: rules changed");
        sw.receive(1, query);
        assertThat(states()).containsExactly("original not carried: dropped", "reply carried");
    }

    @Test
    void aFlowOfHigherPriorityTakesThemBack() {
        startWith(FIREWALL);
        converse();
        carrier.takeLog();
        sw.flows("table=1,priority=20,in_port=2,ip actions=3");
        assertThat(carrier.takeLog()).containsExactly("del reply: rules changed");
        sw.receive(2, answer);
        assertThat(carrier.path("reply").egress()).hasToString("p3(3)");
    }

    @Test
    void aFlowThatConcernsNoPacketOfTheirsLeavesThem() {
        startWith(FIREWALL);
        converse();
        carrier.takeLog();
        sw.flows("table=1,priority=20,in_port=3,ip actions=1");
        assertThat(carrier.takeLog()).isEmpty();
    }

    @Test
    void aPortsRemovalTakesThemBackBeforeItReturns() {
        startWith(FIREWALL);
        converse();
        carrier.takeLog();
        sw.removePort(2);
        assertThat(carrier.takeLog()).hasSize(2).allMatch(each -> each.startsWith("del "));
        assertThat(carrier.paths).isEmpty();
    }

    @Test
    void aWrittenMarkTakesThemBack() {
        startWith("""
                priority=10,ip,ct_state=-trk actions=ct(table=1,zone=7)
                table=1,priority=20,ip,nw_tos=32,ct_state=+trk+est actions=ct(commit,zone=7,exec(load:1->NXM_NX_CT_MARK[])),2
                table=1,priority=15,ip,ct_state=+trk+est,ct_mark=1 actions=drop
                table=1,priority=10,in_port=1,ip,ct_state=+trk+new actions=ct(commit,zone=7),2
                table=1,priority=10,in_port=1,ip,ct_state=+trk+est actions=2
                table=1,priority=10,in_port=2,ip,ct_state=+trk+est actions=1
                """);
        converse();
        assertThat(carrier.paths).hasSize(2);
        carrier.takeLog();
        sw.receive(1, query.tos(32));
        assertThat(carrier.takeLog().subList(0, 2))
                .containsExactlyInAnyOrder("del original: connection changed", "del reply: connection changed");
        sw.receive(1, query);
        sw.receive(2, answer);
        assertThat(states()).containsExactly("original carried", "reply not carried: dropped");
        assertThat(carrier.path("original").guard())
                .as("packets that write what is written already")
                .hasToString("[vlan_tci=0x0/0x1fff, nw_tos=0x20/0xfc]");
    }

    @Test
    void theKnobTakesThemBack() {
        startWith(FIREWALL);
        converse();
        sw.hwOffload(false);
        assertThat(carrier.paths).isEmpty();
        sw.hwOffload(true);
        converse();
        assertThat(carrier.paths).hasSize(2);
    }

    // ---- counters ----

    @Test
    void whatIsCarriedIsCountedByEveryRuleOfTheWalk() {
        startWith(FIREWALL);
        converse();
        sw.advance(Duration.ofMillis(500));
        assertThat(counts(sw, "in_port=1 actions=ct")).isEqualTo("n_packets=2, n_bytes=104");
        Path original = carrier.path("original");
        carrier.carry(original, 100, 5200);
        carrier.tell();
        sw.advance(Duration.ofMillis(500));
        assertThat(counts(sw, "in_port=1 actions=ct")).isEqualTo("n_packets=102, n_bytes=5304");
        assertThat(counts(sw, "dec_ttl")).isEqualTo("n_packets=101, n_bytes=5252");
        assertThat(sw.core().datapath.flows().stream()
                        .mapToLong(DatapathFlow::carriedPackets)
                        .sum())
                .isEqualTo(200);

        carrier.carry(original, 11, 572);
        sw.modifyFlows("table=0,in_port=1,ip,ct_state=-trk actions=ct(table=1,zone=8)");
        assertThat(counts(sw, "dec_ttl")).as("the last packets too").isEqualTo("n_packets=112, n_bytes=5824");
    }

    @Test
    void whatIsCarriedKeepsRulesFlowsAndTheConnection() {
        startWith(FIREWALL);
        sw.flows("table=1,priority=10,in_port=1,ip,ct_state=+trk+est,idle_timeout=20 actions=dec_ttl,2");
        converse();
        carrier.takeLog();
        for (int i = 0; i < 60; i++) {
            sw.advance(Duration.ofSeconds(2));
            carrier.carry(carrier.path("original"), 1, 52);
            carrier.carry(carrier.path("reply"), 1, 52);
            carrier.tell();
        }
        assertThat(carrier.takeLog()).isEmpty();
        assertThat(sw.dumpFlows()).anyMatch(line -> line.contains("idle_timeout=20"));
        assertThat(counts(sw, "idle_timeout=20")).isEqualTo("n_packets=61, n_bytes=3172");
        sw.advance(Duration.ofSeconds(40));
        assertThat(carrier.paths).isEmpty();
        assertThat(sw.dumpFlows()).noneMatch(line -> line.contains("idle_timeout=20"));
        assertThat(sw.dumpConnections()).isEmpty();
    }

    @Test
    void whatWasCarriedUnderAZonesFormerPolicyCountsUnderIt() {
        startWith(FIREWALL);
        sw.zoneTimeouts(Map.of(
                7, new TimeoutPolicy(Map.of(Timeout.UDP_FIRST, 9L, Timeout.UDP_SINGLE, 9L, Timeout.UDP_MULTIPLE, 9L))));
        converse();
        carrier.carry(carrier.path("original"), 1, 52);
        sw.zoneTimeouts(Map.of());
        assertThat(sw.dumpConnections()).singleElement().asString().contains("timeout=9");
    }

    @Test
    void anIdlePathComesBackWithTheNextPackets() {
        startWith(FIREWALL);
        converse();
        carrier.takeLog();
        sw.advance(Duration.ofSeconds(15));
        assertThat(carrier.takeLog())
                .containsExactlyInAnyOrder("del original: rules changed", "del reply: rules changed");
        sw.receive(1, query);
        sw.receive(2, answer);
        assertThat(carrier.takeLog()).hasSize(2).allMatch(each -> each.startsWith("put "));
    }
}
