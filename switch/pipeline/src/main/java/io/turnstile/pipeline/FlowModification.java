package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Field;
import io.turnstile.pipeline.FlowChange.Event;
import io.turnstile.pipeline.FlowTables.LearnedCookie;
import io.turnstile.pipeline.flow.ActionCheck;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A batch of flow modifications, applied as a whole or not at all (OpenFlow 1.3.5 §6.4, §6.9). While it is prepared
 * packets go on meeting the rules as they were; then it {@linkplain #takeEffect takes effect} in one step, and after
 * that what has gone is taken out of the tables. Preparation and cleaning up may take as long as they need: they let go
 * of the table lock between two rules ({@link Effects#breathe}).
 *
 * <p>Threads: whoever holds the change lock, under the table lock, held for writing.
 */
final class FlowModification implements Modification {
    /** What happens to one table. */
    private static final class TableChange {
        private final FlowTable table;
        /** Rules that were put in; some may be gone again. */
        private final List<Rule> coming = new ArrayList<>();
        /** Rules that packets have met so far and that are taken out once they don't. */
        private final List<Rule> going = new ArrayList<>();

        private int additions;

        TableChange(FlowTable table) {
            this.table = table;
        }
    }

    /** Additions times datapath flows that are compared one by one: some milliseconds. */
    static final long MAX_COMPARISONS = 500_000;

    private final FlowTables tables;
    private final BridgeEvents events;
    private final Effects effects;
    private final long nowNs;
    private final List<TableChange> changes = new ArrayList<>();
    /** Rules with send_flow_rem, by the reason for which they end. */
    private final Map<FlowRemovedReason, List<Rule>> reported = new EnumMap<>(FlowRemovedReason.class);

    private final Map<LearnedCookie, Integer> learners = new HashMap<>();
    private final ChangeOrigin origin;
    /** Null if nobody wants to know. */
    private final FlowChanges.@Nullable Recorder recorder;

    private boolean together = true;

    FlowModification(FlowTables tables, BridgeEvents events, Effects effects, long nowNs, ChangeOrigin origin) {
        this.tables = tables;
        this.events = events;
        this.effects = effects;
        this.nowNs = nowNs;
        this.origin = origin;
        this.recorder = events.wantsFlowChanges() ? new FlowChanges.Recorder() : null;
        tables.monitoring().changeBegins(nowNs);
    }

    /** Its flows have nothing to do with each other, and are told of one by one. */
    void setApart() {
        together = false;
    }

    // ---- preparation ----

    void apply(FlowMod change) throws OfException {
        switch (change.command()) {
            case ADD -> add(change);
            case MODIFY -> modify(change, select(change, false));
            case MODIFY_STRICT -> modify(change, select(change, true));
            case DELETE -> delete(select(change, false));
            case DELETE_STRICT -> delete(select(change, true));
        }
    }

    /** Refuses what is wrong whatever the tables hold. */
    static void check(FlowMod change) throws OfException {
        if (change.command() == FlowMod.Command.ADD) {
            checkAdded(change);
        }
    }

    /** The number of the table that the flow is to be added to. */
    private static int checkAdded(FlowMod change) throws OfException {
        int tableId = change.tableId() == FlowMod.ALL_TABLES ? 0 : change.tableId();
        checkTable(tableId);
        if (change.match().matchesOn(Field.DP_HASH)) {
            throw new OfException(OfErrorCode.OFPBRC_EPERM, "only the switch's own flows match on dp_hash");
        }
        ActionCheck.check(change.actions(), change.match(), tableId);
        return tableId;
    }

    private void add(FlowMod change) throws OfException {
        int tableId = checkAdded(change);
        tables.checkReferences(change.actions());
        FlowTable table = tables.get(tableId);
        Match match = table.withSharedMask(change.match());
        Rule added = Rule.of(change, tableId, match, tables.sharedActions().share(change.actions()), nowNs);
        Rule old = table.findExact(match, change.priority());
        if (old != null) {
            replace(table, old, old.replacedBy(added, change.flags().contains(FlowMod.Flag.RESET_COUNTS)), Event.ADDED);
            return;
        }
        if (change.flags().contains(FlowMod.Flag.CHECK_OVERLAP)) {
            checkOverlap(table, added);
        }
        if (table.size() >= table.maxEntries()) {
            Rule evicted = table.chooseToEvict();
            if (evicted == null) {
                throw new OfException(OfErrorCode.OFPFMFC_TABLE_FULL, "table " + tableId + " is full");
            }
            remove(evicted, FlowRemovedReason.EVICTION);
        }
        put(table, added, Rule.Phase.COMING);
        record(Event.ADDED, null, added, null);
    }

    /** Removes as many flows as are too many, as far as they may be evicted. */
    void evictFrom(FlowTable table) {
        while (table.size() > table.maxEntries()) {
            Rule evicted = table.chooseToEvict();
            if (evicted == null) {
                return;
            }
            remove(evicted, FlowRemovedReason.EVICTION);
            effects.breathe();
        }
    }

    private static void checkTable(int tableId) throws OfException {
        if (tableId < 0 || tableId > FlowTables.INTERNAL_TABLE) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_TABLE_ID, "no table " + tableId);
        }
        if (tableId == FlowTables.INTERNAL_TABLE) {
            throw new OfException(OfErrorCode.OFPBRC_EPERM, "table " + tableId + " is the switch's own");
        }
    }

    private void checkOverlap(FlowTable table, Rule added) throws OfException {
        for (SubTable subTable : table.subTables()) {
            for (int i = 0; i < subTable.size(); i++) {
                Rule rule = subTable.rule(i);
                if (rule.priority == added.priority && rule.isPresent() && rule.match.overlaps(added.match)) {
                    throw new OfException(OfErrorCode.OFPFMFC_OVERLAP, "overlaps a flow of the same priority");
                }
                effects.breathe();
            }
        }
    }

    /** Returns the flows that MODIFY or DELETE selects. Hidden flows are never among them. */
    private List<Rule> select(FlowMod change, boolean strict) throws OfException {
        if (change.tableId() != FlowMod.ALL_TABLES) {
            checkTable(change.tableId());
        }
        boolean deletes =
                change.command() == FlowMod.Command.DELETE || change.command() == FlowMod.Command.DELETE_STRICT;
        List<Rule> selected = new ArrayList<>();
        for (FlowTable table : tables.oneOrAll(change.tableId())) {
            if (strict) {
                Rule exact = table.findExact(change.match(), change.priority());
                if (exact != null && selects(change, deletes, exact)) {
                    selected.add(exact);
                }
            } else {
                selectLoosely(change, deletes, table, selected);
            }
        }
        return selected;
    }

    private void selectLoosely(FlowMod change, boolean deletes, FlowTable table, List<Rule> selected) {
        for (SubTable subTable : table.subTables()) {
            if (!change.match().mask().isWithin(subTable.mask())) {
                continue;
            }
            for (int i = 0; i < subTable.size(); i++) {
                Rule rule = subTable.rule(i);
                if (rule.isPresent() && change.match().covers(rule.match) && selects(change, deletes, rule)) {
                    selected.add(rule);
                }
                effects.breathe();
            }
        }
    }

    private static boolean selects(FlowMod change, boolean deletes, Rule rule) {
        return !rule.isHidden()
                && ((rule.cookie ^ change.cookie()) & change.cookieMask()) == 0
                && (!deletes || rule.outputsTo(change.outPort()) && rule.sendsTo(change.outGroup()));
    }

    private void modify(FlowMod change, List<Rule> selected) throws OfException {
        if (selected.isEmpty()) {
            Optional<FlowMod> added = change.asAdd();
            if (added.isPresent()) {
                add(added.get());
            }
            return;
        }
        boolean resetCounts = change.flags().contains(FlowMod.Flag.RESET_COUNTS);
        tables.checkReferences(change.actions());
        List<OfAction> actions = tables.sharedActions().share(change.actions());
        for (Rule rule : selected) {
            ActionCheck.check(actions, rule.match, rule.tableId());
            long cookie = change.setsCookie() ? change.newCookie() : rule.cookie;
            Rule modified = rule.modified(actions, cookie, resetCounts, nowNs);
            replace(tables.get(rule.tableId()), rule, modified, Event.MODIFIED);
            effects.breathe();
        }
    }

    private void delete(List<Rule> selected) {
        removeAll(selected, FlowRemovedReason.DELETE);
    }

    /** Removes flows, those with {@code send_flow_rem} for that reason. */
    void removeAll(List<Rule> selected, FlowRemovedReason reason) {
        for (Rule rule : selected) {
            remove(rule, reason);
            effects.breathe();
        }
    }

    /** Removes a flow and, if it has {@code send_flow_rem}, says why. */
    void remove(Rule rule, FlowRemovedReason reason) {
        remove(rule);
        record(Event.REMOVED, reason, rule, null);
        if (rule.has(FlowMod.Flag.SEND_FLOW_REM)) {
            reported.computeIfAbsent(reason, _ -> new ArrayList<>()).add(rule);
        }
    }

    /** Removes a flow and reports nothing. */
    void remove(Rule rule) {
        take(changeOf(tables.get(rule.tableId())), rule);
    }

    /** Adds a flow that the switch has by itself. */
    void addInternal(Rule rule) {
        put(tables.get(rule.tableId()), rule, Rule.Phase.COMING);
        record(Event.ADDED, null, rule, null);
    }

    private void replace(FlowTable table, Rule old, Rule by, Event event) {
        // In the place of its like a rule is preferred by exactly those packets that met the old one, if any did.
        Rule.Phase phase = old.phase == Rule.Phase.COMING ? Rule.Phase.COMING : Rule.Phase.REPLACING;
        take(changeOf(table), old);
        put(table, by, phase);
        boolean otherActions = !by.actions.equals(old.actions);
        if (event == Event.ADDED || otherActions || by.cookie != old.cookie) {
            record(event, null, by, otherActions ? old.actions : null);
        }
    }

    /** Notes what becomes of a flow, for those who watch. */
    private void record(
            Event event, @Nullable FlowRemovedReason reason, Rule rule, @Nullable List<OfAction> formerActions) {
        if (recorder != null && !rule.isHidden()) {
            recorder.record(event, reason, origin.xid().getAsInt(), rule, formerActions);
        }
    }

    private void put(FlowTable table, Rule rule, Rule.Phase phase) {
        rule.phase = phase;
        TableChange change = changeOf(table);
        countLearners(rule.actions, 1);
        table.insert(rule);
        change.coming.add(rule);
        change.additions += phase == Rule.Phase.COMING ? 1 : 0;
    }

    private void take(TableChange change, Rule rule) {
        countLearners(rule.actions, -1);
        if (rule.phase == Rule.Phase.SETTLED) {
            change.table.letGo(rule);
            change.going.add(rule);
        } else {
            change.additions -= rule.phase == Rule.Phase.COMING ? 1 : 0;
            change.table.remove(rule);
        }
    }

    private TableChange changeOf(FlowTable table) {
        // Most changes are about one table, or one after the other.
        for (int i = changes.size() - 1; i >= 0; i--) {
            if (changes.get(i).table == table) {
                return changes.get(i);
            }
        }
        TableChange change = new TableChange(table);
        table.beginChange();
        changes.add(change);
        return change;
    }

    // ---- what was learned ----

    /** Rules that learn with {@code delete_learned}, and have come or gone: by how many there are more. */
    private void countLearners(List<OfAction> actions, int change) {
        for (OfAction action : actions) {
            if (action instanceof OfAction.Learn learn && learn.deleteLearned()) {
                learners.merge(new LearnedCookie(learn.tableId(), learn.cookie()), change, Integer::sum);
            }
            countLearners(action.nested(), change);
        }
    }

    /** Deletes what was learned by flows of which the last one goes; what was learned may have taught, too. */
    @Override
    public void complete() {
        Set<LearnedCookie> done = new HashSet<>();
        for (List<LearnedCookie> next = orphaned(done); !next.isEmpty(); next = orphaned(done)) {
            for (LearnedCookie cookie : next) {
                done.add(cookie);
                List<Rule> learned = new ArrayList<>();
                collectLearned(cookie, learned);
                delete(learned);
            }
        }
    }

    private List<LearnedCookie> orphaned(Set<LearnedCookie> done) {
        List<LearnedCookie> orphaned = new ArrayList<>();
        learners.forEach((cookie, change) -> {
            boolean last = change < 0 && tables.learners().getOrDefault(cookie, 0) + change <= 0;
            if (last && cookie.tableId() < FlowTables.COUNT && !done.contains(cookie)) {
                orphaned.add(cookie);
            }
        });
        return orphaned;
    }

    private void collectLearned(LearnedCookie cookie, List<Rule> learned) {
        for (SubTable subTable : tables.get(cookie.tableId()).subTables()) {
            for (int i = 0; i < subTable.size(); i++) {
                Rule rule = subTable.rule(i);
                if (rule.isPresent() && !rule.isHidden() && rule.cookie == cookie.cookie()) {
                    learned.add(rule);
                }
                effects.breathe();
            }
        }
    }

    // ---- the end ----

    /** Undoes everything. */
    @Override
    public void undo() {
        for (TableChange change : changes) {
            for (Rule rule : change.coming) {
                if (rule.phase != Rule.Phase.GONE) {
                    change.table.remove(rule);
                }
                effects.breathe();
            }
            for (Rule rule : change.going) {
                change.table.takeBack(rule);
                effects.breathe();
            }
        }
        reported.clear();
    }

    /** Whether packets may go other ways than before. */
    @Override
    public boolean concernsFlows() {
        return changes.stream().anyMatch(change -> !change.going.isEmpty() || change.additions > 0);
    }

    /** From now on packets meet the rules as they are to be. */
    @Override
    public void takeEffect() {
        changes.forEach(change -> change.table.takeEffect());
        learners.forEach((cookie, change) ->
                tables.learners().merge(cookie, change, (before, more) -> before + more == 0 ? null : before + more));
        reported.forEach((reason, rules) -> effects.afterwards(() -> events.flowsRemoved(rules, reason)));
        if (recorder != null && !recorder.isEmpty()) {
            FlowChanges told = recorder.finish(tables.monitoring().nextNumber(), origin.peer(), together);
            effects.afterwards(() -> events.flowsChanged(told));
        }
        changes.forEach(change -> tellOfVacancy(change.table));
    }

    private void tellOfVacancy(FlowTable table) {
        TableStatusReason reason = table.vacancy().changed(table.percentLeft());
        if (reason != null) {
            OpenFlowSwitch.TableDescription description = FlowTables.describe(table);
            effects.afterwards(() -> events.tableStatus(description, reason));
        }
    }

    /**
     * Adds the datapath flows whose packets may go another way by now: those that rest on a rule that goes, and those
     * that might have met an added one. Under the flow cache's lock, after the change has taken effect and before it is
     * cleaned up.
     */
    @Override
    public void collectConcerned(Collection<DatapathFlow> concerned) {
        for (TableChange change : changes) {
            collectGoing(change, concerned);
            collectAdded(change, concerned);
        }
    }

    /** Goes by the rules or by the datapath flows, whichever are fewer. */
    private static void collectGoing(TableChange change, Collection<DatapathFlow> concerned) {
        FlowTable table = change.table;
        if (!change.going.isEmpty()) {
            table.refused.collectInto(concerned);
        }
        if (change.going.size() <= table.dependents.size()) {
            change.going.forEach(rule -> rule.collectDependents(concerned));
        } else {
            table.dependents.collectInto(concerned, flow -> ((WalkRecord) flow.owner()).restsOnWhatGoes(table));
        }
    }

    /** Compares each addition with each datapath flow while that takes no time to speak of, and else takes them all. */
    private static void collectAdded(TableChange change, Collection<DatapathFlow> concerned) {
        FlowTable table = change.table;
        if (table.dependents.isEmpty()) {
            return;
        }
        if ((long) change.additions * table.dependents.size() > MAX_COMPARISONS) {
            table.dependents.collectInto(concerned);
            return;
        }
        if (change.additions > 0) {
            List<Rule> additions = change.coming.stream()
                    .filter(rule -> rule.phase == Rule.Phase.COMING)
                    .toList();
            table.dependents.collectInto(
                    concerned, flow -> ((WalkRecord) flow.owner()).isConcernedByAny(additions, table, flow));
        }
    }

    /** Takes out what has gone, once the change has taken effect. */
    @Override
    public void cleanUp() {
        TimeoutWheel timeouts = tables.timeouts();
        for (TableChange change : changes) {
            for (Rule rule : change.coming) {
                if (rule.phase != Rule.Phase.GONE) {
                    rule.phase = Rule.Phase.SETTLED;
                    if (rule.hasTimeout()) {
                        timeouts.add(rule);
                    }
                }
                effects.breathe();
            }
            for (Rule rule : change.going) {
                if (rule.hasTimeout()) {
                    timeouts.remove(rule);
                }
                change.table.remove(rule);
                effects.breathe();
            }
        }
    }

    /** Its rules are all settled or gone, and so are those of whatever else belongs to the change. */
    @Override
    public void end() {
        changes.forEach(change -> change.table.endChange());
        changes.clear();
        tables.monitoring().changeEnded();
    }
}
