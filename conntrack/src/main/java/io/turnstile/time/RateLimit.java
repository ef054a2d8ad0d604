package io.turnstile.time;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A bound on how many lines of one kind are logged: as many as a minute may have at once, then one whenever a minute's
 * share has gone by. For lines that packets bring about and somebody has asked for; who is curious can lift the bound
 * ({@code vlog/disable-rate-limit}).
 *
 * <p>Threads: any.
 */
public final class RateLimit {
    private static final List<RateLimit> ALL = new CopyOnWriteArrayList<>();

    private final String logger;
    private final Clock clock;
    private final long intervalNs;
    private final int burst;
    private volatile boolean lifted;
    // Guarded by this.
    private int left;
    private long filledNs;

    /**
     * A bound that lasts as long as the process, by real time: how long a log is, is not a matter of the switch's
     * clock.
     *
     * @param logger the name of the logger whose lines they are
     */
    public static RateLimit perMinute(String logger, int lines) {
        RateLimit limit = new RateLimit(logger, lines, Clock.system());
        ALL.add(limit);
        return limit;
    }

    RateLimit(String logger, int lines, Clock clock) {
        this.logger = logger;
        this.clock = clock;
        burst = lines;
        left = lines;
        intervalNs = TimeUnit.MINUTES.toNanos(1) / lines;
        filledNs = clock.nowNs();
    }

    /** Lifts the bounds of loggers with such names, or has them again. */
    public static void setLifted(Predicate<String> loggers, boolean lifted) {
        for (RateLimit limit : ALL) {
            if (loggers.test(limit.logger)) {
                limit.lifted = lifted;
            }
        }
    }

    /** Whether one more line may be logged; it counts as logged then. */
    public boolean isDue() {
        return lifted || take();
    }

    private synchronized boolean take() {
        long passed = (clock.nowNs() - filledNs) / intervalNs;
        if (passed > 0) {
            left = (int) Math.min(burst, left + passed);
            filledNs += passed * intervalNs;
        }
        if (left == 0) {
            return false;
        }
        left--;
        return true;
    }
}
