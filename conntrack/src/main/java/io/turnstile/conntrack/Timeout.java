package io.turnstile.conntrack;

/**
 * The states of connections that have a timeout of their own, with Open vSwitch's default (ovs-vswitchd.conf.db(5),
 * CT_Timeout_Policy). A constant's ordinal is kept in the entry.
 */
public enum Timeout {
    TCP_SYN_SENT(30),
    TCP_SYN_RECV(30),
    TCP_ESTABLISHED(24 * 60 * 60),
    /** One side has closed. */
    TCP_FIN_WAIT(15 * 60),
    /** Both sides have closed, not all is acknowledged. */
    TCP_TIME_WAIT(45),
    TCP_CLOSE(30),
    /** UDP and every protocol without a state machine. */
    UDP_FIRST(60),
    UDP_SINGLE(60),
    UDP_MULTIPLE(30),
    ICMP_FIRST(60),
    ICMP_REPLY(30);

    private final int defaultSeconds;

    Timeout(int defaultSeconds) {
        this.defaultSeconds = defaultSeconds;
    }

    /** What Open vSwitch has where no policy says otherwise. */
    public long defaultSeconds() {
        return defaultSeconds;
    }
}
