package io.turnstile.openflow;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.pipeline.ChangeOrigin;
import io.turnstile.pipeline.FragmentHandling;
import io.turnstile.pipeline.MonitoredFlow;
import io.turnstile.pipeline.MonitoredFlows;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.PausedWalk;
import io.turnstile.pipeline.TableMiss;
import io.turnstile.pipeline.TableMod;
import io.turnstile.pipeline.TlvTable;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketInReason;
import io.turnstile.pipeline.flow.PacketOut;
import io.turnstile.pipeline.flow.PortMod;
import io.turnstile.pipeline.flow.SwitchChange;
import io.turnstile.port.PortQueue;
import io.turnstile.port.PortStatistics;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** A bridge that keeps a list of flows and forwards nothing: enough to be talked to. */
final class FakeSwitch implements OpenFlowSwitch {
    static final int WRONG_TABLE = 254;

    /** Those that are over. */
    final List<ConnectionFilter> flushes = new CopyOnWriteArrayList<>();

    final List<PausedWalk> resumed = new ArrayList<>();

    record Sent(int inPort, List<OfAction> actions, byte[] frame) {}

    private final List<FlowMod> flows = new ArrayList<>();
    final List<Sent> sent = new CopyOnWriteArrayList<>();
    final List<OfPort> ports = new CopyOnWriteArrayList<>(List.of(
            new OfPort(OfAction.Ports.LOCAL, 0, "br0", 0xbae2a0e57244L, 0, 0, null, 0),
            new OfPort(1, 1, "p1", 0xaa55aa55000fL, 0, 0, null, 0),
            new OfPort(2, 2, "p2", 0xaa55aa55000eL, 0, 0, null, 0)));
    final List<Boolean> connected = new CopyOnWriteArrayList<>();
    /** Of each port. */
    final List<PortQueue> queues = new CopyOnWriteArrayList<>();
    /** Of each port. */
    final Map<String, Long> customCounters = new TreeMap<>();

    volatile Events events;
    /** Whether every change takes long. */
    volatile boolean slow;

    volatile Step duringFlush = () -> {};
    volatile int refreshed;
    volatile FragmentHandling fragmentHandling = FragmentHandling.NORMAL;
    private final TlvTable tlvTable = new TlvTable();
    private final TableMiss[] misses =
            Stream.generate(() -> TableMiss.DEFAULT).limit(254).toArray(TableMiss[]::new);
    private final TableMod.Overflow[] overflows = Stream.generate(() -> new TableMod.Overflow(false, false, 0, 0))
            .limit(254)
            .toArray(TableMod.Overflow[]::new);

    /** What may wait. */
    interface Step {
        void run() throws InterruptedException;
    }

    @Override
    public FragmentHandling fragmentHandling() {
        return fragmentHandling;
    }

    @Override
    public void setFragmentHandling(FragmentHandling handling) {
        fragmentHandling = handling;
    }

    @Override
    public void refreshSubscribers() {
        refreshed++;
    }

    @Override
    public String name() {
        return "br0";
    }

    @Override
    public long datapathId() {
        return 1;
    }

    @Override
    public int tableCount() {
        return 254;
    }

    @Override
    public boolean tryApply(SwitchChange mod, ChangeOrigin origin) throws OfException {
        if (!slow) {
            apply(mod, origin);
        }
        return !slow;
    }

    @Override
    public void check(SwitchChange change) throws OfException {
        if (change instanceof FlowMod flow && flow.tableId() == WRONG_TABLE) {
            throw new OfException(OfErrorCode.OFPBRC_EPERM, "table " + WRONG_TABLE);
        }
    }

    @Override
    public void apply(SwitchChange change, ChangeOrigin origin) throws OfException {
        switch (change) {
            case FlowMod mod -> apply(mod);
            case GroupMod mod ->
                throw new OfException(OfErrorCode.OFPGMFC_OUT_OF_GROUPS, "group " + mod.groupId() + " is one too many");
            case PacketOut packet -> packetOut(packet);
            case PortMod port -> modifyPort(port.portNumber(), port.config(), port.mask());
        }
    }

    @Override
    public void apply(MeterMod change, ChangeOrigin origin) throws OfException {
        throw new OfException(OfErrorCode.OFPMMFC_OUT_OF_METERS, "meter " + change.meterId() + " is one too many");
    }

    @Override
    public List<GroupDescription> groups(int groupId) {
        return List.of();
    }

    @Override
    public List<GroupStats> groupStatistics(int groupId) {
        return List.of();
    }

    @Override
    public List<MeterConfig> meters(int meterId) {
        return List.of();
    }

    @Override
    public List<MeterStats> meterStatistics(int meterId) {
        return List.of();
    }

    private synchronized void apply(FlowMod mod) throws OfException {
        if (mod.actions().contains(new OfAction.Output(666))) {
            throw new OfException(OfErrorCode.OFPFMFC_TABLE_FULL, "as the test wants it");
        }
        if (mod.actions().contains(new OfAction.Output(667))) {
            throw new StackOverflowError("as the test wants it");
        }
        boolean strict =
                mod.command() == FlowMod.Command.MODIFY_STRICT || mod.command() == FlowMod.Command.DELETE_STRICT;
        switch (mod.command()) {
            case ADD -> {
                flows.removeIf(f -> f.tableId() == mod.tableId() && same(f, mod));
                flows.add(mod);
            }
            case MODIFY, MODIFY_STRICT -> flows.replaceAll(f -> selects(mod, f, strict) ? withActions(f, mod) : f);
            case DELETE, DELETE_STRICT -> flows.removeIf(f -> selects(mod, f, strict));
        }
    }

    private static FlowMod withActions(FlowMod f, FlowMod mod) {
        return new FlowMod(
                f.command(),
                f.tableId(),
                f.priority(),
                f.match(),
                f.cookie(),
                0,
                FlowMod.NO_COOKIE,
                f.idleTimeoutSeconds(),
                f.hardTimeoutSeconds(),
                f.importance(),
                f.outPort(),
                f.flags(),
                mod.actions());
    }

    private static boolean same(FlowMod a, FlowMod b) {
        return a.priority() == b.priority() && a.match().equals(b.match());
    }

    private static boolean selects(FlowMod mod, FlowMod f, boolean strict) {
        boolean cookie = ((mod.cookie() ^ f.cookie()) & mod.cookieMask()) == 0;
        boolean table = mod.tableId() == FlowMod.ALL_TABLES || mod.tableId() == f.tableId();
        boolean port = mod.outPort() == OfAction.Ports.NONE || f.actions().contains(new OfAction.Output(mod.outPort()));
        return cookie && table && port && (strict ? same(mod, f) : mod.match().covers(f.match()));
    }

    @Override
    public synchronized void applyAll(Iterator<? extends SwitchChange> changes, ChangeOrigin origin)
            throws BundleException {
        List<FlowMod> before = List.copyOf(flows);
        for (int i = 0; changes.hasNext(); i++) {
            try {
                apply(changes.next(), origin);
            } catch (OfException refused) {
                flows.clear();
                flows.addAll(before);
                throw new BundleException(i, refused);
            }
        }
    }

    @Override
    public synchronized List<FlowStats> flows(FlowQuery query) {
        return flows.stream()
                .filter(f -> query.tableId() == FlowMod.ALL_TABLES || query.tableId() == f.tableId())
                .filter(f ->
                        query.match().covers(f.match()) && ((query.cookie() ^ f.cookie()) & query.cookieMask()) == 0)
                .filter(f -> query.outPort() == OfAction.Ports.NONE
                        || f.actions().contains(new OfAction.Output(query.outPort())))
                .map(FakeSwitch::stats)
                .toList();
    }

    static FlowStats stats(FlowMod f) {
        return new FlowStats(
                f.tableId(),
                f.priority(),
                f.match(),
                f.cookie(),
                f.idleTimeoutSeconds(),
                f.hardTimeoutSeconds(),
                f.importance(),
                f.flags(),
                3_500_000_000L,
                2_000_000_000L,
                3_500_000_000L,
                7,
                700,
                f.actions());
    }

    @Override
    public synchronized List<TableStats> tables() {
        List<TableStats> tables = new ArrayList<>();
        for (int i = 0; i < 254; i++) {
            int id = i;
            tables.add(new TableStats(
                    i, null, (int) flows.stream().filter(f -> f.tableId() == id).count(), 0, 0, 1_000_000, misses[i]));
        }
        return tables;
    }

    @Override
    public synchronized void configureTable(int tableId, TableMod mod) {
        for (int i = 0; i < misses.length; i++) {
            if (tableId == i || tableId == FlowMod.ALL_TABLES) {
                switch (mod) {
                    case TableMod.Misses told -> misses[i] = told.miss();
                    case TableMod.Overflow told -> overflows[i] = told;
                }
            }
        }
    }

    @Override
    public synchronized List<TableDescription> tableDescriptions() {
        List<TableDescription> tables = new ArrayList<>();
        for (int i = 0; i < overflows.length; i++) {
            TableMod.Overflow told = overflows[i];
            tables.add(new TableDescription(
                    i, told.evicts(), told.hasVacancyEvents(), told.vacancyDown(), told.vacancyUp(), 100));
        }
        return tables;
    }

    @Override
    public MonitoredFlows monitoredFlows(int tableId) {
        return new MonitoredFlows() {
            @Override
            public long changeNumber() {
                return 0;
            }

            @Override
            public boolean advance(int atMost, Consumer<MonitoredFlow> visitor) {
                return false;
            }

            @Override
            public long heldBytes() {
                return 0;
            }
        };
    }

    @Override
    public MonitorPoint monitorPoint() {
        return new MonitorPoint(0, 0);
    }

    @Override
    public TlvTable tlvTable() {
        return tlvTable;
    }

    @Override
    public List<OfPort> ports() {
        return ports;
    }

    @Override
    public PortStatistics portStatistics(int number) {
        return new PortStatistics(10, 1000, -1, -1, 20, 2000, -1, -1, -1, -1, -1, -1, -1, -1);
    }

    @Override
    public Map<String, Long> portCustomCounters(int number) {
        return customCounters;
    }

    @Override
    public List<PortQueue> portQueues(int number) {
        return queues;
    }

    @Override
    public long portDurationNs(int number) {
        return 77_000_000L;
    }

    @Override
    public void modifyPort(int number, int config, int mask) throws OfException {
        ports.replaceAll(p -> p.number() != number
                ? p
                : new OfPort(
                        p.number(),
                        p.datapathPort(),
                        p.name(),
                        p.macAddress(),
                        p.config() & ~mask | config & mask,
                        p.state(),
                        null,
                        0));
    }

    @Override
    public void packetOut(PacketOut packet) {
        sent.add(new Sent(packet.inPort(), packet.actions(), packet.frame()));
        if (packet.actions().stream().anyMatch(a -> a instanceof OfAction.Controller)) {
            events.packetIn(packetIn(
                    packet.frame(),
                    PacketInReason.ACTION,
                    Match.builder()
                            .exact(io.turnstile.datapath.Field.IN_PORT, Integer.toUnsignedLong(packet.inPort()))
                            .build()));
        }
    }

    /** What a flow of table 0 with cookie 0 sends to the controllers. */
    static PacketIn packetIn(byte[] frame, PacketInReason reason, Match metadata) {
        return new PacketIn(frame, 0xffff, reason, 0, 0, 0, metadata, new byte[0], null);
    }

    @Override
    public void resume(PausedWalk paused, Match fields, byte[] frame) {
        resumed.add(paused);
    }

    @Override
    public int flushConnections(ConnectionFilter filter) {
        try {
            duringFlush.run();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        flushes.add(filter);
        return 0;
    }

    @Override
    public AutoCloseable subscribe(Events listener) {
        events = listener;
        return () -> events = null;
    }

    @Override
    public boolean isStandalone() {
        return false;
    }

    @Override
    public void controllerConnected(boolean any) {
        connected.add(any);
    }
}
