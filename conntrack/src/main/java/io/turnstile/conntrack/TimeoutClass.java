package io.turnstile.conntrack;

/**
 * How long a connection lives after its last packet, by what its protocol's state machine says of it: the defaults of Open vSwitch's
 * userspace tracker (ovs-vswitchd.conf.db(5), CT_Timeout_Policy).
 */
enum TimeoutClass {
    TCP_FIRST_PACKET(30),
    TCP_OPENING(30),
    TCP_ESTABLISHED(24 * 60 * 60),
    TCP_CLOSING(15 * 60),
    TCP_FIN_WAIT(45),
    TCP_CLOSED(30),
    OTHER_FIRST(60),
    OTHER_MULTIPLE(60),
    OTHER_BIDIR(30),
    ICMP_FIRST(60),
    ICMP_REPLY(30);

    private static final TimeoutClass[] BY_ORDINAL = values();

    private final long timeoutNs;

    TimeoutClass(long seconds) {
        timeoutNs = seconds * 1_000_000_000L;
    }

    long timeoutNs() {
        return timeoutNs;
    }

    static TimeoutClass of(int ordinal) {
        return BY_ORDINAL[ordinal];
    }
}
