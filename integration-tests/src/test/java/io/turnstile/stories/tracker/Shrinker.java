package io.turnstile.stories.tracker;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Makes a failing script short: leaves steps out, first many at once, as long as it still fails. */
final class Shrinker {
    private final Predicate<Script> fails;
    private int tries;

    /** @param tries how many scripts are tried at most */
    Shrinker(Predicate<Script> fails, int tries) {
        this.fails = fails;
        this.tries = tries;
    }

    /** A part of {@code failing} that fails; no single step of it can be left out, unless the tries ran out. */
    Script shrink(Script failing) {
        List<Step> steps = new ArrayList<>(failing.steps());
        for (int chunk = Math.max(1, steps.size() / 2); chunk >= 1; chunk = chunk == 1 ? 0 : chunk / 2) {
            boolean shorter = leaveOut(steps, chunk);
            if (chunk == 1 && shorter) {
                chunk = 2; // Leaving one out may have made another one needless.
            }
        }
        return new Script(steps);
    }

    /** From the end on: late steps are the least likely to matter. */
    private boolean leaveOut(List<Step> steps, int chunk) {
        boolean shorter = false;
        for (int end = steps.size(); end > 0 && tries > 0; end -= chunk) {
            int from = Math.max(0, end - chunk);
            List<Step> fewer = new ArrayList<>(steps.subList(0, from));
            fewer.addAll(steps.subList(end, steps.size()));
            tries--;
            if (fails.test(new Script(fewer))) {
                steps.subList(from, end).clear();
                shorter = true;
            }
        }
        return shorter;
    }
}
