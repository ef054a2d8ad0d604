package io.turnstile.pipeline;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The rules of a bridge by the groups and meters that they name, so that those of a group that is deleted are found
 * without a search.
 *
 * <p>Threads: under the table lock.
 */
final class RuleReferences {
    private final Map<Integer, Set<Rule>> byGroup = new HashMap<>();
    private final Map<Integer, Set<Rule>> byMeter = new HashMap<>();

    /** The rule has come into a table. */
    void added(Rule rule) {
        References references = References.of(rule.actions);
        references.groups().forEach(id -> add(byGroup, id, rule));
        references.meters().forEach(id -> add(byMeter, id, rule));
    }

    /** The rule has left its table. */
    void removed(Rule rule) {
        References references = References.of(rule.actions);
        references.groups().forEach(id -> remove(byGroup, id, rule));
        references.meters().forEach(id -> remove(byMeter, id, rule));
    }

    private static void add(Map<Integer, Set<Rule>> index, int id, Rule rule) {
        index.computeIfAbsent(id, _ -> Collections.newSetFromMap(new IdentityHashMap<>(1)))
                .add(rule);
    }

    private static void remove(Map<Integer, Set<Rule>> index, int id, Rule rule) {
        Set<Rule> rules = index.get(id);
        if (rules != null && rules.remove(rule) && rules.isEmpty()) {
            index.remove(id);
        }
    }

    /** The rules that the changer has and that send packets to the group. */
    List<Rule> ofGroup(int id) {
        return present(byGroup.getOrDefault(id, Set.of()));
    }

    /** The same of a meter. */
    List<Rule> ofMeter(int id) {
        return present(byMeter.getOrDefault(id, Set.of()));
    }

    /** How many rules send packets to the group; those too that are going. */
    int countOfGroup(int id) {
        return byGroup.getOrDefault(id, Set.of()).size();
    }

    /** The same of a meter. */
    int countOfMeter(int id) {
        return byMeter.getOrDefault(id, Set.of()).size();
    }

    private static List<Rule> present(Set<Rule> rules) {
        List<Rule> present = new ArrayList<>(rules.size());
        for (Rule rule : rules) {
            if (rule.isPresent()) {
                present.add(rule);
            }
        }
        return present;
    }
}
