package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.Match;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One OpenFlow table: a tuple-space search over its masks, those with the highest priorities first. Of two rules of
 * equal priority that match the same packet either may win (OpenFlow 1.3.5 §5.3 leaves it open).
 *
 * <p>Threads: under the table lock; {@link #dependents} under the flow cache's.
 */
final class FlowTable {
    /** The {@code max_entries} that Open vSwitch reports for its tables. */
    static final int MAX_ENTRIES = 1_000_000;

    final int id;
    /** Datapath flows whose walk looked something up here. */
    final Dependents dependents = new Dependents();

    final LongAdder lookups = new LongAdder();
    final LongAdder matched = new LongAdder();
    private final List<SubTable> subTables = new ArrayList<>();
    private int size;

    FlowTable(int id) {
        this.id = id;
    }

    int size() {
        return size;
    }

    /** The best rule for the key, or null; adds to {@code wildcards} the bits of the key that decided it. */
    @Nullable
    Rule find(long[] key, long[] wildcards) {
        Rule best = null;
        for (int i = 0; i < subTables.size(); i++) {
            SubTable subTable = subTables.get(i);
            if (best != null && subTable.maxPriority() <= best.priority) {
                return best;
            }
            Rule rule = subTable.find(key, wildcards);
            if (rule != null && (best == null || rule.priority > best.priority)) {
                best = rule;
            }
        }
        return best;
    }

    /** The rule of this very match and priority, or null. */
    @Nullable
    Rule findExact(Match match, int priority) {
        SubTable subTable = subTableOf(match);
        return subTable == null ? null : subTable.findExact(match, priority);
    }

    private @Nullable SubTable subTableOf(Match match) {
        for (SubTable subTable : subTables) {
            if (subTable.hasMaskOf(match)) {
                return subTable;
            }
        }
        return null;
    }

    void insert(Rule rule) {
        SubTable subTable = subTableOf(rule.match);
        if (subTable == null) {
            subTable = new SubTable(rule.match);
            subTables.add(subTable);
        }
        int before = subTable.maxPriority();
        subTable.insert(rule);
        size++;
        if (before != subTable.maxPriority()) {
            sort();
        }
    }

    void remove(Rule rule) {
        SubTable subTable =
                Objects.requireNonNull(subTableOf(rule.match), "a rule of the table is in its mask's sub-table");
        int before = subTable.maxPriority();
        subTable.remove(rule);
        size--;
        if (subTable.isEmpty()) {
            subTables.remove(subTable);
        } else if (before != subTable.maxPriority()) {
            sort();
        }
    }

    private void sort() {
        subTables.sort(Comparator.comparingInt(SubTable::maxPriority).reversed());
    }

    void forEach(Consumer<Rule> visitor) {
        for (SubTable subTable : subTables) {
            subTable.rules().forEach(visitor);
        }
    }
}
