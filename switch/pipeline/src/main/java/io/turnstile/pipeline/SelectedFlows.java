package io.turnstile.pipeline;

import io.turnstile.pipeline.OpenFlowSwitch.FlowCursor;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import java.util.function.Consumer;

/**
 * The flows that a request selects from lists of rules, each looked at when its turn comes.
 *
 * <p>Threads: one at a time.
 */
final class SelectedFlows implements FlowCursor {
    private final Pipeline pipeline;
    private final FlowQuery query;
    private final RuleCursor rules;
    private final boolean withHidden;

    /** @param withHidden whether those are selected, too, that controllers are not to see */
    SelectedFlows(Pipeline pipeline, FlowQuery query, RuleCursor rules, boolean withHidden) {
        this.pipeline = pipeline;
        this.query = query;
        this.rules = rules;
        this.withHidden = withHidden;
    }

    @Override
    public boolean advance(int atMost, Consumer<FlowStats> visitor) {
        long nowNs = pipeline.nowNs();
        return rules.advance(atMost, rule -> {
            if ((withHidden || !rule.isHidden()) && rule.isSelectedBy(query)) {
                visitor.accept(rule.statistics(nowNs));
            }
        });
    }

    @Override
    public long heldBytes() {
        return rules.heldBytes();
    }
}
