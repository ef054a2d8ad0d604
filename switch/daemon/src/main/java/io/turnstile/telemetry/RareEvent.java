package io.turnstile.telemetry;

import io.turnstile.openflow.OpenFlowAgent;
import io.turnstile.pipeline.Pipeline;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Something that should be rare, and how often it has happened. Threads: any.
 *
 * @param label its name in {@code coverage/show} and in metrics
 */
public record RareEvent(String label, LongSupplier total) {

    /** What was to be told to somebody who was too slow for it. */
    public static List<RareEvent> lost(Pipeline pipeline, OpenFlowAgent agent, OffloadMonitor monitor) {
        return List.of(
                new RareEvent("packet_in_queue_full", pipeline::droppedPacketIns),
                new RareEvent("packet_in_slow_controller", agent::droppedPacketIns),
                new RareEvent("offload_monitor_lost", monitor::lostLines));
    }
}
