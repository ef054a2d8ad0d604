package io.turnstile.packet;

import io.turnstile.packet.Frames.Ends;
import java.nio.charset.StandardCharsets;

/**
 * One frame being described; see {@link Frames}. Every setter returns the frame itself; {@link #bytes}, {@link #packet}
 * and {@link #reply} may be called any number of times.
 *
 * <p>Threads: one.
 */
public final class Frame {
    /** Stands for "not IP" where a protocol number is expected. */
    static final int ARP = -1;
    /** Stands for "an Ethernet frame with a payload that nobody looks into". */
    static final int OPAQUE = -2;

    /** The letters of the TCP flags from the lowest bit on, as tcpdump prints them. */
    static final String FLAG_LETTERS = "FSRP.UEW";

    static final long FIRST_MAC = 0x0200_0000_0001L;
    static final long SECOND_MAC = 0x0200_0000_0002L;
    static final long BROADCAST_MAC = 0xffff_ffff_ffffL;
    private static final int MORE_FRAGMENTS = 0x2000;
    private static final int DONT_FRAGMENT = 0x4000;

    // What FrameEncoder writes down.
    final int protocol;
    /** {@link Ends#NONE} of an opaque frame. */
    final Ends ends;

    int opaqueType;
    long sourceMac = FIRST_MAC;
    long destinationMac = SECOND_MAC;
    /** Tag control information of the 802.1Q tags, outermost first. */
    int[] tags = {};

    int ttl = 64;
    int tos;
    int identification;
    int fragmentWord = DONT_FRAGMENT;
    int flags;
    int sequence;
    int acknowledged;
    int window = 0xffff;
    byte[] options = {};
    byte[] payload = {};
    int icmpType;
    int icmpCode;
    int icmpId;
    int icmpSequence;
    int arpOperation;
    boolean corrupt;
    boolean corruptNetwork;
    boolean noUdpChecksum;

    Frame(int protocol, Ends ends) {
        this.protocol = protocol;
        this.ends = ends;
    }

    /** MAC addresses, {@code "02:00:00:00:00:01"}. */
    public Frame eth(String source, String destination) {
        sourceMac = mac(source);
        destinationMac = mac(destination);
        return this;
    }

    /** MAC addresses, the lower 48 bits. */
    public Frame eth(long source, long destination) {
        sourceMac = source;
        destinationMac = destination;
        return this;
    }

    /** One 802.1Q tag, priority 0, instead of those that are there. */
    public Frame vlan(int id) {
        tags = new int[] {id};
        return this;
    }

    /**
     * Puts an 802.1Q tag outside of those that are there: the priority in the upper three bits, the VLAN in the lower
     * twelve.
     */
    public Frame tag(int tci) {
        int[] more = new int[tags.length + 1];
        System.arraycopy(tags, 0, more, 1, tags.length);
        more[0] = tci;
        tags = more;
        return this;
    }

    public Frame ttl(int ttl) {
        this.ttl = ttl;
        return this;
    }

    public Frame tos(int tos) {
        this.tos = tos;
        return this;
    }

    /** IPv4's identification; 0 unless said otherwise. */
    public Frame identification(int identification) {
        this.identification = identification;
        return this;
    }

    public Frame syn() {
        return flags(TcpHeader.SYN);
    }

    public Frame synAck() {
        return flags(TcpHeader.SYN | TcpHeader.ACK);
    }

    public Frame ack() {
        return flags(TcpHeader.ACK);
    }

    public Frame push() {
        return flags(TcpHeader.PSH | TcpHeader.ACK);
    }

    public Frame fin() {
        return flags(TcpHeader.FIN | TcpHeader.ACK);
    }

    public Frame rst() {
        return flags(TcpHeader.RST);
    }

    /**
     * TCP fields much as tcpdump writes them: {@code "[S.] seq 5000 ack 1001 win 1000 wscale 7 len 100 bad"}. The flags
     * are FSRP.UEW, or {@code none}; {@code bad} is a wrong checksum. What is not named stays as it is.
     */
    public Frame segment(String text) {
        String[] words = text.trim().split(" +");
        String letters = words[0].replaceAll("^\\[(.*)]$", "$1");
        int bits = 0;
        for (char letter : (letters.equals("none") ? "" : letters).toCharArray()) {
            int bit = FLAG_LETTERS.indexOf(letter);
            if (bit < 0) {
                throw new IllegalArgumentException("no such flag: " + letter);
            }
            bits |= 1 << bit;
        }
        flags(bits);
        for (int i = 1; i < words.length; i++) {
            switch (words[i]) {
                case "seq" -> seq(Long.parseLong(words[++i]));
                case "ack" -> ackNumber(Long.parseLong(words[++i]));
                case "win" -> window(Integer.parseInt(words[++i]));
                case "wscale" -> windowScale(Integer.parseInt(words[++i]));
                case "len" -> payload(Integer.parseInt(words[++i]));
                case "bad" -> corruptChecksum();
                default -> throw new IllegalArgumentException("no such field: " + words[i]);
            }
        }
        return this;
    }

    /** The eight TCP flag bits as they stand in the header. */
    public Frame flags(int flags) {
        this.flags = flags;
        return this;
    }

    public Frame seq(long sequence) {
        this.sequence = (int) sequence;
        return this;
    }

    /** Sets the acknowledgement number, not the flag. */
    public Frame ackNumber(long acknowledged) {
        this.acknowledged = (int) acknowledged;
        return this;
    }

    public Frame window(int window) {
        this.window = window;
        return this;
    }

    /** TCP option "window scale". */
    public Frame windowScale(int shift) {
        return options(new byte[] {1, 3, 3, (byte) shift});
    }

    /** TCP options; the length must be a multiple of four. */
    public Frame options(byte[] options) {
        if (options.length % 4 != 0 || options.length > 40) {
            throw new IllegalArgumentException(options.length + " bytes of options");
        }
        this.options = options.clone();
        return this;
    }

    /** The sequence number of an ICMP or ICMPv6 echo. */
    public Frame icmpSeq(int sequence) {
        icmpSequence = sequence;
        return this;
    }

    public Frame payload(byte[] payload) {
        this.payload = payload.clone();
        return this;
    }

    public Frame payload(String text) {
        return payload(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A payload of that many bytes. */
    public Frame payload(int sizeBytes) {
        return payload(new byte[sizeBytes]);
    }

    /** IPv4 only: this is the fragment at that offset (a multiple of eight bytes). */
    public Frame fragment(int offsetBytes, boolean more) {
        if (protocol == OPAQUE || ends.ipv6() || offsetBytes % 8 != 0) {
            throw new IllegalArgumentException("no such fragment");
        }
        fragmentWord = offsetBytes / 8 | (more ? MORE_FRAGMENTS : 0);
        return this;
    }

    /** Makes the transport checksum wrong. */
    public Frame corruptChecksum() {
        corrupt = true;
        return this;
    }

    /** Makes the IPv4 header checksum wrong. */
    public Frame corruptNetworkChecksum() {
        corruptNetwork = true;
        return this;
    }

    /** UDP with a checksum field of zero: "none computed". */
    public Frame withoutChecksum() {
        noUdpChecksum = true;
        return this;
    }

    /**
     * The natural answer to this frame, as a frame of its own: MAC addresses, IP addresses and ports swapped, VLAN tags
     * kept.
     *
     * <ul>
     *   <li>TCP: SYN is answered by SYN-ACK (from sequence number {@link FrameReply#FIRST_SEQUENCE}), everything else
     *       by an ACK without payload; sequence and acknowledgement number go on from those of this segment.
     *   <li>An ICMP or ICMPv6 echo request is answered by the echo reply with the same id, sequence number and payload.
     *   <li>An ARP request is answered by who was asked for. Its MAC address is not known from the request: it is
     *       {@code 02:00:00:00:00:02}, or {@code 02:00:00:00:00:01} if that one asks.
     *   <li>UDP and other IP protocols are answered without payload.
     * </ul>
     *
     * @throws IllegalStateException nothing answers such a frame: a TCP reset, an ICMP error or an echo reply, an ARP
     *     reply, a frame that is not IP
     */
    public Frame reply() {
        return FrameReply.to(this);
    }

    /** The frame, from the destination MAC on. */
    public byte[] bytes() {
        return FrameEncoder.bytes(this);
    }

    /** The frame in a packet of its own, parsed. */
    public Packet packet() {
        Packet packet = Packet.copyOf(bytes());
        PacketParser.parse(packet);
        return packet;
    }

    /** The frame as it is read off the wire. */
    public FrameView view() {
        return FrameView.of(bytes());
    }

    /** As {@link FrameView#toString()}. */
    @Override
    public String toString() {
        return view().toString();
    }

    private static long mac(String text) {
        String digits = text.replace(":", "");
        if (digits.length() != 12) {
            throw new IllegalArgumentException("not a MAC address: " + text);
        }
        return Long.parseLong(digits, 16);
    }
}
