package io.turnstile.bench;

/**
 * How long steps took: exact to 3 %, whatever their number. Beside it the same less the time in line for a core, which
 * is what other programs cost.
 *
 * <p>Threads: one; {@link #add(Pauses)} once it is done.
 */
final class Pauses {
    private static final int PART_BITS = 5;
    private static final int PARTS = 1 << PART_BITS;

    private final long[] byClock = new long[Long.SIZE * PARTS];
    private final long[] lessWaiting = new long[Long.SIZE * PARTS];
    private long longestNs;
    private long longestLessWaitingNs;
    private long steps;

    void add(long ns, long waitedNs) {
        long undisturbedNs = Math.max(0, ns - waitedNs);
        byClock[place(ns)]++;
        lessWaiting[place(undisturbedNs)]++;
        longestNs = Math.max(longestNs, ns);
        longestLessWaitingNs = Math.max(longestLessWaitingNs, undisturbedNs);
        steps++;
    }

    void add(Pauses other) {
        for (int i = 0; i < byClock.length; i++) {
            byClock[i] += other.byClock[i];
            lessWaiting[i] += other.lessWaiting[i];
        }
        longestNs = Math.max(longestNs, other.longestNs);
        longestLessWaitingNs = Math.max(longestLessWaitingNs, other.longestLessWaitingNs);
        steps += other.steps;
    }

    /** A power of two has so many parts of equal length. */
    private static int place(long ns) {
        if (ns < PARTS) {
            return (int) ns;
        }
        int shift = Long.SIZE - 1 - PART_BITS - Long.numberOfLeadingZeros(ns);
        return (shift + 1) * PARTS + (int) (ns >>> shift) - PARTS;
    }

    private static long end(int place) {
        int shift = Math.max(0, place / PARTS - 1);
        return place < PARTS ? place : (long) (place % PARTS + PARTS + 1) << shift;
    }

    private long share(long[] counts, double share) {
        long left = (long) Math.ceil(steps * share);
        int place = 0;
        for (; place < counts.length - 1 && left > counts[place]; place++) {
            left -= counts[place];
        }
        return end(place);
    }

    /** The longest of all but one in ten thousand, and the longest. */
    @Override
    public String toString() {
        return "%d batches, p99.99 %,d µs, longest %,d µs; less waiting for a core %,d and %,d"
                .formatted(
                        steps,
                        share(byClock, 0.9999) / 1000,
                        longestNs / 1000,
                        share(lessWaiting, 0.9999) / 1000,
                        longestLessWaitingNs / 1000);
    }
}
