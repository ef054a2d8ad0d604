package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchMask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * One OpenFlow table: a tuple-space search over its masks, those with the highest priorities first. Of two rules of
 * equal priority that match the same packet either may win (OpenFlow 1.3.5 §5.3 leaves it open).
 *
 * <p>While a change is being made, packets meet the rules as they were, and the changer has them as they will be
 * ({@link Rule.Phase}); {@link #takeEffect} is the moment between.
 *
 * <p>Threads: under the table lock; {@link #dependents} under the flow cache's.
 */
final class FlowTable {
    /** What there is room for: the {@code max_entries} that Open vSwitch reports for its tables. */
    static final int MAX_ENTRIES = 1_000_000;

    final int id;
    /** Datapath flows whose walk looked something up here. */
    final Dependents dependents = new Dependents();

    TableMiss miss = TableMiss.DEFAULT;
    /** Datapath flows whose packets may learn nothing more here until a rule goes. */
    final Dependents refused = new Dependents();

    final LongAdder lookups = new LongAdder();
    final LongAdder matched = new LongAdder();
    private final List<SubTable> subTables = new ArrayList<>();
    private final Map<MatchMask, SubTable> byMask = new HashMap<>();
    private final RuleReferences references;
    /** How many rules have which cookie; null until somebody asks. */
    private @Nullable Map<Long, Integer> byCookie;

    private int size;
    private int shownSize;
    /** Whether a change of the table is being made. */
    private boolean changing;
    /** Whether that change has taken effect. */
    private boolean switched;

    private final Conjunctions conjunctions = new Conjunctions();

    /** What the database says of it. */
    private TableSettings settings = TableSettings.NONE;
    /** Whether a controller has said that flows are to be evicted. */
    private boolean evictsByOpenFlow;
    /** Null unless flows are evicted. */
    private @Nullable EvictionGroups eviction;

    private final Vacancy vacancy = new Vacancy();

    /** A table of its own. */
    FlowTable(int id) {
        this(id, new RuleReferences());
    }

    /** @param references of the rules of all the bridge's tables */
    FlowTable(int id, RuleReferences references) {
        this.id = id;
        this.references = references;
    }

    /** How many rules the changer has. */
    int size() {
        return size;
    }

    /** How many rules packets may meet. */
    int shownSize() {
        return shownSize;
    }

    // ---- what packets meet ----

    /**
     * The best rule for the key, or null; adds to {@code wildcards} the bits of the key that decided it.
     *
     * @param clauses gets the clauses of conjunctions that the packet meets, whether they come to anything or not
     */
    @Nullable
    Rule find(long[] key, long[] wildcards, Collection<Rule> clauses) {
        return conjunctions.isEmpty()
                ? findAlone(key, wildcards)
                : conjunctions.find(subTables, key, wildcards, switched, clauses);
    }

    private @Nullable Rule findAlone(long[] key, long[] wildcards) {
        Rule best = null;
        for (int i = 0; i < subTables.size(); i++) {
            SubTable subTable = subTables.get(i);
            if (best != null && subTable.maxPriority() <= best.priority) {
                return best;
            }
            Rule rule = subTable.find(key, wildcards, switched);
            if (rule != null && (best == null || rule.priority > best.priority)) {
                best = rule;
            }
        }
        return best;
    }

    /** Adds the rules that packets may meet, a list for each mask. */
    void copyInto(List<Rule[]> lists) {
        for (SubTable subTable : subTables) {
            Rule[] rules = subTable.copyOfRules();
            if (changing) {
                int kept = 0;
                for (Rule rule : rules) {
                    if (rule.isMet(switched)) {
                        rules[kept++] = rule;
                    }
                }
                rules = Arrays.copyOf(rules, kept);
            }
            lists.add(rules);
        }
    }

    // ---- what the changer has ----

    /** The rule of this very match and priority, or null. */
    @Nullable
    Rule findExact(Match match, int priority) {
        SubTable subTable = byMask.get(match.mask());
        return subTable == null ? null : subTable.findExact(match, priority);
    }

    /** How many rules have the cookie. Counted from the first time on that anybody asks. */
    synchronized int countOf(long cookie) {
        Map<Long, Integer> counts = byCookie;
        if (counts == null) {
            counts = new HashMap<>();
            for (SubTable subTable : subTables) {
                for (Rule rule : subTable.copyOfRules()) {
                    if (rule.isPresent()) {
                        counts.merge(rule.cookie, 1, Integer::sum);
                    }
                }
            }
            byCookie = counts;
        }
        return counts.getOrDefault(cookie, 0);
    }

    private synchronized void count(Rule rule, int change) {
        size += change;
        if (byCookie != null) {
            byCookie.merge(rule.cookie, change, (before, more) -> before + more == 0 ? null : before + more);
        }
    }

    /** The sub-tables as they are now. */
    List<SubTable> subTables() {
        return List.copyOf(subTables);
    }

    /** The match with the mask of the rules that have an equal one, if there are any. */
    Match withSharedMask(Match match) {
        SubTable subTable = byMask.get(match.mask());
        return subTable == null ? match : match.sharing(subTable.mask());
    }

    // ---- change ----

    /** A change begins. */
    void beginChange() {
        changing = true;
    }

    /** Puts the rule in, in whatever phase it is. */
    void insert(Rule rule) {
        SubTable subTable = byMask.computeIfAbsent(rule.match.mask(), mask -> {
            SubTable made = new SubTable(mask);
            subTables.add(made);
            return made;
        });
        int before = subTable.maxPriority();
        boolean first = subTable.isEmpty();
        subTable.insert(rule);
        references.added(rule);
        conjunctions.added(rule);
        if (rule.isPresent()) {
            present(rule);
        }
        if (first || before != subTable.maxPriority()) {
            sort();
        }
    }

    /** Takes the rule out. */
    void remove(Rule rule) {
        SubTable subTable =
                Objects.requireNonNull(byMask.get(rule.match.mask()), "a rule of the table is in its mask's sub-table");
        int before = subTable.maxPriority();
        subTable.remove(rule);
        references.removed(rule);
        conjunctions.removed(rule);
        if (rule.isPresent()) {
            absent(rule);
        }
        rule.phase = Rule.Phase.GONE;
        if (subTable.isEmpty()) {
            byMask.remove(subTable.mask());
            subTables.remove(subTable);
        } else if (before != subTable.maxPriority()) {
            sort();
        }
    }

    /** The changer lets go of a rule that packets meet. */
    void letGo(Rule rule) {
        rule.phase = Rule.Phase.GOING;
        absent(rule);
    }

    /** And takes it back. */
    void takeBack(Rule rule) {
        rule.phase = Rule.Phase.SETTLED;
        present(rule);
    }

    /** From now on the rule is there for the changer. */
    private void present(Rule rule) {
        count(rule, 1);
        if (eviction != null) {
            eviction.add(rule);
        }
    }

    private void absent(Rule rule) {
        count(rule, -1);
        if (eviction != null) {
            eviction.remove(rule);
        }
    }

    /** From now on packets meet what the changer has. */
    void takeEffect() {
        switched = true;
        shownSize = size;
    }

    /** Every rule is settled or gone again: the change is over, whether it took effect or was undone. */
    void endChange() {
        switched = false;
        changing = false;
    }

    private void sort() {
        subTables.sort(Comparator.comparingInt(SubTable::maxPriority).reversed());
    }

    /** Packets meet what the changer has, though nothing has taken effect yet: for who makes the change to look. */
    void lookAhead(boolean ahead) {
        switched = ahead;
    }

    // ---- how many rules there may be ----

    TableSettings settings() {
        return settings;
    }

    /** How many rules there may be. */
    int maxEntries() {
        return (int) Math.min(MAX_ENTRIES, settings.flowLimit());
    }

    boolean evictsByOpenFlow() {
        return evictsByOpenFlow;
    }

    Vacancy vacancy() {
        return vacancy;
    }

    /** How much is left of what the database allows, in percent. */
    int percentLeft() {
        return Vacancy.percentLeft(shownSize, settings.flowLimit());
    }

    /** @param breath called between two steps that leave everything as it was */
    void configure(TableSettings wanted, Runnable breath) {
        settings = wanted;
        arrangeEviction(breath);
    }

    void setEvictsByOpenFlow(boolean evicts, Runnable breath) {
        evictsByOpenFlow = evicts;
        arrangeEviction(breath);
    }

    private void arrangeEviction(Runnable breath) {
        if (!settings.evicts() && !evictsByOpenFlow) {
            eviction = null;
        } else if (eviction == null || !eviction.fields().equals(settings.evictionFields())) {
            EvictionGroups groups = new EvictionGroups(settings.evictionFields());
            for (SubTable subTable : subTables()) {
                for (int i = 0; i < subTable.size(); i++) {
                    if (subTable.rule(i).isPresent()) {
                        groups.add(subTable.rule(i));
                    }
                    breath.run();
                }
            }
            eviction = groups;
        }
    }

    /** The rule that is to go for another one; null if none may. */
    @Nullable
    Rule chooseToEvict() {
        return eviction == null ? null : eviction.choose();
    }

    /** The rule has other timeouts than before. */
    void timeoutsChanged(Rule rule) {
        if (eviction != null) {
            eviction.remove(rule);
            eviction.add(rule);
        }
    }
}
