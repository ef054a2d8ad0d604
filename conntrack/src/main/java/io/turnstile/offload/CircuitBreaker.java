package io.turnstile.offload;

import org.jspecify.annotations.Nullable;

/**
 * The breaker decides when a provider has failed often enough to be left alone, and when to try it again. Closed: all
 * is well. Open: it is not called. Half-open: it is tried, and the first failure or slow call opens again. Each opening
 * lasts twice as long as the one before, until the provider has worked for {@link LaneLimits#provedNs} on end.
 *
 * <p>Threads: any.
 */
final class CircuitBreaker {
    enum Position {
        CLOSED("closed"),
        OPEN("open"),
        HALF_OPEN("half-open");

        private final String text;

        Position(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /**
     * How it stands, at one moment.
     *
     * @param cause why it opened last; null if it never did
     * @param retryInNs until the next try while it is open
     * @param openings how often it opened
     */
    record Reading(Position position, @Nullable String cause, long retryInNs, long openings) {}

    private final LaneLimits limits;
    private Position position = Position.CLOSED;
    private int failuresInARow;
    private int slowInARow;
    private int successes;
    private @Nullable String cause;
    private long openings;
    private long backoffNs;
    private long retryAtNs;
    /** When it closed after having been open. */
    private long closedAtNs;

    CircuitBreaker(LaneLimits limits) {
        this.limits = limits;
    }

    /** Counts a failure; returns the cause to open if it is one too many, else null. */
    synchronized @Nullable String failed(String what) {
        successes = 0;
        failuresInARow++;
        if (position == Position.HALF_OPEN) {
            return "failed again: " + what;
        }
        return position == Position.CLOSED && failuresInARow >= limits.failuresInARow()
                ? failuresInARow + " failures in a row, the last: " + what
                : null;
    }

    synchronized void succeeded() {
        failuresInARow = 0;
        successes++;
    }

    /**
     * A batch is over, and so is the probe, if enough succeeded and nothing failed or was slow.
     *
     * @param durationNs of the longest call of a batch
     * @param nowNs when it was over
     * @return the cause if this was one slow one too many, else null
     */
    synchronized @Nullable String called(long durationNs, long nowNs) {
        if (durationNs <= limits.slowCallNs()) {
            slowInARow = 0;
            closeIfProbed(nowNs);
            return null;
        }
        slowInARow++;
        if (position == Position.HALF_OPEN) {
            return "slow again: a call took " + durationNs / 1_000_000 + " ms";
        }
        return position == Position.CLOSED && slowInARow >= limits.slowInARow()
                ? slowInARow + " slow calls in a row, the last took " + durationNs / 1_000_000 + " ms"
                : null;
    }

    /** The pause is not forgotten yet: an init that works says little of a device that fails under load. */
    private void closeIfProbed(long nowNs) {
        if (position == Position.HALF_OPEN && successes >= limits.probes()) {
            position = Position.CLOSED;
            closedAtNs = nowNs;
        }
    }

    /** Opens, if it is not open: the provider is left alone until {@link #isDue}. */
    synchronized void open(String why, long nowNs) {
        if (position == Position.OPEN) {
            return;
        }
        if (position == Position.CLOSED && nowNs - closedAtNs >= limits.provedNs()) {
            backoffNs = 0;
        }
        position = Position.OPEN;
        cause = why;
        openings++;
        failuresInARow = 0;
        slowInARow = 0;
        successes = 0;
        backoffNs = backoffNs == 0 ? limits.firstBackoffNs() : Math.min(2 * backoffNs, limits.longestBackoffNs());
        retryAtNs = nowNs + backoffNs;
    }

    synchronized boolean isOpen() {
        return position == Position.OPEN;
    }

    synchronized boolean isDue(long nowNs) {
        return position == Position.OPEN && nowNs - retryAtNs >= 0;
    }

    synchronized void halfOpen() {
        position = Position.HALF_OPEN;
        successes = 0;
    }

    /** Forgets what was before, but not how often it opened: somebody has turned hw-offload on again. */
    synchronized void reset() {
        position = Position.CLOSED;
        backoffNs = 0;
        failuresInARow = 0;
        slowInARow = 0;
        successes = 0;
    }

    synchronized Reading reading(long nowNs) {
        return new Reading(position, cause, position == Position.OPEN ? Math.max(0, retryAtNs - nowNs) : 0, openings);
    }
}
