package io.turnstile.offload.conformance;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;

/**
 * What a provider is told of one connection, step by step, with each step depending on the answers: one legal history
 * of those that the SPI allows. Planned from the connection's number and a seed alone, so that two runs that hear the
 * same answers go the same way. Not for several threads at once.
 */
final class Life {
    private static final int MOST_REPEATS = 5;

    /** A callback of the life. */
    enum Step {
        QUERY,
        ADD,
        ESTABLISHED,
        UPDATE,
        DELETE
    }

    private final int number;
    private final DelReason reason;
    private final Deque<Step> plan = new ArrayDeque<>();
    private final Map<Step, TreeSet<String>> heard = new EnumMap<>(Step.class);
    private boolean replySeen;
    private boolean failed;
    private int repeats;

    private Life(int number, DelReason reason, List<Step> steps) {
        this.number = number;
        this.reason = reason;
        this.plan.addAll(steps);
    }

    /** Just these steps, in this order. */
    static Life of(int number, DelReason reason, Step... steps) {
        return new Life(number, reason, Arrays.asList(steps));
    }

    /** Any legal history; it ends by a delete unless {@code mayStay}. */
    static Life random(int number, long seed, boolean mayStay) {
        Random random = new Random(seed * 31 + number);
        DelReason[] reasons = DelReason.values();
        Life life = new Life(number, reasons[random.nextInt(reasons.length)], List.of(Step.QUERY, Step.ADD));
        life.addUpdates(random.nextInt(2));
        if (random.nextInt(4) > 0) {
            life.plan.add(Step.ESTABLISHED);
            life.addUpdates(random.nextInt(4));
        }
        if (!mayStay || random.nextBoolean()) {
            life.plan.add(Step.DELETE);
        }
        return life;
    }

    private void addUpdates(int count) {
        for (int i = 0; i < count; i++) {
            plan.add(Step.UPDATE);
        }
    }

    boolean isOver() {
        return plan.isEmpty();
    }

    /** What comes next. */
    OfConnection next() {
        Step step = plan.getFirst();
        replySeen |= step == Step.ESTABLISHED;
        ConnView connection = replySeen ? SampleConnections.replied(number) : SampleConnections.committed(number);
        return switch (step) {
            case QUERY -> new OffloadOperation.Query(connection);
            case ADD -> new OffloadOperation.Add(connection);
            case ESTABLISHED -> new OffloadOperation.Established(connection, SampleConnections.replyPort(number));
            case UPDATE -> new OffloadOperation.Update(connection);
            case DELETE -> new OffloadOperation.Delete(connection, failed ? DelReason.PROVIDER_FAILED : reason);
        };
    }

    /** The answer to what {@link #next} gave. */
    void answered(OffloadResult result) {
        Step step = plan.removeFirst();
        heard.computeIfAbsent(step, s -> new TreeSet<>()).add(kindOf(step, result));
        switch (step) {
            case QUERY -> endUnless(result instanceof Verdict.Accept);
            case ADD -> endUnless(result instanceof OffloadResult.Done);
            case ESTABLISHED -> {
                deleteIfFailed(result);
                if (result instanceof OffloadResult.Covered covered && !covered.both()) {
                    repeatEstablished();
                }
            }
            case UPDATE -> deleteIfFailed(result);
            case DELETE -> plan.clear();
        }
    }

    /** A late decline in bulk is a throw from the single callback: either way the connection was not taken. */
    private static String kindOf(Step step, OffloadResult result) {
        return step == Step.ADD && !(result instanceof OffloadResult.Done)
                ? "not taken"
                : result.getClass().getSimpleName();
    }

    private void endUnless(boolean taken) {
        if (!taken) {
            plan.clear();
        }
    }

    private void deleteIfFailed(OffloadResult result) {
        if (result instanceof OffloadResult.Failed) {
            failed = true;
            plan.clear();
            plan.add(Step.DELETE);
        }
    }

    /** Asked again before the next update; a provider that never says yes gets no updates any more. */
    private void repeatEstablished() {
        if (repeats++ < MOST_REPEATS) {
            plan.addFirst(Step.ESTABLISHED);
        } else {
            plan.removeIf(step -> step == Step.UPDATE);
        }
    }

    /** The kinds of answers heard to each kind of step so far. */
    String heard() {
        return heard.toString();
    }

    @Override
    public String toString() {
        return SampleConnections.kind(number) + " " + number;
    }
}
