package io.turnstile.pipeline;

import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.datapath.KeyExtractor;
import io.turnstile.datapath.Upcall;
import io.turnstile.packet.Packet;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketOut;
import io.turnstile.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import java.util.function.ObjIntConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All bridges of a datapath: the {@link Upcall} that translates packets for which it has no flow.
 *
 * <p>Threads and locks: see the package's description.
 */
public final class Pipeline implements Upcall, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Pipeline.class);

    private final Datapath datapath;
    private final Clock clock;
    private final Executor eventExecutor;
    private final LongAdder droppedPacketIns = new LongAdder();
    /** Whether it was said that nobody exports samples. */
    private final AtomicBoolean samplingTold = new AtomicBoolean();

    private volatile IntUnaryOperator zoneTimeouts = zone -> 0;
    private volatile Consumer<RuntimeException> eventFailureListener = failure -> {};
    private volatile ObjIntConsumer<BridgePipeline> missingPortListener = (bridge, number) -> {};
    private final @Nullable ExecutorService ownExecutor;
    private final Changes changes;
    private final RecirculationIds recirculationIds = new RecirculationIds();
    private final MeterNumbers meterNumbers = new MeterNumbers();
    private final AddressLearning learning;
    private final FlowLearning flowLearning;
    private final PortLocations portLocations = new PortLocations();
    private final SwitchPorts switchPorts;
    private final Map<String, BridgePipeline> bridges = new TreeMap<>(); // under the table lock
    private boolean forwards = true; // under the table lock

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
        this.changes = new Changes(datapath);
        this.learning = new AddressLearning(datapath, changes);
        this.flowLearning = new FlowLearning(changes);
        this.executionContext = datapath.newContext();
        datapath.setUpcall(this);
        this.switchPorts = new SwitchPorts(this, datapath);
        datapath.onPortChange(switchPorts::refresh);
        switchPorts.refresh();
    }

    // ---- those who want to know ----

    /** Has {@code listener} told what subscribers of OpenFlow events throw; by the thread that delivers the event. */
    public void onEventFailure(Consumer<RuntimeException> listener) {
        eventFailureListener = listener;
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

    /** A walk has come to a sample action of the bridge. */
    void samplesPackets(BridgePipeline bridge) {
        if (!samplingTold.getAndSet(true)) {
            LOG.warn(
                    "{}: flows sample packets, and there is no IPFIX exporter here: no packet is sampled",
                    bridge.name());
        }
    }

    // ---- bridges ----

    /** Makes a bridge without ports; {@link BridgePipeline.FailMode#STANDALONE} until that is set. Names are unique. */
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
                portLocations.forget(bridge);
                recirculationIds.forget(bridge);
                bridge.meters().forgetAll();
                effects.everythingThrough(bridge.dependents());
                effects.afterwards(switchPorts::refresh);
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

    /** Whether packets that come in by ports are forwarded, or dropped for now as if the ports were of no bridge. */
    public void setForwards(boolean wanted) {
        change(effects -> {
            if (wanted != forwards) {
                forwards = wanted;
                effects.everythingThrough(portLocations.unlocated());
                bridges.values().forEach(bridge -> effects.everythingThrough(bridge.dependents()));
            }
        });
    }

    /** Where packets of the datapath's port belong; null if nowhere. Called while translating. */
    @Nullable
    PortLocation locate(int datapathPort) {
        return forwards ? portLocations.locate(datapathPort) : null;
    }

    /** Called while translating. */
    int timeoutPolicy(int zone) {
        return zoneTimeouts.applyAsInt(zone);
    }

    /** The bridge of that name, or null. */
    public @Nullable BridgePipeline bridge(String name) {
        return read(() -> bridges.get(name));
    }

    /** All bridges by name. */
    public List<BridgePipeline> bridges() {
        return read(() -> List.copyOf(bridges.values()));
    }

    /** The datapath's ports as offload providers are told of them. */
    public SwitchPorts switchPorts() {
        return switchPorts;
    }

    // ---- what bridges and translations need ----

    /** {@link Changes#make}. */
    <E extends Exception> void change(Changes.Change<E> change) throws E {
        changes.make(change);
    }

    /** {@link Changes#makeUnlessBusy}. */
    <E extends Exception> boolean changeUnlessBusy(Changes.Change<E> change) throws E {
        return changes.makeUnlessBusy(change);
    }

    /** {@link Changes#makeAtOnce}. */
    <E extends Exception> boolean changeAtOnce(Changes.Change<E> change) throws E {
        return changes.makeAtOnce(change);
    }

    /** {@link Changes#setSliceNs}. */
    void setSliceNs(long sliceNs) {
        changes.setSliceNs(sliceNs);
    }

    /** {@link Changes#read}. */
    <T extends @Nullable Object> T read(Supplier<T> reading) {
        return changes.read(reading);
    }

    /** {@link Changes#readOrRefuse}. */
    <T, E extends Exception> T readOrRefuse(Changes.Reading<T, E> reading) throws E {
        return changes.readOrRefuse(reading);
    }

    MeterNumbers meterNumbers() {
        return meterNumbers;
    }

    long generation() {
        return changes.generation();
    }

    Datapath datapath() {
        return datapath;
    }

    long nowNs() {
        return clock.nowNs();
    }

    EventQueue newEventQueue() {
        return new EventQueue(eventExecutor, droppedPacketIns, failure -> eventFailureListener.accept(failure));
    }

    /** How many packets to controllers were dropped because listeners, of all bridges that ever were, were too slow. */
    public long droppedPacketIns() {
        return droppedPacketIns.sum();
    }

    RecirculationIds recirculationIds() {
        return recirculationIds;
    }

    PortLocations portLocations() {
        return portLocations;
    }

    // ---- the datapath's questions ----

    @Override
    public Translation miss(Packet packet, long[] key, long nowNs) {
        Translation translation = read(() -> new Translator(this, key, nowNs).translate());
        FailedWalks.log(this, key, translation);
        flowLearning.learnFrom(((WalkRecord) translation.owner()).sideEffects(), nowNs);
        return learning.learnFrom(translation, nowNs);
    }

    @Override
    public @Nullable Translation translateAnew(long[] key, long nowNs) {
        Translation translation = read(() -> new Translator(this, key, nowNs).translate());
        boolean isAnywhere = !((WalkRecord) translation.owner()).bridges().isEmpty();
        return isAnywhere ? translation : null;
    }

    @Override
    public void userspace(Packet packet, long[] key, Object cookie, long nowNs) {
        PacketInRequest request = (PacketInRequest) cookie;
        request.bridge().events().packetIn(packet, key, request);
    }

    @Override
    public boolean isCurrent(Translation translation) {
        return ((WalkRecord) translation.owner()).generation() == generation();
    }

    @Override
    public void flowInstalled(DatapathFlow flow) {
        WalkRecord record = (WalkRecord) flow.owner();
        record.register(flow);
        record.recirculationIds().forEach(recirculationIds::acquire);
        if (record.bridges().isEmpty()) {
            portLocations.unlocated().add(flow);
        }
    }

    @Override
    public void flowRemoved(DatapathFlow flow) {
        WalkRecord record = (WalkRecord) flow.owner();
        record.unregister(flow);
        long nowNs = clock.nowNs();
        record.recirculationIds().forEach(id -> recirculationIds.release(id, nowNs));
        if (record.bridges().isEmpty()) {
            portLocations.unlocated().remove(flow);
        }
    }

    @Override
    public void flowUsed(DatapathFlow flow, long packetsDelta, long bytesDelta, long lastUsedNs) {
        WalkRecord record = (WalkRecord) flow.owner();
        record.credit(packetsDelta, bytesDelta, lastUsedNs);
        learning.used(record, lastUsedNs);
        flowLearning.used(record.sideEffects(), lastUsedNs);
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
        Trace trace = beginTrace(bridge, inPort, key, ctStates);
        StringBuilder text = new StringBuilder();
        boolean more = true;
        while (more) {
            more = trace.next(text);
        }
        return text.toString();
    }

    /** The same walk by walk. */
    public Trace beginTrace(BridgePipeline bridge, int inPort, long[] key, List<Integer> ctStates) {
        return beginTrace(bridge, inPort, key, new Trace.Options(ctStates, Integer::toString, null, null));
    }

    /** The same, as the options say. */
    public Trace beginTrace(BridgePipeline bridge, int inPort, long[] key, Trace.Options options) {
        return new Trace(this, new PortLocation(bridge, inPort), key, options);
    }

    /**
     * The trace of a packet as the datapath has it, with the number of its datapath port and perhaps a recirculation
     * id; null if neither leads to a bridge.
     */
    public @Nullable Trace beginTrace(long[] key, Trace.Options options) {
        int recirculation = (int) Field.RECIRC_ID.get(key);
        if (recirculation != 0) {
            return recirculationIds.find(recirculation) == null ? null : new Trace(this, null, key, options);
        }
        PortLocation location = portLocations.locate((int) Field.IN_PORT.get(key));
        return location == null ? null : new Trace(this, location, key, options);
    }

    /**
     * The bridge that a packet with that key comes into, and the port by which; null if there is none.
     *
     * @param key as the datapath has it
     */
    public @Nullable BridgePipeline entry(long[] key) {
        PortLocation location = portLocations.locate((int) Field.IN_PORT.get(key));
        return location == null ? null : location.bridge();
    }

    /**
     * What a traced packet brings about, once this has returned: flows and stations are learned from it, and
     * controllers get it. Not called from inside a batch.
     */
    void haveHappened(Translation translation, Packet packet) {
        flowLearning.learnFrom(((WalkRecord) translation.owner()).sideEffects(), clock.nowNs());
        flowLearning.catchUp(); // who traces looks at the flows next
        learning.learnFrom(translation, clock.nowNs());
        execute(packet, PacketIns.only(translation.actions()));
    }

    // ---- upkeep ----

    /**
     * Timeouts of flows, ageing of addresses, recirculation ids; called about twice a second by housekeeping, not from
     * inside a batch.
     */
    public void maintain(long nowNs) {
        datapath.pushStatistics();
        learning.relearn();
        flowLearning.catchUp();
        for (BridgePipeline bridge : bridges()) {
            bridge.maintain(nowNs);
        }
        recirculationIds.expire(nowNs);
    }

    // ---- packets of our own ----

    /** What becomes of a packet of a controller's (OFPT_PACKET_OUT). */
    Translation translate(BridgePipeline bridge, PacketOut packet, long[] key) {
        return read(() -> new Translator(this, key, clock.nowNs()).execute(bridge, packet));
    }

    /** Lets a packet that was paused go on. Not called from inside a batch. */
    void resume(PausedWalk paused, Match fields, Packet packet) throws OfException {
        PipelineFields.give(fields, packet);
        packet.setInPort(paused.datapathPort());
        long[] key = FlowKey.newKey();
        KeyExtractor.extract(packet, key);
        Translation translation = this.<Translation, OfException>readOrRefuse(() -> {
            BridgePipeline bridge = bridges.values().stream()
                    .filter(present -> present.identity().equals(paused.bridge()))
                    .findFirst()
                    .orElseThrow(() -> new OfException(OfErrorCode.NXR_STALE, "no bridge " + paused.bridge()));
            return new Translator(this, key, clock.nowNs()).resume(bridge, paused, fields);
        });
        send(packet, translation);
    }

    /** Has it happen, at once. Not called from inside a batch. */
    void send(Packet packet, Translation translation) {
        WalkRecord record = (WalkRecord) translation.owner();
        long nowNs = clock.nowNs();
        flowLearning.learnFrom(record.sideEffects(), nowNs);
        learning.learnFrom(translation, nowNs);
        record.credit(1, packet.lengthBytes(), nowNs);
        execute(packet, translation.actions());
    }

    private void execute(Packet packet, DatapathAction[] actions) {
        synchronized (executionLock) {
            datapath.execute(packet, actions, executionContext);
        }
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
