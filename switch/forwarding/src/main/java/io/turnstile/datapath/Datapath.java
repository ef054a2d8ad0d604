package io.turnstile.datapath;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.fragment.FragmentReassembler;
import io.turnstile.conntrack.fragment.FragmentedDatagram;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import io.turnstile.port.Port;
import io.turnstile.time.Clock;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ports, the flow cache and the loop that carries packets through them.
 *
 * <p><b>Removal of flows.</b> A context's epoch is odd from before its batch is received until its last packet is gone
 * ({@link ForwardingContext#enter}). Who removes flows first kills them, then waits ({@link #awaitQuiescence}) for
 * every context that was seen odd to change. Epoch and mark are volatile, so both sides agree on one order: either the
 * batch's epoch is seen odd and waited for, or the batch began after the kill and its lookups see the mark, in the
 * exact-match cache too, because a flow is checked for life at each lookup. So after both calls nothing is forwarded by
 * a removed flow, and forwarding never waits for a change. A thread must not wait while it may itself be waited for:
 * {@link #awaitQuiescence} is called with no lock held that a miss may need, and refuses to be called from inside a
 * batch. Ports go the same way.
 *
 * <p>Threads: {@link #process} by any number of threads, each with its own context; the rest by any thread.
 */
public final class Datapath {
    /** As Open vSwitch's userspace datapath: a packet goes round at most this often. */
    private static final int MAX_RECIRCULATIONS = 6;

    private static final long FLOW_IDLE_NS = 10_000_000_000L;
    /** How long a flow without packets stays while the cache is full: room is made quickly then. */
    private static final long FLOW_IDLE_WHEN_FULL_NS = 100_000_000L;

    private static final int FLOW_LIMIT = 200_000;
    private static final int QUIESCENCE_YIELDS = 100;
    private static final long QUIESCENCE_PAUSE_NS = 20_000;
    private static final int MAX_REPORTED_FAILURES = 100;
    private static final Logger LOG = LoggerFactory.getLogger(Datapath.class);

    private final FragmentReassembler fragments = new FragmentReassembler();
    private final Conntrack conntrack;
    private final TrackingStep tracking;
    private final Clock clock;
    private final FlowCache cache = new FlowCache();
    private final List<ForwardingContext> contexts = new CopyOnWriteArrayList<>();
    private final AtomicLongArray drops = new AtomicLongArray(DropReason.values().length);
    private final Object statisticsLock = new Object();
    /** Failures that were logged already: each distinct cause is said once. */
    private final Set<String> reportedFailures = ConcurrentHashMap.newKeySet();

    private volatile BiConsumer<String, RuntimeException> failureListener = (what, failure) -> {};

    // Counts of contexts that have retired; guarded by the list of contexts.
    private long retiredHits;
    private long retiredMisses;

    /** Indexed by port number; replaced as a whole under this object's lock. */
    private volatile Port[] ports = new Port[0];

    private volatile Upcall upcall;
    private volatile int flowLimit = FLOW_LIMIT;
    private volatile long flowIdleNs = FLOW_IDLE_NS;

    /**
     * Lookups and flows, for {@code dpctl/show}.
     *
     * @param lost packets that the pipeline could not be asked about
     */
    public record Statistics(long hits, long misses, long lost, int flows, int masks) {}

    public Datapath(Conntrack conntrack, Clock clock) {
        this.conntrack = conntrack;
        tracking = new TrackingStep(conntrack, fragments);
        this.clock = clock;
    }

    /** Names the pipeline; to be called before the first packet. */
    public void setUpcall(Upcall upcall) {
        this.upcall = upcall;
    }

    /** How many flows the cache may hold; packets beyond it are translated one by one. */
    public void setFlowLimit(int flows) {
        flowLimit = flows;
    }

    /** How long a flow without packets stays (other_config:max-idle). */
    public void setFlowIdle(long idleNs) {
        flowIdleNs = idleNs;
    }

    /** Removes tracked connections. Returns how many. */
    public int flushConnections(ConnectionFilter filter, long nowNs) {
        return filter.isEmpty() ? conntrack.flush(filter.zone, nowNs) : conntrack.flushMatching(filter, nowNs);
    }

    /** Where fragments wait for each other at {@code ct()}, with its switches, limits and counters. */
    public FragmentReassembler fragments() {
        return fragments;
    }

    // ---- ports ----

    /** Takes a port in under the wanted number, or the lowest free one for -1. Returns the number. */
    public synchronized int addPort(Port port, int wantedNumber) {
        int number = wantedNumber;
        if (number < 0) {
            number = 0;
            while (port(number) != null) {
                number++;
            }
        } else if (port(number) != null) {
            throw new IllegalArgumentException("port number " + number + " is taken");
        }
        Port[] grown = Arrays.copyOf(ports, Math.max(ports.length, number + 1));
        grown[number] = port;
        ports = grown;
        return number;
    }

    /** Lets the port go; its owner closes it. No packet is sent to it by a batch that begins afterwards. */
    public void removePort(int number) {
        synchronized (this) {
            if (port(number) == null) {
                return;
            }
            Port[] rest = ports.clone();
            rest[number] = null;
            ports = rest;
        }
        awaitQuiescence();
    }

    /** The port of that number, null if there is none. */
    public Port port(int number) {
        Port[] present = ports;
        return number >= 0 && number < present.length ? present[number] : null;
    }

    public Map<Integer, Port> ports() {
        Map<Integer, Port> byNumber = new TreeMap<>();
        Port[] present = ports;
        for (int i = 0; i < present.length; i++) {
            if (present[i] != null) {
                byNumber.put(i, present[i]);
            }
        }
        return Collections.unmodifiableMap(byNumber);
    }

    // ---- packets ----

    public ForwardingContext newContext() {
        ForwardingContext context = new ForwardingContext();
        contexts.add(context);
        return context;
    }

    /** The context's thread has ended: its counts are kept, nobody waits for it any more. */
    public void retire(ForwardingContext context) {
        synchronized (contexts) {
            if (contexts.remove(context)) {
                retiredHits += context.hits;
                retiredMisses += context.misses;
            }
        }
    }

    /**
     * Takes one batch from the port and carries it through; returns how many packets it had. A port that the datapath
     * does not have under that number (any more) is not touched.
     */
    public int receiveAndProcess(int portNumber, Port port, ForwardingContext context) {
        context.enter();
        try {
            if (port(portNumber) != port) {
                return 0;
            }
            PacketBatch batch = context.received;
            batch.clear();
            int received = port.receive(context.pool(), batch);
            for (int i = 0; i < received; i++) {
                batch.get(i).setInPort(portNumber);
            }
            if (received > 0) {
                carry(batch, context);
            }
            return received;
        } finally {
            context.leave();
        }
    }

    /** Carries packets, whose ingress port is set, to their end. */
    public void process(PacketBatch batch, ForwardingContext context) {
        context.enter();
        try {
            carry(batch, context);
        } finally {
            context.leave();
        }
    }

    private void carry(PacketBatch batch, ForwardingContext context) {
        context.nowNs = clock.nowNs();
        context.current.clear();
        for (int i = 0; i < batch.length(); i++) {
            if (PacketParser.parse(batch.get(i))) {
                context.current.add(batch.get(i));
            } else {
                drop(DropReason.MALFORMED, 1);
            }
        }
        try {
            run(context, 0);
        } finally {
            flush(context);
        }
    }

    /**
     * Looks up, executes, and goes round with what recirculates.
     *
     * @param recirculations how often the packets went round already
     */
    private void run(ForwardingContext context, int recirculations) {
        for (int round = recirculations; !context.current.isEmpty(); round++) {
            if (round > MAX_RECIRCULATIONS) {
                drop(DropReason.RECIRCULATION_DEPTH, context.current.length());
                return;
            }
            classify(context.current, context);
            context.recirculated.clear();
            for (int i = 0; i < context.groups; i++) {
                executeGroup(i, context);
            }
            context.turnRound();
        }
    }

    private void executeGroup(int group, ForwardingContext context) {
        DatapathFlow flow = context.groupFlows[group];
        PacketBatch packets = context.groupPackets[group];
        context.groupFlows[group] = null;
        flow.count(packets.length(), context.groupBytes[group], context.groupTcpFlags[group], context.nowNs);
        execute(packets, flow.actions(), context);
        if (flow.isDead()) {
            push(flow); // Never installed, or removed meanwhile: nobody else will credit these packets.
        }
    }

    /** Finds each packet's flow and gathers the packets by flow. */
    private void classify(PacketBatch batch, ForwardingContext context) {
        context.groups = 0;
        for (int i = 0; i < batch.length(); i++) {
            Packet packet = batch.get(i);
            KeyExtractor.extract(packet, context.key);
            int slot = context.exactSlot();
            DatapathFlow flow = context.findExact(slot);
            if (flow == null) {
                flow = cache.find(context.key);
                if (flow == null) {
                    context.misses++;
                    flow = miss(packet, context);
                    if (flow == null) {
                        continue;
                    }
                } else {
                    context.hits++;
                }
                context.rememberExact(slot, flow);
            } else {
                context.hits++;
            }
            context.group(flow, packet, (int) Field.TCP_FLAGS.get(context.key));
        }
    }

    /**
     * Asks the pipeline. A flow that cannot be shared is returned without being installed, for this packet only. Null,
     * with the packet counted as dropped, if the pipeline fails.
     */
    private DatapathFlow miss(Packet packet, ForwardingContext context) {
        try {
            Upcall.Translation translation = upcall.miss(packet, context.key, context.nowNs);
            DatapathFlow flow = new DatapathFlow(
                    context.key, translation.mask(), translation.actions(), translation.owner(), context.nowNs);
            if (!translation.cacheable() || cache.size() >= flowLimit) {
                flow.kill();
                return flow;
            }
            return install(flow, translation);
        } catch (RuntimeException e) {
            drop(DropReason.UPCALL_FAILED, 1);
            report("translation", e);
            return null;
        }
    }

    /**
     * Under the cache's lock a change can't slip between the pipeline's last look at its rules and the installation.
     */
    private DatapathFlow install(DatapathFlow flow, Upcall.Translation translation) {
        synchronized (cache) {
            if (!upcall.isCurrent(translation)) {
                flow.kill();
                return flow;
            }
            DatapathFlow installed = cache.install(flow);
            if (installed == flow) {
                upcall.flowInstalled(flow);
            }
            return installed;
        }
    }

    /** Whatever goes wrong with one flow's packets ends there: it may not take the port or other flows with it. */
    private void execute(PacketBatch packets, DatapathAction[] actions, ForwardingContext context) {
        if (actions.length == 0) {
            drop(DropReason.FLOW_DROP, packets.length());
            return;
        }
        execute(packets, actions, 0, context);
    }

    /** @param first index of the action to begin with */
    private void execute(PacketBatch packets, DatapathAction[] actions, int first, ForwardingContext context) {
        try {
            for (int i = first; i < actions.length && !packets.isEmpty(); i++) {
                if (actions[i] instanceof DatapathAction.Recirculate recirculate && i < actions.length - 1) {
                    recirculateCopies(packets, recirculate.recirculationId(), context);
                } else {
                    execute(packets, actions[i], context);
                }
                if (!context.completed.isEmpty()) {
                    carryFragments(packets, actions, i + 1, context);
                    return;
                }
            }
        } catch (RuntimeException e) {
            drop(DropReason.ACTION_FAILED, packets.length());
            report("action", e);
        } finally {
            tracking.release(context.completed);
        }
    }

    private void execute(PacketBatch packets, DatapathAction action, ForwardingContext context) {
        switch (action) {
            case DatapathAction.Output output -> output(packets, output.port(), context);
            case DatapathAction.Ct ct ->
                drop(DropReason.NAT_EXHAUSTED, tracking.track(packets, ct.request(), context.nowNs, context.completed));
            case DatapathAction.CtClear _ -> clearConntrack(packets);
            case DatapathAction.Recirculate recirculate -> recirculate(packets, recirculate.recirculationId(), context);
            case DatapathAction.Clone clone -> executeOnCopies(packets, clone.actions(), context);
            case DatapathAction.SetField set -> ActionExecutor.setField(packets, set);
            case DatapathAction.PushVlan push -> drop(DropReason.HEADROOM, ActionExecutor.pushVlan(packets, push));
            case DatapathAction.PopVlan _ -> ActionExecutor.popVlan(packets);
            case DatapathAction.Userspace userspace -> userspace(packets, userspace.cookie(), context);
            case DatapathAction.Drop drop -> {
                drop(drop.reason(), packets.length());
                packets.clear(); // Nothing is left for the actions behind it.
            }
        }
    }

    private void output(PacketBatch packets, int number, ForwardingContext context) {
        Port port = port(number);
        if (port == null) {
            drop(DropReason.NO_OUTPUT_PORT, packets.length());
            return;
        }
        context.touch(port);
        for (int i = 0; i < packets.length(); i++) {
            port.send(packets.get(i));
        }
    }

    /** Each port that was sent to is flushed, whatever another one's flush does. */
    private void flush(ForwardingContext context) {
        for (int i = 0; i < context.touchedLength; i++) {
            try {
                context.touched[i].flush();
            } catch (RuntimeException e) {
                report("flush of " + context.touched[i].name(), e);
            }
            context.touched[i] = null;
        }
        context.touchedLength = 0;
    }

    /**
     * Has {@code listener} told of every failure that is contained here, with what failed: a translation, an action, a
     * port's flush. Called by the thread that met it, inside its batch.
     */
    public void onFailure(BiConsumer<String, RuntimeException> listener) {
        failureListener = listener;
    }

    /** One line per distinct cause; the packets are counted by their drop reason. */
    private void report(String what, RuntimeException failure) {
        failureListener.accept(what, failure);
        StackTraceElement[] trace = failure.getStackTrace();
        String cause = what + " " + failure.getClass().getName() + (trace.length == 0 ? "" : " at " + trace[0]);
        if (reportedFailures.size() < MAX_REPORTED_FAILURES && reportedFailures.add(cause)) {
            LOG.error("{} failed; further failures like this one are only counted", what, failure);
        }
    }

    private static void clearConntrack(PacketBatch packets) {
        for (int i = 0; i < packets.length(); i++) {
            packets.get(i).clearConntrack();
        }
    }

    private static void recirculate(PacketBatch packets, int id, ForwardingContext context) {
        for (int i = 0; i < packets.length(); i++) {
            packets.get(i).setRecirculationId(id);
            context.recirculated.add(packets.get(i));
        }
    }

    /** Actions follow that need the packets as they are. */
    private void recirculateCopies(PacketBatch packets, int id, ForwardingContext context) {
        ForwardingContext copies = copy(packets, context);
        if (copies != null) {
            recirculate(copies.received, id, copies);
            finish(copies, context);
        }
    }

    private void executeOnCopies(PacketBatch packets, DatapathAction[] actions, ForwardingContext context) {
        ForwardingContext copies = copy(packets, context);
        if (copies != null) {
            execute(copies.received, actions, copies);
            finish(copies, context);
        }
    }

    /**
     * Copies live in a context of their own and are carried to their end at once ({@link #finish}), so that the batch
     * itself never grows beyond its capacity. Null, and counted, if contexts are nested too deep.
     */
    private ForwardingContext copy(PacketBatch packets, ForwardingContext context) {
        ForwardingContext copies = context.forCopies();
        if (copies == null) {
            drop(DropReason.RECIRCULATION_DEPTH, packets.length());
            return null;
        }
        copies.nowNs = context.nowNs;
        copies.recirculated.clear();
        copies.received.clear();
        for (int i = 0; i < packets.length(); i++) {
            Packet copy = copies.pool()[i];
            copy.copyFrom(packets.get(i));
            copies.received.add(copy);
        }
        return copies;
    }

    private void finish(ForwardingContext copies, ForwardingContext context) {
        copies.turnRound();
        run(copies, 1);
        flush(copies);
        context.hits += copies.hits;
        context.misses += copies.misses;
        copies.hits = 0;
        copies.misses = 0;
    }

    /**
     * With datagrams completed in it the batch stands for more packets than it can hold. They are carried to their end
     * at once, in order and in as many batches as it takes, each datagram as the fragments it came in.
     */
    private void carryFragments(PacketBatch packets, DatapathAction[] actions, int next, ForwardingContext context) {
        ForwardingContext apart = context.forCopies();
        if (apart == null) {
            drop(DropReason.RECIRCULATION_DEPTH, packets.length());
            return;
        }
        overtakeNobody(apart, context);
        for (int i = 0; i < packets.length(); i++) {
            FragmentedDatagram datagram = context.completed.of(packets.get(i));
            if (datagram == null) {
                gather(packets.get(i), actions, next, apart, context);
            } else if (datagram.passOn()) {
                for (int j = 0; j < datagram.fragmentCount(); j++) {
                    gather(datagram.fragment(j), actions, next, apart, context);
                }
            } else {
                drop(DropReason.FRAGMENT_RESIZED, datagram.fragmentCount());
            }
        }
        carryApart(actions, next, apart, context);
    }

    /** What this batch has sent round already goes first. */
    private void overtakeNobody(ForwardingContext apart, ForwardingContext context) {
        apart.nowNs = context.nowNs;
        apart.recirculated.clear();
        for (int i = 0; i < context.recirculated.length(); i++) {
            apart.recirculated.add(context.recirculated.get(i));
        }
        context.recirculated.clear();
        finish(apart, context);
        apart.received.clear();
    }

    private void gather(
            Packet packet, DatapathAction[] actions, int next, ForwardingContext apart, ForwardingContext context) {
        if (apart.received.isFull()) {
            carryApart(actions, next, apart, context);
        }
        apart.received.add(packet);
    }

    private void carryApart(DatapathAction[] actions, int next, ForwardingContext apart, ForwardingContext context) {
        apart.recirculated.clear();
        execute(apart.received, actions, next, apart);
        finish(apart, context);
        apart.received.clear();
    }

    private void userspace(PacketBatch packets, Object cookie, ForwardingContext context) {
        for (int i = 0; i < packets.length(); i++) {
            KeyExtractor.extract(packets.get(i), context.scratchKey);
            upcall.userspace(packets.get(i), context.scratchKey, cookie, context.nowNs);
        }
    }

    /** Runs actions on one packet outside any flow (packet-out), recirculation included. */
    public void execute(Packet packet, DatapathAction[] actions, ForwardingContext context) {
        context.enter();
        try {
            context.nowNs = clock.nowNs();
            if (!PacketParser.parse(packet)) {
                drop(DropReason.MALFORMED, 1);
                return;
            }
            PacketBatch single = context.received;
            single.clear();
            single.add(packet);
            context.recirculated.clear();
            execute(single, actions, context);
            context.turnRound();
            run(context, 1);
            flush(context);
        } finally {
            context.leave();
        }
    }

    private void drop(DropReason reason, int packets) {
        if (packets > 0) {
            drops.getAndAdd(reason.ordinal(), packets);
        }
    }

    // ---- flows ----

    /** Kills the flows selected. Batches under way may still use them: see {@link #awaitQuiescence}. */
    public void invalidate(Predicate<DatapathFlow> affected) {
        cache.remove(affected, this::retire);
    }

    /**
     * The same for flows that the caller finds without looking at all of them.
     *
     * @param affected asked under the cache's lock: what {@link Upcall#flowInstalled} and {@link Upcall#flowRemoved}
     *     keep account of stands still meanwhile
     */
    public void invalidate(Supplier<? extends Collection<DatapathFlow>> affected) {
        cache.removeNamed(affected, this::retire);
    }

    /**
     * Waits until no batch is under way that began before this call.
     *
     * @throws IllegalStateException if called from inside a batch, which would wait for itself
     */
    public void awaitQuiescence() {
        for (ForwardingContext context : contexts) {
            if (context.isRunBy(Thread.currentThread())) {
                throw new IllegalStateException("a batch cannot wait for its own end");
            }
        }
        for (ForwardingContext context : contexts) {
            long seen = context.epoch();
            for (int looks = 0; (seen & 1) != 0 && context.epoch() == seen; looks++) {
                if (looks < QUIESCENCE_YIELDS) {
                    Thread.yield();
                } else {
                    LockSupport.parkNanos(
                            QUIESCENCE_PAUSE_NS); // The batch waits for something slow itself: a translation.
                }
            }
        }
    }

    /** Credits the last packets of a removed flow. */
    private void retire(DatapathFlow flow) {
        push(flow);
        upcall.flowRemoved(flow);
    }

    private void push(DatapathFlow flow) {
        synchronized (statisticsLock) {
            long packets = flow.packetCount();
            long bytes = flow.byteCount();
            if (packets != flow.pushedPackets) {
                upcall.flowUsed(flow, packets - flow.pushedPackets, bytes - flow.pushedBytes, flow.lastUsedNs());
                flow.pushedPackets = packets;
                flow.pushedBytes = bytes;
            }
        }
    }

    /** Credits OpenFlow rules with what came by since the last time. */
    public void pushStatistics() {
        cache.flows().forEach(this::push);
    }

    /**
     * Expires flows that nobody used and fragments left alone, credits flows, sorts the cache. Called twice a second.
     */
    public void maintain(long nowNs) {
        drop(DropReason.FRAGMENT_EXPIRED, fragments.expire(nowNs));
        pushStatistics();
        long idleNs = cache.size() >= flowLimit ? Math.min(flowIdleNs, FLOW_IDLE_WHEN_FULL_NS) : flowIdleNs;
        cache.remove(flow -> nowNs - flow.lastUsedNs() > idleNs, this::retire);
        cache.sortByHits();
    }

    /** A snapshot of the present flows. */
    public List<DatapathFlow> flows() {
        return cache.flows();
    }

    public Statistics statistics() {
        long hits;
        long misses;
        synchronized (contexts) {
            hits = retiredHits;
            misses = retiredMisses;
            for (ForwardingContext context : contexts) {
                hits += context.hits;
                misses += context.misses;
            }
        }
        return new Statistics(hits, misses, drops(DropReason.UPCALL_FAILED), cache.size(), cache.maskCount());
    }

    /** How many packets ended for that reason. */
    public long drops(DropReason reason) {
        return drops.get(reason.ordinal());
    }
}
