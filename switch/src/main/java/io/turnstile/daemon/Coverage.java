package io.turnstile.daemon;

import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DropReason;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * How often things happened that should be rare: totals, and averages over the last 5 seconds, minute and hour, in the
 * columns of {@code coverage/show}.
 *
 * <p>Threads: any.
 */
final class Coverage {
    static final int SAMPLE_SECONDS = 5;
    private static final int MINUTE_SAMPLES = 60 / SAMPLE_SECONDS;
    private static final int HOUR_SAMPLES = 3600 / SAMPLE_SECONDS;

    private final Datapath datapath;
    /** Totals at past moments, newest first, {@link #SAMPLE_SECONDS} apart; guarded by this. */
    private final Deque<long[]> samples = new ArrayDeque<>();

    Coverage(Datapath datapath) {
        this.datapath = datapath;
        sample();
    }

    /** To be called every {@link #SAMPLE_SECONDS}. */
    synchronized void sample() {
        samples.addFirst(totals());
        if (samples.size() > HOUR_SAMPLES + 1) {
            samples.removeLast();
        }
    }

    private long[] totals() {
        long[] totals = new long[DropReason.values().length];
        for (DropReason reason : DropReason.values()) {
            totals[reason.ordinal()] = datapath.drops(reason);
        }
        return totals;
    }

    synchronized String text() {
        StringBuilder text = new StringBuilder(
                "Event coverage, avg rate over last: %d seconds, last minute, last hour:\n".formatted(SAMPLE_SECONDS));
        long[] totals = totals();
        int never = 0;
        for (DropReason reason : DropReason.values()) {
            int index = reason.ordinal();
            if (totals[index] == 0) {
                never++;
                continue;
            }
            text.append("%-24s %5.1f/sec %9.3f/sec %13.4f/sec   total: %d\n".formatted(reason.label(), rate(index, 1),
                    rate(index, MINUTE_SAMPLES), rate(index, HOUR_SAMPLES), totals[index]));
        }
        return text.append(never).append(" events never hit\n").toString();
    }

    /** Per second, over the newest {@code intervals} samples; what was before the start counts as nothing. */
    private double rate(int index, int intervals) {
        long[][] past = samples.toArray(long[][]::new);
        long before = past[Math.min(intervals, past.length - 1)][index];
        return (past[0][index] - before) / (double) (intervals * SAMPLE_SECONDS);
    }
}
