package io.turnstile.time;

import java.time.Duration;

/**
 * A clock that stands still until it is told to move: for tests, the embedded switch, and {@code ovs-appctl time/stop}
 * with {@code time/warp}. Wall clock and monotonic clock move together.
 *
 * <p>Threads: any may read; moves are atomic.
 */
public final class ManualClock implements Clock {
    /**
     * What the wall clock shows at the start unless it is told otherwise: 2026-01-01T00:00:00Z. Not the epoch, since 0
     * means "unknown" to offload providers.
     */
    public static final long START_WALL_MS = 1_767_225_600_000L;

    private static final long NS_PER_MS = 1_000_000L;

    private final long originNs;
    private final long originWallMs;
    private long elapsedNs; // guarded by this

    /** Starts at 0 and {@link #START_WALL_MS}. */
    public ManualClock() {
        this(0, START_WALL_MS);
    }

    /** Starts at the given readings; tests start some clocks near {@link Long#MAX_VALUE} to meet the wrap. */
    public ManualClock(long originNs, long originWallMs) {
        this.originNs = originNs;
        this.originWallMs = originWallMs;
    }

    /** Starts where {@code source} stands now. */
    public static ManualClock stoppedAt(Clock source) {
        return new ManualClock(source.nowNs(), source.wallMs());
    }

    /** Moves both readings forward; a negative step is refused with {@link IllegalArgumentException}. */
    public synchronized void advance(Duration step) {
        if (step.isNegative()) {
            throw new IllegalArgumentException("time goes forward only: " + step);
        }
        elapsedNs += step.toNanos();
    }

    @Override
    public synchronized long nowNs() {
        return originNs + elapsedNs;
    }

    @Override
    public synchronized long wallMs() {
        return originWallMs + elapsedNs / NS_PER_MS;
    }
}
