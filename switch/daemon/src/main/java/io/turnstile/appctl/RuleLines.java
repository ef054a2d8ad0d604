package io.turnstile.appctl;

import io.turnstile.control.PieceBudget;
import io.turnstile.control.TextSource;
import io.turnstile.pipeline.OpenFlowSwitch.FlowCursor;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.flow.FlowText;
import java.util.concurrent.TimeUnit;

/** OpenFlow flows as {@code bridge/dump-flows} prints them, one a line. Threads: one. */
final class RuleLines implements TextSource {
    private static final int FLOWS_AT_ONCE = 32;

    private final FlowCursor flows;
    private final boolean withOffload;

    /** @param withOffload what was carried is told apart ({@code --offload-stats}); of rules nobody knows how much */
    RuleLines(FlowCursor flows, boolean withOffload) {
        this.flows = flows;
        this.withOffload = withOffload;
    }

    @Override
    public boolean next(StringBuilder out) {
        PieceBudget budget = new PieceBudget(out);
        boolean more = true;
        while (more && !budget.isSpent()) {
            more = flows.advance(FLOWS_AT_ONCE, flow -> append(out, flow));
        }
        return more;
    }

    private void append(StringBuilder out, FlowStats flow) {
        if (flow.cookie() != 0) {
            out.append("cookie=0x").append(Long.toHexString(flow.cookie())).append(", ");
        }
        if (flow.tableId() != 0) {
            out.append("table_id=").append(flow.tableId()).append(", ");
        }
        out.append("duration=")
                .append(TimeUnit.NANOSECONDS.toSeconds(flow.durationNs()))
                .append("s, n_packets=")
                .append(flow.packetCount())
                .append(", n_bytes=")
                .append(flow.byteCount())
                .append(withOffload ? ", n_offload_packets=?, n_offload_bytes=?, " : ", ")
                .append(FlowText.format(flow.match(), flow.priority()))
                .append(",actions=")
                .append(FlowText.format(flow.actions(), flow.match()))
                .append('\n');
    }
}
