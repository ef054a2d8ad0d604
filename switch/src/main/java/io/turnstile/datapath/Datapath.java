package io.turnstile.datapath;

import io.turnstile.conntrack.Conntrack;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import io.turnstile.port.Port;
import io.turnstile.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Predicate;

/**
 * Ports, the flow cache and the loop that carries packets through them.
 *
 * <p><b>Removal of flows.</b> A batch raises its context's epoch to an odd number before its first lookup and to the next even
 * one when its last packet is gone. Who removes flows first kills them, then ({@link #awaitQuiescence}) waits for every context
 * that was seen odd to change: a batch that began before the kill is then over, one that began later sees the mark. So after
 * both calls nothing is forwarded by a removed flow, and forwarding never waits for a change. A forwarding thread must not
 * wait for others while it may itself be waited for; therefore {@link #awaitQuiescence} is called with no lock held that a
 * miss may need, and is not called from inside a batch.
 *
 * <p>Threads: {@link #process} by any number of threads, each with its own context; the rest by any thread.
 */
public final class Datapath {
    /** As Open vSwitch's userspace datapath: a packet goes round at most this often. */
    private static final int MAX_RECIRCULATIONS = 6;
    private static final long FLOW_IDLE_NS = 10_000_000_000L;
    private static final int FLOW_LIMIT = 200_000;

    private final Conntrack conntrack;
    private final Clock clock;
    private final FlowCache cache = new FlowCache();
    private final List<ForwardingContext> contexts = new CopyOnWriteArrayList<>();
    private final AtomicLongArray drops = new AtomicLongArray(DropReason.values().length);
    private final Object statisticsLock = new Object();

    /** Indexed by port number; replaced as a whole under this object's lock. */
    private volatile Port[] ports = new Port[0];
    private volatile Upcall upcall;
    private volatile int flowLimit = FLOW_LIMIT;
    private volatile long flowIdleNs = FLOW_IDLE_NS;

    /** Lookups and flows, for {@code dpctl/show}. */
    public record Statistics(long hits, long misses, long lost, int flows, int masks) {
    }

    public Datapath(Conntrack conntrack, Clock clock) {
        this.conntrack = conntrack;
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

    /** The context's thread has ended. */
    public void retire(ForwardingContext context) {
        contexts.remove(context);
    }

    /** Takes one batch from the port and carries it through; returns how many packets it had. */
    public int receiveAndProcess(int portNumber, Port port, ForwardingContext context) {
        PacketBatch batch = context.received;
        batch.clear();
        int received = port.receive(context.pool(), batch);
        for (int i = 0; i < received; i++) {
            batch.get(i).setInPort(portNumber);
        }
        if (received > 0) {
            process(batch, context);
        }
        return received;
    }

    /** Carries packets, whose ingress port is set, to their end. */
    public void process(PacketBatch batch, ForwardingContext context) {
        context.epoch++;
        try {
            context.nowNs = clock.nowNs();
            for (int i = 0; i < batch.length(); i++) {
                if (PacketParser.parse(batch.get(i))) {
                    context.next.add(batch.get(i));
                } else {
                    drop(DropReason.MALFORMED, 1);
                }
            }
            run(context);
        } finally {
            context.endBatch();
            context.epoch++;
        }
    }

    /** Looks up, executes, and goes round with what recirculates. */
    private void run(ForwardingContext context) {
        for (int round = 0; !context.next.isEmpty(); round++) {
            PacketQueue current = context.turn();
            if (round > MAX_RECIRCULATIONS) {
                drop(DropReason.RECIRCULATION_DEPTH, current.length());
                return;
            }
            for (int from = 0; from < current.length(); from += PacketBatch.CAPACITY) {
                current.slice(from, context.slice);
                forward(context.slice, context);
            }
        }
    }

    private void forward(PacketBatch slice, ForwardingContext context) {
        classify(slice, context);
        for (int i = 0; i < context.groups; i++) {
            DatapathFlow flow = context.groupFlows[i];
            context.groupFlows[i] = null;
            flow.count(context.groupPackets[i].length(), context.groupBytes[i], context.groupTcpFlags[i], context.nowNs);
            execute(context.groupPackets[i], flow.actions(), context);
            if (flow.isDead()) {
                push(flow); // Never installed, or removed meanwhile: nobody else will credit these packets.
            }
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

    /** Asks the pipeline. A flow that cannot be shared is returned without being installed, for this packet only. */
    private DatapathFlow miss(Packet packet, ForwardingContext context) {
        Upcall.Translation translation = upcall.miss(packet, context.key, context.nowNs);
        DatapathFlow flow = new DatapathFlow(context.key, translation.mask(), translation.actions(), translation.owner(),
                context.nowNs);
        if (!translation.cacheable() || cache.size() >= flowLimit) {
            flow.kill();
            return flow;
        }
        return install(flow, translation, context.key);
    }

    /** Under the cache's lock a change can't slip between the pipeline's last look at its rules and the installation. */
    private DatapathFlow install(DatapathFlow flow, Upcall.Translation translation, long[] packetKey) {
        synchronized (cache) {
            if (!upcall.isCurrent(translation)) {
                flow.kill();
                return flow;
            }
            DatapathFlow installed = cache.install(flow, packetKey);
            if (installed == flow) {
                upcall.flowInstalled(flow);
            }
            return installed;
        }
    }

    private void execute(PacketBatch packets, DatapathAction[] actions, ForwardingContext context) {
        if (actions.length == 0) {
            drop(DropReason.FLOW_DROP, packets.length());
            return;
        }
        for (int i = 0; i < actions.length; i++) {
            boolean last = i == actions.length - 1;
            switch (actions[i]) {
                case DatapathAction.Output output -> output(packets, output.port(), context);
                case DatapathAction.Ct ct -> conntrack.track(packets, ct.request(), context.nowNs);
                case DatapathAction.CtClear _ -> clearConntrack(packets);
                case DatapathAction.Recirculate again when last -> recirculate(packets, again.recirculationId(), context);
                case DatapathAction.Recirculate again -> recirculateCopies(packets, again.recirculationId(), context);
                case DatapathAction.SetField set -> ActionExecutor.setField(packets, set);
                case DatapathAction.PushVlan push -> drop(DropReason.HEADROOM, ActionExecutor.pushVlan(packets, push));
                case DatapathAction.PopVlan _ -> ActionExecutor.popVlan(packets);
                case DatapathAction.Userspace userspace -> userspace(packets, userspace.cookie(), context);
                case DatapathAction.Drop drop -> drop(drop.reason(), packets.length());
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

    private static void clearConntrack(PacketBatch packets) {
        for (int i = 0; i < packets.length(); i++) {
            packets.get(i).clearConntrack();
        }
    }

    private static void recirculate(PacketBatch packets, int id, ForwardingContext context) {
        for (int i = 0; i < packets.length(); i++) {
            packets.get(i).setRecirculationId(id);
            context.next.add(packets.get(i));
        }
    }

    /** More actions follow, which are not to touch what goes round. */
    private void recirculateCopies(PacketBatch packets, int id, ForwardingContext context) {
        for (int i = 0; i < packets.length(); i++) {
            Packet copy = context.takeClone();
            if (copy == null) {
                drop(DropReason.RECIRCULATION_DEPTH, 1);
                continue;
            }
            copy.copyFrom(packets.get(i));
            copy.setRecirculationId(id);
            context.next.add(copy);
        }
    }

    private void userspace(PacketBatch packets, Object cookie, ForwardingContext context) {
        for (int i = 0; i < packets.length(); i++) {
            KeyExtractor.extract(packets.get(i), context.scratchKey);
            upcall.userspace(packets.get(i), context.scratchKey, cookie, context.nowNs);
        }
    }

    /** Runs actions on one packet outside any flow (packet-out), recirculation included. */
    public void execute(Packet packet, DatapathAction[] actions, ForwardingContext context) {
        context.epoch++;
        try {
            context.nowNs = clock.nowNs();
            PacketParser.parse(packet);
            PacketBatch single = context.received;
            single.clear();
            single.add(packet);
            execute(single, actions, context);
            run(context);
        } finally {
            context.endBatch();
            context.epoch++;
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

    /** Kills just these flows, as {@link #invalidate}. */
    public void remove(Collection<DatapathFlow> flows) {
        cache.removeAll(flows, this::retire);
    }

    /** Waits until no batch is under way that began before this call. Never call it from inside a batch. */
    public void awaitQuiescence() {
        for (ForwardingContext context : contexts) {
            long seen = context.epoch;
            while ((seen & 1) != 0 && context.epoch == seen) {
                Thread.yield();
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

    /** Expires flows that nobody used, credits the rest, sorts the cache. Called about twice a second. */
    public void maintain(long nowNs) {
        pushStatistics();
        cache.remove(flow -> nowNs - flow.lastUsedNs() > flowIdleNs, this::retire);
        cache.sortByHits();
    }

    /** A snapshot of the present flows. */
    public List<DatapathFlow> flows() {
        List<DatapathFlow> live = new ArrayList<>(cache.flows());
        live.removeIf(DatapathFlow::isDead);
        return live;
    }

    public Statistics statistics() {
        long hits = 0;
        long misses = 0;
        for (ForwardingContext context : contexts) {
            hits += context.hits;
            misses += context.misses;
        }
        return new Statistics(hits, misses, drops(DropReason.UPCALL_FAILED), cache.size(), cache.maskCount());
    }

    /** How many packets ended for that reason. */
    public long drops(DropReason reason) {
        return drops.get(reason.ordinal());
    }
}
