package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.dns;
import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.port.DummyPort;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;

/** By which ports packets leave, and which ports take them in. */
class OutputTest {
    private final PipelineBench bench = new PipelineBench(3);
    private final PipelineBench four = new PipelineBench(4);

    @Test
    void outputToTheIngressPortNeedsInPort() {
        bench.flows("in_port=1,actions=output:1", "in_port=2,actions=IN_PORT");
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
        assertThat(bench.receive(2, udp().bytes())).containsExactly("2");
    }

    @Test
    void portConfigIsHonoured() throws OfException {
        bench.flows("in_port=1,actions=FLOOD", "in_port=2,actions=ALL", "in_port=3,actions=output:1");
        bench.br0.modifyPort(3, OfPort.CONFIG_NO_FLOOD, OfPort.CONFIG_NO_FLOOD);
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
        assertThat(bench.receive(2, udp().bytes())).containsExactly("1", "3");
        bench.br0.modifyPort(1, OfPort.CONFIG_NO_FWD, OfPort.CONFIG_NO_FWD);
        assertThat(bench.receive(3, udp().bytes())).isEmpty();
        bench.br0.modifyPort(2, OfPort.CONFIG_NO_RECV, OfPort.CONFIG_NO_RECV);
        assertThat(bench.receive(2, udp().bytes())).isEmpty();
    }

    /** As in Open vSwitch, where the bit stays as it is and nothing is answered. */
    @Test
    void aPortWhoseDeviceIsJustGoingIsNotCalledDown() throws OfException {
        Port going = (Port) Proxy.newProxyInstance(
                Port.class.getClassLoader(), new Class<?>[] {Port.class}, (_, method, arguments) -> {
                    if (method.getName().equals("setAdminUp")) {
                        throw PortException.noSuchDevice("p9");
                    }
                    return method.invoke(new DummyPort("p9"), arguments);
                });
        bench.datapath.addPort(going, 109);
        bench.br0.addPort(new OfPort(9, 109, "p9", 9, 0, 0, null, 0));
        int both = OfPort.CONFIG_PORT_DOWN | OfPort.CONFIG_NO_FLOOD;
        bench.br0.modifyPort(9, both, both);
        assertThat(bench.br0.ports())
                .filteredOn(port -> port.number() == 9)
                .extracting(OfPort::config)
                .containsExactly(OfPort.CONFIG_NO_FLOOD);
    }

    @Test
    void packetOfAnUnknownPortIsDroppedUntilThePortBelongsToABridge() {
        bench.flows("actions=output:2");
        assertThat(bench.receiveAt(109, udp().bytes())).isEmpty();
        assertThat(bench.receiveAt(109, udp().bytes())).isEmpty();
        bench.addPort(bench.br0, 9);
        assertThat(bench.receive(9, udp().bytes())).containsExactly("2");
    }

    @Test
    void floodSparesPortsThatAskForIt() throws OfException {
        four.flows("in_port=1,actions=FLOOD");
        four.br0.modifyPort(3, OfPort.CONFIG_NO_FLOOD, OfPort.CONFIG_NO_FLOOD);
        assertThat(four.receive(1, dns().bytes())).containsExactlyInAnyOrder("2", "4");
        four.flows("in_port=1,actions=ALL");
        assertThat(four.receive(1, dns().bytes())).containsExactlyInAnyOrder("2", "3", "4");
        four.br0.modifyPort(2, OfPort.CONFIG_NO_FWD, OfPort.CONFIG_NO_FWD);
        assertThat(four.receive(1, dns().bytes())).containsExactlyInAnyOrder("3", "4");
        four.br0.modifyPort(1, OfPort.CONFIG_NO_RECV, OfPort.CONFIG_NO_RECV);
        assertThat(four.receive(1, dns().bytes())).isEmpty();
    }

    @Test
    void packetOutRunsItsActionsAtOnce() throws Exception {
        bench.flows("in_port=2,actions=output:3");
        bench.br0.packetOut(OfAction.Ports.NONE, FlowText.parseActions("output:1"), udp().bytes());
        assertThat(bench.sentPorts()).containsExactly("1");
        bench.br0.packetOut(2, FlowText.parseActions("output:1,TABLE"), udp().bytes());
        assertThat(bench.sentPorts()).containsExactly("1", "1", "3");
        assertThat(bench.packetCount("table=0")).isEqualTo(1);
    }

    @Test
    void packetOutMayGoThroughTheTables() throws Exception {
        bench.flows("in_port=3,udp,actions=output:2");
        bench.br0.packetOut(3, FlowText.parseActions("TABLE"), dns().bytes());
        assertThat(bench.sentPorts()).containsExactly("2");
        assertThat(bench.sentFrames()).containsExactly(dns().bytes());
        assertThat(bench.packetCount("")).isEqualTo(1);
    }
}
