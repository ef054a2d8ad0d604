package io.turnstile.pipeline;

import java.util.List;

/**
 * The rest of a walk that goes on after recirculation: where, and everything of the walk that is not in the packet. Two
 * equal ones are the same recirculation id.
 *
 * @param inPort OpenFlow port of {@code bridge}
 * @param pipelineFields metadata and registers, in key order
 * @param stack contents of the stack, two longs an entry, high first
 */
record FrozenWalk(
        BridgePipeline bridge,
        int tableId,
        int inPort,
        List<Long> pipelineFields,
        List<Long> stack,
        List<OfAction> actionSet) {}
