package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.OfAction;
import java.util.List;

/**
 * The rest of a walk that goes on after recirculation: the place, and all state of the walk that is not in the packet.
 * Equal ones share a recirculation id. A {@link WalkState} freezes to it and thaws from it.
 *
 * @param inPort OpenFlow port of {@code bridge}
 * @param pipelineFields metadata and registers, in key order
 * @param stack contents of the stack, two longs an entry, high first
 * @param conntrackVisible whether the packet's ct_ fields are to be seen
 * @param packetType what the packet begins with: all that share an id begin alike
 * @param rest what is left of the lists that were under way, the innermost first; empty: the table is looked up
 */
record FrozenWalk(
        BridgePipeline bridge,
        int tableId,
        int inPort,
        List<Long> pipelineFields,
        List<Long> stack,
        List<OfAction> actionSet,
        boolean conntrackVisible,
        long packetType,
        List<FrozenActions> rest)
        implements Continuation {}
