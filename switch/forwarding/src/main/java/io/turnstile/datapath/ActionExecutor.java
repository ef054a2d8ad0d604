package io.turnstile.datapath;

import io.turnstile.conntrack.Conntrack;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.HeaderRewrite;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;

/**
 * The executor rewrites packets; checksums follow as {@link HeaderRewrite} says. A packet without the header that a
 * rewrite names stays as it is, as in Open vSwitch.
 *
 * <p>Threads: stateless.
 */
final class ActionExecutor {
    private static final int TAG_BYTES = PacketParser.VLAN_TAG_BYTES;
    private static final int MAC_PAIR_BYTES = 12;
    private static final int ND_RESERVED_OFFSET = 4;
    private static final int ND_TARGET_OFFSET = 8;
    private static final int ND_OPTIONS_OFFSET = 24;

    private ActionExecutor() {}

    // ---- VLAN ----

    /** Returns how many packets had no headroom; those are taken out of the batch. */
    static int pushVlan(PacketBatch packets, DatapathAction.PushVlan push) {
        int kept = 0;
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            if (packet.insertBytes(MAC_PAIR_BYTES, TAG_BYTES)) {
                packet.putU16(MAC_PAIR_BYTES, push.tpid());
                packet.putU16(MAC_PAIR_BYTES + 2, push.tci() & ~PacketParser.VLAN_PRESENT);
                packet.setChangedTags(push.tci() | PacketParser.VLAN_PRESENT, packet.vlanTci());
                packets.set(kept++, packet);
            }
        }
        int lost = packets.length() - kept;
        packets.shorten(kept);
        return lost;
    }

    static void popVlan(PacketBatch packets) {
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            if (isTagged(packet)) {
                packet.removeBytes(MAC_PAIR_BYTES, TAG_BYTES);
                int outer = packet.innerVlanTci();
                packet.setChangedTags(outer, outer == 0 ? 0 : behindOuterTag(packet));
            }
        }
    }

    /** Whether there is a tag in the bytes; the parser may have looked for none, or for fewer than there are. */
    private static boolean isTagged(Packet packet) {
        return packet.packetType() == Packet.ETHERNET
                && packet.lengthBytes() >= PacketParser.ETHERNET_BYTES + TAG_BYTES
                && EtherTypes.isTag(packet.u16(MAC_PAIR_BYTES));
    }

    /** The TCI of the second tag as it stands in the bytes; 0 if there is none. */
    private static int behindOuterTag(Packet packet) {
        int type = PacketParser.ETHERNET_BYTES + TAG_BYTES - 2;
        boolean tagged = packet.lengthBytes() >= type + 2 + TAG_BYTES && EtherTypes.isTag(packet.u16(type));
        return tagged ? packet.u16(type + 2) | PacketParser.VLAN_PRESENT : 0;
    }

    // ---- fields ----

    static void setField(PacketBatch packets, DatapathAction.SetField set) {
        for (int i = 0; i < packets.length(); i++) {
            setField(packets.get(i), set);
        }
    }

    private static void setField(Packet packet, DatapathAction.SetField set) {
        switch (set.field()) {
            case ETH_DST -> setEthernetAddress(packet, 0, set);
            case ETH_SRC -> setEthernetAddress(packet, 6, set);
            case VLAN_TCI -> setVlanTci(packet, set);
            case MPLS_LSE -> LabelRewrite.set(packet, set);
            case NW_SRC, NW_DST, IPV6_SRC, IPV6_DST -> {
                packet.setCtConnection(Conntrack.NO_CONNECTION); // With another tuple it is another one's.
                setNetworkField(packet, set);
            }
            case NSH_FLAGS, NSH_TTL, NSH_SPI, NSH_SI, NSH_C1, NSH_C2, NSH_C3, NSH_C4 -> NshRewrite.set(packet, set);
            case NW_TOS, NW_TTL, IPV6_LABEL, NW_PROTO, ARP_SHA, ARP_THA, ND_TARGET, ND_RESERVED, ND_OPTIONS_TYPE ->
                setNetworkField(packet, set);
            case TP_SRC, TP_DST -> {
                packet.setCtConnection(Conntrack.NO_CONNECTION);
                setTransportField(packet, set, set.field() == Field.TP_SRC ? 0 : 2);
            }
            case PKT_MARK -> packet.setMark((int) merge(packet.mark(), set));
            case SKB_PRIORITY -> packet.setPriority((int) merge(packet.priority(), set));
            default -> throw notAPacketField(set);
        }
    }

    private static IllegalArgumentException notAPacketField(DatapathAction.SetField set) {
        return new IllegalArgumentException("not a packet field: " + set.field());
    }

    private static long merge(long old, DatapathAction.SetField set) {
        return (old & ~set.maskLow()) | (set.valueLow() & set.maskLow());
    }

    private static long mergeHigh(long old, DatapathAction.SetField set) {
        return (old & ~set.maskHigh()) | (set.valueHigh() & set.maskHigh());
    }

    private static void setEthernetAddress(Packet packet, int at, DatapathAction.SetField set) {
        if (packet.packetType() == Packet.ETHERNET) {
            packet.putU48(at, merge(packet.u48(at), set));
        }
    }

    private static void setVlanTci(Packet packet, DatapathAction.SetField set) {
        if (isTagged(packet)) {
            int tci = (int) merge(packet.u16(PacketParser.ETHERNET_BYTES), set);
            packet.putU16(PacketParser.ETHERNET_BYTES, tci & ~PacketParser.VLAN_PRESENT);
            packet.setVlan(tci | PacketParser.VLAN_PRESENT, packet.innerVlanTci());
        }
    }

    private static void setNetworkField(Packet packet, DatapathAction.SetField set) {
        int l3 = packet.l3Offset();
        if (l3 == Packet.ABSENT) {
            return;
        }
        HeaderRewrite.closeForeignChecksum(packet);
        switch (packet.etherType()) {
            case EtherTypes.IPV4 -> setIpv4Field(packet, l3, set);
            case EtherTypes.IPV6 -> setIpv6Field(packet, l3, set);
            default -> setArpField(packet, l3, set);
        }
    }

    private static void setArpField(Packet packet, int l3, DatapathAction.SetField set) {
        if (!KeyExtractor.isEthernetIpv4Arp(packet, l3)) {
            return;
        }
        switch (set.field()) {
            case NW_PROTO -> packet.putU16(l3 + 6, (int) merge(packet.u16(l3 + 6), set));
            case ARP_SHA -> packet.putU48(l3 + 8, merge(packet.u48(l3 + 8), set));
            case NW_SRC -> packet.putU32(l3 + 14, (int) merge(packet.u32(l3 + 14), set));
            case ARP_THA -> packet.putU48(l3 + 18, merge(packet.u48(l3 + 18), set));
            case NW_DST -> packet.putU32(l3 + 24, (int) merge(packet.u32(l3 + 24), set));
            case NW_TOS, NW_TTL, IPV6_SRC, IPV6_DST, IPV6_LABEL, ND_TARGET, ND_RESERVED, ND_OPTIONS_TYPE -> {
                // ARP has none of them.
            }
            default -> throw notAPacketField(set);
        }
    }

    private static void setIpv4Field(Packet packet, int l3, DatapathAction.SetField set) {
        switch (set.field()) {
            case NW_SRC -> HeaderRewrite.putIpv4Source(packet, (int) merge(packet.u32(l3 + 12), set));
            case NW_DST -> HeaderRewrite.putIpv4Destination(packet, (int) merge(packet.u32(l3 + 16), set));
            case NW_TOS -> putIpv4Tos(packet, l3, (int) merge(packet.u8(l3 + 1), set));
            case NW_TTL ->
                HeaderRewrite.putIpv4Word(
                        packet, l3 + 8, ((int) merge(packet.u8(l3 + 8), set) << 8) | packet.u8(l3 + 9));
            case IPV6_SRC,
                    IPV6_DST,
                    IPV6_LABEL,
                    NW_PROTO,
                    ARP_SHA,
                    ARP_THA,
                    ND_TARGET,
                    ND_RESERVED,
                    ND_OPTIONS_TYPE -> {
                // IPv4 has none of them; the protocol is ARP's opcode only.
            }
            default -> throw notAPacketField(set);
        }
    }

    private static void setIpv6Field(Packet packet, int l3, DatapathAction.SetField set) {
        switch (set.field()) {
            case IPV6_SRC ->
                HeaderRewrite.putIpv6Source(
                        packet, mergeHigh(packet.u64(l3 + 8), set), merge(packet.u64(l3 + 16), set));
            case IPV6_DST ->
                HeaderRewrite.putIpv6Destination(
                        packet, mergeHigh(packet.u64(l3 + 24), set), merge(packet.u64(l3 + 32), set));
            case NW_TOS -> {
                putIpv6TrafficClass(packet, l3, (int) merge(ipv6TrafficClass(packet, l3), set));
            }
            case IPV6_LABEL ->
                packet.putU32(
                        l3, (packet.u32(l3) & 0xfff0_0000) | ((int) merge(packet.u32(l3) & 0xf_ffff, set) & 0xf_ffff));
            case NW_TTL -> packet.putU8(l3 + 7, (int) merge(packet.u8(l3 + 7), set));
            case ND_TARGET, ARP_SHA, ARP_THA -> setNeighbourField(packet, set);
            case ND_RESERVED, ND_OPTIONS_TYPE -> setNeighbourExtension(packet, set);
            case NW_SRC, NW_DST, NW_PROTO -> {
                // IPv6 has none of them; the protocol is ARP's opcode only.
            }
            default -> throw notAPacketField(set);
        }
    }

    private static void putIpv4Tos(Packet packet, int l3, int tos) {
        HeaderRewrite.putIpv4Word(packet, l3, (packet.u8(l3) << 8) | tos);
    }

    private static int ipv6TrafficClass(Packet packet, int l3) {
        return (packet.u32(l3) >>> 20) & 0xff;
    }

    private static void putIpv6TrafficClass(Packet packet, int l3, int trafficClass) {
        packet.putU32(l3, (packet.u32(l3) & 0xf00f_ffff) | (trafficClass << 20));
    }

    /** Makes the drop precedence greater by so many levels, if the packet's class has one ({@link DropPrecedence}). */
    static void remark(Packet packet, int levels) {
        int l3 = packet.l3Offset();
        if (l3 == Packet.ABSENT) {
            return;
        }
        switch (packet.etherType()) {
            case EtherTypes.IPV4 -> {
                HeaderRewrite.closeForeignChecksum(packet);
                putIpv4Tos(packet, l3, DropPrecedence.raised(packet.u8(l3 + 1), levels));
            }
            case EtherTypes.IPV6 -> {
                HeaderRewrite.closeForeignChecksum(packet);
                putIpv6TrafficClass(packet, l3, DropPrecedence.raised(ipv6TrafficClass(packet, l3), levels));
            }
            default -> {
                // No traffic class.
            }
        }
    }

    /** RFC 4861: the target, and the link-layer address options as arp_sha (source) and arp_tha (target). */
    private static void setNeighbourField(Packet packet, DatapathAction.SetField set) {
        int l4 = packet.l4Offset();
        if (packet.ipProtocol() != IpProtocols.ICMPV6
                || l4 == Packet.ABSENT
                || !KeyExtractor.isNeighbourDiscovery(packet, l4)) {
            return;
        }
        if (set.field() == Field.ND_TARGET) {
            int target = l4 + ND_TARGET_OFFSET;
            HeaderRewrite.putTransport64(packet, target, mergeHigh(packet.u64(target), set));
            HeaderRewrite.putTransport64(packet, target + 8, merge(packet.u64(target + 8), set));
            return;
        }
        int wanted = set.field() == Field.ARP_SHA ? 1 : 2;
        int option = l4 + ND_OPTIONS_OFFSET;
        while (option + 8 <= packet.l3EndOffset() && packet.u8(option + 1) != 0) {
            if (packet.u8(option) == wanted && packet.u8(option + 1) == 1) {
                long kindAndLength = (long) packet.u16(option) << 48;
                HeaderRewrite.putTransport64(packet, option, kindAndLength | merge(packet.u48(option + 2), set));
                return;
            }
            option += packet.u8(option + 1) * 8;
        }
    }

    /** The flags and reserved bits, and the type of whatever option comes first, as in Open vSwitch. */
    private static void setNeighbourExtension(Packet packet, DatapathAction.SetField set) {
        int l4 = packet.l4Offset();
        if (packet.ipProtocol() != IpProtocols.ICMPV6
                || l4 == Packet.ABSENT
                || !KeyExtractor.isNeighbourDiscovery(packet, l4)) {
            return;
        }
        int option = l4 + ND_OPTIONS_OFFSET;
        if (set.field() == Field.ND_RESERVED) {
            int reserved = l4 + ND_RESERVED_OFFSET;
            HeaderRewrite.putTransport32(packet, reserved, (int) merge(packet.u32(reserved), set));
        } else if (option < packet.l3EndOffset()) {
            HeaderRewrite.putTransport8(packet, option, (int) merge(packet.u8(option), set));
        }
    }

    private static void setTransportField(Packet packet, DatapathAction.SetField set, int portOffset) {
        int l4 = packet.l4Offset();
        if (l4 == Packet.ABSENT || packet.l3Offset() == Packet.ABSENT) {
            return;
        }
        HeaderRewrite.closeForeignChecksum(packet);
        switch (packet.ipProtocol()) {
            case IpProtocols.TCP, IpProtocols.UDP ->
                HeaderRewrite.putTransport16(packet, l4 + portOffset, (int) merge(packet.u16(l4 + portOffset), set));
            case IpProtocols.SCTP ->
                HeaderRewrite.putSctpPort(packet, portOffset, (int) merge(packet.u16(l4 + portOffset), set));
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> {
                // tp_src is the type, tp_dst the code: the two bytes of the first word.
                int old = packet.u16(l4);
                int value = portOffset == 0
                        ? (((int) merge(old >> 8, set) & 0xff) << 8) | (old & 0xff)
                        : (old & 0xff00) | ((int) merge(old & 0xff, set) & 0xff);
                HeaderRewrite.putTransport16(packet, l4, value);
            }
            default -> {
                // No ports.
            }
        }
    }
}
