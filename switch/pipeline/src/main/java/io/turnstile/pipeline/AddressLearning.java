package io.turnstile.pipeline;

import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.Upcall.Translation;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The learning of addresses from packets into the bridges' tables: at once from a translation, in maintenance from a
 * datapath flow. What was learned invalidates the datapath flows that looked the station up.
 *
 * <p>Threads: any; no lock is held while it learns.
 */
final class AddressLearning {
    /** A packet of a flow came from a station that the table does not know there. */
    private record Move(WalkRecord.Sighting sighting, long seenNs) {}

    private final Datapath datapath;
    private final Changes changes;
    private final ConcurrentLinkedQueue<Move> moves = new ConcurrentLinkedQueue<>();

    AddressLearning(Datapath datapath, Changes changes) {
        this.datapath = datapath;
        this.changes = changes;
    }

    /**
     * Learns from the translation, and returns the translation to be used: one that does not depend on what was learned
     * remains valid if nothing else changed meanwhile.
     */
    Translation learnFrom(Translation translation, long nowNs) {
        WalkRecord record = (WalkRecord) translation.owner();
        List<WalkRecord.StationRead> changed = new ArrayList<>();
        for (WalkRecord.Sighting sighting : record.sightings()) {
            learn(sighting, nowNs, changed);
        }
        if (changed.isEmpty()) {
            return translation;
        }
        boolean alone = changes.advanceFrom(record.generation());
        invalidateReaders(changed);
        if (!alone || changed.stream().anyMatch(record.reads()::contains)) {
            return translation;
        }
        return new Translation(
                translation.mask(), translation.actions(), translation.cacheable(), record.at(record.generation() + 1));
    }

    private static void learn(WalkRecord.Sighting sighting, long seenNs, List<WalkRecord.StationRead> changed) {
        MacTable table = sighting.bridge().macTable();
        List<MacTable.Station> stations = new ArrayList<>();
        if (!table.refresh(sighting.station(), sighting.sight(), seenNs)) {
            table.learn(sighting.station(), sighting.sight(), seenNs, stations);
            stations.forEach(station -> changed.add(new WalkRecord.StationRead(table, station)));
        }
    }

    private void invalidateReaders(Collection<WalkRecord.StationRead> changed) {
        Effects effects = new Effects(() -> {});
        changed.forEach(read -> effects.stationsChanged(read.table(), List.of(read.station())));
        datapath.bury(datapath.kill(effects::concernedFlows));
    }

    /**
     * Packets have met a datapath flow. A station that has moved meanwhile is learned later, in {@link #relearn}: the
     * caller holds locks that forbid it.
     */
    void used(WalkRecord record, long lastUsedNs) {
        for (WalkRecord.Sighting sighting : record.sightings()) {
            if (!sighting.bridge().macTable().refresh(sighting.station(), sighting.sight(), lastUsedNs)) {
                moves.add(new Move(sighting, lastUsedNs));
            }
        }
    }

    /** Learns the stations that have moved, unless their port is gone. */
    void relearn() {
        List<WalkRecord.StationRead> changed = new ArrayList<>();
        for (Move move = moves.poll(); move != null; move = moves.poll()) {
            WalkRecord.Sighting sighting = move.sighting;
            boolean portIsThere =
                    changes.read(() -> sighting.bridge().port(sighting.sight().port()) != null);
            if (portIsThere) {
                learn(sighting, move.seenNs, changed);
            }
        }
        if (!changed.isEmpty()) {
            changes.advance();
            invalidateReaders(changed);
        }
    }
}
