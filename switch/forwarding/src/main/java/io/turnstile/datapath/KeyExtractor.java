package io.turnstile.datapath;

import static io.turnstile.datapath.FieldValues.FRAGMENT_ANY;
import static io.turnstile.datapath.FieldValues.FRAGMENT_LATER;
import static io.turnstile.datapath.FieldValues.NEIGHBOUR_ADVERTISEMENT;
import static io.turnstile.datapath.FieldValues.NEIGHBOUR_SOLICITATION;
import static io.turnstile.datapath.FieldValues.TCP_FLAGS_MASK;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.NshHeader;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.FragmentKind;
import io.turnstile.packet.PacketParser;
import io.turnstile.packet.TcpHeader;

/**
 * The extractor writes a parsed packet's datapath key. A header that is not there leaves zeros, as ovs-fields(7) has
 * it.
 *
 * <p>Threads: stateless.
 */
public final class KeyExtractor {
    private static final int ND_MESSAGE_BYTES = 24;
    private static final int ND_OPTION_SOURCE = 1;
    private static final int ND_OPTION_TARGET = 2;
    private static final int ND_RESERVED_OFFSET = 4;
    private static final int ND_TARGET_OFFSET = 8;
    private static final int ND_OPTION_UNIT_BYTES = 8;

    // Where the fields stand in their words: constants to the compiler, read from Field once. Pairs that are written
    // with one shift, as both addresses or both ports, stand side by side as they do in the packet.
    private static final int IN_PORT = Field.IN_PORT.shift();
    private static final int PKT_MARK = Field.PKT_MARK.shift();
    private static final int VLAN_TPID = Field.VLAN_TPID.shift();
    private static final int VLAN_TPID1 = Field.VLAN_TPID1.shift();
    private static final int ETH_ADDRESS = Field.ETH_DST.shift();
    private static final int CT_STATE = Field.CT_STATE.shift();
    private static final int CT_ZONE = Field.CT_ZONE.shift();
    private static final int CT_TP_SRC = Field.CT_TP_SRC.shift();
    private static final int CT_TP_DST = Field.CT_TP_DST.shift();
    private static final int CT_NW_PROTO = Field.CT_NW_PROTO.shift();
    private static final int NSH_FLAGS = Field.NSH_FLAGS.shift();
    private static final int NSH_TTL = Field.NSH_TTL.shift();
    private static final int NSH_MDTYPE = Field.NSH_MDTYPE.shift();
    private static final int NSH_NP = Field.NSH_NP.shift();
    private static final int NW_SRC = Field.NW_SRC.shift();
    private static final int NW_PROTO = Field.NW_PROTO.shift();
    private static final int NW_TOS = Field.NW_TOS.shift();
    private static final int NW_TTL = Field.NW_TTL.shift();
    private static final int NW_FRAG = Field.NW_FRAG.shift();
    private static final int TCP_FLAGS = Field.TCP_FLAGS.shift();
    private static final int TP_SRC = Field.TP_SRC.shift();
    private static final int TP_DST = Field.TP_DST.shift();
    private static final int ND_RESERVED = Field.ND_RESERVED.shift();
    private static final int ARP_SHA = Field.ARP_SHA.shift();
    private static final int ARP_THA = Field.ARP_THA.shift();

    private KeyExtractor() {}

    /** Overwrites the first {@link FlowKey#DATAPATH_WORDS} words of {@code key}. */
    public static void extract(Packet packet, long[] key) {
        for (int i = 0; i < FlowKey.DATAPATH_WORDS; i++) {
            key[i] = 0;
        }
        key[FlowKey.IN_PORT_RECIRC] = ((long) packet.inPort() << IN_PORT) | (packet.recirculationId() & 0xffff_ffffL);
        key[FlowKey.PKT_MARK_PRIORITY] = ((long) packet.mark() << PKT_MARK) | (packet.priority() & 0xffff_ffffL);
        key[FlowKey.DP_HASH] = packet.datapathHash() & 0xffff_ffffL;
        if (packet.ctState() != 0) {
            extractConntrack(packet, key);
        }
        if (packet.packetType() == Packet.ETHERNET) {
            key[FlowKey.ETH_DST_TYPE] = (packet.u48(0) << ETH_ADDRESS) | packet.etherType();
            key[FlowKey.ETH_SRC_VLAN] = (packet.u48(6) << ETH_ADDRESS) | packet.vlanTci();
            if (packet.vlanTci() != 0) {
                extractTags(packet, key);
            }
        } else {
            key[FlowKey.MPLS_LABEL_TYPE] = packet.packetType();
            key[FlowKey.ETH_DST_TYPE] = packet.etherType();
        }
        int l3 = packet.l3Offset();
        if (l3 == Packet.ABSENT) {
            extractBetween(packet, key);
            return;
        }
        switch (packet.etherType()) {
            case EtherTypes.IPV4 -> extractIpv4(packet, l3, key);
            case EtherTypes.IPV6 -> extractIpv6(packet, l3, key);
            default -> extractArp(packet, l3, key);
        }
    }

    /** Of the tags, which the parser has found, what does not stand beside the source address. */
    private static void extractTags(Packet packet, long[] key) {
        long tags = (long) packet.u16(PacketParser.ETHERNET_BYTES - 2) << VLAN_TPID;
        if (packet.innerVlanTci() != 0) {
            int innerType = packet.u16(PacketParser.ETHERNET_BYTES + PacketParser.VLAN_TAG_BYTES - 2);
            tags |= (long) innerType << VLAN_TPID1 | packet.innerVlanTci();
        }
        key[FlowKey.VLAN_TAGS] = tags;
    }

    /** What stands between Ethernet and a network layer that we know. */
    private static void extractBetween(Packet packet, long[] key) {
        if (EtherTypes.isMpls(packet.etherType())) {
            extractLabels(packet, key);
        } else if (packet.etherType() == EtherTypes.NSH) {
            extractNsh(packet, packet.payloadOffset(), key);
        }
    }

    /** A header that is not whole has no fields. Of metadata only that of type 1 is looked at. */
    private static void extractNsh(Packet packet, int at, long[] key) {
        if (!NshHeader.isWhole(packet, at)) {
            return;
        }
        int mdType = packet.u8(at + NshHeader.MD_TYPE);
        key[FlowKey.NSH] = (long) NshHeader.flags(packet, at) << NSH_FLAGS
                | (long) NshHeader.ttl(packet, at) << NSH_TTL
                | (long) mdType << NSH_MDTYPE
                | (long) packet.u8(at + NshHeader.NEXT_PROTOCOL) << NSH_NP
                | packet.u32(at + NshHeader.PATH) & 0xffff_ffffL;
        if (mdType == NshHeader.MD_TYPE_1) {
            key[FlowKey.NSH_CONTEXT] = packet.u64(at + NshHeader.CONTEXT);
            key[FlowKey.NSH_CONTEXT + 1] = packet.u64(at + NshHeader.CONTEXT + Long.BYTES);
        }
    }

    /** Entries down to the bottom of the stack, as many as are whole and the key has room for. */
    private static void extractLabels(Packet packet, long[] key) {
        int at = packet.payloadOffset();
        for (int i = 0; i < LabelStack.ENTRIES && at + LabelStack.ENTRY_BYTES <= packet.lengthBytes(); i++) {
            long entry = packet.u32(at) & 0xffff_ffffL;
            key[FlowKey.MPLS_LABELS + i / 2] |= (i & 1) == 0 ? entry << Integer.SIZE : entry;
            if (LabelStack.isBottom(entry)) {
                return;
            }
            at += LabelStack.ENTRY_BYTES;
        }
    }

    private static void extractConntrack(Packet packet, long[] key) {
        key[FlowKey.CT_STATE_ZONE_MARK] = ((long) packet.ctState() << CT_STATE)
                | ((long) packet.ctZone() << CT_ZONE)
                | (packet.ctMark() & 0xffff_ffffL);
        key[FlowKey.CT_LABEL] = packet.ctLabelHigh();
        key[FlowKey.CT_LABEL + 1] = packet.ctLabelLow();
        Packet.OriginalTuple original = packet.ctOriginal();
        key[FlowKey.CT_TP_PROTO] = ((long) original.sourcePort << CT_TP_SRC)
                | ((long) original.destinationPort << CT_TP_DST)
                | ((long) original.protocol << CT_NW_PROTO);
        if (original.ipv6) {
            key[FlowKey.CT_IPV6_SRC] = original.sourceHigh;
            key[FlowKey.CT_IPV6_SRC + 1] = original.sourceLow;
            key[FlowKey.CT_IPV6_DST] = original.destinationHigh;
            key[FlowKey.CT_IPV6_DST + 1] = original.destinationLow;
        } else {
            key[FlowKey.CT_NW_ADDR] = (original.sourceLow << NW_SRC) | (original.destinationLow & 0xffff_ffffL);
        }
    }

    /** Hardware type Ethernet, protocol type IPv4, and the address lengths of both. */
    static boolean isEthernetIpv4Arp(Packet packet, int l3) {
        return packet.u32(l3) == 0x0001_0800 && packet.u16(l3 + 4) == 0x0604;
    }

    /** ARP and RARP over Ethernet and IPv4 (RFC 826); anything else has no fields. */
    private static void extractArp(Packet packet, int l3, long[] key) {
        if (!isEthernetIpv4Arp(packet, l3)) {
            return;
        }
        int operation = packet.u16(l3 + 6);
        key[FlowKey.NW_MISC] = operation <= 0xff ? (long) operation << NW_PROTO : 0;
        key[FlowKey.ARP_SHA] = packet.u48(l3 + 8) << ARP_SHA;
        key[FlowKey.ARP_THA] = packet.u48(l3 + 18) << ARP_THA;
        key[FlowKey.NW_ADDR] = ((long) packet.u32(l3 + 14) << NW_SRC) | (packet.u32(l3 + 24) & 0xffff_ffffL);
    }

    private static void extractIpv4(Packet packet, int l3, long[] key) {
        key[FlowKey.NW_ADDR] = packet.u64(l3 + 12);
        key[FlowKey.NW_MISC] = misc(packet, packet.u8(l3 + 1), packet.u8(l3 + 8));
        extractTransport(packet, key);
    }

    private static void extractIpv6(Packet packet, int l3, long[] key) {
        key[FlowKey.IPV6_SRC] = packet.u64(l3 + 8);
        key[FlowKey.IPV6_SRC + 1] = packet.u64(l3 + 16);
        key[FlowKey.IPV6_DST] = packet.u64(l3 + 24);
        key[FlowKey.IPV6_DST + 1] = packet.u64(l3 + 32);
        int firstWord = packet.u32(l3);
        key[FlowKey.TP_IPV6_LABEL] = firstWord & 0xf_ffff;
        key[FlowKey.NW_MISC] = misc(packet, (firstWord >>> 20) & 0xff, packet.u8(l3 + 7));
        extractTransport(packet, key);
    }

    private static long misc(Packet packet, int tos, int ttl) {
        FragmentKind fragment = packet.fragment();
        long fragmentBits = fragment == FragmentKind.NONE
                ? 0
                : fragment == FragmentKind.FIRST ? FRAGMENT_ANY : FRAGMENT_ANY | FRAGMENT_LATER;
        // What a later IPv6 fragment carries is not looked for: its protocol is the fragment header.
        int protocol = fragment == FragmentKind.LATER && packet.etherType() == EtherTypes.IPV6
                ? IpProtocols.FRAGMENT
                : packet.ipProtocol();
        return ((long) protocol << NW_PROTO)
                | ((long) tos << NW_TOS)
                | ((long) ttl << NW_TTL)
                | (fragmentBits << NW_FRAG);
    }

    private static void extractTransport(Packet packet, long[] key) {
        int l4 = packet.l4Offset();
        if (l4 == Packet.ABSENT) {
            return;
        }
        switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> {
                key[FlowKey.TP_IPV6_LABEL] |= (long) packet.u32(l4) << TP_DST;
                key[FlowKey.NW_MISC] |= (long) (packet.u16(l4 + TcpHeader.DATA_OFFSET) & TCP_FLAGS_MASK) << TCP_FLAGS;
            }
            case IpProtocols.UDP, IpProtocols.SCTP -> key[FlowKey.TP_IPV6_LABEL] |= (long) packet.u32(l4) << TP_DST;
            case IpProtocols.ICMP -> extractIcmpType(packet, l4, key);
            case IpProtocols.ICMPV6 -> {
                extractIcmpType(packet, l4, key);
                extractNeighbourDiscovery(packet, l4, key);
            }
            default -> {
                // No transport fields.
            }
        }
    }

    private static void extractIcmpType(Packet packet, int l4, long[] key) {
        key[FlowKey.TP_IPV6_LABEL] |= ((long) packet.u8(l4) << TP_SRC) | ((long) packet.u8(l4 + 1) << TP_DST);
    }

    /**
     * RFC 4861 §4.3, §4.4: the target and the link-layer address option of each kind. A message that has one of them
     * twice has no such fields at all, as in Open vSwitch; options after one that is cut short are not looked at.
     */
    private static void extractNeighbourDiscovery(Packet packet, int l4, long[] key) {
        if (!isNeighbourDiscovery(packet, l4)) {
            return;
        }
        int end = packet.l3EndOffset();
        key[FlowKey.ND_TARGET] = packet.u64(l4 + ND_TARGET_OFFSET);
        key[FlowKey.ND_TARGET + 1] = packet.u64(l4 + ND_TARGET_OFFSET + 8);
        key[FlowKey.ND_EXTENSIONS] = (long) packet.u32(l4 + ND_RESERVED_OFFSET) << ND_RESERVED;
        int option = l4 + ND_MESSAGE_BYTES;
        while (option + ND_OPTION_UNIT_BYTES <= end) {
            int optionBytes = packet.u8(option + 1) * ND_OPTION_UNIT_BYTES;
            if (optionBytes == 0 || option + optionBytes > end) {
                return;
            }
            int kind = packet.u8(option);
            if (optionBytes == ND_OPTION_UNIT_BYTES && (kind == ND_OPTION_SOURCE || kind == ND_OPTION_TARGET)) {
                int word = kind == ND_OPTION_SOURCE ? FlowKey.ARP_SHA : FlowKey.ARP_THA;
                if (key[word] != 0) {
                    forgetNeighbourDiscovery(key);
                    return;
                }
                key[word] = packet.u48(option + 2) << ARP_SHA;
                if (Field.ND_OPTIONS_TYPE.get(key) == 0) {
                    key[FlowKey.ND_EXTENSIONS] |= kind;
                }
            }
            option += optionBytes;
        }
    }

    /** A whole neighbour solicitation or advertisement, options aside. */
    static boolean isNeighbourDiscovery(Packet packet, int l4) {
        int type = packet.u8(l4);
        return (type == NEIGHBOUR_SOLICITATION || type == NEIGHBOUR_ADVERTISEMENT)
                && packet.u8(l4 + 1) == 0
                && l4 + ND_MESSAGE_BYTES <= packet.l3EndOffset();
    }

    private static void forgetNeighbourDiscovery(long[] key) {
        key[FlowKey.ND_TARGET] = 0;
        key[FlowKey.ND_TARGET + 1] = 0;
        key[FlowKey.ARP_SHA] = 0;
        key[FlowKey.ARP_THA] = 0;
    }
}
