package io.turnstile.pipeline;

import io.turnstile.datapath.HashAlgorithm;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupType;
import io.turnstile.pipeline.flow.SelectionMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * One group. Its definition never changes: a modification puts another group in its place, which counts anew.
 *
 * <p>Threads: any.
 */
final class Group {
    /** Instead of a bucket: each of them. */
    static final int EVERY_BUCKET = -1;
    /** Instead of a bucket: none of them. */
    static final int NO_BUCKET = -2;

    final int id;
    final GroupType type;
    final List<GroupBucket> buckets;
    final @Nullable SelectionMethod selection;
    final long createdNs;
    /** How the datapath's hash chooses; null if it does not. */
    final @Nullable BucketSlots slots;

    private final AtomicLongArray packets;
    private final AtomicLongArray bytes;

    Group(int id, GroupType type, List<GroupBucket> buckets, @Nullable SelectionMethod selection, long createdNs) {
        this.id = id;
        this.type = type;
        this.buckets = List.copyOf(buckets);
        this.selection = selection;
        this.createdNs = createdNs;
        this.slots = usesDatapathHash() ? BucketSlots.of(buckets) : null;
        this.packets = new AtomicLongArray(buckets.size() + 1);
        this.bytes = new AtomicLongArray(buckets.size() + 1);
    }

    static Group of(GroupMod mod, long createdNs) {
        return new Group(mod.groupId(), mod.type(), mod.buckets(), mod.selection(), createdNs);
    }

    /** The same group with other buckets. */
    Group withBuckets(List<GroupBucket> others) {
        return new Group(id, type, others, selection, createdNs);
    }

    // ---- choice ----

    private boolean usesDatapathHash() {
        return type == GroupType.SELECT && (selection == null || selection.method() == SelectionMethod.Method.DP_HASH);
    }

    /** The algorithm of the datapath's hash: by itself one that is the same for both directions of a connection. */
    HashAlgorithm algorithm() {
        if (selection == null) {
            return HashAlgorithm.SYMMETRIC_L4;
        }
        boolean symmetric = selection.parameter() >>> Integer.SIZE == HashAlgorithm.SYMMETRIC_L4.ordinal();
        return symmetric ? HashAlgorithm.SYMMETRIC_L4 : HashAlgorithm.L4;
    }

    /** Where the datapath's hash begins. */
    int basis() {
        return selection == null ? 0 : (int) selection.parameter();
    }

    // ---- counters ----

    /** @param bucket the place of the bucket that got the packets, or {@link #EVERY_BUCKET} */
    void credit(int bucket, long packetsDelta, long bytesDelta) {
        add(buckets.size(), packetsDelta, bytesDelta);
        if (bucket != EVERY_BUCKET) {
            add(bucket, packetsDelta, bytesDelta);
            return;
        }
        for (int i = 0; i < buckets.size(); i++) {
            add(i, packetsDelta, bytesDelta);
        }
    }

    private void add(int place, long packetsDelta, long bytesDelta) {
        packets.addAndGet(place, packetsDelta);
        bytes.addAndGet(place, bytesDelta);
    }

    /** @param references how many flows send packets here */
    OpenFlowSwitch.GroupStats statistics(int references, long nowNs) {
        List<OpenFlowSwitch.BucketStats> each = new ArrayList<>(buckets.size());
        for (int i = 0; i < buckets.size(); i++) {
            each.add(new OpenFlowSwitch.BucketStats(packets.get(i), bytes.get(i)));
        }
        return new OpenFlowSwitch.GroupStats(
                id,
                references,
                packets.get(buckets.size()),
                bytes.get(buckets.size()),
                Math.max(0, nowNs - createdNs),
                each);
    }

    OpenFlowSwitch.GroupDescription description() {
        return new OpenFlowSwitch.GroupDescription(id, type, buckets, selection);
    }
}
