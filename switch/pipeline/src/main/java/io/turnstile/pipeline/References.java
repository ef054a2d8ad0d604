package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.OfAction;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The groups and meters that a list of actions names, on any level.
 *
 * <p>Threads: any; immutable.
 */
record References(Set<Integer> groups, Set<Integer> meters) {
    private static final References NONE = new References(Set.of(), Set.of());

    static References of(List<OfAction> actions) {
        return hasAny(actions) ? collect(actions) : NONE;
    }

    boolean isEmpty() {
        return groups.isEmpty() && meters.isEmpty();
    }

    /** Most flows have none, and nothing is made for them. */
    private static boolean hasAny(List<OfAction> actions) {
        for (int i = 0; i < actions.size(); i++) {
            OfAction action = actions.get(i);
            if (action instanceof OfAction.Group || action instanceof OfAction.Meter || hasAny(action.nested())) {
                return true;
            }
        }
        return false;
    }

    private static References collect(List<OfAction> actions) {
        References all = new References(new LinkedHashSet<>(), new LinkedHashSet<>());
        all.add(actions);
        return all;
    }

    private void add(List<OfAction> actions) {
        for (OfAction action : actions) {
            if (action instanceof OfAction.Group group) {
                groups.add(group.groupId());
            } else if (action instanceof OfAction.Meter meter) {
                meters.add(meter.meterId());
            }
            add(action.nested());
        }
    }
}
