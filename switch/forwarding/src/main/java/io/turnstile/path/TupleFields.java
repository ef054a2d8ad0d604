package io.turnstile.path;

import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.ConnectionSnapshot.Tuple;
import io.turnstile.datapath.Field;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;

/** The tuple of a packet in a flow key: addresses, and ports or an ICMP message's type and code. Threads: stateless. */
final class TupleFields {
    private TupleFields() {}

    /** The tuple with which packets of the direction come to {@code ct()}. */
    static Tuple arriving(ConnectionSnapshot connection, Direction direction) {
        return direction == Direction.ORIGINAL ? connection.original : connection.reply;
    }

    static boolean isIcmp(int protocol) {
        return protocol == IpProtocols.ICMP || protocol == IpProtocols.ICMPV6;
    }

    /** Whether packets of the protocol have ports that can be written. */
    static boolean hasPorts(int protocol) {
        return protocol == IpProtocols.TCP || protocol == IpProtocols.UDP || protocol == IpProtocols.SCTP;
    }

    /** Writes the packet's Ethernet type, protocol and tuple. */
    static void write(ConnectionSnapshot connection, Tuple tuple, long[] key) {
        Field.ETH_TYPE.set(key, connection.ipv6 ? EtherTypes.IPV6 : EtherTypes.IPV4);
        Field.NW_PROTO.set(key, connection.protocol);
        writeAddresses(
                connection.ipv6, tuple.sourceHigh, tuple.sourceLow, tuple.destinationHigh, tuple.destinationLow, key);
        boolean icmp = isIcmp(connection.protocol);
        Field.TP_SRC.set(key, icmp ? tuple.icmpType : tuple.sourcePort);
        Field.TP_DST.set(key, icmp ? tuple.icmpCode : tuple.destinationPort);
    }

    /** The tuple of an answer, turned round: what a packet looks like once it is translated. Type and code stay. */
    static void writeTurned(ConnectionSnapshot connection, Tuple answer, long[] key) {
        writeAddresses(
                connection.ipv6,
                /* sourceHigh= */ answer.destinationHigh,
                /* sourceLow= */ answer.destinationLow,
                /* destinationHigh= */ answer.sourceHigh,
                /* destinationLow= */ answer.sourceLow,
                key);
        if (!isIcmp(connection.protocol)) {
            Field.TP_SRC.set(key, answer.destinationPort);
            Field.TP_DST.set(key, answer.sourcePort);
        }
    }

    private static void writeAddresses(
            boolean ipv6, long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, long[] key) {
        if (ipv6) {
            Field.IPV6_SRC.set(key, sourceHigh, sourceLow);
            Field.IPV6_DST.set(key, destinationHigh, destinationLow);
        } else {
            Field.NW_SRC.set(key, sourceLow);
            Field.NW_DST.set(key, destinationLow);
        }
    }

    /** Whether the packet, which is of the connection's protocol, bears its tuple. */
    static boolean isOf(ConnectionSnapshot connection, Tuple tuple, long[] key) {
        boolean icmp = isIcmp(connection.protocol);
        if (Field.TP_SRC.get(key) != (icmp ? tuple.icmpType : tuple.sourcePort)
                || Field.TP_DST.get(key) != (icmp ? tuple.icmpCode : tuple.destinationPort)) {
            return false;
        }
        if (!connection.ipv6) {
            return Field.NW_SRC.get(key) == tuple.sourceLow && Field.NW_DST.get(key) == tuple.destinationLow;
        }
        return Field.IPV6_SRC.getHigh(key) == tuple.sourceHigh
                && Field.IPV6_SRC.get(key) == tuple.sourceLow
                && Field.IPV6_DST.getHigh(key) == tuple.destinationHigh
                && Field.IPV6_DST.get(key) == tuple.destinationLow;
    }

    static TupleView view(ConnectionSnapshot connection, long[] key, int icmpId) {
        boolean ipv6 = connection.ipv6;
        boolean icmp = isIcmp(connection.protocol);
        int first = (int) Field.TP_SRC.get(key);
        int second = (int) Field.TP_DST.get(key);
        return new TupleView(
                ipv6,
                connection.protocol,
                ipv6 ? Field.IPV6_SRC.getHigh(key) : 0,
                ipv6 ? Field.IPV6_SRC.get(key) : Field.NW_SRC.get(key),
                ipv6 ? Field.IPV6_DST.getHigh(key) : 0,
                ipv6 ? Field.IPV6_DST.get(key) : Field.NW_DST.get(key),
                icmp ? 0 : first,
                icmp ? 0 : second,
                icmpId,
                icmp ? first : 0,
                icmp ? second : 0);
    }
}
