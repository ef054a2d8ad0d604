package io.turnstile.pipeline;

import io.turnstile.pipeline.OpenFlowSwitch.BundleException;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.OpenFlowSwitch.TableStats;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The flow tables of one bridge: changes of flows, what flows there are, and their timeouts.
 *
 * <p>Threads: under the table lock, except for {@link #applyAll}, {@link #select} and {@link #statistics}, which take
 * it.
 */
final class FlowTables {
    /** How many tables controllers have. */
    static final int COUNT = 254;
    /** Not for controllers, as in Open vSwitch. */
    static final int INTERNAL_TABLE = 254;

    private final Pipeline pipeline;
    private final BridgeEvents events;
    private final FlowTable[] tables = new FlowTable[COUNT + 1];
    /** The flows that time out. */
    private final Set<Rule> timed = new LinkedHashSet<>();

    FlowTables(Pipeline pipeline, BridgeEvents events) {
        this.pipeline = pipeline;
        this.events = events;
        Arrays.setAll(tables, FlowTable::new);
    }

    FlowTable get(int id) {
        return tables[Math.min(id, INTERNAL_TABLE)];
    }

    /** One table, or all that controllers may use. */
    List<FlowTable> oneOrAll(int idOrAll) {
        return idOrAll == FlowMod.ALL_TABLES ? List.of(tables).subList(0, COUNT) : List.of(tables[idOrAll]);
    }

    Set<Rule> timed() {
        return timed;
    }

    FlowModification modification(long nowNs) {
        return new FlowModification(this, events, nowNs);
    }

    /** Applies all or none, as one version to packets. */
    void applyAll(List<FlowMod> changes) throws BundleException {
        pipeline.<BundleException>change(effects -> {
            FlowModification modification = modification(pipeline.nowNs());
            for (int i = 0; i < changes.size(); i++) {
                try {
                    modification.apply(changes.get(i));
                } catch (OfException e) {
                    modification.undo();
                    throw new BundleException(i, e);
                }
            }
            modification.reportTo(effects);
        });
    }

    /** Removes every flow but the hidden ones. */
    void clear(Effects effects) {
        FlowModification modification = modification(pipeline.nowNs());
        for (FlowTable table : tables) {
            List<Rule> rules = new ArrayList<>();
            table.forEach(rules::add);
            rules.stream().filter(rule -> !rule.isHidden()).forEach(modification::remove);
        }
        modification.reportTo(effects);
    }

    List<FlowStats> select(FlowQuery query) {
        pipeline.datapath().pushStatistics();
        return pipeline.read(() -> {
            long nowNs = pipeline.nowNs();
            List<FlowStats> selected = new ArrayList<>();
            if (query.tableId() > INTERNAL_TABLE && query.tableId() != FlowMod.ALL_TABLES) {
                return selected;
            }
            for (FlowTable table : oneOrAll(query.tableId())) {
                table.forEach(rule -> {
                    if (!rule.isHidden()
                            && query.match().covers(rule.match)
                            && rule.outputsTo(query.outPort())
                            && ((rule.cookie ^ query.cookie()) & query.cookieMask()) == 0) {
                        selected.add(rule.statistics(nowNs));
                    }
                });
            }
            return selected;
        });
    }

    List<TableStats> statistics() {
        pipeline.datapath().pushStatistics();
        return pipeline.read(() -> Arrays.stream(tables, 0, COUNT)
                .map(table -> new TableStats(
                        table.id, table.size(), table.lookups.sum(), table.matched.sum(), FlowTable.MAX_ENTRIES))
                .toList());
    }

    boolean anyTimedOut(long nowNs) {
        return !timedOut(nowNs).isEmpty();
    }

    private List<Rule> timedOut(long nowNs) {
        return timed.stream()
                .filter(rule -> rule.hardTimeoutReached(nowNs) || rule.idleTimeoutReached(nowNs))
                .toList();
    }

    void expire(long nowNs, Effects effects) {
        FlowModification modification = modification(nowNs);
        for (Rule rule : timedOut(nowNs)) {
            modification.remove(rule);
            if (rule.flags.contains(FlowMod.Flag.SEND_FLOW_REM)) {
                FlowRemovedReason reason = rule.hardTimeoutReached(nowNs)
                        ? FlowRemovedReason.HARD_TIMEOUT
                        : FlowRemovedReason.IDLE_TIMEOUT;
                effects.afterwards(() -> events.flowRemoved(rule, reason));
            }
        }
        modification.reportTo(effects);
    }
}
