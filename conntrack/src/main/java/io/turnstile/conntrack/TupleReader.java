package io.turnstile.conntrack;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.FragmentKind;

/**
 * Reads a packet's tuple. An ICMP error yields the tuple of the packet that it quotes, turned round: the error travels
 * against what it complains of.
 *
 * <p>Not trackable, and so {@code +inv}: no IP, header cut short, wrong checksum, port 0, an ICMP message that is
 * neither question nor answer nor error, an error that quotes a packet which its receiver cannot have sent, any
 * fragment. What an error quotes may be a first fragment: it has the ports, and is what a failed reassembly reports.
 *
 * <p>Threads: stateless.
 */
final class TupleReader {
    static final int ICMP_HEADER_BYTES = 8;
    private static final int MAX_EXTENSION_HEADERS = 16;
    /** RFC 792: an error quotes at least this much of the transport header. */
    private static final int QUOTED_TRANSPORT_BYTES = 8;

    private static final int TCP_HEADER_BYTES = 20;
    private static final int SCTP_HEADER_BYTES = 12;

    private TupleReader() {}

    /** Fills the key but for its hash; false if the packet cannot be tracked. */
    static boolean read(Packet packet, int zone, TupleKey key) {
        if (packet.l3Offset() == Packet.ABSENT
                || packet.l4Offset() == Packet.ABSENT
                || packet.fragment() != FragmentKind.NONE
                || !PacketCheck.networkIsGood(packet)) {
            return false;
        }
        boolean ipv6 = packet.etherType() == EtherTypes.IPV6;
        if (!ipv6 && packet.etherType() != EtherTypes.IPV4 || !PacketCheck.transportIsGood(packet)) {
            return false;
        }
        key.related = false;
        readAddresses(packet, packet.l3Offset(), ipv6, key);
        int protocol = packet.ipProtocol();
        key.kind = EntryLayout.kind(zone, protocol, 0, ipv6);
        if (isError(packet)) {
            return readQuoted(packet, packet.l4Offset() + ICMP_HEADER_BYTES, zone, ipv6, key);
        }
        return readTransport(packet, packet.l4Offset(), protocol, ipv6, key);
    }

    /** Whether a packet with a transport header is an ICMP error of its family. */
    static boolean isError(Packet packet) {
        int protocol = packet.ipProtocol();
        return protocol == (packet.etherType() == EtherTypes.IPV6 ? IpProtocols.ICMPV6 : IpProtocols.ICMP)
                && IcmpTypes.isError(protocol, packet.u8(packet.l4Offset()));
    }

    private static void readAddresses(Packet packet, int l3, boolean ipv6, TupleKey key) {
        if (ipv6) {
            key.sourceHigh = packet.u64(l3 + 8);
            key.sourceLow = packet.u64(l3 + 16);
            key.destinationHigh = packet.u64(l3 + 24);
            key.destinationLow = packet.u64(l3 + 32);
        } else {
            long both = packet.u64(l3 + 12);
            key.sourceHigh = 0;
            key.sourceLow = both >>> 32;
            key.destinationHigh = 0;
            key.destinationLow = both & 0xffff_ffffL;
        }
    }

    private static boolean readTransport(Packet packet, int l4, int protocol, boolean ipv6, TupleKey key) {
        if (protocol == (ipv6 ? IpProtocols.ICMPV6 : IpProtocols.ICMP)) {
            return readIcmp(packet, l4, protocol, key);
        }
        return switch (protocol) {
            case IpProtocols.TCP, IpProtocols.UDP, IpProtocols.SCTP, IpProtocols.UDP_LITE, IpProtocols.DCCP -> {
                int both = packet.u32(l4);
                key.sourcePort = both >>> 16;
                key.destinationPort = both & 0xffff;
                yield key.sourcePort != 0 && key.destinationPort != 0;
            }
            default -> {
                key.sourcePort = 0;
                key.destinationPort = 0;
                yield true;
            }
        };
    }

    private static boolean readIcmp(Packet packet, int l4, int protocol, TupleKey key) {
        int icmpClass = IcmpTypes.classOf(protocol, packet.u8(l4));
        if (icmpClass == 0 || packet.u8(l4 + 1) != 0) {
            return false;
        }
        int id = packet.u16(l4 + 4);
        key.sourcePort = id;
        key.destinationPort = id;
        key.kind = EntryLayout.kind(EntryLayout.zone(key.kind), protocol, icmpClass, EntryLayout.ipv6(key.kind));
        return true;
    }

    private static boolean readQuoted(Packet packet, int l3, int zone, boolean ipv6, TupleKey key) {
        long receiverHigh = key.destinationHigh;
        long receiverLow = key.destinationLow;
        int end = packet.l3EndOffset();
        int l4;
        int protocol;
        if (ipv6) {
            long found = quotedTransport6(packet, l3, end);
            l4 = (int) (found >>> 8);
            protocol = (int) found & 0xff;
        } else {
            l4 = quotedTransport4(packet, l3, end);
            protocol = l4 == 0 ? 0 : packet.u8(l3 + 9);
        }
        if (l4 == 0 || l4 + quotedTransportBytes(protocol, ipv6) > end) {
            return false;
        }
        readAddresses(packet, l3, ipv6, key);
        if (key.sourceHigh != receiverHigh || key.sourceLow != receiverLow) {
            return false;
        }
        key.kind = EntryLayout.kind(zone, protocol, 0, ipv6);
        if (!readTransport(packet, l4, protocol, ipv6, key)) {
            return false;
        }
        key.reverse();
        key.related = true;
        return true;
    }

    /**
     * What has to be there of a quoted transport header. ICMPv6 quotes as much as fits (RFC 4443 §3.1), so that a
     * header of a fixed length is whole, which Open vSwitch asks for too.
     */
    private static int quotedTransportBytes(int protocol, boolean ipv6) {
        return switch (protocol) {
            case IpProtocols.TCP -> ipv6 ? TCP_HEADER_BYTES : QUOTED_TRANSPORT_BYTES;
            case IpProtocols.SCTP -> ipv6 ? SCTP_HEADER_BYTES : QUOTED_TRANSPORT_BYTES;
            case IpProtocols.UDP, IpProtocols.UDP_LITE, IpProtocols.DCCP, IpProtocols.ICMP, IpProtocols.ICMPV6 ->
                QUOTED_TRANSPORT_BYTES;
            default -> 0;
        };
    }

    /** Offset of the quoted IPv4 packet's transport header, 0 if there is none to be had. */
    static int quotedTransport4(Packet packet, int l3, int end) {
        if (l3 + 20 > end) {
            return 0;
        }
        int versionAndLength = packet.u8(l3);
        int headerBytes = (versionAndLength & 0xf) * 4;
        boolean later = (packet.u16(l3 + 6) & 0x1fff) != 0;
        return versionAndLength >> 4 != 4 || headerBytes < 20 || l3 + headerBytes > end || later ? 0 : l3 + headerBytes;
    }

    /** {@code offset << 8 | protocol} of the quoted IPv6 packet's transport header, 0 if there is none to be had. */
    static long quotedTransport6(Packet packet, int l3, int end) {
        if (l3 + 40 > end || packet.u8(l3) >> 4 != 6) {
            return 0;
        }
        int next = packet.u8(l3 + 6);
        int offset = l3 + 40;
        for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
            int unitBytes = switch (next) {
                case IpProtocols.HOP_BY_HOP,
                        IpProtocols.ROUTING,
                        IpProtocols.DESTINATION_OPTIONS,
                        IpProtocols.FRAGMENT -> 8;
                case IpProtocols.AUTHENTICATION -> 4;
                default -> 0;
            };
            if (unitBytes == 0) {
                return (long) offset << 8 | next;
            }
            boolean fragment = next == IpProtocols.FRAGMENT;
            if (offset + 8 > end || fragment && (packet.u16(offset + 2) & 0xfff8) != 0) {
                return 0;
            }
            next = packet.u8(offset);
            offset += fragment ? 8 : (packet.u8(offset + 1) + (unitBytes == 4 ? 2 : 1)) * unitBytes;
        }
        return 0;
    }
}
