package io.turnstile.offload.conformance;

import io.turnstile.offload.conformance.SampleConnections.Stage;
import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
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
        CHANGED,
        UPDATE,
        DELETE
    }

    private final int number;
    private final Random random;
    private final Deque<Step> plan = new ArrayDeque<>();
    private final Map<Step, TreeSet<String>> heard = new EnumMap<>(Step.class);
    private final Set<ConnChange> changes = EnumSet.noneOf(ConnChange.class);
    private DelReason reason;
    private Stage stage = Stage.COMMITTED;
    private boolean begun;
    private boolean isTaken;
    private boolean isPostponed;
    private int repeats;
    private int postponements;

    private Life(int number, Random random, DelReason reason, List<Step> steps) {
        this.number = number;
        this.random = random;
        this.reason = reason;
        this.plan.addAll(steps);
    }

    /**
     * Just these steps, in this order; of a connection that is established when it is offered as the SPI orders them.
     */
    static Life of(int number, DelReason reason, Step... steps) {
        return new Life(number, new Random(number), reason, Arrays.asList(steps));
    }

    /** Any legal history; it ends by a delete unless {@code mayStay}. */
    static Life random(int number, long seed, boolean mayStay) {
        Random random = new Random(seed * 31 + number);
        DelReason[] reasons = DelReason.values();
        Life life = new Life(number, random, reasons[random.nextInt(reasons.length)], List.of(Step.QUERY, Step.ADD));
        life.addSome(random.nextInt(2));
        if (random.nextInt(4) > 0) {
            life.plan.add(Step.ESTABLISHED);
            life.addSome(random.nextInt(5));
        }
        if (!mayStay || random.nextBoolean()) {
            life.plan.add(Step.DELETE);
        }
        return life;
    }

    private void addSome(int count) {
        for (int i = 0; i < count; i++) {
            plan.add(random.nextInt(3) == 0 ? Step.CHANGED : Step.UPDATE);
        }
    }

    boolean isOver() {
        return plan.isEmpty();
    }

    /** It was told "later", and is to be offered again when there may be room. */
    boolean isPostponed() {
        return isPostponed;
    }

    /** There may be room. */
    void offerAgain() {
        isPostponed = false;
    }

    long connectionId() {
        return SampleConnections.id(number);
    }

    /** What comes next, for a provider that wants connections from that moment on. */
    OfConnection next(OfferMoment moment) {
        if (!begun) {
            begin(moment);
        }
        Step step = plan.getFirst();
        if (step == Step.ESTABLISHED && stage.compareTo(Stage.ESTABLISHED) < 0) {
            stage = Stage.ESTABLISHED;
        }
        Set<ConnChange> changed = step == Step.CHANGED ? change() : Set.of();
        boolean due = step == Step.UPDATE || step == Step.DELETE && reason == DelReason.EXPIRED;
        ConnView connection = SampleConnections.view(number, stage, changes, due);
        return switch (step) {
            case QUERY -> new OffloadOperation.Query(connection);
            case ADD -> new OffloadOperation.Add(connection);
            case ESTABLISHED -> new OffloadOperation.Established(connection, SampleConnections.replyPort(number));
            case CHANGED -> new OffloadOperation.Changed(connection, changed);
            case UPDATE -> new OffloadOperation.Update(connection);
            case DELETE -> new OffloadOperation.Delete(connection, reason);
        };
    }

    /** What is established when it is offered is told of that right after the add, unless it has gone by then. */
    private void begin(OfferMoment moment) {
        begun = true;
        stage = SampleConnections.offeredAt(number, moment);
        if (stage == Stage.ESTABLISHED) {
            List<Step> steps = new ArrayList<>(plan);
            boolean isTold = steps.removeAll(List.of(Step.ESTABLISHED))
                    || steps.contains(Step.CHANGED)
                    || steps.contains(Step.UPDATE);
            if (isTold && steps.contains(Step.ADD)) {
                steps.add(steps.indexOf(Step.ADD) + 1, Step.ESTABLISHED);
            }
            plan.clear();
            plan.addAll(steps);
        }
    }

    /** Changes something about the connection, and returns what. */
    private Set<ConnChange> change() {
        Set<ConnChange> changed = EnumSet.noneOf(ConnChange.class);
        for (ConnChange change : ConnChange.values()) {
            if (random.nextInt(3) == 0 && (change != ConnChange.TCP || moveTcp())) {
                changed.add(change);
            }
        }
        if (changed.isEmpty()) {
            changed.add(ConnChange.MARK);
        }
        for (ConnChange change : changed) {
            if (!changes.remove(change)) { // else it is again as it was at first
                changes.add(change);
            }
        }
        return Set.copyOf(changed);
    }

    /** Software sees SYN|ACK, or FIN. Returns whether there was one to see. */
    private boolean moveTcp() {
        boolean moved = SampleConnections.isTcp(number) && (stage == Stage.COMMITTED || stage == Stage.ESTABLISHED);
        if (moved) {
            stage = stage == Stage.COMMITTED ? Stage.ANSWERED : Stage.CLOSING;
        }
        return moved;
    }

    /** The answer to what {@link #next} gave. */
    void answered(OffloadResult result) {
        Step step = plan.removeFirst();
        heard.computeIfAbsent(step, s -> new TreeSet<>()).add(kindOf(result));
        switch (step) {
            case QUERY -> goOnIf(result instanceof Verdict.Accept, result, Step.QUERY);
            case ADD -> {
                isTaken = isTaken(result);
                goOnIf(isTaken, result, Step.ADD, Step.QUERY);
            }
            case ESTABLISHED -> {
                deleteIfFailed(result);
                if (result instanceof OffloadResult.Covered covered && !covered.both()) {
                    repeatEstablished();
                }
            }
            case CHANGED, UPDATE -> deleteIfFailed(result);
            case DELETE -> end();
        }
    }

    /** An add with this result was one. */
    static boolean isTaken(OffloadResult result) {
        return result instanceof OffloadResult.Done || result instanceof Verdict.Accept;
    }

    /** Two ways to say that an add or a delete was carried out are one answer. */
    private static String kindOf(OffloadResult result) {
        return isTaken(result) || result instanceof OffloadResult.Released
                ? "Done"
                : result.getClass().getSimpleName();
    }

    private void goOnIf(boolean isWanted, OffloadResult result, Step... offeredAgainBy) {
        if (isWanted) {
            return;
        }
        if (result instanceof Verdict.Later && postponements++ < MOST_REPEATS) {
            isPostponed = true;
            Arrays.asList(offeredAgainBy).forEach(plan::addFirst);
        } else {
            end();
        }
    }

    private void deleteIfFailed(OffloadResult result) {
        if (result instanceof OffloadResult.Failed) {
            deleteFor(DelReason.PROVIDER_FAILED);
        }
    }

    /** The provider has lost it. */
    void lose() {
        if (isTaken) {
            deleteFor(DelReason.LOST);
        }
    }

    private void deleteFor(DelReason other) {
        reason = other;
        plan.clear();
        plan.add(Step.DELETE);
    }

    /** It is not held any more, whatever was planned. */
    void end() {
        isTaken = false;
        plan.clear();
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
