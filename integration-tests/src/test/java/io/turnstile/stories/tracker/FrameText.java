package io.turnstile.stories.tracker;

import io.turnstile.address.AddressText;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;

/** A frame for people, on one line: {@code tcp 10.0.0.1:1001 > 10.0.0.2:80 S seq=1 ack=0 win=1000 len=0}. */
final class FrameText {
    private static final String TCP_FLAGS = "FSRPAUEC";
    private static final int TCP_OPTIONS_OFFSET = 20;

    private FrameText() {}

    static String of(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        if (!PacketParser.parse(packet) || packet.l3Offset() == Packet.ABSENT) {
            return frame.length + " bytes, not IP";
        }
        boolean four = packet.etherType() == EtherTypes.IPV4;
        int l3 = packet.l3Offset();
        StringBuilder text = new StringBuilder();
        String source = four
                ? AddressText.ipv4(packet.u32(l3 + 12) & 0xffff_ffffL)
                : AddressText.ipv6(packet.u64(l3 + 8), packet.u64(l3 + 16));
        String destination = four
                ? AddressText.ipv4(packet.u32(l3 + 16) & 0xffff_ffffL)
                : AddressText.ipv6(packet.u64(l3 + 24), packet.u64(l3 + 32));
        if (packet.l4Offset() == Packet.ABSENT) {
            text.append("ip proto ")
                    .append(packet.ipProtocol())
                    .append(' ')
                    .append(source)
                    .append(" > ")
                    .append(destination);
        } else {
            transport(packet, source, destination, text);
        }
        if (packet.fragment() != Packet.FragmentKind.NONE) {
            text.append(" fragment ").append(packet.fragment());
        }
        if (packet.vlanTci() != 0) {
            text.append(" vlan ").append(packet.vlanTci() & 0xfff);
        }
        if (four
                && InternetChecksum.fold(InternetChecksum.add(0, packet, l3, l3 + (packet.u8(l3) & 0xf) * 4))
                        != 0xffff) {
            text.append(" bad-ip-sum");
        }
        return text.toString();
    }

    private static void transport(Packet packet, String source, String destination, StringBuilder text) {
        int l4 = packet.l4Offset();
        int size = packet.l3EndOffset() - l4;
        switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> {
                int headerBytes = (packet.u8(l4 + 12) >>> 4) * 4;
                text.append("tcp ")
                        .append(ends(packet, source, destination))
                        .append(' ')
                        .append(flags(packet.u8(l4 + 13)));
                text.append(" seq=").append(Integer.toUnsignedString(packet.u32(l4 + 4)));
                text.append(" ack=").append(Integer.toUnsignedString(packet.u32(l4 + 8)));
                text.append(" win=").append(packet.u16(l4 + 14)).append(" len=").append(size - headerBytes);
                for (int i = TCP_OPTIONS_OFFSET; i < Math.min(headerBytes, size); i++) {
                    text.append(i == TCP_OPTIONS_OFFSET ? " opt=" : "").append("%02x".formatted(packet.u8(l4 + i)));
                }
            }
            case IpProtocols.UDP ->
                text.append("udp ")
                        .append(ends(packet, source, destination))
                        .append(" len=")
                        .append(packet.u16(l4 + 4));
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> {
                text.append("icmp ")
                        .append(source)
                        .append(" > ")
                        .append(destination)
                        .append(" type=")
                        .append(packet.u8(l4));
                text.append(" code=").append(packet.u8(l4 + 1)).append(" size=").append(size);
                text.append(size >= 8 ? " id=" + packet.u16(l4 + 4) : "");
            }
            default ->
                text.append("ip proto ")
                        .append(packet.ipProtocol())
                        .append(' ')
                        .append(source)
                        .append(" > ")
                        .append(destination)
                        .append(" size=")
                        .append(size);
        }
        if (!sumIsGood(packet, l4, size)) {
            text.append(" bad-sum");
        }
    }

    private static boolean sumIsGood(Packet packet, int l4, int size) {
        boolean withPseudoHeader = switch (packet.ipProtocol()) {
            case IpProtocols.TCP, IpProtocols.UDP, IpProtocols.ICMPV6 -> true;
            default -> false;
        };
        if (!withPseudoHeader && packet.ipProtocol() != IpProtocols.ICMP) {
            return true;
        }
        long sum = withPseudoHeader ? InternetChecksum.pseudoHeader(packet, size) : 0;
        return InternetChecksum.fold(InternetChecksum.add(sum, packet, l4, packet.l3EndOffset())) == 0xffff;
    }

    private static String ends(Packet packet, String source, String destination) {
        int l4 = packet.l4Offset();
        return source + ":" + packet.u16(l4) + " > " + destination + ":" + packet.u16(l4 + 2);
    }

    private static String flags(int flags) {
        StringBuilder text = new StringBuilder();
        for (int bit = 0; bit < TCP_FLAGS.length(); bit++) {
            text.append((flags & 1 << bit) != 0 ? TCP_FLAGS.charAt(bit) : "");
        }
        return text.isEmpty() ? "." : text.toString();
    }
}
