package io.turnstile.path;

import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.DatapathPort;
import io.turnstile.datapath.SampledWalk;
import io.turnstile.datapath.WalkWatcher;
import io.turnstile.offload.PathBook;
import io.turnstile.offload.PathHandle;
import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.path.Composition.Composed;
import io.turnstile.path.Composition.Member;
import io.turnstile.path.Composition.Refused;
import io.turnstile.path.Composition.Step;
import io.turnstile.path.PathGroup.Way;
import io.turnstile.time.Clock;
import io.turnstile.time.OncePerMinute;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keeper has walks sampled of directions that the {@link PathBook} wants, offers what can be made of them, and
 * takes the paths back when a flow or a port of theirs goes.
 *
 * <p><b>Nothing stale.</b> A path is first put down under each of its flows; then all of them are looked at once more;
 * then it is offered. A flow is first killed; then the paths under it are withdrawn. So either the keeper sees that the
 * flow is dead, or whoever killed it sees the path. Whoever killed it waits afterwards ({@link #awaitGone}) until the
 * withdrawn paths are over, two seconds at most; a provider that takes longer is named in the log and not waited for
 * again because of the same path.
 *
 * <p>Threads: the one that {@link #start} makes, {@code paths}, turns samples into offers; without it {@link #drain}
 * does. The rest by any, as {@link WalkWatcher} and {@link io.turnstile.offload.PathUser} say.
 */
public final class PathKeeper implements WalkWatcher, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PathKeeper.class);
    /** Further samples are not taken: their directions stay wanted. */
    private static final int QUEUE_LENGTH = 4096;

    /** A path takes less than half of this everywhere together: so all of them take less than half of the heap. */
    private static final int HEAP_BYTES_A_PATH = 1024;

    private static final long LONGEST_WAIT_NS = TimeUnit.SECONDS.toNanos(2);
    private static final long CLOSING_MS = 5_000;

    private final Datapath datapath;
    private final Conntrack tracker;
    private final PortDirectory ports;
    private final Clock clock;
    private final OncePerMinute told = new OncePerMinute();

    private final Queue<SampledWalk> samples = new ConcurrentLinkedQueue<>();
    private final AtomicInteger samplesLength = new AtomicInteger();

    // Of who turns samples into offers.
    private final List<ConnectionSnapshot> snapshots = new ArrayList<>();
    private final List<@Nullable ConnectionSnapshot> found = new ArrayList<>();

    private final int mostPaths;
    private final AtomicInteger kept = new AtomicInteger();
    private final Map<Way, PathGroup> groups = new ConcurrentHashMap<>();
    private final Map<DatapathFlow, Set<PathGroup>> byFlow = new ConcurrentHashMap<>();
    /** Withdrawn, not over, and not waited for in vain yet. */
    private final Set<KeptPath> ending = ConcurrentHashMap.newKeySet();

    private volatile @Nullable PathBook book;
    private volatile @Nullable Thread thread;
    private volatile boolean closed;

    /** @param ports knows the datapath's ports as providers do */
    public PathKeeper(Datapath datapath, Conntrack tracker, PortDirectory ports, Clock clock) {
        this(datapath, tracker, ports, clock, (int)
                Math.min(Integer.MAX_VALUE, Runtime.getRuntime().maxMemory() / HEAP_BYTES_A_PATH));
    }

    /** @param mostPaths further ones are refused */
    PathKeeper(Datapath datapath, Conntrack tracker, PortDirectory ports, Clock clock, int mostPaths) {
        this.mostPaths = mostPaths;
        this.datapath = datapath;
        this.tracker = tracker;
        this.ports = ports;
        this.clock = clock;
    }

    /** Names who wants paths; called once, before the first packet or later. */
    public void setBook(PathBook book) {
        this.book = book;
    }

    // ---- samples ----

    @Override
    public boolean isWatching() {
        PathBook present = book;
        return present != null && present.isAsked();
    }

    @Override
    public boolean claims(long connectionId, boolean reply) {
        PathBook present = book;
        return present != null
                && present.wants(connectionId, reply)
                && samplesLength.get() < QUEUE_LENGTH
                && present.claim(connectionId, reply);
    }

    @Override
    public void walked(SampledWalk walk) {
        samples.add(walk);
        if (samplesLength.getAndIncrement() == 0) {
            LockSupport.unpark(thread);
        }
    }

    /** Starts the keeper's thread. */
    public void start() {
        Thread paths = Thread.ofPlatform().daemon().name("paths").unstarted(this::run);
        thread = paths;
        paths.start();
    }

    private void run() {
        while (!closed) {
            if (!drain()) {
                LockSupport.park(this);
            }
        }
    }

    /**
     * Turns the samples that are there into offers; for who has no thread started.
     *
     * @return whether there were any
     */
    public boolean drain() {
        PathBook present = book;
        boolean any = false;
        for (SampledWalk walk = samples.poll(); walk != null; walk = samples.poll()) {
            samplesLength.getAndDecrement();
            any = true;
            if (present != null) {
                handle(walk, present);
            }
        }
        return any;
    }

    private void handle(SampledWalk walk, PathBook present) {
        Refused refused;
        try {
            refused = offerOrRefuse(walk, present);
        } catch (RuntimeException e) { // contained: it is one direction's misfortune
            if (told.isDue("a walk", e)) {
                LOG.error("a walk could not be summed up", e);
            }
            refused = new Refused(NotCarried.FAILED);
        }
        if (refused != null) {
            present.refuse(
                    walk.connectionId(),
                    walk.reply() ? Direction.REPLY : Direction.ORIGINAL,
                    refused.text(),
                    refused.reason().mayPass() || !areAlive(walk.flows()));
        }
    }

    /**
     * Whether none of them has died since: else the change that has killed it may be one that nobody tells of any more.
     */
    private static boolean areAlive(List<DatapathFlow> flows) {
        return flows.stream().noneMatch(DatapathFlow::isDead);
    }

    /** Null if a path was offered. */
    private @Nullable Refused offerOrRefuse(SampledWalk walk, PathBook present) {
        if (kept.get() >= mostPaths) {
            return new Refused(NotCarried.NO_ROOM);
        }
        return switch (PathComposer.compose(walk, read(walk))) {
            case Refused refused -> refused;
            case Composed composed -> offer(composed, present);
        };
    }

    /** What it returns is good until the next call. */
    private List<@Nullable ConnectionSnapshot> read(SampledWalk walk) {
        found.clear();
        for (SampledWalk.Tracking tracking : walk.trackings()) {
            if (found.size() == snapshots.size()) {
                snapshots.add(new ConnectionSnapshot());
            }
            ConnectionSnapshot connection = snapshots.get(found.size());
            boolean isThere =
                    tracking.connectionId() != Conntrack.NO_CONNECTION && read(tracking.connectionId(), connection);
            found.add(isThere ? connection : null);
        }
        return found;
    }

    private @Nullable Refused offer(Composed composed, PathBook present) {
        PortRef ingress = port(composed.ingress());
        PortRef egress = port(composed.egress());
        if (ingress.isGone() || egress.isGone()) {
            return new Refused(NotCarried.PORT_GONE);
        }
        PathGroup group = groupOf(new Way(ingress, egress, composed.guard(), composed.rewrites(), composed.steps()));
        KeptPath path = new KeptPath(this, group.way, composed.members());
        putDown(path, group);
        NotCarried objection = NotCarried.FAILED;
        try {
            objection = offer(path, composed, present);
        } finally {
            if (objection != null) {
                strikeOut(path);
            }
        }
        if (objection != null) {
            return new Refused(objection);
        }
        for (int i = 1; i < composed.members().size(); i++) {
            explain(composed.members().get(i), path, present);
        }
        return null;
    }

    private static @Nullable NotCarried offer(KeptPath path, Composed composed, PathBook present) {
        if (!path.way().hasLiveFlows()) {
            return whyNotAlive(path);
        }
        if (!path.hasItsPorts()) {
            return NotCarried.PORT_GONE;
        }
        return path.offerTo(present, composed.arriving(), composed.leaving()) ? null : NotCarried.RULES_CHANGED;
    }

    private static NotCarried whyNotAlive(KeptPath path) {
        for (Step step : path.way().steps()) {
            DatapathFlow.Uncached uncached = step.flow().uncached();
            if (uncached != null) {
                return switch (uncached) {
                    case CACHE_FULL -> NotCarried.FLOW_CACHE_FULL;
                    case FOR_ONE_PACKET -> NotCarried.FLOW_FOR_ONE_PACKET;
                };
            }
        }
        return NotCarried.RULES_CHANGED;
    }

    /** No walk begins with this connection in this direction. */
    private static void explain(Member member, KeptPath path, PathBook present) {
        boolean reply = member.direction() == Direction.REPLY;
        if (present.wants(member.connectionId(), reply) && present.claim(member.connectionId(), reply)) {
            present.refuse(
                    member.connectionId(),
                    member.direction(),
                    NotCarried.OTHERS_WALK.text(),
                    NotCarried.OTHERS_WALK.mayPass() || !path.way().hasLiveFlows());
        }
    }

    // ---- paths by flow ----

    /** Threads: the one that turns samples into offers. */
    private PathGroup groupOf(Way way) {
        PathGroup present = groups.get(way);
        return present == null ? new PathGroup(way, kept) : present;
    }

    private void putDown(KeptPath path, PathGroup under) {
        PathGroup group = under;
        if (!group.add(path)) { // the last of it has just gone
            group = new PathGroup(under.way, kept);
            group.add(path);
        }
        if (groups.put(group.way, group) != group) {
            for (Step step : group.way.steps()) {
                putUnder(step.flow(), group);
            }
        }
    }

    private void putUnder(DatapathFlow flow, PathGroup group) {
        byFlow.compute(flow, (_, present) -> {
            Set<PathGroup> all = present == null ? ConcurrentHashMap.newKeySet(1) : present;
            all.add(group);
            return all;
        });
    }

    private void strikeOut(KeptPath path) {
        PathGroup group = path.group();
        if (group != null && group.remove(path)) {
            groups.remove(group.way, group);
            for (Step step : group.way.steps()) {
                byFlow.computeIfPresent(step.flow(), (_, present) -> {
                    present.remove(group);
                    return present.isEmpty() ? null : present;
                });
            }
        }
    }

    @Override
    public boolean isFollowed(DatapathFlow flow) {
        return byFlow.containsKey(flow);
    }

    @Override
    public void flowsKilled(Collection<DatapathFlow> flows) {
        if (byFlow.isEmpty()) {
            return;
        }
        for (DatapathFlow flow : flows) {
            Set<PathGroup> under = byFlow.get(flow);
            if (under != null) {
                under.forEach(group -> group.paths().forEach(path -> path.withdraw(PathEnd.RULES_CHANGED)));
            }
        }
    }

    @Override
    public void waysChanged() {
        PathBook present = book;
        if (present != null) {
            present.waysChanged();
        }
    }

    @Override
    public void portRemoved(DatapathPort port) {
        for (PathGroup group : groups.values()) {
            if (group.way.usesPort(port.id())) {
                group.paths().forEach(path -> path.withdraw(PathEnd.PORT_GONE));
            }
        }
    }

    // ---- the end of paths ----

    void isEnding(KeptPath path) {
        ending.add(path);
        if (path.isOver()) {
            ending.remove(path);
        }
    }

    void isOver(KeptPath path) {
        ending.remove(path);
        strikeOut(path);
    }

    @Override
    public void awaitGone() {
        PathBook present = book;
        if (present == null || ending.isEmpty()) {
            return;
        }
        List<KeptPath> awaited = List.copyOf(ending);
        List<PathHandle> handles = new ArrayList<>();
        for (KeptPath path : awaited) {
            PathHandle handle = path.handle();
            if (handle != null) {
                handles.add(handle);
            }
        }
        if (!present.awaitOver(handles, LONGEST_WAIT_NS)) {
            goOnWithout(awaited, present);
        }
    }

    private void goOnWithout(List<KeptPath> awaited, PathBook present) {
        List<KeptPath> late = awaited.stream().filter(path -> !path.isOver()).toList();
        late.forEach(ending::remove);
        String providers = late.stream()
                .limit(100)
                .flatMap(path -> present.states(path.connectionId()).stream())
                .map(PathBook.DirectionState::provider)
                .filter(name -> !name.isEmpty())
                .distinct()
                .collect(Collectors.joining(", "));
        if (told.isDue("late " + providers)) {
            LOG.warn(
                    "{} has not given {} paths back within {} s, of which a flow or port is gone; going on without",
                    providers.isEmpty() ? "a provider" : providers,
                    late.size(),
                    TimeUnit.NANOSECONDS.toSeconds(LONGEST_WAIT_NS));
        }
    }

    // ---- what paths need ----

    PortRef port(int number) {
        return ports.port(number);
    }

    boolean read(long connectionId, ConnectionSnapshot into) {
        return tracker.read(connectionId, into, clock.nowNs());
    }

    void count(DatapathFlow flow, long packets, long bytes, long lastUsedNs) {
        datapath.countCarried(flow, packets, bytes, lastUsedNs);
    }

    /** Ends the thread. Paths that are there are the book's to end. */
    @Override
    public void close() {
        closed = true;
        Thread paths = thread;
        if (paths != null) {
            LockSupport.unpark(paths);
            try {
                paths.join(CLOSING_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
