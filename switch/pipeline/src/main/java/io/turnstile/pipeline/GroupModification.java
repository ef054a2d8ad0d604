package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Modifications of groups that belong to one change (OpenFlow 1.3.5 §6.7, 1.5.1 §6.7). With a group go the flows that
 * send packets to it.
 *
 * <p>Threads: as {@link Modification}.
 */
final class GroupModification implements Modification {
    private final GroupTable groups;
    private final RuleReferences references;
    private final FlowModification flows;
    private final Effects effects;
    private final long nowNs;
    private final Set<Integer> changed = new HashSet<>();

    /** @param flows the same change's modifications of flows */
    GroupModification(
            GroupTable groups, RuleReferences references, FlowModification flows, Effects effects, long nowNs) {
        this.groups = groups;
        this.references = references;
        this.flows = flows;
        this.effects = effects;
        this.nowNs = nowNs;
    }

    // ---- preparation ----

    void apply(GroupMod mod) throws OfException {
        mod.check();
        Group present = groups.findForChange(mod.groupId());
        switch (mod.command()) {
            case ADD -> {
                if (present != null) {
                    throw refused(OfErrorCode.OFPGMFC_GROUP_EXISTS, mod, "is there already");
                }
                add(mod);
            }
            case MODIFY -> modify(mod, known(present, mod));
            case ADD_OR_MODIFY -> {
                if (present == null) {
                    add(mod);
                } else {
                    modify(mod, present);
                }
            }
            case INSERT_BUCKET -> {
                Group group = known(present, mod);
                change(mod, group.withBuckets(BucketLists.inserted(group.buckets, mod)));
            }
            case REMOVE_BUCKET -> {
                Group group = known(present, mod);
                change(mod, group.withBuckets(BucketLists.removed(group.buckets, mod.commandBucketId())));
            }
            case DELETE -> delete(mod);
        }
    }

    private static OfException refused(OfErrorCode code, GroupMod mod, String why) {
        return new OfException(code, "group " + Integer.toUnsignedString(mod.groupId()) + " " + why);
    }

    private static Group known(@Nullable Group group, GroupMod mod) throws OfException {
        if (group == null) {
            throw refused(OfErrorCode.OFPGMFC_UNKNOWN_GROUP, mod, "is not there");
        }
        return group;
    }

    private void add(GroupMod mod) throws OfException {
        if (Integer.compareUnsigned(mod.groupId(), GroupMod.MAX_ID) > 0) {
            throw refused(OfErrorCode.OFPGMFC_INVALID_GROUP, mod, "cannot be");
        }
        if (groups.sizeForChange() >= GroupTable.MAX_GROUPS) {
            throw refused(OfErrorCode.OFPGMFC_OUT_OF_GROUPS, mod, "is one too many");
        }
        make(Group.of(mod, nowNs));
    }

    private void modify(GroupMod mod, Group present) throws OfException {
        make(Group.of(mod, present.createdNs));
    }

    private void make(Group group) throws OfException {
        GroupLog.constructed(group);
        put(group);
    }

    /** As in Open vSwitch, what is said first is what comes by itself. */
    private void change(GroupMod mod, Group changed) throws OfException {
        GroupLog.constructed(changed.withBuckets(mod.buckets()));
        GroupLog.modified(changed);
        put(changed);
    }

    private void put(Group group) throws OfException {
        if (group.buckets.size() > GroupTable.MAX_BUCKETS) {
            throw new OfException(OfErrorCode.OFPGMFC_OUT_OF_BUCKETS, group.buckets.size() + " buckets");
        }
        refuseLoop(group);
        groups.put(group.id, group);
        changed.add(group.id);
    }

    /** A packet must not come back to a group that sent it. */
    private void refuseLoop(Group start) throws OfException {
        Set<Integer> seen = new HashSet<>();
        Deque<Group> open = new ArrayDeque<>();
        open.add(start);
        while (!open.isEmpty()) {
            for (GroupBucket bucket : open.remove().buckets) {
                for (int next : References.of(bucket.actions()).groups()) {
                    if (next == start.id) {
                        throw new OfException(OfErrorCode.OFPGMFC_LOOP, "group " + start.id + " leads to itself");
                    }
                    Group group = groups.findForChange(next);
                    if (group != null && seen.add(next)) {
                        open.add(group);
                    }
                }
            }
        }
    }

    private void delete(GroupMod mod) {
        if (mod.groupId() == GroupMod.ALL) {
            deleteAll();
        } else if (groups.findForChange(mod.groupId()) != null) {
            delete(mod.groupId());
        }
    }

    void deleteAll() {
        for (int id : groups.idsForChange()) {
            delete(id);
            effects.breathe();
        }
    }

    private void delete(int id) {
        flows.removeAll(references.ofGroup(id), FlowRemovedReason.GROUP_DELETE);
        groups.put(id, null);
        changed.add(id);
    }

    // ---- the end ----

    @Override
    public void undo() {
        groups.undo();
    }

    @Override
    public void takeEffect() {
        groups.takeEffect();
    }

    @Override
    public boolean concernsFlows() {
        return !changed.isEmpty();
    }

    @Override
    public void collectConcerned(Collection<DatapathFlow> concerned) {
        changed.forEach(id -> groups.collectDependents(id, concerned));
    }

    @Override
    public void cleanUp() {
        // Nothing is kept of groups that are gone.
    }

    @Override
    public void end() {
        changed.clear();
    }
}
