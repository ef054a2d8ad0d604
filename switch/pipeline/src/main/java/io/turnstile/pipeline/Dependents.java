package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The datapath flows that rest on one thing: a rule, a table, a learned address, a bridge. Guarded by the flow cache's
 * lock.
 */
final class Dependents {
    private final Set<DatapathFlow> flows = Collections.newSetFromMap(new IdentityHashMap<>(4));

    void add(DatapathFlow flow) {
        flows.add(flow);
    }

    void remove(DatapathFlow flow) {
        flows.remove(flow);
    }

    int size() {
        return flows.size();
    }

    boolean isEmpty() {
        return flows.isEmpty();
    }

    void collectInto(Collection<DatapathFlow> into) {
        into.addAll(flows);
    }

    void collectInto(Collection<DatapathFlow> into, Predicate<DatapathFlow> selected) {
        for (DatapathFlow flow : flows) {
            if (selected.test(flow)) {
                into.add(flow);
            }
        }
    }
}
