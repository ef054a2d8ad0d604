package io.turnstile.offload;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The history finds out how long ago a reading of the wall clock was taken, though that clock may have been set since.
 * It remembers when the wall clock jumped, and reads each answer on the scale that was in force at the time.
 *
 * <p>After a jump backwards some readings exist on both sides of it; the newer meaning is taken, which errs on the side
 * of keeping a connection for no longer than its timeout.
 *
 * <p>Threads: any.
 */
final class WallClockHistory {
    /** A difference of more than this between two looks is a jump; less is the clock being slewed. */
    static final long JUMP_MS = 500;
    /** Jumps that are remembered. */
    static final int CAPACITY = 8;

    private static final long MS = 1_000_000;

    /** A time during which wall clock and monotonic clock ran together; the scales meet at its start. */
    private static final class Span {
        private final long startNs;
        private final long startMs;
        private long lastNs;
        private long lastMs;

        private Span(long nowNs, long wallMs) {
            startNs = nowNs;
            startMs = wallMs;
            lastNs = nowNs;
            lastMs = wallMs;
        }
    }

    private final Deque<Span> spans = new ArrayDeque<>(); // guarded by this; newest first

    WallClockHistory(long nowNs, long wallMs) {
        spans.push(new Span(nowNs, wallMs));
    }

    /** What both clocks say now. Once a batch. */
    synchronized void observe(long nowNs, long wallMs) {
        Span span = spans.peek();
        long expectedMs = span.lastMs + (nowNs - span.lastNs) / MS;
        if (Math.abs(wallMs - expectedMs) > JUMP_MS) {
            span.lastMs = expectedMs; // the old scale held until now
            span.lastNs = nowNs;
            spans.push(new Span(nowNs, wallMs));
            if (spans.size() > CAPACITY) {
                spans.removeLast();
            }
        } else if (nowNs - span.lastNs > 0) {
            span.lastNs = nowNs;
            span.lastMs = wallMs;
        }
    }

    /** How long before {@code nowNs} the wall clock showed {@code epochMs}, ms; negative if it has not yet. */
    synchronized long ageMs(long epochMs, long nowNs) {
        for (Span span : spans) {
            if (epochMs >= span.startMs && epochMs <= span.lastMs) {
                return age(span, epochMs, nowNs);
            }
        }
        Span newer = null;
        for (Span span : spans) {
            if (newer != null && epochMs > span.lastMs && epochMs < newer.startMs) {
                return (nowNs - newer.startNs) / MS; // a time that the clock jumped over
            }
            newer = span;
        }
        return age(epochMs > spans.peek().lastMs ? spans.peek() : spans.peekLast(), epochMs, nowNs);
    }

    private static long age(Span span, long epochMs, long nowNs) {
        long beforeEndMs = epochMs < 0 ? span.lastMs : span.lastMs - epochMs;
        return (nowNs - span.lastNs) / MS + beforeEndMs;
    }
}
