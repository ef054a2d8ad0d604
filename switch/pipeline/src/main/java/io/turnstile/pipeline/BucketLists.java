package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;

/** Lists of buckets with some put in or taken out (OpenFlow 1.5.1 §7.3.4.3). */
final class BucketLists {
    private BucketLists() {}

    /** With the change's buckets behind the one that it names, or first, or last. */
    static List<GroupBucket> inserted(List<GroupBucket> present, GroupMod mod) throws OfException {
        int place = switch (mod.commandBucketId()) {
            case GroupBucket.FIRST -> 0;
            case GroupBucket.LAST -> present.size();
            default -> indexOf(present, mod.commandBucketId()) + 1;
        };
        List<GroupBucket> all = new ArrayList<>(present);
        all.addAll(place, mod.buckets());
        GroupMod.checkDistinct(all, OfErrorCode.OFPGMFC_BUCKET_EXISTS);
        return all;
    }

    /** Without that bucket, or the first, or the last, or any. */
    static List<GroupBucket> removed(List<GroupBucket> present, int bucketId) throws OfException {
        List<GroupBucket> left = new ArrayList<>(present);
        switch (bucketId) {
            case GroupBucket.ALL -> left.clear();
            case GroupBucket.FIRST -> {
                if (!left.isEmpty()) {
                    left.removeFirst();
                }
            }
            case GroupBucket.LAST -> {
                if (!left.isEmpty()) {
                    left.removeLast();
                }
            }
            default -> left.remove(indexOf(present, bucketId));
        }
        return left;
    }

    private static int indexOf(List<GroupBucket> buckets, int bucketId) throws OfException {
        for (int i = 0; i < buckets.size(); i++) {
            if (buckets.get(i).bucketId() == bucketId) {
                return i;
            }
        }
        throw new OfException(OfErrorCode.OFPGMFC_UNKNOWN_BUCKET, "bucket " + Integer.toUnsignedString(bucketId));
    }
}
