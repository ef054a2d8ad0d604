package io.turnstile.conntrack;

import io.turnstile.packet.IpProtocols;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The filter selects connections by zone, protocol, mark, label and parts of their tuples, as {@code ovs-ofctl
 * ct-flush} and {@code dpctl/flush-conntrack} do (ovs-ofctl(8)), and by state. Zero stands for "any" in everything that
 * has no mask, so that an empty filter selects all; of ICMP's id, type and code, where zero means something, those
 * count that were asked for.
 *
 * <p>Threads: filled by one, then any.
 */
public final class ConnectionFilter implements Predicate<ConnectionSnapshot> {
    /**
     * What is asked of one direction's tuple; addresses are two longs, an IPv4 address in the low 32 bits of
     * {@code …Low}. A mask of zero is no mask: the value counts as a whole, unless it is zero.
     */
    public static final class PartialTuple {
        public long sourceHigh;
        public long sourceLow;
        public long destinationHigh;
        public long destinationLow;
        public long sourceMaskHigh;
        public long sourceMaskLow;
        public long destinationMaskHigh;
        public long destinationMaskLow;
        public int sourcePort;
        public int destinationPort;
        public int sourcePortMask;
        public int destinationPortMask;
        /** Null: any, as of the other two. A connection of another protocol than ICMP and ICMPv6 has none of them. */
        public @Nullable Integer icmpId;

        public @Nullable Integer icmpType;
        public @Nullable Integer icmpCode;

        private boolean matches(ConnectionSnapshot.Tuple tuple) {
            return hasAddresses(tuple)
                    && hasPorts(tuple)
                    && fits(icmpId, tuple.icmpId)
                    && fits(icmpType, tuple.icmpType)
                    && fits(icmpCode, tuple.icmpCode);
        }

        private static boolean fits(@Nullable Integer wanted, int value) {
            return wanted == null || wanted == value;
        }

        private boolean hasAddresses(ConnectionSnapshot.Tuple tuple) {
            return fits(sourceHigh, sourceLow, sourceMaskHigh, sourceMaskLow, tuple.sourceHigh, tuple.sourceLow)
                    && fits(
                            destinationHigh,
                            destinationLow,
                            destinationMaskHigh,
                            destinationMaskLow,
                            tuple.destinationHigh,
                            tuple.destinationLow);
        }

        private boolean hasPorts(ConnectionSnapshot.Tuple tuple) {
            return fits(sourcePort, sourcePortMask, tuple.sourcePort)
                    && fits(destinationPort, destinationPortMask, tuple.destinationPort);
        }

        private static boolean fits(int wanted, int mask, int value) {
            return fits(0, wanted, 0, mask, 0, value);
        }

        private static boolean fits(long wantedHigh, long wantedLow, long maskHigh, long maskLow, long high, long low) {
            if ((maskHigh | maskLow) != 0) {
                return ((wantedHigh ^ high) & maskHigh | (wantedLow ^ low) & maskLow) == 0;
            }
            return (wantedHigh | wantedLow) == 0 || wantedHigh == high && wantedLow == low;
        }

        private boolean hasMask() {
            return (sourceMaskHigh
                            | sourceMaskLow
                            | destinationMaskHigh
                            | destinationMaskLow
                            | sourcePortMask
                            | destinationPortMask)
                    != 0;
        }

        private boolean isEmpty() {
            return !hasMask()
                    && (sourceHigh | sourceLow | destinationHigh | destinationLow) == 0
                    && (sourcePort | destinationPort) == 0
                    && icmpId == null
                    && icmpType == null
                    && icmpCode == null;
        }

        /** Of ICMP the id stands for the ports; whoever names it need not say which of the two types he means. */
        private boolean isWhole(boolean icmp) {
            return !hasMask()
                    && (sourceHigh | sourceLow) != 0
                    && (destinationHigh | destinationLow) != 0
                    && (icmp ? icmpId != null : sourcePort != 0 && destinationPort != 0);
        }
    }

    /** Null: all zones. */
    public @Nullable Integer zone;
    /** Null: both families. */
    public @Nullable Boolean ipv6;

    public int protocol;
    public final PartialTuple original = new PartialTuple();
    public final PartialTuple reply = new PartialTuple();
    public int mark;
    public int markMask;
    public long labelHigh;
    public long labelLow;
    public long labelMaskHigh;
    public long labelMaskLow;
    /**
     * The states of TCP and SCTP connections, as the dump shows them, by bits of their ordinals; meaningful if any is
     * set.
     */
    public int tcpStates;

    public int sctpStates;
    /** At most so many are to be shown or removed, for who goes through the table; 0: all. Does not count in a test. */
    public int limit;

    private boolean icmp() {
        return protocol == IpProtocols.ICMP || protocol == IpProtocols.ICMPV6;
    }

    /** Nothing is asked but the zone, at most. */
    public boolean isEmpty() {
        return protocol == 0
                && ipv6 == null
                && (tcpStates | sctpStates) == 0
                && original.isEmpty()
                && reply.isEmpty()
                && hasNoMarks();
    }

    /**
     * One connection is named: by a whole tuple, which packets of either direction may bear, in zone 0 if none is
     * given.
     */
    public boolean namesOne() {
        return original.isWhole(icmp()) && reply.isEmpty() && hasNoMarks() && (tcpStates | sctpStates) == 0;
    }

    private boolean hasNoMarks() {
        return markMask == 0 && (labelMaskHigh | labelMaskLow) == 0;
    }

    @Override
    public boolean test(ConnectionSnapshot connection) {
        boolean one = namesOne();
        int wantedZone = zone != null ? zone : one ? 0 : connection.zone;
        if (!isSameKind(connection, wantedZone)) {
            return false;
        }
        if (one) {
            return original.matches(connection.original) || original.matches(connection.reply);
        }
        return original.matches(connection.original) && reply.matches(connection.reply) && bearsMarks(connection);
    }

    /**
     * Tests a connection that somebody looks for: the tuples may be those of either direction, whole or not, in any
     * zone unless one is given.
     */
    public boolean testEitherWay(ConnectionSnapshot connection) {
        return isSameKind(connection, zone != null ? zone : connection.zone)
                && bearsMarks(connection)
                && (original.matches(connection.original) && reply.matches(connection.reply)
                        || original.matches(connection.reply) && reply.matches(connection.original));
    }

    private boolean isSameKind(ConnectionSnapshot connection, int wantedZone) {
        return connection.zone == wantedZone
                && (ipv6 == null || ipv6 == connection.ipv6)
                && (protocol == 0 || protocol == connection.protocol)
                && ((tcpStates | sctpStates) == 0 || isInState(connection));
    }

    private boolean isInState(ConnectionSnapshot connection) {
        return switch (connection.protocol) {
            case IpProtocols.TCP ->
                (tcpStates >>> ConntrackDump.shownState(connection).ordinal() & 1) != 0;
            case IpProtocols.SCTP -> (sctpStates >>> connection.sctpState.ordinal() & 1) != 0;
            default -> false;
        };
    }

    private boolean bearsMarks(ConnectionSnapshot connection) {
        return (connection.mark & markMask) == (mark & markMask)
                && (connection.labelHigh & labelMaskHigh) == (labelHigh & labelMaskHigh)
                && (connection.labelLow & labelMaskLow) == (labelLow & labelMaskLow);
    }
}
