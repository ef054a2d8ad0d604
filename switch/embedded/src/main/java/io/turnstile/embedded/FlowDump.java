package io.turnstile.embedded;

import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import java.util.Comparator;
import java.util.List;

/** Flows as {@code ovs-ofctl dump-flows} prints them, one a line. Threads: stateless. */
final class FlowDump {
    private static final long NS_PER_MS = 1_000_000;
    private static final long NS_PER_SECOND = 1_000_000_000;
    private static final Comparator<FlowStats> ORDER = Comparator.comparingInt(FlowStats::tableId)
            .thenComparing(Comparator.comparingInt(FlowStats::priority).reversed())
            .thenComparing(flow -> FlowText.format(flow.match()));

    private FlowDump() {}

    /** By table, then the higher priority first: the order in which packets meet them. */
    static List<String> lines(List<FlowStats> flows) {
        return flows.stream().sorted(ORDER).map(FlowDump::line).toList();
    }

    static String line(FlowStats flow) {
        StringBuilder text = new StringBuilder();
        text.append("cookie=0x")
                .append(Long.toHexString(flow.cookie()))
                .append(", duration=")
                .append(duration(flow.durationNs()))
                .append(", table=")
                .append(flow.tableId())
                .append(", n_packets=")
                .append(flow.packetCount())
                .append(", n_bytes=")
                .append(flow.byteCount())
                .append(", ");
        appendIfSet(text, "idle_timeout", flow.idleTimeoutSeconds());
        appendIfSet(text, "hard_timeout", flow.hardTimeoutSeconds());
        appendIfSet(text, "importance", flow.importance());
        if (flow.flags().contains(FlowMod.Flag.SEND_FLOW_REM)) {
            text.append("send_flow_rem ");
        }
        text.append("idle_age=").append(flow.idleAgeNs() / NS_PER_SECOND).append(", ");
        String match = FlowText.format(flow.match(), flow.priority());
        return text.append(match)
                .append(match.isEmpty() ? "" : " ")
                .append("actions=")
                .append(FlowText.format(flow.actions(), flow.match()))
                .toString();
    }

    private static void appendIfSet(StringBuilder text, String name, int value) {
        if (value != 0) {
            text.append(name).append('=').append(value).append(", ");
        }
    }

    /** Seconds, with as many of the milliseconds' digits as say something. */
    private static String duration(long ns) {
        String fraction = String.format(".%03d", ns / NS_PER_MS % 1000).replaceFirst("\\.?0+$", "");
        return ns / NS_PER_SECOND + fraction + "s";
    }
}
