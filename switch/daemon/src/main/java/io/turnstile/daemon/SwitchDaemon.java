package io.turnstile.daemon;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.turnstile.appctl.AppctlCommands;
import io.turnstile.appctl.CommandContext;
import io.turnstile.appctl.DatabaseCommands;
import io.turnstile.bridge.BridgeView;
import io.turnstile.bridge.DummyLevel;
import io.turnstile.bridge.Reconciler;
import io.turnstile.bridge.SelfConfinement;
import io.turnstile.bridge.SwitchComponents;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.control.ControlServer;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingThreads;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PathGate;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.openflow.OpenFlowAgent;
import io.turnstile.openflow.SocketFile;
import io.turnstile.ovsdb.client.RemoteOvsdb;
import io.turnstile.ovsdb.data.OvsdbBackend;
import io.turnstile.ovsdb.server.EmbeddedOvsdb;
import io.turnstile.path.PathKeeper;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.port.linux.LinkWatcher;
import io.turnstile.port.linux.SystemPorts;
import io.turnstile.telemetry.MetricsEndpoint;
import io.turnstile.telemetry.MetricsPage;
import io.turnstile.telemetry.MicrometerLaneMetrics;
import io.turnstile.telemetry.OffloadMonitor;
import io.turnstile.telemetry.RareEvent;
import io.turnstile.telemetry.SwitchMeters;
import io.turnstile.time.Clock;
import io.turnstile.time.OncePerMinute;
import io.turnstile.time.WarpableClock;
import io.turnstile.tls.TlsContexts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A whole switch in this process: database, bridges, OpenFlow, forwarding, connection tracker, offload and control
 * socket.
 *
 * <p>Threads: {@code bridge} follows the database, {@code openflow} and {@code control} are event loops,
 * {@code forwarder-N} carry packets, {@code paths} sums their walks up, {@code housekeeping} expires,
 * {@code link-watcher} hears of devices; the database and the offload dispatcher have theirs. {@link #start} and
 * {@link #close} are called once each, by any thread but these.
 */
public final class SwitchDaemon implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SwitchDaemon.class);
    private static final OncePerMinute TOLD = new OncePerMinute();

    private final DaemonConfig config;
    private final WarpableClock clock = new WarpableClock(Clock.system());
    private final PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final ConnectionTracker tracker;
    private final Datapath datapath;
    private final Pipeline pipeline;
    private final OffloadDispatcher dispatcher;
    private final PathGate pathGate;
    private final PathKeeper paths;
    private final OffloadMonitor monitor;
    private final TlsContexts tls = new TlsContexts();
    private final Runnable onExit;
    /** Everything that was started, last first; it is closed in this order. */
    private final Deque<AutoCloseable> started = new ArrayDeque<>();

    private final Set<String> managerRemotes = ConcurrentHashMap.newKeySet();
    /** Null until started. */
    private volatile @Nullable Reconciler reconciler;
    /** Null until started. */
    private @Nullable OvsdbBackend database;

    /** @param onExit what {@code ovs-appctl exit} does, called on the control thread after the reply */
    public SwitchDaemon(DaemonConfig config, Runnable onExit) {
        this.config = config;
        this.onExit = onExit;
        tracker = new ConnectionTracker(clock, config.maxConnections());
        datapath = new Datapath(tracker, clock);
        pipeline = new Pipeline(datapath, clock);
        dispatcher =
                new OffloadDispatcher(tracker, clock, pipeline.switchPorts(), MicrometerLaneMetrics.factory(meters));
        pipeline.switchPorts().onChange(dispatcher::portsChanged);
        pathGate = new PathGate(dispatcher.paths());
        paths = new PathKeeper(datapath, tracker, pipeline.switchPorts(), clock);
        paths.setBook(dispatcher.paths());
        datapath.setWalkWatcher(paths);
        paths.setBook(pathGate);
        monitor = new OffloadMonitor(dispatcher, clock);
    }

    public SwitchDaemon(DaemonConfig config) {
        this(config, () -> {});
    }

    /**
     * Starts everything; the control socket answers last, when the rest is there.
     *
     * @throws IOException or an unchecked exception whose message is for people; what had been started is closed again
     */
    public void start() throws IOException {
        try {
            Folders.make(config.runDirectory(), Folders.OF_SOCKETS);
            startAll();
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private void startAll() throws IOException {
        OvsdbBackend backend = config.databaseTarget() == null
                ? new EmbeddedOvsdb(config.databaseFile(), config.remotes(), tls::server)
                : new RemoteOvsdb(config.databaseTarget());
        database = backend;
        closeLater(backend);
        EventLoopGroup openFlowLoop = OpenFlowAgent.newEventLoop();
        OpenFlowAgent openFlow = new OpenFlowAgent(openFlowLoop, clock);
        openFlow.setTls(tls);
        List<RareEvent> lost = RareEvent.lost(pipeline, openFlow, monitor);
        MetricsPage page = closeLater(
                new MetricsPage(meters, new SwitchMeters(tracker, datapath, pathGate, Version.number(), lost)));
        MetricsEndpoint metrics = closeLater(new MetricsEndpoint(page::text));
        closeLater(monitor);
        closeLater(paths).start();
        ForwardingThreads threads = closeLater(new ForwardingThreads(datapath, config.forwardingThreads()));
        closeLater(() -> openFlowLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly());
        Housekeeping housekeeping = closeLater(new Housekeeping(clock, datapath, pipeline, tracker, dispatcher, lost));
        ProviderRegistry providers = ProviderRegistry.discover(
                getClass().getClassLoader(),
                config.pluginFolder(),
                config.dummies().providersOnlyIfNamed(),
                config.runDirectory());
        Reconciler reconciler = closeLater(new Reconciler(
                backend,
                new SwitchComponents(
                        pipeline,
                        datapath,
                        threads,
                        new SystemPorts(config.runDirectory()),
                        config.dummies(),
                        openFlow,
                        tls,
                        tracker,
                        dispatcher,
                        pathGate,
                        providers,
                        metrics,
                        clock,
                        config.runDirectory(),
                        Version.number(),
                        Version.database(),
                        this::setManagers)));
        // What providers let go of, software forwards until they have let go of all: the ports go only then.
        closeLater(dispatcher);
        closeLater(reconciler::stopFollowing);
        this.reconciler = reconciler;
        closeLater(new LinkWatcher(change -> reconciler.onLinkChange(), reconciler::onLinkChange));
        ControlServer control = closeLater(new ControlServer(Version.line()));
        AppctlCommands.all(commandContext(reconciler, housekeeping, openFlow, providers))
                .forEach(control::register);
        if (backend instanceof EmbeddedOvsdb embedded) {
            new DatabaseCommands(embedded::compact).commands().forEach(control::register);
        }
        System.gc(); // while no port is open: the first collection copies all that the start has made, 13 MB in 20 ms
        housekeeping.start();
        reconciler.start();
        SocketFile.makeRoom(config.controlSocket());
        control.listen(config.controlSocket());
    }

    private CommandContext commandContext(
            Reconciler reconciler, Housekeeping housekeeping, OpenFlowAgent openFlow, ProviderRegistry providers) {
        return new CommandContext(
                datapath,
                pipeline,
                tracker,
                dispatcher,
                pathGate,
                monitor,
                clock,
                reconciler::bridges,
                reconciler::onLinkChange,
                reconciler::rescanProviders,
                providers::faults,
                housekeeping.coverage(),
                (distance, step) -> housekeeping.warp(
                        distance, step, () -> reconciler.timePassed(distance).thenRun(openFlow::dropIdleBundles)),
                housekeeping,
                LogSettings.control(),
                config.forwardingThreads(),
                config.dummies() != DummyLevel.NONE,
                onExit);
    }

    private <T extends AutoCloseable> T closeLater(T resource) {
        started.push(resource);
        return resource;
    }

    /** Has the embedded server listen where the Manager rows say. A real server minds them itself. */
    private void setManagers(List<String> targets) {
        if (!(database instanceof EmbeddedOvsdb embedded)) {
            return;
        }
        managerRemotes.stream()
                .filter(remote -> !targets.contains(remote))
                .toList()
                .forEach(gone -> {
                    embedded.removeRemote(gone);
                    managerRemotes.remove(gone);
                });
        for (String target : targets) {
            String objection = new SelfConfinement(config.runDirectory()).objectionToManager(target);
            if (objection != null) {
                LOG.error("{}", objection);
            } else if (!target.startsWith("p")) {
                LOG.warn("manager {}: only ptcp:, pssl: and punix: are supported", target);
            } else if (!config.remotes().contains(target) && !managerRemotes.contains(target)) {
                try {
                    embedded.addRemote(target);
                    managerRemotes.add(target);
                } catch (IOException | IllegalArgumentException e) {
                    if (TOLD.isDue("manager", e)) {
                        LOG.warn("manager {}: {}", target, e.getMessage());
                    }
                }
            }
        }
    }

    /** Is complete once the switch has become what the database said first. Not before {@link #start} has returned. */
    CompletableFuture<Void> configured() {
        return Objects.requireNonNull(reconciler, "started").configured();
    }

    // ---- looking ----

    /** The dispatcher, for those who watch providers' events. */
    public OffloadDispatcher dispatcher() {
        return dispatcher;
    }

    /** The socket at which {@code ovs-appctl --target=…} finds this switch. */
    public Path controlSocket() {
        return config.controlSocket();
    }

    /**
     * The socket at which {@code ovs-vsctl --db=unix:…} finds the database; null if that is not a Unix socket of this
     * process.
     */
    public @Nullable Path databaseSocket() {
        return config.remotes().stream()
                .filter(remote -> remote.startsWith("punix:"))
                .map(remote -> Path.of(remote.substring("punix:".length())))
                .findFirst()
                .orElse(null);
    }

    /** All Unix sockets that this switch has made, to be removed where it cannot be closed any more. Threads: any. */
    List<Path> sockets() {
        List<Path> sockets = new ArrayList<>();
        sockets.add(config.controlSocket());
        for (String remote : config.remotes()) {
            addSocket(remote, sockets);
        }
        managerRemotes.forEach(remote -> addSocket(remote, sockets));
        Reconciler present = reconciler;
        if (present != null) {
            for (BridgeView bridge : present.bridges()) {
                sockets.add(config.runDirectory().resolve(bridge.name() + ".mgmt"));
                sockets.add(config.runDirectory().resolve(bridge.name() + ".snoop"));
            }
        }
        return sockets;
    }

    private static void addSocket(String remote, List<Path> sockets) {
        if (remote.startsWith("punix:")) {
            sockets.add(Path.of(remote.substring("punix:".length())));
        }
    }

    /** Ends everything, sockets and TAP devices included. */
    @Override
    public synchronized void close() {
        while (!started.isEmpty()) {
            AutoCloseable resource = started.pop();
            try {
                resource.close();
            } catch (Exception e) { // contained: the others are closed too
                LOG.warn("closing {}: {}", resource.getClass().getSimpleName(), e.toString());
            }
        }
    }
}
