package io.turnstile.pipeline;

import io.turnstile.pipeline.OpenFlowSwitch.FlowCursor;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The flows that a request selects from lists of rules, each looked at when its turn comes. Needs no lock: a rule's
 * definition never changes, and its counters can be read at any time.
 *
 * <p>Threads: one at a time.
 */
final class SelectedFlows implements FlowCursor {
    private final Pipeline pipeline;
    private final FlowQuery query;
    private final List<@Nullable Rule[]> lists;
    private final boolean withHidden;
    private int list;
    private int index;

    /** @param withHidden whether those are selected, too, that controllers are not to see */
    SelectedFlows(Pipeline pipeline, FlowQuery query, List<Rule[]> lists, boolean withHidden) {
        this.pipeline = pipeline;
        this.query = query;
        this.withHidden = withHidden;
        this.lists = List.copyOf(lists);
    }

    @Override
    public boolean advance(int atMost, Consumer<FlowStats> visitor) {
        long nowNs = pipeline.nowNs();
        int left = atMost;
        while (list < lists.size()) {
            @Nullable Rule[] rules = lists.get(list);
            while (index < rules.length) {
                if (left-- == 0) {
                    return true;
                }
                Rule rule = rules[index];
                rules[index++] = null; // A rule that has gone meanwhile is not kept longer than needed.
                if (rule != null && isSelected(rule)) {
                    visitor.accept(rule.statistics(nowNs));
                }
            }
            list++;
            index = 0;
        }
        return false;
    }

    @Override
    public long heldBytes() {
        return lists.stream()
                .mapToLong(rules -> (long) rules.length * Integer.BYTES)
                .sum();
    }

    private boolean isSelected(Rule rule) {
        return (withHidden || !rule.isHidden())
                && query.match().covers(rule.match)
                && rule.outputsTo(query.outPort())
                && rule.sendsTo(query.outGroup())
                && ((rule.cookie ^ query.cookie()) & query.cookieMask()) == 0;
    }
}
