package io.turnstile.pipeline;

import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.OfAction;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of one flow.
 *
 * @param reason why it was removed; null unless it was
 * @param xid of the request that it comes from
 * @param flow as it is now, or was when it was removed
 * @param formerActions those that others took the place of; null if there are none, or they are equal
 */
public record FlowChange(
        Event event,
        @Nullable FlowRemovedReason reason,
        int xid,
        MonitoredFlow flow,
        @Nullable List<OfAction> formerActions) {
    /** What can become of a flow. */
    public enum Event {
        ADDED,
        REMOVED,
        MODIFIED
    }

    /** Whether a request about flows is about this one, as it is or by the actions that it had. */
    public boolean isSelectedBy(FlowQuery query) {
        return flow.isSelectedBy(query)
                || formerActions != null
                        && Rule.outputTo(formerActions, query.outPort())
                        && flow.isSelectedBy(query.toAnyPort());
    }
}
