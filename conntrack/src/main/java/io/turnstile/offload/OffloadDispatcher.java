package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells offload providers of connections' lives. The tracker reports to it on the packet path, where it only notes bits in
 * a slot's word; what is noted is carried out later in batches, by threads of its own or by who calls {@link #drain()}.
 *
 * <p>What always holds, per connection and provider: add → established (once true, never again) → update* → del; exactly one
 * del for each add that succeeded, once the connection or the provider leaves; at most one place in the queue.
 *
 * <p>Threads: the {@code on…} methods any; {@link #enable} and {@link #disable} one after the other (they take this
 * object's monitor), never from a provider's callback; everything else any. Starts disabled.
 */
public final class OffloadDispatcher implements ConnectionListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OffloadDispatcher.class);
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_-]*");
    private static final long LEAVING_TIMEOUT_NS = TimeUnit.SECONDS.toNanos(30);
    private static final long LEAVING_POLL_NS = TimeUnit.MICROSECONDS.toNanos(500);
    private static final int DRAINED_BY_CALLER = 0;
    /** As many as Open vSwitch allows for {@code other_config:n-offload-threads}. */
    public static final int MAX_THREADS = 10;

    private final Conntrack tracker;
    private final Clock clock;
    private final PortNames ports;
    private final EventTaps taps = new EventTaps();
    private final CauseLog causes = new CauseLog(LOG);
    private int threads;                                    // guarded by this
    private volatile boolean enabled;
    private volatile OffloadSession session;                // null: nobody to tell
    private volatile List<ProviderStatus> statuses = List.of();

    /** With one thread of its own. */
    public OffloadDispatcher(Conntrack tracker, Clock clock, PortNames ports) {
        this(tracker, clock, ports, 1);
    }

    private OffloadDispatcher(Conntrack tracker, Clock clock, PortNames ports, int threads) {
        this.tracker = tracker;
        this.clock = clock;
        this.ports = ports;
        this.threads = threads;
    }

    /** Without threads: nothing reaches a provider but during {@link #drain()}, {@link #enable} and {@link #disable}. */
    public static OffloadDispatcher drainedByCaller(Conntrack tracker, Clock clock, PortNames ports) {
        return new OffloadDispatcher(tracker, clock, ports, DRAINED_BY_CALLER);
    }

    /** {@code other_config:n-offload-threads}, 1 to {@link #MAX_THREADS}: counts from the next {@link #enable} on. */
    public synchronized void setThreads(int threads) {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("n-offload-threads is 1 to " + MAX_THREADS + ", not " + threads);
        }
        if (this.threads != DRAINED_BY_CALLER) {
            this.threads = threads;
        }
    }

    // ---- the knob ----

    /**
     * hw-offload on: initialises the providers in the order given, follows the tracker from now on, and starts to announce
     * the connections that are there already. If it is on already, it is turned off first. Providers that do not come up are
     * left out, see {@link #providers()}.
     *
     * @throws IllegalStateException providers of the last time have not returned from their callbacks yet
     */
    public synchronized void enable(List<OffloadProvider> providersInPriorityOrder) {
        if (!disable()) {
            throw new IllegalStateException("offload providers of before have not left yet");
        }
        int shardCount = Math.max(1, threads);
        List<ProviderStatus> came = new ArrayList<>();
        List<RegisteredProvider> registered = initialise(providersInPriorityOrder, shardCount, came);
        statuses = List.copyOf(came);
        enabled = true;
        if (registered.isEmpty()) {
            return;
        }
        OffloadSession begun = new OffloadSession(tracker, clock, ports, List.copyOf(registered), causes, taps, shardCount);
        session = begun;
        tracker.setListener(this);
        begun.shards[0].startReplay(); // after the listener is set: what is committed meanwhile is met by one or by both
        if (threads != DRAINED_BY_CALLER) {
            for (Shard shard : begun.shards) {
                shard.start();
            }
        }
    }

    private List<RegisteredProvider> initialise(List<OffloadProvider> providers, int shardCount, List<ProviderStatus> came) {
        List<RegisteredProvider> registered = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (OffloadProvider provider : providers) {
            String name = null;
            int priority = 0;
            String state;
            try {
                name = provider.name();
                priority = provider.priority();
                state = nameFault(name, names);
                if (state == null) {
                    provider.init(new ContextOfProvider(clock, shardCount));
                    state = "ready";
                    registered.add(new RegisteredProvider(provider, name, registered.size()));
                }
            } catch (Throwable e) { // contained: a provider that does not come up is left out
                String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
                state = "init failed: " + reason;
                causes.record(name + ": init", reason, e, clock.wallMs());
            }
            came.add(new ProviderStatus(String.valueOf(name), priority, state));
        }
        return registered;
    }

    private static String nameFault(String name, Set<String> names) {
        if (name == null || !NAME.matcher(name).matches() || name.equals(ProviderRegistry.NONE)) {
            return "not registered: a name is lower case letters, digits, - and _, and not \"none\"";
        }
        return names.add(name) ? null : "not registered: there is another provider of this name";
    }

    /**
     * hw-offload off: tells every provider to let go of every connection, then closes them in reverse order. Connections and
     * packets are not touched. Does nothing if it is off.
     *
     * @return false if some provider has not come back from its callbacks in time: it goes on leaving in the background, and
     *         another call waits for it anew
     */
    public synchronized boolean disable() {
        OffloadSession leaving = session;
        if (leaving == null) {
            enabled = false;
            return true;
        }
        if (enabled) {
            enabled = false;
            showAs("leaving");
            leaving.leave();
        }
        if (!awaitLeft(leaving)) {
            LOG.warn("offload providers have not let go of their connections in time");
            return false;
        }
        tracker.setListener(null);
        session = null;
        for (Shard shard : leaving.shards) {
            shard.stop();
        }
        closeProviders(leaving);
        showAs("closed");
        return true;
    }

    private void showAs(String state) {
        statuses = statuses.stream()
                .map(s -> s.state().equals("ready") || s.state().equals("leaving")
                        ? new ProviderStatus(s.name(), s.priority(), state) : s)
                .toList();
    }

    private boolean awaitLeft(OffloadSession leaving) {
        long startNs = System.nanoTime(); // real time: it is threads that are waited for
        while (!leaving.hasLeft()) {
            if (threads == DRAINED_BY_CALLER) {
                drain(leaving);
            } else if (System.nanoTime() - startNs > LEAVING_TIMEOUT_NS) {
                return false;
            } else {
                LockSupport.parkNanos(LEAVING_POLL_NS);
            }
        }
        return true;
    }

    private void closeProviders(OffloadSession left) {
        for (RegisteredProvider provider : left.providers.reversed()) {
            try {
                provider.provider().close();
            } catch (Throwable e) { // contained: it counts as closed, and the others are closed too
                causes.record(provider.name() + ": close", RegisteredProvider.text(e), e, clock.wallMs());
            }
        }
    }

    /** Same as {@link #disable()}. */
    @Override
    public void close() {
        disable();
    }

    /** The knob's position. */
    public boolean isEnabled() {
        return enabled;
    }

    /**
     * Carries out everything that is due, on the calling thread: events, replay, and what those bring about. With threads of
     * its own the dispatcher needs none of this; then it helps them, and returns once nothing is queued.
     */
    public void drain() {
        OffloadSession present = session;
        if (present != null) {
            drain(present);
        }
    }

    private static void drain(OffloadSession session) {
        boolean busy;
        do {
            busy = false;
            for (Shard shard : session.shards) {
                while (shard.step()) {
                    busy = true;
                }
            }
        } while (busy);
    }

    // ---- events from the tracker ----

    @Override
    public void onCommitted(long connectionId, int inPort, long nowNs) {
        OffloadSession present = session;
        if (present != null) {
            present.onCommitted(connectionId, inPort, nowNs);
        }
    }

    @Override
    public boolean onReply(long connectionId, int inPort, long nowNs) {
        OffloadSession present = session;
        return present != null && present.onReply(connectionId, inPort, nowNs);
    }

    @Override
    public boolean onExpiring(long connectionId, long deadlineNs, long nowNs) {
        OffloadSession present = session;
        return present != null && present.onExpiring(connectionId, deadlineNs, nowNs);
    }

    @Override
    public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
        OffloadSession present = session;
        return present != null && present.onRemoved(connectionId, reason, nowNs);
    }

    // ---- looking ----

    /** Has {@code tap} told of every provider operation from now on, on the thread that carried it out. Must be quick. */
    public void addEventTap(Consumer<OffloadEvent> tap) {
        taps.add(tap);
    }

    public void removeEventTap(Consumer<OffloadEvent> tap) {
        taps.remove(tap);
    }

    /** The providers of the last {@link #enable} in priority order, those that did not come up included. */
    public List<ProviderStatus> providers() {
        return statuses;
    }

    /** How the connection stands with each provider, in priority order; empty while offload is off. */
    public List<ProviderConnectionState> offloadStates(long connectionId) {
        OffloadSession present = session;
        return present == null ? List.of() : present.states(connectionId);
    }

    /** Text of {@code conntrack/offload-show}. */
    public String show() {
        return new OffloadReport(this, session, causes).text(false);
    }

    /** {@link #show()} with a line for each connection followed: the connection, then its state with each provider. */
    public String showConnections() {
        return new OffloadReport(this, session, causes).text(true);
    }

    /** Who carries the connection, and why not: a line per provider. */
    public String why(long connectionId) {
        return OffloadReport.why(enabled, statuses, offloadStates(connectionId));
    }
}
