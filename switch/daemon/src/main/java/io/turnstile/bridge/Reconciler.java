package io.turnstile.bridge;

import io.turnstile.offload.PriorityList;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.openflow.ControllerStatus;
import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.OvsdbBackend;
import io.turnstile.ovsdb.data.OvsdbBackend.ColumnUpdate;
import io.turnstile.ovsdb.data.Row;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the database: after each change the switch is made what the newest snapshot says, then what came of it is
 * written back with {@code cur_cfg} in the same transaction, so that {@code ovs-vsctl} returns when all is done.
 *
 * <p>Threads: has one of its own; {@link #onLinkChange}, {@link #bridges} and {@link #close} by any.
 */
public final class Reconciler implements AutoCloseable {
    /** Datapath:capabilities (ovs-vswitchd.conf.db(5)): what of the peer's list this datapath can. */
    private static final Map<String, String> CAPABILITIES = Map.ofEntries(
            Map.entry("clone", "true"),
            Map.entry("ct_clear", "true"),
            Map.entry("ct_flush", "true"),
            Map.entry("ct_label", "true"),
            Map.entry("ct_mark", "true"),
            Map.entry("ct_orig_tuple", "true"),
            Map.entry("ct_orig_tuple6", "true"),
            Map.entry("ct_state", "true"),
            Map.entry("ct_state_nat", "true"),
            Map.entry("ct_timeout", "true"),
            Map.entry("ct_zero_snat", "true"),
            Map.entry("ct_zone", "true"),
            Map.entry("explicit_drop_action", "true"),
            Map.entry("masked_set_action", "true"),
            Map.entry("max_vlan_headers", "1"),
            Map.entry("nd_ext", "true"),
            Map.entry("recirc", "true"),
            Map.entry("ufid", "true"));

    private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);
    private static final long WRITE_TIMEOUT_SECONDS = 10;
    private static final int TICK_MS = 500;
    private static final int DEFAULT_STATISTICS_INTERVAL_MS = 5000;
    private static final int DEFAULT_FLOW_LIMIT = 200_000;
    private static final int DEFAULT_FLOW_IDLE_MS = 10_000;

    private final OvsdbBackend backend;
    private final SwitchComponents parts;
    private final DatapathPorts shelf;
    private final OffloadSettings offload;
    private final MetricsSettings metrics;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            task -> Thread.ofPlatform().daemon().name("bridge").unstarted(task));
    private final AtomicBoolean reconcileQueued = new AtomicBoolean();
    private final AtomicBoolean linksQueued = new AtomicBoolean();
    private volatile DatabaseSnapshot snapshot;
    private volatile List<BridgeView> views = List.of();

    // The reconciler's thread only.
    /** A change that came just before the end must not make anew what is closed. */
    private boolean ended;

    private final Map<String, Bridge> bridges = new LinkedHashMap<>();
    private final Map<UUID, String> lastConnectionState = new LinkedHashMap<>();
    /** Wanted bridges of a type that does not exist. */
    private final Map<String, BridgeConfig> refused = new TreeMap<>();

    private final SettingsReader values = new SettingsReader("other_config");
    private Map<String, String> otherConfig = Map.of();
    private final ZoneSettings zones;
    private List<String> managers = List.of();
    private long statisticsAtNs = System.nanoTime();

    public Reconciler(OvsdbBackend backend, SwitchComponents parts) {
        this.backend = backend;
        this.parts = parts;
        shelf = new DatapathPorts(parts.datapath(), parts.threads(), parts.devices(), parts.dummies(), parts.clock());
        offload = new OffloadSettings(parts.offload(), parts.providers());
        metrics = new MetricsSettings(parts.metrics());
        zones = new ZoneSettings(parts.pipeline(), parts.tracker());
    }

    /** Starts to follow; makes the Open_vSwitch row if the database is new. */
    public void start() {
        backend.follow(newest -> {
            snapshot = newest;
            queue(reconcileQueued, this::reconcile);
        });
        thread.scheduleWithFixedDelay(() -> guarded(this::tick), TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
    }

    /** A network device came, went or changed: interfaces that wait for one are tried again. */
    public void onLinkChange() {
        queue(linksQueued, this::followLinks);
    }

    /**
     * Looks at the plug-in folder for offload providers again; what has changed there is in force when the future
     * completes.
     */
    public CompletableFuture<ProviderRegistry.Rescan> rescanProviders() {
        return CompletableFuture.supplyAsync(offload::rescan, thread);
    }

    /** The bridges as they stood after the last change. */
    public List<BridgeView> bridges() {
        return views;
    }

    private void queue(AtomicBoolean queued, Runnable task) {
        if (queued.compareAndSet(false, true)) {
            try {
                thread.execute(() -> {
                    queued.set(false);
                    guarded(task);
                });
            } catch (RejectedExecutionException e) {
                LOG.debug("a change came after the end");
            }
        }
    }

    /** A bug in one pass must not end the following. */
    private void guarded(Runnable task) {
        if (ended) {
            return;
        }
        try {
            task.run();
        } catch (RuntimeException e) {
            LOG.error("reconciliation failed", e);
        }
    }

    // ---- passes ----

    private void reconcile() {
        DatabaseSnapshot newest = snapshot;
        Row root = root(newest);
        if (root == null) {
            makeRoot();
            return;
        }
        configureSwitch(newest, root);
        configureBridges(newest, root);
        zones.follow(newest, root, datapathTypes());
        followOffloadPorts();
        publish();
        RowChanges changes = new RowChanges(newest);
        changes.set("Open_vSwitch", root.uuid(), RootColumns.of(parts));
        datapathTypes().stream()
                .map(root.referenceMap("datapaths")::get)
                .filter(Objects::nonNull)
                .forEach(datapath -> changes.set("Datapath", datapath, Map.of("capabilities", CAPABILITIES)));
        addStatus(changes);
        addFirstStatistics(newest, changes);
        addControllers(changes, true);
        root.integer("next_cfg").ifPresent(next -> changes.set("Open_vSwitch", root.uuid(), Map.of("cur_cfg", next)));
        write(changes.updates(), root);
    }

    /** A new snapshot follows once the row is there. */
    private void makeRoot() {
        backend.ensureRoot().exceptionally(failure -> {
            LOG.warn("the Open_vSwitch row cannot be made: {}", failure.getMessage());
            return null;
        });
    }

    private static Row root(DatabaseSnapshot snapshotOrNull) {
        return snapshotOrNull == null
                ? null
                : snapshotOrNull.table("Open_vSwitch").values().stream()
                        .findFirst()
                        .orElse(null);
    }

    private void configureSwitch(DatabaseSnapshot newest, Row root) {
        otherConfig = root.stringMap("other_config");
        parts.datapath().setFlowLimit(values.number(otherConfig, "flow-limit", 1, DEFAULT_FLOW_LIMIT));
        int idleMs = values.number(otherConfig, "max-idle", 1, DEFAULT_FLOW_IDLE_MS);
        parts.datapath().setFlowIdle(TimeUnit.MILLISECONDS.toNanos(idleMs));
        offload.follow(otherConfig);
        metrics.follow(otherConfig);
        List<String> targets = root.references("manager_options").stream()
                .map(newest.table("Manager")::get)
                .filter(Objects::nonNull)
                .flatMap(row -> row.string("target").stream())
                .sorted()
                .toList();
        if (!targets.equals(managers)) {
            managers = targets;
            parts.managers().accept(targets);
        }
    }

    private void configureBridges(DatabaseSnapshot newest, Row root) {
        Map<String, BridgeConfig> wanted = new TreeMap<>();
        for (UUID uuid : root.references("bridges")) {
            Row row = newest.row("Bridge", uuid);
            if (row != null) {
                BridgeConfig config = BridgeConfig.of(row, newest);
                wanted.put(config.name(), config);
            }
        }
        refuseUnknownTypes(wanted);
        bridges.values().removeIf(present -> {
            BridgeConfig wish = wanted.get(present.config().name());
            if (wish != null && present.canBecome(wish)) {
                present.removeUnwanted(wish);
                return false;
            }
            present.close();
            return true;
        });
        for (BridgeConfig wish : wanted.values()) {
            try {
                bridges.computeIfAbsent(
                                wish.name(),
                                name -> new Bridge(
                                        wish, parts.pipeline(), shelf, parts.openFlow(), parts.runDirectory()))
                        .become(wish);
            } catch (RuntimeException e) { // contained: a bridge that cannot be made must not hold up the others
                LOG.error("bridge {} cannot be configured", wish.name(), e);
            }
        }
    }

    /** As the keys of Open_vSwitch:datapaths name them. */
    private Set<String> datapathTypes() {
        return bridges.values().stream()
                .map(bridge -> bridge.config().datapathType())
                .map(type -> type.isEmpty() ? "system" : type)
                .collect(Collectors.toSet());
    }

    private void refuseUnknownTypes(Map<String, BridgeConfig> wanted) {
        Map<String, BridgeConfig> before = Map.copyOf(refused);
        refused.clear();
        wanted.values().stream()
                .filter(wish -> !wish.isKnownType(parts.dummies()))
                .forEach(wish -> {
                    refused.put(wish.name(), wish);
                    BridgeConfig former = before.get(wish.name());
                    if (former == null || !former.datapathType().equals(wish.datapathType())) {
                        LOG.error(
                                "failed to create bridge {}: unknown datapath type {}",
                                wish.name(),
                                wish.datapathType());
                    }
                });
        wanted.keySet().removeAll(refused.keySet());
    }

    private void followOffloadPorts() {
        Map<Integer, PriorityList> lists = new HashMap<>();
        forEachInterface(shown -> {
            String list = shown.config().offloadPriority();
            if (list != null && shown.opened() != null) {
                lists.put(shown.opened().number(), PriorityList.parse(list));
            }
        });
        offload.followPorts(lists);
    }

    private void followLinks() {
        bridges.values().forEach(Bridge::refreshLinks);
        if (bridges.values().stream().anyMatch(Bridge::hasFailing)) {
            bridges.values().forEach(bridge -> bridge.become(bridge.config()));
        }
        followOffloadPorts();
        publish();
        DatabaseSnapshot present = snapshot;
        Row root = root(present);
        if (root != null) {
            RowChanges changes = new RowChanges(present);
            addStatus(changes);
            write(changes.updates(), root);
        }
    }

    private void tick() {
        DatabaseSnapshot present = snapshot;
        Row root = root(present);
        if (root == null) {
            return;
        }
        long nowNs = System.nanoTime(); // what is shown to people keeps real time, also while the switch's is stopped
        boolean statisticsDue = nowNs - statisticsAtNs >= 0;
        RowChanges changes = new RowChanges(present);
        addControllers(changes, statisticsDue);
        if (statisticsDue) {
            int intervalMs = Math.max(
                    DEFAULT_STATISTICS_INTERVAL_MS,
                    values.number(otherConfig, "stats-update-interval", 0, DEFAULT_STATISTICS_INTERVAL_MS));
            statisticsAtNs = nowNs + TimeUnit.MILLISECONDS.toNanos(intervalMs);
            addStatus(changes);
            forEachInterface(interfaceOf ->
                    changes.set("Interface", interfaceOf.config().row(), InterfaceColumns.statistics(interfaceOf)));
        }
        write(changes.updates(), root);
    }

    // ---- writing back ----

    private void addStatus(RowChanges changes) {
        addRefused(changes);
        for (Bridge bridge : bridges.values()) {
            changes.set(
                    "Bridge",
                    bridge.config().row(),
                    Map.of(
                            "datapath_id",
                            "%016x".formatted(bridge.pipeline().datapathId()),
                            "datapath_version",
                            "<built-in>"));
            for (Iface present : bridge.interfaces()) {
                changes.set(
                        "Interface",
                        present.config().row(),
                        InterfaceColumns.status(present, patchError(bridge, present)));
            }
        }
    }

    /** Their interfaces have no port and, as at the peer, no error of their own: the log tells of the bridge. */
    private void addRefused(RowChanges changes) {
        refused.values().forEach(bridge -> {
            changes.set("Bridge", bridge.row(), Map.of("datapath_id", List.of()));
            bridge.interfaces()
                    .forEach(wish ->
                            changes.set("Interface", wish.row(), InterfaceColumns.status(new Iface(wish), null)));
        });
    }

    /** Counters of interfaces that have none in the database yet; the others' are due at their time only. */
    private void addFirstStatistics(DatabaseSnapshot present, RowChanges changes) {
        forEachInterface(shown -> {
            Row row = present.row("Interface", shown.config().row());
            if (row != null
                    && shown.isPluggedIn()
                    && row.integerMap("statistics").isEmpty()) {
                changes.set("Interface", row.uuid(), InterfaceColumns.statistics(shown));
            }
        });
    }

    /** A patch port whose peer is not there, or looks elsewhere. */
    private String patchError(Bridge bridge, Iface present) {
        if (!present.isPluggedIn() || !present.config().isPatch()) {
            return null;
        }
        String peer = present.config().options().get("peer");
        boolean joined = bridges.values().stream()
                .flatMap(other -> other.interfaces().stream())
                .anyMatch(other -> other.isPluggedIn()
                        && other.config().isPatch()
                        && other.config().name().equals(peer)
                        && present.config()
                                .name()
                                .equals(other.config().options().get("peer")));
        String type = bridge.config().datapathType();
        return joined
                ? null
                : "No usable peer '" + peer + "' exists in '" + (type.isEmpty() ? "system" : type) + "' datapath.";
    }

    private void forEachInterface(Consumer<Iface> action) {
        bridges.values().forEach(bridge -> bridge.interfaces().forEach(action));
    }

    /** @param withTimes also the seconds since, which change all the time */
    private void addControllers(RowChanges changes, boolean withTimes) {
        Map<UUID, String> states = new LinkedHashMap<>();
        for (Bridge bridge : bridges.values()) {
            bridge.controllerStatus().forEach((row, status) -> {
                String state =
                        status.isConnected() + " " + status.role() + " " + status.state() + " " + status.lastError();
                states.put(row, state);
                if (withTimes || !state.equals(lastConnectionState.get(row))) {
                    changes.set("Controller", row, columns(status));
                }
            });
        }
        lastConnectionState.clear();
        lastConnectionState.putAll(states);
    }

    private static Map<String, Object> columns(ControllerStatus status) {
        Map<String, String> details = new TreeMap<>();
        details.put("state", status.state());
        if (status.lastError() != null) {
            details.put("last_error", status.lastError());
        }
        if (status.secondsSinceConnect() >= 0) {
            details.put("sec_since_connect", Long.toString(status.secondsSinceConnect()));
        }
        if (status.secondsSinceDisconnect() >= 0) {
            details.put("sec_since_disconnect", Long.toString(status.secondsSinceDisconnect()));
        }
        return Map.of(
                "is_connected",
                status.isConnected(),
                "status",
                details,
                "role",
                status.role() == null ? List.of() : status.role());
    }

    private void write(List<ColumnUpdate> updates, Row root) {
        if (updates.isEmpty() || transact(updates)) {
            return;
        }
        // Something was refused; ovs-vsctl should still not wait for ever.
        List<ColumnUpdate> configured = new ArrayList<>();
        for (ColumnUpdate update : updates) {
            if (update.columns().containsKey("cur_cfg")) {
                configured.add(new ColumnUpdate(
                        "Open_vSwitch",
                        root.uuid(),
                        Map.of("cur_cfg", update.columns().get("cur_cfg"))));
            }
        }
        if (!configured.isEmpty()) {
            transact(configured);
        }
    }

    private boolean transact(List<ColumnUpdate> updates) {
        try {
            backend.update(updates).get(WRITE_TIMEOUT_SECONDS, TimeUnit.SECONDS);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn(
                    "status cannot be written to the database: {}",
                    e.getCause() == null ? "no answer" : e.getCause().getMessage());
            return false;
        }
    }

    private void publish() {
        views = bridges.values().stream().map(BridgeView::of).toList();
    }

    /** Ends all bridges: sockets and TAP devices are gone when this returns. The database is left as it is. */
    @Override
    public void close() {
        thread.execute(() -> {
            bridges.values().forEach(bridge -> guarded(bridge::close));
            bridges.clear();
            publish();
            ended = true;
        });
        thread.shutdown();
        try {
            if (!thread.awaitTermination(WRITE_TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn("the bridges have not ended in time");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
