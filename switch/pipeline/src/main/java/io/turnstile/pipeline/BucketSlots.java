package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.GroupBucket;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which bucket stands for which value of the lowest bits of a packet's hash: each bucket for as many as its weight asks
 * for, dealt out by Webster's method as in Open vSwitch, so that a bucket which is not alive is stood in for by
 * different others.
 *
 * <p>Threads: any; immutable.
 */
final class BucketSlots {
    private static final int MAX_SLOTS = 256;
    private static final int MIN_SLOTS = 16;
    private static final int SLOTS_PER_BUCKET = 4;

    private final int[] bucketOf;

    private BucketSlots(int[] bucketOf) {
        this.bucketOf = bucketOf;
    }

    /** Null if no bucket has a weight, or the lightest would have no slot of so many as there may be. */
    static @Nullable BucketSlots of(List<GroupBucket> buckets) {
        long slots = wanted(buckets);
        return slots == 0 || slots > MAX_SLOTS ? null : new BucketSlots(deal(buckets, (int) slots));
    }

    /** How many slots it takes for the lightest to have one, a power of two; 0 if no bucket has a weight. */
    static long wanted(List<GroupBucket> buckets) {
        long total = 0;
        int least = Integer.MAX_VALUE;
        for (GroupBucket bucket : buckets) {
            total += bucket.weight();
            least = bucket.weight() > 0 ? Math.min(least, bucket.weight()) : least;
        }
        if (total == 0) {
            return 0;
        }
        long needed =
                Math.max((total + least - 1) / least, Math.min((long) buckets.size() * SLOTS_PER_BUCKET, MAX_SLOTS));
        return Math.max(MIN_SLOTS, powerOfTwo(needed));
    }

    private static long powerOfTwo(long atLeast) {
        return atLeast <= 1 ? 1 : Long.highestOneBit(atLeast - 1) << 1;
    }

    private static int[] deal(List<GroupBucket> buckets, int slots) {
        int[] bucketOf = new int[slots];
        int[] divisors = new int[buckets.size()];
        double[] claims = new double[buckets.size()];
        for (int i = 0; i < claims.length; i++) {
            divisors[i] = 1;
            claims[i] = buckets.get(i).weight();
        }
        for (int slot = 0; slot < slots; slot++) {
            int winner = 0;
            for (int i = 1; i < claims.length; i++) {
                winner = claims[i] > claims[winner] ? i : winner;
            }
            divisors[winner] += 2;
            claims[winner] = (double) buckets.get(winner).weight() / divisors[winner];
            bucketOf[slot] = winner;
        }
        return bucketOf;
    }

    /** The bits of the hash that count. */
    int mask() {
        return bucketOf.length - 1;
    }

    /** The place of the bucket among its group's. */
    int bucket(int hash) {
        return bucketOf[hash & mask()];
    }
}
