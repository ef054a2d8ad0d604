package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.OfAction;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The lookup in a table that has conjunctive flows (ovs-fields(7), "Conjunctive Match Fields"), in two phases: if the
 * clauses of one priority that the packet meets make up a conjunction, the packet is looked up again with its id as
 * {@code conj_id}, among the flows that are no clauses. What is found there is the answer, whatever its priority; else
 * the next lower priority is asked. A flow that is no clause wins over clauses of its own and of lower priorities.
 *
 * <p>Of several conjunctions that are complete at one priority the one with the lowest id is asked first; Open vSwitch
 * leaves it open.
 *
 * <p>Threads: under the table lock.
 */
final class Conjunctions {
    private static final Comparator<Rule> HIGHEST_FIRST =
            Comparator.comparingInt((Rule rule) -> rule.priority).reversed();

    /** How many clauses there are, met by packets or not. */
    private int size;

    boolean isEmpty() {
        return size == 0;
    }

    void added(Rule rule) {
        size += rule.isConjunctive() ? 1 : 0;
    }

    void removed(Rule rule) {
        size -= rule.isConjunctive() ? 1 : 0;
    }

    /** {@link FlowTable#find} among those sub-tables, which stand in the order of their highest priority. */
    @Nullable
    Rule find(List<SubTable> subTables, long[] key, long[] wildcards, boolean switched, Collection<Rule> clauses) {
        List<Rule> met = new ArrayList<>();
        Rule plain = search(subTables, key, wildcards, switched, met);
        int least = plain == null ? -1 : plain.priority;
        met.removeIf(rule -> rule.priority <= least || !rule.isConjunctive());
        clauses.addAll(met);
        met.sort(HIGHEST_FIRST);
        for (int from = 0; from < met.size(); ) {
            int to = from + 1;
            while (to < met.size() && met.get(to).priority == met.get(from).priority) {
                to++;
            }
            for (int id : complete(met.subList(from, to))) {
                Rule found = findById(subTables, id, key, wildcards, switched);
                if (found != null) {
                    return found;
                }
            }
            from = to;
        }
        return plain;
    }

    /**
     * The best rule that is no clause.
     *
     * @param met gets every rule that the key meets and that may matter beside it
     */
    private static @Nullable Rule search(
            List<SubTable> subTables, long[] key, long[] wildcards, boolean switched, List<Rule> met) {
        Rule best = null;
        for (int i = 0; i < subTables.size(); i++) {
            SubTable subTable = subTables.get(i);
            if (best != null && subTable.maxPriority() <= best.priority) {
                return best;
            }
            int first = met.size();
            subTable.findAll(key, wildcards, switched, met);
            for (int k = first; k < met.size(); k++) {
                Rule rule = met.get(k);
                if (!rule.isConjunctive() && (best == null || rule.priority > best.priority)) {
                    best = rule;
                }
            }
        }
        return best;
    }

    private static @Nullable Rule findById(
            List<SubTable> subTables, int id, long[] key, long[] wildcards, boolean switched) {
        long before = Field.CONJ_ID.get(key);
        Field.CONJ_ID.set(key, Integer.toUnsignedLong(id));
        Rule found = search(subTables, key, wildcards, switched, new ArrayList<>());
        Field.CONJ_ID.set(key, before);
        return found;
    }

    /** The ids of the conjunctions all of whose clauses are among those of the rules, lowest first. */
    private static Collection<Integer> complete(List<Rule> rules) {
        Map<Integer, Long> met = new TreeMap<>(Integer::compareUnsigned);
        List<Integer> complete = new ArrayList<>();
        for (Rule rule : rules) {
            for (OfAction action : rule.actions) {
                if (action instanceof OfAction.Conjunction clause) {
                    long bits = met.merge(clause.id(), 1L << clause.clause(), (one, other) -> one | other);
                    long all = -1L >>> Long.SIZE - clause.clauses();
                    if (bits == all && !complete.contains(clause.id())) {
                        complete.add(clause.id());
                    }
                }
            }
        }
        complete.sort(Integer::compareUnsigned);
        return complete;
    }
}
