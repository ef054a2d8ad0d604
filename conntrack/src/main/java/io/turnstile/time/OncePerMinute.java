package io.turnstile.time;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What is told to people at most once a minute, by cause: whoever logs what others can bring about as often as they
 * like asks here first. How many causes are told apart is bounded; the others count as one.
 *
 * <p>Threads: any.
 */
public final class OncePerMinute {
    /** So many causes a minute are told apart. */
    public static final int MAX_CAUSES = 64;

    private static final long MINUTE_NS = TimeUnit.MINUTES.toNanos(1);
    private static final String OTHERS = "other causes";

    private final Clock clock;
    /** When each cause was last told, the oldest first. Guarded by this. */
    private final Map<String, Long> toldNs = new LinkedHashMap<>();

    /** Real time: how long a log is, is not a matter of the switch's clock. */
    public OncePerMinute() {
        this(Clock.system());
    }

    /** As {@link #OncePerMinute()}, by another clock. */
    public OncePerMinute(Clock clock) {
        this.clock = clock;
    }

    /** Whether a minute has gone by since the last time that this was true of the cause. */
    public synchronized boolean isDue(String cause) {
        long nowNs = clock.nowNs();
        toldNs.values().removeIf(told -> nowNs - told >= MINUTE_NS);
        String key = toldNs.size() < MAX_CAUSES || toldNs.containsKey(cause) ? cause : OTHERS;
        return toldNs.putIfAbsent(key, nowNs) == null;
    }

    /** The same of something thrown, which is told from others by its class and place. */
    public boolean isDue(String what, Throwable thrown) {
        return isDue(what + " " + cause(thrown));
    }

    /**
     * The class and the place of what was thrown, and of what caused it. Not its words, which whoever brings it about
     * may choose.
     */
    private static String cause(Throwable thrown) {
        String kind = thrown.getClass().getName();
        try {
            Throwable inner = thrown.getCause();
            return kind
                    + place(thrown)
                    + (inner == null ? "" : " by " + inner.getClass().getName() + place(inner));
        } catch (Throwable e) { // contained: a plug-in's may be one that cannot say it
            return kind;
        }
    }

    private static String place(Throwable thrown) {
        StackTraceElement[] trace = thrown.getStackTrace();
        return trace.length == 0 ? "" : " at " + trace[0];
    }
}
