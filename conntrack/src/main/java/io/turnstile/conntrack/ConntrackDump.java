package io.turnstile.conntrack;

import io.turnstile.address.AddressText;
import io.turnstile.conntrack.ConnectionSnapshot.Tuple;
import io.turnstile.packet.IpProtocols;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Lines of {@code ovs-appctl dpctl/dump-conntrack}, character by character as Open vSwitch's (ovs-vswitchd(8)). */
public final class ConntrackDump {
    /** Flag names of a TCP side, by bit. */
    private static final String[] TCP_FLAGS = {
        "WINDOW_SCALE", "SACK_PERM", "CLOSE_INIT", "BE_LIBERAL", "DATA_UNACKNOWLEDGED", "MAXACK_SET"
    };

    private ConntrackDump() {}

    /**
     * One connection, without line end.
     *
     * @param more {@code -m}: id, status and both sides' TCP states
     * @param statistics {@code -s}: seconds until the deadline
     */
    public static String line(ConnectionSnapshot connection, boolean more, boolean statistics) {
        StringBuilder out = new StringBuilder(160);
        append(out, connection, more, statistics);
        return out.toString();
    }

    /** Appends {@link #line}. */
    public static void append(StringBuilder out, ConnectionSnapshot connection, boolean more, boolean statistics) {
        appendProtocol(out, connection.protocol);
        out.append(",orig=(");
        appendTuple(out, connection, connection.original);
        out.append("),reply=(");
        appendTuple(out, connection, connection.reply);
        out.append(')');
        if (more) {
            out.append(",id=0");
        }
        if (connection.zone != 0) {
            out.append(",zone=").append(connection.zone);
        }
        if (more) {
            out.append(",status=0");
        }
        if (statistics) {
            out.append(",timeout=").append(Math.max(0, TimeUnit.NANOSECONDS.toSeconds(connection.timeLeftNs)));
        }
        if (connection.mark != 0) {
            out.append(",mark=").append(Integer.toUnsignedString(connection.mark));
        }
        appendLabels(out, connection);
        if (connection.protocol == IpProtocols.TCP) {
            out.append(",protoinfo=(");
            appendTcp(out, connection, more);
            out.append(')');
        }
        if (connection.protocol == IpProtocols.SCTP) {
            out.append(",protoinfo=(state=").append(connection.sctpState);
            out.append(",vtag_orig=").append(Integer.toUnsignedString(connection.originalSctpTag));
            out.append(",vtag_reply=")
                    .append(Integer.toUnsignedString(connection.replySctpTag))
                    .append(')');
        }
        if (connection.alg != Alg.NONE) {
            out.append(",helper=").append(connection.alg.name().toLowerCase(Locale.ROOT));
        }
        if (more && connection.hasParent) {
            out.append(",parent=(");
            appendTuple(out, connection, connection.parent);
            out.append(')');
        }
    }

    /** One expected connection of {@code dpctl/dump-conntrack-exp}, without line end. */
    public static String expectedLine(ConnectionSnapshot expected, Tuple parent) {
        StringBuilder out = new StringBuilder(160);
        appendProtocol(out, expected.protocol);
        out.append(",orig=(");
        appendTuple(out, expected, expected.original);
        out.append(')');
        if (expected.zone != 0) {
            out.append(",zone=").append(expected.zone);
        }
        if (expected.mark != 0) {
            out.append(",mark=").append(Integer.toUnsignedString(expected.mark));
        }
        appendLabels(out, expected);
        out.append(",parent=(");
        appendTuple(out, expected, parent);
        return out.append(')').toString();
    }

    /** The one state that a TCP connection is shown in where there is no room for two. */
    public static TcpState shownState(ConnectionSnapshot connection) {
        TcpState original = connection.originalTcpState;
        TcpState reply = connection.replyTcpState;
        return shown(original.compareTo(reply) >= 0 ? original : reply);
    }

    static void appendProtocol(StringBuilder out, int protocol) {
        switch (protocol) {
            case IpProtocols.ICMP -> out.append("icmp");
            case IpProtocols.ICMPV6 -> out.append("icmpv6");
            case IpProtocols.TCP -> out.append("tcp");
            case IpProtocols.UDP -> out.append("udp");
            case IpProtocols.SCTP -> out.append("sctp");
            case IpProtocols.UDP_LITE -> out.append("udplite");
            case IpProtocols.DCCP -> out.append("dccp");
            case IpProtocols.IGMP -> out.append("igmp");
            default -> out.append(protocol);
        }
    }

    private static void appendTuple(StringBuilder out, ConnectionSnapshot connection, Tuple tuple) {
        out.append("src=").append(address(connection, tuple.sourceHigh, tuple.sourceLow));
        out.append(",dst=").append(address(connection, tuple.destinationHigh, tuple.destinationLow));
        if (connection.protocol == IpProtocols.ICMP || connection.protocol == IpProtocols.ICMPV6) {
            out.append(",id=").append(tuple.icmpId).append(",type=").append(tuple.icmpType);
            out.append(",code=").append(tuple.icmpCode);
        } else {
            out.append(",sport=").append(tuple.sourcePort).append(",dport=").append(tuple.destinationPort);
        }
    }

    static String address(ConnectionSnapshot connection, long high, long low) {
        return connection.ipv6 ? AddressText.ipv6(high, low) : AddressText.ipv4(low);
    }

    private static void appendLabels(StringBuilder out, ConnectionSnapshot connection) {
        if ((connection.labelHigh | connection.labelLow) != 0) {
            appendLabel(out.append(",labels="), connection);
        }
    }

    /** {@code 0x…}. */
    static void appendLabel(StringBuilder out, ConnectionSnapshot connection) {
        String low = Long.toHexString(connection.labelLow);
        if (connection.labelHigh == 0) {
            out.append("0x").append(low);
        } else {
            out.append("0x").append(Long.toHexString(connection.labelHigh));
            out.append("0".repeat(16 - low.length())).append(low);
        }
    }

    private static void appendTcp(StringBuilder out, ConnectionSnapshot connection, boolean more) {
        TcpState original = connection.originalTcpState;
        TcpState reply = connection.replyTcpState;
        if (!more) {
            out.append("state=").append(shownState(connection));
            return;
        }
        out.append("state_orig=").append(original).append(",state_reply=").append(reply);
        if (connection.originalTcpScale != 0 || connection.replyTcpScale != 0) {
            out.append(",wscale_orig=").append(connection.originalTcpScale);
            out.append(",wscale_reply=").append(connection.replyTcpScale);
        }
        appendFlags(out.append(",flags_orig="), connection.originalTcpFlags);
        appendFlags(out.append(",flags_reply="), connection.replyTcpFlags);
    }

    /** One word for two sides: the further one, by the names that the kernel's tracker would use. */
    private static TcpState shown(TcpState further) {
        return switch (further) {
            case FIN_WAIT_2 -> TcpState.TIME_WAIT;
            case SYN_RECV -> TcpState.ESTABLISHED;
            case CLOSED, LISTEN, SYN_SENT, ESTABLISHED, CLOSE_WAIT, FIN_WAIT_1, CLOSING, LAST_ACK, TIME_WAIT -> further;
        };
    }

    private static void appendFlags(StringBuilder out, int flags) {
        if (flags == 0) {
            out.append('0');
            return;
        }
        String separator = "";
        for (int bit = 0; bit < TCP_FLAGS.length; bit++) {
            if ((flags & 1 << bit) != 0) {
                out.append(separator).append(TCP_FLAGS[bit]);
                separator = "|";
            }
        }
    }
}
