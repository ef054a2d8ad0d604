package io.turnstile.time;

/**
 * Where time comes from. The monotonic reading may start anywhere and wraps, so two readings are compared by their
 * difference, never by {@code <}. Callers on the packet path read it once a batch.
 *
 * <p>Threads: any.
 */
public interface Clock {

    /** Monotonic time in nanoseconds from an arbitrary origin. */
    long nowNs();

    /** Wall-clock time in milliseconds since the epoch; may jump either way. */
    long wallMs();

    /** The machine's own clock. */
    static Clock system() {
        return SystemClock.INSTANCE;
    }
}
