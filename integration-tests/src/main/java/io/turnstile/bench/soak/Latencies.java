package io.turnstile.bench.soak;

import java.util.Arrays;
import java.util.function.BooleanSupplier;

/** How long answers took, the last many thousand of those that count. Threads: any. */
final class Latencies {
    private static final int KEPT = 1 << 16;

    private final BooleanSupplier isExcused;
    private final long[] takenNs = new long[KEPT];
    private long count;

    Latencies() {
        this(() -> false);
    }

    /** @param isExcused whether an answer of this moment does not count */
    Latencies(BooleanSupplier isExcused) {
        this.isExcused = isExcused;
    }

    synchronized void add(long ns) {
        if (isExcused.getAsBoolean()) {
            return;
        }
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
