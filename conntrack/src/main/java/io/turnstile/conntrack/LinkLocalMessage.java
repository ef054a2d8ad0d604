package io.turnstile.conntrack;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IcmpHeader;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Ipv6Header;
import io.turnstile.packet.Packet;

/**
 * The ICMPv6 messages by which the nodes of a link speak of the link: neighbour discovery and multicast listeners, all
 * that a firewall must not drop if the link is to work (RFC 4890 §4.4.1). They are neither question nor answer of
 * anybody's connection. Redirect is none of them: whether it is to pass is for a policy to say (§4.4.4).
 *
 * <p>What did not come from the link is none of its messages, nor is what came in fragments (RFC 6980 §5), by which
 * filters are evaded: its receivers ignore it.
 *
 * <p>Threads: stateless.
 */
final class LinkLocalMessage {
    /** Routers count it down, so that nobody off the link can send it (RFC 4861 §3.1, §6.1, §7.1). */
    private static final int NEVER_FORWARDED = 255;
    /** No router forwards it (RFC 2710 §3, RFC 3810 §5). */
    private static final int NOT_TO_BE_FORWARDED = 1;

    private LinkLocalMessage() {}

    /** Whether a packet with layer 4, whose lengths and checksums are good, is one. */
    static boolean is(Packet packet) {
        if (packet.etherType() != EtherTypes.IPV6
                || packet.ipProtocol() != IpProtocols.ICMPV6
                || packet.isReassembled()
                || hasFragmentHeader(packet)) {
            return false;
        }
        int hopLimit = packet.u8(packet.l3Offset() + Ipv6Header.HOP_LIMIT);
        int code = packet.u8(packet.l4Offset() + IcmpHeader.CODE);
        return switch (packet.u8(packet.l4Offset() + IcmpHeader.TYPE)) {
            case IcmpTypes.V6_ROUTER_SOLICITATION,
                    IcmpTypes.V6_ROUTER_ADVERTISEMENT,
                    IcmpTypes.V6_NEIGHBOUR_SOLICITATION,
                    IcmpTypes.V6_NEIGHBOUR_ADVERTISEMENT,
                    IcmpTypes.V6_INVERSE_SOLICITATION,
                    IcmpTypes.V6_INVERSE_ADVERTISEMENT,
                    IcmpTypes.V6_CERTIFICATION_SOLICITATION,
                    IcmpTypes.V6_CERTIFICATION_ADVERTISEMENT -> hopLimit == NEVER_FORWARDED && code == 0;
            case IcmpTypes.V6_LISTENER_QUERY,
                    IcmpTypes.V6_LISTENER_REPORT,
                    IcmpTypes.V6_LISTENER_DONE,
                    IcmpTypes.V6_LISTENER_REPORT_2,
                    IcmpTypes.V6_MULTICAST_ROUTER_ADVERTISEMENT,
                    IcmpTypes.V6_MULTICAST_ROUTER_SOLICITATION,
                    IcmpTypes.V6_MULTICAST_ROUTER_TERMINATION -> hopLimit == NOT_TO_BE_FORWARDED;
            default -> false;
        };
    }

    private static boolean hasFragmentHeader(Packet packet) {
        int next = packet.u8(packet.l3Offset() + Ipv6Header.NEXT_HEADER);
        int offset = packet.l3Offset() + Ipv6Header.BYTES;
        while (offset < packet.l4Offset() && next != IpProtocols.FRAGMENT) {
            int headerBytes = Ipv6Header.extensionBytes(packet, offset, next);
            next = packet.u8(offset + Ipv6Header.EXTENSION_NEXT_HEADER);
            offset += headerBytes;
        }
        return next == IpProtocols.FRAGMENT;
    }
}
