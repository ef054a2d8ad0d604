package io.turnstile.packet;

import io.turnstile.address.AddressText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A frame as it is read off the wire: its bytes, what its headers say, and {@link #toString()} much as {@code tcpdump
 * -e} prints it. Equal to another one of the same bytes.
 *
 * <p>A getter of a header that the frame does not have (a port of ARP, a TTL of an opaque frame, a port of a later
 * fragment) throws {@link IllegalStateException} with the frame's line.
 *
 * <p>Threads: immutable.
 */
public final class FrameView {
    private static final int SOURCE_MAC = 6;
    private static final int TYPE = 12;
    private static final int MAX_TAGS = 8;

    private final byte[] bytes;
    /** The frame without its VLAN tags, parsed. */
    private final Packet untagged;

    private final List<Integer> tags = new ArrayList<>();

    private FrameView(byte[] bytes) {
        this.bytes = bytes;
        Packet packet = Packet.copyOf(bytes);
        while (isTagged(packet) && tags.size() < MAX_TAGS) {
            tags.add(packet.u16(TYPE + 2));
            packet.removeBytes(TYPE, PacketParser.VLAN_TAG_BYTES);
        }
        PacketParser.parse(packet);
        untagged = packet;
    }

    /**
     * Reads a frame, which is copied.
     *
     * @throws IllegalArgumentException there is not even an Ethernet header
     */
    public static FrameView of(byte[] frame) {
        if (frame.length < PacketParser.ETHERNET_BYTES) {
            throw new IllegalArgumentException(frame.length + " bytes are no Ethernet frame");
        }
        return new FrameView(frame.clone());
    }

    private static boolean isTagged(Packet packet) {
        int type = packet.u16(TYPE);
        return (type == EtherTypes.VLAN || type == EtherTypes.QINQ)
                && packet.lengthBytes() >= PacketParser.ETHERNET_BYTES + PacketParser.VLAN_TAG_BYTES;
    }

    /** The frame, from the destination MAC on. A copy. */
    public byte[] bytes() {
        return bytes.clone();
    }

    public int lengthBytes() {
        return bytes.length;
    }

    // ---- Ethernet ----

    /** {@code 02:00:00:00:00:01}. */
    public String sourceMac() {
        return AddressText.mac(untagged.u48(SOURCE_MAC));
    }

    public String destinationMac() {
        return AddressText.mac(untagged.u48(0));
    }

    /** VLAN ids of the tags, outermost first; empty if there is none. */
    public List<Integer> vlans() {
        return tags.stream().map(tci -> tci & 0xfff).toList();
    }

    /** Tag control information of the tags, priority included, outermost first. */
    public List<Integer> tags() {
        return List.copyOf(tags);
    }

    /** Type of what is behind the tags; see {@link EtherTypes}. */
    public int etherType() {
        return untagged.etherType();
    }

    // ---- network ----

    public boolean isIpv4() {
        return etherType() == EtherTypes.IPV4 && untagged.l3Offset() != Packet.ABSENT;
    }

    public boolean isIpv6() {
        return etherType() == EtherTypes.IPV6 && untagged.l3Offset() != Packet.ABSENT;
    }

    public boolean isArp() {
        return etherType() == EtherTypes.ARP && untagged.l3Offset() != Packet.ABSENT;
    }

    /** IP address as text, of ARP the sender's. */
    public String source() {
        return address(isIpv4() ? 12 : isIpv6() ? 8 : 14);
    }

    /** IP address as text, of ARP the one asked for. */
    public String destination() {
        return address(isIpv4() ? 16 : 24);
    }

    private String address(int offset) {
        require(isIpv4() || isIpv6() || isArp(), "IP address");
        int at = untagged.l3Offset() + offset;
        return isIpv6()
                ? AddressText.ipv6(untagged.u64(at), untagged.u64(at + 8))
                : AddressText.ipv4(untagged.u32(at) & 0xffff_ffffL);
    }

    /** 1 request, 2 reply. */
    public int arpOperation() {
        require(isArp(), "ARP");
        return untagged.u16(untagged.l3Offset() + 6);
    }

    /** The MAC address that an ARP packet tells of its sender, whoever the frame itself is from. */
    public long arpSenderMac() {
        require(isArp(), "ARP");
        int at = untagged.l3Offset() + 8;
        return (long) untagged.u16(at) << 32 | untagged.u32(at + 2) & 0xffff_ffffL;
    }

    /** IP protocol behind all extension headers; see {@link IpProtocols}. */
    public int protocol() {
        require(isIpv4() || isIpv6(), "IP protocol");
        return untagged.ipProtocol();
    }

    public int ttl() {
        require(isIpv4() || isIpv6(), "TTL");
        return untagged.u8(untagged.l3Offset() + (isIpv4() ? 8 : 7));
    }

    /** The eight bits of DSCP and ECN. */
    public int tos() {
        require(isIpv4() || isIpv6(), "TOS");
        int l3 = untagged.l3Offset();
        return isIpv4() ? untagged.u8(l3 + 1) : untagged.u16(l3) >>> 4 & 0xff;
    }

    /** Whether and which fragment this is. */
    public Packet.FragmentKind fragment() {
        return untagged.fragment();
    }

    // ---- transport ----

    private boolean has(int protocol) {
        return (isIpv4() || isIpv6()) && untagged.ipProtocol() == protocol && untagged.l4Offset() != Packet.ABSENT;
    }

    public boolean isTcp() {
        return has(IpProtocols.TCP);
    }

    public boolean isUdp() {
        return has(IpProtocols.UDP);
    }

    /** ICMP or ICMPv6. */
    public boolean isIcmp() {
        return has(IpProtocols.ICMP) || has(IpProtocols.ICMPV6);
    }

    boolean hasPorts() {
        return isTcp() || isUdp() || has(IpProtocols.SCTP) || has(IpProtocols.DCCP) || has(IpProtocols.UDP_LITE);
    }

    public int sourcePort() {
        require(hasPorts(), "port");
        return untagged.u16(untagged.l4Offset());
    }

    public int destinationPort() {
        require(hasPorts(), "port");
        return untagged.u16(untagged.l4Offset() + 2);
    }

    /** TCP flags in tcpdump's letters, {@code S.} for SYN-ACK; {@code none} if there is none. */
    public String tcpFlags() {
        return FrameText.flags(tcpFlagBits());
    }

    /** The eight TCP flag bits as they stand in the header. */
    public int tcpFlagBits() {
        return untagged.u8(tcp() + 13);
    }

    /** TCP sequence number, 0 to 2^32 - 1. */
    public long seq() {
        return untagged.u32(tcp() + 4) & 0xffff_ffffL;
    }

    /** TCP acknowledgement number, 0 to 2^32 - 1. */
    public long ackNumber() {
        return untagged.u32(tcp() + 8) & 0xffff_ffffL;
    }

    public int window() {
        return untagged.u16(tcp() + 14);
    }

    private int tcp() {
        require(isTcp(), "TCP");
        return untagged.l4Offset();
    }

    public int icmpType() {
        return untagged.u8(icmp());
    }

    public int icmpCode() {
        return untagged.u8(icmp() + 1);
    }

    /** The id of an echo. */
    public int icmpId() {
        return untagged.u16(icmp() + 4);
    }

    /** The sequence number of an echo. */
    public int icmpSeq() {
        return untagged.u16(icmp() + 6);
    }

    private int icmp() {
        require(isIcmp(), "ICMP");
        return untagged.l4Offset();
    }

    /** The TCP options, padding included. */
    public byte[] tcpOptions() {
        int from = tcp() + PacketParser.TCP_MIN_BYTES;
        return slice(from, tcp() + transportHeaderBytes());
    }

    /**
     * What is behind the last header that this class knows: of TCP, UDP and ICMP the data, of other IP protocols and of
     * later fragments what is behind the IP header, else what is behind the Ethernet type.
     */
    public byte[] payload() {
        int l3 = untagged.l3Offset();
        if (l3 == Packet.ABSENT) {
            return slice(PacketParser.ETHERNET_BYTES, untagged.lengthBytes());
        }
        int from = untagged.l4Offset() != Packet.ABSENT
                ? untagged.l4Offset()
                : l3
                        + (isIpv4()
                                ? (untagged.u8(l3) & 0xf) * 4
                                : isIpv6() ? PacketParser.IPV6_BYTES : PacketParser.ARP_BYTES);
        return slice(from + transportHeaderBytes(), untagged.l3EndOffset());
    }

    private int transportHeaderBytes() {
        return isTcp()
                ? (untagged.u8(untagged.l4Offset() + 12) >>> 4) * 4
                : isUdp() || isIcmp() ? PacketParser.UDP_BYTES : 0;
    }

    private byte[] slice(int from, int to) {
        int end = Math.min(to, untagged.l3EndOffset());
        return Arrays.copyOfRange(untagged.toBytes(), Math.min(from, end), end);
    }

    /** {@link #payload()} read as UTF-8. */
    public String payloadText() {
        return new String(payload(), StandardCharsets.UTF_8);
    }

    private void require(boolean present, String what) {
        if (!present) {
            throw new IllegalStateException("no " + what + " in: " + this);
        }
    }

    // ---- answering ----

    /**
     * The frame as a description that can be changed; IP options, extension headers and ARP's own MAC addresses are
     * left out.
     *
     * @throws IllegalStateException of a fragment, which is not a whole packet
     */
    public Frame toFrame() {
        return FrameFromView.of(this);
    }

    /** The natural answer: {@link Frame#reply()}. */
    public Frame reply() {
        return toFrame().reply();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FrameView that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /**
     * One line: {@code 02:00:00:00:00:01 > 02:00:00:00:00:02, IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [S], seq 1, length
     * 0}.
     */
    @Override
    public String toString() {
        return FrameText.line(this);
    }
}
