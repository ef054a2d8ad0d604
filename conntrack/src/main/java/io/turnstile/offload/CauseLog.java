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
 * {@link #CAPACITY} causes everything counts under one more. All lanes share it, so it has texts only: nothing foreign
 * runs here.
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
     * @param failure tells causes apart by the class and the place of what was thrown, whatever its message says; by
     *     its words only where nothing was thrown
     */
    void record(String what, FailureText failure, long wallMs) {
        String first = count(what, failure, wallMs);
        if (first != null) {
            log.warn("{} (further ones are counted, see conntrack/offload-show)", first);
        }
    }

    /** Returns the line of a cause that is new; null if it is not. */
    private synchronized @Nullable String count(String what, FailureText failure, long wallMs) {
        String key = what + (failure.type().isEmpty() ? failure.text() : failure.type() + failure.place());
        Cause cause = causes.get(key);
        if (cause == null && causes.size() >= CAPACITY) {
            key = OVERFLOW;
            cause = causes.get(key);
        }
        boolean isNew = cause == null;
        if (cause == null) {
            String line = key.equals(OVERFLOW) ? OVERFLOW : what + " failed: " + failure.text() + failure.place();
            cause = new Cause(line, wallMs);
            causes.put(key, cause);
        }
        cause.count++;
        cause.lastWallMs = wallMs;
        return isNew ? cause.line : null;
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
