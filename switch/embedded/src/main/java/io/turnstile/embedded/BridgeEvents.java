package io.turnstile.embedded;

import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.PortStatusReason;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.PacketInReason;
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
    public void packetIn(
            byte[] frame,
            int maxLengthBytes,
            PacketInReason reason,
            int tableId,
            long cookie,
            int controllerId,
            Match metadata,
            byte[] userdata) {
        packetIns.add(new PacketIn(frame, maxLengthBytes, reason, tableId, cookie, controllerId, metadata, userdata));
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
