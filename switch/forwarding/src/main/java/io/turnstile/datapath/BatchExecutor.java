package io.turnstile.datapath;

import io.turnstile.conntrack.fragment.FragmentedDatagram;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import io.turnstile.port.GsoSegmenter;
import io.turnstile.port.Port;
import org.jspecify.annotations.Nullable;

/**
 * The executor forwards a batch: finds the packets' flows, executes each flow's actions on its packets, and does so
 * again with what recirculates. What goes wrong with one flow's packets ends there: it does not take the port or other
 * flows with it.
 *
 * <p>Threads: forwarding threads, each with its own context, between {@link ForwardingContext#enter} and
 * {@link ForwardingContext#leave}.
 */
final class BatchExecutor {
    /** As Open vSwitch's userspace datapath: a packet is looked up again at most this often. */
    static final int MAX_RECIRCULATIONS = 6;

    /** What controllers of before Open vSwitch 2.8 expect. */
    private static final int DEFAULT_VLAN_LIMIT = 1;

    private final PortTable ports;
    private final FlowLookup lookup;
    private final FlowUpkeep upkeep;
    private final TrackingStep tracking;
    private final UpcallReference upcall;
    private final WatcherReference watcher;
    private final DropCounters drops;
    private final FailureLog failures;
    private volatile int vlanLimit = DEFAULT_VLAN_LIMIT;

    BatchExecutor(
            PortTable ports,
            FlowLookup lookup,
            FlowUpkeep upkeep,
            TrackingStep tracking,
            UpcallReference upcall,
            WatcherReference watcher,
            DropCounters drops,
            FailureLog failures) {
        this.ports = ports;
        this.lookup = lookup;
        this.upkeep = upkeep;
        this.tracking = tracking;
        this.upcall = upcall;
        this.watcher = watcher;
        this.drops = drops;
        this.failures = failures;
    }

    /** How many VLAN tags packets are looked at behind; 1 unless this was called. */
    void setVlanLimit(int maxTags) {
        vlanLimit = maxTags;
    }

    int vlanLimit() {
        return vlanLimit;
    }

    /** Forwards packets whose ingress port is set. */
    void forward(PacketBatch batch, ForwardingContext context, long nowNs) {
        WalkWatcher watcherNow = watcher.get();
        context.watched = watcherNow.isWatching();
        context.nowNs = nowNs;
        context.current.clear();
        int maxTags = vlanLimit;
        for (int i = 0; i < batch.length(); i++) {
            if (PacketParser.parse(batch.get(i), maxTags)) {
                context.current.add(batch.get(i));
            } else {
                drops.add(DropReason.MALFORMED, 1);
            }
        }
        if (context.watched) {
            context.trails().begin(context.current);
        }
        try {
            forwardCurrent(context, 0);
        } finally {
            flush(context);
            if (context.watched) {
                reportWalks(watcherNow, context);
            }
        }
    }

    private void reportWalks(WalkWatcher watcher, ForwardingContext context) {
        context.watched = false;
        try {
            context.trails().report(watcher);
        } catch (RuntimeException e) {
            failures.report("watching walks", e);
        }
    }

    /** Executes actions on one packet outside any flow, recirculation included. */
    void execute(Packet packet, DatapathAction[] actions, ForwardingContext context, long nowNs) {
        context.watched = false;
        context.nowNs = nowNs;
        if (!PacketParser.parse(packet, vlanLimit)) {
            drops.add(DropReason.MALFORMED, 1);
            return;
        }
        PacketBatch single = context.received;
        single.clear();
        single.add(packet);
        context.recirculated.clear();
        executeAll(single, actions, context);
        context.takeRecirculated();
        forwardCurrent(context, 1);
        flush(context);
    }

    /**
     * Looks up and executes until nothing recirculates any more.
     *
     * @param recirculations how often the packets have been recirculated already
     */
    private void forwardCurrent(ForwardingContext context, int recirculations) {
        for (int round = recirculations; !context.current.isEmpty(); round++) {
            if (round > MAX_RECIRCULATIONS) {
                drops.add(DropReason.RECIRCULATION_DEPTH, context.current.length());
                return;
            }
            lookup.groupByFlow(context);
            context.recirculated.clear();
            for (int i = 0; i < context.groups; i++) {
                executeGroup(i, context);
            }
            context.takeRecirculated();
        }
    }

    private void executeGroup(int group, ForwardingContext context) {
        DatapathFlow flow = context.groupFlows[group];
        PacketBatch packets = context.groupPackets[group];
        context.groupFlows[group] = null;
        if (context.watched) {
            context.trails().met(flow, packets);
        }
        flow.count(
                packets.length() + context.groupFollowing[group],
                context.groupBytes[group],
                context.groupTcpFlags[group],
                context.nowNs);
        executeAll(packets, flow.actions(), context);
        if (flow.isDead()) {
            upkeep.credit(flow); // Never installed, or removed meanwhile: nobody else will credit these packets.
        }
    }

    private void executeAll(PacketBatch packets, DatapathAction[] actions, ForwardingContext context) {
        if (actions.length == 0) {
            drops.add(DropReason.FLOW_DROP, packets.length());
            return;
        }
        executeFrom(0, packets, actions, context);
    }

    /** @param first index of the action to begin with */
    private void executeFrom(int first, PacketBatch packets, DatapathAction[] actions, ForwardingContext context) {
        try {
            for (int i = first; i < actions.length && !packets.isEmpty(); i++) {
                if (buries(actions[i]) && JoinedFrame.isAny(packets)) {
                    forwardSegments(packets, actions, i, context);
                    return;
                }
                if (actions[i] instanceof DatapathAction.Recirculate recirculate && i < actions.length - 1) {
                    recirculateCopies(packets, recirculate.recirculationId(), context);
                } else {
                    execute(packets, actions[i], context);
                }
                if (!context.completed.isEmpty()) {
                    forwardFragments(packets, actions, i + 1, context);
                    return;
                }
            }
        } catch (RuntimeException e) {
            drops.add(DropReason.ACTION_FAILED, packets.length());
            failures.report("action", e);
        } finally {
            tracking.release(context.completed);
        }
    }

    private void execute(PacketBatch packets, DatapathAction action, ForwardingContext context) {
        switch (action) {
            case DatapathAction.Output output -> output(packets, output.port(), context);
            case DatapathAction.OutputTruncated output -> outputTruncated(packets, output, context);
            case DatapathAction.Ct ct -> track(packets, ct, context);
            case DatapathAction.CtClear _ -> clearConntrack(packets);
            case DatapathAction.Recirculate recirculate -> recirculate(packets, recirculate.recirculationId(), context);
            case DatapathAction.CheckPacketLength check -> executeByLength(packets, check, context);
            case DatapathAction.Clone clone -> executeOnCopies(packets, clone.actions(), context);
            case DatapathAction.SetField set -> ActionExecutor.setField(packets, set);
            case DatapathAction.PushVlan push -> drops.add(DropReason.HEADROOM, ActionExecutor.pushVlan(packets, push));
            case DatapathAction.PopVlan _ -> ActionExecutor.popVlan(packets);
            case DatapathAction.PushMpls push -> drops.add(DropReason.HEADROOM, LabelRewrite.push(packets, push));
            case DatapathAction.PopMpls pop -> LabelRewrite.pop(packets, pop);
            case DatapathAction.AddMpls add ->
                drops.add(DropReason.HEADROOM, OuterHeader.addMpls(packets, add, vlanLimit));
            case DatapathAction.PushEthernet push ->
                drops.add(DropReason.HEADROOM, OuterHeader.pushEthernet(packets, push, vlanLimit));
            case DatapathAction.PopEthernet _ -> OuterHeader.popEthernet(packets, vlanLimit);
            case DatapathAction.PushNsh push ->
                drops.add(DropReason.HEADROOM, NshRewrite.push(packets, push, vlanLimit));
            case DatapathAction.PopNsh _ -> NshRewrite.pop(packets, vlanLimit);
            case DatapathAction.Userspace userspace -> userspace(packets, userspace.cookie(), context);
            case DatapathAction.Hash hash -> hash(packets, hash, context);
            case DatapathAction.Metered metered ->
                drops.add(DropReason.METERED, metered.meter().run(packets, context.nowNs));
            case DatapathAction.Drop drop -> {
                drops.add(drop.reason(), packets.length());
                packets.clear(); // Nothing is left for the actions behind it.
            }
        }
    }

    private void track(PacketBatch packets, DatapathAction.Ct ct, ForwardingContext context) {
        drops.add(DropReason.NAT_EXHAUSTED, tracking.track(packets, ct.request(), context.nowNs, context.completed));
        if (context.watched) {
            context.trails().tracked(packets);
        }
    }

    private void output(PacketBatch packets, int number, ForwardingContext context) {
        Port port = ports.get(number);
        if (port == null) {
            drops.add(DropReason.NO_OUTPUT_PORT, packets.length());
            return;
        }
        context.flushLater(port);
        for (int i = 0; i < packets.length(); i++) {
            port.send(packets.get(i));
        }
    }

    /** The packets themselves stay whole. */
    private void outputTruncated(
            PacketBatch packets, DatapathAction.OutputTruncated output, ForwardingContext context) {
        Port port = ports.get(output.port());
        ForwardingContext nested = port == null ? null : nested(packets, context);
        if (port == null || nested == null) {
            drops.add(port == null ? DropReason.NO_OUTPUT_PORT : DropReason.RECIRCULATION_DEPTH, packets.length());
            return;
        }
        context.flushLater(port);
        Packet scratch = nested.pool()[0];
        for (int i = 0; i < packets.length(); i++) {
            TruncatedOutput.send(packets.get(i), output.maxBytes(), scratch, port);
        }
    }

    /** Each port that was sent to is flushed, whatever another one's flush does. */
    private void flush(ForwardingContext context) {
        for (int i = 0; i < context.unflushedLength; i++) {
            try {
                context.unflushed[i].flush();
            } catch (RuntimeException e) {
                failures.report("flush of " + context.unflushed[i].name(), e);
            }
            context.unflushed[i] = null;
        }
        context.unflushedLength = 0;
    }

    private static void clearConntrack(PacketBatch packets) {
        for (int i = 0; i < packets.length(); i++) {
            packets.get(i).clearConntrack();
        }
    }

    private static void hash(PacketBatch packets, DatapathAction.Hash hash, ForwardingContext context) {
        for (int i = 0; i < packets.length(); i++) {
            KeyExtractor.extract(packets.get(i), context.scratchKey);
            packets.get(i).setDatapathHash(hash.algorithm().hash(context.scratchKey, hash.basis()));
        }
    }

    /** What has got or lost tags is looked at anew: what is behind them may be payload now, or is so no longer. */
    private void recirculate(PacketBatch packets, int id, ForwardingContext context) {
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            if (packet.hasChangedTags()) {
                PacketParser.parse(packet, vlanLimit);
            }
            packet.setRecirculationId(id);
            context.recirculated.add(packet);
        }
    }

    private void userspace(PacketBatch packets, Object cookie, ForwardingContext context) {
        Upcall pipeline = upcall.get();
        for (int i = 0; i < packets.length(); i++) {
            KeyExtractor.extract(packets.get(i), context.scratchKey);
            pipeline.userspace(packets.get(i), context.scratchKey, cookie, context.nowNs);
        }
    }

    // ---- packets that leave the batch: copies and fragments, each in a nested context ----

    /** Actions follow that need the packets as they are. */
    private void recirculateCopies(PacketBatch packets, int id, ForwardingContext context) {
        ForwardingContext nested = copy(packets, context);
        if (nested != null) {
            recirculate(nested.received, id, nested);
            finish(nested, context);
        }
    }

    private void executeByLength(
            PacketBatch packets, DatapathAction.CheckPacketLength check, ForwardingContext context) {
        for (int turn = 0; turn < 2; turn++) {
            boolean longer = turn == 0;
            ForwardingContext nested = nested(packets, context);
            if (nested == null) {
                return;
            }
            nested.received.clear();
            for (int i = 0; i < packets.length(); i++) {
                Packet packet = packets.get(i);
                if (JoinedFrame.longestFrameBytes(packet) > check.bytes() == longer) {
                    Packet copy = nested.pool()[nested.received.length()];
                    copy.copyFrom(packet);
                    nested.received.add(copy);
                }
            }
            if (!nested.received.isEmpty()) {
                executeAll(nested.received, longer ? check.longer() : check.others(), nested);
                finish(nested, context);
            }
        }
    }

    private void executeOnCopies(PacketBatch packets, DatapathAction[] actions, ForwardingContext context) {
        ForwardingContext nested = copy(packets, context);
        if (nested != null) {
            executeAll(nested.received, actions, nested);
            finish(nested, context);
        }
    }

    /**
     * Copies the packets into a context of their own, where they are forwarded at once ({@link #finish}), so that the
     * batch itself never grows beyond its capacity. Null, and counted, if contexts are nested too deep.
     */
    private @Nullable ForwardingContext copy(PacketBatch packets, ForwardingContext context) {
        ForwardingContext nested = nested(packets, context);
        if (nested != null) {
            nested.received.clear();
            for (int i = 0; i < packets.length(); i++) {
                Packet copy = nested.pool()[i];
                copy.copyFrom(packets.get(i));
                nested.received.add(copy);
            }
        }
        return nested;
    }

    /**
     * The context one level deeper, with nothing recirculated in it; null, with the packets counted, if there is none.
     */
    private @Nullable ForwardingContext nested(PacketBatch packets, ForwardingContext context) {
        ForwardingContext nested = context.nested();
        if (nested == null) {
            drops.add(DropReason.RECIRCULATION_DEPTH, packets.length());
            return null;
        }
        nested.nowNs = context.nowNs;
        nested.recirculated.clear();
        return nested;
    }

    /** Forwards what was recirculated in the nested context, and adds its lookups to those of the outer one. */
    private void finish(ForwardingContext nested, ForwardingContext context) {
        nested.takeRecirculated();
        forwardCurrent(nested, 1);
        flush(nested);
        context.hits += nested.hits;
        context.misses += nested.misses;
        nested.hits = 0;
        nested.misses = 0;
    }

    /**
     * With datagrams completed in it the batch stands for more packets than it can hold. They are forwarded at once, in
     * order and in as many batches as it takes, each datagram as the fragments it came in.
     */
    private void forwardFragments(PacketBatch packets, DatapathAction[] actions, int next, ForwardingContext context) {
        ForwardingContext nested = nested(packets, context);
        if (nested == null) {
            return;
        }
        finishRecirculated(nested, context);
        for (int i = 0; i < packets.length(); i++) {
            FragmentedDatagram datagram = context.completed.of(packets.get(i));
            if (datagram == null) {
                addFragment(packets.get(i), actions, next, nested, context);
            } else if (datagram.passOn()) {
                for (int j = 0; j < datagram.fragmentCount(); j++) {
                    addFragment(datagram.fragment(j), actions, next, nested, context);
                }
            } else {
                drops.add(DropReason.FRAGMENT_RESIZED, datagram.fragmentCount());
            }
        }
        executeFragments(actions, next, nested, context);
    }

    /** Whether what can cut joined frames does not find their headers any more behind that. */
    private static boolean buries(DatapathAction action) {
        return action instanceof DatapathAction.PushMpls
                || action instanceof DatapathAction.AddMpls
                || action instanceof DatapathAction.PopEthernet
                || action instanceof DatapathAction.PushNsh;
    }

    /** Nobody can cut joined frames there: from here on each goes on as the segments that it stands for. */
    private void forwardSegments(PacketBatch packets, DatapathAction[] actions, int next, ForwardingContext context) {
        ForwardingContext nested = nested(packets, context);
        if (nested == null) {
            return;
        }
        finishRecirculated(nested, context);
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            if (packet.segmentBytes() == 0) {
                addFragment(packet, actions, next, nested, context);
            } else {
                GsoSegmenter.forEachSegment(
                        packet, segment -> addSegment(segment, packet, actions, next, nested, context));
            }
        }
        executeFragments(actions, next, nested, context);
    }

    private void addSegment(
            Packet segment,
            Packet joined,
            DatapathAction[] actions,
            int next,
            ForwardingContext nested,
            ForwardingContext context) {
        if (nested.received.isFull()) {
            executeFragments(actions, next, nested, context);
        }
        Packet copy = nested.pool()[nested.received.length()];
        copy.copyFrom(segment);
        copy.copyMetadata(joined);
        PacketParser.parse(copy, vlanLimit);
        nested.received.add(copy);
    }

    /** What this batch has recirculated already goes first, so that no fragment overtakes it. */
    private void finishRecirculated(ForwardingContext nested, ForwardingContext context) {
        for (int i = 0; i < context.recirculated.length(); i++) {
            nested.recirculated.add(context.recirculated.get(i));
        }
        context.recirculated.clear();
        finish(nested, context);
        nested.received.clear();
    }

    private void addFragment(
            Packet packet, DatapathAction[] actions, int next, ForwardingContext nested, ForwardingContext context) {
        if (nested.received.isFull()) {
            executeFragments(actions, next, nested, context);
        }
        nested.received.add(packet);
    }

    private void executeFragments(
            DatapathAction[] actions, int next, ForwardingContext nested, ForwardingContext context) {
        nested.recirculated.clear();
        executeFrom(next, nested.received, actions, nested);
        finish(nested, context);
        nested.received.clear();
    }
}
