package io.turnstile.offload.conformance;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;

/**
 * Connections of every kind that the switch knows, numbered: the same number is always the same connection, and any two
 * numbers below 2²⁴ differ in their tuples as well as in their ids.
 */
final class SampleConnections {
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int ICMP = 1;
    private static final int ICMPV6 = 58;
    private static final int SCTP = 132;
    private static final int HTTPS = 443;
    private static final long SERVER = 0xc0a80001L;
    private static final long TRANSLATED = 0xac100000L;
    private static final long PREFIX = 0x20010db8_00000000L;
    private static final int FIRST_CLIENT_PORT = 1024;
    private static final int CLIENT_PORTS = 50_000;
    private static final int BUCKETS = 97;
    private static final PortRef INSIDE = new PortRef(1, "inside");
    private static final PortRef OUTSIDE = new PortRef(2, "outside");

    /** What is particular about a connection. The order is the order in which they come. */
    enum Kind {
        TCP_IPV4,
        UDP_IPV4,
        ICMP_IPV4,
        TCP_IPV6,
        UDP_IPV6,
        ICMPV6,
        SCTP_IPV4,
        SOURCE_NAT,
        DESTINATION_NAT,
        ZONE,
        MARK_AND_LABEL,
        HAIRPIN,
        PORT_GONE,
        OLDER_THAN_THE_PROVIDER
    }

    private SampleConnections() {}

    /** The kind of the connection with this number. */
    static Kind kind(int number) {
        Kind[] kinds = Kind.values();
        return kinds[number % kinds.length];
    }

    /**
     * The connection as it is when it was committed. Only of {@link Kind#OLDER_THAN_THE_PROVIDER} is the reply's port
     * known by then.
     */
    static ConnView committed(int number) {
        return view(number, kind(number) == Kind.OLDER_THAN_THE_PROVIDER);
    }

    /** The connection as it is once it got its reply. */
    static ConnView replied(int number) {
        return view(number, true);
    }

    /** The port that the first reply comes in by. */
    static PortRef replyPort(int number) {
        return kind(number) == Kind.HAIRPIN ? INSIDE : OUTSIDE;
    }

    private static ConnView view(int number, boolean replySeen) {
        Kind kind = kind(number);
        int protocol = protocol(kind);
        boolean ipv6 = kind == Kind.TCP_IPV6 || kind == Kind.UDP_IPV6 || kind == Kind.ICMPV6;
        long high = ipv6 ? PREFIX : 0;
        long client = ipv6 ? number + 1 : 0x0a000000L + number;
        long server = ipv6 ? 1L << Integer.SIZE : SERVER;
        int port = FIRST_CLIENT_PORT + number % CLIENT_PORTS;
        TupleView original = tuple(ipv6, protocol, high, client, server, port, HTTPS, false);
        TupleView reply = switch (kind) {
            case SOURCE_NAT -> tuple(false, protocol, 0, server, TRANSLATED + number, HTTPS, port + 1, true);
            case DESTINATION_NAT -> tuple(false, protocol, 0, TRANSLATED + number, client, HTTPS + 1, port, true);
            default -> tuple(ipv6, protocol, high, server, client, HTTPS, port, true);
        };
        boolean marked = kind == Kind.MARK_AND_LABEL;
        return new ConnView(
                id(number),
                kind == Kind.ZONE ? 0xffff : 0,
                protocol,
                original,
                reply,
                marked ? -1 : 0,
                marked ? Long.MIN_VALUE : 0,
                marked ? 1 : 0,
                kind == Kind.PORT_GONE ? new PortRef(INSIDE.number(), null) : INSIDE,
                replySeen ? replyPort(number) : null);
    }

    private static int protocol(Kind kind) {
        return switch (kind) {
            case TCP_IPV4, TCP_IPV6, SOURCE_NAT, ZONE, HAIRPIN, OLDER_THAN_THE_PROVIDER -> TCP;
            case UDP_IPV4, UDP_IPV6, DESTINATION_NAT, MARK_AND_LABEL, PORT_GONE -> UDP;
            case ICMP_IPV4 -> ICMP;
            case ICMPV6 -> ICMPV6;
            case SCTP_IPV4 -> SCTP;
        };
    }

    private static TupleView tuple(
            boolean ipv6,
            int protocol,
            long high,
            long source,
            long destination,
            int sourcePort,
            int destinationPort,
            boolean reply) {
        return switch (protocol) {
            case ICMP -> new TupleView(ipv6, protocol, high, source, high, destination, 0, 0, HTTPS, reply ? 0 : 8, 0);
            case ICMPV6 ->
                new TupleView(ipv6, protocol, high, source, high, destination, 0, 0, HTTPS, reply ? 129 : 128, 0);
            default ->
                new TupleView(ipv6, protocol, high, source, high, destination, sourcePort, destinationPort, 0, 0, 0);
        };
    }

    /** Many ids share their lower or their upper half: who keeps only one of them mixes connections up. */
    private static long id(int number) {
        return (number % BUCKETS + 1L) << Integer.SIZE | number / BUCKETS + 1L;
    }
}
