package io.turnstile.pipeline;

import io.turnstile.pipeline.WalkRecord.GroupUse;
import io.turnstile.pipeline.WalkRecord.Sighting;
import io.turnstile.pipeline.WalkRecord.StationRead;
import io.turnstile.pipeline.WalkRecord.TableLookup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The dependencies of a walk, gathered while it goes, for its {@link WalkRecord}. Threads: one. */
final class WalkRecorder {
    private final long generation;
    private final Set<BridgePipeline> bridges = new LinkedHashSet<>();
    private final List<TableLookup> lookups = new ArrayList<>();
    private final Set<StationRead> reads = new LinkedHashSet<>();
    private final Set<Dependents> settings = new LinkedHashSet<>();
    private final LinkedHashSet<Sighting> sightings = new LinkedHashSet<>();
    private final List<SideEffect> sideEffects = new ArrayList<>();
    private final Set<FlowTable> refusals = new LinkedHashSet<>();
    private final List<Integer> recirculationIds = new ArrayList<>();
    private final List<GroupUse> groups = new ArrayList<>();
    private final List<PatchCounter.Crossing> crossings = new ArrayList<>();
    private boolean credits = true;
    /** The key as of the last lookup, shared by lookups between which it did not change. */
    private long[] snapshot = {};

    /** @param generation read before anything else: what changes afterwards makes the result outdated */
    WalkRecorder(long generation) {
        this.generation = generation;
    }

    void entered(BridgePipeline bridge) {
        bridges.add(bridge);
    }

    /**
     * @param winner null for a miss
     * @param clauses of conjunctions that the packet met
     */
    void lookedUp(FlowTable table, long[] key, boolean swapped, @Nullable Rule winner, List<Rule> clauses) {
        if (!Arrays.equals(snapshot, key)) {
            snapshot = key.clone();
        }
        lookups.add(new TableLookup(table, snapshot, swapped, winner, List.copyOf(clauses)));
    }

    void read(MacTable table, MacTable.Station station) {
        reads.add(new StationRead(table, station));
    }

    /** What else the walk rests on. */
    void restsOn(Dependents dependents) {
        settings.add(dependents);
    }

    void sighted(BridgePipeline bridge, MacTable.Station station, MacTable.Sight sight) {
        sightings.addLast(new Sighting(bridge, station, sight)); // also if it is not the first time
    }

    /** How the station was last seen on this very walk, or null. */
    MacTable.@Nullable Sight lastSighting(BridgePipeline bridge, MacTable.Station station) {
        for (Sighting sighting : sightings.reversed()) {
            if (sighting.bridge() == bridge && sighting.station().equals(station)) {
                return sighting.sight();
            }
        }
        return null;
    }

    void changes(SideEffect effect) {
        sideEffects.add(effect);
    }

    void refusedBy(FlowTable table) {
        refusals.add(table);
    }

    void recirculates(int id) {
        recirculationIds.add(id);
    }

    /** The walk depends on whether there is such a group, and on what it is like. */
    void askedForGroup(GroupTable table, int id) {
        groups.add(new GroupUse(table, id, null, Group.NO_BUCKET));
    }

    /** @param bucket the place of the bucket that got the packet, or {@link Group#EVERY_BUCKET} */
    void passedGroup(GroupTable table, Group group, int bucket) {
        groups.add(new GroupUse(table, group.id, group, bucket));
    }

    /** The packet goes from one bridge to another. */
    void crossed(PatchCounter.Crossing crossing) {
        crossings.add(crossing);
    }

    /** The packet comes back by that id and walks again: nothing that this walk met counts it, and nobody learns. */
    void beginsAgain(int id) {
        recirculationIds.clear();
        recirculationIds.add(id);
        sightings.clear();
        sideEffects.clear();
        credits = false;
    }

    /** The packet is dropped, so that none of its copies recirculates. */
    void forgetRecirculations() {
        recirculationIds.clear();
    }

    WalkRecord record() {
        return new WalkRecord(
                generation,
                List.copyOf(bridges),
                List.copyOf(lookups),
                List.copyOf(reads),
                List.copyOf(settings),
                List.copyOf(sightings),
                List.copyOf(recirculationIds),
                List.copyOf(groups),
                List.copyOf(crossings),
                credits,
                List.copyOf(sideEffects),
                List.copyOf(refusals));
    }
}
