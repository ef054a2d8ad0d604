package io.turnstile.embedded;

import io.netty.channel.EventLoopGroup;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.ConntrackControl;
import io.turnstile.conntrack.ConntrackDump;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.conntrack.fragment.FragmentReassembler;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.offload.OffloadColumn;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.OffloadEvent;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.offload.ProviderStatus;
import io.turnstile.openflow.BridgeAgent;
import io.turnstile.openflow.ControllerTarget;
import io.turnstile.openflow.OpenFlowAgent;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.FlowMod;
import io.turnstile.pipeline.FlowRemovedReason;
import io.turnstile.pipeline.Match;
import io.turnstile.pipeline.OfAction;
import io.turnstile.pipeline.OfException;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.PacketInReason;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.PortStatusReason;
import io.turnstile.pipeline.ZoneTimeouts;
import io.turnstile.pipeline.text.FlowText;
import io.turnstile.pipeline.text.FlowTextException;
import io.turnstile.port.DummyPort;
import io.turnstile.port.Port;
import io.turnstile.time.ManualClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * A whole stateful switch in a unit test: one bridge, ports in memory, a clock that moves only when it is told to. It
 * needs no root, starts no thread (but for OpenFlow connections) and takes milliseconds to start.
 *
 * <p>Frames go in by {@link #receive} and have been forwarded when it returns; what came out is asked with
 * {@link #sent}. Ports come into being when a call first names them ({@link #port}, {@link #receive}, {@link #sent}),
 * or by {@link EmbeddedSwitchBuilder#ports}; a flow that names one makes none, and output to a port that is not there
 * is dropped. Flows are written as for {@code ovs-ofctl add-flow}. As a fresh bridge of Open vSwitch, the switch begins
 * with the one flow {@code priority=0 actions=NORMAL}; {@link #deleteFlows()} takes it away.
 *
 * <pre>{@code
 * try (EmbeddedSwitch sw = EmbeddedSwitch.start()) {
 *     sw.deleteFlows();
 *     sw.flows("""
 *             priority=10,in_port=1,tcp,ct_state=-trk actions=ct(commit,table=1)
 *             priority=10,in_port=2,tcp,ct_state=-trk actions=ct(table=1)
 *             table=1,in_port=1,ct_state=+trk-inv actions=2
 *             table=1,in_port=2,ct_state=+trk+est actions=1
 *             """);
 *     sw.hwOffload(true);
 *     sw.port(2);
 *     sw.receive(1, syn);
 *     assertThat(sw.sent(2)).containsExactly(syn);
 *     assertThat(sw.offloadEvents()).containsExactly("add in=1");
 *     sw.receive(2, synAck);
 *     assertThat(sw.sent(1)).containsExactly(synAck);
 *     assertThat(sw.offloadEvents()).containsExactly("established in=2");
 *     sw.advance(Duration.ofMinutes(10));
 *     assertThat(sw.offloadEvents()).last().isEqualTo("del expired");
 * }
 * }</pre>
 *
 * <p>Threads: one at a time, except that a controller may be connected meanwhile.
 */
public final class EmbeddedSwitch implements AutoCloseable {
    /** Housekeeping comes round as often as in the daemon. */
    private static final Duration STEP = Duration.ofMillis(500);

    private static final long DATAPATH_ID = 0x0200_0000_0001L;
    private static final int SCAN_SLOTS = 4096;

    private final ManualClock clock;
    private final Conntrack tracker;
    private final Datapath datapath;
    private final ForwardingContext context;
    private final Pipeline pipeline;
    private final BridgePipeline bridge;
    private final OffloadDispatcher dispatcher;
    private final ProviderRegistry providers;
    private final Map<Integer, DummyPort> ports = new TreeMap<>();
    private final Map<Integer, Queue<byte[]>> sent = new TreeMap<>();
    private final Queue<OffloadEvent> offloadEvents = new ConcurrentLinkedQueue<>();
    private final Queue<PacketIn> packetIns = new ConcurrentLinkedQueue<>();
    private final Queue<FlowRemoval> flowRemovals = new ConcurrentLinkedQueue<>();
    private String hwOffloadPriority = "";
    private ZoneTimeouts zoneTimeouts;
    private EventLoopGroup eventLoops;
    private BridgeAgent agent;

    EmbeddedSwitch(EmbeddedSwitchBuilder from, Conntrack tracker) {
        this.clock = from.clock();
        this.tracker = tracker;
        datapath = new Datapath(tracker, clock);
        context = datapath.newContext();
        pipeline = new Pipeline(datapath, clock, Runnable::run);
        bridge = pipeline.addBridge(from.bridgeName(), DATAPATH_ID);
        bridge.setFailMode(from.failMode());
        bridge.subscribe(new Recorder());
        plug(OfAction.Ports.LOCAL, 0, from.bridgeName());
        from.ports().forEach(this::port);
        providers = from.providers();
        dispatcher = OffloadDispatcher.drainedByCaller(tracker, clock, this::portName);
        dispatcher.addEventTap(offloadEvents::add);
    }

    /** With everything as it comes: bridge {@code br0}, offload providers found on the class path. */
    public static EmbeddedSwitch start() {
        return builder().start();
    }

    public static EmbeddedSwitchBuilder builder() {
        return new EmbeddedSwitchBuilder();
    }

    private final class Recorder implements OpenFlowSwitch.Events {
        @Override
        public void packetIn(
                byte[] frame,
                int maxLengthBytes,
                PacketInReason reason,
                int tableId,
                long cookie,
                int controllerId,
                Match metadata) {
            packetIns.add(
                    new PacketIn(frame, maxLengthBytes, reason.number(), tableId, cookie, controllerId, metadata));
        }

        @Override
        public void flowRemoved(OpenFlowSwitch.FlowStats flow, FlowRemovedReason reason) {
            flowRemovals.add(new FlowRemoval(FlowDump.line(flow), reason.number()));
        }

        @Override
        public void portStatus(OfPort port, PortStatusReason reason) {
            // Who plugs ports in here is the test itself.
        }
    }

    // ---- ports and packets ----

    /**
     * The port of that OpenFlow number, made if it is new and then named {@code p<number>};
     * {@link OfAction.Ports#LOCAL} is the bridge's own. Datapath ports bear the same numbers, with 0 for LOCAL.
     */
    public DummyPort port(int number) {
        DummyPort present = ports.get(number);
        if (present != null) {
            return present;
        }
        if (number < 1 || number >= 0xff00) {
            throw new IllegalArgumentException("OpenFlow port numbers are 1 to 65279, not " + number);
        }
        return plug(number, number, "p" + number);
    }

    private DummyPort plug(int number, int datapathNumber, String name) {
        DummyPort port = new DummyPort(name, Map.of(), () -> clock.wallMs() * 1000);
        port.setMtu(65_535);
        Queue<byte[]> out = new ConcurrentLinkedQueue<>();
        port.onSent(out::add);
        ports.put(number, port);
        sent.put(number, out);
        datapath.addPort(port, datapathNumber);
        bridge.addPort(
                new OfPort(number, datapathNumber, name, port.linkStatus().macAddress(), 0, 0, null, 0));
        return port;
    }

    /** Unplugs the port; nothing happens if there is none. */
    public void removePort(int number) {
        DummyPort port = ports.remove(number);
        if (port != null) {
            bridge.removePort(number);
            datapath.removePort(number == OfAction.Ports.LOCAL ? 0 : number);
            sent.remove(number);
            port.close();
        }
    }

    /** A frame arrives at the port (made if need be) and is carried through before this returns. */
    public void receive(int port, byte[] frame) {
        port(port).deliver(frame);
        settle();
    }

    /** Carries through whatever waits at ports, offload events included. */
    private void settle() {
        boolean busy = true;
        while (busy) {
            busy = false;
            for (Map.Entry<Integer, Port> port : datapath.ports().entrySet()) {
                busy |= datapath.receiveAndProcess(port.getKey(), port.getValue(), context) > 0;
            }
        }
        dispatcher.drain();
    }

    /** What the switch has sent by the port since the last question, oldest first. */
    public List<byte[]> sent(int port) {
        port(port);
        return drain(sent.get(port));
    }

    /** A packet-out: runs actions (ovs-ofctl syntax) on the frame as if it had come in by {@code inPort}. */
    public void packetOut(int inPort, String actions, byte[] frame) {
        if (inPort > 0) {
            port(inPort);
        }
        try {
            bridge.packetOut(inPort, FlowText.parseActions(actions), frame);
        } catch (FlowTextException | OfException e) {
            throw new IllegalArgumentException(actions + ": " + e.getMessage(), e);
        }
        settle();
    }

    /** What came for the controllers since the last question. */
    public List<PacketIn> packetIns() {
        bridge.awaitEvents();
        return drain(packetIns);
    }

    /** Flows with {@code send_flow_rem} that ended since the last question. */
    public List<FlowRemoval> flowRemovals() {
        bridge.awaitEvents();
        return drain(flowRemovals);
    }

    private static <T> List<T> drain(Queue<T> queue) {
        List<T> all = new ArrayList<>();
        for (T next = queue.poll(); next != null; next = queue.poll()) {
            all.add(next);
        }
        return all;
    }

    // ---- flows ----

    /**
     * Adds flows, one a line, as {@code ovs-ofctl add-flows} reads them: empty lines and {@code #} comments are
     * skipped.
     *
     * @throws IllegalArgumentException a line is wrong or refused; says which and why. Lines before it have been added.
     */
    public void flows(String lines) {
        lines.lines()
                .map(line -> line.replaceFirst("#.*", "").strip())
                .filter(line -> !line.isEmpty())
                .forEach(line -> change(FlowMod.Command.ADD, line));
    }

    /** {@code ovs-ofctl mod-flows}. */
    public void modifyFlows(String line) {
        change(FlowMod.Command.MODIFY, line);
    }

    /** All of them. */
    public void deleteFlows() {
        change(FlowMod.Command.DELETE, "");
    }

    /** {@code ovs-ofctl del-flows}: those that the match selects. */
    public void deleteFlows(String match) {
        change(FlowMod.Command.DELETE, match);
    }

    private void change(FlowMod.Command command, String line) {
        try {
            FlowMod mod = FlowText.parseFlowMod(command, line);
            bridge.apply(mod);
        } catch (FlowTextException | OfException e) {
            throw new IllegalArgumentException(line + ": " + e.getMessage(), e);
        }
    }

    /** Lines as {@code ovs-ofctl dump-flows} has them, by table and priority. */
    public List<String> dumpFlows() {
        return FlowDump.lines(
                bridge.flows(new OpenFlowSwitch.FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE)));
    }

    /** Lines as {@code ovs-appctl dpctl/dump-flows} has them. */
    public List<String> dumpDatapathFlows() {
        return datapath.flows().stream()
                .map(flow -> DatapathFlowText.line(flow, clock.nowNs()))
                .toList();
    }

    /** What {@code ovs-appctl ofproto/trace} prints of a packet such as {@code in_port=1,tcp,tp_dst=80}. */
    public String trace(String packet) {
        try {
            Match match = FlowText.parseMatch(packet);
            return pipeline.trace(bridge, (int) match.value(Field.IN_PORT), match.copyOfValue());
        } catch (FlowTextException e) {
            throw new IllegalArgumentException(packet + ": " + e.getMessage(), e);
        }
    }

    /** The bridge as its controllers see it, for what has no text here: bundles, port configuration, statistics. */
    public OpenFlowSwitch bridge() {
        return bridge;
    }

    /** How many packets ended for that reason. */
    public long drops(DropReason reason) {
        return datapath.drops(reason);
    }

    // ---- time ----

    /** The switch's clock; {@link #advance} moves it. */
    public ManualClock clock() {
        return clock;
    }

    /** Lets that much time pass, with all that time brings: timeouts, updates of offloaded connections, expiry. */
    public void advance(Duration time) {
        Duration left = time;
        while (left.isPositive()) {
            Duration step = left.compareTo(STEP) < 0 ? left : STEP;
            clock.advance(step);
            left = left.minus(step);
            tick();
        }
    }

    private void tick() {
        long nowNs = clock.nowNs();
        datapath.maintain(nowNs);
        pipeline.maintain(nowNs);
        tracker.sweep(nowNs);
        dispatcher.drain();
    }

    // ---- connections and offload ----

    /** The tracker itself. */
    public Conntrack conntrack() {
        return tracker;
    }

    /** What operators ask and set of the tracker: what {@code ovs-appctl dpctl/ct-…} does. */
    public ConntrackControl conntrackControl() {
        if (tracker instanceof ConntrackControl control) {
            return control;
        }
        throw new IllegalStateException("this switch was made with a tracker that cannot be controlled");
    }

    /**
     * {@code ovs-vsctl add-zone-tp}, {@code del-zone-tp}: connections committed from now on live by these policies.
     *
     * @param policies by zone, 0 to 65535, in place of all that was set before
     */
    public void zoneTimeouts(Map<Integer, TimeoutPolicy> policies) {
        if (zoneTimeouts == null) {
            zoneTimeouts = new ZoneTimeouts(pipeline, conntrackControl());
        }
        zoneTimeouts.set(policies);
    }

    /** Where fragments wait for each other at {@code ct()}: what {@code ovs-appctl dpctl/ipf-…} asks and sets. */
    public FragmentReassembler fragments() {
        return datapath.fragments();
    }

    /**
     * {@code ovs-appctl dpctl/flush-conntrack}; providers have been told when this returns. Returns how many there
     * were.
     */
    public int flushConnections() {
        return flush(null);
    }

    /** {@code ovs-appctl dpctl/flush-conntrack zone=N}: the same for one zone, 0 to 65535. */
    public int flushConnections(int zone) {
        if (zone < 0 || zone > 0xffff) {
            throw new IllegalArgumentException("zones are 0 to 65535, not " + zone);
        }
        return flush(zone);
    }

    private int flush(Integer zoneOrNull) {
        int flushed = tracker.flush(zoneOrNull, clock.nowNs());
        dispatcher.drain();
        return flushed;
    }

    /** Lines as {@code ovs-appctl dpctl/dump-conntrack -s} has them: with the seconds until each connection expires. */
    public List<String> dumpConnections() {
        return dumpConnections(connection -> ConntrackDump.line(connection, false, true));
    }

    /**
     * Lines as {@code ovs-appctl dpctl/dump-conntrack -m} has them: while offload is on each ends with the state at
     * every provider, {@code ,offload=(dummy:established)}.
     */
    public List<String> dumpConnectionsWithOffload() {
        return dumpConnections(connection -> ConntrackDump.line(connection, true, false)
                + OffloadColumn.of(dispatcher.offloadStates(connection.connectionId)));
    }

    private List<String> dumpConnections(Function<ConnectionSnapshot, String> line) {
        List<String> lines = new ArrayList<>();
        long cursor = 0;
        while (cursor >= 0) {
            cursor = tracker.scan(cursor, SCAN_SLOTS, connection -> lines.add(line.apply(connection)), clock.nowNs());
        }
        return lines;
    }

    /**
     * {@code other_config:hw-offload}; off at the start. Turned on, providers are asked in the order of their
     * priorities, or in that of {@link #hwOffloadPriority}, and are told of the connections that are there already.
     * Turned on when it is on, only what has changed about the choice of providers takes effect.
     */
    public void hwOffload(boolean on) {
        if (on) {
            dispatcher.enable(providers.inOrder(hwOffloadPriority));
            dispatcher.drain();
        } else {
            dispatcher.disable();
        }
    }

    /**
     * {@code other_config:hw-offload-priority}: provider names in the order in which they are to be asked, separated by
     * commas; {@code none} leaves out those that are not named before it. Empty: by the providers' own priorities.
     * Live: those that stay go on undisturbed.
     */
    public void hwOffloadPriority(String names) {
        hwOffloadPriority = names;
        if (dispatcher.isEnabled()) {
            hwOffload(true);
        }
    }

    /** The providers in the order in which they are asked, and how each stands; one whose init failed says why. */
    public List<ProviderStatus> offloadProviders() {
        return dispatcher.providers();
    }

    /** What {@code ovs-appctl conntrack/offload-show} prints. */
    public String offloadShow() {
        return dispatcher.show();
    }

    /**
     * What providers were told since the last question, in order: {@code add in=1}, {@code established in=2} (the
     * reply's port), {@code update in=1}, {@code del expired}; with the provider's name in front where there are
     * several, and with {@code declined: …} or {@code failed: …} behind. Questions whether a provider wants a
     * connection are shown if it declines.
     */
    public List<String> offloadEvents() {
        boolean several = dispatcher.providers().size() > 1;
        return offloadEventObjects().stream()
                .filter(event -> event.kind() != OffloadEvent.Kind.QUERY
                        || !event.resultText().equals("accepted"))
                .map(event -> (several ? event.provider() + " " : "") + OffloadEventText.of(event))
                .toList();
    }

    /** The same with everything known of each, questions included. */
    public List<OffloadEvent> offloadEventObjects() {
        return drain(offloadEvents);
    }

    private String portName(int datapathPort) {
        Port port = datapath.port(datapathPort);
        return port == null ? null : port.name();
    }

    // ---- controllers ----

    /** Lets controllers and {@code ovs-ofctl} in on the loopback interface; returns the TCP port. */
    public int listenOpenFlow() {
        try {
            return ((InetSocketAddress) agent().listen("ptcp:0:127.0.0.1")).getPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Connects to a controller such as {@code tcp:127.0.0.1:6653}, as {@code ovs-vsctl set-controller}: flows are
     * emptied.
     */
    public void connectController(String target) {
        try {
            bridge.setControllersConfigured(true);
            agent().setControllers(List.of(new ControllerTarget(target)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private BridgeAgent agent() {
        if (agent == null) {
            eventLoops = OpenFlowAgent.newEventLoop();
            agent = new OpenFlowAgent(eventLoops, clock).attach(bridge);
        }
        return agent;
    }

    /** Ends everything; providers are told to let go first. */
    @Override
    public void close() {
        dispatcher.close();
        if (agent != null) {
            agent.close();
            eventLoops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
        pipeline.removeBridge(bridge.name());
        datapath.retire(context);
        ports.values().forEach(DummyPort::close);
    }
}
