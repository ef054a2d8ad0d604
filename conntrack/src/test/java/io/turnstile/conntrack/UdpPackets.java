package io.turnstile.conntrack;

import io.turnstile.conntrack.NaiveTracker.Tuple;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;

/** UDP packets of {@link Tuple}s, there and back: hosts are numbers in 10.1.0.0/16 and fc00::/112. */
final class UdpPackets {
    private static final int IPV4_SOURCE = 26;
    private static final int IPV6_SOURCE = 22;

    private UdpPackets() {}

    static Packet of(Tuple tuple) {
        return Frames.udp(end(tuple.ipv6(), tuple.source(), tuple.sourcePort()) + " > "
                        + end(tuple.ipv6(), tuple.destination(), tuple.destinationPort()))
                .packet();
    }

    private static String end(boolean ipv6, int host, int port) {
        return ipv6
                ? "[fc00::" + Integer.toHexString(host) + "]:" + port
                : "10.1." + (host >>> 8) + "." + (host & 0xff) + ":" + port;
    }

    /** Low half of a host's address. */
    static long address(boolean ipv6, int host) {
        return ipv6 ? host : 0x0a01_0000L + host;
    }

    /** High half of a host's address. */
    static long network(boolean ipv6) {
        return ipv6 ? 0xfc00L << 48 : 0;
    }

    static Tuple read(Packet packet, int zone, boolean ipv6) {
        int source = ipv6 ? IPV6_SOURCE + 14 : IPV4_SOURCE + 2;
        int ports = packet.l4Offset();
        return new Tuple(
                zone,
                ipv6,
                packet.u16(source),
                packet.u16(ports),
                packet.u16(source + (ipv6 ? 16 : 4)),
                packet.u16(ports + 2));
    }

    static Tuple read(ConnectionSnapshot.Tuple tuple, int zone, boolean ipv6) {
        return new Tuple(
                zone,
                ipv6,
                (int) tuple.sourceLow & 0xffff,
                tuple.sourcePort,
                (int) tuple.destinationLow & 0xffff,
                tuple.destinationPort);
    }
}
