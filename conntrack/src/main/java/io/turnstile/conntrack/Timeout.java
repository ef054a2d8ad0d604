package io.turnstile.conntrack;

/**
 * How long a connection lives after its last packet, by what its state is: the default policy of the peer
 * (ovs-vswitchd.conf.db(5), CT_Timeout_Policy). A constant's ordinal is kept in the entry.
 */
enum Timeout {
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

    private static final Timeout[] ALL = values();

    private final long ns;

    Timeout(long seconds) {
        this.ns = seconds * 1_000_000_000L;
    }

    long ns() {
        return ns;
    }

    static long ns(int ordinal) {
        return ALL[ordinal].ns;
    }
}
