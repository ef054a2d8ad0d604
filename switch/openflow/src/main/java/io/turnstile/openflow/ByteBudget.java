package io.turnstile.openflow;

import java.util.concurrent.atomic.AtomicLong;

/**
 * So many bytes and no more, for all who share them.
 *
 * <p>Threads: any.
 */
final class ByteBudget {
    private final long limitBytes;
    private final AtomicLong takenBytes = new AtomicLong();

    ByteBudget(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    /** Takes so many if they are there; false, and nothing is taken, if not. */
    boolean take(long bytes) {
        if (takenBytes.addAndGet(bytes) <= limitBytes) {
            return true;
        }
        takenBytes.addAndGet(-bytes);
        return false;
    }

    /** Gives back what was taken. */
    void give(long bytes) {
        takenBytes.addAndGet(-bytes);
    }

    long takenBytes() {
        return takenBytes.get();
    }

    long limitBytes() {
        return limitBytes;
    }
}
