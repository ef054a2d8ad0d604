package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.Meter;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.PacketInReason;
import io.turnstile.pipeline.flow.PortNames;
import org.jspecify.annotations.Nullable;

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

    /** To a port of the datapath, and to no other: Open vSwitch truncates for none of the others. */
    void outputTruncated(OfAction.OutputTruncated output) {
        int number = output.port();
        if (number == walk.state.inPort()) {
            walk.report.warning("skipping output to input port");
            return;
        }
        switch (number) {
            case Ports.TABLE, Ports.NORMAL, Ports.FLOOD, Ports.ALL, Ports.CONTROLLER, Ports.NONE -> {
                walk.report.warning("output_trunc does not support port: " + PortNames.format(number));
                return;
            }
            default -> {
                // One port.
            }
        }
        OfPort port = walk.state.bridge.port(number);
        if (port == null || port.patchPeer() != null) {
            walk.report.error("output_trunc does not support patch port " + PortNames.format(number));
        } else if (maySend(port) && port.datapathPort() >= 0) {
            walk.commit();
            walk.add(new DatapathAction.OutputTruncated(port.datapathPort(), output.maxLengthBytes()));
        }
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
        } else if (!maySend(port)) {
            return;
        } else if (port.patchPeer() != null) {
            PortLocation peer = walk.pipeline.portLocations().peerOf(port);
            if (peer != null) {
                walk.recorder.crossed(new PatchCounter.Crossing(
                        walk.state.bridge.patchCounter(number), peer.bridge().patchCounter(peer.number())));
                walk.behindPatchPort(peer, () -> tables.receive(peer, last));
            }
        } else if (port.datapathPort() >= 0 && Field.PACKET_TYPE.get(walk.state.key) != 0) {
            walk.report.warning("Trying to send non-Ethernet packet through legacy L2 port. Dropping packet.");
        } else if (port.datapathPort() >= 0) {
            walk.commit();
            walk.add(new DatapathAction.Output(port.datapathPort()));
        }
    }

    private boolean maySend(OfPort port) {
        if ((port.config() & OfPort.CONFIG_NO_FWD) != 0) {
            walk.report.detail("OFPPC_NO_FWD set, skipping output");
            return false;
        }
        if ((port.config() & OfPort.CONFIG_PORT_DOWN) != 0) {
            walk.report.detail("OFPPC_PORT_DOWN set, skipping output");
            return false;
        }
        return true;
    }

    /** The reason is the action's; of one that only outputs, it is where that stands. */
    void toController(OfAction.Controller controller) {
        toController(controller, controller.isPlain() ? reasonOfOutput() : reasonOfAction(controller), null);
    }

    /** In a packet-out, a group's bucket, an action set, or a table-miss flow. */
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

    private PacketInReason reasonOfAction(OfAction.Controller controller) {
        return controller.reason() == PacketInReason.ACTION && walk.state.inTableMiss
                ? PacketInReason.EXPLICIT_MISS
                : controller.reason();
    }

    void expiredToController(int controllerId) {
        toController(
                new OfAction.Controller(MAX_PACKET_IN_BYTES, PacketInReason.INVALID_TTL, controllerId),
                PacketInReason.INVALID_TTL,
                null);
    }

    void missToController(int maxLengthBytes) {
        long cookie = walk.state.ruleCookie;
        walk.state.ruleCookie = 0; // that of Open vSwitch's rule for misses
        toController(
                new OfAction.Controller(maxLengthBytes, PacketInReason.NO_MATCH, 0),
                PacketInReason.IMPLICIT_MISS,
                null);
        walk.state.ruleCookie = cookie;
    }

    /** The paused walk goes to the controllers with its packet; the table is not told, as by Open vSwitch. */
    void pausedToController(OfAction.Controller pause) {
        toController(pause, pause.reason(), walk.state.takePaused(walk.datapathPort()));
    }

    private void toController(OfAction.Controller controller, PacketInReason reason, @Nullable PausedWalk paused) {
        walk.commit();
        WalkState state = walk.state;
        Meter meter = state.bridge.meters().ofPacketIns(controller.meterId(), walk.recorder);
        DatapathAction.Userspace packetIn = new DatapathAction.Userspace(new PacketInRequest(
                state.bridge,
                controller.maxLengthBytes(),
                reason,
                paused == null ? state.tableId : 0,
                state.ruleCookie,
                controller.controllerId(),
                controller.userdata(),
                state.key.clone(),
                state.conntrackVisible,
                paused));
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
