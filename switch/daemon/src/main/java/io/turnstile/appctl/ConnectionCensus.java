package io.turnstile.appctl;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.ConntrackDump;
import io.turnstile.conntrack.TcpState;
import io.turnstile.packet.IpProtocols;
import io.turnstile.time.Clock;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** {@code dpctl/ct-stats-show}: how many connections there are of each protocol, and of TCP in each state. */
final class ConnectionCensus extends ConnectionWalk {
    private final Map<String, Integer> byProtocol = new LinkedHashMap<>();
    private final int[] byState = new int[TcpState.values().length];
    private final boolean withStates;

    ConnectionCensus(Conntrack tracker, Clock clock, ConnectionFilter filter, boolean withStates) {
        super(tracker, clock, filter, false);
        this.withStates = withStates;
        Arrays.asList("TCP", "UDP", "UDPLITE", "SCTP", "ICMP", "ICMPv6", "DCCP", "IGMP", "Other")
                .forEach(name -> byProtocol.put(name, 0));
    }

    @Override
    void found(ConnectionSnapshot connection, StringBuilder out) {
        byProtocol.merge(protocol(connection.protocol), 1, Integer::sum);
        if (connection.protocol == IpProtocols.TCP) {
            byState[ConntrackDump.shownState(connection).ordinal()]++;
        }
    }

    @Override
    void end(StringBuilder out) {
        out.append("Connections Stats:\n    Total: ")
                .append(byProtocol.values().stream().mapToInt(Integer::intValue).sum())
                .append('\n');
        byProtocol.forEach((name, count) -> {
            if (count > 0) {
                out.append("  ").append(name).append(": ").append(count).append('\n');
                out.append(withStates && name.equals("TCP") ? states(byState) : "");
            }
        });
    }

    private static String states(int[] counts) {
        StringBuilder text = new StringBuilder("    Conn per TCP states:\n");
        for (TcpState state : TcpState.values()) {
            if (counts[state.ordinal()] > 0) {
                text.append("\t  [")
                        .append(state)
                        .append("]=")
                        .append(counts[state.ordinal()])
                        .append('\n');
            }
        }
        return text.toString();
    }

    private static String protocol(int number) {
        return switch (number) {
            case IpProtocols.ICMP -> "ICMP";
            case IpProtocols.IGMP -> "IGMP";
            case IpProtocols.TCP -> "TCP";
            case IpProtocols.UDP -> "UDP";
            case IpProtocols.DCCP -> "DCCP";
            case IpProtocols.ICMPV6 -> "ICMPv6";
            case IpProtocols.SCTP -> "SCTP";
            case IpProtocols.UDP_LITE -> "UDPLITE";
            default -> "Other";
        };
    }
}
