package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.spi.PortRef;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.port.DummyPort;
import io.turnstile.port.Port;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What providers may know of ports that come, change, move and go. */
class SwitchPortsTest {
    private static final long MAC = 0x0200_0000_0001L;

    private final PipelineBench bench = new PipelineBench(0);
    private final SwitchPorts ports = bench.pipeline.switchPorts();
    private final List<PortRef> seen = new ArrayList<>();

    private DummyPort plug(int datapathNumber, String name, String type) {
        DummyPort port = new DummyPort(name, type, Map.of(), () -> 0);
        port.setMacAddress(MAC);
        bench.datapath.addPort(port, datapathNumber);
        return port;
    }

    private static OfPort ofPort(int number, int datapathNumber, String name) {
        return new OfPort(number, datapathNumber, name, MAC, 0, 0, null, 0);
    }

    /** Has every state in which whoever listens finds that port written down. */
    private void watch(int datapathNumber) {
        ports.onChange(() -> seen.add(ports.port(datapathNumber)));
    }

    @Test
    void aPortIsToldWithAllThatItsDeviceAndItsBridgeKnow() {
        plug(7, "p1", "dummy");
        bench.br0.addPort(ofPort(3, 7, "p1"));
        assertThat(ports.port(7)).isEqualTo(new PortRef(1, 7, "p1", "br0", 3, "dummy", 0, MAC, 1500));
        assertThat(ports.ports()).containsExactly(ports.port(7));
    }

    @Test
    void theBridgesOwnPortHasTheNumberThatInterfaceOfportShows() {
        plug(100, "br0", "dummy-internal");
        bench.br0.addPort(ofPort(OfAction.Ports.LOCAL, 100, "br0"));
        assertThat(ports.port(100)).isEqualTo(new PortRef(1, 100, "br0", "br0", 65534, "internal", 0, MAC, 1500));
    }

    @Test
    void aPortOfNoBridgeHasNoOpenFlowNumber() {
        plug(7, "p1", "dummy");
        assertThat(ports.port(7).bridge()).isNull();
        assertThat(ports.port(7).openFlowNumber()).isEqualTo(-1);
    }

    @Test
    void aNumberThatIsNobodysIsGone() {
        plug(7, "p1", "dummy");
        bench.datapath.removePort(7);
        for (int number : List.of(-1, 0, 6, 7, 8, Integer.MAX_VALUE, Integer.MIN_VALUE)) {
            assertThat(ports.port(number)).as("number %d", number).isSameAs(PortRef.GONE);
        }
        assertThat(ports.ports()).isEmpty();
    }

    @Test
    void whoFiltersAPortNamesItByItsIdentity() {
        List<String> calls = new ArrayList<>();
        DummyPort dummy = new DummyPort("p1", "dummy", Map.of(), () -> 0);
        Port port = (Port) Proxy.newProxyInstance(
                Port.class.getClassLoader(), new Class<?>[] {Port.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "filterReceived" -> {
                            calls.add("filter " + arguments[0]);
                            return "no";
                        }
                        case "stopFiltering" -> {
                            calls.add("stop");
                            return null;
                        }
                        default -> {
                            return method.invoke(dummy, arguments);
                        }
                    }
                });
        bench.datapath.addPort(port, 7);
        long id = ports.port(7).id();

        assertThat(ports.filterReceived(id, 5)).isEqualTo("no");
        ports.stopFiltering(id);
        assertThat(ports.filterReceived(id + 1, 5)).isEqualTo("the port is gone");
        ports.stopFiltering(id + 1);
        bench.datapath.removePort(7);
        assertThat(ports.filterReceived(id, 5)).isEqualTo("the port is gone");

        assertThat(calls).containsExactly("filter 5", "stop");
        plug(8, "p2", "dummy");
        assertThat(ports.filterReceived(ports.port(8).id(), 5)).isEqualTo("not read by sockets");
    }

    @Test
    void theNextPortOfANumberIsAnother() {
        plug(7, "p1", "dummy");
        bench.br0.addPort(ofPort(3, 7, "p1"));
        PortRef first = ports.port(7);
        watch(7);
        bench.br0.removePort(3);
        bench.datapath.removePort(7);
        plug(7, "q1", "dummy");
        bench.br0.addPort(ofPort(3, 7, "q1"));
        assertThat(ports.port(7).id()).isNotEqualTo(first.id());
        assertThat(seen).extracting(PortRef::name).containsExactly("p1", null, "q1", "q1");
        assertThat(seen).extracting(PortRef::bridge).containsExactly(null, null, null, "br0");
    }

    @Test
    void aPortThatMovesKeepsItsIdentity() {
        plug(7, "p1", "dummy");
        bench.br0.addPort(ofPort(3, 7, "p1"));
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        watch(7);
        bench.br0.removePort(3);
        br1.addPort(ofPort(4, 7, "p1"));
        assertThat(seen).extracting(PortRef::id).containsOnly(1L);
        assertThat(ports.port(7).bridge()).isEqualTo("br1");
        assertThat(ports.port(7).openFlowNumber()).isEqualTo(4);
    }

    @Test
    void aPortWhoseBridgeIsGoneBelongsToNone() {
        plug(7, "p1", "dummy");
        bench.br0.addPort(ofPort(3, 7, "p1"));
        watch(7);
        bench.pipeline.removeBridge("br0");
        assertThat(seen).extracting(PortRef::bridge).containsExactly((String) null);
    }

    @Test
    void anAddressOrMtuThatChangesIsFoundAndToldOnce() {
        DummyPort device = plug(7, "p1", "dummy");
        plug(8, "p2", "dummy");
        watch(7);
        device.setMtu(9000);
        device.setMacAddress(MAC + 1);
        ports.refresh();
        ports.refresh();
        assertThat(seen).extracting(PortRef::mtu).containsExactly(9000);
        assertThat(seen).extracting(PortRef::mac).containsExactly(MAC + 1);
    }

    @Test
    void patchPortsAndWhatOpenFlowAloneSeesIsNotTold() {
        plug(7, "p1", "dummy");
        bench.br0.addPort(ofPort(3, 7, "p1"));
        watch(7);
        bench.join(bench.br0, 10, bench.pipeline.addBridge("br1", 2), 10);
        bench.br0.updatePort(new OfPort(3, 7, "p1", MAC, 0, OfPort.STATE_LINK_DOWN, null, 0));
        assertThat(seen).isEmpty();
        assertThat(ports.ports()).hasSize(1);
    }

    @Test
    void portsThatWereThereBeforeThePipelineAreKnown() {
        plug(7, "p1", "dummy");
        Pipeline later = new Pipeline(bench.datapath, bench.clock, Runnable::run);
        assertThat(later.switchPorts().port(7).name()).isEqualTo("p1");
    }
}
