package io.turnstile.openflow;

/**
 * One row of the Controller table, as far as the agent cares.
 *
 * @param target {@code tcp:ip[:port]}, {@code ssl:ip[:port]}, {@code unix:path}; {@code ptcp:[port][:ip]},
 *     {@code pssl:[port][:ip]} and {@code punix:path} listen
 * @param maxBackoffMs longest pause between attempts to connect; at least 1000, 8000 by default
 * @param inactivityProbeMs silence after which an echo is sent, and twice which ends the connection; 0 never
 */
public record ControllerTarget(String target, int maxBackoffMs, int inactivityProbeMs) {
    public static final int DEFAULT_MAX_BACKOFF_MS = 8000;
    public static final int DEFAULT_INACTIVITY_PROBE_MS = 5000;

    public ControllerTarget(String target) {
        this(target, DEFAULT_MAX_BACKOFF_MS, DEFAULT_INACTIVITY_PROBE_MS);
    }

    public ControllerTarget {
        maxBackoffMs = Math.max(1000, maxBackoffMs);
    }

    /** The same with another target. */
    public ControllerTarget withTarget(String other) {
        return new ControllerTarget(other, maxBackoffMs, inactivityProbeMs);
    }

    /** True if controllers come to us. */
    public boolean isPassive() {
        return target.startsWith("p");
    }
}
