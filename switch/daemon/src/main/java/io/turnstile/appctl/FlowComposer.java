package io.turnstile.appctl;

import com.google.common.net.InetAddresses;
import io.turnstile.bridge.MacText;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.FlagNames;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.packet.TcpHeader;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The composer makes a frame out of a datapath flow in the syntax of dpctl(8), such as
 * {@code in_port(1),eth(src=…,dst=…),eth_type(0x0800),ipv4(src=…,dst=…,proto=17),udp(src=1,dst=2)}. Checksums are
 * right. As in Open vSwitch, 64 bytes that count upwards follow where data may: after UDP, echo messages, unknown
 * protocols, and TCP without SYN, FIN and RST.
 */
final class FlowComposer {
    private static final Pattern PART = Pattern.compile("\\s*,?\\s*([a-z_0-9]+)\\(([^()]*)\\)\\s*");
    private static final int CAPACITY_BYTES = 512;
    private static final int PAYLOAD_BYTES = 64;
    private static final int TCP_FIN_SYN_RST = TcpHeader.FIN | TcpHeader.SYN | TcpHeader.RST;

    private final Map<String, String> parts = new LinkedHashMap<>();
    private final String text;

    private FlowComposer(String text) {
        this.text = text;
        Matcher matcher = PART.matcher(text);
        int end = 0;
        while (end < text.length() && matcher.find(end) && matcher.start() == end) {
            parts.put(matcher.group(1), matcher.group(2));
            end = matcher.end();
        }
        if (end < text.length() || !parts.containsKey("eth")) {
            throw syntaxError(end);
        }
    }

    private IllegalArgumentException syntaxError(int offset) {
        return new IllegalArgumentException("syntax error at " + text.substring(Math.min(offset, text.length())));
    }

    /** @throws IllegalArgumentException whose message says what cannot be read, or is not supported */
    static byte[] compose(String flow) {
        return new FlowComposer(flow).frame();
    }

    private byte[] frame() {
        ByteBuffer frame = ByteBuffer.allocate(CAPACITY_BYTES);
        Map<String, String> ethernet = values("eth");
        putMac(frame, ethernet.getOrDefault("dst", "00:00:00:00:00:00"));
        putMac(frame, ethernet.getOrDefault("src", "00:00:00:00:00:00"));
        int type = number(parts.getOrDefault("eth_type", "0"));
        frame.putShort((short) type);
        if (parts.containsKey("vlan") || parts.containsKey("encap")) {
            throw new IllegalArgumentException("vlan() is not supported here; give the frame in hex");
        }
        switch (type) {
            case EtherTypes.IPV4 -> putIpv4(frame, values("ipv4"));
            case EtherTypes.IPV6 -> putIpv6(frame, values("ipv6"));
            case EtherTypes.ARP -> putArp(frame, values("arp"));
            default -> putPayload(frame);
        }
        byte[] bytes = new byte[frame.position()];
        frame.get(0, bytes);
        return checksummed(bytes);
    }

    /** Fills in the transport checksum. */
    private static byte[] checksummed(byte[] bytes) {
        Packet packet = Packet.copyOf(bytes);
        if (!PacketParser.parse(packet) || packet.l4Offset() == Packet.ABSENT) {
            return bytes;
        }
        int field = switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> 16;
            case IpProtocols.UDP -> 6;
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> 2;
            default -> Packet.ABSENT;
        };
        if (field != Packet.ABSENT) {
            int from = packet.l4Offset();
            int to = packet.l3EndOffset();
            long pseudo =
                    packet.ipProtocol() == IpProtocols.ICMP ? 0 : InternetChecksum.pseudoHeader(packet, to - from);
            packet.putU16(from + field, InternetChecksum.finish(InternetChecksum.add(pseudo, packet, from, to)));
        }
        return packet.toBytes();
    }

    private void putIpv4(ByteBuffer frame, Map<String, String> ip) {
        int start = frame.position();
        int protocol = number(ip.getOrDefault("proto", "0"));
        frame.put((byte) 0x45).put((byte) number(ip.getOrDefault("tos", "0"))).putShort((short) 0);
        frame.putInt(0)
                .put((byte) number(ip.getOrDefault("ttl", "64")))
                .put((byte) protocol)
                .putShort((short) 0);
        if (!ip.getOrDefault("frag", "no").equals("no")) {
            throw new IllegalArgumentException(
                    "frag=" + ip.get("frag") + " is not supported here; give the frame in hex");
        }
        putAddress(frame, ip.getOrDefault("src", "0.0.0.0"), 4);
        putAddress(frame, ip.getOrDefault("dst", "0.0.0.0"), 4);
        putTransport(frame, protocol);
        frame.putShort(start + 2, (short) (frame.position() - start));
        frame.putShort(start + 10, (short) headerChecksum(frame, start));
    }

    private static int headerChecksum(ByteBuffer frame, int start) {
        int sum = 0;
        for (int i = 0; i < 20; i += 2) {
            sum += frame.getShort(start + i) & 0xffff;
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        return ~(sum + (sum >>> 16)) & 0xffff;
    }

    private void putIpv6(ByteBuffer frame, Map<String, String> ip) {
        int start = frame.position();
        int protocol = number(ip.getOrDefault("proto", "0"));
        frame.putInt(6 << 28 | number(ip.getOrDefault("tclass", "0")) << 20 | number(ip.getOrDefault("label", "0")));
        frame.putShort((short) 0).put((byte) protocol).put((byte) number(ip.getOrDefault("hlimit", "64")));
        putAddress(frame, ip.getOrDefault("src", "::"), 16);
        putAddress(frame, ip.getOrDefault("dst", "::"), 16);
        int payload = frame.position();
        putTransport(frame, protocol);
        frame.putShort(start + 4, (short) (frame.position() - payload));
    }

    private void putTransport(ByteBuffer frame, int protocol) {
        switch (protocol) {
            case IpProtocols.TCP -> {
                putPorts(frame, values("tcp"));
                int flags = parts.containsKey("tcp_flags") ? flags(parts.get("tcp_flags")) : 0;
                frame.putLong(0)
                        .putShort((short) (5 << 12 | flags))
                        .putShort((short) 0)
                        .putInt(0);
                if ((flags & TCP_FIN_SYN_RST) == 0) {
                    putPayload(frame);
                }
            }
            case IpProtocols.UDP -> {
                putPorts(frame, values("udp"));
                frame.putShort((short) (8 + PAYLOAD_BYTES)).putShort((short) 0);
                putPayload(frame);
            }
            case IpProtocols.ICMP -> putIcmp(frame, values("icmp"), 0, 8);
            case IpProtocols.ICMPV6 -> putIcmp(frame, values("icmpv6"), 128, 129);
            default -> putPayload(frame);
        }
    }

    private static void putPorts(ByteBuffer frame, Map<String, String> values) {
        frame.putShort((short) number(values.getOrDefault("src", "0")));
        frame.putShort((short) number(values.getOrDefault("dst", "0")));
    }

    private static void putIcmp(ByteBuffer frame, Map<String, String> values, int echo, int otherEcho) {
        int type = number(values.getOrDefault("type", "0"));
        int code = number(values.getOrDefault("code", "0"));
        frame.put((byte) type).put((byte) code).putShort((short) 0).putInt(0);
        if (code == 0 && (type == echo || type == otherEcho)) {
            putPayload(frame);
        }
    }

    private static void putPayload(ByteBuffer frame) {
        for (int i = 0; i < PAYLOAD_BYTES; i++) {
            frame.put((byte) i);
        }
    }

    private static int flags(String text) {
        if (text.matches("(0x)?[0-9a-fA-F]+")) {
            return number(text) & FieldValues.TCP_FLAGS_MASK;
        }
        int flags = 0;
        for (String name : text.split("[|,]")) {
            long bit = FlagNames.TCP_FLAGS.bit(name.strip());
            if (bit == 0) {
                throw new IllegalArgumentException("syntax error at tcp_flags(" + text + ")");
            }
            flags |= (int) bit;
        }
        return flags;
    }

    private void putArp(ByteBuffer frame, Map<String, String> arp) {
        frame.putShort((short) 1)
                .putShort((short) EtherTypes.IPV4)
                .put((byte) 6)
                .put((byte) 4);
        frame.putShort((short) number(arp.getOrDefault("op", "1")));
        putMac(frame, arp.getOrDefault("sha", "00:00:00:00:00:00"));
        putAddress(frame, arp.getOrDefault("sip", "0.0.0.0"), 4);
        putMac(frame, arp.getOrDefault("tha", "00:00:00:00:00:00"));
        putAddress(frame, arp.getOrDefault("tip", "0.0.0.0"), 4);
    }

    // ---- words ----

    private Map<String, String> values(String part) {
        Map<String, String> values = new HashMap<>();
        for (String pair : parts.getOrDefault(part, "").split(",")) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                values.put(
                        pair.substring(0, equals).strip(),
                        pair.substring(equals + 1).strip());
            }
        }
        return values;
    }

    private static int number(String text) {
        try {
            return Integer.decode(text.matches("0[0-9]+") ? text.replaceFirst("^0+(?=.)", "") : text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("syntax error at " + text, e);
        }
    }

    private static void putMac(ByteBuffer frame, String text) {
        long mac = MacText.parse(text).orElseThrow(() -> new IllegalArgumentException("syntax error at " + text));
        frame.putShort((short) (mac >>> 32)).putInt((int) mac);
    }

    private static void putAddress(ByteBuffer frame, String text, int bytes) {
        if (!InetAddresses.isInetAddress(text) || InetAddresses.forString(text).getAddress().length != bytes) {
            throw new IllegalArgumentException("syntax error at " + text);
        }
        frame.put(InetAddresses.forString(text).getAddress());
    }
}
