package io.turnstile.pipeline;

import io.turnstile.pipeline.OpenFlowSwitch.BundleException;
import io.turnstile.pipeline.OpenFlowSwitch.FlowCursor;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.OpenFlowSwitch.TableStats;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.OfException;
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
 * <p>Threads: under the table lock, except for {@link #applyAll}, {@link #tryApply}, {@link #select}, {@link #cursor}
 * and {@link #statistics}, which take it.
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
    private final Map<LearnedCookie, Integer> learners = new HashMap<>();
    private Consumer<Effects> beforeChanges = effects -> {};

    FlowTables(Pipeline pipeline, BridgeEvents events) {
        this.pipeline = pipeline;
        this.events = events;
        this.timeouts = new TimeoutWheel(pipeline.nowNs());
        Arrays.setAll(tables, FlowTable::new);
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

    TimeoutWheel timeouts() {
        return timeouts;
    }

    SharedActions sharedActions() {
        return sharedActions;
    }

    /** Modifications that become part of the change with those effects. */
    FlowModification modification(Effects effects, long nowNs) {
        FlowModification modification = new FlowModification(this, events, effects, nowNs);
        effects.include(modification);
        return modification;
    }

    // ---- change ----

    /** Applies all or none, as one version to packets. */
    void applyAll(Iterator<FlowMod> changes) throws BundleException {
        pipeline.<BundleException>change(effects -> {
            beforeChanges.accept(effects);
            FlowModification modification = modification(effects, pipeline.nowNs());
            for (int i = 0; changes.hasNext(); i++) {
                try {
                    modification.apply(changes.next());
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
    }

    /** How many flows with {@code learn(…,delete_learned)} there are that learn into that table with that cookie. */
    Map<LearnedCookie, Integer> learners() {
        return learners;
    }

    record LearnedCookie(int tableId, long cookie) {}

    /** {@link OpenFlowSwitch#tryApply}. */
    boolean tryApply(FlowMod change) throws OfException {
        return isQuick(change)
                && pipeline.<OfException>changeAtOnce(effects -> {
                    beforeChanges.accept(effects);
                    modification(effects, pipeline.nowNs()).apply(change);
                });
    }

    /** Whether the change concerns few flows, or finds them without a search; the numbers may be out of date. */
    private boolean isQuick(FlowMod change) {
        boolean searches = switch (change.command()) {
            case ADD, MODIFY_STRICT ->
                change.flags().contains(FlowMod.Flag.CHECK_OVERLAP); // the latter may become an ADD
            case MODIFY, DELETE -> true;
            case DELETE_STRICT -> false;
        };
        if (!searches) {
            return true;
        }
        long flows = 0;
        for (FlowTable table : tables) {
            flows += table.size();
        }
        return flows <= FEW_FLOWS;
    }

    /** Removes every flow but the hidden ones. */
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
    }

    // ---- what there is ----

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
        pipeline.datapath().pushStatistics();
        List<Rule[]> rules = new ArrayList<>();
        if (query.tableId() <= INTERNAL_TABLE || query.tableId() == FlowMod.ALL_TABLES) {
            pipeline.read(() -> {
                oneOrAll(query.tableId()).forEach(table -> table.copyInto(rules));
                return rules;
            });
        }
        return new SelectedFlows(pipeline, query, rules);
    }

    List<TableStats> statistics() {
        pipeline.datapath().pushStatistics();
        return pipeline.read(() -> Arrays.stream(tables, 0, COUNT)
                .map(table -> new TableStats(
                        table.id, table.shownSize(), table.lookups.sum(), table.matched.sum(), FlowTable.MAX_ENTRIES))
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
        for (Rule rule : due) {
            modification.remove(
                    rule,
                    rule.hardTimeoutReached(nowNs) ? FlowRemovedReason.HARD_TIMEOUT : FlowRemovedReason.IDLE_TIMEOUT);
            effects.breathe();
        }
    }
}
