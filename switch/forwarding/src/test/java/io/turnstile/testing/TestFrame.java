package io.turnstile.testing;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The second way to frames, for tests of what rewrites packets: everything else uses
 * {@link io.turnstile.packet.Frames}. It shares no code with the switch on purpose: headers and checksums are written
 * down and computed here, not by what is tested. Immutable.
 */
public record TestFrame(long dst, long src, int[] tags, int etherType, byte[] payload) {
    public static final long MAC_A = 0x0200_0000_000aL;
    public static final long MAC_B = 0x0200_0000_000bL;
    public static final int FIN = 0x01;
    public static final int SYN = 0x02;
    public static final int RST = 0x04;
    public static final int ACK = 0x10;
    public static final int TCP = 6;
    public static final int UDP = 17;

    public TestFrame mac(long newDst, long newSrc) {
        return new TestFrame(newDst, newSrc, tags, etherType, payload);
    }

    /** Puts a tag outside of those that are there. */
    public TestFrame tag(int tci) {
        int[] more = new int[tags.length + 1];
        System.arraycopy(tags, 0, more, 1, tags.length);
        more[0] = tci;
        return new TestFrame(dst, src, more, etherType, payload);
    }

    public byte[] bytes() {
        ByteBuffer frame = ByteBuffer.allocate(14 + 4 * tags.length + payload.length);
        put48(frame, dst);
        put48(frame, src);
        for (int tci : tags) {
            frame.putShort((short) 0x8100).putShort((short) tci);
        }
        return frame.putShort((short) etherType).put(payload).array();
    }

    private static void put48(ByteBuffer into, long mac) {
        into.putShort((short) (mac >> 32)).putInt((int) mac);
    }

    public static TestFrame ethernet(int etherType, byte[] payload) {
        return new TestFrame(MAC_B, MAC_A, new int[0], etherType, payload);
    }

    public static TestFrame arp(int operation, int spa, int tpa) {
        ByteBuffer arp = ByteBuffer.allocate(28)
                .putInt(0x0001_0800)
                .putShort((short) 0x0604)
                .putShort((short) operation);
        put48(arp, MAC_A);
        arp.putInt(spa);
        put48(arp, 0);
        arp.putInt(tpa);
        return ethernet(0x0806, arp.array());
    }

    public static TestFrame udp(String from, int sourcePort, String to, int destinationPort) {
        return ip(from, to, UDP, udpHeader(sourcePort, destinationPort, new byte[] {1, 2, 3}), 64, 0);
    }

    public static TestFrame tcp(
            String from, int sourcePort, String to, int destinationPort, int flags, int seq, int ack) {
        return ip(from, to, TCP, tcpHeader(sourcePort, destinationPort, flags, seq, ack, new byte[0]), 64, 0);
    }

    public static byte[] udpHeader(int sourcePort, int destinationPort, byte[] data) {
        return ByteBuffer.allocate(8 + data.length)
                .putShort((short) sourcePort)
                .putShort((short) destinationPort)
                .putShort((short) (8 + data.length))
                .putShort((short) 0)
                .put(data)
                .array();
    }

    public static byte[] tcpHeader(int sourcePort, int destinationPort, int flags, int seq, int ack, byte[] data) {
        return ByteBuffer.allocate(20 + data.length)
                .putShort((short) sourcePort)
                .putShort((short) destinationPort)
                .putInt(seq)
                .putInt(ack)
                .putShort((short) (0x5000 | flags))
                .putShort((short) 0xffff)
                .putInt(0)
                .put(data)
                .array();
    }

    /**
     * IPv4 or IPv6 by the look of the addresses; {@code transport}'s checksum field is filled in for protocols that
     * have one.
     */
    public static TestFrame ip(String from, String to, int protocol, byte[] transport, int ttl, int tos) {
        byte[] source = address(from);
        byte[] destination = address(to);
        byte[] segment = transport.clone();
        int field = checksumField(protocol);
        if (field >= 0) {
            boolean pseudo = protocol != 1;
            put16(segment, field, 0);
            int sum = checksum(pseudo ? pseudo(source, destination, protocol, segment.length) : new byte[0], segment);
            put16(segment, field, sum == 0 && protocol == UDP ? 0xffff : sum);
        }
        return source.length == 4
                ? ethernet(0x0800, ipv4(source, destination, protocol, segment, ttl, tos))
                : ethernet(0x86dd, ipv6(source, destination, protocol, segment, ttl, tos));
    }

    private static int checksumField(int protocol) {
        return switch (protocol) {
            case 1, 58 -> 2;
            case TCP -> 16;
            case UDP -> 6;
            default -> -1;
        };
    }

    private static byte[] ipv4(byte[] source, byte[] destination, int protocol, byte[] segment, int ttl, int tos) {
        ByteBuffer ip = ByteBuffer.allocate(20 + segment.length)
                .put((byte) 0x45)
                .put((byte) tos)
                .putShort((short) (20 + segment.length))
                .putShort((short) 0x1234)
                .putShort((short) 0)
                .put((byte) ttl)
                .put((byte) protocol)
                .putShort((short) 0)
                .put(source)
                .put(destination);
        put16(ip.array(), 10, checksum(Arrays.copyOf(ip.array(), 20)));
        return ip.put(segment).array();
    }

    private static byte[] ipv6(byte[] source, byte[] destination, int protocol, byte[] segment, int ttl, int tos) {
        return ByteBuffer.allocate(40 + segment.length)
                .putInt(0x6000_0000 | tos << 20)
                .putShort((short) segment.length)
                .put((byte) protocol)
                .put((byte) ttl)
                .put(source)
                .put(destination)
                .put(segment)
                .array();
    }

    public static byte[] address(String text) {
        return java.net.InetAddress.ofLiteral(text).getAddress();
    }

    private static void put16(byte[] bytes, int offset, int value) {
        bytes[offset] = (byte) (value >> 8);
        bytes[offset + 1] = (byte) value;
    }

    public static byte[] pseudo(byte[] source, byte[] destination, int protocol, int length) {
        return source.length == 4
                ? ByteBuffer.allocate(12)
                        .put(source)
                        .put(destination)
                        .putShort((short) protocol)
                        .putShort((short) length)
                        .array()
                : ByteBuffer.allocate(40)
                        .put(source)
                        .put(destination)
                        .putInt(length)
                        .putInt(protocol)
                        .array();
    }

    /** RFC 1071, the slow way; each part but the last has an even length. */
    public static int checksum(byte[]... parts) {
        return ~sum(parts) & 0xffff;
    }

    public static int sum(byte[]... parts) {
        long sum = 0;
        for (byte[] part : parts) {
            for (int i = 0; i < part.length; i++) {
                sum += (long) (part[i] & 0xff) << ((i & 1) == 0 ? 8 : 0);
            }
        }
        while (sum >> 16 != 0) {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        return (int) sum;
    }
}
