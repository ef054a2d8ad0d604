package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingThreads;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.time.Clock;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The switch in this process: pipeline, flow cache, tracker, its own forwarding thread and housekeeping; only its ports
 * are {@link HandshakePort}s. The forwarding thread's clocks stand still while the next frames are made.
 */
final class SetupSwitch implements SetupContestant {
    private static final long HOUSEKEEPING_NS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final int MAX_CONNECTIONS = 2_000_000;

    private final SetupRules rules;
    private final Handshakes handshakes;
    private final int batch;
    private final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), MAX_CONNECTIONS);
    private final Datapath datapath = new Datapath(tracker, Clock.system());
    private final Pipeline pipeline = new Pipeline(datapath, Clock.system());
    private final BridgePipeline bridge = pipeline.addBridge("br0", 1);
    private final ForwardingThreads threads = new ForwardingThreads(datapath, 1);
    private final HandshakePort entry;
    private final HandshakePort servers;
    private final HandshakePort clients;
    private final Thread housekeeping = Thread.ofPlatform().name("housekeeping").unstarted(this::keepHouse);

    /** @param batch how many frames the port hands over at once */
    SetupSwitch(SetupRules rules, Handshakes handshakes, int batch) throws FlowTextException, OfException {
        this.rules = rules;
        this.handshakes = handshakes;
        this.batch = batch;
        entry = addPort(1, _ -> {});
        servers = addPort(2, handshakes::atServer);
        clients = addPort(3, _ -> {});
        bridge.apply(FlowText.parseFlowMod(FlowMod.Command.DELETE, ""));
        for (String flow : rules.flows()) {
            bridge.apply(FlowText.parseFlowMod(FlowMod.Command.ADD, flow));
        }
        housekeeping.start();
    }

    private HandshakePort addPort(int number, Consumer<Packet> onSent) {
        HandshakePort port = new HandshakePort("p" + number, onSent);
        datapath.addPort(port, number);
        bridge.addPort(new OfPort(number, number, port.name(), number, 0, 0, null, 0));
        threads.add(number, port);
        return port;
    }

    private void keepHouse() {
        while (!Thread.interrupted()) {
            long nowNs = Clock.system().nowNs();
            datapath.maintain(nowNs);
            pipeline.maintain(nowNs);
            LockSupport.parkNanos(Math.min(tracker.sweep(nowNs), HOUSEKEEPING_NS));
        }
    }

    @Override
    public String name() {
        return "Turnstile, batches of " + batch;
    }

    @Override
    public SetupRound round() throws InterruptedException {
        long sentToServers = servers.sent();
        long sentToClients = clients.sent();
        long misses = datapath.statistics().misses();
        handshakes.restart();
        Feed feed = new Feed();
        long startNs = System.nanoTime();
        entry.feed(feed);
        feed.end.await();
        int made = rules.tracks() ? tracker.connectionCount() : handshakes.connections();
        expect("connections", made, handshakes.connections());
        expect("frames to servers", servers.sent() - sentToServers, 2L * handshakes.connections());
        expect("frames to clients", clients.sent() - sentToClients, handshakes.connections());
        misses = datapath.statistics().misses() - misses;
        forget();
        return new SetupRound(feed.slice(startNs), misses, feed.allocatedBytes);
    }

    static void expect(String what, long found, long expected) {
        if (found != expected) {
            throw new IllegalStateException(found + " " + what + " instead of " + expected);
        }
    }

    private void forget() {
        tracker.flush(null, Clock.system().nowNs());
        if (rules.misses()) {
            datapath.invalidate(() -> datapath.flows());
        }
    }

    /** All frames of a round, and the thread's time while it forwards them. Threads: the forwarding thread. */
    private final class Feed implements HandshakePort.Source {
        private final CountDownLatch end = new CountDownLatch(1);
        private int length;
        private int next;
        private long packets;

        private long waitedNs;
        private long allocatedBytes;
        private long cpuNs;
        private long lengthNs;

        @Override
        public int receive(Packet[] pool, PacketBatch into) {
            if (next == length && !step()) {
                end.countDown();
                return 0;
            }
            int count = Math.min(batch, length - next);
            for (int i = 0; i < count; i++) {
                handshakes.copy(next++, pool[i]);
                into.add(pool[i]);
            }
            return count;
        }

        private boolean step() {
            if (length > 0) {
                count(1);
            }
            length = handshakes.next();
            next = 0;
            packets += length;
            if (length > 0) {
                count(-1);
            }
            return length > 0;
        }

        /** @param sign -1 where a span begins, 1 where it ends; what the looking itself allocates is outside */
        private void count(int sign) {
            if (sign < 0) {
                waitedNs -= CpuTime.waitedByThisThreadNs();
                allocatedBytes -= Memory.allocatedByThisThreadBytes();
            }
            cpuNs += sign * CpuTime.ofThisThreadNs();
            lengthNs += sign * System.nanoTime();
            if (sign > 0) {
                allocatedBytes += Memory.allocatedByThisThreadBytes();
                waitedNs += CpuTime.waitedByThisThreadNs();
            }
        }

        Slice slice(long startNs) {
            return new Slice(startNs, lengthNs, cpuNs, waitedNs, packets, handshakes.connections());
        }
    }

    @Override
    public void close() {
        housekeeping.interrupt();
        threads.close();
        pipeline.close();
    }
}
