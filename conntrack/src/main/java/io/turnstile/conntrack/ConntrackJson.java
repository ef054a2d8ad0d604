package io.turnstile.conntrack;

import io.turnstile.conntrack.ConnectionSnapshot.Tuple;
import io.turnstile.packet.IpProtocols;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Connections as fields of a JSON object, for {@code dpctl/dump-conntrack -f json} and {@code conntrack/audit -f json}.
 * Nothing in them has to be escaped.
 */
public final class ConntrackJson {
    private ConntrackJson() {}

    /**
     * Appends the fields of one connection, separated by commas, without braces.
     *
     * @param more {@code -m}: id, both sides' TCP states, parent
     * @param statistics {@code -s}: seconds until the deadline
     */
    public static void append(StringBuilder out, ConnectionSnapshot connection, boolean more, boolean statistics) {
        out.append("\"proto\":\"");
        ConntrackDump.appendProtocol(out, connection.protocol);
        out.append("\",\"orig\":");
        appendTuple(out, connection, connection.original);
        out.append(",\"reply\":");
        appendTuple(out, connection, connection.reply);
        out.append(",\"zone\":").append(connection.zone);
        out.append(",\"mark\":").append(Integer.toUnsignedString(connection.mark));
        if ((connection.labelHigh | connection.labelLow) != 0) {
            out.append(",\"labels\":\"");
            ConntrackDump.appendLabel(out, connection);
            out.append('"');
        }
        if (connection.protocol == IpProtocols.TCP) {
            appendText(out, "state", ConntrackDump.shownState(connection).name());
        } else if (connection.protocol == IpProtocols.SCTP) {
            appendText(out, "state", connection.sctpState.name());
        }
        if (statistics) {
            out.append(",\"timeout\":").append(Math.max(0, TimeUnit.NANOSECONDS.toSeconds(connection.timeLeftNs)));
        }
        if (connection.alg != Alg.NONE) {
            appendText(out, "helper", connection.alg.name().toLowerCase(Locale.ROOT));
        }
        if (more) {
            appendMore(out, connection);
        }
    }

    private static void appendMore(StringBuilder out, ConnectionSnapshot connection) {
        // As text: many readers know no whole numbers of 64 bits.
        appendText(out, "connection", Long.toUnsignedString(connection.connectionId));
        if (connection.protocol == IpProtocols.TCP) {
            appendText(out, "state_orig", connection.originalTcpState.name());
            appendText(out, "state_reply", connection.replyTcpState.name());
        }
        if (connection.hasParent) {
            out.append(",\"parent\":");
            appendTuple(out, connection, connection.parent);
        }
    }

    private static void appendText(StringBuilder out, String name, String value) {
        out.append(",\"").append(name).append("\":\"").append(value).append('"');
    }

    private static void appendTuple(StringBuilder out, ConnectionSnapshot connection, Tuple tuple) {
        out.append("{\"src\":\"").append(ConntrackDump.address(connection, tuple.sourceHigh, tuple.sourceLow));
        out.append("\",\"dst\":\"")
                .append(ConntrackDump.address(connection, tuple.destinationHigh, tuple.destinationLow));
        if (connection.protocol == IpProtocols.ICMP || connection.protocol == IpProtocols.ICMPV6) {
            out.append("\",\"id\":").append(tuple.icmpId);
            out.append(",\"type\":").append(tuple.icmpType);
            out.append(",\"code\":").append(tuple.icmpCode).append('}');
        } else {
            out.append("\",\"sport\":").append(tuple.sourcePort);
            out.append(",\"dport\":").append(tuple.destinationPort).append('}');
        }
    }
}
