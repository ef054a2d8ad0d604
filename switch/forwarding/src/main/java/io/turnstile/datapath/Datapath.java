package io.turnstile.datapath;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.FlushLog;
import io.turnstile.conntrack.fragment.FragmentReassembler;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.Port;
import io.turnstile.time.Clock;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Ports, the flow cache and the forwarding of packets between them. The work is done by {@link PortTable},
 * {@link BatchExecutor} with {@link FlowLookup}, {@link FlowUpkeep} and {@link GracePeriods}; this is what the rest of
 * the switch sees of them.
 *
 * <p>Threads: {@link #process} and {@link #receiveAndProcess} by any number of threads, each with its own context; the
 * rest by any thread.
 */
public final class Datapath {
    /** Ingress port of packets that came in by none: all ones. */
    private static final int NO_PORT = -1;
    /** Of so many VLAN tags the flow key has room. */
    public static final int MAX_VLAN_TAGS = 2;

    private final FragmentReassembler fragments = new FragmentReassembler();
    private final Conntrack conntrack;
    private final Clock clock;
    private final UpcallReference upcall = new UpcallReference();
    private final WatcherReference watcher = new WatcherReference();
    private final PortTable ports = new PortTable();
    private final GracePeriods gracePeriods = new GracePeriods();
    private final DropCounters drops = new DropCounters();
    private final FailureLog failures = new FailureLog();
    private final FlowUpkeep upkeep;
    private final BatchExecutor executor;
    /** Held while numbers of removed ports are forgotten and freed, so that none is another port's meanwhile. */
    private final Object restLock = new Object();

    private volatile IntConsumer portListener = number -> {};

    /**
     * Lookups and flows, for {@code dpctl/show}.
     *
     * @param lost packets that the pipeline could not be asked about
     */
    public record Statistics(long hits, long misses, long lost, int flows, int masks) {}

    /**
     * The cache and its upkeep, for {@code upcall/show}.
     *
     * @param averageFlows that rounds of {@link #maintain} have found lately
     * @param mostFlows that any round has found
     * @param limit no more flows are installed
     * @param durationMs of the last round
     */
    public record Upkeep(int flows, int averageFlows, int mostFlows, int limit, long durationMs) {}

    public Datapath(Conntrack conntrack, Clock clock) {
        this.conntrack = conntrack;
        this.clock = clock;
        FlowCache cache = new FlowCache();
        upkeep = new FlowUpkeep(cache, upcall, watcher, failures);
        FlowLookup lookup = new FlowLookup(cache, upkeep, upcall, drops, failures);
        executor = new BatchExecutor(
                ports, lookup, upkeep, new TrackingStep(conntrack, fragments), upcall, watcher, drops, failures);
    }

    /** Names the pipeline; to be called before the first packet. */
    public void setUpcall(Upcall upcall) {
        this.upcall.set(upcall);
    }

    /** Names the datapath in lines of the log; "datapath" unless this was called. */
    public void setLogName(Supplier<String> name) {
        upkeep.setLogName(name);
    }

    /** Names who looks at walks; nobody does unless this was called. */
    public void setWalkWatcher(WalkWatcher watcher) {
        this.watcher.set(watcher);
    }

    /** How many flows the cache may hold; packets beyond it are translated one by one. */
    public void setFlowLimit(int flows) {
        upkeep.setLimit(flows);
    }

    /**
     * Whether a flow is made for all packets that it holds for, as is right, or for such as it was made for alone, as
     * who looks for a fault may want. Flows that are there stay.
     */
    public void setUsesMegaflows(boolean uses) {
        upkeep.setUsesMegaflows(uses);
    }

    /** Whether the log of {@link #maintain} names flows by their id alone ({@code upcall/disable-ufid}). */
    public void setNamesFlowsTersely(boolean tersely) {
        upkeep.setNamesTersely(tersely);
    }

    /** Whether it does. */
    public boolean namesFlowsTersely() {
        return upkeep.namesTersely();
    }

    /** How long a flow without packets stays (other_config:max-idle). */
    public void setFlowIdle(long idleNs) {
        upkeep.setIdle(idleNs);
    }

    /**
     * How many VLAN tags packets are looked at behind (other_config:vlan-limit), 1 or 2. The Ethernet type of the
     * payload is in every flow's match, so that flows of before are met by no packet that is looked at otherwise now.
     */
    public void setVlanLimit(int maxTags) {
        executor.setVlanLimit(Math.clamp(maxTags, 1, MAX_VLAN_TAGS));
    }

    /** How many VLAN tags packets are looked at behind. */
    public int vlanLimit() {
        return executor.vlanLimit();
    }

    /**
     * Has {@code listener} told of every failure that is contained here, with what failed: a translation, an action, a
     * port's flush. Called by the thread that met it, inside its batch.
     */
    public void onFailure(BiConsumer<String, RuntimeException> listener) {
        failures.onFailure(listener);
    }

    /**
     * Removes tracked connections. Returns how many.
     *
     * @param actor whom the audit trail names as the one who asked
     */
    public int flushConnections(ConnectionFilter filter, String actor, long nowNs) {
        FlushLog.asked(filter);
        return filter.isEmpty()
                ? conntrack.flush(filter.zone, actor, nowNs)
                : conntrack.flushMatching(filter, actor, nowNs);
    }

    /** Where fragments wait for each other at {@code ct()}, with its switches, limits and counters. */
    public FragmentReassembler fragments() {
        return fragments;
    }

    // ---- ports ----

    /**
     * Takes a port in under the wanted number, or for -1 as {@link #addPortFrom} from 0. If the number still rests, all
     * that names it is made to forget it first, which walks the table of connections. Returns the number.
     */
    public int addPort(Port port, int wantedNumber) {
        if (wantedNumber < 0) {
            return addPortFrom(0, port);
        }
        if (ports.isResting(wantedNumber)) {
            synchronized (restLock) {
                forgetDeparted();
                ports.freeForgotten();
            }
        }
        ports.add(port, wantedNumber);
        watcher.get().waysChanged();
        portListener.accept(wantedNumber);
        return wantedNumber;
    }

    /**
     * Takes a port in under the lowest number from {@code lowest} on that is free. A number is free again some
     * {@link #maintain} after its port was removed: once no packet and no connection names it. Returns the number.
     */
    public int addPortFrom(int lowest, Port port) {
        int number = ports.addFrom(lowest, port);
        watcher.get().waysChanged();
        portListener.accept(number);
        return number;
    }

    /**
     * Lets the port go; its owner closes it. No packet is sent to it by a batch that begins afterwards. Its number
     * rests before it can be another port's.
     */
    public void removePort(int number) {
        DatapathPort port = ports.entry(number);
        if (port != null && ports.remove(number)) {
            portListener.accept(number);
            watcher.get().portRemoved(port);
            gracePeriods.await();
            watcher.get().awaitGone();
        }
    }

    /**
     * Has {@code listener} told the number of each port that came or went, by the thread that added or removed it and
     * before that call returns.
     */
    public void onPortChange(IntConsumer listener) {
        portListener = listener;
    }

    /** Has fragments and connections forget the numbers of removed ports. With {@link #restLock} held. */
    private void forgetDeparted() {
        BitSet departed = ports.departed();
        if (departed.isEmpty()) {
            return;
        }
        IntPredicate gone = number -> number >= 0 && departed.get(number);
        gracePeriods.await(); // A batch under way may carry packets of theirs to the tracker.
        fragments.forgetPorts(gone);
        conntrack.forgetPorts(gone);
        ports.forgotten(departed);
    }

    /** The port of that number, null if there is none. */
    public @Nullable Port port(int number) {
        return ports.get(number);
    }

    /** The same with its identity. */
    public @Nullable DatapathPort portEntry(int number) {
        return ports.entry(number);
    }

    /** No port's number is higher than this one; -1 if there never was a port. */
    public int highestPortNumber() {
        return ports.highest();
    }

    public Map<Integer, Port> ports() {
        return ports.byNumber();
    }

    // ---- packets ----

    public ForwardingContext newContext() {
        return gracePeriods.newContext();
    }

    /** The context's thread has ended: its counts are kept, nobody waits for it any more. */
    public void retire(ForwardingContext context) {
        gracePeriods.retire(context);
    }

    /**
     * Receives one batch from the port and forwards it; returns how many packets it had. A port that the datapath does
     * not have under that number (any more) is not read.
     */
    public int receiveAndProcess(int portNumber, Port port, ForwardingContext context) {
        context.enter();
        try {
            if (ports.get(portNumber) != port) {
                return 0;
            }
            PacketBatch batch = context.received;
            batch.clear();
            int received = port.receive(context.pool(), batch);
            for (int i = 0; i < received; i++) {
                batch.get(i).setInPort(portNumber);
            }
            if (received > 0) {
                executor.forward(batch, context, clock.nowNs());
            }
            return received;
        } finally {
            context.leave();
        }
    }

    /** Forwards packets whose ingress port is set. */
    public void process(PacketBatch batch, ForwardingContext context) {
        context.enter();
        try {
            executor.forward(batch, context, clock.nowNs());
        } finally {
            context.leave();
        }
    }

    /**
     * Runs actions on one packet outside any flow (packet-out), recirculation included. If its ingress port has gone
     * since that was set, it has none.
     */
    public void execute(Packet packet, DatapathAction[] actions, ForwardingContext context) {
        context.enter();
        try {
            if (ports.isResting(packet.inPort())) {
                packet.setInPort(NO_PORT);
            }
            executor.execute(packet, actions, context, clock.nowNs());
        } finally {
            context.leave();
        }
    }

    // ---- flows ----

    /** Kills the flows selected. Batches under way may still use them: see {@link #awaitQuiescence}. */
    public void invalidate(Predicate<DatapathFlow> affected) {
        upkeep.invalidate(affected);
    }

    /**
     * The same for flows that the caller finds without looking at all of them.
     *
     * @param affected asked under the cache's lock: what {@link Upcall#flowInstalled} and {@link Upcall#flowRemoved}
     *     keep account of stands still meanwhile
     */
    public void invalidate(Supplier<? extends Collection<DatapathFlow>> affected) {
        upkeep.bury(kill(affected));
    }

    /**
     * The quick half of {@link #invalidate(Supplier)}: from now on no packet is looked up to be of these flows. What is
     * returned is to be handed to {@link #bury}.
     */
    public Collection<DatapathFlow> kill(Supplier<? extends Collection<DatapathFlow>> affected) {
        return upkeep.kill(affected);
    }

    /**
     * The slow half: takes killed flows out of the cache and credits their last packets. They died because rules
     * changed: the next {@link #maintain} makes those anew whose match still does, with their counts.
     */
    public void bury(Collection<DatapathFlow> killed) {
        upkeep.buryToRevise(killed);
    }

    /**
     * Waits until no batch is under way that began before this call, and until nobody follows removed flows elsewhere
     * ({@link WalkWatcher#awaitGone}, which has an end). After {@link #invalidate} and this nothing is forwarded by a
     * removed flow. To be called with no lock held that a miss may need.
     *
     * @throws IllegalStateException if called from inside a batch, which would wait for itself
     */
    public void awaitQuiescence() {
        gracePeriods.await();
        watcher.get().awaitGone();
    }

    /**
     * Counts packets that somebody else has forwarded as the flow says: with the flow, and so with all that is credited
     * by it. Threads: any.
     *
     * @param packets 0: some, nobody knows how many
     * @param lastUsedNs when the last of them was
     */
    public void countCarried(DatapathFlow flow, long packets, long bytes, long lastUsedNs) {
        upkeep.countCarried(flow, packets, bytes, lastUsedNs);
    }

    /** Whether others forward packets as this flow says ({@link WalkWatcher#isFollowed}). Threads: any. */
    public boolean isFollowed(DatapathFlow flow) {
        return watcher.get().isFollowed(flow);
    }

    /**
     * Puts a flow in by hand ({@code dpctl/add-flow}, {@code mod-flow}). The next {@link #maintain} takes it out again,
     * if there is a pipeline.
     *
     * @param mayReplace whether one with the same match gives way; its counts go on
     * @throws IllegalArgumentException if the match is not of one port by which packets come in
     */
    public FlowPut putFlow(
            FlowMatchParser.Parsed match, DatapathAction[] actions, boolean mayCreate, boolean mayReplace) {
        if (Field.IN_PORT.get(match.mask()) != Field.IN_PORT.lowMask()) {
            throw new IllegalArgumentException("in_port is not an exact match");
        }
        return upkeep.put(match, actions, mayCreate, mayReplace, clock.nowNs());
    }

    /** The flow with exactly that match; null if there is none. */
    public @Nullable DatapathFlow flow(FlowMatchParser.Parsed match) {
        return upkeep.twin(match);
    }

    /** Credits OpenFlow rules with what came by since the last time. */
    public void pushStatistics() {
        upkeep.creditAll();
    }

    /**
     * Makes flows anew that changes of rules have killed, expires flows that nobody used and fragments left alone,
     * credits flows, sorts the cache, and has what still names removed ports forget them. Called twice a second, not
     * from inside a batch.
     */
    public void maintain(long nowNs) {
        drops.add(DropReason.FRAGMENT_EXPIRED, fragments.expire(nowNs));
        upkeep.maintain(nowNs);
        synchronized (restLock) {
            ports.freeForgotten(); // Forgotten a round ago.
            forgetDeparted();
        }
    }

    /** A snapshot of the present flows. */
    public List<DatapathFlow> flows() {
        return upkeep.flows();
    }

    public Statistics statistics() {
        GracePeriods.Lookups lookups = gracePeriods.lookups();
        return new Statistics(
                lookups.hits(),
                lookups.misses(),
                drops(DropReason.UPCALL_FAILED),
                upkeep.flowCount(),
                upkeep.maskCount());
    }

    /** How the cache has been kept. */
    public Upkeep upkeep() {
        FlowUpkeep.Rounds rounds = upkeep.rounds();
        return new Upkeep(
                upkeep.flowCount(), rounds.averageFlows(), rounds.mostFlows(), upkeep.limit(), rounds.durationMs());
    }

    /** How many packets ended for that reason. */
    public long drops(DropReason reason) {
        return drops.get(reason);
    }
}
