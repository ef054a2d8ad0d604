package io.turnstile.offload.conformance;

import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TcpView;
import io.turnstile.offload.spi.TcpView.State;
import io.turnstile.offload.spi.TupleView;
import java.util.List;
import java.util.Set;

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
    private static final int FTP = 21;
    private static final long SERVER = 0xc0a80001L;
    private static final long TRANSLATED = 0xac100000L;
    private static final long PREFIX = 0x20010db8_00000000L;
    private static final int FIRST_CLIENT_PORT = 1024;
    private static final int CLIENT_PORTS = 50_000;
    private static final int BUCKETS = 97;
    private static final int WINDOW = 0xffff;
    private static final int NOT_SEEN = -1;
    private static final long TCP_ESTABLISHED_MS = 86_400_000;
    private static final long TCP_OPENING_MS = 30_000;
    private static final long OTHER_MS = 60_000;
    private static final PortRef INSIDE = port(1, 1, "inside", "system");
    private static final PortRef OUTSIDE = port(2, 2, "outside", "internal");
    private static final PortRef ELSEWHERE = port(0x1_0000_0003L, 3, "elsewhere", "tap");

    /** The switch's ports. The last one's id needs more than 32 bits. */
    static final List<PortRef> PORTS = List.of(INSIDE, OUTSIDE, ELSEWHERE);

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
        /** Its first packets were not seen: TCP without windows' scales. */
        PICKED_UP,
        /** Another connection has announced it. */
        RELATED,
        /** It has a helper, and is not the connection that the helper reads. */
        HELPED,
        OLDER_THAN_THE_PROVIDER
    }

    /** How far a connection has come. */
    enum Stage {
        COMMITTED,
        /** A reply was seen; TCP's handshake lacks its third packet. */
        ANSWERED,
        ESTABLISHED,
        /** Of TCP: the original side has sent its FIN. */
        CLOSING
    }

    private SampleConnections() {}

    private static PortRef port(long id, int number, String name, String kind) {
        return new PortRef(id, number, name, "br0", number, kind, 100 + number, 0x0200_0000_0000L + number, 1500);
    }

    /** The port under another name, with another MTU, on no bridge any more. */
    static PortRef renamed(PortRef port) {
        return new PortRef(port.id(), port.number(), port.name() + "-2", null, -1, port.kind(), 0, port.mac(), 9000);
    }

    /** The kind of the connection with this number. */
    static Kind kind(int number) {
        Kind[] kinds = Kind.values();
        return kinds[number % kinds.length];
    }

    /** The connection is TCP: it has states, and is not established by its first reply. */
    static boolean isTcp(int number) {
        return protocol(kind(number)) == TCP;
    }

    /** How far the connection has come by the time when it is offered to a provider that wants it from then on. */
    static Stage offeredAt(int number, OfferMoment moment) {
        return moment != OfferMoment.COMMITTED || kind(number) == Kind.OLDER_THAN_THE_PROVIDER
                ? Stage.ESTABLISHED
                : Stage.COMMITTED;
    }

    /** The connection as it is when it is offered. */
    static ConnView offered(int number, OfferMoment moment) {
        return view(number, offeredAt(number, moment), Set.of(), false);
    }

    /** The connection as it is once it is established. */
    static ConnView established(int number) {
        return view(number, Stage.ESTABLISHED, Set.of(), false);
    }

    /** The port that the first reply comes in by. */
    static PortRef replyPort(int number) {
        return kind(number) == Kind.HAIRPIN ? INSIDE : OUTSIDE;
    }

    /**
     * The connection as it is then.
     *
     * @param changes what is otherwise about it than it was when it was offered; its stage says how TCP stands
     * @param due its deadline has come
     */
    static ConnView view(int number, Stage stage, Set<ConnChange> changes, boolean due) {
        return view(number, id(number), kind(number) == Kind.ZONE ? 0xffff : 0, tuples(number), stage, changes, due);
    }

    /** A connection with the tuples and all the rest of another, under an id and in a zone of its own. */
    static ConnView twin(int number, int twin, int zone, OfferMoment moment) {
        return view(number, id(twin), zone, tuples(number), offeredAt(number, moment), Set.of(), false);
    }

    /** Another connection with these tuples, in the zone and state of this one. */
    private static ConnView like(ConnView other, int number, TupleView original, TupleView reply) {
        return new ConnView(
                id(number),
                other.zone(),
                other.protocol(),
                original,
                reply,
                other.mark(),
                other.labelHigh(),
                other.labelLow(),
                other.originalIngress(),
                other.replyIngress(),
                other.established(),
                other.tcp(),
                other.timeLeftMs(),
                other.timeoutMs(),
                other.helper(),
                other.parentId(),
                other.parent());
    }

    /** What the tuples of a connection are to those of the one that had them before. */
    enum Succession {
        SAME,
        /** The original direction is the former's reply direction: the other side has opened it. */
        TURNED_ROUND,
        /** Between others; translated so that its replies look as the former's original packets did. */
        TRANSLATED_ONTO_IT
    }

    /** A connection that could not be there at the same time as the former, as they share a tuple of a zone. */
    static ConnView successor(ConnView former, int number, Succession succession) {
        return switch (succession) {
            case SAME -> like(former, number, former.original(), former.reply());
            case TURNED_ROUND -> like(former, number, former.reply(), former.original());
            case TRANSLATED_ONTO_IT -> like(former, number, tuples(number).original(), former.original());
        };
    }

    /** Requests and replies of ICMP are of different types: only what has ports can be turned round. */
    static boolean hasPorts(int number) {
        return switch (protocol(kind(number))) {
            case ICMP, ICMPV6 -> false;
            default -> true;
        };
    }

    private record Tuples(TupleView original, TupleView reply) {}

    private static ConnView view(
            int number, long id, int zone, Tuples tuples, Stage stage, Set<ConnChange> changes, boolean due) {
        Kind kind = kind(number);
        boolean established = stage.compareTo(Stage.ESTABLISHED) >= 0;
        boolean marked = kind == Kind.MARK_AND_LABEL;
        boolean labelled = marked ^ changes.contains(ConnChange.LABEL);
        TcpView tcp = isTcp(number) ? tcp(kind, number, stage) : null;
        long timeoutMs = tcp == null ? OTHER_MS : established ? TCP_ESTABLISHED_MS : TCP_OPENING_MS;
        return new ConnView(
                id,
                zone,
                protocol(kind),
                tuples.original(),
                tuples.reply(),
                marked ^ changes.contains(ConnChange.MARK) ? -1 : 0,
                labelled ? Long.MIN_VALUE : 0,
                labelled ? 1 : 0,
                changes.contains(ConnChange.PORT) ? ELSEWHERE : kind == Kind.PORT_GONE ? PortRef.GONE : INSIDE,
                stage == Stage.COMMITTED ? null : replyPort(number),
                established,
                tcp,
                due ? 0 : timeoutMs,
                timeoutMs,
                kind == Kind.HELPED ? "ftp" : null,
                kind == Kind.RELATED ? id(number + (1 << 23)) : 0,
                kind == Kind.RELATED ? parentOf(tuples.original()) : null);
    }

    /** Between the same hosts, at FTP's own port. */
    private static TupleView parentOf(TupleView t) {
        return new TupleView(
                t.ipv6(),
                t.protocol(),
                t.sourceHigh(),
                t.sourceLow(),
                t.destinationHigh(),
                t.destinationLow(),
                t.sourcePort(),
                FTP,
                0,
                0,
                0);
    }

    private static TcpView tcp(Kind kind, int number, Stage stage) {
        State original = switch (stage) {
            case COMMITTED -> State.SYN_SENT;
            case ANSWERED, ESTABLISHED -> State.ESTABLISHED;
            case CLOSING -> State.CLOSING;
        };
        State reply = switch (stage) {
            case COMMITTED -> State.CLOSED;
            case ANSWERED -> State.SYN_SENT;
            case ESTABLISHED, CLOSING -> State.ESTABLISHED;
        };
        int scale = kind == Kind.PICKED_UP ? NOT_SEEN : 7;
        int start = 0x7fff_fff0 + number; // wraps in some
        return new TcpView(peer(original, start, scale), peer(reply, -start, scale));
    }

    private static TcpView.Peer peer(State state, int sentEnd, int scale) {
        return state == State.CLOSED
                ? new TcpView.Peer(state, 0, 0, 0, NOT_SEEN)
                : new TcpView.Peer(state, sentEnd, sentEnd + WINDOW, WINDOW << Math.max(scale, 0), scale);
    }

    private static Tuples tuples(int number) {
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
        return new Tuples(original, reply);
    }

    private static int protocol(Kind kind) {
        return switch (kind) {
            case TCP_IPV4, TCP_IPV6, SOURCE_NAT, ZONE, HAIRPIN, PICKED_UP, RELATED, HELPED, OLDER_THAN_THE_PROVIDER ->
                TCP;
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

    /**
     * The connection's id. Many share their lower or their upper half: who keeps only one of them mixes connections up.
     */
    static long id(int number) {
        return (number % BUCKETS + 1L) << Integer.SIZE | number / BUCKETS + 1L;
    }
}
