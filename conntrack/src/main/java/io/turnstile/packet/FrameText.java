package io.turnstile.packet;

import io.turnstile.address.AddressText;

/**
 * Frames on one line each, much as {@code tcpdump -e} prints them.
 *
 * <p>Threads: stateless.
 */
final class FrameText {
    private FrameText() {}

    static String line(FrameView frame) {
        StringBuilder text = new StringBuilder();
        text.append(frame.sourceMac())
                .append(" > ")
                .append(frame.destinationMac())
                .append(", ");
        for (int tci : frame.tags()) {
            text.append("vlan ")
                    .append(tci & 0xfff)
                    .append(", p ")
                    .append(tci >>> 13)
                    .append(", ");
        }
        if (frame.isArp()) {
            return text.append(arp(frame)).toString();
        }
        if (!frame.isIpv4() && !frame.isIpv6()) {
            return text.append("ethertype 0x%04x, length %d".formatted(frame.etherType(), frame.lengthBytes()))
                    .toString();
        }
        text.append(frame.isIpv4() ? "IP " : "IP6 ");
        text.append(frame.source())
                .append(frame.hasPorts() ? "." + frame.sourcePort() : "")
                .append(" > ");
        text.append(frame.destination())
                .append(frame.hasPorts() ? "." + frame.destinationPort() : "")
                .append(": ");
        return text.append(fragment(frame)).append(transport(frame)).toString();
    }

    private static String fragment(FrameView frame) {
        return switch (frame.fragment()) {
            case NONE -> "";
            case FIRST -> "first fragment, ";
            case LATER -> "later fragment, ";
        };
    }

    private static String arp(FrameView frame) {
        return switch (frame.arpOperation()) {
            case 1 -> "ARP, Request who-has " + frame.destination() + " tell " + frame.source();
            case 2 -> "ARP, Reply " + frame.source() + " is-at " + AddressText.mac(frame.arpSenderMac());
            default -> "ARP, operation " + frame.arpOperation();
        };
    }

    private static String transport(FrameView frame) {
        int length = frame.payload().length;
        if (frame.isTcp()) {
            return tcp(frame, length);
        }
        if (frame.isUdp()) {
            return "UDP, length " + length;
        }
        if (frame.isIcmp()) {
            return icmp(frame);
        }
        return "ip-proto-" + frame.protocol() + ", length " + length;
    }

    /** The sequence number is left out where it says nothing new: of an acknowledgement without data. */
    private static String tcp(FrameView frame, int length) {
        int bits = frame.tcpFlagBits();
        StringBuilder text =
                new StringBuilder("Flags [").append(frame.tcpFlags()).append(']');
        if (length > 0 || (bits & (TcpHeader.SYN | TcpHeader.FIN | TcpHeader.RST)) != 0) {
            text.append(", seq ").append(frame.seq());
            text.append(length > 0 ? ":" + (frame.seq() + length & 0xffff_ffffL) : "");
        }
        text.append((bits & TcpHeader.ACK) != 0 ? ", ack " + frame.ackNumber() : "");
        return text.append(", length ").append(length).toString();
    }

    private static String icmp(FrameView frame) {
        boolean four = frame.isIpv4();
        int request = four ? Frames.ICMP_ECHO : Frames.ICMP6_ECHO;
        int reply = four ? 0 : Frames.ICMP6_ECHO + 1;
        String name = four ? "ICMP " : "ICMP6, ";
        int type = frame.icmpType();
        String what = type == request || type == reply
                ? "echo %s, id %d, seq %d"
                        .formatted(type == request ? "request" : "reply", frame.icmpId(), frame.icmpSeq())
                : "type %d code %d".formatted(type, frame.icmpCode());
        return name + what + ", length " + (frame.payload().length + PacketParser.ICMP_BYTES);
    }

    static String flags(int bits) {
        StringBuilder letters = new StringBuilder();
        for (int bit = 0; bit < Frame.FLAG_LETTERS.length(); bit++) {
            letters.append((bits & 1 << bit) != 0 ? Frame.FLAG_LETTERS.charAt(bit) : "");
        }
        return letters.isEmpty() ? "none" : letters.toString();
    }
}
