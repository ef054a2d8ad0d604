package io.turnstile.pipeline;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.KeyExtractor;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.pipeline.flow.ActionCheck;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.port.PortStatistics;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One bridge: its tables, ports and learned addresses.
 *
 * <p>Threads: any; changes return once nothing stale forwards any more, so they are not to be made from inside a batch.
 */
public final class BridgePipeline implements OpenFlowSwitch {
    /** OpenFlow 1.0.0 §5.3.1: what a switch sends of a packet that met no flow. */
    private static final int MISS_BYTES = 128;

    /** {@code Bridge:fail_mode}: what a bridge does without a controller. */
    public enum FailMode {
        /** Switch by learned addresses. */
        STANDALONE,
        /** Only what the flows say. */
        SECURE
    }

    /** One line of {@code fdb/show}. */
    public record MacEntry(int port, int vlan, long mac, long ageSeconds) {}

    private final Pipeline pipeline;
    private final String name;
    private volatile long datapathId;
    private final MacTable macTable = new MacTable();
    /** Datapath flows whose walk came through this bridge. Under the flow cache's lock. */
    private final Dependents dependents = new Dependents();

    private final BridgeEvents events;
    private final FlowTables tables;
    private final BridgePorts ports;
    private final FailOpen failOpen;

    BridgePipeline(Pipeline pipeline, String name, long datapathId) {
        this.pipeline = pipeline;
        this.name = name;
        this.datapathId = datapathId;
        this.events = new BridgeEvents(pipeline, dependents);
        this.tables = new FlowTables(pipeline, events);
        this.ports = new BridgePorts(pipeline, this, events);
        this.failOpen = new FailOpen(pipeline, tables);
    }

    // ---- configuration ----

    @Override
    public String name() {
        return name;
    }

    @Override
    public long datapathId() {
        return datapathId;
    }

    public void setDatapathId(long datapathId) {
        this.datapathId = datapathId;
    }

    /** {@code other_config:mac-aging-time} and {@code mac-table-size}, clamped as Open vSwitch does. */
    public void configureMacTable(int agingSeconds, int maxEntries) {
        macTable.configure(agingSeconds, maxEntries);
    }

    /** The lines of {@code fdb/show}, longest unseen first. */
    public List<MacEntry> macEntries() {
        pipeline.datapath().pushStatistics();
        return macTable.entries(pipeline.nowNs());
    }

    /** {@code fdb/flush}. */
    public void flushMacs() {
        pipeline.change(effects -> effects.stationsChanged(macTable, macTable.clear()));
    }

    /** A changed mode, with no controller configured, starts the flow table anew, as Open vSwitch does. */
    public void setFailMode(FailMode mode) {
        failOpen.setMode(mode);
    }

    /** Whether the bridge has controllers to obey at all; a change starts the flow table anew. */
    public void setControllersConfigured(boolean anyConfigured) {
        failOpen.setControllersConfigured(anyConfigured);
    }

    /** The flow that a new bridge has from the beginning. */
    void installDefaultFlow(Effects effects) {
        failOpen.installDefaultFlow(effects);
    }

    @Override
    public void controllerConnected(boolean anyConnected) {
        failOpen.setControllerConnected(anyConnected);
    }

    @Override
    public boolean isStandalone() {
        return failOpen.isStandalone();
    }

    // ---- what a walk needs; under the table lock ----

    FlowTable table(int id) {
        return tables.get(id);
    }

    @Nullable
    OfPort port(int number) {
        return ports.get(number);
    }

    List<OfPort> portsInOrder() {
        return ports.inOrder();
    }

    MacTable macTable() {
        return macTable;
    }

    boolean wantsPacketInOnMiss() {
        return events.wantsPacketInOnMiss();
    }

    int missLengthBytes() {
        return MISS_BYTES;
    }

    Dependents dependents() {
        return dependents;
    }

    // ---- flows ----

    /** Adds or changes a flow that packets have learned; one that cannot be is left out. */
    void learn(FlowMod flow, Effects effects) {
        tables.learn(flow, effects);
    }

    /** By whoever holds the change lock. */
    void reduceTimeouts(Rule rule, int idleSeconds, int hardSeconds) {
        tables.reduceTimeouts(rule, idleSeconds, hardSeconds);
    }

    @Override
    public int tableCount() {
        return FlowTables.COUNT;
    }

    @Override
    public void apply(FlowMod change) throws OfException {
        try {
            applyAll(List.of(change));
        } catch (BundleException e) {
            throw (OfException) e.getCause();
        }
    }

    @Override
    public void applyAll(List<FlowMod> changes) throws BundleException {
        tables.applyAll(changes.iterator());
    }

    @Override
    public void applyAll(Iterator<FlowMod> changes) throws BundleException {
        tables.applyAll(changes);
    }

    @Override
    public boolean tryApply(FlowMod change) throws OfException {
        return tables.tryApply(change);
    }

    @Override
    public FlowCursor flowsInTurn(FlowQuery query) {
        return tables.cursor(query);
    }

    @Override
    public List<FlowStats> flows(FlowQuery query) {
        return tables.select(query);
    }

    @Override
    public List<TableStats> tables() {
        return tables.statistics();
    }

    // ---- ports ----

    /** Takes a port in. The number must be free; a datapath port belongs to one bridge. */
    public void addPort(OfPort port) {
        ports.add(port);
    }

    /** Lets a port go, with the addresses behind it; nothing happens if it is not there. */
    public void removePort(int number) {
        ports.remove(number);
    }

    /**
     * Takes over the port's present name, address, state, peer and speed; its config bits stay as controllers set them.
     * Unknown numbers are ignored: the port may have gone meanwhile.
     */
    public void updatePort(OfPort update) {
        ports.update(update);
    }

    @Override
    public List<OfPort> ports() {
        return pipeline.read(ports::inOrder);
    }

    @Override
    public PortStatistics portStatistics(int number) {
        return ports.statistics(number);
    }

    @Override
    public long portDurationNs(int number) {
        return ports.durationNs(number);
    }

    @Override
    public void modifyPort(int number, int config, int mask) throws OfException {
        ports.modify(number, config, mask);
    }

    // ---- packets and connections ----

    @Override
    public void packetOut(int inPort, List<OfAction> actions, byte[] frame) throws OfException {
        Packet packet = Packet.copyOf(frame);
        if (!PacketParser.parse(packet)) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_PACKET, "no Ethernet header");
        }
        checkInPort(inPort);
        packet.setInPort(ports.datapathPortOf(inPort));
        long[] key = FlowKey.newKey();
        KeyExtractor.extract(packet, key);
        ActionCheck.checkPacketOut(actions, key);
        pipeline.packetOut(this, inPort, actions, packet, key);
    }

    private static void checkInPort(int inPort) throws OfException {
        boolean reserved = Integer.compareUnsigned(inPort, Ports.MAX) >= 0;
        if (reserved && inPort != Ports.LOCAL && inPort != Ports.NONE && inPort != Ports.CONTROLLER) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_PORT, "in_port " + Integer.toUnsignedString(inPort));
        }
    }

    @Override
    public int flushConnections(ConnectionFilter filter) {
        return pipeline.datapath().flushConnections(filter, "openflow " + name, pipeline.nowNs());
    }

    // ---- events ----

    BridgeEvents events() {
        return events;
    }

    @Override
    public AutoCloseable subscribe(Events listener) {
        return events.subscribe(listener);
    }

    /**
     * Asks the subscribers again whether they want packets that match no flow (controllers of OpenFlow 1.0 to 1.2 do;
     * later ones have a flow for that). To be called when one changes its mind.
     */
    public void refreshSubscribers() {
        events.refresh();
    }

    /** Waits until the subscribers have got everything that has happened so far. Never called by a subscriber. */
    public void awaitEvents() {
        events.await();
    }

    // ---- upkeep ----

    void maintain(long nowNs) {
        if (tables.mayTimeOut()) {
            pipeline.changeUnlessBusy(effects -> tables.expire(nowNs, effects));
        }
        boolean failOpenDue = pipeline.read(failOpen::isWaiting);
        if (failOpenDue || macTable.hasAged(nowNs)) {
            // Who expires connections must not wait for a change of a million flows: the next time will do.
            pipeline.changeUnlessBusy(effects -> {
                effects.stationsChanged(macTable, macTable.expire(nowNs));
                failOpen.update(effects, nowNs);
            });
        }
    }

    void close() {
        events.close();
    }
}
