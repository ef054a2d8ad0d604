package io.turnstile.pipeline;

import io.turnstile.pipeline.OpenFlowSwitch.MonitorPoint;

/**
 * The order of a bridge's changes for those who watch flows: their numbers, and since when a change may be under way
 * that has not taken effect yet.
 *
 * <p>Threads: {@link #point} and {@link #lastNumber} under the table lock, for reading at least; the rest by whoever
 * holds the change lock, under the table lock held for writing.
 */
final class MonitorClock {
    private long lastNumber;
    private int underWay;
    private long underWaySinceNs;

    /** @param nowNs the time that rules of the change bear */
    void changeBegins(long nowNs) {
        if (underWay++ == 0) {
            underWaySinceNs = nowNs;
        }
    }

    void changeEnded() {
        underWay--;
    }

    /** The number of a change that takes effect now. */
    long nextNumber() {
        return ++lastNumber;
    }

    long lastNumber() {
        return lastNumber;
    }

    /** Everything that takes effect after this bears the point's time or a later one. */
    MonitorPoint point(long nowNs) {
        return new MonitorPoint(underWay == 0 ? nowNs : underWaySinceNs, lastNumber);
    }
}
