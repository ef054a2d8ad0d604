package io.turnstile.datapath;

import io.turnstile.datapath.Upcall.Translation;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The upkeep brings datapath flows into the cache and takes them out, when nobody uses them or the rules changed, and
 * credits the pipeline's rules with their packets.
 *
 * <p>Threads: any. Lock order: the cache before the statistics.
 */
final class FlowUpkeep {
    private static final long IDLE_NS = 10_000_000_000L;
    /** How long a flow without packets stays while the cache is full: room is made quickly then. */
    private static final long IDLE_WHEN_FULL_NS = 100_000_000L;

    private static final int LIMIT = 200_000;

    private final FlowCache cache;
    private final UpcallReference upcall;
    private final WatcherReference watcher;
    private final FlowRevision revision;
    private final Object statisticsLock = new Object();
    private volatile int limit = LIMIT;
    private volatile long idleNs = IDLE_NS;
    private volatile boolean usesMegaflows = true;
    private volatile boolean namesTersely = true;
    private volatile Rounds rounds = new Rounds(0, 0, 0);

    /**
     * How rounds of {@link #maintain} have found the cache.
     *
     * @param averageFlows of the last rounds, the newest counting as much as all before
     * @param mostFlows that any round has found
     * @param durationMs how long the last one took
     */
    record Rounds(int averageFlows, int mostFlows, long durationMs) {}

    FlowUpkeep(FlowCache cache, UpcallReference upcall, WatcherReference watcher, FailureLog failures) {
        this.cache = cache;
        this.upcall = upcall;
        this.watcher = watcher;
        this.revision = new FlowRevision(cache, upcall, failures);
    }

    void setLimit(int flows) {
        limit = flows;
    }

    void setIdle(long idleNs) {
        this.idleNs = idleNs;
    }

    /** Whether a flow is for all packets that the walk holds for, or for such as it was made for alone. */
    boolean usesMegaflows() {
        return usesMegaflows;
    }

    void setUsesMegaflows(boolean uses) {
        usesMegaflows = uses;
    }

    boolean namesTersely() {
        return namesTersely;
    }

    void setNamesTersely(boolean tersely) {
        namesTersely = tersely;
    }

    void setLogName(Supplier<String> name) {
        revision.setLogName(name);
    }

    boolean isFull() {
        return cache.size() >= limit;
    }

    /**
     * Puts the flow into the cache, unless the rules changed since it was translated: it is dead then. Under the
     * cache's lock a change can't slip between the pipeline's last look at its rules and the installation.
     *
     * @return the flow to use: this one, or one with the same match that was there before
     */
    DatapathFlow install(DatapathFlow flow, Translation translation) {
        synchronized (cache) {
            if (!upcall.get().isCurrent(translation)) {
                flow.kill();
                return flow;
            }
            DatapathFlow installed = cache.install(flow);
            if (installed == flow) {
                upcall.get().flowInstalled(flow);
                FlowLog.added(flow);
            }
            return installed;
        }
    }

    /**
     * Puts a flow in by hand, in the place of one with the same match if that is allowed. Of flows that match the same
     * packet and do not say the same, any may be met.
     */
    FlowPut put(
            FlowMatchParser.Parsed match, DatapathAction[] actions, boolean mayCreate, boolean mayReplace, long nowNs) {
        HandMade owner = new HandMade(match.namesPacketType());
        DatapathFlow former;
        synchronized (cache) {
            former = cache.twin(match.key(), match.mask());
            if (former == null) {
                if (mayCreate) {
                    DatapathFlow flow = new DatapathFlow(match.key(), match.mask(), actions, owner, nowNs);
                    cache.install(flow);
                    FlowLog.added(flow);
                }
                return mayCreate ? FlowPut.DONE : FlowPut.NOT_FOUND;
            }
            if (!mayReplace) {
                return FlowPut.EXISTS;
            }
            DatapathFlow flow = new DatapathFlow(match.key(), match.mask(), actions, owner, former);
            cache.replace(former, flow, this::retire);
            FlowLog.changed(flow, former);
        }
        watcher.get().flowsKilled(List.of(former));
        return FlowPut.DONE;
    }

    /** The live flow with exactly that match; null if there is none. */
    @Nullable
    DatapathFlow twin(FlowMatchParser.Parsed match) {
        return cache.twin(match.key(), match.mask());
    }

    void invalidate(Predicate<DatapathFlow> affected) {
        removeAll(affected);
        watcher.get().waysChanged();
    }

    private void removeAll(Predicate<DatapathFlow> selected) {
        List<DatapathFlow> removed = new ArrayList<>();
        cache.remove(selected, flow -> {
            retire(flow);
            removed.add(flow);
        });
        watcher.get().flowsKilled(removed);
    }

    Collection<DatapathFlow> kill(Supplier<? extends Collection<DatapathFlow>> affected) {
        return cache.killNamed(affected);
    }

    void bury(Collection<DatapathFlow> killed) {
        watcher.get().flowsKilled(killed); // First: that they are not followed elsewhere may take a while.
        watcher.get().waysChanged();
        cache.bury(killed, this::retire);
    }

    /** The same of flows that rules have killed: the next round makes them anew. */
    void buryToRevise(Collection<DatapathFlow> killed) {
        bury(killed);
        revision.await(killed);
    }

    private void passOn(DatapathFlow former, DatapathFlow present) {
        if (!present.isByHand()) {
            synchronized (statisticsLock) {
                present.takeOver(former);
            }
        }
    }

    /** Credits the last packets of a removed flow. */
    private void retire(DatapathFlow flow) {
        credit(flow);
        if (!flow.isByHand()) {
            upcall.get().flowRemoved(flow);
        }
    }

    /** Credits the rules behind the flow with the packets that it met since the last time. */
    void credit(DatapathFlow flow) {
        if (flow.isByHand()) {
            return; // No rule is behind it.
        }
        synchronized (statisticsLock) {
            long packets = flow.packetCount();
            long bytes = flow.byteCount();
            if (packets != flow.pushedPackets) {
                upcall.get().flowUsed(flow, packets - flow.pushedPackets, bytes - flow.pushedBytes, flow.lastUsedNs());
                flow.pushedPackets = packets;
                flow.pushedBytes = bytes;
            }
        }
    }

    void creditAll() {
        cache.flows().forEach(this::credit);
    }

    /**
     * Revises flows that rules have killed, expires those that nobody used, credits all, and sorts the cache. What was
     * put in by hand goes: where there is a pipeline, it alone says what becomes of packets.
     */
    void maintain(long nowNs) {
        long beganNs = System.nanoTime(); // how long it takes is a matter of real time
        long mostIdleNs = isFull() ? Math.min(idleNs, IDLE_WHEN_FULL_NS) : idleNs;
        if (!isFull()) {
            revision.revise(mostIdleNs, nowNs, this::passOn);
        }
        int flows = cache.size();
        creditAll();
        FlowLog.round(cache::flows, namesTersely, nowNs);
        removeAll(flow -> flow.isByHand() ? upcall.isPresent() : isIdle(flow, mostIdleNs, nowNs));
        cache.sortByHits();
        Rounds before = rounds;
        rounds = new Rounds(
                (before.averageFlows + flows) / 2,
                Math.max(before.mostFlows, flows),
                TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beganNs));
    }

    Rounds rounds() {
        return rounds;
    }

    int limit() {
        return limit;
    }

    /** What was met elsewhere is told every few seconds only. */
    private boolean isIdle(DatapathFlow flow, long mostIdleNs, long nowNs) {
        long idleNs = nowNs - flow.lastUsedNs();
        return idleNs > mostIdleNs && (idleNs > IDLE_NS || !watcher.get().isFollowed(flow));
    }

    /** Counts packets that somebody else has forwarded as the flow says. */
    void countCarried(DatapathFlow flow, long packets, long bytes, long lastUsedNs) {
        flow.countCarried(packets, bytes, lastUsedNs);
        if (flow.isByHand()) {
            return;
        }
        if (packets == 0) {
            upcall.get().flowUsed(flow, 0, 0, flow.lastUsedNs()); // How many is not known, but that there were some.
        } else if (flow.isDead()) {
            credit(flow);
        }
    }

    List<DatapathFlow> flows() {
        return cache.flows();
    }

    int flowCount() {
        return cache.size();
    }

    int maskCount() {
        return cache.maskCount();
    }
}
