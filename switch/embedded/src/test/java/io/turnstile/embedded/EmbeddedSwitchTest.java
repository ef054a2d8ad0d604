package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.datapath.DropReason;
import io.turnstile.packet.Frame;
import io.turnstile.packet.FrameView;
import io.turnstile.packet.Frames;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.PacketInReason;
import java.time.Duration;
import java.time.Instant;
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
        Frame question = Frames.udp("10.0.0.1:1 > 10.0.0.2:2");
        byte[] there = question.bytes();
        byte[] back = question.reply().bytes();
        sw.receive(1, there);
        assertThat(sw.takeSentBytes(2)).containsExactly(there);
        assertThat(sw.takeSentBytes(3)).containsExactly(there);
        sw.receive(2, back);
        assertThat(sw.takeSentBytes(1)).containsExactly(back);
        assertThat(sw.takeSentBytes(3)).isEmpty();
        sw.receive(1, there);
        assertThat(sw.takeSentBytes(2)).containsExactly(there);
        assertThat(sw.takeSentBytes(3)).isEmpty();
    }

    @Test
    void flowsAreCountedAndDumpedAsTheToolDoes() {
        sw.deleteFlows();
        sw.flows("""
            # a comment
            cookie=7,table=0,in_port=1,udp,tp_dst=53,idle_timeout=60 actions=2

            priority=1 actions=drop
            """);
        byte[] query = Frames.udp("10.0.0.1:1 > 10.0.0.2:53").bytes();
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
                .as("the first packet met no flow of the datapath yet")
                .contains("packets:1")
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
        byte[] frame = Frames.arpRequest("0.0.0.1 > 0.0.0.2").bytes();
        sw.receive(3, frame);
        assertThat(sw.takePacketIns()).singleElement().satisfies(in -> {
            assertThat(in.frame()).isEqualTo(frame);
            assertThat(in.cookie()).isEqualTo(5);
            assertThat(in.reason()).isEqualTo(PacketInReason.ACTION);
            assertThat(in.metadataText()).contains("in_port=3").contains("reg0=0x7");
        });
        sw.packetOut(3, "2,IN_PORT", frame);
        assertThat(sw.takeSentBytes(2)).containsExactly(frame);
        assertThat(sw.takeSentBytes(3)).containsExactly(frame);
    }

    @Test
    void idleFlowsEndAndTell() {
        sw.deleteFlows();
        sw.flows("idle_timeout=10,send_flow_rem,arp actions=2");
        sw.advance(Duration.ofSeconds(9));
        sw.receive(1, Frames.arpRequest("0.0.0.1 > 0.0.0.2").bytes());
        sw.advance(Duration.ofSeconds(9));
        assertThat(sw.dumpFlows()).hasSize(1);
        sw.advance(Duration.ofSeconds(2));
        assertThat(sw.dumpFlows()).isEmpty();
        assertThat(sw.takeFlowRemovals()).singleElement().satisfies(end -> {
            assertThat(end.reason()).isEqualTo(FlowRemovedReason.IDLE_TIMEOUT);
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
        Frame first = Frames.tcp("10.0.0.1:1000 > 10.0.0.2:80").syn().seq(1);
        byte[] syn = first.bytes();
        byte[] synAck = first.reply().bytes();
        sw.receive(2, synAck);
        assertThat(sw.takeSentBytes(1)).isEmpty();
        assertThat(sw.drops(DropReason.FLOW_DROP)).isEqualTo(1);
        sw.receive(1, syn);
        sw.receive(2, synAck);
        assertThat(sw.takeSentBytes(2)).containsExactly(syn);
        assertThat(sw.takeSentBytes(1)).containsExactly(synAck);
    }

    @Test
    void whatIsTakenIsTakenOnceAndLookingTakesNothing() {
        sw.flows("priority=10,in_port=1 actions=2,controller");
        Frame frame = Frames.udp("10.0.0.1:1 > 10.0.0.2:2").payload("hello");
        sw.receive(1, frame);
        assertThat(sw.dumpFlows()).isEqualTo(sw.dumpFlows());
        assertThat(sw.takeSent(2)).singleElement().satisfies(sent -> {
            assertThat(sent).isEqualTo(frame.view());
            assertThat(sent.bytes()).isEqualTo(frame.bytes());
            assertThat(sent.payloadText()).isEqualTo("hello");
        });
        assertThat(sw.takeSent(2)).isEmpty();
        assertThat(sw.takePacketIns())
                .singleElement()
                .extracting(PacketIn::view)
                .isEqualTo(frame.view());
        assertThat(sw.takePacketIns()).isEmpty();
    }

    @Test
    void whatIsReceivedWhileAPacketIsSentJoinsIn() {
        sw.deleteFlows();
        sw.flows("in_port=1 actions=2\nin_port=2 actions=1");
        Frame question = Frames.udp("10.0.0.1:1 > 10.0.0.2:2");
        sw.port(2).onSent(frame -> sw.receive(2, FrameView.of(frame).reply()));
        sw.receive(1, question);
        assertThat(sw.takeSent(1)).containsExactly(question.reply().view());
    }

    @Test
    void timeBeginsOnADayWhichProvidersDoNotTakeForUnknown() {
        assertThat(Instant.ofEpochMilli(sw.clock().wallMs())).isEqualTo("2026-01-01T00:00:00Z");
        sw.advance(Duration.ofSeconds(1));
        assertThat(Instant.ofEpochMilli(sw.clock().wallMs())).isEqualTo("2026-01-01T00:00:01Z");
        assertThat(sw.clock().nowNs()).isEqualTo(1_000_000_000L);
    }
}
