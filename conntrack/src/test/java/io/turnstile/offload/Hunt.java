package io.turnstile.offload;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How long random histories are tried: some seeds in an ordinary run; for {@code -Dturnstile.hunt.minutes=20} fresh
 * ones for so long, for each test; {@code -Dturnstile.hunt.seed=7} that one alone. A failure names its seed.
 */
public final class Hunt {
    /** A random history, decided by its seed as far as threads leave that to it. */
    public interface History {
        void run(long seed) throws Exception;
    }

    private static final long REPORT_NS = Duration.ofSeconds(30).toNanos();

    private Hunt() {}

    /** A hunt has no time limit but its own. */
    public static boolean isOn() {
        return Integer.getInteger("turnstile.hunt.minutes", 0) > 0;
    }

    /** Tries seeds 1 to {@code usual}, and beyond if a hunt is asked for. */
    public static void over(String what, int usual, History history) {
        Long only = Long.getLong("turnstile.hunt.seed");
        if (only != null) {
            run(what, only, history);
            return;
        }
        long startNs = System.nanoTime();
        long huntNs = TimeUnit.MINUTES.toNanos(Integer.getInteger("turnstile.hunt.minutes", 0));
        // One hunt does not try what the one before it has tried.
        long first = isOn() ? System.currentTimeMillis() : 1;
        long reportedNs = startNs;
        long seed = first;
        while (seed < first + usual || System.nanoTime() - startNs < huntNs) {
            run(what, seed++, history);
            if (System.nanoTime() - reportedNs > REPORT_NS) {
                reportedNs = System.nanoTime();
                report(what, first, seed, startNs);
            }
        }
        if (isOn()) {
            report(what, first, seed, startNs);
        }
    }

    private static void run(String what, long seed, History history) {
        try {
            history.run(seed);
        } catch (Exception | AssertionError e) {
            throw new AssertionError(what + ", seed " + seed + " (-Dturnstile.hunt.seed=" + seed + "): " + e, e);
        }
    }

    private static void report(String what, long first, long end, long startNs) {
        System.out.printf(
                "%s: %d histories, seeds %d to %d, %d s%n",
                what, end - first, first, end - 1, TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - startNs));
    }
}
