package io.turnstile.pipeline;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The rules that time out, by the second in which they may: a wheel of {@link #SLOTS} seconds that goes round for those
 * that live longer. A look at what is due costs what is due and a small part of the rest, whatever the number of rules.
 * A rule that packets have met meanwhile is only moved when its old second comes.
 *
 * <p>Threads: whoever holds the change lock.
 */
final class TimeoutWheel {
    private static final int SLOTS = 256; // A power of two.
    private static final int FEWEST_PLACES = 4;
    private static final long SLOT_NS = 1_000_000_000L;

    private static final class Slot {
        private @Nullable Rule[] rules = new Rule[FEWEST_PLACES];
        private int size;
    }

    private final Slot[] slots = new Slot[SLOTS];
    /** Time is counted from here: the clock's readings wrap. */
    private final long originNs;
    /** The second that was looked at last, and will be once more. */
    private long lastSecond;

    private int size;

    TimeoutWheel(long nowNs) {
        originNs = nowNs;
        Arrays.setAll(slots, _ -> new Slot());
    }

    int size() {
        return size;
    }

    private long secondOf(long timeNs) {
        return Math.max(0, timeNs - originNs) / SLOT_NS;
    }

    void add(Rule rule) {
        // What is overdue already is seen at the next look.
        long second = Math.max(secondOf(rule.endsNs()), lastSecond);
        rule.timeoutSlot = (char) (second & SLOTS - 1);
        Slot slot = slots[rule.timeoutSlot];
        if (slot.size == slot.rules.length) {
            slot.rules = Arrays.copyOf(slot.rules, slot.size * 2);
        }
        rule.timeoutIndex = slot.size;
        slot.rules[slot.size++] = rule;
        size++;
    }

    void remove(Rule rule) {
        Slot slot = slots[rule.timeoutSlot];
        Rule last = Objects.requireNonNull(slot.rules[--slot.size], "there are rules up to the size");
        slot.rules[slot.size] = null;
        if (last != rule) {
            slot.rules[rule.timeoutIndex] = last;
            last.timeoutIndex = rule.timeoutIndex;
        }
        if (slot.size < slot.rules.length / 4 && slot.rules.length > FEWEST_PLACES) {
            slot.rules = Arrays.copyOf(slot.rules, slot.rules.length / 2);
        }
        size--;
    }

    /**
     * Hands over the rules that have timed out; they stay in the wheel until they are removed.
     *
     * @param look called once in a while, between two rules
     */
    void timedOut(long nowNs, Runnable look, Consumer<Rule> due) {
        long now = Math.max(secondOf(nowNs), lastSecond);
        long first = Math.max(lastSecond, now - SLOTS + 1);
        lastSecond = now;
        for (long second = first; second <= now; second++) {
            Slot slot = slots[(int) second & SLOTS - 1];
            // Backwards: a rule that is moved leaves its place to the last one, which was looked at before.
            for (int i = slot.size - 1; i >= 0; i--) {
                Rule rule = Objects.requireNonNull(slot.rules[i], "there are rules up to the size");
                if (rule.hardTimeoutReached(nowNs) || rule.idleTimeoutReached(nowNs)) {
                    due.accept(rule);
                } else if ((secondOf(rule.endsNs()) & SLOTS - 1) != rule.timeoutSlot) {
                    remove(rule);
                    add(rule);
                }
                look.run();
            }
        }
    }
}
