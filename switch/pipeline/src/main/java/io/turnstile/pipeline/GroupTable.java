package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.pipeline.flow.GroupMod;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The groups of a bridge. While a change is being made packets meet the groups as they were, and the changer has them
 * as they will be.
 *
 * <p>Threads: under the table lock; datapath flows under the flow cache's.
 */
final class GroupTable {
    /** Instead of a group: what its buckets watch is whether a controller is there. */
    static final int CONTROLLER = GroupMod.ANY;

    static final int MAX_GROUPS = 100_000;
    /** More than a message can describe. */
    static final int MAX_BUCKETS = 4096;

    private final Map<Integer, Group> groups = new TreeMap<>(Integer::compareUnsigned);
    /** What the change that is being made has put in place of groups; nothing where they go. */
    private final Map<Integer, Optional<Group>> coming = new HashMap<>();
    /** Datapath flows whose walk asked for the group, there or not. */
    private final Map<Integer, Dependents> dependents = new HashMap<>();

    private int sizeForChange;
    private boolean ahead;

    // ---- what packets meet ----

    /** The group, or null. */
    @Nullable
    Group find(int id) {
        return ahead ? findForChange(id) : groups.get(id);
    }

    /** That group or, for {@link GroupMod#ALL}, all by number. */
    List<Group> oneOrAll(int id) {
        if (id == GroupMod.ALL) {
            return List.copyOf(groups.values());
        }
        Group group = groups.get(id);
        return group == null ? List.of() : List.of(group);
    }

    // ---- what the changer has ----

    /** The group, or null. */
    @Nullable
    Group findForChange(int id) {
        Optional<Group> changed = coming.get(id);
        return changed == null ? groups.get(id) : changed.orElse(null);
    }

    /** Those of them that are there by number. */
    List<Integer> idsForChange() {
        TreeMap<Integer, Group> all = new TreeMap<>(groups);
        coming.forEach((id, group) -> group.ifPresentOrElse(present -> all.put(id, present), () -> all.remove(id)));
        return List.copyOf(all.keySet());
    }

    int sizeForChange() {
        return sizeForChange;
    }

    /** {@link FlowTable#lookAhead}. */
    void lookAhead(boolean isAhead) {
        ahead = isAhead;
    }

    /** @param group null if it goes */
    void put(int id, @Nullable Group group) {
        sizeForChange += (group == null ? 0 : 1) - (findForChange(id) == null ? 0 : 1);
        coming.put(id, Optional.ofNullable(group));
    }

    void undo() {
        coming.clear();
        sizeForChange = groups.size();
    }

    /** From now on packets meet what the changer has. */
    void takeEffect() {
        coming.forEach(
                (id, group) -> group.ifPresentOrElse(present -> groups.put(id, present), () -> groups.remove(id)));
        coming.clear();
        sizeForChange = groups.size();
    }

    // ---- datapath flows ----

    void addDependent(int id, DatapathFlow flow) {
        dependents.computeIfAbsent(id, _ -> new Dependents()).add(flow);
    }

    void removeDependent(int id, DatapathFlow flow) {
        Dependents present = dependents.get(id);
        if (present != null) {
            present.remove(flow);
            if (present.isEmpty()) {
                dependents.remove(id);
            }
        }
    }

    void collectDependents(int id, Collection<DatapathFlow> into) {
        Dependents present = dependents.get(id);
        if (present != null) {
            present.collectInto(into);
        }
    }
}
