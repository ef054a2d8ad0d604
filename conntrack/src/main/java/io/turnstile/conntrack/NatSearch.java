package io.turnstile.conntrack;

import io.turnstile.packet.IpProtocols;
import java.util.random.RandomGenerator;

/**
 * The search chooses how a new connection is translated: the tuple that its replies will bear, which no connection has
 * yet (ovs-actions(7) nat). Semantics of Open vSwitch:
 *
 * <ul>
 *   <li>The address is picked in the range by a hash: of the whole tuple under the tracker's key, or with
 *       {@code persistent} of source address and zone alone, without key. A range that begins with the all-zero
 *       address, or none, keeps the address: the all-zero SNAT, which only gives way to a port that is taken.
 *   <li>The port is picked in the range likewise, always under the key, or with {@code random} by chance; if it is
 *       taken, the next ones follow. Without a port range SNAT begins with the port that the sender chose and goes on
 *       in that port's class: 1–511, 600–1023 or 1024–65535. DNAT keeps the destination port. Once the destination
 *       ports are exhausted, DNAT gives the source port another value of its class.
 *   <li>Protocols whose ports are not tracked (their port in the tuple is 0) are told apart by addresses alone.
 * </ul>
 *
 * <p>The identifier of ICMP and ICMPv6 is no port (RFC 5508 §3.1): a range of ports says nothing of it. It stays, or if
 * it is taken becomes any other (decision 20).
 *
 * <p>Beyond that, a connection that is not to be {@code persistent} goes on to the range's next addresses when all that
 * was tried of the first one's ports was taken. Work is bounded: at most {@value #MAX_STEPS} tuples are tried in all,
 * of them at most {@value #MAX_STEPS_PER_PORT_RANGE} of one port range of one address. A range that fits in these
 * bounds is searched whole if it has at most {@value #FIRST_STRETCH} ports; of larger ones stretches that begin at
 * random, so that exhaustion may be found a little before it is there.
 *
 * <p>IPv6 ranges reach at most 2^32 - 1 addresses from their first one. Allocates nothing.
 *
 * <p>Threads: scratch of one.
 */
final class NatSearch {
    /** Tuples that one search tries at most. */
    static final int MAX_STEPS = 512;
    /** The first stretch, then shorter ones: 64, 32, 16 and 8. */
    static final int MAX_STEPS_PER_PORT_RANGE = 248;

    private static final int FIRST_STRETCH = 128;
    private static final int LAST_STRETCH_HALVED = 16;
    private static final int MAX_IDENTIFIER = 0xffff;
    private static final long MAX_ADDRESSES = 0xffff_ffffL;

    /** Which ports of the reply a choice fills in. */
    private static final int NO_PORTS = 0;

    private static final int REPLY_DESTINATION = 1;
    private static final int REPLY_SOURCE = 2;
    /** ICMP: one identifier is both. */
    private static final int BOTH = REPLY_DESTINATION | REPLY_SOURCE;

    private final NatHash hash;
    private final RandomGenerator random;
    private final Occupancy occupancy;

    private Tuple original = new Tuple();
    private NatRequest request = NatRequest.ANY;
    private TupleKey reply = new TupleKey();
    private int stepsLeft;

    /** Tells which tuples are taken. */
    interface Occupancy {
        /** Whether no connection has the tuple in either direction. */
        boolean isFree(TupleKey reply);
    }

    /**
     * @param hash one for the whole tracker, so that every thread chooses alike
     * @param random asked for {@link NatRequest.Choice#RANDOM} and in ranges that are too large to be searched whole
     */
    NatSearch(NatHash hash, RandomGenerator random, Occupancy occupancy) {
        this.hash = hash;
        this.random = random;
        this.occupancy = occupancy;
    }

    /**
     * Fills {@code reply} (but for its hash) with the tuple that reply packets will bear: of SNAT its destination is
     * the chosen one, of DNAT its source; the other end differs from the original's only if DNAT had to change the
     * source port.
     *
     * @param original the tuple of the connection's first packet
     * @param request of kind {@link NatRequest.Kind#SOURCE} or {@link NatRequest.Kind#DESTINATION}
     * @return false: exhausted, or the range is of the other family; {@code reply} is meaningless then
     */
    boolean find(Tuple original, NatRequest request, TupleKey reply) {
        boolean keepsAddress = (request.minHigh() | request.minLow()) == 0;
        if (!keepsAddress && request.ipv6() != EntryLayout.ipv6(original.kind)) {
            return false;
        }
        this.original = original;
        this.request = request;
        this.reply = reply;
        stepsLeft = MAX_STEPS;
        reply.copyReversed(original);
        reply.related = false;
        long choice = hash.of(original, request);
        long portChoice = request.choice() == NatRequest.Choice.RANDOM ? random.nextLong() : choice >>> 32;
        return keepsAddress
                ? findPorts(portChoice)
                : findAddress(request.persistent() ? NatHash.ofSource(original, request) : choice, portChoice);
    }

    // ---- addresses ----

    private boolean findAddress(long choice, long portChoice) {
        long count = addresses(request);
        long index = Long.remainderUnsigned(choice, count);
        long tries = request.persistent() ? 1 : count;
        for (long i = 0; i < tries && stepsLeft > 0; i++) {
            putAddress(index);
            if (findPorts(portChoice)) {
                return true;
            }
            index = index + 1 == count ? 0 : index + 1;
        }
        return false;
    }

    /** How many addresses the range has: last minus first plus one, in 128 bits, bounded. */
    private static long addresses(NatRequest request) {
        long low = request.maxLow() - request.minLow();
        long borrow = Long.compareUnsigned(request.maxLow(), request.minLow()) < 0 ? 1 : 0;
        long high = request.maxHigh() - request.minHigh() - borrow;
        return high != 0 || Long.compareUnsigned(low, MAX_ADDRESSES) >= 0 ? MAX_ADDRESSES : low + 1;
    }

    private void putAddress(long index) {
        long low = request.minLow() + index;
        long carry = Long.compareUnsigned(low, index) < 0 ? 1 : 0;
        long high = request.minHigh() + carry;
        if (request.kind() == NatRequest.Kind.SOURCE) {
            reply.setDestination(high, low);
        } else {
            reply.setSource(high, low);
        }
    }

    // ---- ports ----

    /** Tries the ports of the address that stands in the reply. */
    private boolean findPorts(long choice) {
        int protocol = EntryLayout.protocol(original.kind);
        int senderSide = senderSide(protocol);
        if (senderSide == NO_PORTS) {
            stepsLeft--;
            return occupancy.isFree(reply);
        }
        reply.sourcePort = original.destinationPort;
        reply.destinationPort = original.sourcePort;
        if (senderSide == BOTH) {
            return findInRange(original.sourcePort, 0, MAX_IDENTIFIER, BOTH);
        }
        if (!request.hasPorts()) {
            return findInSenderClass();
        }
        int first = request.minPort();
        int begin = first + (int) Long.remainderUnsigned(choice, request.maxPort() - first + 1);
        if (request.kind() == NatRequest.Kind.SOURCE) {
            return findInRange(begin, first, request.maxPort(), REPLY_DESTINATION);
        }
        if (findInRange(begin, first, request.maxPort(), REPLY_SOURCE)) {
            return true;
        }
        putPort(REPLY_SOURCE, begin);
        return findInSenderClass();
    }

    /** Which ports of the reply stand for the port that the sender chose. */
    private int senderSide(int protocol) {
        boolean ipv6 = EntryLayout.ipv6(original.kind);
        return switch (protocol) {
            case IpProtocols.ICMP -> ipv6 ? NO_PORTS : BOTH;
            case IpProtocols.ICMPV6 -> ipv6 ? BOTH : NO_PORTS;
            default -> original.sourcePort == 0 ? NO_PORTS : REPLY_DESTINATION;
        };
    }

    private boolean findInSenderClass() {
        int port = original.sourcePort;
        if (port < 512) {
            return findInRange(port, 1, 511, REPLY_DESTINATION);
        }
        return port < 1024
                ? findInRange(port, 600, 1023, REPLY_DESTINATION)
                : findInRange(port, 1024, 65535, REPLY_DESTINATION);
    }

    /** Tries {@code begin}, which may lie outside, and ports of {@code [first, last]}. */
    private boolean findInRange(int begin, int first, int last, int side) {
        int count = last - first + 1;
        int stretch = Math.min(count, FIRST_STRETCH);
        int start = begin;
        while (!findInStretch(start, stretch, first, last, side)) {
            if (stretch == count || stretch < LAST_STRETCH_HALVED) {
                return false;
            }
            stretch /= 2;
            start = first + random.nextInt(count);
        }
        return true;
    }

    private boolean findInStretch(int start, int stretch, int first, int last, int side) {
        int port = start;
        for (int i = 0; i < stretch && stepsLeft > 0; i++) {
            putPort(side, port);
            stepsLeft--;
            if (occupancy.isFree(reply)) {
                return true;
            }
            port = port < first || port >= last ? first : port + 1;
        }
        return false;
    }

    private void putPort(int side, int port) {
        if ((side & REPLY_DESTINATION) != 0) {
            reply.destinationPort = port;
        }
        if ((side & REPLY_SOURCE) != 0) {
            reply.sourcePort = port;
        }
    }
}
