package io.turnstile.pipeline;

import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.datapath.KeyExtractor;
import io.turnstile.datapath.Upcall;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.time.Clock;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * All bridges of one datapath, and the datapath's answer to misses.
 *
 * <p><b>Nothing stale forwards.</b> A change holds the lock, raises {@link #version}, and kills the datapath flows it may make wrong;
 * after letting go of the lock it waits for batches under way ({@link #change}). A translation remembers the version it was
 * finished at; the cache asks {@link #isCurrent} under its own lock before it takes a flow in, and a killer needs that lock
 * too. So a translation that is older than a change is either killed by it or not installed.
 *
 * <p>Threads: any. Forwarding threads may take the lock on a miss; who holds it never waits for a forwarding thread.
 */
public final class Pipeline implements Upcall {
    private final Datapath datapath;
    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, BridgePipeline> bridges = new LinkedHashMap<>();
    /** Datapath port number → where it is plugged in. Written under the lock. */
    private final Map<Integer, BridgePipeline.PortBinding> bindings = new ConcurrentHashMap<>();
    private final RecirculationIds recirculationIds = new RecirculationIds();
    private final Dependents dependents = new Dependents();
    private final ForwardingContext packetOutContext;
    private volatile long version;

    /** Runs with the lock held and may refuse. */
    interface Change<E extends Exception> {
        void run() throws E;
    }

    public Pipeline(Datapath datapath, Clock clock) {
        this.datapath = datapath;
        this.clock = clock;
        packetOutContext = datapath.newContext();
        datapath.setUpcall(this);
    }

    // ---- bridges ----

    /** Makes a bridge; {@link IllegalArgumentException} if the name is taken. */
    public BridgePipeline addBridge(String name, long datapathId) {
        return locked(() -> {
            if (bridges.containsKey(name)) {
                throw new IllegalArgumentException("bridge " + name + " exists");
            }
            BridgePipeline bridge = new BridgePipeline(this, name, datapathId);
            bridges.put(name, bridge);
            return bridge;
        });
    }

    /** Ends the bridge with its flows; its ports are let go, not closed. */
    public void removeBridge(String name) {
        change(() -> {
            BridgePipeline bridge = bridges.remove(name);
            if (bridge != null) {
                bindings.values().removeIf(binding -> binding.bridge() == bridge);
                bridge.close();
                invalidate(dependents.of(bridge));
            }
        });
    }

    /** The bridge of that name, null if there is none. */
    public BridgePipeline bridge(String name) {
        return locked(() -> bridges.get(name));
    }

    /** All bridges in the order of their making. */
    public List<BridgePipeline> bridges() {
        return locked(() -> List.copyOf(bridges.values()));
    }

    /** Where a datapath port is plugged in, null if nowhere. */
    public BridgePipeline.PortBinding portBinding(int datapathPort) {
        return bindings.get(datapathPort);
    }

    /** The patch port of that name in any bridge, null if there is none. */
    BridgePipeline.PortBinding patchPort(String name) {
        for (BridgePipeline bridge : bridges.values()) {
            for (OfPort port : bridge.presentPorts()) {
                if (port.patchPeer() != null && port.name().equals(name)) {
                    return new BridgePipeline.PortBinding(bridge, port);
                }
            }
        }
        return null;
    }

    void bind(BridgePipeline bridge, OfPort port) {
        if (port.datapathPort() >= 0) {
            bindings.put(port.datapathPort(), new BridgePipeline.PortBinding(bridge, port));
        }
    }

    void unbind(OfPort port) {
        bindings.remove(port.datapathPort());
    }

    // ---- locking and invalidation ----

    <T> T locked(Supplier<T> body) {
        lock.lock();
        try {
            return body.get();
        } finally {
            lock.unlock();
        }
    }

    /** Changes something that translations go by; when this returns no packet is forwarded by what was before. */
    <E extends Exception> void change(Change<E> change) throws E {
        lock.lock();
        try {
            version++;
            change.run();
        } finally {
            lock.unlock();
        }
        if (!lock.isHeldByCurrentThread()) {
            datapath.awaitQuiescence();
        }
    }

    void invalidate(Collection<DatapathFlow> flows) {
        if (!flows.isEmpty()) {
            datapath.remove(flows);
        }
    }

    Dependents dependents() {
        return dependents;
    }

    RecirculationIds recirculationIds() {
        return recirculationIds;
    }

    long nowNs() {
        return clock.nowNs();
    }

    Datapath datapath() {
        return datapath;
    }

    /** Called inside a translation: an address was learned at a new place. The translation itself goes by the new one. */
    void macChanged(BridgePipeline bridge, MacTable.Key key) {
        version++;
        invalidate(dependents.of(bridge, key));
    }

    // ---- the datapath's questions ----

    @Override
    public Translation miss(Packet packet, long[] key, long nowNs) {
        lock.lock();
        try {
            Translator.Result result = new Translator(this, true, nowNs, null).translate(key);
            result.record().version = version;
            return new Translation(result.record().mask, result.actions(), true, result.record());
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean isCurrent(Translation translation) {
        return ((TranslationRecord) translation.owner()).version == version;
    }

    @Override
    public void flowInstalled(DatapathFlow flow) {
        TranslationRecord record = (TranslationRecord) flow.owner();
        record.recirculationIds.forEach(recirculationIds::reference);
        dependents.add(flow, record);
    }

    @Override
    public void flowRemoved(DatapathFlow flow) {
        TranslationRecord record = (TranslationRecord) flow.owner();
        long nowNs = clock.nowNs();
        record.recirculationIds.forEach(id -> recirculationIds.unreference(id, nowNs));
        dependents.remove(flow, record);
    }

    @Override
    public void flowUsed(DatapathFlow flow, long packetsDelta, long bytesDelta, long lastUsedNs) {
        TranslationRecord record = (TranslationRecord) flow.owner();
        for (TranslationRecord.Lookup lookup : record.lookups) {
            lookup.bridge().credit(lookup, packetsDelta, bytesDelta, lastUsedNs);
        }
        for (TranslationRecord.MacUse use : record.macs) {
            if (use.learned()) {
                use.bridge().macTable().refresh(use.key(), use.port(), lastUsedNs);
            }
        }
    }

    @Override
    public void userspace(Packet packet, long[] key, Object cookie, long nowNs) {
        PacketInCookie origin = (PacketInCookie) cookie;
        origin.bridge().packetIn(packet.toBytes(), key, origin);
    }

    // ---- packets of our own ----

    /** Runs a controller's actions on its packet, at once, on the calling thread. */
    void packetOut(BridgePipeline bridge, int inPort, List<OfAction> actions, byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        PacketParser.parse(packet);
        lock.lock();
        try {
            long nowNs = clock.nowNs();
            long[] key = FlowKey.newKey();
            KeyExtractor.extract(packet, key);
            Translator.Result result = new Translator(this, true, nowNs, null).translateActions(bridge, inPort, key, actions);
            for (TranslationRecord.Lookup lookup : result.record().lookups) {
                lookup.bridge().credit(lookup, 1, frame.length, nowNs);
            }
            OfPort ingress = bridge.port(inPort);
            packet.setInPort(ingress == null ? OfAction.Ports.NONE : ingress.datapathPort());
            datapath.execute(packet, result.actions(), packetOutContext);
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@code ofproto/trace}: the walk of a packet with that key, and of what it recirculates to, as text. Nothing is learned, counted
     * or installed.
     */
    public String trace(BridgePipeline bridge, int inPort, long[] key) {
        return locked(() -> TraceText.of(this, bridge, inPort, key));
    }

    // ---- time ----

    /** Expires rules, MAC entries and recirculation ids; called about twice a second after {@link Datapath#maintain}. */
    public void maintain(long nowNs) {
        for (BridgePipeline bridge : bridges()) {
            bridge.maintain(nowNs);
        }
        recirculationIds.expire(nowNs);
    }

    /** Flows that depend on any of the keys. */
    Set<DatapathFlow> dependentsOfMacs(BridgePipeline bridge, List<MacTable.Key> keys) {
        Set<DatapathFlow> flows = new HashSet<>();
        keys.forEach(key -> flows.addAll(dependents.of(bridge, key)));
        return flows;
    }
}
