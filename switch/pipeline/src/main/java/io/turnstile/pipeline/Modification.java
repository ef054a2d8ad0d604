package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import java.util.Collection;

/**
 * A part of one change that is prepared while packets go on as before, takes effect together with the change's other
 * parts, and is cleaned up afterwards.
 *
 * <p>Threads: whoever holds the change lock, under the table lock, held for writing.
 */
interface Modification {
    /** Adds what follows from the modifications, of which none comes any more. */
    default void complete() {}

    /** Undoes what was prepared. */
    void undo();

    /** From now on packets meet what was prepared. */
    void takeEffect();

    /** Whether packets may go other ways than before. */
    boolean concernsFlows();

    /** Adds the datapath flows whose packets may go another way by now. Under the flow cache's lock. */
    void collectConcerned(Collection<DatapathFlow> concerned);

    /** Takes out what has gone. */
    void cleanUp();

    /** All parts of the change are cleaned up or undone. */
    void end();
}
