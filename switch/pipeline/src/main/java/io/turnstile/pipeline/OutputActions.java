package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.Meter;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.PacketInReason;
import java.util.List;

/**
 * The ways in which a packet leaves the bridge: ports, patch ports, controllers. Threads: one, under the table lock.
 */
final class OutputActions {
    private static final int MAX_PACKET_IN_BYTES = 0xffff;
    private static final int MAX_UNWIDENED_PORT = 0xffff;

    private final Walk walk;
    private final Translator tables;
    private final FieldActions fields;
    private final NormalForwarding normal;

    /** @param tables where a packet goes that does not leave the switch yet */
    OutputActions(Walk walk, Translator tables, FieldActions fields) {
        this.walk = walk;
        this.tables = tables;
        this.fields = fields;
        this.normal = new NormalForwarding(walk, this);
    }

    void output(int port, boolean last) {
        switch (port) {
            case Ports.IN_PORT -> send(walk.state.inPort(), last);
            case Ports.TABLE -> tables.lookUp(walk.state.inPort(), 0, true, false, false);
            case Ports.NORMAL -> normal.forward(last);
            case Ports.FLOOD -> flood(false);
            case Ports.ALL -> flood(true);
            case Ports.CONTROLLER ->
                toController(new OfAction.Controller(MAX_PACKET_IN_BYTES, PacketInReason.ACTION, 0));
            case Ports.NONE -> {
                // Nowhere.
            }
            default -> {
                if (port == walk.state.inPort()) {
                    walk.report.warning("skipping output to input port");
                } else {
                    send(port, last);
                }
            }
        }
    }

    /** The packet leaves with that queue, and goes on with the one that it has. */
    void enqueue(OfAction.Enqueue enqueue, boolean last) {
        int inPort = walk.state.inPort();
        if (enqueue.port() == inPort) {
            return;
        }
        long queue = Field.SKB_PRIORITY.get(walk.state.key);
        fields.setQueue(new OfAction.SetQueue(enqueue.queueId()));
        send(enqueue.port() == Ports.IN_PORT ? inPort : enqueue.port(), last);
        fields.setQueue(new OfAction.SetQueue((int) queue));
    }

    /** Port numbers in 16-bit fields are OpenFlow 1.0's: the reserved ones are widened. */
    void outputField(OfAction.OutputField output, boolean last) {
        Bits value = fields.read(output.source());
        long port = value.low();
        walk.report.detail("output port is %d", port);
        long firstReserved = Integer.toUnsignedLong(Ports.MAX);
        boolean reserved = (port & firstReserved) == firstReserved;
        if (value.high() != 0 || port > MAX_UNWIDENED_PORT && !reserved) {
            walk.report.warning("output port %d is out of range", port);
            return;
        }
        output(Ports.widened((int) port), last);
    }

    /** @param all whether to send to ports with {@code no-flood} too */
    void flood(boolean all) {
        int inPort = walk.state.inPort();
        for (OfPort port : walk.state.bridge.portsInOrder()) {
            if (port.number() != inPort && (all || (port.config() & OfPort.CONFIG_NO_FLOOD) == 0)) {
                send(port.number(), false);
            }
        }
    }

    /** @param last whether the packet is not needed here any more */
    void send(int number, boolean last) {
        OfPort port = walk.state.bridge.port(number);
        if (port == null) {
            walk.report.warning("Nonexistent output port");
            walk.pipeline.outputToMissingPort(walk.state.bridge, number);
        } else if ((port.config() & OfPort.CONFIG_NO_FWD) != 0) {
            walk.report.detail("OFPPC_NO_FWD set, skipping output");
        } else if ((port.config() & OfPort.CONFIG_PORT_DOWN) != 0) {
            walk.report.detail("OFPPC_PORT_DOWN set, skipping output");
        } else if (port.patchPeer() != null) {
            PortLocation peer = walk.pipeline.portLocations().peerOf(port);
            if (peer != null) {
                walk.recorder.crossed(new PatchCounter.Crossing(
                        walk.state.bridge.patchCounter(number),
                        peer.bridge().patchCounter(peer.number())));
                walk.behindPatchPort(peer, () -> tables.receive(peer, last));
            }
        } else if (port.datapathPort() >= 0 && Field.PACKET_TYPE.get(walk.state.key) != 0) {
            walk.report.warning("Trying to send non-Ethernet packet through legacy L2 port. Dropping packet.");
        } else if (port.datapathPort() >= 0) {
            walk.commit();
            walk.add(new DatapathAction.Output(port.datapathPort()));
        }
    }

    /**
     * The reason is the action's; of one that only outputs, it is where that stands: in a packet-out, a group's bucket,
     * an action set, or a table-miss flow.
     */
    void toController(OfAction.Controller controller) {
        boolean outputs = controller.reason() == PacketInReason.ACTION
                && controller.controllerId() == 0
                && controller.userdata().isEmpty();
        toController(
                controller.maxLengthBytes(),
                outputs ? reasonOfOutput() : controller.reason(),
                controller.controllerId(),
                controller.userdata());
    }

    private PacketInReason reasonOfOutput() {
        if (walk.inPacketOut) {
            return PacketInReason.PACKET_OUT;
        }
        if (walk.state.inBucket) {
            return PacketInReason.GROUP;
        }
        if (walk.state.inActionSet) {
            return PacketInReason.ACTION_SET;
        }
        return walk.state.inTableMiss ? PacketInReason.EXPLICIT_MISS : PacketInReason.ACTION;
    }

    void expiredToController(int controllerId) {
        toController(MAX_PACKET_IN_BYTES, PacketInReason.INVALID_TTL, controllerId, List.of());
    }

    void missToController(int maxLengthBytes) {
        long cookie = walk.state.ruleCookie;
        walk.state.ruleCookie = 0; // that of Open vSwitch's rule for misses
        toController(maxLengthBytes, PacketInReason.IMPLICIT_MISS, 0, List.of());
        walk.state.ruleCookie = cookie;
    }

    private void toController(int maxLengthBytes, PacketInReason reason, int controllerId, List<Byte> userdata) {
        walk.commit();
        WalkState state = walk.state;
        Meter meter = state.bridge.meters().find(MeterMod.CONTROLLER);
        DatapathAction.Userspace packetIn = new DatapathAction.Userspace(new PacketInRequest(
                state.bridge,
                maxLengthBytes,
                reason,
                state.tableId,
                state.ruleCookie,
                controllerId,
                userdata,
                state.key.clone(),
                state.conntrackVisible));
        walk.add(
                meter == null
                        ? packetIn
                        : new DatapathAction.Clone(new DatapathAction[] {new DatapathAction.Metered(meter), packetIn}));
    }

    /** A meter that is not there lets everything pass. */
    void meter(int id) {
        Meter meter = walk.state.bridge.meters().find(id);
        if (meter != null) {
            walk.add(new DatapathAction.Metered(meter));
        }
    }
}
