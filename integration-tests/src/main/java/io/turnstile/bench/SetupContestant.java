package io.turnstile.bench;

import java.io.IOException;

/** A switch that has handshakes pass through it. Threads: one. */
interface SetupContestant extends AutoCloseable {
    /** For people. */
    String name();

    /**
     * Sets up all connections, and forgets them.
     *
     * @throws IllegalStateException some frame did not come out, or some connection was not made
     */
    SetupRound round() throws IOException, InterruptedException;

    @Override
    void close();
}
