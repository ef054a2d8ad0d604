package io.turnstile.openflow;

import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import java.util.List;
import java.util.function.Consumer;

/** What a controller is told of flows that ended together, message by message. Event loop thread only. */
final class RemovedFlows implements LongReply {
    private static final int FLOWS_PER_PIECE = 256;

    private final List<FlowStats> flows;
    private final Consumer<FlowStats> sender;
    private int next;

    /** @param flows each made when it is asked for */
    RemovedFlows(List<FlowStats> flows, Consumer<FlowStats> sender) {
        this.flows = flows;
        this.sender = sender;
    }

    @Override
    public boolean proceed() {
        int end = Math.min(flows.size(), next + FLOWS_PER_PIECE);
        while (next < end) {
            sender.accept(flows.get(next++));
        }
        return next < flows.size();
    }

    @Override
    public void abandon() {
        // Nothing is made in advance.
    }

    @Override
    public int items() {
        return flows.size();
    }
}
