package io.turnstile.offload;

import io.turnstile.time.Clock;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * This conversion brings providers' answers about a connection's last use to the tracker's scale. What lies in the
 * future counts as now, what lies absurdly far back as the end of that; both are counted.
 *
 * <p>Threads: any.
 */
final class LastUse {
    /** No connection is older than this; keeps an absurd answer from overflowing. */
    private static final long MAX_AGE_MS = TimeUnit.DAYS.toMillis(365);
    /** Two clocks that are read one after the other may differ by this. */
    private static final long TOLERANCE_MS = 1;

    private final Clock clock;
    private final WallClockHistory wallClock;
    private final LongAdder implausible = new LongAdder();

    LastUse(Clock clock) {
        this.clock = clock;
        wallClock = new WallClockHistory(clock.nowNs(), clock.wallMs());
    }

    long toMonotonicNs(long epochMs) {
        long nowNs = clock.nowNs();
        wallClock.observe(nowNs, clock.wallMs());
        long ageMs = wallClock.ageMs(epochMs, nowNs);
        if (epochMs < 0 || ageMs < -TOLERANCE_MS || ageMs > MAX_AGE_MS) {
            implausible.increment();
        }
        return nowNs - TimeUnit.MILLISECONDS.toNanos(Math.clamp(epochMs < 0 ? MAX_AGE_MS : ageMs, 0, MAX_AGE_MS));
    }

    /** Has the scale notice when the wall clock is set. To be called every now and then. */
    void observe() {
        wallClock.observe(clock.nowNs(), clock.wallMs());
    }

    long implausible() {
        return implausible.sum();
    }
}
