package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The effects of one change, gathered while it is made: from them follows which datapath flows it may concern.
 *
 * <p>Threads: the one that makes the change.
 */
final class Effects {
    private final Runnable breath;
    private final List<Modification> modifications = new ArrayList<>();
    private final Set<Dependents> whole = new LinkedHashSet<>();
    private final List<WalkRecord.StationRead> stations = new ArrayList<>();
    private final List<Runnable> afterwards = new ArrayList<>();

    /** @param breath lets others have the table lock if it was held for long */
    Effects(Runnable breath) {
        this.breath = breath;
    }

    /** The change includes these modifications, however many are still to be made. */
    void include(Modification modification) {
        modifications.add(modification);
    }

    /**
     * Called between two steps of a change that may be long, where everything that packets meet is as it was: lets
     * others have the table lock for a moment if it was held for long.
     */
    void breathe() {
        breath.run();
    }

    void everythingThrough(Dependents dependents) {
        whole.add(dependents);
    }

    void stationsChanged(MacTable table, Collection<MacTable.Station> changed) {
        changed.forEach(station -> stations.add(new WalkRecord.StationRead(table, station)));
    }

    /** Runs the event once no packet is forwarded by what was replaced. */
    void afterwards(Runnable event) {
        afterwards.add(event);
    }

    void runAfterwards() {
        afterwards.forEach(Runnable::run);
    }

    /** Adds what follows from the changes that were made. */
    void completePreparation() {
        modifications.forEach(Modification::complete);
    }

    /** Undoes what was prepared. */
    void undo() {
        modifications.reversed().forEach(Modification::undo);
        modifications.forEach(Modification::end);
        modifications.clear();
    }

    /** What was prepared is in force, for all packets at once. */
    void takeEffect() {
        modifications.forEach(Modification::takeEffect);
    }

    /** Removes what was kept for packets that came before. */
    void cleanUp() {
        modifications.forEach(Modification::cleanUp);
        modifications.forEach(Modification::end); // not before: several may be of one table
    }

    /** Whether any datapath flow can be concerned. */
    boolean concernsFlows() {
        return !(whole.isEmpty() && stations.isEmpty())
                || modifications.stream().anyMatch(Modification::concernsFlows);
    }

    /** Under the flow cache's lock. May name a flow more than once. */
    Collection<DatapathFlow> concernedFlows() {
        List<DatapathFlow> concerned = new ArrayList<>();
        whole.forEach(dependents -> dependents.collectInto(concerned));
        stations.forEach(read -> read.table().collectReaders(read.station(), concerned));
        modifications.forEach(modification -> modification.collectConcerned(concerned));
        return concerned;
    }
}
