package io.turnstile.packet;

import io.turnstile.packet.Frames.Ends;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * One frame being described; see {@link Frames}. Every setter returns the frame itself; {@link #bytes} and
 * {@link #packet} may be called any number of times.
 *
 * <p>Threads: one.
 */
public final class Frame {
    /** Stands for "not IP" where a protocol number is expected. */
    static final int ARP = -1;

    private static final int FIN = 0x01;
    private static final int SYN = 0x02;
    private static final int RST = 0x04;
    private static final int PSH = 0x08;
    private static final int ACK = 0x10;
    private static final int MORE_FRAGMENTS = 0x2000;
    private static final int DONT_FRAGMENT = 0x4000;

    private final int protocol;
    private final Ends ends;
    private long sourceMac = 0x0200_0000_0001L;
    long destinationMac = 0x0200_0000_0002L;
    private int vlan = -1;
    private int ttl = 64;
    private int tos;
    private int fragmentWord = DONT_FRAGMENT;
    private int flags;
    private int sequence;
    private int acknowledged;
    private int window = 0xffff;
    private byte[] options = new byte[0];
    private byte[] payload = new byte[0];
    int icmpType;
    int icmpCode;
    int icmpId;
    int arpOperation;
    private boolean corrupt;
    private boolean corruptNetwork;
    private boolean noUdpChecksum;

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

    /** An 802.1Q tag, priority 0. */
    public Frame vlan(int id) {
        vlan = id;
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

    public Frame syn() {
        return flags(SYN);
    }

    public Frame synAck() {
        return flags(SYN | ACK);
    }

    public Frame ack() {
        return flags(ACK);
    }

    public Frame push() {
        return flags(PSH | ACK);
    }

    public Frame fin() {
        return flags(FIN | ACK);
    }

    public Frame rst() {
        return flags(RST);
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
            int bit = "FSRP.UEW".indexOf(letter);
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
        if (ends.ipv6() || offsetBytes % 8 != 0) {
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

    /** The frame, from the destination MAC on. */
    public byte[] bytes() {
        return packet().toBytes();
    }

    /** The frame in a packet of its own, parsed. */
    public Packet packet() {
        Packet packet = Packet.copyOf(assemble());
        PacketParser.parse(packet);
        if (packet.l3Offset() != Packet.ABSENT && protocol != ARP) {
            finish(packet);
        }
        return packet;
    }

    private byte[] assemble() {
        byte[] body = protocol == ARP ? arp() : transport();
        int networkBytes = protocol == ARP ? 0 : ends.ipv6() ? 40 : 20;
        ByteBuffer out = ByteBuffer.allocate(14 + (vlan >= 0 ? 4 : 0) + networkBytes + body.length);
        putMac(out, destinationMac);
        putMac(out, sourceMac);
        if (vlan >= 0) {
            out.putShort((short) EtherTypes.VLAN).putShort((short) vlan);
        }
        if (protocol == ARP) {
            out.putShort((short) EtherTypes.ARP);
        } else if (ends.ipv6()) {
            out.putShort((short) EtherTypes.IPV6).putInt(6 << 28 | tos << 20).putShort((short) body.length);
            out.put((byte) protocol).put((byte) ttl).put(ends.source()).put(ends.destination());
        } else {
            out.putShort((short) EtherTypes.IPV4)
                    .put((byte) 0x45)
                    .put((byte) tos)
                    .putShort((short) (20 + body.length));
            out.putShort((short) 0)
                    .putShort((short) fragmentWord)
                    .put((byte) ttl)
                    .put((byte) protocol)
                    .putShort((short) 0);
            out.put(ends.source()).put(ends.destination());
        }
        return out.put(body).array();
    }

    private byte[] transport() {
        int headerBytes = switch (protocol) {
            case IpProtocols.TCP -> 20 + options.length;
            case IpProtocols.UDP, IpProtocols.ICMP, IpProtocols.ICMPV6 -> 8;
            default -> 0;
        };
        ByteBuffer out = ByteBuffer.allocate(headerBytes + payload.length);
        switch (protocol) {
            case IpProtocols.TCP -> {
                out.putShort((short) ends.sourcePort()).putShort((short) ends.destinationPort());
                out.putInt(sequence)
                        .putInt(acknowledged)
                        .put((byte) (headerBytes / 4 << 4))
                        .put((byte) flags);
                out.putShort((short) window).putInt(0).put(options);
            }
            case IpProtocols.UDP ->
                out.putShort((short) ends.sourcePort())
                        .putShort((short) ends.destinationPort())
                        .putShort((short) (8 + payload.length))
                        .putShort((short) 0);
            case IpProtocols.ICMP, IpProtocols.ICMPV6 ->
                out.put((byte) icmpType)
                        .put((byte) icmpCode)
                        .putShort((short) 0)
                        .putShort((short) icmpId)
                        .putShort((short) 0);
            default -> {
                // The payload is all there is.
            }
        }
        return out.put(payload).array();
    }

    private byte[] arp() {
        ByteBuffer out = ByteBuffer.allocate(28);
        out.putShort((short) 1)
                .putShort((short) EtherTypes.IPV4)
                .put((byte) 6)
                .put((byte) 4)
                .putShort((short) arpOperation);
        putMac(out, sourceMac);
        out.put(ends.source());
        putMac(out, arpOperation == 1 ? 0 : destinationMac);
        return out.put(ends.destination()).array();
    }

    /** Checksums, which need the pseudo-header of the parsed packet. */
    private void finish(Packet packet) {
        int l3 = packet.l3Offset();
        if (!ends.ipv6()) {
            int sum = InternetChecksum.finish(InternetChecksum.add(0, packet, l3, l3 + 20));
            packet.putU16(l3 + 10, corruptNetwork ? sum ^ 1 : sum);
        }
        int l4 = packet.l4Offset();
        int field = switch (protocol) {
            case IpProtocols.TCP -> 16;
            case IpProtocols.UDP -> 6;
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> 2;
            default -> -1;
        };
        if (field < 0 || l4 == Packet.ABSENT || protocol == IpProtocols.UDP && noUdpChecksum) {
            return;
        }
        int end = packet.l3EndOffset();
        long pseudo = protocol == IpProtocols.ICMP ? 0 : InternetChecksum.pseudoHeader(packet, end - l4);
        int sum = InternetChecksum.finish(InternetChecksum.add(pseudo, packet, l4, end));
        int value = sum == 0 && protocol == IpProtocols.UDP ? 0xffff : sum;
        packet.putU16(l4 + field, corrupt ? value ^ 0x0101 : value);
    }

    private static void putMac(ByteBuffer out, long mac) {
        out.putShort((short) (mac >>> 32)).putInt((int) mac);
    }

    private static long mac(String text) {
        String digits = text.replace(":", "");
        if (digits.length() != 12) {
            throw new IllegalArgumentException("not a MAC address: " + text);
        }
        return Long.parseLong(digits, 16);
    }
}
