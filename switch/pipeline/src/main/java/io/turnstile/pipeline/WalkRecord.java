package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.MatchMask;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a translation depends on, and its side effects: the owner of its datapath flow. Immutable.
 *
 * @param generation the pipeline's generation that it was translated under
 * @param bridges bridges walked through: their ports matter
 * @param lookups table lookups, in order, hits and misses
 * @param reads stations that were looked up in an address table
 * @param settings whoever else concerns the walk when they change
 * @param sightings stations seen at their port by every packet of the flow
 * @param recirculationIds ids that the actions recirculate to
 * @param groups groups that were asked for or passed
 * @param crossings from bridge to bridge, in order
 * @param credits whether tables, rules, groups and patch ports count the packets; they do not where these walk again
 * @param sideEffects on flows, of every packet
 * @param refusals tables that could learn no more
 */
record WalkRecord(
        long generation,
        List<BridgePipeline> bridges,
        List<TableLookup> lookups,
        List<StationRead> reads,
        List<Dependents> settings,
        List<Sighting> sightings,
        List<Integer> recirculationIds,
        List<GroupUse> groups,
        List<PatchCounter.Crossing> crossings,
        boolean credits,
        List<SideEffect> sideEffects,
        List<FlowTable> refusals) {

    /**
     * One lookup in a table.
     *
     * @param key the walk's key at that point; shared between lookups, never changed
     * @param swapped looked up with the connection's original tuple in place of the packet's addresses
     * @param winner null for a miss
     * @param clauses those of conjunctions that the packet met
     */
    record TableLookup(
            FlowTable table,
            long[] key,
            boolean swapped,
            @Nullable Rule winner,
            List<Rule> clauses) {

        boolean restsOnWhatGoes() {
            if (winner != null && winner.phase == Rule.Phase.GOING) {
                return true;
            }
            for (int i = 0; i < clauses.size(); i++) {
                if (clauses.get(i).phase == Rule.Phase.GOING) {
                    return true;
                }
            }
            return false;
        }

        /**
         * Whether packets of the datapath flow may meet {@code added} here and prefer it to the winner.
         *
         * @param flowMask the datapath flow's mask: those bits of the key are the same for all its packets
         */
        boolean mightPrefer(Rule added, long[] flowMask) {
            // With conjunctions a flow may win over one of higher priority.
            boolean byPriority = clauses.isEmpty() && !added.isConjunctive();
            if (byPriority && winner != null && added.priority < winner.priority) {
                return false;
            }
            MatchMask mask = added.match.mask();
            for (int i = 0; i < mask.length(); i++) {
                int word = mask.wordAt(i);
                if (word == Field.CONJ_ID.word()) {
                    continue; // The key has it only while it is looked up.
                }
                // Pipeline fields are the same for all packets of a flow; swapped ones are elsewhere in its mask.
                long fixed =
                        word >= FlowKey.DATAPATH_WORDS ? -1L : swapped && TupleSwap.touches(word) ? 0 : flowMask[word];
                if (((key[word] ^ added.match.valueAt(i)) & mask.bitsAt(i) & fixed) != 0) {
                    return false;
                }
            }
            return true;
        }
    }

    /**
     * A group that the walk depends on.
     *
     * @param group null if packets do not pass it
     * @param bucket the place of the one that they go through, or {@link Group#EVERY_BUCKET}
     */
    record GroupUse(GroupTable table, int id, @Nullable Group group, int bucket) {}

    record StationRead(MacTable table, MacTable.Station station) {}

    record Sighting(BridgePipeline bridge, MacTable.Station station, MacTable.Sight sight) {}

    /** The same under another generation. */
    WalkRecord at(long otherGeneration) {
        return new WalkRecord(
                otherGeneration,
                bridges,
                lookups,
                reads,
                settings,
                sightings,
                recirculationIds,
                groups,
                crossings,
                credits,
                sideEffects,
                refusals);
    }

    /** Whether a flow with this record may be wrong once any of {@code additions} is in {@code table}. */
    boolean isConcernedByAny(List<Rule> additions, FlowTable table, DatapathFlow flow) {
        for (TableLookup lookup : lookups) {
            if (lookup.table == table) {
                for (int i = 0; i < additions.size(); i++) {
                    if (lookup.mightPrefer(additions.get(i), flow.mask())) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /** Whether a flow with this record rests on a rule of the table that is going. */
    boolean restsOnWhatGoes(FlowTable table) {
        for (TableLookup lookup : lookups) {
            if (lookup.table == table && lookup.restsOnWhatGoes()) {
                return true;
            }
        }
        return false;
    }

    /** Registers the flow with everything that it depends on, where a change looks for it. */
    void register(DatapathFlow flow) {
        bridges.forEach(bridge -> bridge.dependents().add(flow));
        for (TableLookup lookup : lookups) {
            lookup.table.dependents.add(flow);
            if (lookup.winner != null) {
                lookup.winner.addDependent(flow);
            }
            lookup.clauses.forEach(clause -> clause.addDependent(flow));
        }
        reads.forEach(read -> read.table.addReader(read.station, flow));
        groups.forEach(use -> use.table.addDependent(use.id, flow));
        settings.forEach(dependents -> dependents.add(flow));
        refusals.forEach(table -> table.refused.add(flow));
    }

    void unregister(DatapathFlow flow) {
        bridges.forEach(bridge -> bridge.dependents().remove(flow));
        for (TableLookup lookup : lookups) {
            lookup.table.dependents.remove(flow);
            if (lookup.winner != null) {
                lookup.winner.removeDependent(flow);
            }
            lookup.clauses.forEach(clause -> clause.removeDependent(flow));
        }
        reads.forEach(read -> read.table.removeReader(read.station, flow));
        groups.forEach(use -> use.table.removeDependent(use.id, flow));
        settings.forEach(dependents -> dependents.remove(flow));
        refusals.forEach(table -> table.refused.remove(flow));
    }

    /** Credits tables, rules and groups with packets; one met twice by each packet counts twice, as in Open vSwitch. */
    void credit(long packets, long bytes, long lastUsedNs) {
        if (!credits) {
            return;
        }
        for (GroupUse use : groups) {
            if (use.group != null) {
                use.group.credit(use.bucket, packets, bytes);
            }
        }
        for (PatchCounter.Crossing crossing : crossings) {
            crossing.credit(packets, bytes);
        }
        for (TableLookup lookup : lookups) {
            lookup.table.lookups.add(packets);
            if (lookup.winner != null) {
                lookup.table.matched.add(packets);
                lookup.winner.counters().add(packets, bytes, lastUsedNs);
            }
        }
    }
}
