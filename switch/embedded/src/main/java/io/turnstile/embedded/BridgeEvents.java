package io.turnstile.embedded;

import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.PortStatusReason;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The recorder writes down what one bridge tells its controllers, until the test takes it.
 *
 * <p>Threads: any.
 */
final class BridgeEvents implements OpenFlowSwitch.Events {
    private final Queue<PacketIn> packetIns = new ConcurrentLinkedQueue<>();
    private final Queue<FlowRemoval> flowRemovals = new ConcurrentLinkedQueue<>();

    @Override
    public void packetIn(OpenFlowSwitch.PacketIn packet) {
        packetIns.add(new PacketIn(
                packet.frame(),
                packet.maxLengthBytes(),
                packet.reason(),
                packet.tableId(),
                packet.cookie(),
                packet.controllerId(),
                packet.metadata(),
                packet.userdata(),
                packet.paused()));
    }

    @Override
    public void flowRemoved(OpenFlowSwitch.FlowStats flow, FlowRemovedReason reason) {
        flowRemovals.add(new FlowRemoval(FlowDump.line(flow), reason));
    }

    @Override
    public void portStatus(OfPort port, PortStatusReason reason) {
        // Who plugs ports in here is the test itself.
    }

    List<PacketIn> takePacketIns() {
        return EmbeddedPorts.takeAll(packetIns);
    }

    List<FlowRemoval> takeFlowRemovals() {
        return EmbeddedPorts.takeAll(flowRemovals);
    }
}
