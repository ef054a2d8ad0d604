package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** The effects of one change, gathered while it is made: from them follows which datapath flows it may concern. */
final class Effects {
    private record Addition(FlowTable table, Rule rule) {}

    private final List<Addition> additions = new ArrayList<>();
    private final List<Rule> goneRules = new ArrayList<>();
    private final List<Dependents> whole = new ArrayList<>();
    private final List<WalkRecord.StationRead> stations = new ArrayList<>();
    private final List<Runnable> afterwards = new ArrayList<>();

    void ruleAdded(FlowTable table, Rule rule) {
        additions.add(new Addition(table, rule));
    }

    /** The rule was deleted, or replaced by one with other actions. */
    void ruleGone(Rule rule) {
        goneRules.add(rule);
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

    /** Whether any datapath flow can be concerned. */
    boolean concernsFlows() {
        return !(additions.isEmpty() && goneRules.isEmpty() && whole.isEmpty() && stations.isEmpty());
    }

    /** Under the flow cache's lock. */
    Collection<DatapathFlow> concernedFlows() {
        Set<DatapathFlow> concerned = Collections.newSetFromMap(new IdentityHashMap<>());
        whole.forEach(dependents -> dependents.collectInto(concerned));
        goneRules.forEach(rule -> rule.dependents.collectInto(concerned));
        stations.forEach(read -> read.table().collectReaders(read.station(), concerned));
        for (Addition added : additions) {
            added.table.dependents.collectInto(
                    concerned, flow -> ((WalkRecord) flow.owner()).isConcernedBy(added.rule, added.table, flow));
        }
        return concerned;
    }
}
