package io.turnstile.conntrack;

/**
 * An association's state, by the names that {@code dpctl/dump-conntrack} prints (ct-dpif's CT_DPIF_SCTP_STATE_*).
 * Unlike TCP there is one for both sides.
 */
public enum SctpState {
    CLOSED,
    /** INIT seen. */
    COOKIE_WAIT,
    COOKIE_ECHOED,
    ESTABLISHED,
    /** The original side has sent SHUTDOWN. */
    SHUTDOWN_SENT,
    /** The reply side has sent SHUTDOWN. */
    SHUTDOWN_RECD,
    SHUTDOWN_ACK_SENT,
    /** Picked up from a HEARTBEAT that was not answered yet: often a second path of an association. */
    HEARTBEAT_SENT
}
