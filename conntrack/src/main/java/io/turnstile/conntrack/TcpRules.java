package io.turnstile.conntrack;

/**
 * By whose rules TCP is followed where Open vSwitch's and those of the RFCs contradict each other (decision 21).
 *
 * <p>For comparisons alone there is {@code -Dio.turnstile.conntrack.tcp-rules=open-vswitch}: the tracker then does to
 * the letter what Open vSwitch's does, so that random traffic shows whether anything else differs.
 */
final class TcpRules {
    private static final String PROPERTY = "io.turnstile.conntrack.tcp-rules";

    static final boolean ARE_RFCS = !"open-vswitch".equals(System.getProperty(PROPERTY));

    private TcpRules() {}
}
