package io.turnstile.packet;

import io.turnstile.packet.Packet.FragmentKind;

/**
 * The parser finds a frame's layers. It looks no further than the headers' fixed parts and never outside the frame:
 * what is cut short or contradicts itself simply has no such layer, as miniflow extraction of Open vSwitch treats it.
 *
 * <p>Threads: stateless.
 */
public final class PacketParser {
    public static final int ETHERNET_BYTES = 14;
    public static final int VLAN_TAG_BYTES = 4;
    public static final int VLAN_PRESENT = 0x1000;
    public static final int IPV4_MIN_BYTES = 20;
    public static final int IPV6_BYTES = 40;
    public static final int ARP_BYTES = 28;
    public static final int TCP_MIN_BYTES = 20;
    public static final int UDP_BYTES = 8;
    /** ICMP (RFC 792) and ICMPv6 (RFC 4443): type, code, checksum and the word that every message we look into has. */
    public static final int ICMP_BYTES = 8;
    /** Offset in the frame of the type, or of the first tag. */
    private static final int ETHER_TYPE = 12;
    /** Offset in a VLAN tag of what follows it. */
    private static final int VLAN_ETHER_TYPE = 2;

    /** More VLAN tags than this are payload to whoever asks for all; the datapath asks for fewer. */
    private static final int MAX_TAGS = 8;

    private static final int FIRST_ETHER_TYPE = 0x600;

    /** IEEE 802.2 with a SNAP header: DSAP, SSAP, control, an organization of zeros; the Ethernet type comes behind. */
    private static final int SNAP = 0xaaaa;

    private static final int SNAP_CONTROL_AND_ORGANIZATION = 0x0300_0000;
    private static final int SNAP_BYTES = 8;
    private static final int SNAP_ETHER_TYPE = 6;

    /** More extension headers than this is an attack, not a packet. */
    private static final int MAX_EXTENSION_HEADERS = 16;

    private PacketParser() {}

    /** {@link #parse(Packet, int)} with as many tags as there are. */
    public static boolean parse(Packet packet) {
        return parse(packet, MAX_TAGS);
    }

    /**
     * Fills in the packet's layers from its bytes.
     *
     * @param maxTags how many VLAN tags are looked behind at most; another one after these is payload, whose Ethernet
     *     type is the tag's
     * @return false if there is not even an Ethernet header; the frame should be dropped with a counter
     */
    public static boolean parse(Packet packet, int maxTags) {
        packet.clearLayers();
        int length = packet.lengthBytes();
        if (packet.packetType() != Packet.ETHERNET) {
            packet.layers(packet.packetType() & 0xffff, 0, Packet.ABSENT, length);
            parseNetwork(packet, 0, length);
            return true;
        }
        if (length < ETHERNET_BYTES) {
            return false;
        }
        int offset = ETHERNET_BYTES;
        int etherType = packet.u16(ETHER_TYPE);
        int vlanTci = 0;
        for (int tag = 0; tag < maxTags && EtherTypes.isTag(etherType) && length >= offset + VLAN_TAG_BYTES; tag++) {
            int tci = packet.u16(offset) | VLAN_PRESENT;
            if (tag == 0) {
                vlanTci = tci;
            } else if (tag == 1) {
                packet.setVlan(vlanTci, tci);
            }
            etherType = packet.u16(offset + VLAN_ETHER_TYPE);
            offset += VLAN_TAG_BYTES;
        }
        if (etherType < FIRST_ETHER_TYPE) {
            etherType = EtherTypes.NOT_ETH_TYPE;
            if (isSnap(packet, offset, length)) {
                int behind = packet.u16(offset + SNAP_ETHER_TYPE);
                etherType = behind < FIRST_ETHER_TYPE ? etherType : behind;
                offset += SNAP_BYTES;
            }
        }
        packet.setPayloadOffset(offset);
        packet.layers(etherType, vlanTci, Packet.ABSENT, length);
        parseNetwork(packet, offset, length);
        return true;
    }

    private static boolean isSnap(Packet packet, int offset, int length) {
        return length >= offset + SNAP_BYTES
                && packet.u16(offset) == SNAP
                && packet.u32(offset + 2) == SNAP_CONTROL_AND_ORGANIZATION;
    }

    /** Finds the layers of what stands at {@link Packet#payloadOffset} anew, as if its type were this one. */
    public static void parsePayload(Packet packet, int etherType) {
        packet.forgetPayload(etherType);
        parseNetwork(packet, packet.payloadOffset(), packet.lengthBytes());
    }

    private static void parseNetwork(Packet packet, int offset, int length) {
        int etherType = packet.etherType();
        switch (etherType) {
            case EtherTypes.IPV4 -> parseIpv4(packet, offset, length);
            case EtherTypes.IPV6 -> parseIpv6(packet, offset, length);
            case EtherTypes.ARP, EtherTypes.RARP -> {
                if (length >= offset + ARP_BYTES) {
                    packet.layers(etherType, packet.vlanTci(), offset, length);
                }
            }
            default -> {
                // No network layer that we know.
            }
        }
    }

    /** RFC 791 §3.1. A header whose lengths contradict each other or the frame leaves the packet without layer 3. */
    private static void parseIpv4(Packet packet, int l3, int frameLength) {
        if (frameLength < l3 + IPV4_MIN_BYTES) {
            return;
        }
        int headerBytes = Ipv4Header.headerBytes(packet, l3);
        int totalBytes = packet.u16(l3 + Ipv4Header.TOTAL_LENGTH);
        if (!Ipv4Header.isVersion(packet, l3)
                || headerBytes < IPV4_MIN_BYTES
                || totalBytes < headerBytes
                || l3 + totalBytes > frameLength) {
            return;
        }
        int end = l3 + totalBytes;
        packet.layers(packet.etherType(), packet.vlanTci(), l3, end);
        int fragmentWord = packet.u16(l3 + Ipv4Header.FLAGS_AND_OFFSET);
        FragmentKind fragment = (fragmentWord & Ipv4Header.OFFSET_MASK) != 0
                ? FragmentKind.LATER
                : (fragmentWord & Ipv4Header.MORE_FRAGMENTS) != 0 ? FragmentKind.FIRST : FragmentKind.NONE;
        int protocol = packet.u8(l3 + Ipv4Header.PROTOCOL);
        packet.transport(protocol, fragment, transportOffset(protocol, fragment, l3 + headerBytes, end));
    }

    /** RFC 8200 §3 and §4; extension headers are walked to the last next-header value. */
    private static void parseIpv6(Packet packet, int l3, int frameLength) {
        if (frameLength < l3 + IPV6_BYTES || !Ipv6Header.isVersion(packet, l3)) {
            return;
        }
        int end = l3 + IPV6_BYTES + packet.u16(l3 + Ipv6Header.PAYLOAD_LENGTH);
        if (end > frameLength) {
            return;
        }
        packet.layers(packet.etherType(), packet.vlanTci(), l3, end);
        int next = packet.u8(l3 + Ipv6Header.NEXT_HEADER);
        int offset = l3 + IPV6_BYTES;
        FragmentKind fragment = FragmentKind.NONE;
        for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
            int headerBytes;
            switch (next) {
                case IpProtocols.HOP_BY_HOP,
                        IpProtocols.ROUTING,
                        IpProtocols.DESTINATION_OPTIONS,
                        IpProtocols.AUTHENTICATION -> {
                    if (offset + Ipv6Header.EXTENSION_MIN_BYTES > end) {
                        packet.transport(next, fragment, Packet.ABSENT);
                        return;
                    }
                    headerBytes = Ipv6Header.extensionBytes(packet, offset, next);
                }
                case IpProtocols.FRAGMENT -> {
                    if (offset + Ipv6Header.FRAGMENT_BYTES > end) {
                        packet.transport(next, fragment, Packet.ABSENT);
                        return;
                    }
                    int word = packet.u16(offset + Ipv6Header.FRAGMENT_OFFSET_AND_MORE);
                    // A second fragment header makes nothing whole again. Reserved bits count, as in Open vSwitch.
                    fragment = (word & Ipv6Header.OFFSET_MASK) != 0
                            ? FragmentKind.LATER
                            : word != 0 ? FragmentKind.FIRST : fragment;
                    headerBytes = Ipv6Header.FRAGMENT_BYTES;
                }
                default -> {
                    packet.transport(next, fragment, transportOffset(next, fragment, offset, end));
                    return;
                }
            }
            next = packet.u8(offset + Ipv6Header.EXTENSION_NEXT_HEADER);
            offset += headerBytes;
            if (fragment == FragmentKind.LATER || offset > end) {
                break;
            }
        }
        packet.transport(next, fragment, Packet.ABSENT);
    }

    private static int transportOffset(int protocol, FragmentKind fragment, int offset, int end) {
        if (fragment == FragmentKind.LATER) {
            return Packet.ABSENT;
        }
        int needed = switch (protocol) {
            case IpProtocols.TCP -> TCP_MIN_BYTES;
            case IpProtocols.UDP, IpProtocols.UDP_LITE -> UDP_BYTES;
            case IpProtocols.SCTP -> SctpHeader.BYTES;
            case IpProtocols.DCCP -> DccpHeader.MIN_BYTES;
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> ICMP_BYTES;
            default -> 0;
        };
        return offset + needed <= end ? offset : Packet.ABSENT;
    }
}
