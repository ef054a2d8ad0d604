package io.turnstile.bench;

import java.util.Arrays;
import java.util.List;
import org.HdrHistogram.Histogram;

/**
 * How long steps took, to 1 %: by the clock; less the time in line for a core, which is what other programs cost; and
 * less the time, too, for which a thread that the step may have had to wait for was in line for one.
 *
 * <p>Threads: one; {@link #add(Pauses)} once it is done.
 */
final class Pauses {
    private static final int DIGITS = 2;
    private static final double SHARE = 99.99;

    private final Histogram byClock = new Histogram(DIGITS);
    private final Histogram lessWaiting = new Histogram(DIGITS);
    private final Histogram lessOthersWaiting = new Histogram(DIGITS);

    /**
     * @param ns from the beginning to the end
     * @param waitedNs of them in line for a core
     * @param blockedNs of them neither in line nor on a core, at most
     * @param othersWaitedNs how long another thread was in line meanwhile
     */
    void add(long ns, long waitedNs, long blockedNs, long othersWaitedNs) {
        long undisturbedNs = Math.max(0, ns - waitedNs);
        byClock.recordValue(ns);
        lessWaiting.recordValue(undisturbedNs);
        lessOthersWaiting.recordValue(Math.max(0, undisturbedNs - Math.clamp(blockedNs, 0, othersWaitedNs)));
    }

    void add(Pauses other) {
        byClock.add(other.byClock);
        lessWaiting.add(other.lessWaiting);
        lessOthersWaiting.add(other.lessOthersWaiting);
    }

    /** The longest of all but one in ten thousand, and the longest. */
    @Override
    public String toString() {
        List<String> figures = Arrays.asList(byClock, lessWaiting, lessOthersWaiting).stream()
                .map(ns -> "%,d / %,d".formatted(ns.getValueAtPercentile(SHARE) / 1000, ns.getMaxValue() / 1000))
                .toList();
        return "%d batches, p99.99 / longest, µs: %s; less waiting for a core %s; and others' waiting %s"
                .formatted(byClock.getTotalCount(), figures.get(0), figures.get(1), figures.get(2));
    }
}
