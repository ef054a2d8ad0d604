package io.turnstile.embedded;

import io.turnstile.datapath.Field;
import io.turnstile.openflow.BridgeAgent;
import io.turnstile.openflow.ControllerTarget;
import io.turnstile.packet.Frame;
import io.turnstile.packet.FrameView;
import io.turnstile.packet.Frames;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.port.DummyPort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Objects;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One bridge of an {@link EmbeddedSwitch}: its ports, flows, packets for controllers, and controllers. Flows are
 * written as for {@code ovs-ofctl add-flow}. As a fresh bridge of Open vSwitch, it begins with the one flow
 * {@code priority=0 actions=NORMAL}; {@link #deleteFlows()} takes it away.
 *
 * <p>Errors are those of the switch, which see; also for threads.
 */
public final class EmbeddedBridge {
    private static final long FIRST_SEQUENCE = 1000;

    private final SwitchCore core;
    private final BridgePipeline bridge;
    private final EmbeddedPorts ports;
    private final BridgeEvents events = new BridgeEvents();
    /** Null until the bridge is first spoken to over OpenFlow. */
    private @Nullable BridgeAgent agent;

    EmbeddedBridge(SwitchCore core, BridgePipeline bridge, String portNamePrefix, IntUnaryOperator datapathNumbers) {
        this.core = core;
        this.bridge = bridge;
        ports = new EmbeddedPorts(core, bridge, portNamePrefix, datapathNumbers);
        bridge.subscribe(events);
    }

    public String name() {
        return bridge.name();
    }

    /** The bridge as its controllers see it, for what has no text here: bundles, port configuration, statistics. */
    public OpenFlowSwitch openFlow() {
        core.requireOpen();
        return bridge;
    }

    // ---- ports ----

    /**
     * Makes the port of that OpenFlow number, 1 to 65279, which must be free. Providers are told before this returns.
     */
    public DummyPort addPort(int number) {
        return core.call(() -> {
            DummyPort added = ports.add(number);
            core.settle();
            return added;
        });
    }

    /** The port of that number; {@link OfAction.Ports#LOCAL} is the bridge's own. */
    public DummyPort port(int number) {
        return core.call(() -> ports.port(number));
    }

    /**
     * Unplugs the port. Flows that name it stay; what they send there is dropped from now on, and that is no error.
     * Providers are told before this returns. Another port of that number is another port to them.
     *
     * @throws IllegalArgumentException there is no such port
     */
    public void removePort(int number) {
        core.run(() -> {
            ports.remove(number);
            core.forgetRemovedPorts();
            core.settle();
        });
    }

    /** Joins two bridges of a switch by a pair of patch ports, whose numbers must be free. */
    public void patch(int number, EmbeddedBridge peer, int peerNumber) {
        core.run(() -> {
            if (peer.core != core) {
                throw new IllegalArgumentException(
                        "the bridges " + name() + " and " + peer.name() + " are of two switches");
            }
            ports.requireRoomForPatch(number);
            peer.ports.addPatch(peerNumber, ports.patchName(number));
            ports.addPatch(number, peer.ports.patchName(peerNumber));
        });
    }

    // ---- packets ----

    /**
     * A frame arrives at the port and has been carried through when this returns. One without a whole Ethernet header
     * is dropped and counted ({@link io.turnstile.datapath.DropReason#MALFORMED}), as from a real port.
     *
     * @throws IllegalArgumentException the frame is empty or longer than any port takes, or there is no such port
     */
    public void receive(int port, byte[] frame) {
        Objects.requireNonNull(frame, "frame");
        core.run(() -> {
            ports.deliver(port, frame);
            core.settle();
        });
    }

    /** {@link #receive(int, byte[])} of a frame that is described. */
    public void receive(int port, Frame frame) {
        receive(port, Objects.requireNonNull(frame, "frame").bytes());
    }

    /** Takes what the bridge has sent by the port and nobody took yet, oldest first. */
    public List<FrameView> takeSent(int port) {
        return takeSentBytes(port).stream().map(FrameView::of).toList();
    }

    /** {@link #takeSent}, as arrays. */
    public List<byte[]> takeSentBytes(int port) {
        return core.call(() -> ports.takeSent(port));
    }

    void putBack(int port, List<byte[]> taken) {
        ports.putBack(port, taken);
    }

    /**
     * A packet-out: runs actions (ovs-ofctl syntax) on the frame as if it had come in by {@code inPort}, which may also
     * be {@link OfAction.Ports#CONTROLLER}, {@link OfAction.Ports#NONE} or {@link OfAction.Ports#LOCAL}.
     */
    public void packetOut(int inPort, String actions, byte[] frame) {
        Objects.requireNonNull(frame, "frame");
        core.run(() -> {
            if (inPort >= 0) {
                ports.port(inPort);
            }
            try {
                bridge.packetOut(inPort, FlowText.parseActions(actions), frame);
            } catch (FlowTextException | OfException e) {
                throw new IllegalArgumentException(actions + ": " + e.getMessage(), e);
            }
            core.settle();
        });
    }

    /** Takes what came for the controllers. */
    public List<PacketIn> takePacketIns() {
        return core.call(() -> {
            bridge.awaitEvents();
            return events.takePacketIns();
        });
    }

    /** Takes the news of flows with {@code send_flow_rem} that ended. */
    public List<FlowRemoval> takeFlowRemovals() {
        return core.call(() -> {
            bridge.awaitEvents();
            return events.takeFlowRemovals();
        });
    }

    /**
     * Drives a TCP connection through its handshake and returns it for what follows.
     *
     * @param port where the SYN comes in
     * @param replyPort where it has to come out, and where its answers come in
     * @param sourceToDestination as {@link Frames#tcp} takes it, seen from {@code port}; NAT may change it on the way
     * @throws IllegalStateException a segment did not come out where it has to, as exactly one frame
     */
    public TcpDialogue tcpHandshake(int port, int replyPort, String sourceToDestination) {
        return tcpHandshake(port, replyPort, Frames.tcp(sourceToDestination).seq(FIRST_SEQUENCE));
    }

    /** The same for segments that look like this one: with its MAC addresses, tags, TTL and first sequence number. */
    public TcpDialogue tcpHandshake(int port, int replyPort, Frame like) {
        return TcpDialogue.begin(this, port, replyPort, like);
    }

    // ---- flows ----

    /**
     * Adds flows, one a line, as {@code ovs-ofctl add-flows} reads them: empty lines and {@code #} comments are
     * skipped.
     *
     * @throws IllegalArgumentException a line is wrong or refused; says which and why. Lines before it have been added.
     */
    public void flows(String lines) {
        core.run(() -> lines.lines()
                .map(line -> line.replaceFirst("#.*", "").strip())
                .filter(line -> !line.isEmpty())
                .forEach(line -> change(FlowMod.Command.ADD, line)));
    }

    /** {@code ovs-ofctl mod-flows}. */
    public void modifyFlows(String line) {
        core.run(() -> change(FlowMod.Command.MODIFY, line));
    }

    /** Deletes all flows. */
    public void deleteFlows() {
        deleteFlows("");
    }

    /** {@code ovs-ofctl del-flows}: deletes those that the match selects. */
    public void deleteFlows(String match) {
        core.run(() -> change(FlowMod.Command.DELETE, match));
    }

    private void change(FlowMod.Command command, String line) {
        try {
            bridge.apply(FlowText.parseFlowMod(command, line));
        } catch (FlowTextException | OfException e) {
            throw new IllegalArgumentException(line + ": " + e.getMessage(), e);
        }
    }

    /** Lines as {@code ovs-ofctl dump-flows} has them, by table and priority. */
    public List<String> dumpFlows() {
        return core.call(() -> FlowDump.lines(
                bridge.flows(new OpenFlowSwitch.FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE))));
    }

    /** What {@code ovs-appctl ofproto/trace} prints of a packet such as {@code in_port=1,tcp,tp_dst=80}. */
    public String trace(String packet) {
        return core.call(() -> {
            try {
                Match match = FlowText.parseMatch(packet);
                return core.trace(
                        () -> core.pipeline.trace(bridge, (int) match.value(Field.IN_PORT), match.copyOfValue()));
            } catch (FlowTextException e) {
                throw new IllegalArgumentException(packet + ": " + e.getMessage(), e);
            }
        });
    }

    // ---- controllers ----

    /** Lets controllers and {@code ovs-ofctl} in on the loopback interface; returns the TCP port. */
    public int listenOpenFlow() {
        return core.call(() -> {
            try {
                return ((InetSocketAddress) agent().listen("ptcp:0:127.0.0.1")).getPort();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /**
     * Connects to a controller such as {@code tcp:127.0.0.1:6653}, as {@code ovs-vsctl set-controller}: flows are
     * emptied.
     */
    public void connectController(String target) {
        core.run(() -> {
            try {
                bridge.setControllersConfigured(true);
                agent().setControllers(List.of(new ControllerTarget(target)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private BridgeAgent agent() {
        if (agent == null) {
            agent = core.newAgent(bridge);
        }
        return agent;
    }

    // ---- the end ----

    void closeAgent() {
        if (agent != null) {
            agent.close();
        }
    }

    void closePorts() {
        ports.close();
    }
}
