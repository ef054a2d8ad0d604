package io.turnstile.conntrack;

/**
 * One side's TCP state, by the names that {@code dpctl/dump-conntrack} prints for the userspace datapath (ct-dpif's
 * CT_DPIF_TCPS_*).
 */
public enum TcpState {
    CLOSED,
    LISTEN,
    SYN_SENT,
    SYN_RECV,
    ESTABLISHED,
    CLOSE_WAIT,
    FIN_WAIT_1,
    CLOSING,
    LAST_ACK,
    FIN_WAIT_2,
    TIME_WAIT
}
