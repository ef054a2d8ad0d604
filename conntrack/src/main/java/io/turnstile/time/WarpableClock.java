package io.turnstile.time;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The system's clock until it is stopped; then it stands still and moves only when told to ({@code ovs-appctl
 * time/stop}, {@code time/warp}). Both readings move together. It never runs again once stopped, as Open vSwitch's.
 *
 * <p>Threads: any may read without a lock; {@link #stop} and {@link #warp} by any.
 */
public final class WarpableClock implements Clock {
    private final Clock source;
    private volatile @Nullable ManualClock stopped; // null: the source's time counts
    private volatile long warpedMs; // how far the running clock was moved

    public WarpableClock(Clock source) {
        this.source = source;
    }

    /** Time stands still from now on. */
    public synchronized void stop() {
        if (stopped == null) {
            stopped = new ManualClock(nowNs(), wallMs());
        }
    }

    public boolean isStopped() {
        return stopped != null;
    }

    /** Moves time forward, stopped or not. */
    public synchronized void warp(Duration step) {
        if (step.isNegative()) {
            throw new IllegalArgumentException("time goes forward only: " + step);
        }
        ManualClock manual = stopped;
        if (manual != null) {
            manual.advance(step);
        } else {
            warpedMs += step.toMillis();
        }
    }

    @Override
    public long nowNs() {
        ManualClock manual = stopped;
        return manual != null ? manual.nowNs() : source.nowNs() + warpedMs * 1_000_000L;
    }

    @Override
    public long wallMs() {
        ManualClock manual = stopped;
        return manual != null ? manual.wallMs() : source.wallMs() + warpedMs;
    }
}
