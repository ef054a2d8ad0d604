package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.OfAction;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The lookup with conjunctions against the rule of ovs-fields(7), applied to a list from end to end. */
class ConjunctionsOracleTest {
    private static final int PRIORITIES = 12;

    /** Priority by priority: a flow that is no clause, else what waits for a conjunction that is complete there. */
    private static Rule expected(List<Rule> rules, long[] key, boolean withClauses) {
        List<Rule> met = rules.stream()
                .filter(rule -> rule.match.matches(key) && (withClauses || !rule.isConjunctive()))
                .sorted(Comparator.comparingInt((Rule rule) -> rule.priority).reversed())
                .toList();
        for (int priority = PRIORITIES; priority >= 0; priority--) {
            int here = priority;
            List<Rule> level =
                    met.stream().filter(rule -> rule.priority == here).toList();
            for (Rule rule : level) {
                if (!rule.isConjunctive()) {
                    return rule;
                }
            }
            Set<Integer> ids = new TreeSet<>();
            Set<List<Integer>> clauses = new HashSet<>();
            List<OfAction.Conjunction> actions = level.stream()
                    .flatMap(rule -> rule.actions.stream())
                    .map(OfAction.Conjunction.class::cast)
                    .toList();
            actions.forEach(action -> ids.add(action.id()));
            actions.forEach(action -> clauses.add(List.of(action.id(), action.clause())));
            for (int id : ids) {
                long wanted = actions.stream()
                        .filter(action -> action.id() == id)
                        .findFirst()
                        .orElseThrow()
                        .clauses();
                if (clauses.stream().filter(clause -> clause.getFirst() == id).count() == wanted) {
                    long[] again = key.clone();
                    Field.CONJ_ID.set(again, id);
                    Rule found = expected(rules, again, false);
                    if (found != null) {
                        return found;
                    }
                }
            }
        }
        return null;
    }

    private static String randomFlow(Random random) {
        String match = "priority=" + random.nextInt(PRIORITIES) + ",ip";
        if (random.nextInt(3) == 0) {
            return match + ",conj_id=" + (1 + random.nextInt(3)) + (random.nextBoolean() ? ",in_port=1" : "")
                    + ",actions=output:1";
        }
        match += random.nextBoolean() ? ",nw_src=10.0.0." + random.nextInt(3) : "";
        match += random.nextBoolean() ? ",nw_dst=10.0.0." + random.nextInt(3) : "";
        match += random.nextInt(4) == 0 ? ",in_port=" + (1 + random.nextInt(3)) : "";
        if (random.nextInt(5) == 0) {
            return match + ",actions=output:2";
        }
        List<String> actions = new ArrayList<>();
        for (int i = random.nextInt(2); i >= 0; i--) {
            int id = 1 + random.nextInt(3);
            int clauses = id + 1; // Every conjunction has as many as all who name it say.
            actions.add("conjunction(" + id + "," + (1 + random.nextInt(clauses)) + "/" + clauses + ")");
        }
        return match + ",actions=" + String.join(",", actions);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void findsWhatTheRuleSaysAndItsWildcardsDecide(long seed) {
        Random random = new Random(seed);
        RandomFlows packets = new RandomFlows(seed);
        FlowTable table = new FlowTable(0);
        List<Rule> rules = new ArrayList<>();
        int byConjunction = 0;
        for (int step = 0; step < 1500; step++) {
            if (rules.size() < 40 && (rules.isEmpty() || random.nextInt(5) > 1)) {
                FlowMod add = PipelineBench.parse(FlowMod.Command.ADD, randomFlow(random));
                if (table.findExact(add.match(), add.priority()) == null) {
                    Rule rule = Rule.of(add, 0, 0);
                    table.insert(rule);
                    rules.add(rule);
                }
            } else {
                table.remove(rules.remove(random.nextInt(rules.size())));
            }
            long[] key = PipelineBench.keyOf(packets.port(), packets.frame());
            Field.IN_PORT.set(key, packets.port());
            long[] wildcards = FlowKey.newKey();
            List<Rule> clauses = new ArrayList<>();
            Rule found = table.find(key, wildcards, clauses);
            Rule wanted = expected(rules, key, true);
            assertThat(found == null ? -1 : found.priority)
                    .as("seed %d step %d", seed, step)
                    .isEqualTo(wanted == null ? -1 : wanted.priority);
            byConjunction += found != null && found.match.matchesOn(Field.CONJ_ID) ? 1 : 0;
            assertThat(Field.CONJ_ID.get(key)).isZero();
            long[] other = packets.memberOf(key, wildcards);
            Rule there = expected(rules, other, true);
            assertThat(there == null ? -1 : there.priority)
                    .as("member, seed %d step %d", seed, step)
                    .isEqualTo(wanted == null ? -1 : wanted.priority);
        }
        assertThat(byConjunction).as("packets that met a conjunction").isGreaterThan(5);
    }
}
