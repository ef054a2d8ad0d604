package io.turnstile.offload;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * Failures by distinct cause: the first of each kind is logged as one line, later ones are counted. Bounded: beyond
 * {@link #CAPACITY} causes everything counts under one more.
 *
 * <p>Threads: any.
 */
final class CauseLog {
    static final int CAPACITY = 64;
    private static final String OVERFLOW = "other causes";

    private final Logger log;
    private final Map<String, Cause> causes = new LinkedHashMap<>(); // guarded by this

    CauseLog(Logger log) {
        this.log = log;
    }

    private static final class Cause {
        private final String line;
        private final long firstWallMs;
        private long lastWallMs;
        private long count;

        private Cause(String line, long firstWallMs) {
            this.line = line;
            this.firstWallMs = firstWallMs;
        }
    }

    /**
     * Counts a failure, and logs the first of its cause.
     *
     * @param what who did what: {@code dummy: add}
     * @param text the failure in words; tells causes apart only where nothing was thrown
     * @param thrown tells causes apart by its class and the place it was thrown at, whatever its message says
     */
    synchronized void record(String what, String text, @Nullable Throwable thrown, long wallMs) {
        String key = what + (thrown == null ? text : thrown.getClass().getName() + place(thrown));
        Cause cause = causes.get(key);
        if (cause == null && causes.size() >= CAPACITY) {
            key = OVERFLOW;
            cause = causes.get(key);
        }
        if (cause == null) {
            String line = key.equals(OVERFLOW) ? OVERFLOW : what + " failed: " + text + place(thrown);
            cause = new Cause(line, wallMs);
            causes.put(key, cause);
            log.warn("{} (further ones are counted, see conntrack/offload-show)", line);
        }
        cause.count++;
        cause.lastWallMs = wallMs;
    }

    private static String place(@Nullable Throwable thrown) {
        if (thrown == null || thrown.getStackTrace().length == 0) {
            return "";
        }
        StackTraceElement top = thrown.getStackTrace()[0];
        return " at " + top.getClassName() + "." + top.getMethodName() + ":" + top.getLineNumber();
    }

    /** One line per cause with count, first and last time (UTC). */
    synchronized List<String> lines() {
        List<String> lines = new ArrayList<>(causes.size());
        causes.values()
                .forEach(cause -> lines.add(cause.count + " x " + cause.line
                        + " (first " + Instant.ofEpochMilli(cause.firstWallMs) + ", last "
                        + Instant.ofEpochMilli(cause.lastWallMs) + ")"));
        return lines;
    }
}
