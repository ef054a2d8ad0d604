package io.turnstile.embedded;

import static io.turnstile.testing.TestFrame.ACK;
import static io.turnstile.testing.TestFrame.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.datapath.DropReason;
import io.turnstile.testing.TestFrame;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What controller authors are promised. */
class EmbeddedSwitchTest {
    private final EmbeddedSwitch sw = new EmbeddedSwitchBuilder().ports(1, 2, 3).start();

    @AfterEach
    void end() {
        sw.close();
    }

    @Test
    void freshSwitchLearnsAndForwards() {
        byte[] there = TestFrame.udp("10.0.0.1", 1, "10.0.0.2", 2).bytes();
        byte[] back = TestFrame.udp("10.0.0.2", 2, "10.0.0.1", 1)
                .mac(TestFrame.MAC_A, TestFrame.MAC_B)
                .bytes();
        sw.receive(1, there);
        assertThat(sw.sent(2)).containsExactly(there);
        assertThat(sw.sent(3)).containsExactly(there);
        sw.receive(2, back);
        assertThat(sw.sent(1)).containsExactly(back);
        assertThat(sw.sent(3)).isEmpty();
        sw.receive(1, there);
        assertThat(sw.sent(2)).containsExactly(there);
        assertThat(sw.sent(3)).isEmpty();
    }

    @Test
    void flowsAreCountedAndDumpedAsTheToolDoes() {
        sw.deleteFlows();
        sw.flows("""
            # a comment
            cookie=7,table=0,in_port=1,udp,tp_dst=53,idle_timeout=60 actions=2

            priority=1 actions=drop
            """);
        byte[] query = TestFrame.udp("10.0.0.1", 1, "10.0.0.2", 53).bytes();
        sw.receive(1, query);
        sw.receive(1, query);
        sw.advance(Duration.ofMillis(2500));
        assertThat(sw.dumpFlows())
                .containsExactly(
                        "cookie=0x7, duration=2.5s, table=0, n_packets=2, n_bytes=" + 2 * query.length
                                + ", idle_timeout=60, idle_age=2, udp,in_port=1,tp_dst=53 actions=output:2",
                        "cookie=0x0, duration=2.5s, table=0, n_packets=0, n_bytes=0, idle_age=2, priority=1 actions=drop");
        assertThat(sw.dumpDatapathFlows())
                .singleElement()
                .asString()
                .contains("packets:2")
                .contains("actions:2");
        assertThat(sw.trace("in_port=1,udp,tp_dst=53")).contains("Datapath actions: 2");
    }

    @Test
    void wrongFlowsAreRefusedWithTheLine() {
        assertThatThrownBy(() -> sw.flows("tcp,tp_dst=nonsense actions=1"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("tp_dst=nonsense");
        assertThatThrownBy(() -> sw.flows("table=3 actions=goto_table:2")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> sw.flows("actions=mod_tp_dst:80")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void controllerGetsThePacketWithItsPipelineFields() {
        sw.deleteFlows();
        sw.flows("cookie=5,in_port=3 actions=load:7->NXM_NX_REG0[],controller");
        byte[] frame = TestFrame.arp(1, 1, 2).bytes();
        sw.receive(3, frame);
        assertThat(sw.packetIns()).singleElement().satisfies(in -> {
            assertThat(in.frame()).isEqualTo(frame);
            assertThat(in.cookie()).isEqualTo(5);
            assertThat(in.reason()).isEqualTo(1);
            assertThat(in.metadataText()).contains("in_port=3").contains("reg0=0x7");
        });
        sw.packetOut(3, "2,IN_PORT", frame);
        assertThat(sw.sent(2)).containsExactly(frame);
        assertThat(sw.sent(3)).containsExactly(frame);
    }

    @Test
    void idleFlowsEndAndTell() {
        sw.deleteFlows();
        sw.flows("idle_timeout=10,send_flow_rem,arp actions=2");
        sw.advance(Duration.ofSeconds(9));
        sw.receive(1, TestFrame.arp(1, 1, 2).bytes());
        sw.advance(Duration.ofSeconds(9));
        assertThat(sw.dumpFlows()).hasSize(1);
        sw.advance(Duration.ofSeconds(2));
        assertThat(sw.dumpFlows()).isEmpty();
        assertThat(sw.flowRemovals()).singleElement().satisfies(end -> {
            assertThat(end.reason()).isZero();
            assertThat(end.flow()).contains("n_packets=1");
        });
    }

    @Test
    void statefulFirewallLetsOnlyAnswersIn() {
        sw.deleteFlows();
        sw.flows("""
            in_port=1,ip actions=ct(commit),2
            in_port=2,ip,ct_state=-trk actions=ct(table=1)
            table=1,ct_state=+trk+est actions=1
            """);
        byte[] syn = TestFrame.tcp("10.0.0.1", 1000, "10.0.0.2", 80, SYN, 1, 0).bytes();
        byte[] synAck =
                TestFrame.tcp("10.0.0.2", 80, "10.0.0.1", 1000, SYN | ACK, 5, 2).bytes();
        sw.receive(2, synAck);
        assertThat(sw.sent(1)).isEmpty();
        assertThat(sw.drops(DropReason.FLOW_DROP)).isEqualTo(1);
        sw.receive(1, syn);
        sw.receive(2, synAck);
        assertThat(sw.sent(2)).containsExactly(syn);
        assertThat(sw.sent(1)).containsExactly(synAck);
    }
}
