package io.turnstile.stories.database;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Whether one order explains what clients saw: that of the values that their steps answered. Each step must have its
 * place between its request and its response, so whoever was answered before another one asked comes before it.
 */
final class OneOrder {
    private OneOrder() {}

    /**
     * Why the order does not explain the steps, whose values are known; empty if it does. Goes from the last place to
     * the first and keeps the earliest response among those behind: O(n log n).
     */
    static Optional<String> violation(List<Step> steps) {
        List<Step> backwards = steps.stream()
                .sorted(Comparator.comparingLong(Step::position).reversed())
                .toList();
        Step earliest = null;
        for (int begin = 0; begin < backwards.size(); ) {
            int end = begin;
            while (end < backwards.size()
                    && backwards.get(end).position() == backwards.get(begin).position()) {
                Step step = backwards.get(end++);
                if (earliest != null && earliest.responseNs() < step.requestNs()) {
                    return Optional.of(step + " asked after the answer to " + earliest + ", which comes later");
                }
            }
            if (backwards.get(begin).isWrite() && end - begin > 1) {
                return Optional.of(backwards.get(begin) + " and " + backwards.get(begin + 1) + " have one place");
            }
            for (; begin < end; begin++) {
                if (earliest == null || backwards.get(begin).responseNs() < earliest.responseNs()) {
                    earliest = backwards.get(begin);
                }
            }
        }
        return Optional.empty();
    }
}
