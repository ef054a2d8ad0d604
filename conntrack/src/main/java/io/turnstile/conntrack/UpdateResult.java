package io.turnstile.conntrack;

/** What a protocol's state machine says about a packet of a known connection. */
enum UpdateResult {
    /** Fits, and the connection is not answered yet: {@code +new}. */
    NEW,
    /** Fits: {@code +est}. */
    ESTABLISHED,
    /** For the other end to judge: {@code +est}, and nothing of the connection changes. */
    PASSED,
    /** Does not fit: {@code +inv}. */
    INVALID,
    /** Opens a new connection with the tuple of one that is over. */
    REOPEN
}
