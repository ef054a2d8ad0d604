package io.turnstile.offload.spi;

import org.jspecify.annotations.Nullable;

/**
 * A connection as it stood when the operation was made. A value: a provider may keep it, it never changes. The
 * {@link #id()} is what names the connection: the same in every callback of its life, and not used again for another
 * one within any time that matters.
 *
 * @param id stable for life; never 0
 * @param zone conntrack zone, 0–65535
 * @param protocol IP protocol number
 * @param original tuple of the original direction, before any translation
 * @param reply tuple of the reply direction as replies come in: with NAT it is not the mirror of {@code original}
 * @param mark ct_mark at this moment
 * @param labelHigh ct_label at this moment, upper 64 bits
 * @param labelLow ct_label at this moment, lower 64 bits
 * @param originalIngress port by which the committing packet came in
 * @param replyIngress port by which the first reply came in; null while there was none
 */
public record ConnView(
        long id,
        int zone,
        int protocol,
        TupleView original,
        TupleView reply,
        int mark,
        long labelHigh,
        long labelLow,
        PortRef originalIngress,
        @Nullable PortRef replyIngress) {
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int ICMP = 1;
    private static final int ICMPV6 = 58;
    private static final int SCTP = 132;

    /** The protocol's name as {@code dpctl/dump-conntrack} has it, else its number. */
    public String protocolName() {
        return switch (protocol) {
            case TCP -> "tcp";
            case UDP -> "udp";
            case ICMP -> "icmp";
            case ICMPV6 -> "icmpv6";
            case SCTP -> "sctp";
            default -> Integer.toString(protocol);
        };
    }

    /** Protocol, both tuples and zone in the manner of {@code dpctl/dump-conntrack}. */
    @Override
    public String toString() {
        return protocolName() + ",orig=(" + original + "),reply=(" + reply + ")" + (zone == 0 ? "" : ",zone=" + zone);
    }
}
