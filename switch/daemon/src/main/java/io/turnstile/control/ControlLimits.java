package io.turnstile.control;

/**
 * How much the control socket takes upon itself.
 *
 * @param connections more are not open at once: the one that is idle longest makes room, or the newest goes
 * @param halfRequestMs a request that has begun and does not end is not waited for longer
 * @param stallMs who does not take its reply for so long is let go
 */
record ControlLimits(int connections, long halfRequestMs, long stallMs) {
    static final ControlLimits DEFAULT = new ControlLimits(64, 10_000, 60_000);
    /** Requests that wait behind one that is being answered are read up to about here. */
    static final int READ_AHEAD_BYTES = 1 << 16;
}
