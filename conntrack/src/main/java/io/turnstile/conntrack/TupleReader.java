package io.turnstile.conntrack;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IcmpHeader;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Ipv4Header;
import io.turnstile.packet.Ipv6Header;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.FragmentKind;
import org.jspecify.annotations.Nullable;

/**
 * The reader finds a packet's tuple. An ICMP error yields the tuple of the packet that it quotes, reversed: the error
 * travels against what it complains of.
 *
 * <p>What cannot be tracked is {@code +inv}, with a reason. What an error quotes may be a first fragment: it has the
 * ports, and is what a failed reassembly reports.
 *
 * <p>Threads: stateless.
 */
final class TupleReader {
    private TupleReader() {}

    /** Fills the key but for its hash. Returns why the packet cannot be tracked; null if it can. */
    static @Nullable InvalidReason read(Packet packet, int zone, TupleKey key) {
        boolean ipv6 = packet.etherType() == EtherTypes.IPV6;
        if (packet.fragment() != FragmentKind.NONE) {
            return InvalidReason.FRAGMENT;
        }
        if (packet.l3Offset() == Packet.ABSENT || !ipv6 && packet.etherType() != EtherTypes.IPV4) {
            return InvalidReason.NOT_IP;
        }
        if (packet.l4Offset() == Packet.ABSENT) {
            return InvalidReason.NO_TRANSPORT;
        }
        if (!PacketCheck.networkIsGood(packet)) {
            return InvalidReason.L3_CHECKSUM;
        }
        InvalidReason fault = PacketCheck.transportFault(packet);
        if (fault != null) {
            return fault;
        }
        key.related = false;
        readAddresses(packet, packet.l3Offset(), ipv6, key);
        int protocol = packet.ipProtocol();
        key.kind = EntryLayout.kind(zone, protocol, 0, ipv6);
        if (isError(packet)) {
            return readQuoted(packet, packet.l4Offset() + IcmpHeader.BYTES, zone, ipv6, key);
        }
        return readTransport(packet, packet.l4Offset(), protocol, ipv6, key);
    }

    /** Whether a packet with a transport header is an ICMP error of its family. */
    static boolean isError(Packet packet) {
        int protocol = packet.ipProtocol();
        return protocol == (packet.etherType() == EtherTypes.IPV6 ? IpProtocols.ICMPV6 : IpProtocols.ICMP)
                && IcmpTypes.isError(protocol, packet.u8(packet.l4Offset() + IcmpHeader.TYPE));
    }

    private static void readAddresses(Packet packet, int l3, boolean ipv6, TupleKey key) {
        if (ipv6) {
            int source = l3 + Ipv6Header.SOURCE;
            int destination = l3 + Ipv6Header.DESTINATION;
            key.setSource(packet.u64(source), packet.u64(source + Ipv6Header.ADDRESS_LOW));
            key.setDestination(packet.u64(destination), packet.u64(destination + Ipv6Header.ADDRESS_LOW));
        } else {
            key.setIpv4Addresses(packet.u64(l3 + Ipv4Header.SOURCE));
        }
    }

    private static @Nullable InvalidReason readTransport(
            Packet packet, int l4, int protocol, boolean ipv6, TupleKey key) {
        if (protocol == (ipv6 ? IpProtocols.ICMPV6 : IpProtocols.ICMP)) {
            return readIcmp(packet, l4, protocol, key);
        }
        return switch (protocol) {
            case IpProtocols.TCP, IpProtocols.UDP, IpProtocols.SCTP, IpProtocols.UDP_LITE, IpProtocols.DCCP -> {
                key.setJoinedPorts(packet.u32(l4));
                yield key.sourcePort != 0 && key.destinationPort != 0 ? null : InvalidReason.ZERO_PORT;
            }
            default -> {
                key.setJoinedPorts(0);
                yield null;
            }
        };
    }

    private static @Nullable InvalidReason readIcmp(Packet packet, int l4, int protocol, TupleKey key) {
        int icmpClass = IcmpTypes.classOf(protocol, packet.u8(l4 + IcmpHeader.TYPE));
        if (icmpClass == 0 || packet.u8(l4 + IcmpHeader.CODE) != 0) {
            return InvalidReason.ICMP_TYPE;
        }
        int id = packet.u16(l4 + IcmpHeader.IDENTIFIER);
        key.sourcePort = id;
        key.destinationPort = id;
        key.kind = EntryLayout.kind(EntryLayout.zone(key.kind), protocol, icmpClass, EntryLayout.ipv6(key.kind));
        return null;
    }

    private static @Nullable InvalidReason readQuoted(Packet packet, int l3, int zone, boolean ipv6, TupleKey key) {
        long receiverHigh = key.destinationHigh;
        long receiverLow = key.destinationLow;
        int end = packet.l3EndOffset();
        int l4;
        int protocol;
        if (ipv6) {
            long found = QuotedPacket.transport6(packet, l3, end);
            l4 = QuotedPacket.offset(found);
            protocol = QuotedPacket.protocol(found);
        } else {
            l4 = QuotedPacket.transport4(packet, l3, end);
            protocol = l4 == 0 ? 0 : packet.u8(l3 + Ipv4Header.PROTOCOL);
        }
        if (l4 == 0 || l4 + QuotedPacket.neededTransportBytes(protocol, ipv6) > end) {
            return InvalidReason.ICMP_QUOTE;
        }
        readAddresses(packet, l3, ipv6, key);
        if (key.sourceHigh != receiverHigh || key.sourceLow != receiverLow) {
            return InvalidReason.ICMP_QUOTE_SENDER;
        }
        key.kind = EntryLayout.kind(zone, protocol, 0, ipv6);
        if (readTransport(packet, l4, protocol, ipv6, key) != null) {
            return InvalidReason.ICMP_QUOTE;
        }
        key.reverse();
        key.related = true;
        return null;
    }
}
