package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;

/** The client at the other end of a session. Threads: the server's event loop. */
interface Peer {

    /**
     * Sends a message.
     *
     * @param json may hold an {@link Unfolding}
     * @param rows of which it unfolds
     */
    void send(JsonNode json, RowsHeld rows);

    /** True while the client has not taken what it was sent: what happens meanwhile is told as one change then. */
    boolean isBehind();

    /** What the client has asked for and what waits for it, added to or taken off what it makes the server hold. */
    void charge(ClientBudget.Held what, long bytes);
}
