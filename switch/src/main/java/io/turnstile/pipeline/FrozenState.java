package io.turnstile.pipeline;

import io.turnstile.datapath.FlowKey;
import java.util.Arrays;
import java.util.List;

/**
 * The rest of a walk, frozen with a recirculation id: where it goes on and what the pipeline knew that the packet does not carry.
 *
 * @param bridge       name of the bridge
 * @param tableId      the table it goes on in
 * @param inPort       OpenFlow ingress port in that bridge
 * @param pipelineWords metadata and registers: the words of {@link FlowKey} after the datapath's
 * @param stack        fields pushed and not yet popped, as pairs of high and low words
 * @param conntracked  false: ct_* of the packet are hidden, the walk met another {@code ct()} in between
 * @param actionSet    what write_actions collected
 */
record FrozenState(String bridge, int tableId, int inPort, long[] pipelineWords, List<Long> stack, boolean conntracked,
                   List<OfAction> actionSet) {

    static long[] pipelineWordsOf(long[] key) {
        return Arrays.copyOfRange(key, FlowKey.DATAPATH_WORDS, FlowKey.WORDS);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FrozenState state && bridge.equals(state.bridge) && tableId == state.tableId
                && inPort == state.inPort && Arrays.equals(pipelineWords, state.pipelineWords) && stack.equals(state.stack)
                && conntracked == state.conntracked && actionSet.equals(state.actionSet);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(pipelineWords) * 31 + bridge.hashCode() * 17 + tableId * 7 + inPort;
    }
}
