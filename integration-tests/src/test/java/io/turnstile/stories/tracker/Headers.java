package io.turnstile.stories.tracker;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;

/**
 * Where the headers of a frame begin, for those who want to spoil them.
 *
 * @param network offset of the IP header in bytes
 * @param transport offset of the transport header, {@link Packet#ABSENT} if there is none
 * @param end offset of the first byte behind the IP datagram
 */
record Headers(int network, int transport, int end) {

    /** IllegalArgumentException if the frame is not IP. */
    static Headers of(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        if (!PacketParser.parse(packet) || packet.l3Offset() == Packet.ABSENT) {
            throw new IllegalArgumentException("not an IP frame");
        }
        return new Headers(packet.l3Offset(), packet.l4Offset(), packet.l3EndOffset());
    }

    static boolean isIp(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        return PacketParser.parse(packet)
                && packet.l3Offset() != Packet.ABSENT
                && (packet.etherType() == EtherTypes.IPV4 || packet.etherType() == EtherTypes.IPV6);
    }

    /** Changes 16 bits of the transport header and sets the checksum right again. */
    void addToTransport(byte[] frame, int offset, int difference) {
        int at = transport + offset;
        int value = ((frame[at] & 0xff) << 8 | frame[at + 1] & 0xff) + difference;
        frame[at] = (byte) (value >>> 8);
        frame[at + 1] = (byte) value;
        repair(frame);
    }

    /** A header byte changes, but not so that it is a fragment; the checksums fit nevertheless. */
    static void spoil(byte[] frame, Random random) {
        Headers headers = of(frame);
        int to = Math.min(frame.length, headers.headersEnd(frame));
        headers.flip(frame, headers.network + random.nextInt(to - headers.network), random);
        if (isIp(frame)) {
            repair(frame);
        }
    }

    static boolean isFragment(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        return PacketParser.parse(packet) && packet.fragment() != Packet.FragmentKind.NONE;
    }

    /** Neighbour discovery or multicast listeners' messages that come from the link, their checksum right. */
    static boolean isOfLink(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        if (!PacketParser.parse(packet)
                || packet.etherType() != EtherTypes.IPV6
                || packet.ipProtocol() != IpProtocols.ICMPV6
                || packet.l4Offset() != packet.l3Offset() + PacketParser.IPV6_BYTES
                || packet.fragment() != Packet.FragmentKind.NONE) {
            return false;
        }
        byte[] repaired = frame.clone();
        repair(repaired);
        int hopLimit = packet.u8(packet.l3Offset() + 7);
        int code = packet.u8(packet.l4Offset() + 1);
        return Arrays.equals(repaired, frame)
                && switch (packet.u8(packet.l4Offset())) {
                    case 133, 134, 135, 136, 141, 142, 148, 149 -> hopLimit == 255 && code == 0;
                    case 130, 131, 132, 143, 151, 152, 153 -> hopLimit == 1;
                    default -> false;
                };
    }

    /** Any bit from the IP header on changes, and no checksum follows. */
    static void corrupt(byte[] frame, Random random) {
        Headers headers = of(frame);
        int at = headers.network + random.nextInt(headers.end - headers.network);
        headers.flip(frame, at, random);
    }

    private void flip(byte[] frame, int at, Random random) {
        byte before = frame[at];
        boolean syn = isSyn(frame);
        frame[at] ^= (byte) (1 << random.nextInt(8));
        boolean version = at == network && (before ^ frame[at]) >>> 4 != 0; // Open vSwitch does not look at it.
        boolean options =
                (at == transport + 12 || at == transport + 13) && (syn || isSyn(frame)); // See TcpConversation.
        if (version || options || isTrackedOtherwise(frame) || isFragment(frame)) {
            frame[at] = before;
        }
    }

    /** Protocols that Open vSwitch tracks by addresses only or not at all; it has no original tuple of protocol 0. */
    private boolean isTrackedOtherwise(byte[] frame) {
        return switch (protocol(frame)) {
            case 0, IpProtocols.DCCP, IpProtocols.SCTP, IpProtocols.UDP_LITE -> true;
            default -> false;
        };
    }

    /** TCP or UDP to that port. */
    boolean isTo(byte[] frame, int port) {
        return (ByteBuffer.wrap(frame).getInt(transport) & 0xffff) == port;
    }

    int protocol(byte[] frame) {
        return frame[network + (frame[network] >>> 4 == 4 ? 9 : 6)] & 0xff;
    }

    private int headersEnd(byte[] frame) {
        if (transport == Packet.ABSENT) {
            return network + 20;
        }
        return transport + (protocol(frame) == IpProtocols.TCP ? 20 : 8);
    }

    private boolean isSyn(byte[] frame) {
        return transport != Packet.ABSENT && transport + 13 < frame.length && (frame[transport + 13] & 2) != 0;
    }

    /** Sets the checksums of the IPv4 header and of TCP, UDP, ICMP or ICMPv6 right. */
    static void repair(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        if (!PacketParser.parse(packet) || packet.l3Offset() == Packet.ABSENT) {
            return;
        }
        int l3 = packet.l3Offset();
        if (packet.etherType() == EtherTypes.IPV4) {
            packet.putU16(l3 + 10, 0);
            packet.putU16(
                    l3 + 10,
                    InternetChecksum.finish(InternetChecksum.add(0, packet, l3, l3 + (packet.u8(l3) & 0xf) * 4)));
        }
        int l4 = packet.l4Offset();
        int field = switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> 16;
            case IpProtocols.UDP -> 6;
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> 2;
            default -> -1;
        };
        int end = packet.l3EndOffset();
        if (l4 != Packet.ABSENT
                && field >= 0
                && l4 + field + 2 <= end
                && packet.fragment() == Packet.FragmentKind.NONE) {
            packet.putU16(l4 + field, 0);
            long pseudo = packet.ipProtocol() == IpProtocols.ICMP ? 0 : InternetChecksum.pseudoHeader(packet, end - l4);
            int sum = InternetChecksum.finish(InternetChecksum.add(pseudo, packet, l4, end));
            packet.putU16(l4 + field, sum == 0 && packet.ipProtocol() == IpProtocols.UDP ? 0xffff : sum);
        }
        System.arraycopy(packet.toBytes(), 0, frame, 0, frame.length);
    }
}
