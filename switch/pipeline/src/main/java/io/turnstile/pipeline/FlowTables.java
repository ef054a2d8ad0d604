package io.turnstile.pipeline;

import io.turnstile.pipeline.OpenFlowSwitch.BundleException;
import io.turnstile.pipeline.OpenFlowSwitch.FlowCursor;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.OpenFlowSwitch.TableStats;
import io.turnstile.pipeline.flow.ActionCheck;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketOut;
import io.turnstile.pipeline.flow.PortMod;
import io.turnstile.pipeline.flow.SwitchChange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The flow tables of one bridge: changes of flows, what flows there are, and their timeouts.
 *
 * <p>Threads: under the table lock, except for {@link #applyAll}, {@link #tryApply}, {@link #select}, {@link #cursor},
 * {@link #configure} and {@link #statistics}, which take it.
 */
final class FlowTables {
    /** How many tables controllers have. */
    static final int COUNT = 254;
    /** Not for controllers, as in Open vSwitch. */
    static final int INTERNAL_TABLE = 254;
    /** With no more flows than this, a walk through all of them takes but a moment. */
    private static final int FEW_FLOWS = 5_000;

    private final Pipeline pipeline;
    private final BridgeEvents events;
    private final FlowTable[] tables = new FlowTable[COUNT + 1];
    // Under the change lock.
    private final TimeoutWheel timeouts;
    private final SharedActions sharedActions = new SharedActions();
    private final RuleReferences references = new RuleReferences();
    private final GroupTable groups = new GroupTable();
    private final MeterTable meters;
    private final Map<LearnedCookie, Integer> learners = new HashMap<>();
    private final MonitorClock monitoring = new MonitorClock();
    private Consumer<Effects> beforeChanges = effects -> {};

    private final OtherChanges others;

    /** @param bridgeDependents datapath flows whose walk came through the bridge */
    FlowTables(Pipeline pipeline, BridgeEvents events, Dependents bridgeDependents, OtherChanges others) {
        this.pipeline = pipeline;
        this.events = events;
        this.others = others;
        this.timeouts = new TimeoutWheel(pipeline.nowNs());
        this.meters = new MeterTable(pipeline, bridgeDependents, references);
        Arrays.setAll(tables, id -> new FlowTable(id, references));
    }

    /** Has this done as a part of each change of a controller's, before it. */
    void beforeChanges(Consumer<Effects> action) {
        beforeChanges = action;
    }

    FlowTable get(int id) {
        return tables[Math.min(id, INTERNAL_TABLE)];
    }

    /** One table, or all that controllers may use. */
    List<FlowTable> oneOrAll(int idOrAll) {
        return idOrAll == FlowMod.ALL_TABLES ? List.of(tables).subList(0, COUNT) : List.of(tables[idOrAll]);
    }

    GroupTable groups() {
        return groups;
    }

    MeterTable meters() {
        return meters;
    }

    /** Refuses actions that name a group or a meter that is not there for the changer. */
    void checkReferences(List<OfAction> actions) throws OfException {
        References named = References.of(actions);
        for (int group : named.groups()) {
            ActionCheck.require(
                    groups.findForChange(group) != null,
                    OfErrorCode.OFPBAC_BAD_OUT_GROUP,
                    "no group " + Integer.toUnsignedString(group));
        }
        for (int meter : named.meters()) {
            ActionCheck.require(
                    meters.has(meter),
                    OfErrorCode.OFPMMFC_INVALID_METER,
                    "no meter " + Integer.toUnsignedString(meter));
        }
    }

    TimeoutWheel timeouts() {
        return timeouts;
    }

    SharedActions sharedActions() {
        return sharedActions;
    }

    MonitorClock monitoring() {
        return monitoring;
    }

    /** Modifications that become part of the change with those effects, of the switch's own. */
    FlowModification modification(Effects effects, long nowNs) {
        return modification(effects, nowNs, ChangeOrigin.NONE);
    }

    private FlowModification modification(Effects effects, long nowNs, ChangeOrigin origin) {
        FlowModification modification = new FlowModification(this, events, effects, nowNs, origin);
        effects.include(modification);
        return modification;
    }

    /** The same of groups. */
    private GroupModification modificationOfGroups(FlowModification flows, Effects effects, long nowNs) {
        GroupModification modification = new GroupModification(groups, references, flows, effects, nowNs);
        effects.include(modification);
        return modification;
    }

    // ---- change ----

    /** Applies all or none, as one version to packets. */
    void applyAll(Iterator<? extends SwitchChange> changes, ChangeOrigin origin) throws BundleException {
        pipeline.<BundleException>change(effects -> {
            Changer changer = new Changer(effects, origin);
            for (int i = 0; changes.hasNext(); i++) {
                try {
                    changer.apply(changes.next());
                } catch (OfException e) {
                    throw new BundleException(i, e);
                }
                effects.breathe();
            }
        });
    }

    /**
     * Adds a flow that packets have learned, or changes the one that is there. What cannot be in the table is left out:
     * nobody waits for an answer.
     */
    void learn(FlowMod flow, Effects effects) {
        FlowModification modification = modification(effects, pipeline.nowNs());
        try {
            modification.apply(
                    get(flow.tableId()).findExact(flow.match(), flow.priority()) == null
                            ? flow
                            : flow.asModification());
        } catch (OfException full) {
            // As where a controller sends it, the table stays as it is.
        }
    }

    void reduceTimeouts(Rule rule, int idleSeconds, int hardSeconds) {
        if (rule.phase != Rule.Phase.SETTLED) {
            return;
        }
        if (rule.hasTimeout()) {
            timeouts.remove(rule);
        }
        rule.reduceTimeouts(idleSeconds, hardSeconds);
        timeouts.add(rule);
        get(rule.tableId()).timeoutsChanged(rule);
    }

    /** How many flows with {@code learn(…,delete_learned)} there are that learn into that table with that cookie. */
    Map<LearnedCookie, Integer> learners() {
        return learners;
    }

    record LearnedCookie(int tableId, long cookie) {}

    /** {@link OpenFlowSwitch#tryApply}. */
    boolean tryApply(SwitchChange change, ChangeOrigin origin) throws OfException {
        return isQuick(change)
                && pipeline.<OfException>changeAtOnce(effects -> new Changer(effects, origin).apply(change));
    }

    /** Who makes a change of a controller's, one part after the other. */
    private final class Changer {
        private final FlowModification flows;
        private final GroupModification groupsToo;
        private final Effects effects;

        Changer(Effects effects, ChangeOrigin origin) {
            this.effects = effects;
            beforeChanges.accept(effects);
            long nowNs = pipeline.nowNs();
            flows = modification(effects, nowNs, origin);
            groupsToo = modificationOfGroups(flows, effects, nowNs);
        }

        void apply(SwitchChange change) throws OfException {
            switch (change) {
                case FlowMod flow -> flows.apply(flow);
                case GroupMod group -> groupsToo.apply(group);
                case PortMod port -> others.change(port, effects);
                case PacketOut packet -> lookAhead(() -> others.send(packet, effects));
            }
        }
    }

    /** Lets who makes a change see what packets will meet once it has taken effect. */
    private void lookAhead(Looking looking) throws OfException {
        for (FlowTable table : tables) {
            table.lookAhead(true);
        }
        groups.lookAhead(true);
        try {
            looking.look();
        } finally {
            groups.lookAhead(false);
            for (FlowTable table : tables) {
                table.lookAhead(false);
            }
        }
    }

    private interface Looking {
        void look() throws OfException;
    }

    /** What may stand in a bundle and is about neither flows nor groups. Under the change lock and the table lock. */
    interface OtherChanges {
        /** Checks the change of a port, and has it made when all that was prepared takes effect. */
        void change(PortMod port, Effects effects) throws OfException;

        /** Finds out what becomes of the packet, and has that done once the change is over. */
        void send(PacketOut packet, Effects effects) throws OfException;
    }

    /** Changes meters. */
    void apply(MeterMod change, ChangeOrigin origin) throws OfException {
        pipeline.<OfException>change(effects -> {
            beforeChanges.accept(effects);
            meters.apply(change, modification(effects, pipeline.nowNs(), origin), effects);
        });
    }

    private boolean isQuick(SwitchChange change) {
        return switch (change) {
            case FlowMod flow -> isQuick(flow);
            case GroupMod group -> group.command() != GroupMod.Command.DELETE || hasFewFlows();
            case PortMod _, PacketOut _ -> false;
        };
    }

    /** Whether the change concerns few flows, or finds them without a search; the numbers may be out of date. */
    private boolean isQuick(FlowMod change) {
        boolean searches = switch (change.command()) {
            case ADD, MODIFY_STRICT ->
                change.flags().contains(FlowMod.Flag.CHECK_OVERLAP); // the latter may become an ADD
            case MODIFY, DELETE -> true;
            case DELETE_STRICT -> false;
        };
        return !searches || hasFewFlows();
    }

    private boolean hasFewFlows() {
        long flows = 0;
        for (FlowTable table : tables) {
            flows += table.size();
        }
        return flows <= FEW_FLOWS;
    }

    /** Removes every flow but the hidden ones, all groups and all meters. */
    void clear(Effects effects) {
        FlowModification modification = modification(effects, pipeline.nowNs());
        for (FlowTable table : tables) {
            for (SubTable subTable : table.subTables()) {
                for (int i = 0; i < subTable.size(); i++) {
                    Rule rule = subTable.rule(i);
                    if (!rule.isHidden() && rule.isPresent()) {
                        modification.remove(rule);
                    }
                    effects.breathe();
                }
            }
        }
        modificationOfGroups(modification, effects, pipeline.nowNs()).deleteAll();
        meters.deleteAll(modification, effects);
    }

    // ---- what there is ----

    List<OpenFlowSwitch.GroupDescription> describeGroups(int id) {
        return pipeline.read(
                () -> groups.oneOrAll(id).stream().map(Group::description).toList());
    }

    List<OpenFlowSwitch.GroupStats> groupStatistics(int id) {
        pipeline.datapath().pushStatistics();
        long nowNs = pipeline.nowNs();
        return pipeline.read(() -> groups.oneOrAll(id).stream()
                .map(group -> group.statistics(references.countOfGroup(group.id), nowNs))
                .toList());
    }

    List<FlowStats> select(FlowQuery query) {
        List<FlowStats> selected = new ArrayList<>();
        FlowCursor cursor = cursor(query);
        while (cursor.advance(Integer.MAX_VALUE, selected::add)) {
            // Once is enough: a bridge does not have that many.
        }
        return selected;
    }

    /** The flows as they are now; only their names are copied while nobody may change them. */
    FlowCursor cursor(FlowQuery query) {
        return cursor(query, false);
    }

    /** The same with the switch's own flows, of the internal table too. */
    FlowCursor cursorOfAll() {
        return cursor(new FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE), true);
    }

    private FlowCursor cursor(FlowQuery query, boolean withHidden) {
        pipeline.datapath().pushStatistics();
        List<Rule[]> rules = new ArrayList<>();
        if (query.tableId() <= INTERNAL_TABLE || query.tableId() == FlowMod.ALL_TABLES) {
            pipeline.read(() -> {
                copyInto(rules, query.tableId());
                if (withHidden) {
                    tables[INTERNAL_TABLE].copyInto(rules);
                }
                return rules;
            });
        }
        return new SelectedFlows(pipeline, query, new RuleCursor(rules), withHidden);
    }

    private void copyInto(List<Rule[]> rules, int idOrAll) {
        oneOrAll(idOrAll).forEach(table -> table.copyInto(rules));
    }

    /** {@link OpenFlowSwitch#monitoredFlows}. */
    MonitoredFlows monitored(int idOrAll) {
        List<Rule[]> rules = new ArrayList<>();
        long number = pipeline.read(() -> {
            copyInto(rules, idOrAll);
            return monitoring.lastNumber();
        });
        return new MonitoredRules(number, new RuleCursor(rules));
    }

    // ---- what is said of tables ----

    void configure(int idOrAll, TableMod mod) {
        pipeline.change(effects -> oneOrAll(idOrAll).forEach(table -> {
            switch (mod) {
                case TableMod.Misses misses -> {
                    if (table.miss != misses.miss()) {
                        table.miss = misses.miss();
                        effects.everythingThrough(table.dependents);
                    }
                }
                case TableMod.Overflow overflow -> {
                    table.setEvictsByOpenFlow(overflow.evicts(), effects::breathe);
                    table.vacancy()
                            .configure(
                                    overflow.hasVacancyEvents(),
                                    overflow.vacancyDown(),
                                    overflow.vacancyUp(),
                                    table.percentLeft());
                }
            }
        }));
    }

    /** What the database says of the tables, by their numbers; nothing of those that are not there. */
    void configure(Map<Integer, TableSettings> settings) {
        pipeline.change(effects -> {
            for (FlowTable table : oneOrAll(FlowMod.ALL_TABLES)) {
                TableSettings wanted = settings.getOrDefault(table.id, TableSettings.NONE);
                if (!wanted.equals(table.settings())) {
                    table.configure(wanted, effects::breathe);
                    modification(effects, pipeline.nowNs()).evictFrom(table);
                }
            }
        });
    }

    static OpenFlowSwitch.TableDescription describe(FlowTable table) {
        return new OpenFlowSwitch.TableDescription(
                table.id,
                table.evictsByOpenFlow(),
                table.vacancy().isWanted(),
                table.vacancy().downPercent(),
                table.vacancy().upPercent(),
                table.percentLeft());
    }

    List<OpenFlowSwitch.TableDescription> descriptions() {
        return pipeline.read(
                () -> Arrays.stream(tables, 0, COUNT).map(FlowTables::describe).toList());
    }

    List<TableStats> statistics() {
        pipeline.datapath().pushStatistics();
        return pipeline.read(() -> Arrays.stream(tables, 0, COUNT)
                .map(table -> new TableStats(
                        table.id,
                        table.settings().name(),
                        table.shownSize(),
                        table.lookups.sum(),
                        table.matched.sum(),
                        table.maxEntries(),
                        table.miss))
                .toList());
    }

    // ---- timeouts ----

    /** Whether any flow has a timeout; the answer may be out of date. */
    boolean mayTimeOut() {
        return timeouts.size() > 0;
    }

    void expire(long nowNs, Effects effects) {
        List<Rule> due = new ArrayList<>();
        timeouts.timedOut(nowNs, effects::breathe, due::add);
        if (due.isEmpty()) {
            return;
        }
        FlowModification modification = modification(effects, nowNs);
        modification.setApart();
        for (Rule rule : due) {
            modification.remove(
                    rule,
                    rule.hardTimeoutReached(nowNs) ? FlowRemovedReason.HARD_TIMEOUT : FlowRemovedReason.IDLE_TIMEOUT);
            effects.breathe();
        }
    }
}
