package io.turnstile.pipeline;

import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.datapath.Upcall;
import io.turnstile.packet.Packet;
import io.turnstile.pipeline.OfAction.Ports;
import io.turnstile.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import java.util.function.ObjIntConsumer;

/**
 * All bridges of a datapath, and what the datapath asks when it does not know what to do with a packet.
 *
 * <p>Threads and locks: see the package's description.
 */
public final class Pipeline implements Upcall, AutoCloseable {

    /** A packet of a flow came from a station that the table does not know there. */
    private record Move(WalkRecord.Sighting sighting, long seenNs) {}

    private final Datapath datapath;
    private final Clock clock;
    private final Executor eventExecutor;
    private volatile IntUnaryOperator zoneTimeouts = zone -> 0;
    private volatile Consumer<RuntimeException> eventFailureListener = failure -> {};
    private volatile ObjIntConsumer<BridgePipeline> missingPortListener = (bridge, number) -> {};
    private final ExecutorService ownExecutor;
    private final ReentrantLock changeLock = new ReentrantLock();
    private final ReentrantReadWriteLock tableLock = new ReentrantReadWriteLock();
    private final AtomicLong generation = new AtomicLong();
    private final RecirculationIds recirculationIds = new RecirculationIds();
    private final ConcurrentLinkedQueue<Move> moves = new ConcurrentLinkedQueue<>();

    // Under the table lock.
    private final Map<String, BridgePipeline> bridges = new TreeMap<>();
    private final Map<Integer, PortLocation> byDatapathPort = new HashMap<>();
    private final Map<String, PortLocation> patchPorts = new HashMap<>();

    /** Flows of packets that came in by a port of no bridge. Under the flow cache's lock. */
    private final Dependents unlocated = new Dependents();

    private final Object executionLock = new Object();
    private final ForwardingContext executionContext; // guarded by executionLock

    /** Events are delivered by a thread of the pipeline's own. */
    public Pipeline(Datapath datapath, Clock clock) {
        this(
                datapath,
                clock,
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().daemon().name("turnstile-events").factory()),
                true);
    }

    /** @param events runs the delivery of events; the calling thread's own work if it runs tasks at once */
    public Pipeline(Datapath datapath, Clock clock, Executor events) {
        this(datapath, clock, events, false);
    }

    private Pipeline(Datapath datapath, Clock clock, Executor events, boolean own) {
        this.datapath = datapath;
        this.clock = clock;
        this.eventExecutor = events;
        this.ownExecutor = own ? (ExecutorService) events : null;
        this.executionContext = datapath.newContext();
        datapath.setUpcall(this);
    }

    // ---- those who want to know ----

    /** Has {@code listener} told what subscribers of OpenFlow events throw; by the thread that delivers the event. */
    public void onEventFailure(Consumer<RuntimeException> listener) {
        eventFailureListener = listener;
    }

    void eventFailed(RuntimeException failure) {
        eventFailureListener.accept(failure);
    }

    /**
     * Has {@code listener} told when a translation finds that a packet is to leave by a port that the bridge does not
     * have, which OpenFlow allows and which drops it; of a trace as well. Called under the table lock.
     */
    public void onOutputToMissingPort(ObjIntConsumer<BridgePipeline> listener) {
        missingPortListener = listener;
    }

    void outputToMissingPort(BridgePipeline bridge, int number) {
        missingPortListener.accept(bridge, number);
    }

    // ---- bridges ----

    /**
     * Makes a bridge without ports; {@link BridgePipeline.FailMode#STANDALONE} until told otherwise. Names are unique.
     */
    public BridgePipeline addBridge(String name, long datapathId) {
        BridgePipeline bridge = new BridgePipeline(this, name, datapathId);
        change(effects -> {
            if (bridges.putIfAbsent(name, bridge) != null) {
                throw new IllegalArgumentException("there is a bridge " + name + " already");
            }
            bridge.installDefaultFlow(effects);
        });
        return bridge;
    }

    /** The bridge, its flows and port mappings vanish; the datapath's ports stay until their owner removes them. */
    public void removeBridge(String name) {
        change(effects -> {
            BridgePipeline bridge = bridges.remove(name);
            if (bridge != null) {
                byDatapathPort.values().removeIf(location -> location.bridge() == bridge);
                patchPorts.values().removeIf(location -> location.bridge() == bridge);
                recirculationIds.forget(bridge);
                effects.everythingThrough(bridge.dependents());
                effects.afterwards(bridge::close);
            }
        });
    }

    /**
     * Which timeout policy new connections of a zone get ({@code CtRequest.timeoutPolicy}); none unless this was
     * called.
     */
    public void setZoneTimeouts(IntUnaryOperator policyOfZone) {
        change(effects -> {
            zoneTimeouts = policyOfZone;
            bridges.values().forEach(bridge -> effects.everythingThrough(bridge.dependents()));
        });
    }

    /** Called while translating. */
    int timeoutPolicy(int zone) {
        return zoneTimeouts.applyAsInt(zone);
    }

    /** The bridge of that name, or null. */
    public BridgePipeline bridge(String name) {
        tableLock.readLock().lock();
        try {
            return bridges.get(name);
        } finally {
            tableLock.readLock().unlock();
        }
    }

    /** All bridges by name. */
    public List<BridgePipeline> bridges() {
        tableLock.readLock().lock();
        try {
            return List.copyOf(bridges.values());
        } finally {
            tableLock.readLock().unlock();
        }
    }

    /** Where a datapath port is plugged in, null if nowhere. */
    public BridgePipeline.PortBinding portBinding(int datapathPort) {
        return read(() -> {
            PortLocation location = byDatapathPort.get(datapathPort);
            return location == null
                    ? null
                    : new BridgePipeline.PortBinding(
                            location.bridge(), location.bridge().port(location.number()));
        });
    }

    // ---- what bridges need ----

    /** Something that changes tables or ports; what it touches goes into the effects. */
    interface Change<E extends Exception> {
        void make(Effects effects) throws E;
    }

    /**
     * Makes a change and returns once no packet is forwarded by what it replaced. If it throws, nothing has changed.
     */
    <E extends Exception> void change(Change<E> change) throws E {
        changeLock.lock();
        try {
            Effects effects = new Effects();
            tableLock.writeLock().lock();
            try {
                change.make(effects);
                if (effects.concernsFlows()) {
                    generation.incrementAndGet();
                    datapath.invalidate(effects::concernedFlows);
                }
            } finally {
                tableLock.writeLock().unlock();
            }
            if (effects.concernsFlows()) {
                datapath.awaitQuiescence();
            }
            effects.runAfterwards();
        } finally {
            changeLock.unlock();
        }
    }

    /** Reads tables and ports while nobody changes them. */
    <T> T read(java.util.function.Supplier<T> reading) {
        tableLock.readLock().lock();
        try {
            return reading.get();
        } finally {
            tableLock.readLock().unlock();
        }
    }

    Datapath datapath() {
        return datapath;
    }

    long nowNs() {
        return clock.nowNs();
    }

    Executor eventExecutor() {
        return eventExecutor;
    }

    RecirculationIds recirculationIds() {
        return recirculationIds;
    }

    long generation() {
        return generation.get();
    }

    /** Where packets of the datapath's port belong, or null. Under the table lock. */
    PortLocation locate(int datapathPort) {
        return byDatapathPort.get(datapathPort);
    }

    /** The other end of a patch port if both name each other, or null. Under the table lock. */
    PortLocation peerOf(OfPort port) {
        PortLocation peer = patchPorts.get(port.patchPeer());
        return peer != null
                        && port.name().equals(peer.bridge().port(peer.number()).patchPeer())
                ? peer
                : null;
    }

    /** A bridge's port came or changed. Under the table lock. */
    void map(OfPort port, PortLocation location, Effects effects) {
        if (port.datapathPort() >= 0) {
            byDatapathPort.put(port.datapathPort(), location);
            effects.everythingThrough(unlocated);
        }
        if (port.patchPeer() != null) {
            patchPorts.put(port.name(), location);
            concernPeer(port, effects);
        }
    }

    /** A bridge's port went. Under the table lock. */
    void unmap(OfPort port, PortLocation location, Effects effects) {
        byDatapathPort.remove(port.datapathPort(), location);
        if (port.patchPeer() != null) {
            concernPeer(port, effects);
            patchPorts.remove(port.name(), location);
        }
    }

    private void concernPeer(OfPort port, Effects effects) {
        PortLocation peer = patchPorts.get(port.patchPeer());
        if (peer != null) {
            effects.everythingThrough(peer.bridge().dependents());
        }
    }

    // ---- the datapath's questions ----

    @Override
    public Translation miss(Packet packet, long[] key, long nowNs) {
        Translation translation;
        tableLock.readLock().lock();
        try {
            translation = new Translator(this, key, nowNs, null).translate();
        } finally {
            tableLock.readLock().unlock();
        }
        return learnFrom(translation, nowNs);
    }

    /**
     * Learns what the translation saw. That is a change of its own; a translation that does not rest on what was
     * learned stays good if nothing else changed meanwhile.
     */
    private Translation learnFrom(Translation translation, long nowNs) {
        WalkRecord record = (WalkRecord) translation.owner();
        List<WalkRecord.StationRead> changed = new ArrayList<>();
        for (WalkRecord.Sighting sighting : record.sightings()) {
            learn(sighting, nowNs, changed);
        }
        if (changed.isEmpty()) {
            return translation;
        }
        boolean alone = generation.compareAndSet(record.generation(), record.generation() + 1);
        if (!alone) {
            generation.incrementAndGet();
        }
        invalidateReaders(changed);
        if (!alone || changed.stream().anyMatch(record.reads()::contains)) {
            return translation;
        }
        WalkRecord renewed = new WalkRecord(
                record.generation() + 1,
                record.bridges(),
                record.lookups(),
                record.reads(),
                record.sightings(),
                record.recirculationIds());
        return new Translation(translation.mask(), translation.actions(), translation.cacheable(), renewed);
    }

    private static void learn(WalkRecord.Sighting sighting, long seenNs, List<WalkRecord.StationRead> changed) {
        MacTable table = sighting.bridge().macTable();
        if (table.isNews(sighting.station(), sighting.port())) {
            List<MacTable.Station> stations = new ArrayList<>();
            table.learn(sighting.station(), sighting.port(), seenNs, stations);
            stations.forEach(station -> changed.add(new WalkRecord.StationRead(table, station)));
        }
    }

    private void invalidateReaders(Collection<WalkRecord.StationRead> changed) {
        Effects effects = new Effects();
        changed.forEach(read -> effects.stationsChanged(read.table(), List.of(read.station())));
        datapath.invalidate(effects::concernedFlows);
    }

    @Override
    public void userspace(Packet packet, long[] key, Object cookie, long nowNs) {
        PacketInRequest request = (PacketInRequest) cookie;
        request.bridge().packetIn(packet, key, request);
    }

    @Override
    public boolean isCurrent(Translation translation) {
        return ((WalkRecord) translation.owner()).generation() == generation.get();
    }

    @Override
    public void flowInstalled(DatapathFlow flow) {
        WalkRecord record = (WalkRecord) flow.owner();
        record.register(flow);
        record.recirculationIds().forEach(recirculationIds::acquire);
        if (record.bridges().isEmpty()) {
            unlocated.add(flow);
        }
    }

    @Override
    public void flowRemoved(DatapathFlow flow) {
        WalkRecord record = (WalkRecord) flow.owner();
        record.unregister(flow);
        long nowNs = clock.nowNs();
        record.recirculationIds().forEach(id -> recirculationIds.release(id, nowNs));
        if (record.bridges().isEmpty()) {
            unlocated.remove(flow);
        }
    }

    /**
     * A station that has moved meanwhile is learned later, in {@link #maintain}: here locks are held that forbid it.
     */
    @Override
    public void flowUsed(DatapathFlow flow, long packetsDelta, long bytesDelta, long lastUsedNs) {
        WalkRecord record = (WalkRecord) flow.owner();
        record.credit(packetsDelta, bytesDelta, lastUsedNs);
        for (WalkRecord.Sighting sighting : record.sightings()) {
            if (!sighting.bridge().macTable().refresh(sighting.station(), sighting.port(), lastUsedNs)) {
                moves.add(new Move(sighting, lastUsedNs));
            }
        }
    }

    /** {@code ofproto/trace} with {@code trk|new} for every recirculation. */
    public String trace(BridgePipeline bridge, int inPort, long[] key) {
        return trace(bridge, inPort, key, List.of());
    }

    /**
     * {@code ofproto/trace}: the walk of a packet with that key, and of what it recirculates to, as text. Nothing is
     * learned, counted or installed.
     *
     * @param ctStates {@code --ct-next}: the ct_state of each recirculation in turn; {@code trk|new} for those beyond
     */
    public String trace(BridgePipeline bridge, int inPort, long[] key, List<Integer> ctStates) {
        return read(() -> new Trace(this, ctStates).of(bridge, inPort, key));
    }

    // ---- upkeep ----

    /**
     * Timeouts of flows, ageing of addresses, recirculation ids; called about twice a second by housekeeping, not from
     * inside a batch.
     */
    public void maintain(long nowNs) {
        datapath.pushStatistics();
        relearn();
        for (BridgePipeline bridge : bridges()) {
            bridge.maintain(nowNs);
        }
        recirculationIds.expire(nowNs);
    }

    private void relearn() {
        List<WalkRecord.StationRead> changed = new ArrayList<>();
        for (Move move = moves.poll(); move != null; move = moves.poll()) {
            PortLocation present = new PortLocation(move.sighting.bridge(), move.sighting.port());
            boolean portIsThere = read(() -> present.bridge().port(present.number()) != null);
            if (portIsThere) {
                learn(move.sighting, move.seenNs, changed);
            }
        }
        if (!changed.isEmpty()) {
            generation.incrementAndGet();
            invalidateReaders(changed);
        }
    }

    // ---- packets of our own ----

    /** Runs the actions on the frame at once (OFPT_PACKET_OUT). Not called from inside a batch. */
    void packetOut(BridgePipeline bridge, int inPort, List<OfAction> actions, Packet packet, long[] key) {
        Translation translation;
        tableLock.readLock().lock();
        try {
            translation = new Translator(this, key, clock.nowNs(), null).execute(bridge, inPort, actions);
        } finally {
            tableLock.readLock().unlock();
        }
        WalkRecord record = (WalkRecord) translation.owner();
        long nowNs = clock.nowNs();
        learnFrom(translation, nowNs);
        record.credit(1, packet.lengthBytes(), nowNs);
        execute(packet, translation.actions());
    }

    private void execute(Packet packet, DatapathAction[] actions) {
        synchronized (executionLock) {
            datapath.execute(packet, actions, executionContext);
        }
    }

    /** The datapath's port behind a bridge's port; all ones if there is none (packets of the controller's own). */
    int datapathPortOf(BridgePipeline bridge, int number) {
        return read(() -> {
            OfPort port = bridge.port(number);
            return port == null ? Ports.NONE : port.datapathPort();
        });
    }

    @Override
    public void close() {
        bridges().forEach(bridge -> removeBridge(bridge.name()));
        datapath.retire(executionContext);
        if (ownExecutor != null) {
            ownExecutor.shutdown();
        }
    }
}
