package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.ActionCheck;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A batch of flow modifications, applied as a whole or not at all (OpenFlow 1.3.5 §6.4, §6.9). Each step is noted, so
 * that a refusal in the middle can undo those before it.
 *
 * <p>Threads: under the table lock, held for writing; so packets see all of it or nothing.
 */
final class FlowModification {
    /** One change of a table: {@code gone} is null for an added flow, {@code come} for a removed one. */
    private record Step(
            FlowTable table, @Nullable Rule gone, @Nullable Rule come, boolean deleted) {}

    private final FlowTables tables;
    private final BridgeEvents events;
    private final long nowNs;
    private final List<Step> steps = new ArrayList<>();

    FlowModification(FlowTables tables, BridgeEvents events, long nowNs) {
        this.tables = tables;
        this.events = events;
        this.nowNs = nowNs;
    }

    void apply(FlowMod change) throws OfException {
        switch (change.command()) {
            case ADD -> add(change);
            case MODIFY -> modify(change, select(change, false));
            case MODIFY_STRICT -> modify(change, select(change, true));
            case DELETE -> delete(select(change, false));
            case DELETE_STRICT -> delete(select(change, true));
        }
    }

    private void add(FlowMod change) throws OfException {
        int tableId = change.tableId() == FlowMod.ALL_TABLES ? 0 : change.tableId();
        checkTable(tableId);
        ActionCheck.check(change.actions(), change.match(), tableId);
        FlowTable table = tables.get(tableId);
        Rule added = Rule.of(change, tableId, nowNs);
        Rule old = table.findExact(change.match(), change.priority());
        if (old != null) {
            step(table, old, old.replacedBy(added, change.flags().contains(FlowMod.Flag.RESET_COUNTS)), false);
            return;
        }
        if (change.flags().contains(FlowMod.Flag.CHECK_OVERLAP)) {
            checkOverlap(table, added);
        }
        if (table.size() >= FlowTable.MAX_ENTRIES) {
            throw new OfException(OfErrorCode.OFPFMFC_TABLE_FULL, "table " + tableId + " is full");
        }
        step(table, null, added, false);
    }

    private static void checkTable(int tableId) throws OfException {
        if (tableId < 0 || tableId > FlowTables.INTERNAL_TABLE) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_TABLE_ID, "no table " + tableId);
        }
        if (tableId == FlowTables.INTERNAL_TABLE) {
            throw new OfException(OfErrorCode.OFPBRC_EPERM, "table " + tableId + " is the switch's own");
        }
    }

    private static void checkOverlap(FlowTable table, Rule added) throws OfException {
        List<Rule> overlapping = new ArrayList<>();
        table.forEach(rule -> {
            if (rule.priority == added.priority && rule.match.overlaps(added.match)) {
                overlapping.add(rule);
            }
        });
        if (!overlapping.isEmpty()) {
            throw new OfException(OfErrorCode.OFPFMFC_OVERLAP, "overlaps a flow of the same priority");
        }
    }

    /** Returns the flows that MODIFY or DELETE selects. Hidden flows are never among them. */
    private List<Rule> select(FlowMod change, boolean strict) throws OfException {
        if (change.tableId() != FlowMod.ALL_TABLES) {
            checkTable(change.tableId());
        }
        List<Rule> selected = new ArrayList<>();
        for (FlowTable table : tables.oneOrAll(change.tableId())) {
            if (strict) {
                Rule exact = table.findExact(change.match(), change.priority());
                if (exact != null) {
                    selected.add(exact);
                }
            } else {
                table.forEach(rule -> {
                    if (change.match().covers(rule.match)) {
                        selected.add(rule);
                    }
                });
            }
        }
        boolean deletes =
                change.command() == FlowMod.Command.DELETE || change.command() == FlowMod.Command.DELETE_STRICT;
        selected.removeIf(rule -> rule.isHidden()
                || ((rule.cookie ^ change.cookie()) & change.cookieMask()) != 0
                || deletes && !rule.outputsTo(change.outPort()));
        return selected;
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
        for (Rule rule : selected) {
            ActionCheck.check(change.actions(), rule.match, rule.tableId);
            step(
                    tables.get(rule.tableId),
                    rule,
                    rule.modified(
                            change.actions(),
                            change.setsCookie() ? change.newCookie() : rule.cookie,
                            resetCounts,
                            nowNs),
                    false);
        }
    }

    private void delete(List<Rule> selected) {
        for (Rule rule : selected) {
            step(tables.get(rule.tableId), rule, null, true);
        }
    }

    /** Removes a flow that has timed out. */
    void remove(Rule rule) {
        step(tables.get(rule.tableId), rule, null, false);
    }

    /** Adds a flow that the switch has by itself. */
    void addInternal(Rule rule) {
        step(tables.get(rule.tableId), null, rule, false);
    }

    private void step(FlowTable table, @Nullable Rule gone, @Nullable Rule come, boolean deleted) {
        swap(table, gone, come);
        steps.add(new Step(table, gone, come, deleted));
    }

    private void swap(FlowTable table, @Nullable Rule gone, @Nullable Rule come) {
        if (gone != null) {
            table.remove(gone);
            tables.timed().remove(gone);
        }
        if (come != null) {
            table.insert(come);
            if (come.hasTimeout()) {
                tables.timed().add(come);
            }
        }
    }

    /** Undoes everything, last step first. */
    void undo() {
        for (Step step : steps.reversed()) {
            swap(step.table, step.come, step.gone);
        }
        steps.clear();
    }

    /**
     * Reports the steps, and sends flow-removed for flows that a request deleted if they have {@code send_flow_rem}.
     */
    void reportTo(Effects effects) {
        for (Step step : steps) {
            Rule gone = step.gone;
            if (gone != null) {
                // A rule in the place of its like is preferred by exactly those packets that met the old one.
                effects.ruleGone(gone);
                if (step.deleted && gone.flags.contains(FlowMod.Flag.SEND_FLOW_REM)) {
                    effects.afterwards(() -> events.flowRemoved(gone, FlowRemovedReason.DELETE));
                }
            } else if (step.come != null) {
                effects.ruleAdded(step.table, step.come);
            }
        }
    }
}
