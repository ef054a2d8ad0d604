package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.port.Port;
import io.turnstile.port.PortStatistics;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * One bridge: its tables, ports, MAC table and what its controllers may ask ({@link OpenFlowSwitch}).
 *
 * <p>Threads: any; changes and lookups hold the pipeline's lock. Events go out in order on a thread of the bridge's own, through a
 * bounded queue; what does not fit is counted ({@link #lostEvents}).
 */
public final class BridgePipeline implements OpenFlowSwitch {
    private static final int TABLES = 254;
    private static final int EVENT_QUEUE_LENGTH = 4096;
    /** What OFPST_TABLE reports; there is no limit but memory. */
    private static final int MAX_ENTRIES = 1_000_000;
    private static final int REASON_IDLE = 0;
    private static final int REASON_HARD = 1;
    private static final int REASON_DELETE = 2;
    private static final long NS_PER_SECOND = 1_000_000_000L;
    /** OpenFlow 1.0.0 §5.3.1: what a switch sends of a packet that met no flow. */
    private static final int DEFAULT_MISS_SEND_LENGTH_BYTES = 128;
    /** Above everything a controller can install; hidden. */
    private static final int FAIL_OPEN_PRIORITY = 0xf0f0f0;
    /** How long a bridge with controllers waits for one before it goes on by itself. */
    private static final long FAIL_OPEN_AFTER_NS = 15 * NS_PER_SECOND;

    private final Pipeline pipeline;
    private final String name;
    /** Made when first named; read without the lock to credit counters. */
    private final Map<Integer, FlowTable> tables = new ConcurrentHashMap<>();
    private final Map<Integer, OfPort> ports = new TreeMap<>(BridgePipeline::localFirst);
    private final Map<Integer, Long> portsSinceNs = new HashMap<>();
    private final MacTable macTable = new MacTable();
    private final List<Events> subscribers = new CopyOnWriteArrayList<>();
    private final ExecutorService events;
    private final AtomicLong lostEvents = new AtomicLong();
    private volatile long datapathId;
    private volatile boolean packetInOnMiss;

    private FailMode failMode = FailMode.STANDALONE;
    private boolean controllersConfigured;
    private boolean controllerConnected;
    private long disconnectedSinceNs;
    private boolean failOpen;

    /** Bridge:fail_mode. */
    public enum FailMode { STANDALONE, SECURE }

    /** Where a datapath port is plugged in. */
    public record PortBinding(BridgePipeline bridge, OfPort port) {
    }

    /** One line of fdb/show. */
    public record MacEntry(int port, int vlan, long mac, long ageSeconds) {
    }

    BridgePipeline(Pipeline pipeline, String name, long datapathId) {
        this.pipeline = pipeline;
        this.name = name;
        this.datapathId = datapathId;
        this.events = new ThreadPoolExecutor(0, 1, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(EVENT_QUEUE_LENGTH), task -> {
            Thread thread = new Thread(task, "events-" + name);
            thread.setDaemon(true);
            return thread;
        });
        installStandaloneFlow();
    }

    void close() {
        events.shutdown();
    }

    private static int localFirst(int a, int b) {
        int rankA = a == OfAction.Ports.LOCAL ? 0 : 1;
        int rankB = b == OfAction.Ports.LOCAL ? 0 : 1;
        return rankA != rankB ? Integer.compare(rankA, rankB) : Integer.compareUnsigned(a, b);
    }

    // ---- what the translator asks; the lock is held ----

    Rule lookup(int tableId, long[] key, long[] wildcards) {
        FlowTable table = tables.get(tableId);
        return table == null ? null : table.lookup(key, wildcards);
    }

    OfPort port(int number) {
        return ports.get(number);
    }

    Collection<OfPort> presentPorts() {
        return ports.values();
    }

    MacTable macTable() {
        return macTable;
    }

    boolean wantsPacketInOnMiss() {
        return packetInOnMiss;
    }

    int missSendLengthBytes() {
        return DEFAULT_MISS_SEND_LENGTH_BYTES;
    }

    /** Credits a table and the rule met there; without the lock. */
    void credit(TranslationRecord.Lookup lookup, long packets, long bytes, long lastUsedNs) {
        FlowTable table = table(lookup.tableId());
        table.countLookups(packets, lookup.rule() != null);
        if (lookup.rule() != null) {
            lookup.rule().credit(packets, bytes, lastUsedNs);
        }
    }

    private FlowTable table(int id) {
        return tables.computeIfAbsent(id, FlowTable::new);
    }

    // ---- OpenFlowSwitch: description ----

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

    @Override
    public int tableCount() {
        return TABLES;
    }

    // ---- flows ----

    @Override
    public void apply(FlowMod change) throws OfException {
        pipeline.<OfException>change(() -> {
            check(change);
            perform(change);
        });
    }

    @Override
    public void applyAll(List<FlowMod> changes) throws BundleException {
        pipeline.<BundleException>change(() -> {
            List<Undo> undo = new ArrayList<>();
            for (int i = 0; i < changes.size(); i++) {
                try {
                    check(changes.get(i));
                    undo.add(Undo.before(this, changes.get(i)));
                    perform(changes.get(i));
                } catch (OfException e) {
                    for (Undo step : undo.reversed()) {
                        step.run();
                    }
                    throw new BundleException(i, e);
                }
            }
        });
    }

    /**
     * How the rules that a change may touch stood before it. Restoring puts back the very rule objects, counters and all; packets
     * have seen nothing of the change, because translations wait for the lock.
     */
    private record Undo(BridgePipeline bridge, Set<Integer> tableIds, List<Rule> before, List<List<OfAction>> actions,
                        List<Long> cookies) implements Runnable {

        static Undo before(BridgePipeline bridge, FlowMod change) {
            Set<Integer> ids = bridge.tableIdsOf(change);
            List<Rule> rules = ids.stream().flatMap(id -> bridge.table(id).rules().stream()).toList();
            return new Undo(bridge, ids, rules, rules.stream().map(rule -> rule.actions).toList(),
                    rules.stream().map(rule -> rule.cookie).toList());
        }

        @Override
        public void run() {
            Set<Rule> kept = new HashSet<>(before);
            for (int id : tableIds) {
                for (Rule rule : bridge.table(id).rules()) {
                    if (!kept.contains(rule)) {
                        bridge.table(id).remove(rule);
                    }
                }
            }
            for (int i = 0; i < before.size(); i++) {
                Rule rule = before.get(i);
                rule.actions = actions.get(i);
                rule.cookie = cookies.get(i);
                if (rule.removed) {
                    rule.removed = false;
                    bridge.table(rule.tableId).insert(rule);
                }
            }
        }
    }

    private Set<Integer> tableIdsOf(FlowMod change) {
        if (change.tableId() != FlowMod.ALL_TABLES) {
            return Set.of(change.tableId());
        }
        if (change.command() == FlowMod.Command.ADD) {
            return Set.of(0);
        }
        return Set.copyOf(tables.keySet());
    }

    private void check(FlowMod change) throws OfException {
        int tableId = change.tableId();
        if (tableId != FlowMod.ALL_TABLES && (tableId < 0 || tableId >= TABLES)) {
            throw new OfException(OfErrorCode.OFPFMFC_BAD_TABLE_ID, "table " + tableId);
        }
        if (change.command() != FlowMod.Command.DELETE && change.command() != FlowMod.Command.DELETE_STRICT) {
            ActionCheck.check(change.actions(), tableId == FlowMod.ALL_TABLES ? 0 : tableId, TABLES);
        }
    }

    private void perform(FlowMod change) throws OfException {
        switch (change.command()) {
            case ADD -> add(change);
            case MODIFY, MODIFY_STRICT -> modify(change);
            case DELETE, DELETE_STRICT -> selected(change).forEach(rule -> remove(rule, REASON_DELETE));
        }
    }

    private void add(FlowMod change) throws OfException {
        FlowTable table = table(change.tableId() == FlowMod.ALL_TABLES ? 0 : change.tableId());
        long nowNs = pipeline.nowNs();
        Rule present = table.findExactly(change.match(), change.priority());
        if (present == null && change.flags().contains(FlowMod.Flag.CHECK_OVERLAP)) {
            for (Rule rule : table.rules()) {
                if (rule.priority == change.priority() && rule.match.overlaps(change.match())) {
                    throw new OfException(OfErrorCode.OFPFMFC_OVERLAP, "another flow of that priority overlaps");
                }
            }
        }
        Rule rule = present == null || change.flags().contains(FlowMod.Flag.RESET_COUNTS)
                ? new Rule(change, table.id, nowNs) : Rule.continuing(present, change, nowNs);
        if (present != null) {
            table.remove(present);
            present.removed = true;
            pipeline.invalidate(pipeline.dependents().thatMet(this, present));
        }
        table.insert(rule);
        pipeline.invalidate(pipeline.dependents().thatMayMeet(this, table.id, rule.match, rule.priority));
    }

    private void modify(FlowMod change) throws OfException {
        List<Rule> rules = selected(change);
        if (rules.isEmpty()) {
            // OpenFlow 1.0.0 §4.6: a modify that finds nothing adds; with a cookie to find flows by (1.1 on) it does not.
            if (change.cookieMask() == 0) {
                add(change);
            }
            return;
        }
        pipeline.datapath().pushStatistics();
        for (Rule rule : rules) {
            rule.actions = List.copyOf(change.actions());
            rule.modifiedNs = pipeline.nowNs();
            if (change.cookie() != -1L) {
                rule.cookie = change.cookie();
            }
            if (change.flags().contains(FlowMod.Flag.RESET_COUNTS)) {
                rule.resetCounters();
            }
            pipeline.invalidate(pipeline.dependents().thatMet(this, rule));
        }
    }

    private List<Rule> selected(FlowMod change) {
        boolean strict = change.command() == FlowMod.Command.MODIFY_STRICT || change.command() == FlowMod.Command.DELETE_STRICT;
        boolean delete = change.command() == FlowMod.Command.DELETE || change.command() == FlowMod.Command.DELETE_STRICT;
        List<Rule> rules = new ArrayList<>();
        for (int id : tableIdsOf(change)) {
            for (Rule rule : table(id).rules()) {
                boolean matches = strict ? rule.priority == change.priority() && rule.match.equals(change.match())
                        : change.match().covers(rule.match);
                if (matches && !rule.isHidden() && ((rule.cookie ^ change.cookie()) & change.cookieMask()) == 0
                        && (!delete || outputsTo(rule.actions, change.outPort()))) {
                    rules.add(rule);
                }
            }
        }
        return rules;
    }

    private static boolean outputsTo(List<OfAction> actions, int port) {
        if (port == OfAction.Ports.NONE) {
            return true;
        }
        for (OfAction action : actions) {
            boolean found = switch (action) {
                case OfAction.Output output -> output.port() == port;
                case OfAction.Controller _ -> port == OfAction.Ports.CONTROLLER;
                case OfAction.WriteActions write -> outputsTo(write.actions(), port);
                default -> false;
            };
            if (found) {
                return true;
            }
        }
        return false;
    }

    private void remove(Rule rule, int reason) {
        pipeline.invalidate(pipeline.dependents().thatMet(this, rule)); // Credits the rule with its last packets, too.
        table(rule.tableId).remove(rule);
        rule.removed = true;
        if (rule.flags.contains(FlowMod.Flag.SEND_FLOW_REM)) {
            FlowStats last = rule.stats(pipeline.nowNs());
            publish(subscriber -> subscriber.flowRemoved(last, reason));
        }
    }

    @Override
    public List<FlowStats> flows(FlowQuery query) {
        pipeline.datapath().pushStatistics();
        return pipeline.locked(() -> {
            long nowNs = pipeline.nowNs();
            List<FlowStats> found = new ArrayList<>();
            for (FlowTable table : presentTables()) {
                if (query.tableId() != FlowMod.ALL_TABLES && query.tableId() != table.id) {
                    continue;
                }
                for (Rule rule : table.rules()) {
                    if (!rule.isHidden() && query.match().covers(rule.match)
                            && ((rule.cookie ^ query.cookie()) & query.cookieMask()) == 0
                            && outputsTo(rule.actions, query.outPort())) {
                        found.add(rule.stats(nowNs));
                    }
                }
            }
            return found;
        });
    }

    private List<FlowTable> presentTables() {
        return tables.values().stream().sorted(Comparator.comparingInt(table -> table.id)).toList();
    }

    @Override
    public List<TableStats> tables() {
        pipeline.datapath().pushStatistics();
        return pipeline.locked(() -> {
            List<TableStats> all = new ArrayList<>(TABLES);
            for (int id = 0; id < TABLES; id++) {
                FlowTable table = tables.get(id);
                all.add(table == null ? new TableStats(id, 0, 0, 0, MAX_ENTRIES)
                        : new TableStats(id, table.size(), table.lookups(), table.matched(), MAX_ENTRIES));
            }
            return all;
        });
    }

    // ---- ports ----

    /** Plugs a port in. */
    public void addPort(OfPort port) {
        pipeline.change(() -> {
            ports.put(port.number(), port);
            portsSinceNs.put(port.number(), pipeline.nowNs());
            pipeline.bind(this, port);
            invalidateAll();
            publish(subscriber -> subscriber.portStatus(port, 0));
        });
    }

    /** Pulls a port out; unknown numbers are ignored. */
    public void removePort(int number) {
        pipeline.change(() -> {
            OfPort port = ports.remove(number);
            if (port != null) {
                portsSinceNs.remove(number);
                pipeline.unbind(port);
                macTable.forgetPort(number);
                invalidateAll();
                publish(subscriber -> subscriber.portStatus(port, 1));
            }
        });
    }

    /** Takes over the port's present address, state and speed; its config bits stay as controllers set them. */
    public void updatePort(OfPort update) {
        pipeline.change(() -> {
            OfPort old = ports.get(update.number());
            if (old == null) {
                return;
            }
            OfPort port = new OfPort(update.number(), update.datapathPort(), update.name(), update.macAddress(), old.config(),
                    update.state(), update.patchPeer(), update.speedMbps());
            if (!port.equals(old)) {
                replacePort(old, port);
            }
        });
    }

    private void replacePort(OfPort old, OfPort port) {
        ports.put(port.number(), port);
        pipeline.unbind(old);
        pipeline.bind(this, port);
        invalidateAll();
        publish(subscriber -> subscriber.portStatus(port, 2));
    }

    /** Patch ports join bridges: a change of ports may matter to walks that came from elsewhere. */
    private void invalidateAll() {
        pipeline.invalidate(pipeline.datapath().flows());
    }

    @Override
    public List<OfPort> ports() {
        return pipeline.locked(() -> List.copyOf(ports.values()));
    }

    @Override
    public PortStatistics portStatistics(int number) {
        OfPort port = pipeline.locked(() -> ports.get(number));
        Port device = port == null || port.datapathPort() < 0 ? null : pipeline.datapath().port(port.datapathPort());
        return device == null ? new PortStatistics(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) : device.statistics();
    }

    @Override
    public long portDurationNs(int number) {
        return pipeline.locked(() -> {
            Long since = portsSinceNs.get(number);
            return since == null ? 0 : pipeline.nowNs() - since;
        });
    }

    @Override
    public void modifyPort(int number, int config, int mask) throws OfException {
        pipeline.<OfException>change(() -> {
            OfPort old = ports.get(number);
            if (old == null) {
                throw new OfException(OfErrorCode.OFPPMFC_BAD_PORT, "port " + number);
            }
            OfPort port = new OfPort(number, old.datapathPort(), old.name(), old.macAddress(),
                    (old.config() & ~mask) | (config & mask), old.state(), old.patchPeer(), old.speedMbps());
            if (!port.equals(old)) {
                Port device = pipeline.datapath().port(port.datapathPort());
                if (device != null && ((config ^ old.config()) & mask & OfPort.CONFIG_PORT_DOWN) != 0) {
                    device.setAdminUp((config & OfPort.CONFIG_PORT_DOWN) == 0);
                }
                replacePort(old, port);
            }
        });
    }

    // ---- packets ----

    @Override
    public void packetOut(int inPort, List<OfAction> actions, byte[] frame) throws OfException {
        ActionCheck.check(actions, 0, TABLES);
        if (!PacketParser.parse(Packet.copyOf(frame))) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_PACKET, "a frame of " + frame.length + " bytes");
        }
        pipeline.packetOut(this, inPort, actions, frame);
    }

    void packetIn(byte[] frame, long[] datapathKey, PacketInCookie origin) {
        if (subscribers.isEmpty()) {
            return;
        }
        long[] key = datapathKey.clone();
        System.arraycopy(origin.pipelineWords(), 0, key, FlowKey.DATAPATH_WORDS, origin.pipelineWords().length);
        Field.IN_PORT.set(key, origin.inPort() & 0xffff_ffffL);
        Match metadata = PacketMetadata.of(key, origin.conntracked());
        OfAction.Controller controller = origin.controller();
        publish(subscriber -> subscriber.packetIn(frame, controller.maxLengthBytes(), controller.reason(), origin.tableId(),
                origin.ruleCookie(), controller.controllerId(), metadata));
    }

    @Override
    public AutoCloseable subscribe(Events listener) {
        subscribers.add(listener);
        refreshSubscribers();
        return () -> {
            subscribers.remove(listener);
            refreshSubscribers();
        };
    }

    /** Whether a miss is a packet-in is part of translations. Also to be called when a subscriber changes its mind. */
    public void refreshSubscribers() {
        boolean wanted = subscribers.stream().anyMatch(Events::wantsPacketInOnMiss);
        if (wanted != packetInOnMiss) {
            pipeline.change(() -> {
                packetInOnMiss = wanted;
                invalidateAll();
            });
        }
    }

    private void publish(Consumer<Events> event) {
        for (Events subscriber : subscribers) {
            try {
                events.execute(() -> event.accept(subscriber));
            } catch (RejectedExecutionException e) {
                lostEvents.incrementAndGet();
            }
        }
    }

    /** Waits until subscribers have been told of everything that has happened so far. Never called by a subscriber. */
    public void awaitEvents() {
        try {
            events.submit(() -> { }).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | RejectedExecutionException e) {
            throw new IllegalStateException("events of " + name + " are not delivered", e);
        }
    }

    /** Events that found the queue full. */
    public long lostEvents() {
        return lostEvents.get();
    }

    // ---- fail mode ----

    /** Bridge:fail_mode. Without controllers a change of it empties the tables, as ovs-vswitchd does. */
    public void setFailMode(FailMode mode) {
        pipeline.change(() -> {
            if (failMode != mode) {
                failMode = mode;
                if (!controllersConfigured) {
                    restart();
                }
                setFailOpen(false);
            }
        });
    }

    /** Whether Bridge:controller names any; the first and the last one empty the tables. */
    public void setControllersConfigured(boolean any) {
        pipeline.change(() -> {
            if (controllersConfigured != any) {
                controllersConfigured = any;
                disconnectedSinceNs = pipeline.nowNs();
                restart();
                setFailOpen(false);
            }
        });
    }

    @Override
    public void controllerConnected(boolean anyConnected) {
        pipeline.change(() -> {
            if (controllerConnected && !anyConnected) {
                disconnectedSinceNs = pipeline.nowNs();
            }
            controllerConnected = anyConnected;
            if (anyConnected) {
                setFailOpen(false);
            }
        });
    }

    @Override
    public boolean isStandalone() {
        return pipeline.locked(() -> failMode == FailMode.STANDALONE && !controllerConnected);
    }

    private void restart() {
        for (FlowTable table : presentTables()) {
            table.rules().forEach(rule -> remove(rule, REASON_DELETE));
        }
        installStandaloneFlow();
    }

    /** A bridge that nobody programs switches like a plain one: {@code priority=0 actions=NORMAL}. */
    private void installStandaloneFlow() {
        if (failMode == FailMode.STANDALONE && !controllersConfigured) {
            insertNormal(0);
        }
    }

    private void setFailOpen(boolean on) {
        if (failOpen == on) {
            return;
        }
        failOpen = on;
        if (on) {
            insertNormal(FAIL_OPEN_PRIORITY);
        } else {
            Rule rule = table(0).findExactly(Match.ANY, FAIL_OPEN_PRIORITY);
            if (rule != null) {
                remove(rule, REASON_DELETE);
            }
        }
    }

    private void insertNormal(int priority) {
        Rule rule = new Rule(new FlowMod(FlowMod.Command.ADD, 0, priority, Match.ANY, 0, 0, 0, 0, 0, OfAction.Ports.NONE, Set.of(),
                List.of(new OfAction.Output(OfAction.Ports.NORMAL))), 0, pipeline.nowNs());
        table(0).insert(rule);
        pipeline.invalidate(pipeline.dependents().thatMayMeet(this, 0, Match.ANY, priority));
    }

    // ---- MAC table ----

    /** other_config:mac-aging-time and mac-table-size. */
    public void configureMacTable(int agingSeconds, int maxEntries) {
        pipeline.locked(() -> {
            macTable.configure(agingSeconds, maxEntries);
            return null;
        });
    }

    public List<MacEntry> macEntries() {
        pipeline.datapath().pushStatistics();
        return pipeline.locked(() -> macTable.entries(pipeline.nowNs()));
    }

    /** {@code fdb/flush}. */
    public void flushMacs() {
        pipeline.change(() -> pipeline.invalidate(pipeline.dependentsOfMacs(this, macTable.flush())));
    }

    // ---- time ----

    void maintain(long nowNs) {
        List<Rule> expired = pipeline.locked(() -> {
            List<Rule> rules = new ArrayList<>();
            for (FlowTable table : presentTables()) {
                table.forEach(rule -> {
                    if (isExpired(rule, nowNs)) {
                        rules.add(rule);
                    }
                });
            }
            return rules;
        });
        if (!expired.isEmpty()) {
            pipeline.change(() -> expired.stream().filter(rule -> !rule.removed && isExpired(rule, nowNs))
                    .forEach(rule -> remove(rule, isHardExpired(rule, nowNs) ? REASON_HARD : REASON_IDLE)));
        }
        List<MacTable.Key> forgotten = pipeline.locked(() -> macTable.expire(nowNs));
        if (!forgotten.isEmpty()) {
            pipeline.change(() -> pipeline.invalidate(pipeline.dependentsOfMacs(this, forgotten)));
        }
        pipeline.locked(() -> {
            boolean alone = controllersConfigured && !controllerConnected && failMode == FailMode.STANDALONE;
            if (alone && nowNs - disconnectedSinceNs > FAIL_OPEN_AFTER_NS) {
                setFailOpen(true);
            }
            return null;
        });
    }

    private static boolean isExpired(Rule rule, long nowNs) {
        return isHardExpired(rule, nowNs)
                || rule.idleTimeoutSeconds > 0 && nowNs - rule.lastUsedNs() >= rule.idleTimeoutSeconds * NS_PER_SECOND;
    }

    private static boolean isHardExpired(Rule rule, long nowNs) {
        return rule.hardTimeoutSeconds > 0 && nowNs - rule.modifiedNs >= rule.hardTimeoutSeconds * NS_PER_SECOND;
    }

    /** Datapath flows whose walk came through this bridge. */
    public Set<DatapathFlow> datapathFlows() {
        return pipeline.dependents().of(this);
    }
}
