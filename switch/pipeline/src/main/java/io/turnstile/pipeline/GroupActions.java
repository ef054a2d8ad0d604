package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.MurmurHash;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.flow.ActionSet;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupType;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.Prerequisites;
import io.turnstile.pipeline.flow.SelectionMethod;
import java.util.List;

/**
 * Groups: which buckets a packet goes through. What a bucket does to the packet is not seen behind the group.
 *
 * <p>Threads: one, under the table lock.
 */
final class GroupActions {
    /** As in Open vSwitch: groups may watch each other that far. */
    private static final int MAX_LIVENESS_DEPTH = 128;

    private static final int SCORE_BITS = 0xffff;
    /** The tag is there, and which it is. */
    private static final long VLAN_BITS = 0x1fff;

    private final Walk walk;
    private final Translator lists;

    /** @param lists who runs what stands in buckets */
    GroupActions(Walk walk, Translator lists) {
        this.walk = walk;
        this.lists = lists;
    }

    /**
     * Sends the packet through the group.
     *
     * @param last whether nothing can follow in the walk's bridge
     * @return false if there is no such group, which ends the list, as in Open vSwitch
     */
    boolean output(int groupId, boolean last) {
        GroupTable groups = walk.state.bridge.groups();
        Group group = groups.find(groupId);
        if (group == null) {
            walk.recorder.askedForGroup(groups, groupId);
            walk.report.warning("output to nonexistent group %d", Integer.toUnsignedLong(groupId));
            return false;
        }
        switch (group.type) {
            case ALL, INDIRECT -> {
                for (int i = 0; i < group.buckets.size() && !walk.hasFailed(); i++) {
                    run(group.buckets.get(i), last && i == group.buckets.size() - 1);
                }
                walk.recorder.passedGroup(groups, group, Group.EVERY_BUCKET);
            }
            case SELECT -> chosen(groups, group, select(group), last);
            case FAST_FAILOVER -> chosen(groups, group, firstLive(group, 0), last);
        }
        return true;
    }

    private void chosen(GroupTable groups, Group group, int place, boolean last) {
        if (place == Group.NO_BUCKET) {
            walk.recorder.askedForGroup(groups, group.id);
            if (!walk.hasFailed() && !walk.state.freezing) {
                walk.report.detail("no live bucket");
            }
            return;
        }
        GroupBucket bucket = group.buckets.get(place);
        walk.report.detail("using bucket %d", Integer.toUnsignedLong(bucket.bucketId()));
        run(bucket, last);
        walk.recorder.passedGroup(groups, group, place);
    }

    private void run(GroupBucket bucket, boolean last) {
        List<OfAction> ordered = ActionSet.inOrder(bucket.actions());
        walk.report.openBucket(bucket.bucketId());
        walk.inBucket(() -> lists.runBucket(ordered, last));
        walk.report.close();
    }

    // ---- life ----

    private int firstLive(Group group, int depth) {
        for (int i = 0; i < group.buckets.size(); i++) {
            if (isLive(group, group.buckets.get(i), depth)) {
                return i;
            }
            reportDead(group.buckets.get(i));
        }
        return Group.NO_BUCKET;
    }

    /** Who takes part: the ports of the bridge, on whose changes its walks depend anyway, groups, the controllers. */
    private boolean isLive(Group group, GroupBucket bucket, int depth) {
        if (depth >= MAX_LIVENESS_DEPTH) {
            walk.report.error("bucket chaining exceeded %d links", MAX_LIVENESS_DEPTH);
            return false;
        }
        if (group.type == GroupType.SELECT && bucket.weight() == 0) {
            return false;
        }
        return !bucket.watches()
                || isLivePort(bucket.watchPort())
                || bucket.watchGroup() != GroupMod.ANY && isLiveGroup(bucket.watchGroup(), depth + 1);
    }

    private boolean isLivePort(int number) {
        if (number == Ports.CONTROLLER) {
            walk.recorder.askedForGroup(walk.state.bridge.groups(), GroupTable.CONTROLLER);
            return walk.state.bridge.isControllerConnected();
        }
        OfPort port = walk.state.bridge.port(number);
        return port != null && port.isLive();
    }

    private boolean isLiveGroup(int id, int depth) {
        walk.recorder.askedForGroup(walk.state.bridge.groups(), id);
        Group watched = walk.state.bridge.groups().find(id);
        return watched != null && firstLive(watched, depth) != Group.NO_BUCKET;
    }

    private void reportDead(GroupBucket bucket) {
        walk.report.deadBucket(bucket);
    }

    // ---- select ----

    private int select(Group group) {
        if (walk.state.lostLabels) {
            walk.state.freezing = true;
            return Group.NO_BUCKET;
        }
        if (group.slots != null) {
            return byDatapathHash(group, group.slots);
        }
        SelectionMethod selection = group.selection;
        if (selection != null
                && selection.method() == SelectionMethod.Method.HASH
                && !selection.fields().isEmpty()) {
            return bestLive(group, hashOfFields(selection));
        }
        return bestLive(group, symmetricHash());
    }

    /** A packet without a hash gets one in the datapath, comes back, and walks once more from the beginning. */
    private int byDatapathHash(Group group, BucketSlots slots) {
        long hash = Field.DP_HASH.get(walk.state.key);
        if (hash == 0 && !walk.hashAtOnce(group.algorithm(), group.basis())) {
            walk.report.detail("selection method in use: dp_hash, recirculating");
            return Group.NO_BUCKET;
        }
        hash = Field.DP_HASH.get(walk.state.key);
        Bits.maskOf(new OfAction.SubField(Field.DP_HASH, 0, Integer.bitCount(slots.mask())))
                .orInto(Field.DP_HASH, walk.wildcards);
        for (int i = 0; i <= slots.mask(); i++) {
            int place = slots.bucket((int) hash + i);
            if (isLive(group, group.buckets.get(place), 0)) {
                return place;
            }
        }
        return Group.NO_BUCKET;
    }

    private int symmetricHash() {
        long[] key = walk.state.key;
        long[] wildcards = walk.wildcards;
        Field.ETH_SRC.setExact(wildcards);
        Field.ETH_DST.setExact(wildcards);
        Field.VLAN_TCI.set(wildcards, Field.VLAN_TCI.get(wildcards) | VLAN_BITS);
        int etherType = (int) Field.ETH_TYPE.get(key);
        if (Prerequisites.isIp(etherType)) {
            Field.NW_SRC.setExact(wildcards);
            Field.NW_DST.setExact(wildcards);
            Field.IPV6_SRC.setExact(wildcards);
            Field.IPV6_DST.setExact(wildcards);
            Field.NW_PROTO.setExact(wildcards);
            if (Field.NW_PROTO.get(key) != IpProtocols.UDP) {
                Field.TP_SRC.setExact(wildcards);
                Field.TP_DST.setExact(wildcards);
            }
        }
        return JenkinsHash.symmetric(key);
    }

    private int hashOfFields(SelectionMethod selection) {
        long[] key = walk.state.key;
        int hash = MurmurHash.ofLong(selection.parameter());
        for (SelectionMethod.HashedField hashed : selection.fields()) {
            if (hashed.field().isIn(key, walk.wildcards)) {
                hash = MurmurHash.ofBytes(hashed.maskedBytes(key), hash);
                hashed.lookAt(walk.wildcards);
            }
        }
        return hash;
    }

    private int bestLive(Group group, int hash) {
        int best = Group.NO_BUCKET;
        int bestScore = 0;
        for (int i = 0; i < group.buckets.size(); i++) {
            GroupBucket bucket = group.buckets.get(i);
            if (!isLive(group, bucket, 0)) {
                reportDead(bucket);
                continue;
            }
            int score = (MurmurHash.ofInt(bucket.bucketId(), hash) & SCORE_BITS) * bucket.weight();
            walk.report.bucketScore(bucket.bucketId(), score);
            if (best == Group.NO_BUCKET || Integer.compareUnsigned(score, bestScore) >= 0) {
                best = i;
                bestScore = score;
            }
        }
        return best;
    }
}
