package io.turnstile.pipeline;

import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A place in lists of rules, each of which is handed over when its turn comes. Needs no lock: a rule's definition never
 * changes, and its counters can be read at any time.
 *
 * <p>Threads: one at a time.
 */
final class RuleCursor {
    private final List<@Nullable Rule[]> lists;
    private int list;
    private int index;

    RuleCursor(List<Rule[]> lists) {
        this.lists = List.copyOf(lists);
    }

    /**
     * Hands over the next rules.
     *
     * @return whether there may be more
     */
    boolean advance(int atMost, Consumer<Rule> visitor) {
        int left = atMost;
        while (list < lists.size()) {
            @Nullable Rule[] rules = lists.get(list);
            while (index < rules.length) {
                if (left-- == 0) {
                    return true;
                }
                Rule rule = rules[index];
                rules[index++] = null; // A rule that has gone meanwhile is not kept longer than needed.
                if (rule != null) {
                    visitor.accept(rule);
                }
            }
            list++;
            index = 0;
        }
        return false;
    }

    /** What the lists take. */
    long heldBytes() {
        return lists.stream()
                .mapToLong(rules -> (long) rules.length * Integer.BYTES)
                .sum();
    }
}
