package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The dispatcher tells offload providers of connections' lives. The tracker reports to it on the packet path, where it
 * only notes bits in a slot's word, once for each provider; what is noted is carried out later in batches, by threads
 * that each provider has for itself, or by who calls {@link #drain()}. See {@link Lane} for what becomes of a provider
 * that fails.
 *
 * <p>What always holds, per connection, provider and {@code init}: add → established (once true, never again),
 * changed*, update* → del; exactly one del for each add that succeeded, once the connection or the provider leaves; at
 * most one place in the queue. Per provider, zone and tuple: del of one connection → add of the next.
 *
 * <p>Threads: the {@code on…} methods any; those that change settings one after the other (they take a lock), never
 * from a provider's callback; everything else any. Starts disabled.
 */
public final class OffloadDispatcher implements ConnectionListener, AutoCloseable {
    /** The most threads, as Open vSwitch has it for {@code other_config:n-offload-threads}. */
    public static final int MAX_THREADS = 10;
    /** The most operations in a call. */
    public static final int MAX_BATCH_LENGTH = Shard.BATCH_LENGTH;

    private static final Logger LOG = LoggerFactory.getLogger(OffloadDispatcher.class);
    private static final long LEAVING_TIMEOUT_NS = TimeUnit.SECONDS.toNanos(1);
    /** How long the end of the process waits for providers to let go, and how often the log says so meanwhile. */
    private static final long CLOSING_TIMEOUT_NS = TimeUnit.SECONDS.toNanos(60);

    private static final long HUNG_TIMEOUT_NS = TimeUnit.SECONDS.toNanos(10);
    private static final long CLOSING_REPORT_NS = TimeUnit.SECONDS.toNanos(5);
    private static final long WATCH_INTERVAL_NS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long DRAIN_POLL_NS = TimeUnit.MICROSECONDS.toNanos(100);
    private static final Lane[] NOBODY = {};

    private final DispatcherContext context;
    private final LaneLimits limits;
    private final ReentrantLock configLock = new ReentrantLock();
    private int threads = 1; // guarded by the configuration lock
    private @Nullable Thread watchdog; // guarded by the configuration lock
    private volatile boolean enabled;
    /** All lanes that are not off. */
    private volatile Lane[] lanes = NOBODY;
    /** What was asked for last, in that order. */
    private volatile List<Supplier<ProviderStatus>> listed = List.of();

    private volatile List<Lane> chosen = List.of();

    /** Makes a dispatcher with threads, and counters that nobody else reads. */
    public OffloadDispatcher(Conntrack tracker, Clock clock, PortDirectory ports) {
        this(tracker, clock, ports, CountingLaneMetrics.factory());
    }

    /**
     * Makes a dispatcher with threads, {@link #setThreads} for each provider. What lanes do is recorded by what
     * {@code metrics} makes.
     */
    public OffloadDispatcher(Conntrack tracker, Clock clock, PortDirectory ports, LaneMetrics.Factory metrics) {
        this(new DispatcherContext(tracker, clock, ports, true, metrics, LOG), LaneLimits.DEFAULTS);
    }

    OffloadDispatcher(DispatcherContext context, LaneLimits limits) {
        this.context = context;
        this.limits = limits;
    }

    /**
     * Makes a dispatcher without threads: nothing reaches a provider but during {@link #drain()}, {@link #enable} and
     * {@link #disable}.
     */
    public static OffloadDispatcher drainedByCaller(Conntrack tracker, Clock clock, PortDirectory ports) {
        return new OffloadDispatcher(
                new DispatcherContext(tracker, clock, ports, false, CountingLaneMetrics.factory(), LOG),
                LaneLimits.DEFAULTS);
    }

    // ---- settings ----

    /**
     * {@code other_config:n-offload-threads}, 1 to {@link #MAX_THREADS}, for each provider. Providers that are up leave
     * and come up anew with the other number.
     */
    public void setThreads(int threads) {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("n-offload-threads is 1 to " + MAX_THREADS + ", not " + threads);
        }
        configLock.lock();
        try {
            if (context.isThreaded() && this.threads != threads) {
                this.threads = threads;
                if (enabled) {
                    chosen.forEach(lane -> lane.enable(threads));
                }
            }
        } finally {
            configLock.unlock();
        }
    }

    /**
     * hw-offload on, or the choice of providers changed while it is on. Those that are up already and are still chosen
     * go on undisturbed; those that are not chosen any more leave; the others are initialised and told of the
     * connections that are there already. Waits a little for them to come up; one that takes longer, or fails, is shown
     * as such by {@link #providers()}, and is tried again.
     *
     * @param inPriorityOrder the order in which they are listed, and drained
     */
    public void enableNamed(List<NamedProvider> inPriorityOrder) {
        enableAsked(inPriorityOrder.stream()
                .<ProviderNaming>map(ProviderNaming.Named::new)
                .toList());
    }

    /**
     * The same with providers that have yet to be asked for their names: those that have no lane are, and each is
     * waited for some seconds at most. One that has no name, or a bad one, is shown by {@link #providers()}.
     */
    public void enable(List<? extends OffloadProvider> inPriorityOrder) {
        enableAsked(inPriorityOrder.stream().map(this::ask).toList());
    }

    private ProviderNaming ask(OffloadProvider provider) {
        for (Lane lane : lanes) {
            if (lane.provider() == provider) {
                return new ProviderNaming.Named(new NamedProvider(lane.name(), lane.priority(), provider));
            }
        }
        return ProviderNaming.askWithin(provider, ProviderLoading.PATIENCE_NS);
    }

    private void enableAsked(List<ProviderNaming> inPriorityOrder) {
        configLock.lock();
        try {
            choose(inPriorityOrder);
        } finally {
            configLock.unlock();
        }
    }

    private void choose(List<ProviderNaming> inPriorityOrder) {
        List<Lane> wanted = new ArrayList<>();
        List<Supplier<ProviderStatus>> shown = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (ProviderNaming naming : inPriorityOrder) {
            switch (naming) {
                case ProviderNaming.Named named
                when names.add(named.provider().name()) -> {
                    Lane lane = laneOf(named.provider());
                    wanted.add(lane);
                    shown.add(lane::status);
                }
                case ProviderNaming.Named named ->
                    shown.add(refused(named.provider().name(), "there is another provider of this name"));
                case ProviderNaming.Refused refused -> {
                    recordThrown(refused);
                    shown.add(refused(refused.shownName(), refused.fault()));
                }
            }
        }
        List<Lane> leaving = new ArrayList<>(List.of(lanes));
        leaving.removeAll(wanted);
        leaving.reversed().forEach(Lane::disable);
        if (!context.isThreaded()) {
            drainUntilLeft(leaving);
        }
        for (Lane lane : wanted) {
            leaving.stream().filter(former -> former.name().equals(lane.name())).forEach(lane::comesAfter);
        }
        List<Lane> all = new ArrayList<>(wanted);
        all.addAll(leaving);
        setLanes(all); // before any comes up: its replay and the live events meet
        chosen = List.copyOf(wanted);
        listed = List.copyOf(shown);
        enabled = true;
        if (!wanted.isEmpty()) {
            context.tracker().setListener(this);
        }
        giveSettings(wanted);
        wanted.forEach(lane -> lane.enable(threads));
        if (context.isThreaded()) {
            startWatchdog();
            await(wanted, limits.startTimeoutNs(), Lane.Phase.UP, Lane.Phase.RESTING, Lane.Phase.GIVEN_UP);
        }
        forgetLanesThatLeft();
    }

    private Lane laneOf(NamedProvider named) {
        for (Lane lane : lanes) {
            if (lane.provider() == named.provider()) {
                return lane;
            }
        }
        return new Lane(context, limits, named.provider(), named.name(), named.priority());
    }

    private static Supplier<ProviderStatus> refused(String name, String fault) {
        ProviderStatus status = new ProviderStatus(name, OffloadProvider.DEFAULT_PRIORITY, "not registered: " + fault);
        return () -> status;
    }

    private void recordThrown(ProviderNaming.Refused refused) {
        if (refused.thrown() != null) {
            context.causes()
                    .record(
                            refused.shownName() + ": name",
                            refused.thrown(),
                            context.clock().wallMs());
        }
    }

    /**
     * hw-offload off: has every provider let go of every connection, and closes them. Connections and packets are not
     * touched. Does nothing if it is off.
     *
     * @return false if some provider has not left within a second: it goes on leaving in the background, and a large
     *     table takes some time, so that forwarding does not suffer
     */
    public boolean disable() {
        configLock.lock();
        try {
            enabled = false;
            List<Lane> leaving = List.of(lanes).reversed();
            leaving.forEach(Lane::disable);
            if (context.isThreaded()) {
                await(leaving, LEAVING_TIMEOUT_NS, Lane.Phase.OFF, Lane.Phase.GIVEN_UP);
            } else {
                drainUntilLeft(leaving);
            }
            forgetLanesThatLeft();
            return lanes.length == 0;
        } finally {
            configLock.unlock();
        }
    }

    private static void await(List<Lane> awaited, long timeoutNs, Lane.Phase... phases) {
        long startNs = System.nanoTime();
        try {
            for (Lane lane : awaited) {
                lane.awaitPhase(timeoutNs - (System.nanoTime() - startNs), phases);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // they come up, or leave, without anybody waiting
        }
    }

    private static void drainUntilLeft(List<Lane> leaving) {
        for (Lane lane : leaving) {
            while (lane.step()) {
                // until it has nothing left to do
            }
        }
    }

    private void setLanes(List<Lane> present) {
        lanes = present.toArray(NOBODY);
        context.paths().setLanes(lanes);
    }

    private void forgetLanesThatLeft() {
        List<Lane> present = new ArrayList<>(List.of(lanes));
        present.removeIf(lane -> lane.phase() == Lane.Phase.OFF);
        setLanes(present);
        if (present.isEmpty()) {
            context.tracker().setListener(null);
        }
    }

    /**
     * {@code other_config:hw-offload-priority} of Interfaces: which providers may carry connections of a port.
     * Connections that are there already are looked at again.
     *
     * @param byPort by {@link io.turnstile.offload.spi.PortRef#id()}; ports without such a list are not in here
     */
    public void setPortPriorities(Map<Long, PriorityList> byPort) {
        configLock.lock();
        try {
            OfferPolicy changed = new OfferPolicy(Map.copyOf(byPort));
            if (!changed.equals(context.offerPolicy())) {
                context.setOfferPolicy(changed);
                for (Lane lane : lanes) {
                    lane.recheck();
                }
            }
        } finally {
            configLock.unlock();
        }
    }

    /**
     * {@code Open_vSwitch:other_config}, of which each provider is given its part: of {@code offload-NAME-key} the
     * {@code key}. Where one provider's name begins another's, a key is the longer one's.
     */
    public void setProviderSettings(Map<String, String> otherConfig) {
        configLock.lock();
        try {
            context.setSettings(Map.copyOf(otherConfig));
            giveSettings(chosen);
        } finally {
            configLock.unlock();
        }
    }

    private void giveSettings(List<Lane> to) {
        for (Lane lane : to) {
            Map<String, String> own = new TreeMap<>();
            context.settings().forEach((key, value) -> {
                if (isOwnSetting(lane.name(), key, to)) {
                    own.put(key.substring(settingPrefix(lane.name()).length()), value);
                }
            });
            lane.setSettings(Collections.unmodifiableMap(own));
        }
    }

    private static boolean isOwnSetting(String name, String key, List<Lane> all) {
        return isSettingOf(name, key)
                && all.stream()
                        .map(Lane::name)
                        .noneMatch(other -> other.length() > name.length() && isSettingOf(other, key));
    }

    private static String settingPrefix(String name) {
        return "offload-" + name + "-";
    }

    /**
     * Whether a key of {@code other_config} is meant for the provider of this name, or for one whose name begins so.
     */
    public static boolean isSettingOf(String name, String key) {
        String prefix = settingPrefix(name);
        return key.startsWith(prefix) && key.length() > prefix.length();
    }

    /** Ports came, went or changed: providers are told. Threads: any; returns at once. */
    public void portsChanged() {
        for (Lane lane : lanes) {
            lane.portsChanged();
        }
    }

    /**
     * The end: as {@link #disable()}, but waits for providers to let go of everything and to be closed, up to a minute,
     * and the log says what is waited for. One that is given up has ten seconds to come back.
     */
    @Override
    public void close() {
        close(CLOSING_TIMEOUT_NS, HUNG_TIMEOUT_NS);
    }

    void close(long timeoutNs, long hungTimeoutNs) {
        List<Lane> leaving = List.of(lanes);
        boolean isOver = disable();
        leaving.forEach(Lane::hurry);
        long startNs = System.nanoTime(); // real time: it is threads that are waited for
        while (!isOver && context.isThreaded() && !Thread.currentThread().isInterrupted()) {
            long tookNs = System.nanoTime() - startNs;
            boolean onlyHung = leaving.stream().allMatch(lane -> isOverOrHung(lane.phase()));
            if (tookNs >= (onlyHung ? hungTimeoutNs : timeoutNs)) {
                break;
            }
            leaving.forEach(OffloadDispatcher::sayWhatIsWaitedFor);
            await(leaving, Math.min(CLOSING_REPORT_NS, hungTimeoutNs), Lane.Phase.OFF);
            isOver = leaving.stream().allMatch(lane -> lane.phase() == Lane.Phase.OFF);
        }
        for (Lane lane : leaving) {
            if (lane.phase() != Lane.Phase.OFF) {
                LOG.warn(
                        "offload provider {} was not closed: {}",
                        lane.name(),
                        lane.status().state());
            }
        }
        disable(); // those that are off are forgotten
    }

    private static void sayWhatIsWaitedFor(Lane lane) {
        if (lane.phase() != Lane.Phase.OFF) {
            LOG.info(
                    "waiting for offload provider {} to let go of {} connections", lane.name(), lane.heldConnections());
        }
    }

    private static boolean isOverOrHung(Lane.Phase phase) {
        return phase == Lane.Phase.OFF || phase == Lane.Phase.GIVEN_UP;
    }

    /** Whether hw-offload is on. */
    public boolean isEnabled() {
        return enabled;
    }

    // ---- watching over the lanes ----

    private void startWatchdog() {
        if (watchdog == null) {
            watchdog = Thread.ofPlatform().daemon().name("offload-watch").start(this::watch);
        }
    }

    private void watch() {
        while (keepsWatching()) {
            context.lastUse().observe();
            context.paths().tick(context.clock().nowNs());
            for (Lane lane : lanes) {
                watch(lane);
            }
            LockSupport.parkNanos(this, WATCH_INTERVAL_NS);
        }
    }

    /** A fault that has to do with one lane must not leave the others without anybody who watches. */
    private static void watch(Lane lane) {
        try {
            lane.tick();
        } catch (RuntimeException | Error e) {
            HeapExhaustion.check(e);
            lane.record("watch", FailureText.of(e));
        }
    }

    /**
     * Lanes are forgotten here too: a provider that was late to leave has nobody else who waits for it. While somebody
     * changes settings that is his business, and the watch goes on.
     */
    private boolean keepsWatching() {
        boolean someLeft = !enabled;
        for (Lane lane : lanes) {
            someLeft |= lane.phase() == Lane.Phase.OFF;
        }
        if (!someLeft || !configLock.tryLock()) {
            return true;
        }
        try {
            forgetLanesThatLeft();
            if (enabled || lanes.length > 0) {
                return true;
            }
            watchdog = null;
            return false;
        } finally {
            configLock.unlock();
        }
    }

    /**
     * Carries out everything that is due, on the calling thread: events, replay, and what those bring about. With
     * threads of their own the lanes do that by themselves; then this waits until they have, but not for a provider
     * that was given up.
     */
    public void drain() {
        if (context.isThreaded()) {
            while (!isIdle()) {
                LockSupport.parkNanos(this, DRAIN_POLL_NS);
            }
            return;
        }
        boolean busy;
        do {
            busy = false;
            context.paths().tick(context.clock().nowNs());
            for (Lane lane : lanes) {
                lane.tick();
                while (lane.step()) {
                    busy = true;
                }
            }
        } while (busy);
        configLock.lock();
        try {
            forgetLanesThatLeft();
        } finally {
            configLock.unlock();
        }
    }

    private boolean isIdle() {
        for (Lane lane : lanes) {
            if (!lane.isIdle()) {
                return false;
            }
        }
        return true;
    }

    // ---- events from the tracker ----

    @Override
    public void onCommitted(long connectionId, int inPort, long nowNs) {
        for (Lane lane : lanes) {
            OffloadSession session = lane.session();
            if (session != null) {
                session.onCommitted(connectionId, inPort, nowNs);
            }
        }
    }

    @Override
    public void onEstablished(long connectionId, long nowNs) {
        for (Lane lane : lanes) {
            OffloadSession session = lane.session();
            if (session != null) {
                session.onEstablished(connectionId, nowNs);
            }
        }
    }

    @Override
    public void onChanged(long connectionId, int changes, long nowNs) {
        context.paths().onChanged(connectionId, changes);
        for (Lane lane : lanes) {
            OffloadSession session = lane.session();
            if (session != null) {
                session.onChanged(connectionId, changes, nowNs);
            }
        }
    }

    @Override
    public boolean onDeadline(long connectionId, long nowNs) {
        boolean asked = context.paths().onDeadline(connectionId);
        for (Lane lane : lanes) {
            OffloadSession session = lane.session();
            asked |= session != null && session.onDeadline(connectionId, nowNs);
        }
        return asked;
    }

    @Override
    public boolean isAwaited(long connectionId) {
        for (Lane lane : lanes) {
            OffloadSession session = lane.session();
            if (session != null && session.isAwaited(connectionId)) {
                return true;
            }
        }
        return context.paths().isAwaited(connectionId);
    }

    @Override
    public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
        context.paths().onRemoved(connectionId);
        Lane[] present = lanes;
        context.holds().begin(connectionId, present.length);
        int declining = 0;
        for (Lane lane : present) {
            OffloadSession session = lane.session();
            declining += session != null && session.onRemoved(connectionId, reason, nowNs) ? 0 : 1;
        }
        return context.holds().isHeldAfter(connectionId, declining);
    }

    // ---- paths ----

    /** Who carries which direction of connections; there is always one, and the same. */
    public PathBook paths() {
        return context.paths();
    }

    // ---- looking ----

    /** The lane of the provider of this name, for who wants to look into it. */
    Optional<Lane> laneOf(String provider) {
        return Arrays.stream(lanes).filter(lane -> lane.name().equals(provider)).findFirst();
    }

    /** Whether this provider may still be called: it is up, or on its way up or down. */
    public boolean isInUse(OffloadProvider provider) {
        for (Lane lane : lanes) {
            if (lane.provider() == provider) {
                return true;
            }
        }
        return false;
    }

    /**
     * Has {@code tap} told of every provider operation from now on, on the thread that carried it out. Must be quick.
     */
    public void addEventTap(Consumer<OffloadEvent> tap) {
        context.taps().add(tap);
    }

    public void removeEventTap(Consumer<OffloadEvent> tap) {
        context.taps().remove(tap);
    }

    /** The providers of the last {@link #enable} in priority order, those that did not come up included. */
    public List<ProviderStatus> providers() {
        return listed.stream().map(Supplier::get).toList();
    }

    /** Names of the providers that are up and carry, in priority order. */
    public List<String> carriers() {
        return chosen.stream()
                .filter(lane -> lane.phase() == Lane.Phase.UP && lane.carries())
                .map(Lane::name)
                .toList();
    }

    /** What has failed so far, one line for each distinct cause with count, first and last time (UTC). */
    public List<String> failures() {
        return context.causes().lines();
    }

    /** How the connection stands with each provider, in priority order; empty while offload is off. */
    public List<ProviderConnectionState> offloadStates(long connectionId) {
        return enabled ? chosen.stream().map(lane -> lane.state(connectionId)).toList() : List.of();
    }

    /** Text of {@code conntrack/offload-show}. */
    public String show() {
        return new OffloadReport(this, context, chosen).text();
    }

    /** {@link #show()} with a line for each connection followed: the connection, then its state with each provider. */
    public ConnectionLines connectionLines() {
        return new ConnectionLines(this, context, show());
    }

    /** Who carries the connection, and why not: a line per provider. */
    public String why(long connectionId) {
        return OffloadReport.why(enabled, providers(), offloadStates(connectionId));
    }
}
