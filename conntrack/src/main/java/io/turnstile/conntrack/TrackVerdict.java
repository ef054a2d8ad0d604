package io.turnstile.conntrack;

/** What a protocol's state machine says of a packet that belongs to a connection. */
enum TrackVerdict {
    /** Established traffic. */
    VALID,
    /** Let pass, but no sign of life: the deadline stays where it is. */
    VALID_AGEING,
    /** Good, but the connection is still new: nothing came back yet. */
    VALID_NEW,
    /** Not a packet that this connection can have. */
    INVALID,
    /** The old connection is over, this packet begins another with the same tuple. */
    BEGINS_ANEW
}
