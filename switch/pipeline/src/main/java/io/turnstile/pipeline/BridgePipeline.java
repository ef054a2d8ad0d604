package io.turnstile.pipeline;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.KeyExtractor;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.pipeline.OfAction.Ports;
import io.turnstile.port.Port;
import io.turnstile.port.PortStatistics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * One bridge: its tables, ports and learned addresses.
 *
 * <p>Threads: any; changes return once nothing stale forwards any more, so they are not to be made from inside a batch.
 */
public final class BridgePipeline implements OpenFlowSwitch {
    /** Not for controllers, as in Open vSwitch. */
    static final int INTERNAL_TABLE = 254;

    private static final int TABLES = 254;
    /** How long a bridge waits for a controller before it switches by itself: three inactivity probes of 5 s. */
    static final long FAIL_OPEN_AFTER_NS = 15_000_000_000L;

    private static final int FAIL_OPEN_PRIORITY = 0xf0f0f0;
    /** OpenFlow 1.0.0 §5.3.1: what a switch sends of a packet that met no flow. */
    private static final int MISS_BYTES = 128;

    private static final int SETTABLE_CONFIG = OfPort.CONFIG_PORT_DOWN
            | OfPort.CONFIG_NO_RECV
            | OfPort.CONFIG_NO_FLOOD
            | OfPort.CONFIG_NO_FWD
            | OfPort.CONFIG_NO_PACKET_IN;
    private static final PortStatistics NO_STATISTICS = new PortStatistics(
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN,
            PortStatistics.UNKNOWN);
    private static final int REASON_IDLE_TIMEOUT = 0;
    private static final int REASON_HARD_TIMEOUT = 1;
    private static final int PORT_ADDED = 0;
    private static final int PORT_DELETED = 1;
    private static final int PORT_MODIFIED = 2;

    /** {@code Bridge:fail_mode}: what a bridge does without a controller. */
    public enum FailMode {
        /** Switch by learned addresses. */
        STANDALONE,
        /** Only what the flows say. */
        SECURE
    }

    /** Where a datapath port is plugged in. */
    public record PortBinding(BridgePipeline bridge, OfPort port) {}

    /** One line of {@code fdb/show}. */
    public record MacEntry(int port, int vlan, long mac, long ageSeconds) {}

    private record Subscriber(Events listener, EventQueue queue) {}

    private final Pipeline pipeline;
    private final String name;
    private volatile long datapathId;
    private final MacTable macTable = new MacTable();
    private final List<Subscriber> subscribers = new CopyOnWriteArrayList<>();
    /** Datapath flows whose walk came through this bridge. Under the flow cache's lock. */
    private final Dependents dependents = new Dependents();

    // Under the table lock.
    private final FlowTable[] tables = new FlowTable[TABLES + 1];
    private final Set<Rule> timed = new LinkedHashSet<>();
    private final Map<Integer, OfPort> ports = new HashMap<>();
    private final Map<Integer, Long> portSinceNs = new HashMap<>();
    private List<OfPort> portsInOrder = List.of();
    private FailMode failMode = FailMode.STANDALONE;
    private boolean controllersConfigured;
    private boolean controllerConnected;
    private long disconnectedSinceNs;
    private Rule failOpenRule;

    private volatile boolean packetInOnMiss;

    BridgePipeline(Pipeline pipeline, String name, long datapathId) {
        this.pipeline = pipeline;
        this.name = name;
        this.datapathId = datapathId;
        this.disconnectedSinceNs = pipeline.nowNs();
        Arrays.setAll(tables, FlowTable::new);
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

    MacTable macTable() {
        return macTable;
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
        pipeline.change(effects -> {
            if (mode == failMode) {
                return;
            }
            failMode = mode;
            if (!controllersConfigured) {
                restart(effects);
            }
            updateFailOpen(effects, pipeline.nowNs());
        });
    }

    /** Whether the bridge has controllers to obey at all; a change starts the flow table anew. */
    public void setControllersConfigured(boolean anyConfigured) {
        pipeline.change(effects -> {
            if (anyConfigured == controllersConfigured) {
                return;
            }
            controllersConfigured = anyConfigured;
            disconnectedSinceNs = pipeline.nowNs();
            restart(effects);
            updateFailOpen(effects, pipeline.nowNs());
        });
    }

    private void restart(Effects effects) {
        FlowModification modification = new FlowModification(this, pipeline.nowNs());
        for (FlowTable table : tables) {
            List<Rule> rules = new ArrayList<>();
            table.forEach(rules::add);
            rules.stream().filter(rule -> !rule.isHidden()).forEach(modification::remove);
        }
        modification.reportTo(effects);
        installDefaultFlow(effects);
    }

    /** Without controllers a standalone bridge is an ordinary switch, by a flow that everybody can see. */
    void installDefaultFlow(Effects effects) {
        if (!controllersConfigured && failMode == FailMode.STANDALONE) {
            FlowModification modification = new FlowModification(this, pipeline.nowNs());
            modification.addInternal(Rule.internal(0, List.of(new OfAction.Output(Ports.NORMAL)), pipeline.nowNs()));
            modification.reportTo(effects);
        }
    }

    @Override
    public void controllerConnected(boolean anyConnected) {
        pipeline.change(effects -> {
            if (controllerConnected && !anyConnected) {
                disconnectedSinceNs = pipeline.nowNs();
            }
            controllerConnected = anyConnected;
            updateFailOpen(effects, pipeline.nowNs());
        });
    }

    /** Standalone with controllers that do not answer: a hidden flow above all others switches until one is back. */
    private void updateFailOpen(Effects effects, long nowNs) {
        boolean wanted = controllersConfigured
                && failMode == FailMode.STANDALONE
                && !controllerConnected
                && nowNs - disconnectedSinceNs >= FAIL_OPEN_AFTER_NS;
        if (wanted == (failOpenRule != null)) {
            return;
        }
        FlowModification modification = new FlowModification(this, nowNs);
        if (wanted) {
            failOpenRule = Rule.internal(FAIL_OPEN_PRIORITY, List.of(new OfAction.Output(Ports.NORMAL)), nowNs);
            modification.addInternal(failOpenRule);
        } else {
            modification.remove(failOpenRule);
            failOpenRule = null;
        }
        modification.reportTo(effects);
    }

    @Override
    public boolean isStandalone() {
        return pipeline.read(() -> failMode == FailMode.STANDALONE && (!controllersConfigured || failOpenRule != null));
    }

    boolean wantsPacketInOnMiss() {
        return packetInOnMiss;
    }

    int missLengthBytes() {
        return MISS_BYTES;
    }

    // ---- what a walk needs; under the table lock ----

    FlowTable table(int id) {
        return tables[Math.min(id, INTERNAL_TABLE)];
    }

    /** One table, or all that controllers may use. */
    List<FlowTable> tables(int idOrAll) {
        return idOrAll == FlowMod.ALL_TABLES ? List.of(tables).subList(0, TABLES) : List.of(tables[idOrAll]);
    }

    Set<Rule> timed() {
        return timed;
    }

    OfPort port(int number) {
        return ports.get(number);
    }

    List<OfPort> portsInOrder() {
        return portsInOrder;
    }

    Dependents dependents() {
        return dependents;
    }

    // ---- flows ----

    @Override
    public int tableCount() {
        return TABLES;
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
        pipeline.<BundleException>change(effects -> {
            FlowModification modification = new FlowModification(this, pipeline.nowNs());
            for (int i = 0; i < changes.size(); i++) {
                try {
                    modification.apply(changes.get(i));
                } catch (OfException e) {
                    modification.undo();
                    throw new BundleException(i, e);
                }
            }
            modification.reportTo(effects);
        });
    }

    @Override
    public List<FlowStats> flows(FlowQuery query) {
        pipeline.datapath().pushStatistics();
        return pipeline.read(() -> {
            long nowNs = pipeline.nowNs();
            List<FlowStats> selected = new ArrayList<>();
            if (query.tableId() > INTERNAL_TABLE && query.tableId() != FlowMod.ALL_TABLES) {
                return selected;
            }
            for (FlowTable table : tables(query.tableId())) {
                table.forEach(rule -> {
                    if (!rule.isHidden()
                            && query.match().covers(rule.match)
                            && rule.outputsTo(query.outPort())
                            && ((rule.cookie ^ query.cookie()) & query.cookieMask()) == 0) {
                        selected.add(rule.statistics(nowNs));
                    }
                });
            }
            return selected;
        });
    }

    @Override
    public List<TableStats> tables() {
        pipeline.datapath().pushStatistics();
        return pipeline.read(() -> Arrays.stream(tables, 0, TABLES)
                .map(table -> new TableStats(
                        table.id, table.size(), table.lookups.sum(), table.matched.sum(), FlowTable.MAX_ENTRIES))
                .toList());
    }

    // ---- ports ----

    /** Takes a port in. The number must be free; a datapath port belongs to one bridge. */
    public void addPort(OfPort port) {
        pipeline.change(effects -> {
            if (ports.putIfAbsent(port.number(), port) != null) {
                throw new IllegalArgumentException(
                        "port number " + Integer.toUnsignedString(port.number()) + " is taken");
            }
            portSinceNs.put(port.number(), pipeline.nowNs());
            portsChanged(effects);
            pipeline.map(port, new PortLocation(this, port.number()), effects);
            effects.afterwards(() -> portStatus(port, PORT_ADDED));
        });
    }

    /** Lets a port go, with the addresses behind it; nothing happens if it is not there. */
    public void removePort(int number) {
        pipeline.change(effects -> {
            OfPort port = ports.get(number);
            if (port == null) {
                return;
            }
            pipeline.unmap(port, new PortLocation(this, number), effects);
            ports.remove(number);
            portSinceNs.remove(number);
            portsChanged(effects);
            effects.stationsChanged(macTable, macTable.forgetPort(number));
            effects.afterwards(() -> portStatus(port, PORT_DELETED));
        });
    }

    /**
     * Takes over the port's present name, address, state, peer and speed; its config bits stay as controllers set them.
     * Unknown numbers are ignored: the port may have gone meanwhile.
     */
    public void updatePort(OfPort update) {
        pipeline.change(effects -> {
            OfPort old = ports.get(update.number());
            if (old == null) {
                return;
            }
            OfPort port = new OfPort(
                    update.number(),
                    update.datapathPort(),
                    update.name(),
                    update.macAddress(),
                    old.config(),
                    update.state(),
                    update.patchPeer(),
                    update.speedMbps());
            if (!old.equals(port)) {
                replace(old, port, effects);
            }
        });
    }

    private void replace(OfPort old, OfPort port, Effects effects) {
        PortLocation location = new PortLocation(this, port.number());
        pipeline.unmap(old, location, effects);
        ports.put(port.number(), port);
        pipeline.map(port, location, effects);
        portsChanged(effects);
        effects.afterwards(() -> portStatus(port, PORT_MODIFIED));
    }

    /** LOCAL first, the rest by number, as ovs-ofctl shows them. */
    private void portsChanged(Effects effects) {
        portsInOrder = ports.values().stream()
                .sorted(Comparator.comparing((OfPort port) -> port.number() != Ports.LOCAL)
                        .thenComparing(OfPort::number, Integer::compareUnsigned))
                .toList();
        effects.everythingThrough(dependents);
    }

    @Override
    public List<OfPort> ports() {
        return pipeline.read(() -> portsInOrder);
    }

    @Override
    public PortStatistics portStatistics(int number) {
        Port port = pipeline.datapath().port(pipeline.datapathPortOf(this, number));
        return port == null ? NO_STATISTICS : port.statistics();
    }

    @Override
    public long portDurationNs(int number) {
        return pipeline.read(() -> {
            Long since = portSinceNs.get(number);
            return since == null ? 0 : pipeline.nowNs() - since;
        });
    }

    @Override
    public void modifyPort(int number, int config, int mask) throws OfException {
        pipeline.<OfException>change(effects -> {
            OfPort old = ports.get(number);
            if (old == null) {
                throw new OfException(OfErrorCode.OFPPMFC_BAD_PORT, "no port " + Integer.toUnsignedString(number));
            }
            if ((mask & ~SETTABLE_CONFIG) != 0) {
                throw new OfException(OfErrorCode.OFPPMFC_BAD_CONFIG, "config bits 0x" + Integer.toHexString(mask));
            }
            int changed = old.config() & ~mask | config & mask;
            if (changed != old.config()) {
                replace(
                        old,
                        new OfPort(
                                number,
                                old.datapathPort(),
                                old.name(),
                                old.macAddress(),
                                changed,
                                old.state(),
                                old.patchPeer(),
                                old.speedMbps()),
                        effects);
                effects.afterwards(() -> setAdminUp(number, (changed & OfPort.CONFIG_PORT_DOWN) == 0));
            }
        });
    }

    /** The link's new state is asked for at once: a port in memory has nobody to tell of it later. */
    private void setAdminUp(int number, boolean up) {
        OfPort port = ports.get(number);
        Port device = port == null ? null : pipeline.datapath().port(port.datapathPort());
        if (device != null) {
            device.setAdminUp(up);
            int state = device.linkStatus().carrier() ? 0 : OfPort.STATE_LINK_DOWN;
            updatePort(new OfPort(
                    number,
                    port.datapathPort(),
                    port.name(),
                    port.macAddress(),
                    port.config(),
                    state,
                    port.patchPeer(),
                    port.speedMbps()));
        }
    }

    // ---- packets ----

    @Override
    public void packetOut(int inPort, List<OfAction> actions, byte[] frame) throws OfException {
        Packet packet = Packet.copyOf(frame);
        if (!PacketParser.parse(packet)) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_PACKET, "no Ethernet header");
        }
        checkInPort(inPort);
        packet.setInPort(pipeline.datapathPortOf(this, inPort));
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

    /** From a forwarding thread: copies what the listeners need and leaves. */
    void packetIn(Packet packet, long[] packetKey, PacketInRequest request) {
        if (subscribers.isEmpty()) {
            return;
        }
        byte[] frame = packet.toBytes();
        Match metadata = metadataOf(packetKey, request);
        for (Subscriber subscriber : subscribers) {
            subscriber.queue.postPacket(() -> subscriber.listener.packetIn(
                    frame,
                    request.maxLengthBytes(),
                    request.reason(),
                    request.tableId(),
                    request.cookie(),
                    request.controllerId(),
                    metadata));
        }
    }

    /** The in_port, and what else is not zero. */
    private static Match metadataOf(long[] packetKey, PacketInRequest request) {
        long[] key = request.key().clone();
        ConntrackFields.clear(key);
        if (request.conntrackVisible() && (Field.CT_STATE.get(packetKey) & CtState.TRK) != 0) {
            ConntrackFields.copy(packetKey, key);
        }
        Match.Builder metadata = Match.builder().exact(Field.IN_PORT, Field.IN_PORT.get(key));
        List<Field> shown = new ArrayList<>(List.of(ConntrackFields.ALL));
        shown.add(Field.METADATA);
        shown.add(Field.PKT_MARK);
        for (int i = 0; i < 16; i++) {
            shown.add(Field.valueOf("REG" + i));
        }
        for (Field field : shown) {
            if (field.get(key) != 0 || field.getHigh(key) != 0) {
                metadata.exact(field, field.getHigh(key), field.get(key));
            }
        }
        if (Field.CT_NW_PROTO.get(key) != 0) {
            metadata.exact(Field.ETH_TYPE, Field.ETH_TYPE.get(packetKey)); // what the tuple's fields depend on
        }
        return metadata.build();
    }

    // ---- events ----

    @Override
    public int flushConnections(ConnectionFilter filter) {
        return pipeline.datapath().flushConnections(filter, pipeline.nowNs());
    }

    @Override
    public AutoCloseable subscribe(Events listener) {
        Subscriber subscriber =
                new Subscriber(listener, new EventQueue(pipeline.eventExecutor(), pipeline::eventFailed));
        subscribers.add(subscriber);
        refreshSubscribers();
        return () -> {
            subscribers.remove(subscriber);
            subscriber.queue.close();
            refreshSubscribers();
        };
    }

    /**
     * Asks the subscribers anew whether they want packets that meet no flow (controllers of OpenFlow 1.0 to 1.2 do;
     * later ones have a flow for that). To be called when one changes its mind.
     */
    public void refreshSubscribers() {
        boolean wanted = subscribers.stream().anyMatch(subscriber -> subscriber.listener.wantsPacketInOnMiss());
        if (wanted != packetInOnMiss) {
            pipeline.change(effects -> {
                packetInOnMiss = wanted;
                effects.everythingThrough(dependents);
            });
        }
    }

    /** Waits until subscribers have been told of everything that has happened so far. Never called by a subscriber. */
    public void awaitEvents() {
        List<Subscriber> present = List.copyOf(subscribers);
        CountDownLatch told = new CountDownLatch(present.size());
        present.forEach(subscriber -> subscriber.queue.whenTold(told::countDown));
        try {
            told.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** How many packets the listeners were too slow for. */
    public long lostEvents() {
        return subscribers.stream()
                .mapToLong(subscriber -> subscriber.queue.droppedPackets())
                .sum();
    }

    void flowRemoved(Rule rule, int reason) {
        FlowStats last = rule.statistics(pipeline.nowNs());
        subscribers.forEach(subscriber -> subscriber.queue.post(() -> subscriber.listener.flowRemoved(last, reason)));
    }

    private void portStatus(OfPort port, int reason) {
        subscribers.forEach(subscriber -> subscriber.queue.post(() -> subscriber.listener.portStatus(port, reason)));
    }

    // ---- upkeep ----

    void maintain(long nowNs) {
        if (pipeline.read(() -> !timedOut(nowNs).isEmpty())) {
            pipeline.change(effects -> expireFlows(nowNs, effects));
        }
        Collection<MacTable.Station> aged = macTable.expire(nowNs);
        boolean failOpenDue = pipeline.read(() -> controllersConfigured && !controllerConnected);
        if (!aged.isEmpty() || failOpenDue) {
            pipeline.change(effects -> {
                effects.stationsChanged(macTable, aged);
                updateFailOpen(effects, nowNs);
            });
        }
    }

    private List<Rule> timedOut(long nowNs) {
        return timed.stream()
                .filter(rule -> rule.hardTimeoutReached(nowNs) || rule.idleTimeoutReached(nowNs))
                .toList();
    }

    private void expireFlows(long nowNs, Effects effects) {
        FlowModification modification = new FlowModification(this, nowNs);
        for (Rule rule : timedOut(nowNs)) {
            modification.remove(rule);
            if (rule.flags.contains(FlowMod.Flag.SEND_FLOW_REM)) {
                int reason = rule.hardTimeoutReached(nowNs) ? REASON_HARD_TIMEOUT : REASON_IDLE_TIMEOUT;
                effects.afterwards(() -> flowRemoved(rule, reason));
            }
        }
        modification.reportTo(effects);
    }

    void close() {
        subscribers.forEach(subscriber -> subscriber.queue.close());
        subscribers.clear();
    }
}
