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
    private static final int FEW = 4;
    /** A set that was this much larger is made anew: it would keep its size, and a walk through it its length. */
    private static final int SHRINKAGE = 8;

    private Set<DatapathFlow> flows = newSet(FEW);
    private int largest = FEW;

    private static Set<DatapathFlow> newSet(int expected) {
        return Collections.newSetFromMap(new IdentityHashMap<>(expected));
    }

    void add(DatapathFlow flow) {
        flows.add(flow);
        largest = Math.max(largest, flows.size());
    }

    void remove(DatapathFlow flow) {
        flows.remove(flow);
        if (largest > FEW * SHRINKAGE && flows.size() < largest / SHRINKAGE) {
            Set<DatapathFlow> smaller = newSet(flows.size() * 2);
            smaller.addAll(flows);
            largest = Math.max(FEW, flows.size());
            flows = smaller;
        }
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
