package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.PacketInReason;
import java.util.ArrayList;
import java.util.List;

/** Notes a bridge's events as short texts. */
class EventRecorder implements OpenFlowSwitch.Events {
    final List<String> events = new ArrayList<>();
    OpenFlowSwitch.PacketIn lastPacket;
    Match lastMetadata;
    PacketInReason lastReason;
    long lastCookie;
    boolean wantsMisses;

    @Override
    public void packetIn(OpenFlowSwitch.PacketIn packet) {
        lastPacket = packet;
        lastMetadata = packet.metadata();
        lastReason = packet.reason();
        lastCookie = packet.cookie();
        events.add("packet-in reason=" + packet.reason().number() + " table=" + packet.tableId() + " in_port="
                + packet.metadata().value(Field.IN_PORT));
    }

    @Override
    public void flowRemoved(OpenFlowSwitch.FlowStats flow, FlowRemovedReason reason) {
        events.add("removed table=" + flow.tableId() + " reason=" + reason.number() + " packets=" + flow.packetCount());
    }

    @Override
    public boolean wantsPacketInOnMiss() {
        return wantsMisses;
    }

    @Override
    public void portStatus(OfPort port, PortStatusReason reason) {
        events.add("port " + port.name() + " reason=" + reason.number());
    }
}
