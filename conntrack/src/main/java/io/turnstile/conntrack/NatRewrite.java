package io.turnstile.conntrack;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.HeaderRewrite;
import io.turnstile.packet.IcmpHeader;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.TransportPorts;

/**
 * The rewrite translates one packet in place; checksums follow as {@link HeaderRewrite} says, whatever state the
 * packet's is in. Of ICMP and ICMPv6 both ports of a {@link Tuple} are the identifier. Port 0 leaves the packet's ports
 * alone where the tracker tells connections of a protocol apart by their addresses only. Allocates nothing.
 *
 * <p>Threads: stateless.
 */
final class NatRewrite {
    private NatRewrite() {}

    /**
     * Gives a packet that is no ICMP error the tuple in which it is to leave: what it has of it already costs a
     * comparison. A packet of a connection's original direction leaves with the reversed reply tuple, one of the reply
     * direction with the reversed original tuple.
     */
    static void direct(Packet packet, Tuple leaving) {
        HeaderRewrite.closeForeignChecksum(packet);
        putSource(packet, leaving.sourceHigh, leaving.sourceLow);
        putDestination(packet, leaving.destinationHigh, leaving.destinationLow);
        putPorts(packet, leaving.sourcePort, leaving.destinationPort);
    }

    /**
     * Translates an ICMP error of a connection whose source address changes in the error's direction. The tuple is that
     * in which a packet other than an error would leave ({@link #direct}); the quoted packet has its reverse.
     */
    static void errorSource(Packet packet, Tuple leaving) {
        HeaderRewrite.closeForeignChecksum(packet);
        putSource(packet, leaving.sourceHigh, leaving.sourceLow);
        QuotedRewrite.putReversed(packet, leaving);
    }

    /** Translates as {@link #errorSource} does an ICMP error of a connection whose destination address changes. */
    static void errorDestination(Packet packet, Tuple leaving) {
        HeaderRewrite.closeForeignChecksum(packet);
        putDestination(packet, leaving.destinationHigh, leaving.destinationLow);
        QuotedRewrite.putReversed(packet, leaving);
    }

    private static void putSource(Packet packet, long high, long low) {
        if (packet.etherType() == EtherTypes.IPV6) {
            HeaderRewrite.putIpv6Source(packet, high, low);
        } else {
            HeaderRewrite.putIpv4Source(packet, (int) low);
        }
    }

    private static void putDestination(Packet packet, long high, long low) {
        if (packet.etherType() == EtherTypes.IPV6) {
            HeaderRewrite.putIpv6Destination(packet, high, low);
        } else {
            HeaderRewrite.putIpv4Destination(packet, (int) low);
        }
    }

    private static void putPorts(Packet packet, int source, int destination) {
        int l4 = packet.l4Offset();
        if (l4 == Packet.ABSENT) {
            return;
        }
        switch (packet.ipProtocol()) {
            case IpProtocols.TCP, IpProtocols.UDP -> putSummedPorts(packet, l4, source, destination);
            case IpProtocols.UDP_LITE, IpProtocols.DCCP -> {
                if (source != 0 && l4 + TransportPorts.BYTES <= packet.l3EndOffset()) {
                    putSummedPorts(packet, l4, source, destination);
                }
            }
            case IpProtocols.SCTP -> putSctpPorts(packet, l4, source, destination);
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> {
                if (IcmpTypes.classOf(packet.ipProtocol(), packet.u8(l4 + IcmpHeader.TYPE)) != 0) {
                    HeaderRewrite.putTransport16(packet, l4 + IcmpHeader.IDENTIFIER, source);
                }
            }
            default -> {
                // Addresses only.
            }
        }
    }

    private static void putSummedPorts(Packet packet, int l4, int source, int destination) {
        HeaderRewrite.putTransport16(packet, l4 + TransportPorts.SOURCE, source);
        HeaderRewrite.putTransport16(packet, l4 + TransportPorts.DESTINATION, destination);
    }

    private static void putSctpPorts(Packet packet, int l4, int source, int destination) {
        if (packet.u16(l4 + TransportPorts.SOURCE) != source) {
            HeaderRewrite.putSctpPort(packet, TransportPorts.SOURCE, source);
        }
        if (packet.u16(l4 + TransportPorts.DESTINATION) != destination) {
            HeaderRewrite.putSctpPort(packet, TransportPorts.DESTINATION, destination);
        }
    }
}
