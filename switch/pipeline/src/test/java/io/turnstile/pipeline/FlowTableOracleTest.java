package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.FlowMod;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The classifier against a list that is searched from end to end. */
class FlowTableOracleTest {

    private static Rule best(List<Rule> rules, long[] key) {
        Rule best = null;
        for (Rule rule : rules) {
            if (rule.match.matches(key) && (best == null || rule.priority > best.priority)) {
                best = rule;
            }
        }
        return best;
    }

    private static int priority(Rule rule) {
        return rule == null ? -1 : rule.priority;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void findsWhatAListFindsAndItsWildcardsDecide(long seed) {
        RandomFlows random = new RandomFlows(seed);
        FlowTable table = new FlowTable(0);
        List<Rule> rules = new ArrayList<>();
        for (int step = 0; step < 600; step++) {
            if (rules.isEmpty() || random.upTo(3) > 0) {
                FlowMod add = PipelineBench.parse(FlowMod.Command.ADD, random.match() + ",actions=drop");
                if (table.findExact(add.match(), add.priority()) == null) {
                    Rule rule = Rule.of(add, 0, 0);
                    table.insert(rule);
                    rules.add(rule);
                }
            } else {
                Rule gone = rules.remove(random.upTo(rules.size()));
                table.remove(gone);
                assertThat(table.findExact(gone.match, gone.priority)).isNull();
            }
            checkLookups(table, rules, random, seed, step);
        }
        assertThat(table.size()).isEqualTo(rules.size());
    }

    private static void checkLookups(FlowTable table, List<Rule> rules, RandomFlows random, long seed, int step) {
        for (int i = 0; i < 5; i++) {
            long[] key = PipelineBench.keyOf(random.port(), random.frame());
            Field.IN_PORT.set(key, random.port());
            Field.REG0.set(key, random.upTo(3));
            long[] wildcards = FlowKey.newKey();
            int expected = priority(best(rules, key));
            assertThat(priority(table.find(key, wildcards, new ArrayList<>())))
                    .as("seed %d step %d", seed, step)
                    .isEqualTo(expected);
            long[] other = random.memberOf(key, wildcards);
            assertThat(priority(best(rules, other)))
                    .as("member, seed %d step %d", seed, step)
                    .isEqualTo(expected);
        }
    }
}
