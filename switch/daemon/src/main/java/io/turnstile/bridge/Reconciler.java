package io.turnstile.bridge;

import io.turnstile.datapath.Datapath;
import io.turnstile.offload.PriorityList;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.openflow.OpenFlowAgent;
import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.OvsdbBackend;
import io.turnstile.time.OncePerMinute;
import io.turnstile.tls.TlsFiles;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The reconciler follows the database: after each change the switch is made what the newest snapshot says, then what
 * came of it is written back with {@code cur_cfg} in the same transaction, so that {@code ovs-vsctl} returns when all
 * is done.
 *
 * <p>Threads: has one of its own; {@link #onLinkChange}, {@link #rescanProviders}, {@link #bridges},
 * {@link #stopFollowing} and {@link #close} by any.
 */
public final class Reconciler implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);
    private static final OncePerMinute TOLD = new OncePerMinute();
    private static final long CLOSE_TIMEOUT_SECONDS = 10;
    private static final int TICK_MS = 500;
    private static final int DEFAULT_STATISTICS_INTERVAL_MS = 5000;
    private static final int DEFAULT_FLOW_LIMIT = 200_000;
    /** What controllers of before Open vSwitch 2.8 expect. */
    private static final int DEFAULT_VLAN_LIMIT = 1;

    private static final int DEFAULT_FLOW_IDLE_MS = 10_000;

    private final OvsdbBackend backend;
    private final SwitchComponents components;
    private final OffloadSettings offload;
    private final MetricsSettings metrics;
    private final ZoneSettings zones;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            task -> Thread.ofPlatform().daemon().name("bridge").unstarted(task));
    private final AtomicBoolean reconcileQueued = new AtomicBoolean();
    private final AtomicBoolean linksQueued = new AtomicBoolean();
    private volatile @Nullable DatabaseSnapshot snapshot;
    private volatile List<BridgeView> views = List.of();
    private final CompletableFuture<Void> configured = new CompletableFuture<>();

    // The reconciler's thread only.
    /** A change that came just before the end must not make anew what is closed. */
    private boolean ended;

    /**
     * {@code other_config:flow-restore-wait}: no packet is forwarded and no controller connected to, while somebody
     * puts back the flows of a former process. Once that is over it is not begun again, as in Open vSwitch.
     */
    private boolean restoringFlows = true;

    private final Bridges bridges;
    private final StatusWriter status;
    private final SettingsReader settings = new SettingsReader("other_config");
    private Map<String, String> otherConfig = Map.of();
    private List<String> managers = List.of();
    private Optional<TlsFiles> tls = Optional.empty();
    /** In the past before statistics were written first. */
    private long statisticsWrittenNs = System.nanoTime() - TimeUnit.DAYS.toNanos(1);

    public Reconciler(OvsdbBackend backend, SwitchComponents components) {
        this.backend = backend;
        this.components = components;
        offload = new OffloadSettings(components.offload(), components.providers());
        metrics = new MetricsSettings(components.metrics());
        zones = new ZoneSettings(components.pipeline(), components.tracker());
        bridges = new Bridges(components);
        status = new StatusWriter(backend, components, bridges);
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
        queue(linksQueued, this::refreshLinks);
    }

    /**
     * Looks at the plug-in folder for offload providers again; what has changed there is in force when the future
     * completes.
     */
    public CompletableFuture<ProviderRegistry.Rescan> rescanProviders() {
        return CompletableFuture.supplyAsync(offload::rescan, thread);
    }

    /** Is complete once the switch has become what the database said first, and that is written back. */
    public CompletableFuture<Void> configured() {
        return configured;
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

    private void guarded(Runnable task) {
        if (!ended) {
            contained(task);
        }
    }

    /** Runs one pass; a bug in it must not end the following. */
    private static void contained(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            if (TOLD.isDue("reconciliation", e)) {
                LOG.error("reconciliation failed", e);
            }
        }
    }

    // ---- passes ----

    private void reconcile() {
        DatabaseSnapshot newest = Objects.requireNonNull(snapshot, "the first snapshot is what queues this");
        Optional<SwitchConfig> read = ConfigReader.read(newest);
        if (read.isEmpty()) {
            makeRoot();
            return;
        }
        SwitchConfig config = read.get();
        try {
            configureSwitch(config);
            components.paths().leaveAlone(config.leftAlone()); // before such a port is opened anew
            bridges.reconfigure(config.bridges(), !restoringFlows);
            zones.reconfigure(config.datapathsOf(bridges.datapathKeys()));
            configureOffloadPorts();
            publish();
            status.writeAll(newest, config);
        } finally {
            configured.complete(null);
        }
    }

    /** Makes the Open_vSwitch row; a new snapshot follows once it is there. */
    private void makeRoot() {
        backend.ensureRoot().exceptionally(failure -> {
            if (TOLD.isDue("root", failure)) {
                LOG.warn("the Open_vSwitch row cannot be made: {}", failure.getMessage());
            }
            return null;
        });
    }

    private void configureSwitch(SwitchConfig config) {
        otherConfig = config.otherConfig();
        restoringFlows = restoringFlows && "true".equalsIgnoreCase(otherConfig.get("flow-restore-wait"));
        components.pipeline().setForwards(!restoringFlows);
        components.datapath().setFlowLimit(settings.number(otherConfig, "flow-limit", 1, DEFAULT_FLOW_LIMIT));
        int vlanLimit = settings.number(otherConfig, "vlan-limit", 0, DEFAULT_VLAN_LIMIT);
        components.datapath().setVlanLimit(vlanLimit == 0 ? Datapath.MAX_VLAN_TAGS : vlanLimit);
        int idleMs = settings.number(otherConfig, "max-idle", 1, DEFAULT_FLOW_IDLE_MS);
        components.datapath().setFlowIdle(TimeUnit.MILLISECONDS.toNanos(idleMs));
        components
                .openFlow()
                .setBundleIdleSeconds(settings.number(
                        otherConfig, "bundle-idle-timeout", 1, OpenFlowAgent.DEFAULT_BUNDLE_IDLE_SECONDS));
        if (!config.tls().equals(tls)) { // before the managers and controllers that may need it
            tls = config.tls();
            components.tls().use(tls);
        }
        offload.reconfigure(otherConfig);
        metrics.reconfigure(otherConfig);
        if (!config.managers().equals(managers)) {
            managers = config.managers();
            components.managers().accept(managers);
        }
    }

    /** What providers may know of the ports, and which of them may have connections of which, and carry them. */
    private void configureOffloadPorts() {
        components.pipeline().switchPorts().refresh();
        Map<Long, PriorityList> lists = new HashMap<>();
        Map<Long, Map<String, String>> options = new HashMap<>();
        bridges.ifaces().forEach(iface -> {
            DatapathPorts.Opened device = iface.opened();
            if (device != null) {
                iface.config().offloadPriority().ifPresent(list -> lists.put(device.id(), PriorityList.parse(list)));
                options.put(device.id(), iface.offloadOptions());
            }
        });
        offload.reconfigurePorts(lists);
        components.pipeline().switchPorts().setOffloadOptions(options);
    }

    private void refreshLinks() {
        bridges.refreshLinks();
        configureOffloadPorts();
        publish();
        DatabaseSnapshot present = snapshotWithRoot();
        if (present != null) {
            status.writeStatus(present);
        }
    }

    private void tick() {
        DatabaseSnapshot present = snapshotWithRoot();
        if (present == null) {
            return;
        }
        int intervalMs = Math.max(
                DEFAULT_STATISTICS_INTERVAL_MS,
                settings.number(otherConfig, "stats-update-interval", 0, DEFAULT_STATISTICS_INTERVAL_MS));
        long nowNs = System.nanoTime(); // what is shown to people keeps real time, also while the switch's is stopped
        if (nowNs - statisticsWrittenNs < TimeUnit.MILLISECONDS.toNanos(intervalMs)) {
            status.writeControllers(present);
            return;
        }
        statisticsWrittenNs = nowNs;
        status.writeStatistics(present);
    }

    /** The switch's time was moved: what is due for that is written back when the future completes. */
    public CompletableFuture<Void> timePassed(Duration distance) {
        return CompletableFuture.runAsync(
                () -> guarded(() -> {
                    statisticsWrittenNs -= distance.toNanos();
                    tick();
                }),
                thread);
    }

    /** The newest snapshot; null while there is none, or none that has the Open_vSwitch row. */
    private @Nullable DatabaseSnapshot snapshotWithRoot() {
        DatabaseSnapshot newest = snapshot;
        return newest == null || newest.table("Open_vSwitch").isEmpty() ? null : newest;
    }

    private void publish() {
        views = bridges.views();
    }

    /** Changes are not followed any more; everything stays as it is. A pass that is under way is waited for. */
    public void stopFollowing() {
        CompletableFuture<Void> stopped = CompletableFuture.runAsync(() -> ended = true, thread);
        try {
            stopped.get(CLOSE_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn("the last change of the database has not been followed in time");
        }
    }

    /** Ends all bridges: sockets and TAP devices are gone when this returns. The database is left as it is. */
    @Override
    public void close() {
        thread.execute(() -> {
            ended = true;
            bridges.all().forEach(bridge -> contained(bridge::close));
            bridges.clear();
            publish();
        });
        thread.shutdown();
        try {
            if (!thread.awaitTermination(CLOSE_TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn("the bridges have not ended in time");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
