package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.FieldSelection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The rules of one table that may be evicted, which are those that time out: in groups by the values of some fields, so
 * that who has most loses one (ovs-vswitchd.conf.db(5), Flow_Table). Of the largest groups goes the rule of least
 * importance, and among those of equal importance the one that ends soonest. Packets that keep rules alive are heard of
 * only when a rule is looked at, and so many are looked at: it is nearly always the right one that goes.
 *
 * <p>Takes some 120 bytes a rule, beside the rule.
 *
 * <p>Threads: whoever holds the change lock.
 */
final class EvictionGroups {
    /** So many rules and groups are looked at to choose one. */
    private static final int MOST_LOOKED_AT = 64;

    private static final Comparator<Candidate> LEAST_WORTH_FIRST = (a, b) -> {
        int byImportance = Integer.compare(a.rule.importance(), b.rule.importance());
        if (byImportance != 0) {
            return byImportance;
        }
        int byEnd = Long.signum(a.endsNs - b.endsNs); // the clock's readings wrap
        return byEnd != 0 ? byEnd : Long.compare(a.ordinal, b.ordinal);
    };

    private static final class Candidate {
        private final Rule rule;
        private final Group group;
        private final long ordinal;
        /** As of when it was looked at last. */
        private long endsNs;

        Candidate(Rule rule, Group group, long ordinal) {
            this.rule = rule;
            this.group = group;
            this.ordinal = ordinal;
            this.endsNs = rule.endsNs();
        }
    }

    private static final class Group {
        private final List<Bits> values;
        private final TreeSet<Candidate> candidates = new TreeSet<>(LEAST_WORTH_FIRST);

        Group(List<Bits> values) {
            this.values = values;
        }

        /** The first, when as many as may be looked at have been moved to where they belong by now. */
        Candidate first(int most) {
            for (int looks = 0; looks < most; looks++) {
                Candidate first = candidates.first();
                long endsNs = first.rule.endsNs();
                if (endsNs == first.endsNs) {
                    return first;
                }
                candidates.remove(first);
                first.endsNs = endsNs;
                candidates.add(first);
            }
            return candidates.first();
        }
    }

    private final List<FieldSelection> fields;
    private final Map<List<Bits>, Group> byValues = new HashMap<>();
    private final TreeMap<Integer, Set<Group>> bySize = new TreeMap<>();
    private final Map<Rule, Candidate> byRule = new HashMap<>();
    private long nextOrdinal;

    /** @param fields whose values part the rules into groups; none, if all are one */
    EvictionGroups(List<FieldSelection> fields) {
        this.fields = List.copyOf(fields);
    }

    List<FieldSelection> fields() {
        return fields;
    }

    /** Adds the rule if it times out. */
    void add(Rule rule) {
        if (!rule.hasTimeout()) {
            return;
        }
        List<Bits> values = new ArrayList<>(fields.size());
        for (FieldSelection field : fields) {
            values.add(field.of(rule.match));
        }
        Group group = byValues.computeIfAbsent(List.copyOf(values), Group::new);
        Candidate candidate = new Candidate(rule, group, nextOrdinal++);
        byRule.put(rule, candidate);
        group.candidates.add(candidate);
        resized(group, group.candidates.size() - 1);
    }

    /** Removes the rule if it is there. */
    void remove(Rule rule) {
        Candidate candidate = byRule.remove(rule);
        if (candidate == null) {
            return;
        }
        Group group = candidate.group;
        group.candidates.remove(candidate);
        if (group.candidates.isEmpty()) {
            byValues.remove(group.values);
        }
        resized(group, group.candidates.size() + 1);
    }

    private void resized(Group group, int former) {
        Set<Group> asLarge = bySize.get(former);
        if (asLarge != null) {
            asLarge.remove(group);
            if (asLarge.isEmpty()) {
                bySize.remove(former);
            }
        }
        int size = group.candidates.size();
        if (size > 0) {
            bySize.computeIfAbsent(size, _ -> new LinkedHashSet<>()).add(group);
        }
    }

    /** The rule that goes next; null if none times out. */
    @Nullable
    Rule choose() {
        Map.Entry<Integer, Set<Group>> largest = bySize.lastEntry();
        return largest == null ? null : choose(largest.getValue());
    }

    private static @Nullable Rule choose(Collection<Group> groups) {
        int most = Math.max(1, MOST_LOOKED_AT / groups.size());
        int left = MOST_LOOKED_AT;
        Candidate best = null;
        for (Group group : groups) {
            Candidate first = group.first(most);
            best = best == null || LEAST_WORTH_FIRST.compare(first, best) < 0 ? first : best;
            if (--left == 0) {
                break;
            }
        }
        return best == null ? null : best.rule;
    }
}
