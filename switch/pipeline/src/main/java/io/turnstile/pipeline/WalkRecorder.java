package io.turnstile.pipeline;

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
    private final LinkedHashSet<Sighting> sightings = new LinkedHashSet<>();
    private final List<SideEffect> sideEffects = new ArrayList<>();
    private final Set<FlowTable> refusals = new LinkedHashSet<>();
    private final List<Integer> recirculationIds = new ArrayList<>();
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

    void sighted(BridgePipeline bridge, MacTable.Station station, int port) {
        sightings.addLast(new Sighting(bridge, station, port)); // also if it is not the first time
    }

    /** The port by which the station was last seen on this very walk, or null. */
    @Nullable
    Integer lastSighting(BridgePipeline bridge, MacTable.Station station) {
        for (Sighting sighting : sightings.reversed()) {
            if (sighting.bridge() == bridge && sighting.station().equals(station)) {
                return sighting.port();
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
                List.copyOf(sightings),
                List.copyOf(recirculationIds),
                List.copyOf(sideEffects),
                List.copyOf(refusals));
    }
}
