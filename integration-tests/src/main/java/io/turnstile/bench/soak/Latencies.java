package io.turnstile.bench.soak;

import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.SynchronizedHistogram;

/** How long answers took, those that count, to 1 %. Threads: any. */
final class Latencies {
    private static final int DIGITS = 2;

    private final BooleanSupplier isExcused;
    private final Histogram takenNs = new SynchronizedHistogram(DIGITS);

    Latencies() {
        this(() -> false);
    }

    /** @param isExcused whether an answer of this moment does not count */
    Latencies(BooleanSupplier isExcused) {
        this.isExcused = isExcused;
    }

    void add(long ns) {
        if (!isExcused.getAsBoolean()) {
            takenNs.recordValue(ns);
        }
    }

    void clear() {
        takenNs.reset();
    }

    long count() {
        return takenNs.getTotalCount();
    }

    /** That part of them took no longer, ms; 0 while there are none. */
    double quantileMs(double part) {
        return takenNs.getValueAtPercentile(100 * part) / 1e6;
    }
}
