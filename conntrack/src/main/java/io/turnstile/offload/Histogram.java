package io.turnstile.offload;

import io.turnstile.offload.LaneMetrics.Distribution;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAccumulator;

/**
 * The histogram counts values in buckets whose width grows with the value: those below {@value #STEPS} have one each,
 * above that a power of two is cut into {@value #STEPS} steps, so that a percentile is at most an eighth too high.
 *
 * <p>Threads: any, without locks; a reading meanwhile may miss values that are just being recorded.
 */
final class Histogram {
    private static final int STEP_BITS = 3;
    private static final int STEPS = 1 << STEP_BITS;

    private final AtomicLongArray counts = new AtomicLongArray(bucketOf(Long.MAX_VALUE) + 1);
    private final LongAccumulator max = new LongAccumulator(Math::max, 0);

    /** Records a value; a negative one counts as 0. */
    void record(long value) {
        long counted = Math.max(0, value);
        counts.incrementAndGet(bucketOf(counted));
        max.accumulate(counted);
    }

    private static int bucketOf(long value) {
        if (value < STEPS) {
            return (int) value;
        }
        int shift = Long.SIZE - 1 - Long.numberOfLeadingZeros(value) - STEP_BITS;
        return (shift + 1) * STEPS + (int) (value >>> shift) - STEPS;
    }

    /** The largest value of a bucket. */
    private static long lastOf(int bucket) {
        if (bucket < STEPS) {
            return bucket;
        }
        int shift = bucket / STEPS - 1;
        return ((long) (bucket % STEPS + STEPS) << shift) + (1L << shift) - 1;
    }

    long count() {
        long sum = 0;
        for (int i = 0; i < counts.length(); i++) {
            sum += counts.get(i);
        }
        return sum;
    }

    Distribution distribution() {
        long count = count();
        return new Distribution(percentile(count, 0.5), percentile(count, 0.99), max.get());
    }

    private double percentile(long count, double share) {
        long rank = (long) Math.ceil(count * share);
        long seen = 0;
        for (int bucket = 0; rank > 0 && bucket < counts.length(); bucket++) {
            seen += counts.get(bucket);
            if (seen >= rank) {
                return Math.min(lastOf(bucket), max.get());
            }
        }
        return max.get();
    }
}
