package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.Timeout;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.packet.Frames;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Operators limit connections and set how long they live while the firewall works. */
class EmbeddedOperatorsTest {
    /** The zone is the destination port. */
    private static final String FIREWALL = """
            priority=10,in_port=1,udp,udp_dst=3 actions=ct(commit,zone=3,table=1)
            priority=10,in_port=1,udp,udp_dst=4 actions=ct(commit,zone=4,table=1)
            priority=10,in_port=2,udp,udp_src=3 actions=ct(zone=3,table=1)
            table=1,in_port=1,ct_state=+trk-inv actions=2
            table=1,in_port=2,ct_state=+trk+est actions=1
            """;

    private final EmbeddedSwitch sw = EmbeddedSwitch.builder().ports(1, 2).start();

    @BeforeEach
    void configure() {
        sw.deleteFlows();
        sw.flows(FIREWALL);
    }

    @AfterEach
    void end() {
        sw.close();
    }

    private void send(int sourcePort, int zone) {
        sw.receive(
                1,
                Frames.udp("10.0.0.1:" + sourcePort + " > 10.0.0.2:" + zone)
                        .payload(8)
                        .bytes());
    }

    private void answer(int sourcePort, int zone) {
        sw.receive(
                2,
                Frames.udp("10.0.0.2:" + zone + " > 10.0.0.1:" + sourcePort)
                        .payload(8)
                        .bytes());
    }

    private static TimeoutPolicy policy(long first, long single) {
        return new TimeoutPolicy(Map.of(Timeout.UDP_FIRST, first, Timeout.UDP_SINGLE, single));
    }

    private void expect(int sourcePort, int zone, long seconds) {
        assertThat(sw.dumpConnections())
                .anySatisfy(line -> assertThat(line)
                        .contains("sport=" + sourcePort + ",dport=" + zone + ")")
                        .endsWith(",zone=" + zone + ",timeout=" + seconds));
    }

    @Test
    void aFullZoneKeepsOutNewConnectionsOnly() {
        sw.conntrackControl().zoneLimits().set(3, 2);
        for (int port = 1; port <= 4; port++) {
            send(port, 3);
            send(port, 4);
        }
        assertThat(sw.conntrackControl().zoneLimits().count(3)).isEqualTo(2);
        assertThat(sw.conntrackControl().zoneLimits().count(4)).isEqualTo(4);
        assertThat(sw.conntrackControl().zoneLimits().refusals()).isEqualTo(2);
        assertThat(sw.conntrackControl().refusals()).isZero();
        sw.takeSentBytes(1);
        answer(1, 3);
        assertThat(sw.takeSentBytes(1)).as("what is there works on").hasSize(1);
        answer(4, 3);
        assertThat(sw.takeSentBytes(1)).as("what was refused has no answer").isEmpty();
        sw.flushConnections(3);
        send(4, 3);
        answer(4, 3);
        assertThat(sw.takeSentBytes(1)).hasSize(1);
    }

    @Test
    void theDefaultLimitGoesForZonesWithoutTheirOwn() {
        sw.conntrackControl().zoneLimits().setDefaultLimit(1);
        sw.conntrackControl().zoneLimits().set(4, 3);
        for (int port = 1; port <= 4; port++) {
            send(port, 3);
            send(port, 4);
        }
        assertThat(sw.conntrackControl().zoneLimits().count(3)).isEqualTo(1);
        assertThat(sw.conntrackControl().zoneLimits().count(4)).isEqualTo(3);
        sw.conntrackControl().zoneLimits().clear(4);
        sw.conntrackControl().zoneLimits().setDefaultLimit(0);
        send(9, 3);
        send(9, 4);
        assertThat(sw.dumpConnections()).hasSize(6);
    }

    @Test
    void theTableTakesMoreOnceItMay() {
        sw.conntrackControl().setMaxConnections(2);
        for (int port = 1; port <= 3; port++) {
            send(port, 3);
        }
        assertThat(sw.dumpConnections()).hasSize(2);
        assertThat(sw.conntrackControl().refusals()).isEqualTo(1);
        sw.conntrackControl().setMaxConnections(3);
        send(3, 3);
        assertThat(sw.dumpConnections()).hasSize(3);
        sw.conntrackControl().setMaxConnections(1);
        assertThat(sw.dumpConnections()).as("what is there stays").hasSize(3);
    }

    @Test
    void theTableGrowsBeyondWhatItWasMadeFor() {
        try (EmbeddedSwitch small =
                EmbeddedSwitch.builder().ports(1, 2).maxConnections(10).start()) {
            small.deleteFlows();
            small.flows(FIREWALL);
            small.conntrackControl().setMaxConnections(20_000);
            for (int port = 1; port <= 20_001; port++) {
                small.receive(
                        1,
                        Frames.udp("10.0.0.1:" + port + " > 10.0.0.2:3")
                                .payload(8)
                                .bytes());
            }
            assertThat(small.conntrack().connectionCount()).isEqualTo(20_000);
            assertThat(small.conntrackControl().refusals()).isEqualTo(1);
        }
    }

    @Test
    void zonesPoliciesGoForTheirConnections() {
        sw.zoneTimeouts(Map.of(3, policy(100, 110), 4, policy(200, 210)));
        send(1, 3);
        send(1, 4);
        expect(1, 3, 100);
        expect(1, 4, 200);
        send(1, 3);
        expect(1, 3, 110);
        sw.advance(Duration.ofSeconds(109));
        expect(1, 3, 1);
        sw.advance(Duration.ofSeconds(1));
        assertThat(sw.dumpConnections()).hasSize(1);
    }

    @Test
    void aPolicyGoesForFlowsThatAreCached() {
        send(1, 3);
        expect(1, 3, 60);
        sw.zoneTimeouts(Map.of(3, policy(100, 110)));
        send(2, 3);
        expect(2, 3, 100);
        sw.zoneTimeouts(Map.of());
        send(3, 3);
        expect(3, 3, 60);
    }

    @Test
    void connectionsOfAPolicyThatIsGoneFallToTheDefaultOneAndToNobodyElses() {
        sw.zoneTimeouts(Map.of(3, policy(100, 110)));
        send(1, 3);
        sw.zoneTimeouts(Map.of(3, policy(500, 510)));
        for (int i = 0; i < 100; i++) {
            sw.zoneTimeouts(Map.of(3, policy(500, 510), 4, policy(1000 + i, 1010)));
            send(1, 3);
            expect(1, 3, 60);
        }
        send(2, 3);
        expect(2, 3, 500);
    }

    @Test
    void manyPoliciesComeAndGo() {
        Map<Integer, TimeoutPolicy> policies = new HashMap<>();
        for (int round = 0; round < 3; round++) {
            for (int zone = 0; zone <= 0xffff; zone++) {
                policies.put(zone, policy(100_000L * (round + 1) + zone, 5));
            }
            sw.zoneTimeouts(policies);
            send(1 + round, 3);
            expect(1 + round, 3, 100_000L * (round + 1) + 3);
        }
    }
}
