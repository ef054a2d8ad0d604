package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.lab.Await;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketBatch;
import io.turnstile.path.PathKeeper;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The switch in this process, from the packet to the provider: pipeline, flow cache, tracker, keeper of paths,
 * dispatcher and lanes with their threads. Its two ports say of themselves that they are devices of the kernel; their
 * packets are made here, and the caller's thread forwards them.
 *
 * <p>Threads: one.
 */
final class CarryingSwitch implements AutoCloseable {
    private static final List<String> FLOWS = List.of(
            "priority=0,actions=drop",
            "priority=10,udp,ct_state=-trk,actions=ct(zone=1,table=1)",
            "table=1,udp,in_port=1,ct_state=+trk+new,actions=ct(commit,zone=1),2",
            "table=1,udp,in_port=1,ct_state=+trk+est,actions=mod_dl_dst:02:00:00:00:00:02,2",
            "table=1,udp,in_port=2,ct_state=+trk+est,actions=mod_dl_dst:02:00:00:00:00:01,1");
    private static final Duration PATIENCE = Duration.ofMinutes(10);
    /** As many directions may be on their way to the provider before the next packets come. */
    private static final int MOST_UNDER_WAY = 2048;

    private static final Pattern HELD = Pattern.compile("connections: \\d+ followed, (\\d+) held");
    private static final long PAUSE_NS = TimeUnit.MICROSECONDS.toNanos(200);

    private final Clock clock = Clock.system();
    private final ConnectionTracker tracker;
    private final Datapath datapath;
    private final Pipeline pipeline;
    private final OffloadDispatcher dispatcher;
    private final PathKeeper keeper;
    private final ForwardingContext context;
    private final Traffic traffic = new Traffic();
    private final int connections;

    /** @param ifindexes of the devices that the ports 1 and 2 stand for */
    CarryingSwitch(int connections, int[] ifindexes) throws FlowTextException, OfException {
        this.connections = connections;
        tracker = new ConnectionTracker(clock, connections);
        datapath = new Datapath(tracker, clock);
        pipeline = new Pipeline(datapath, clock);
        BridgePipeline bridge = pipeline.addBridge("br0", 1);
        for (int i = 0; i < ifindexes.length; i++) {
            DevicePort port = new DevicePort("p" + (i + 1), ifindexes[i]);
            datapath.addPort(port, i + 1);
            bridge.addPort(new OfPort(i + 1, i + 1, port.name(), i + 1, 0, 0, null, 0));
        }
        pipeline.switchPorts().refresh();
        dispatcher = new OffloadDispatcher(tracker, clock, pipeline.switchPorts());
        keeper = new PathKeeper(datapath, tracker, pipeline.switchPorts(), clock);
        keeper.setBook(dispatcher.paths());
        datapath.setWalkWatcher(keeper);
        context = datapath.newContext();
        bridge.apply(FlowText.parseFlowMod(FlowMod.Command.DELETE, ""));
        for (String flow : FLOWS) {
            bridge.apply(FlowText.parseFlowMod(FlowMod.Command.ADD, flow));
        }
        keeper.start();
    }

    /** Offload on, before there are connections. */
    void enable(OffloadProvider provider, Map<String, String> otherConfig) {
        dispatcher.setProviderSettings(otherConfig);
        dispatcher.enable(List.of(provider));
        Await.until("the provider is up", PATIENCE, dispatcher.paths()::isAsked, dispatcher::show);
    }

    /** Has all connections made, answered, and held by the provider; none is carried yet. */
    void establish() {
        for (int from = 0; from < connections; from += PacketBatch.CAPACITY) {
            exchange(from);
        }
        if (tracker.connectionCount() != connections) {
            throw new IllegalStateException(tracker.connectionCount() + " connections instead of " + connections);
        }
        Await.until("all are held", PATIENCE, () -> held() == connections, dispatcher::show);
    }

    private long held() {
        Matcher held = HELD.matcher(dispatcher.show());
        return held.find() ? Long.parseLong(held.group(1)) : 0;
    }

    /** A packet of each direction of the next connections. */
    private void exchange(int from) {
        PacketBatch batch = traffic.fill(from, 1, Math.min(PacketBatch.CAPACITY, connections - from));
        forward(batch, 1);
        batch = traffic.fill(from, 1, Math.min(PacketBatch.CAPACITY, connections - from));
        Traffic.turn(batch);
        forward(batch, 2);
        Traffic.turn(batch);
    }

    /** Lets packets of both directions of each connection come until all are carried. */
    void carry() {
        for (int from = 0; from < connections; from += PacketBatch.CAPACITY) {
            while (carried() < 2L * from - MOST_UNDER_WAY) {
                LockSupport.parkNanos(PAUSE_NS);
            }
            exchange(from);
        }
        awaitCarried(2L * connections);
    }

    /** Every flow dies, and every path with it. */
    void takeBack() {
        datapath.invalidate(flow -> true);
        awaitCarried(0);
    }

    private void awaitCarried(long paths) {
        long endNs = System.nanoTime() + PATIENCE.toNanos();
        while (carried() != paths) {
            if (System.nanoTime() > endNs) {
                throw new IllegalStateException(carried() + " paths instead of " + paths + "\n" + dispatcher.show());
            }
            LockSupport.parkNanos(PAUSE_NS);
        }
        if (!dispatcher.paths().isAsked()) { // none is carried by one that was given up, either
            throw new IllegalStateException(dispatcher.show());
        }
    }

    private long carried() {
        return dispatcher.paths().totals().carried();
    }

    private void forward(PacketBatch batch, int port) {
        for (int i = 0; i < batch.length(); i++) {
            Packet packet = batch.get(i);
            packet.reset(packet.lengthBytes()); // as if it had just been received; its bytes stay
            packet.setChecksumState(ChecksumState.GOOD);
            packet.setInPort(port);
        }
        datapath.process(batch, context);
    }

    @Override
    public void close() {
        dispatcher.close();
        keeper.close();
        datapath.retire(context);
        pipeline.close();
    }
}
