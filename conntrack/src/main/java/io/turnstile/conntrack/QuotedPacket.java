package io.turnstile.conntrack;

import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Ipv4Header;
import io.turnstile.packet.Ipv6Header;
import io.turnstile.packet.Packet;
import io.turnstile.packet.SctpHeader;
import io.turnstile.packet.TcpHeader;

/**
 * This reader finds the transport header of the packet that an ICMP or ICMPv6 error quotes.
 *
 * <p>Threads: stateless.
 */
final class QuotedPacket {
    /** RFC 792: an error quotes at least this much of the transport header. */
    static final int LEAST_TRANSPORT_BYTES = 8;

    private static final int MAX_EXTENSION_HEADERS = 16;

    private QuotedPacket() {}

    /**
     * What has to be there of a quoted transport header. ICMPv6 quotes as much as fits (RFC 4443 §3.1), so that a
     * header of a fixed length is whole, which Open vSwitch asks for too.
     */
    static int neededTransportBytes(int protocol, boolean ipv6) {
        return switch (protocol) {
            case IpProtocols.TCP -> ipv6 ? TcpHeader.MIN_BYTES : LEAST_TRANSPORT_BYTES;
            case IpProtocols.SCTP -> ipv6 ? SctpHeader.BYTES : LEAST_TRANSPORT_BYTES;
            case IpProtocols.UDP, IpProtocols.UDP_LITE, IpProtocols.DCCP, IpProtocols.ICMP, IpProtocols.ICMPV6 ->
                LEAST_TRANSPORT_BYTES;
            default -> 0;
        };
    }

    /** Offset of the quoted IPv4 packet's transport header, 0 if there is none to be had. */
    static int transport4(Packet packet, int l3, int end) {
        if (l3 + Ipv4Header.MIN_BYTES > end || !Ipv4Header.isVersion(packet, l3)) {
            return 0;
        }
        int headerBytes = Ipv4Header.headerBytes(packet, l3);
        boolean later = (packet.u16(l3 + Ipv4Header.FLAGS_AND_OFFSET) & Ipv4Header.OFFSET_MASK) != 0;
        return headerBytes < Ipv4Header.MIN_BYTES || l3 + headerBytes > end || later ? 0 : l3 + headerBytes;
    }

    /**
     * Where the quoted IPv6 packet's transport header is, for {@link #offset} and {@link #protocol}; 0 if there is
     * none.
     */
    static long transport6(Packet packet, int l3, int end) {
        if (l3 + Ipv6Header.BYTES > end || !Ipv6Header.isVersion(packet, l3)) {
            return 0;
        }
        int next = packet.u8(l3 + Ipv6Header.NEXT_HEADER);
        int offset = l3 + Ipv6Header.BYTES;
        for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
            if (!isExtension(next)) {
                return (long) offset << 8 | next;
            }
            boolean fragment = next == IpProtocols.FRAGMENT;
            if (offset + Ipv6Header.EXTENSION_MIN_BYTES > end
                    || fragment
                            && (packet.u16(offset + Ipv6Header.FRAGMENT_OFFSET_AND_MORE) & Ipv6Header.OFFSET_MASK)
                                    != 0) {
                return 0;
            }
            int headerBytes = fragment ? Ipv6Header.FRAGMENT_BYTES : Ipv6Header.extensionBytes(packet, offset, next);
            next = packet.u8(offset + Ipv6Header.EXTENSION_NEXT_HEADER);
            offset += headerBytes;
        }
        return 0;
    }

    static int offset(long transport6) {
        return (int) (transport6 >>> 8);
    }

    static int protocol(long transport6) {
        return (int) transport6 & 0xff;
    }

    private static boolean isExtension(int protocol) {
        return switch (protocol) {
            case IpProtocols.HOP_BY_HOP,
                    IpProtocols.ROUTING,
                    IpProtocols.DESTINATION_OPTIONS,
                    IpProtocols.FRAGMENT,
                    IpProtocols.AUTHENTICATION -> true;
            default -> false;
        };
    }
}
