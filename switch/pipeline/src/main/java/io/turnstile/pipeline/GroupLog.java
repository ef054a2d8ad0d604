package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupType;
import io.turnstile.pipeline.flow.SelectionMethod;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How select groups choose, said to whoever has set {@code ofproto_dpif} to {@code dbg}: which share of the hash each
 * bucket has. The words are Open vSwitch's, because scripts look for them.
 *
 * <p>Threads: any.
 */
final class GroupLog {
    private static final Logger LOG = LoggerFactory.getLogger("io.turnstile.pipeline.ofproto_dpif");

    private GroupLog() {}

    /** A group has been made, or what is to be added to one. */
    static void constructed(Group group) {
        say("Constructing", group);
    }

    /** Buckets of the group came or went. */
    static void modified(Group group) {
        say("Modifying", group);
    }

    private static void say(String what, Group group) {
        if (group.type != GroupType.SELECT || !LOG.isDebugEnabled()) {
            return;
        }
        LOG.debug("{} select group {}", what, Integer.toUnsignedString(group.id));
        SelectionMethod selection = group.selection;
        if (selection == null) {
            LOG.debug("No selection method specified. Trying dp_hash.");
            datapathHash(group);
        } else if (selection.method() == SelectionMethod.Method.DP_HASH) {
            LOG.debug("Selection method specified: dp_hash.");
            datapathHash(group);
        } else {
            LOG.debug("Selection method specified: hash.");
            if (selection.fields().isEmpty()) {
                LOG.debug("No hash fields. Falling back to default hash method.");
            } else {
                LOG.debug(
                        "Hash fields: {}",
                        selection.fields().stream()
                                .map(hashed -> hashed.field().name())
                                .collect(Collectors.joining(",")));
            }
        }
    }

    private static void datapathHash(Group group) {
        shares(group);
        if (group.slots == null) {
            LOG.debug("Falling back to default hash method.");
        } else {
            LOG.debug(
                    "Use dp_hash with {} hash values using algorithm {}.",
                    group.slots.mask() + 1,
                    group.algorithm().ordinal());
        }
    }

    private static void shares(Group group) {
        List<GroupBucket> buckets = group.buckets;
        if (buckets.isEmpty()) {
            LOG.debug("  Don't apply dp_hash method without buckets.");
            return;
        }
        long total = buckets.stream().mapToLong(GroupBucket::weight).sum();
        if (total == 0) {
            LOG.debug("  Total weight is zero. No active buckets.");
            return;
        }
        int least = buckets.stream()
                .mapToInt(GroupBucket::weight)
                .filter(weight -> weight > 0)
                .min()
                .orElse(0);
        LOG.debug("  Minimum weight: {}, total weight: {}", least, total);
        BucketSlots slots = group.slots;
        if (slots == null) {
            LOG.debug("  Too many hash values required: {}", BucketSlots.wanted(buckets));
            return;
        }
        int values = slots.mask() + 1;
        int[] hits = new int[buckets.size()];
        for (int hash = 0; hash < values; hash++) {
            hits[slots.bucket(hash)]++;
        }
        LOG.debug("  Using {} hash values:", values);
        for (int i = 0; i < hits.length; i++) {
            GroupBucket bucket = buckets.get(i);
            double target = (double) values * bucket.weight() / total;
            LOG.debug(
                    "  Bucket {}: weight={}, target={} hits={}",
                    Integer.toUnsignedString(bucket.bucketId()),
                    bucket.weight(),
                    String.format(Locale.ROOT, "%.2f", target),
                    hits[i]);
        }
    }
}
