package io.turnstile.pipeline;

import java.util.function.Consumer;

/**
 * The flows of a bridge at one moment, each looked at when its turn comes.
 *
 * <p>Threads: one at a time.
 */
public interface MonitoredFlows {
    /** {@link FlowChanges#number} of the last change that had taken effect. */
    long changeNumber();

    /**
     * Hands over the next flows, those excepted that controllers do not see.
     *
     * @param atMost how many to look at
     * @return whether there may be more
     */
    boolean advance(int atMost, Consumer<MonitoredFlow> visitor);

    /** What the list takes that the flows are looked up in. */
    long heldBytes();
}
