package io.turnstile.offload;

import io.turnstile.offload.spi.PathEnd;

/** A path that was offered. Threads: any. */
public interface PathHandle {

    /**
     * Takes the path back: it is not offered any further, and who carries it is told to stop. Returns at once; once
     * {@link #isOver} nobody carries it. The direction is wanted again, unless the reason says otherwise.
     */
    void withdraw(PathEnd reason);

    /** Nobody carries the path, and nobody will. */
    boolean isOver();
}
