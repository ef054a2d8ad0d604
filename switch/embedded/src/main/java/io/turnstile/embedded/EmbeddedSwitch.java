package io.turnstile.embedded;

import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.ConntrackControl;
import io.turnstile.conntrack.ConntrackDump;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.conntrack.fragment.FragmentReassembler;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.DropReason;
import io.turnstile.offload.OffloadColumn;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.ZoneTimeouts;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A whole stateful switch in a unit test: bridges, ports in memory, a clock that moves only when it is told to. It
 * needs no root, starts no thread (but for OpenFlow connections) and takes milliseconds to start.
 *
 * <pre>{@code
 * try (EmbeddedSwitch sw = EmbeddedSwitch.withPorts(1, 2)) {
 *     sw.deleteFlows();
 *     sw.flows("""
 *             priority=10,in_port=1,tcp,ct_state=-trk actions=ct(commit,table=1)
 *             priority=10,in_port=2,tcp,ct_state=-trk actions=ct(table=1)
 *             table=1,in_port=1,ct_state=+trk-inv actions=2
 *             table=1,in_port=2,ct_state=+trk+est actions=1
 *             """);
 *     sw.hwOffload(true);
 *     sw.receive(1, Frames.tcp("10.0.0.1:1234 > 10.0.0.2:80").syn().seq(1));
 *     FrameView syn = sw.takeSent(2).getFirst();
 *     assertThat(syn).hasToString("02:00:00:00:00:01 > 02:00:00:00:00:02, "
 *             + "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [S], seq 1, length 0");
 *     assertThat(sw.takeOffloadEvents()).containsExactly("add in=1");
 *     sw.receive(2, syn.reply());
 *     assertThat(sw.takeSentBytes(1)).containsExactly(syn.reply().bytes());
 *     sw.receive(1, syn.reply().reply());
 *     assertThat(sw.takeOffloadEvents()).containsExactly("established in=2");
 *     sw.advance(Duration.ofDays(2));
 *     assertThat(sw.takeOffloadEvents()).last().isEqualTo("del expired");
 * }
 * }</pre>
 *
 * <p>Frames go in by {@link #receive} and have been forwarded when it returns. Calls that take something out are named
 * so: what {@link #takeSent} returned once it does not return again. All others only look. The methods that concern a
 * bridge are shorthands for those of the main one, {@link #bridge()}; {@link #addBridge} makes others,
 * {@link EmbeddedBridge#patch} joins two.
 *
 * <p><b>Errors.</b> What goes wrong inside (the pipeline, an action, the tracker, the dispatcher, a port's or an
 * OpenFlow listener that throws) is thrown by the call that met it as {@link SwitchFailedException}, whatever thread it
 * happened on; {@link #check()} asks for it. A provider's faults are not among them: they are contained as in
 * production, see {@link #offload()}. A wrong argument is an {@link IllegalArgumentException}, every call after
 * {@link #close()} an {@link IllegalStateException}; closing again does nothing.
 *
 * <p><b>Ports</b> are those of {@link #withPorts}, {@link EmbeddedSwitchBuilder#ports} and {@link #addPort}; no other
 * call makes one. In OpenFlow a flow may name a port that is not there, and packets to it vanish. In a test that is a
 * mistake mostly: the first packet that is to leave by a port that nobody made is a {@link SwitchFailedException} that
 * names the port and the flow, unless the test itself has removed the port or said
 * {@link EmbeddedSwitchBuilder#allowMissingPorts}.
 *
 * <p><b>Time</b> stands at 2026-01-01T00:00:00Z ({@link ManualClock#START_WALL_MS}) until it is moved.
 *
 * <p>Threads: one at a time, except that a controller may be connected meanwhile.
 */
public final class EmbeddedSwitch extends MainBridgeShorthands implements AutoCloseable {
    /** Housekeeping comes round as often as in the daemon. */
    private static final Duration STEP = Duration.ofMillis(500);

    private static final long FIRST_DATAPATH_ID = 0x0200_0000_0001L;
    private static final int SCAN_SLOTS = 4096;

    private final SwitchCore core;
    private final EmbeddedSwitchBuilder settings;
    private final Map<String, EmbeddedBridge> bridges = new LinkedHashMap<>();
    private final EmbeddedBridge main;
    private final EmbeddedOffload offload;
    private @Nullable ZoneTimeouts zoneTimeouts;
    /** Datapath numbers above all that the main bridge's ports can have. */
    private int nextDatapathNumber = EmbeddedPorts.MAX_NUMBER + 1;

    EmbeddedSwitch(EmbeddedSwitchBuilder from, Conntrack tracker) {
        settings = from;
        core = new SwitchCore(from, tracker);
        main = makeBridge(from.bridgeName(), "p", number -> number == OfAction.Ports.LOCAL ? 0 : number);
        from.ports().forEach(main::addPort);
        offload = new EmbeddedOffload(core, from.providers());
    }

    /** With these ports, bridge {@code br0}, and the offload providers found on the class path. */
    public static EmbeddedSwitch withPorts(Integer... numbers) {
        return builder().ports(numbers).start();
    }

    public static EmbeddedSwitchBuilder builder() {
        return new EmbeddedSwitchBuilder();
    }

    // ---- bridges ----

    /** The main bridge, which is there from the start. Its datapath ports bear its OpenFlow numbers, LOCAL's is 0. */
    public EmbeddedBridge bridge() {
        return core.call(() -> main);
    }

    @Override
    EmbeddedBridge main() {
        return main;
    }

    /**
     * The bridge of that name.
     *
     * @throws IllegalArgumentException there is none of that name
     */
    public EmbeddedBridge bridge(String name) {
        return core.call(() -> {
            EmbeddedBridge found = bridges.get(name);
            if (found == null) {
                throw new IllegalArgumentException("no bridge " + name + " among " + bridges.keySet() + "; addBridge(\""
                        + name + "\", …) makes it");
            }
            return found;
        });
    }

    /** Makes another bridge, with these ports, named {@code <bridge>-p<number>}, and the main one's fail mode. */
    public EmbeddedBridge addBridge(String name, Integer... ports) {
        return core.call(() -> {
            EmbeddedBridge added = makeBridge(name, name + "-p", number -> nextDatapathNumber++);
            List.of(ports).forEach(added::addPort);
            return added;
        });
    }

    private EmbeddedBridge makeBridge(String name, String portNamePrefix, IntUnaryOperator datapathNumbers) {
        BridgePipeline pipeline = core.pipeline.addBridge(name, FIRST_DATAPATH_ID + bridges.size());
        pipeline.setFailMode(settings.failMode());
        EmbeddedBridge bridge = new EmbeddedBridge(core, pipeline, portNamePrefix, datapathNumbers);
        bridges.put(name, bridge);
        return bridge;
    }

    // ---- the datapath ----

    /** Lines as {@code ovs-appctl dpctl/dump-flows} has them. */
    public List<String> dumpDatapathFlows() {
        return core.call(() -> core.datapath.flows().stream()
                .map(flow -> DatapathFlowText.line(flow, core.clock.nowNs()))
                .toList());
    }

    /** How many packets ended for that reason. */
    public long drops(DropReason reason) {
        return core.call(() -> core.datapath.drops(reason));
    }

    /** Where fragments wait for each other at {@code ct()}: what {@code ovs-appctl dpctl/ipf-…} asks and sets. */
    public FragmentReassembler fragments() {
        return core.call(core.datapath::fragments);
    }

    // ---- time ----

    /** The switch's clock; {@link #advance} moves it. */
    public ManualClock clock() {
        return core.call(() -> core.clock);
    }

    /**
     * Lets that much time pass, with all that time brings: timeouts, updates of offloaded connections, expiry.
     *
     * @throws IllegalArgumentException the time is negative
     */
    public void advance(Duration time) {
        core.run(() -> {
            if (time.isNegative()) {
                throw new IllegalArgumentException("time goes forward only, not by " + time);
            }
            for (Duration left = time; left.isPositive(); ) {
                Duration step = left.compareTo(STEP) < 0 ? left : STEP;
                core.clock.advance(step);
                left = left.minus(step);
                core.tick();
            }
        });
    }

    // ---- connections ----

    /** The tracker itself. */
    public Conntrack conntrack() {
        return core.call(() -> core.tracker);
    }

    /** What operators ask and set of the tracker: what {@code ovs-appctl dpctl/ct-…} does. */
    public ConntrackControl conntrackControl() {
        return core.call(() -> {
            if (core.tracker instanceof ConntrackControl control) {
                return control;
            }
            throw new IllegalStateException("this switch was made with a tracker that cannot be controlled");
        });
    }

    /**
     * {@code ovs-vsctl add-zone-tp}, {@code del-zone-tp}: connections committed from now on live by these policies.
     *
     * @param policies by zone, 0 to 65535, in place of all that was set before
     */
    public void zoneTimeouts(Map<Integer, TimeoutPolicy> policies) {
        core.run(() -> {
            policies.keySet().forEach(EmbeddedSwitch::requireZone);
            if (zoneTimeouts == null) {
                zoneTimeouts = new ZoneTimeouts(core.pipeline, conntrackControl());
            }
            zoneTimeouts.set(policies);
        });
    }

    private static void requireZone(int zone) {
        if (zone < 0 || zone > 0xffff) {
            throw new IllegalArgumentException("zones are 0 to 65535, not " + zone);
        }
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
        requireZone(zone);
        return flush(zone);
    }

    private int flush(@Nullable Integer zone) {
        return core.call(() -> {
            int flushed = core.tracker.flush(zone, "embedded", core.clock.nowNs());
            core.dispatcher.drain();
            return flushed;
        });
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
                + OffloadColumn.of(core.dispatcher.offloadStates(connection.connectionId)));
    }

    private List<String> dumpConnections(Function<ConnectionSnapshot, String> line) {
        return core.call(() -> {
            List<String> lines = new ArrayList<>();
            for (long cursor = 0; cursor >= 0; ) {
                cursor = core.tracker.scan(
                        cursor, SCAN_SLOTS, connection -> lines.add(line.apply(connection)), core.clock.nowNs());
            }
            return lines;
        });
    }

    // ---- offload ----

    /** Everything about offload providers. */
    public EmbeddedOffload offload() {
        return core.call(() -> offload);
    }

    /** {@link EmbeddedOffload#enable}. */
    public void hwOffload(boolean on) {
        offload.enable(on);
    }

    /** {@link EmbeddedOffload#takeEvents}. */
    public List<String> takeOffloadEvents() {
        return offload.takeEvents();
    }

    // ---- the end ----

    /**
     * Throws what went wrong inside and was not thrown yet, say on a controller's connection.
     *
     * @throws SwitchFailedException something went wrong
     */
    public void check() {
        core.requireOpen();
        core.check();
    }

    /**
     * Ends everything; providers are told to let go first. Closing again does nothing.
     *
     * @throws SwitchFailedException something went wrong inside that was not thrown yet; everything is closed
     *     nevertheless
     */
    @Override
    public void close() {
        if (!core.isClosed()) {
            core.close(bridges.values());
        }
    }

    /** For tests of what goes wrong inside. */
    SwitchCore core() {
        return core;
    }
}
