package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.FlowMod;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A flow that the packets of one walk learn: made with the walk, and kept with its datapath flow, whose packets keep it
 * fresh.
 *
 * <p>Threads: {@link #rule} under the table lock; the rest by any.
 */
final class LearnedFlow implements SideEffect {
    final BridgePipeline bridge;
    /** The flow, as an ADD. */
    final FlowMod flow;

    private final int limit;
    /** What was found or made of it; null: nothing yet. */
    private @Nullable Rule rule;
    /** Whether it waits to be looked at. */
    private final AtomicBoolean waiting = new AtomicBoolean();

    /** @param limit without a sign; 0: none */
    LearnedFlow(BridgePipeline bridge, FlowMod flow, int limit) {
        this.bridge = bridge;
        this.flow = flow;
        this.limit = limit;
    }

    /** Whether there is such a flow, or room for it. Under the table lock. */
    boolean isPossible() {
        FlowTable table = bridge.table(flow.tableId());
        return limit == 0
                || table.findExact(flow.match(), flow.priority()) != null
                || Integer.compareUnsigned(table.countOf(flow.cookie()), limit) < 0;
    }

    @Override
    public AtomicBoolean waiting() {
        return waiting;
    }

    @Override
    public boolean refresh(long usedNs) {
        Rule known = rule;
        if (known == null || known.phase != Rule.Phase.SETTLED) {
            known = bridge.table(flow.tableId()).findExact(flow.match(), flow.priority());
        }
        if (known == null
                || known.phase != Rule.Phase.SETTLED
                || known.cookie != flow.cookie()
                || !known.actions.equals(flow.actions())) {
            return false;
        }
        rule = known;
        known.refresh(usedNs);
        return true;
    }

    @Override
    public void make(Effects effects, long usedNs) {
        if (!refresh(usedNs) && isPossible()) {
            bridge.learn(flow, effects);
        }
    }
}
