package io.turnstile.bench.soak;

import java.util.Arrays;

/** How long answers took, the last many thousand of them. Threads: any. */
final class Latencies {
    private static final int KEPT = 1 << 16;

    private final long[] takenNs = new long[KEPT];
    private long count;

    synchronized void add(long ns) {
        takenNs[(int) (count++ % KEPT)] = ns;
    }

    synchronized void clear() {
        count = 0;
    }

    synchronized long count() {
        return count;
    }

    /** That part of them took no longer, ms; 0 while there are none. */
    synchronized double quantileMs(double part) {
        int length = (int) Math.min(count, KEPT);
        if (length == 0) {
            return 0;
        }
        long[] sorted = Arrays.copyOf(takenNs, length);
        Arrays.sort(sorted);
        return sorted[Math.min(length - 1, (int) (length * part))] / 1e6;
    }
}
