package io.turnstile.packet;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * Where frames for tests and embedders come from: {@code Frames.tcp("10.0.0.1:1234 > 10.0.0.2:80").syn().packet()}.
 * What is built is right (lengths, checksums) unless a corruption is asked for. Addresses are literals, IPv6 in
 * brackets where a port follows: {@code "[2001:db8::1]:1234 > [2001:db8::2]:80"}; without ports {@code "10.0.0.1 >
 * 10.0.0.2"} and {@code "2001:db8::1 > 2001:db8::2"}.
 *
 * <p>Anything that cannot be read throws {@link IllegalArgumentException}.
 *
 * <p>Threads: stateless; a {@link Frame} belongs to one thread.
 */
public final class Frames {
    static final int ICMP_ECHO = 8;
    static final int ICMP6_ECHO = 128;
    private static final int SCTP_HEADER_BYTES = 12;
    private static final int SCTP_CHECKSUM = 8;
    private static final int ICMP_UNREACHABLE = 3;
    private static final int ICMP6_UNREACHABLE = 1;
    private static final int PORT_UNREACHABLE = 3;
    private static final int PORT_UNREACHABLE_6 = 4;

    private Frames() {}

    /** A TCP segment without flags, sequence and acknowledgement 0, window 65535. */
    public static Frame tcp(String sourceToDestination) {
        return new Frame(IpProtocols.TCP, Ends.parse(sourceToDestination, true));
    }

    /** A UDP datagram without payload. */
    public static Frame udp(String sourceToDestination) {
        return new Frame(IpProtocols.UDP, Ends.parse(sourceToDestination, true));
    }

    /** An ICMP (or, of IPv6 addresses, ICMPv6) echo request. */
    public static Frame echoRequest(String sourceToDestination, int id) {
        Ends ends = Ends.parse(sourceToDestination, false);
        return icmp(sourceToDestination, ends.ipv6() ? ICMP6_ECHO : ICMP_ECHO, 0, id);
    }

    /** The answer to an echo request. */
    public static Frame echoReply(String sourceToDestination, int id) {
        Ends ends = Ends.parse(sourceToDestination, false);
        return icmp(sourceToDestination, ends.ipv6() ? ICMP6_ECHO + 1 : 0, 0, id);
    }

    /** Any ICMP or ICMPv6 message whose second word begins with an id. */
    public static Frame icmp(String sourceToDestination, int type, int code, int id) {
        Ends ends = Ends.parse(sourceToDestination, false);
        Frame frame = new Frame(ends.ipv6() ? IpProtocols.ICMPV6 : IpProtocols.ICMP, ends);
        frame.icmpType = type;
        frame.icmpCode = code;
        frame.icmpId = id;
        return frame;
    }

    /** "Port unreachable", quoting an IP frame (its network header and what follows, at most 128 bytes). */
    public static Frame portUnreachable(String sourceToDestination, byte[] quotedFrame) {
        boolean ipv6 = Ends.parse(sourceToDestination, false).ipv6();
        return icmpError(
                sourceToDestination,
                ipv6 ? ICMP6_UNREACHABLE : ICMP_UNREACHABLE,
                ipv6 ? PORT_UNREACHABLE_6 : PORT_UNREACHABLE,
                quotedFrame);
    }

    /** Any ICMP or ICMPv6 error, quoting an IP frame (its network header and what follows, at most 128 bytes). */
    public static Frame icmpError(String sourceToDestination, int type, int code, byte[] quotedFrame) {
        Packet quoted = Packet.copyOf(quotedFrame);
        if (!PacketParser.parse(quoted) || quoted.l3Offset() == Packet.ABSENT) {
            throw new IllegalArgumentException("not an IP frame");
        }
        int end = Math.min(quoted.l3EndOffset(), quoted.l3Offset() + 128);
        return icmp(sourceToDestination, type, code, 0)
                .payload(Arrays.copyOfRange(quotedFrame, quoted.l3Offset(), end));
    }

    /** An SCTP packet (RFC 9260 §3) of these chunks, each as it stands on the wire but for the padding. */
    public static Frame sctp(String sourceToDestination, int verificationTag, byte[]... chunks) {
        Ends ends = Ends.parse(sourceToDestination, true);
        int sizeBytes = SCTP_HEADER_BYTES;
        for (byte[] chunk : chunks) {
            sizeBytes += chunk.length + 3 & ~3;
        }
        ByteBuffer out = ByteBuffer.allocate(sizeBytes);
        out.putShort((short) ends.sourcePort()).putShort((short) ends.destinationPort());
        out.putInt(verificationTag).putInt(0);
        for (byte[] chunk : chunks) {
            out.put(chunk).position(out.position() + 3 & ~3);
        }
        CRC32C sum = new CRC32C();
        sum.update(out.array());
        out.order(ByteOrder.LITTLE_ENDIAN).putInt(SCTP_CHECKSUM, (int) sum.getValue());
        return new Frame(IpProtocols.SCTP, ends).payload(out.array());
    }

    /** A datagram of any other IP protocol. */
    public static Frame ip(String sourceToDestination, int protocol) {
        return new Frame(protocol, Ends.parse(sourceToDestination, false));
    }

    /** A frame of any Ethernet type, with a payload that is not looked into. */
    public static Frame ethernet(int etherType, byte[] payload) {
        Frame frame = new Frame(Frame.OPAQUE, Ends.NONE);
        frame.opaqueType = etherType;
        return frame.payload(payload);
    }

    /** "Who has {@code destination}? Tell {@code source}", sent to the broadcast address. */
    public static Frame arpRequest(String sourceToDestination) {
        Frame frame = new Frame(Frame.ARP, Ends.parse(sourceToDestination, false));
        frame.destinationMac = Frame.BROADCAST_MAC;
        frame.arpOperation = 1;
        return frame;
    }

    /** "{@code source} is at …", sent to who asked. */
    public static Frame arpReply(String sourceToDestination) {
        Frame frame = new Frame(Frame.ARP, Ends.parse(sourceToDestination, false));
        frame.arpOperation = 2;
        return frame;
    }

    /** Both ends of a datagram. */
    record Ends(byte[] source, int sourcePort, byte[] destination, int destinationPort) {
        /** Those of a frame that is not looked into. */
        static final Ends NONE = new Ends(new byte[0], 0, new byte[0], 0);

        boolean ipv6() {
            return source.length == 16;
        }

        Ends reversed() {
            return new Ends(destination, destinationPort, source, sourcePort);
        }

        static Ends parse(String text, boolean withPorts) {
            String[] ends = text.split(" > ", -1);
            if (ends.length != 2) {
                throw new IllegalArgumentException("expected \"source > destination\": " + text);
            }
            byte[] source = address(ends[0], withPorts);
            byte[] destination = address(ends[1], withPorts);
            if (source.length != destination.length) {
                throw new IllegalArgumentException("two families: " + text);
            }
            return new Ends(source, withPorts ? port(ends[0]) : 0, destination, withPorts ? port(ends[1]) : 0);
        }

        private static byte[] address(String end, boolean withPort) {
            String literal = withPort ? end.substring(0, Math.max(0, end.lastIndexOf(':'))) : end;
            if (literal.startsWith("[") && literal.endsWith("]")) {
                literal = literal.substring(1, literal.length() - 1);
            }
            // Only literals: a name would ask the network.
            if (!literal.matches("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
                throw new IllegalArgumentException("not an address: " + end);
            }
            try {
                return InetAddress.getByName(literal).getAddress();
            } catch (UnknownHostException notAnAddress) {
                throw new IllegalArgumentException("not an address: " + end, notAnAddress);
            }
        }

        private static int port(String end) {
            int port = Integer.parseInt(end.substring(end.lastIndexOf(':') + 1));
            if (port < 0 || port > 0xffff) {
                throw new IllegalArgumentException("not a port: " + end);
            }
            return port;
        }
    }
}
