package io.turnstile.pipeline;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.KeyExtractor;
import io.turnstile.datapath.Upcall.Translation;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.pipeline.flow.ActionCheck;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketOut;
import io.turnstile.pipeline.flow.PortMod;
import io.turnstile.pipeline.flow.SwitchChange;
import io.turnstile.port.PortQueue;
import io.turnstile.port.PortStatistics;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One bridge: its tables, ports and learned addresses.
 *
 * <p>Threads: any; changes return once nothing stale forwards any more, so they are not to be made from inside a batch.
 */
public final class BridgePipeline implements OpenFlowSwitch {
    /** What controllers get of a packet that met no flow (OpenFlow 1.0.0 §5.3.1): all of it, as from Open vSwitch. */
    private static final int MISS_BYTES = 0xffff;

    /** {@code Bridge:fail_mode}: what a bridge does without a controller. */
    public enum FailMode {
        /** Switch by learned addresses. */
        STANDALONE,
        /** Only what the flows say. */
        SECURE
    }

    /** One line of {@code fdb/show}. */
    public record MacEntry(int port, int vlan, long mac, long ageSeconds, boolean isStatic) {}

    /** What {@code fdb/stats-show} says. */
    public record MacStatistics(
            int current, int maximum, int staticEntries, long learned, long expired, long evicted, long moved) {}

    private final Pipeline pipeline;
    private final String name;
    private final UUID identity = UUID.randomUUID();
    private volatile long datapathId;
    private final TlvTable tlvTable = new TlvTable();
    private final MacTable macTable = new MacTable();
    private final Bundles bundles = new Bundles(macTable);
    private boolean forwardsReserved; // under the table lock
    private volatile FragmentHandling fragmentHandling = FragmentHandling.NORMAL; // written under the table lock
    /** Datapath flows of packets to reserved addresses. Under the flow cache's lock. */
    private final Dependents reservedReaders = new Dependents();
    /** Datapath flows of packets that met no flow in a table that leaves it to controllers what becomes of them. */
    private final Dependents missReaders = new Dependents();
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
        this.events = new BridgeEvents(pipeline, missReaders);
        this.ports = new BridgePorts(pipeline, this, events);
        this.tables = new FlowTables(pipeline, events, dependents, new BundledChanges());
        this.failOpen = new FailOpen(pipeline, tables);
    }

    // ---- configuration ----

    @Override
    public String name() {
        return name;
    }

    /** What no other bridge has, nor one of the same name that comes after it. */
    public UUID identity() {
        return identity;
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

    /** {@code Bridge:flood_vlans}: a change forgets all that was learned. */
    public void setFloodVlans(VlanSet vlans) {
        pipeline.change(effects -> {
            List<MacTable.Station> gone = new ArrayList<>();
            if (macTable.setFloodVlans(vlans, gone)) {
                effects.everythingThrough(bundles.normal());
                effects.stationsChanged(macTable, gone);
            }
        });
    }

    /** {@code other_config:forward-bpdu}: whether packets to reserved addresses are passed on like others. */
    public void setForwardsReserved(boolean forwards) {
        pipeline.change(effects -> {
            if (forwards != forwardsReserved) {
                forwardsReserved = forwards;
                effects.everythingThrough(reservedReaders);
            }
        });
    }

    @Override
    public FragmentHandling fragmentHandling() {
        return fragmentHandling;
    }

    @Override
    public void setFragmentHandling(FragmentHandling handling) {
        pipeline.change(effects -> {
            if (handling != fragmentHandling) {
                fragmentHandling = handling;
                effects.everythingThrough(dependents);
            }
        });
    }

    /**
     * The Ports, by name of their interfaces, whether these are there or not; a port that is in none carries all VLANs.
     * Concerned are the datapath flows that asked one of those that changed, and what was learned behind it is
     * forgotten.
     */
    public void setBundles(Collection<PortBundle> wanted) {
        pipeline.change(effects -> bundles.configure(wanted, ports.inOrder(), effects));
    }

    /**
     * {@code fdb/add}: the station is behind the port for good. Returns what it takes the place of, if that was
     * elsewhere or learned.
     *
     * @throws IllegalArgumentException the bridge has no such port
     */
    public Optional<MacEntry> addStaticMac(int port, int vlan, long mac) {
        MacTable.Station station = new MacTable.Station(vlan, mac);
        List<MacEntry> replaced = new ArrayList<>();
        pipeline.change(effects -> {
            Bundle bundle = bundles.of(port);
            if (bundle == null) {
                throw new IllegalArgumentException("no port " + port);
            }
            MacEntry old = macTable.entry(station);
            if (old != null && !(old.isStatic() && old.port() == bundle.port())) {
                replaced.add(old);
            }
            List<MacTable.Station> changed = new ArrayList<>();
            macTable.fix(station, bundle.port(), pipeline.nowNs(), changed);
            effects.stationsChanged(macTable, changed);
        });
        return replaced.stream().findFirst();
    }

    /** {@code fdb/del}: returns false if there is no such static entry. */
    public boolean removeStaticMac(int vlan, long mac) {
        MacTable.Station station = new MacTable.Station(vlan, mac);
        boolean[] found = {false};
        pipeline.change(effects -> {
            found[0] = macTable.unfix(station);
            effects.stationsChanged(macTable, found[0] ? List.of(station) : List.of());
        });
        return found[0];
    }

    /** {@code fdb/stats-show}. */
    public MacStatistics macStatistics() {
        return macTable.statistics();
    }

    /** {@code fdb/stats-clear}. */
    public void clearMacStatistics() {
        macTable.clearStatistics();
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

    GroupTable groups() {
        return tables.groups();
    }

    MeterTable meters() {
        return tables.meters();
    }

    /** Whether a controller is there, as buckets watch it. */
    boolean isControllerConnected() {
        return failOpen.isControllerConnected();
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

    Bundles bundles() {
        return bundles;
    }

    boolean forwardsReserved() {
        return forwardsReserved;
    }

    Dependents reservedReaders() {
        return reservedReaders;
    }

    /** What counts packets through a patch port that is there. Under the table lock. */
    PatchCounter patchCounter(int number) {
        return ports.patchCounter(number);
    }

    Dependents missReaders() {
        return missReaders;
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
    public void check(SwitchChange change) throws OfException {
        if (change instanceof FlowMod flow) {
            FlowModification.check(flow);
        }
    }

    @Override
    public void apply(SwitchChange change, ChangeOrigin origin) throws OfException {
        try {
            tables.applyAll(List.of(change).iterator(), origin);
        } catch (BundleException e) {
            throw (OfException) e.getCause();
        }
    }

    @Override
    public void applyAll(Iterator<? extends SwitchChange> changes, ChangeOrigin origin) throws BundleException {
        tables.applyAll(changes, origin);
    }

    @Override
    public boolean tryApply(SwitchChange change, ChangeOrigin origin) throws OfException {
        return tables.tryApply(change, origin);
    }

    @Override
    public void apply(MeterMod change, ChangeOrigin origin) throws OfException {
        tables.apply(change, origin);
    }

    @Override
    public List<GroupDescription> groups(int groupId) {
        return tables.describeGroups(groupId);
    }

    @Override
    public List<GroupStats> groupStatistics(int groupId) {
        return tables.groupStatistics(groupId);
    }

    @Override
    public List<MeterConfig> meters(int meterId) throws OfException {
        return pipeline.<List<MeterConfig>, OfException>readOrRefuse(
                () -> tables.meters().configurations(meterId));
    }

    @Override
    public List<MeterStats> meterStatistics(int meterId) throws OfException {
        return pipeline.<List<MeterStats>, OfException>readOrRefuse(
                () -> tables.meters().statistics(meterId, pipeline.nowNs()));
    }

    @Override
    public FlowCursor flowsInTurn(FlowQuery query) {
        return tables.cursor(query);
    }

    /** Every flow, those that controllers are not shown included, for {@code bridge/dump-flows}. */
    public FlowCursor allFlowsInTurn() {
        return tables.cursorOfAll();
    }

    @Override
    public List<FlowStats> flows(FlowQuery query) {
        return tables.select(query);
    }

    @Override
    public void configureTable(int tableId, TableMod mod) {
        tables.configure(tableId, mod);
    }

    /**
     * {@code Bridge:flow_tables}, by the tables' numbers; flows that are too many go, as far as they may be evicted.
     */
    public void configureTables(Map<Integer, TableSettings> settings) {
        tables.configure(settings);
    }

    @Override
    public List<TableDescription> tableDescriptions() {
        return tables.descriptions();
    }

    @Override
    public MonitoredFlows monitoredFlows(int tableId) {
        return tables.monitored(tableId);
    }

    @Override
    public MonitorPoint monitorPoint() {
        return pipeline.read(() -> tables.monitoring().point(pipeline.nowNs()));
    }

    @Override
    public TlvTable tlvTable() {
        return tlvTable;
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
    public Map<String, Long> portCustomCounters(int number) {
        return ports.customCounters(number);
    }

    @Override
    public List<PortQueue> portQueues(int number) {
        return ports.queues(number);
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
    public void packetOut(PacketOut packet) throws OfException {
        checkedPacket(packet).send();
    }

    /** A packet of a controller's that can be sent. */
    private final class CheckedPacket {
        private final PacketOut wanted;
        private final Packet packet;
        private final long[] key;

        CheckedPacket(PacketOut wanted, Packet packet, long[] key) {
            this.wanted = wanted;
            this.packet = packet;
            this.key = key;
        }

        void send() {
            pipeline.send(packet, translation());
        }

        Translation translation() {
            return pipeline.translate(BridgePipeline.this, wanted, key);
        }
    }

    /** @param fields say what the bytes begin with */
    private Packet parsed(Match fields, byte[] frame) throws OfException {
        Packet packet = Packet.copyOf(frame);
        packet.setPacketType((int) fields.value(Field.PACKET_TYPE));
        if (!PacketParser.parse(packet, pipeline.datapath().vlanLimit())) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_PACKET, "no Ethernet header");
        }
        return packet;
    }

    private CheckedPacket checkedPacket(PacketOut wanted) throws OfException {
        Packet packet = parsed(wanted.fields(), wanted.frame());
        checkInPort(wanted.inPort());
        PipelineFields.give(wanted.fields(), packet);
        packet.setInPort(ports.datapathPortOf(wanted.inPort()));
        long[] key = FlowKey.newKey();
        KeyExtractor.extract(packet, key);
        checkPacketOut(wanted.actions(), key, false);
        return new CheckedPacket(wanted, packet, key);
    }

    /**
     * Refuses actions that a packet with that key cannot be sent out with.
     *
     * @param strict whether all prerequisites count, as for OpenFlow 1.1 and later
     * @throws OfException names the first action at fault
     */
    public void checkPacketOut(List<OfAction> actions, long[] key, boolean strict) throws OfException {
        ActionCheck.checkPacketOut(actions, key, strict);
        pipeline.<Boolean, OfException>readOrRefuse(() -> {
            tables.checkReferences(actions);
            return true;
        });
    }

    /** What of a bundle is about neither flows nor groups. */
    private final class BundledChanges implements FlowTables.OtherChanges {
        @Override
        public void change(PortMod port, Effects effects) throws OfException {
            ports.prepare(port, effects);
        }

        @Override
        public void send(PacketOut packet, Effects effects) throws OfException {
            CheckedPacket checked = checkedPacket(packet);
            Translation translation = checked.translation();
            effects.afterwards(() -> pipeline.send(checked.packet, translation));
        }
    }

    @Override
    public void resume(PausedWalk paused, Match fields, byte[] frame) throws OfException {
        Packet packet = parsed(fields, frame);
        for (PausedWalk.Rest rest : paused.rest()) {
            for (OfAction action : rest.actions()) {
                ActionCheck.checkOfAnyPacket(List.of(action)); // what stood for an instruction may come anywhere
            }
        }
        ActionCheck.checkOfAnyPacket(List.of(new OfAction.WriteActions(paused.actionSet())));
        pipeline.resume(paused, fields, packet);
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

    @Override
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
