package io.turnstile.datapath;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import org.jspecify.annotations.Nullable;

/**
 * The lookup finds each packet's datapath flow: among those that packets just before it met, in the context's
 * exact-match cache, in the flow cache, or by asking the pipeline.
 *
 * <p>Threads: forwarding threads, each with its own context.
 */
final class FlowLookup {
    private final FlowCache cache;
    private final FlowUpkeep upkeep;
    private final UpcallReference upcall;
    private final DropCounters drops;
    private final FailureLog failures;

    FlowLookup(FlowCache cache, FlowUpkeep upkeep, UpcallReference upcall, DropCounters drops, FailureLog failures) {
        this.cache = cache;
        this.upkeep = upkeep;
        this.upcall = upcall;
        this.drops = drops;
        this.failures = failures;
    }

    /** Finds the flow of each of the context's current packets and gathers the packets by flow. */
    void groupByFlow(ForwardingContext context) {
        PacketBatch batch = context.current;
        context.groups = 0;
        for (int i = 0; i < batch.length(); i++) {
            Packet packet = batch.get(i);
            KeyExtractor.extract(packet, context.key);
            int group = context.recentGroup();
            int tcpFlags = (int) Field.TCP_FLAGS.get(context.key);
            if (group < 0) {
                long missesBefore = context.misses;
                DatapathFlow flow = find(packet, context);
                if (flow == null) {
                    continue;
                }
                if (context.misses != missesBefore) {
                    flow.countMiss(JoinedFrame.frames(packet), JoinedFrame.wireBytes(packet));
                    tcpFlags = 0;
                }
                group = context.groupOf(flow);
            } else {
                context.hits++;
            }
            context.add(group, packet, tcpFlags);
        }
    }

    /** The flow of the packet whose key the context has; null if the pipeline fails. */
    private @Nullable DatapathFlow find(Packet packet, ForwardingContext context) {
        int slot = context.exactSlot();
        DatapathFlow flow = context.findExact(slot);
        if (flow != null) {
            context.hits++;
            return flow;
        }
        flow = cache.find(context.key);
        if (flow == null) {
            context.misses++;
            flow = miss(packet, context);
            if (flow == null) {
                return null;
            }
        } else {
            context.hits++;
        }
        context.rememberExact(slot, flow);
        return flow;
    }

    /**
     * Asks the pipeline. A flow that cannot be shared is returned without being installed, for this packet only. Null,
     * with the packet counted as dropped, if the pipeline fails.
     */
    private @Nullable DatapathFlow miss(Packet packet, ForwardingContext context) {
        FlowLog.miss(context.key);
        if (!upcall.isPresent()) { // a datapath that somebody has made: its flows are put in by hand
            drops.add(DropReason.UPCALL_FAILED, 1);
            return null;
        }
        try {
            Upcall.Translation translation = upcall.get().miss(packet, context.key, context.nowNs);
            long[] mask = upkeep.usesMegaflows()
                    ? TagMask.completed(translation.mask())
                    : WholeMask.of(context.key, translation.mask());
            DatapathFlow flow =
                    new DatapathFlow(context.key, mask, translation.actions(), translation.owner(), context.nowNs);
            if (!translation.cacheable()) {
                flow.leaveOut(DatapathFlow.Uncached.FOR_ONE_PACKET);
            } else if (upkeep.isFull()) {
                flow.leaveOut(DatapathFlow.Uncached.CACHE_FULL);
            } else {
                return upkeep.install(flow, translation);
            }
            return flow;
        } catch (RuntimeException e) {
            drops.add(DropReason.UPCALL_FAILED, 1);
            failures.report("translation", e);
            return null;
        }
    }
}
