package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Several bridges of one switch: each has its own ports, flows, packet-ins and controllers. */
class EmbeddedBridgesTest {
    private static final Frame QUESTION = Frames.udp("10.0.0.1:1 > 10.0.0.2:2");

    private final EmbeddedSwitch sw = EmbeddedSwitch.withPorts(1, 2);
    private final EmbeddedBridge other = sw.addBridge("br1", 1, 2);

    @AfterEach
    void end() {
        sw.close();
    }

    @Test
    void portsAndFlowsAreTheBridgesOwn() {
        other.deleteFlows();
        sw.receive(1, QUESTION);
        assertThat(sw.takeSent(2)).containsExactly(QUESTION.view());
        other.receive(1, QUESTION);
        assertThat(other.takeSent(2)).as("no flow is left there").isEmpty();
        assertThat(sw.takeSent(2)).isEmpty();
        assertThat(sw.dumpFlows()).hasSize(1);
        assertThat(other.dumpFlows()).isEmpty();
        assertThat(other.port(1).name()).isEqualTo("br1-p1");
    }

    @Test
    void aBridgeIsFoundByItsName() {
        assertThat(sw.bridge("br1")).isSameAs(other);
        assertThat(sw.bridge("br0")).isSameAs(sw.bridge());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> sw.bridge("br2"))
                .withMessageContaining("addBridge(\"br2\"");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> sw.addBridge("br1"))
                .withMessageContaining("br1");
    }

    @Test
    void patchPortsCarryPacketsFromBridgeToBridge() {
        sw.bridge().patch(10, other, 20);
        sw.deleteFlows();
        sw.flows("in_port=1 actions=10\nin_port=10 actions=1");
        other.deleteFlows();
        other.flows("in_port=20 actions=2\nin_port=2 actions=20");
        sw.receive(1, QUESTION);
        assertThat(other.takeSent(2)).containsExactly(QUESTION.view());
        other.receive(2, QUESTION.reply());
        assertThat(sw.takeSent(1)).containsExactly(QUESTION.reply().view());
        sw.removePort(10);
        other.receive(2, QUESTION.reply());
        assertThat(sw.takeSent(1)).isEmpty();
    }

    @Test
    void framesDoNotComeInByAPatchPort() {
        sw.bridge().patch(10, other, 20);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> sw.receive(10, QUESTION))
                .withMessageContaining("patch port");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> other.patch(20, sw.bridge(), 11))
                .withMessageContaining("20");
        assertThatIllegalArgumentException().isThrownBy(() -> sw.addPort(10)).withMessageContaining("10");
    }

    @Test
    void bridgesOfTwoSwitchesCannotBeJoined() {
        try (EmbeddedSwitch second = EmbeddedSwitch.withPorts()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> second.bridge().patch(10, other, 20))
                    .withMessageContaining("two switches");
        }
    }

    @Test
    void packetInsAreTheBridgesOwn() {
        other.flows("priority=10,cookie=7,udp actions=controller");
        other.receive(2, QUESTION);
        assertThat(sw.takePacketIns()).isEmpty();
        assertThat(other.takePacketIns()).singleElement().satisfies(in -> {
            assertThat(in.cookie()).isEqualTo(7);
            assertThat(in.metadataText()).contains("in_port=2");
        });
        other.flows("priority=11,send_flow_rem,tcp actions=1");
        other.deleteFlows();
        assertThat(sw.takeFlowRemovals()).isEmpty();
        assertThat(other.takeFlowRemovals()).hasSize(1);
    }

    @Test
    void aMissingPortIsNamedWithItsBridge() {
        other.flows("priority=10,udp actions=9");
        assertThatThrownBy(() -> other.receive(1, QUESTION))
                .isInstanceOf(SwitchFailedException.class)
                .hasMessageContaining("br1 by port 9");
    }

    @Test
    void eachBridgeHasItsOwnControllers() throws IOException {
        int mainPort = sw.listenOpenFlow();
        int otherPort = other.listenOpenFlow();
        assertThat(mainPort).isNotEqualTo(otherPort);
        for (int port : new int[] {mainPort, otherPort}) {
            try (Socket controller = new Socket(InetAddress.getLoopbackAddress(), port)) {
                byte[] hello = controller.getInputStream().readNBytes(8);
                assertThat(hello[1]).as("OFPT_HELLO").isZero();
            }
        }
    }
}
