package io.turnstile.pipeline;

import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import java.util.List;

/**
 * A flow as flow monitors see it: what it is, and not what has come through it.
 *
 * <p>Threads: any; it can be kept when the flow has gone.
 */
public interface MonitoredFlow {
    int tableId();

    int priority();

    Match match();

    long cookie();

    int idleTimeoutSeconds();

    int hardTimeoutSeconds();

    /** As installed. */
    List<OfAction> actions();

    /** Whether a request about flows is about this one. */
    boolean isSelectedBy(FlowQuery query);

    /** Whether it was added at that time or later. */
    boolean isAddedSince(long timeNs);

    /** Whether it was added or changed at that time or later, or packets have learned it once more since. */
    boolean isChangedSince(long timeNs);

    /** Whether it was there at that time, or has taken the place of one of equal match and priority. */
    boolean wasThereAt(long timeNs);
}
