package io.turnstile.pipeline;

import io.turnstile.datapath.FlowKey;
import java.util.ArrayList;
import java.util.List;

/**
 * What a translation went by, kept with its datapath flow: rules to credit, lookups that a change may make wrong, MAC entries read
 * and learned, recirculation ids held.
 *
 * <p>Written by one translation under the pipeline's lock, read-only afterwards.
 */
final class TranslationRecord {

    /**
     * One table lookup.
     *
     * @param key  the working key at that point
     * @param rule what it met, null if nothing
     */
    record Lookup(BridgePipeline bridge, int tableId, long[] key, Rule rule) {
    }

    /** A MAC entry that decided something, or that packets of the flow keep young. */
    record MacUse(BridgePipeline bridge, MacTable.Key key, int port, boolean learned) {
    }

    final List<Lookup> lookups = new ArrayList<>();
    final List<MacUse> macs = new ArrayList<>();
    final List<Integer> recirculationIds = new ArrayList<>();
    /** The translation's wildcards: which packet bits every packet of the flow has in common. */
    final long[] mask = FlowKey.newKey();
    /** The pipeline's version when the translation was finished. */
    long version;

    boolean uses(BridgePipeline bridge) {
        return lookups.stream().anyMatch(lookup -> lookup.bridge() == bridge);
    }

    /** True if some packet of the flow could meet a new rule of that match and priority. */
    boolean mayMeet(BridgePipeline bridge, int tableId, Match match, int priority) {
        for (Lookup lookup : lookups) {
            if (lookup.bridge() == bridge && lookup.tableId() == tableId
                    && (lookup.rule() == null || lookup.rule().priority <= priority) && overlaps(lookup.key(), match)) {
                return true;
            }
        }
        return false;
    }

    boolean met(Rule rule) {
        for (Lookup lookup : lookups) {
            if (lookup.rule() == rule) {
                return true;
            }
        }
        return false;
    }

    /** Bits outside the mask differ from packet to packet; registers and metadata are the same for all. */
    private boolean overlaps(long[] key, Match match) {
        for (int word = 0; word < FlowKey.WORDS; word++) {
            long common = word < FlowKey.DATAPATH_WORDS ? mask[word] : -1L;
            if (((key[word] ^ match.valueWord(word)) & match.maskWord(word) & common) != 0) {
                return false;
            }
        }
        return true;
    }
}
