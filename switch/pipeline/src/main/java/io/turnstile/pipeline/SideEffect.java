package io.turnstile.pipeline;

import java.util.concurrent.atomic.AtomicBoolean;

/** What a walk changes about the flows, again with each packet that takes the same walk. */
sealed interface SideEffect permits LearnedFlow, FinTimeouts {

    /** Whether it waits to be looked at; no need to have it wait twice. */
    AtomicBoolean waiting();

    /** Does what needs no change of the tables; false if there is more to do. Under the table lock. */
    boolean refresh(long usedNs);

    /** Makes the change. By whoever holds the change lock, under the table lock. */
    void make(Effects effects, long usedNs);
}
