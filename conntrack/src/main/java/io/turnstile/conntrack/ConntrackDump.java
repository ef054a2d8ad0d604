package io.turnstile.conntrack;

import io.turnstile.packet.IpProtocols;
import java.util.concurrent.TimeUnit;

/** Connections as {@code ovs-appctl dpctl/dump-conntrack} prints them. Threads: stateless. */
public final class ConntrackDump {
    private static final int DCCP = 33;

    private ConntrackDump() {
    }

    /**
     * One line.
     *
     * @param more       {@code -m}: id, status, and each side's TCP state
     * @param statistics {@code -s}: time left
     */
    public static String line(ConnectionSnapshot connection, boolean more, boolean statistics) {
        StringBuilder line = new StringBuilder(protocol(connection.protocol))
                .append(",orig=(").append(tuple(connection, connection.original))
                .append("),reply=(").append(tuple(connection, connection.reply)).append(')');
        if (more) {
            line.append(",id=0");
        }
        if (connection.zone != 0) {
            line.append(",zone=").append(connection.zone);
        }
        if (more) {
            line.append(",status=0");
        }
        if (statistics) {
            line.append(",timeout=").append(Math.max(0, TimeUnit.NANOSECONDS.toSeconds(connection.timeLeftNs)));
        }
        if (connection.mark != 0) {
            line.append(",mark=").append(Integer.toUnsignedString(connection.mark));
        }
        if (connection.labelHigh != 0 || connection.labelLow != 0) {
            line.append(",labels=0x").append(connection.labelHigh == 0 ? Long.toHexString(connection.labelLow)
                    : "%x%016x".formatted(connection.labelHigh, connection.labelLow));
        }
        if (connection.originalTcpState != null) {
            line.append(",protoinfo=(").append(tcpStates(connection, more)).append(')');
        }
        return line.toString();
    }

    /** The peer shows the further of the two states; both where more is asked. */
    private static String tcpStates(ConnectionSnapshot connection, boolean more) {
        TcpState original = connection.originalTcpState;
        TcpState reply = connection.replyTcpState;
        return more ? "state_orig=" + original + ",state_reply=" + reply + windowScales(connection)
                : "state=" + asOneState(original.compareTo(reply) >= 0 ? original : reply);
    }

    private static String windowScales(ConnectionSnapshot connection) {
        int original = connection.originalWindowScale;
        int reply = connection.replyWindowScale;
        String scales = original > 0 || reply > 0
                ? ",wscale_orig=%d,wscale_reply=%d".formatted(Math.max(original, 0), Math.max(reply, 0)) : "";
        return scales + ",flags_orig=" + (original < 0 ? "0" : "WINDOW_SCALE") + ",flags_reply="
                + (reply < 0 ? "0" : "WINDOW_SCALE");
    }

    /** Two of our states have another name where a connection has only one state, as in the kernel. */
    private static TcpState asOneState(TcpState state) {
        return switch (state) {
            case FIN_WAIT_2 -> TcpState.TIME_WAIT;
            case SYN_RECV -> TcpState.ESTABLISHED;
            case CLOSED, LISTEN, SYN_SENT, ESTABLISHED, CLOSE_WAIT, FIN_WAIT_1, CLOSING, LAST_ACK, TIME_WAIT -> state;
        };
    }

    private static String protocol(int protocol) {
        return switch (protocol) {
            case IpProtocols.ICMP -> "icmp";
            case IpProtocols.TCP -> "tcp";
            case IpProtocols.UDP -> "udp";
            case IpProtocols.ICMPV6 -> "icmpv6";
            case IpProtocols.SCTP -> "sctp";
            case IpProtocols.UDP_LITE -> "udplite";
            case IpProtocols.IGMP -> "igmp";
            case DCCP -> "dccp";
            default -> Integer.toString(protocol);
        };
    }

    private static String tuple(ConnectionSnapshot connection, ConnectionSnapshot.Tuple tuple) {
        String addresses = "src=%s,dst=%s".formatted(address(connection.ipv6, tuple.sourceHigh, tuple.sourceLow),
                address(connection.ipv6, tuple.destinationHigh, tuple.destinationLow));
        return switch (connection.protocol) {
            case IpProtocols.ICMP, IpProtocols.ICMPV6 ->
                    "%s,id=%d,type=%d,code=%d".formatted(addresses, tuple.icmpId, tuple.icmpType, tuple.icmpCode);
            case IpProtocols.TCP, IpProtocols.UDP, IpProtocols.SCTP, IpProtocols.UDP_LITE, DCCP ->
                    "%s,sport=%d,dport=%d".formatted(addresses, tuple.sourcePort, tuple.destinationPort);
            default -> addresses;
        };
    }

    private static String address(boolean ipv6, long high, long low) {
        if (!ipv6) {
            return "%d.%d.%d.%d".formatted(low >>> 24 & 0xff, low >>> 16 & 0xff, low >>> 8 & 0xff, low & 0xff);
        }
        return Ipv6Text.of(high, low);
    }
}
