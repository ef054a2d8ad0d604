package io.turnstile.offload;

import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.List;

/**
 * Carries a batch of turns through the provider. It goes in waves: each is one call with the next step of each
 * connection, so that a call never has two operations on one connection.
 *
 * <p>A call may be given up by who watches (see {@link OffloadSession#giveUp}). When it comes back after all, only what
 * it says about the provider's holdings is taken down; the turns have been dealt with.
 *
 * <p>Threads: under the lock of its shard.
 */
final class BatchRunner {
    private static final long NO_CALL = -1;

    private final OffloadSession session;
    private final Lane lane;
    private final SlotTable table;
    private final CallWatch watch;
    private final Turn[] turns;
    private final ConnViewReader reader;
    private final List<OfConnection> operations = new ArrayList<>();
    private final List<Turn> operationTurns = new ArrayList<>();
    private int length;
    private long longestCallNs;
    private boolean givenUp;

    BatchRunner(OffloadSession session, CallWatch watch, int capacity) {
        this.session = session;
        this.watch = watch;
        lane = session.lane;
        table = session.table;
        reader = new ConnViewReader(session.tracker, lane.house.ports());
        turns = new Turn[capacity];
        for (int i = 0; i < capacity; i++) {
            turns[i] = new Turn();
        }
    }

    void begin() {
        length = 0;
    }

    /** A call was given up: nothing more is to be done by this. */
    boolean isGivenUp() {
        return givenUp;
    }

    boolean isEmpty() {
        return length == 0;
    }

    /** Of the calls of the last run; negative if there was none. */
    long longestCallNs() {
        return longestCallNs;
    }

    /** Adds a slot just taken from the queue; {@code word} as it was before. */
    void add(SlotTable.Chunk chunk, int slot, long word) {
        Turn turn = turns[length++];
        turn.slot = slot;
        turn.chunk = chunk;
        turn.flags = SlotTable.flags(word);
        turn.connectionId = SlotTable.connectionId(word, slot);
    }

    /** Runs the batch. Returns how many slots were sealed by it. */
    int run(long nowNs) {
        longestCallNs = NO_CALL;
        for (int i = 0; i < length; i++) {
            prepare(turns[i], nowNs);
        }
        boolean busy = true;
        while (busy && !givenUp) {
            busy = wave();
        }
        if (longestCallNs != NO_CALL) {
            lane.judge(session, longestCallNs);
        }
        int sealed = 0;
        for (int i = 0; i < length && !givenUp; i++) {
            sealed += finish(turns[i], nowNs) ? 1 : 0;
            turns[i].view = null;
        }
        return sealed;
    }

    // ---- what is to be done ----

    private void prepare(Turn turn, long nowNs) {
        boolean known = reader.read(turn.connectionId, nowNs);
        // One that has left may still be held by another lane; this one's replay may have met it too late to hear of
        // its end.
        turn.alive = known && !reader.isRemoved();
        turn.replySeen = known && reader.replySeen();
        turn.lastUsedMs = 0;
        turn.afterDelete = null;
        turn.reason = 0;
        // A tracker that dropped the connection in spite of the hold must not keep its provider from being told.
        turn.view = turn.alive || turn.leaves() ? reader.view() : null;
        turn.steps = turn.view == null ? 0 : steps(turn, table.state(turn.chunk, turn.slot));
    }

    private int steps(Turn turn, OffloadState state) {
        if (turn.leaves()) {
            return state.isHeld() && !session.isFlushed() ? Turn.DELETE : 0;
        }
        if (!state.isHeld()) {
            return mayBeOffered(turn, state) ? firstSteps(turn) : 0;
        }
        if (turn.has(SlotTable.CHECK | SlotTable.ESTABLISHED) && isExcluded(turn)) {
            turn.afterDelete = OffloadState.REFUSED;
            turn.reason = lane.reasons.index(HouseRules.PORT_EXCLUDED);
            return Turn.DELETE;
        }
        int steps = turn.has(SlotTable.UPDATE) ? Turn.UPDATE : 0;
        boolean asksReply = turn.replySeen && turn.has(SlotTable.ESTABLISHED | SlotTable.UPDATE);
        return asksReply && state == OffloadState.ADDED ? steps | Turn.ESTABLISHED : steps;
    }

    private boolean mayBeOffered(Turn turn, OffloadState state) {
        boolean asked = turn.has(SlotTable.UNTOLD) && state == OffloadState.NONE
                || turn.has(SlotTable.CHECK) && state == OffloadState.REFUSED;
        return asked && !session.isLeaving();
    }

    /** The house's own rules come before the provider's opinion. */
    private int firstSteps(Turn turn) {
        if (reader.isControl()) {
            put(turn, OffloadState.DECLINED, lane.reasons.index(HouseRules.CONTROL));
            return 0;
        }
        if (isExcluded(turn)) {
            put(turn, OffloadState.REFUSED, lane.reasons.index(HouseRules.PORT_EXCLUDED));
            return 0;
        }
        int steps = Turn.QUERY | Turn.ADD;
        steps |= turn.replySeen ? Turn.ESTABLISHED : 0;
        return turn.has(SlotTable.UPDATE) ? steps | Turn.UPDATE : steps;
    }

    private boolean isExcluded(Turn turn) {
        return lane.house.rules().excludes(lane.name(), turn.view);
    }

    // ---- calls ----

    private boolean wave() {
        operations.clear();
        operationTurns.clear();
        for (int i = 0; i < length; i++) {
            Turn turn = turns[i];
            int step = Integer.lowestOneBit(turn.steps);
            if (step != 0) {
                turn.steps ^= step;
                operations.add(operation(turn, step));
                operationTurns.add(turn);
            }
        }
        if (operations.isEmpty()) {
            return false;
        }
        List<OffloadOperation> batch = List.copyOf(operations);
        List<OffloadResult> results = call(batch);
        for (int i = 0; i < batch.size(); i++) {
            take(operationTurns.get(i), operations.get(i), results.get(i));
        }
        return true;
    }

    private List<OffloadResult> call(List<OffloadOperation> batch) {
        watch.begin(batch);
        List<OffloadResult> results = lane.door.operate(batch);
        long durationNs = watch.durationNs();
        givenUp = !watch.end() || session.isGivenUp();
        longestCallNs = Math.max(longestCallNs, durationNs);
        lane.called(session, batch, results, durationNs);
        return results;
    }

    /** Asks the provider to let go of everything at once. Returns whether it did. */
    boolean flush(DelReason reason) {
        return call(List.of(new OffloadOperation.Flush(reason))).getFirst() instanceof OffloadResult.Done;
    }

    private OfConnection operation(Turn turn, int step) {
        return switch (step) {
            case Turn.QUERY -> {
                put(turn, OffloadState.ADDING, 0);
                yield new OffloadOperation.Query(turn.view);
            }
            case Turn.ADD -> new OffloadOperation.Add(turn.view);
            case Turn.ESTABLISHED -> new OffloadOperation.Established(turn.view, turn.view.replyIngress());
            case Turn.UPDATE -> new OffloadOperation.Update(turn.view);
            case Turn.DELETE -> {
                put(turn, OffloadState.DELETING, 0);
                yield new OffloadOperation.Delete(turn.view, turn.delReason(session.leavingReason()));
            }
            default -> throw new IllegalStateException("no such step: " + step);
        };
    }

    private void put(Turn turn, OffloadState state, int reason) {
        table.setState(turn.chunk, turn.slot, state, reason);
    }

    /** Moves the connection's state by what the operation came to. */
    private void take(Turn turn, OfConnection operation, OffloadResult result) {
        switch (result) {
            case Verdict.Accept accept -> {
                // Stays "adding": the add is the next step.
            }
            case Verdict.Decline decline -> {
                turn.steps = 0;
                put(turn, OffloadState.DECLINED, lane.reasons.index(decline.reason()));
            }
            case OffloadResult.Done done -> takeDone(turn, operation);
            case OffloadResult.Covered covered -> {
                if (covered.both()) {
                    put(turn, OffloadState.ESTABLISHED, 0);
                    session.tracker.carriedElsewhere(turn.connectionId);
                }
            }
            case OffloadResult.LastUsed lastUsed -> turn.lastUsedMs = lastUsed.epochMs();
            case OffloadResult.OneByOne oneByOne ->
                throw new IllegalStateException("not an answer about one connection");
            case OffloadResult.Failed failed -> takeFailure(turn, operation, failed);
        }
    }

    private void takeDone(Turn turn, OfConnection operation) {
        if (operation instanceof OffloadOperation.Add) {
            put(turn, OffloadState.ADDED, 0);
        } else {
            takeDeleted(turn);
        }
    }

    private void takeDeleted(Turn turn) {
        if (!turn.has(SlotTable.REMOVED)) {
            session.tracker.carriedElsewhere(turn.connectionId); // it comes back to software
        }
        put(turn, turn.afterDelete == null ? OffloadState.NONE : turn.afterDelete, turn.reason);
    }

    private void takeFailure(Turn turn, OfConnection operation, OffloadResult.Failed failed) {
        int reason = lane.reasons.index(failed.reason());
        switch (operation) {
            case OffloadOperation.Query q -> dropAsFailed(turn, reason);
            case OffloadOperation.Add a -> dropAsFailed(turn, reason);
            case OffloadOperation.Established e -> deleteAsFailed(turn, reason);
            case OffloadOperation.Update u -> deleteAsFailed(turn, reason);
            case OffloadOperation.Delete d -> {
                turn.reason =
                        turn.afterDelete == OffloadState.FAILED ? turn.reason : reason; // the first failure says more
                turn.afterDelete = OffloadState.FAILED;
                takeDeleted(turn);
            }
        }
    }

    private void dropAsFailed(Turn turn, int reason) {
        turn.steps = 0;
        put(turn, OffloadState.FAILED, reason);
    }

    private static void deleteAsFailed(Turn turn, int reason) {
        turn.steps = Turn.DELETE;
        turn.afterDelete = OffloadState.FAILED;
        turn.reason = reason;
    }

    // ---- the end of a turn ----

    /** Returns whether the slot was sealed. */
    private boolean finish(Turn turn, long nowNs) {
        if (turn.lastUsedMs != 0) {
            extend(turn);
        }
        if (turn.has(SlotTable.REMOVED)) {
            return finishRemoved(turn);
        }
        if (turn.has(SlotTable.WITHDRAW)) {
            return finishWithdrawn(turn);
        }
        if (!turn.alive) {
            forgetGhost(turn);
            return false;
        }
        rememberHolding(turn);
        return false;
    }

    private boolean finishRemoved(Turn turn) {
        put(turn, OffloadState.NONE, 0);
        long word;
        int base;
        do {
            word = table.word(turn.chunk, turn.slot);
            if ((SlotTable.flags(word) & SlotTable.TRACKED) == 0) {
                return false; // the session was given up just now, and its hold with it
            }
            base = turn.has(SlotTable.WITHDRAW) || (SlotTable.flags(word) & SlotTable.WITHDRAW) != 0
                    ? SlotTable.SEALED
                    : 0;
        } while (!table.changeWord(turn.chunk, turn.slot, word, base | SlotTable.flags(word) & SlotTable.QUEUED));
        lane.house.holds().release(turn.connectionId);
        return base != 0;
    }

    private boolean finishWithdrawn(Turn turn) {
        if (session.isFlushed() && table.state(turn.chunk, turn.slot).isHeld()) {
            session.tracker.carriedElsewhere(turn.connectionId); // it comes back to software
        }
        put(turn, OffloadState.NONE, 0);
        while (true) {
            long word = table.word(turn.chunk, turn.slot);
            int flags = SlotTable.flags(word);
            if ((flags & SlotTable.REMOVED) != 0) {
                return false; // removed meanwhile and queued for it: that turn ends the hold and seals
            }
            if (table.changeWord(turn.chunk, turn.slot, word, SlotTable.SEALED | flags & SlotTable.QUEUED)) {
                return true;
            }
        }
    }

    /**
     * The connection is not in the tracker's table any more. If the provider was not told, the replay met it at the end
     * of its life and it is forgotten; else its removal is just being reported, and the next turn deals with it.
     */
    private void forgetGhost(Turn turn) {
        if (!turn.has(SlotTable.UNTOLD)) {
            return;
        }
        while (true) {
            long word = table.word(turn.chunk, turn.slot);
            int flags = SlotTable.flags(word);
            if (!SlotTable.sameGeneration(word, turn.connectionId)
                    || (flags & SlotTable.TRACKED) == 0
                    || (flags & (SlotTable.REMOVED | SlotTable.WITHDRAW)) != 0
                    || table.changeWord(turn.chunk, turn.slot, word, flags & SlotTable.QUEUED)) {
                return;
            }
        }
    }

    private void rememberHolding(Turn turn) {
        OffloadState state = table.state(turn.chunk, turn.slot);
        boolean awaitsReply =
                state == OffloadState.ADDED || state == OffloadState.NONE || state == OffloadState.REFUSED;
        int wanted = (state.isHeld() ? SlotTable.HELD : 0) | (awaitsReply ? 0 : SlotTable.ESTABLISHED_DONE);
        int mask = SlotTable.HELD | SlotTable.ESTABLISHED_DONE;
        long word;
        do {
            word = table.word(turn.chunk, turn.slot);
            if ((SlotTable.flags(word) & SlotTable.TRACKED) == 0) {
                return;
            }
        } while ((SlotTable.flags(word) & mask) != wanted
                && !table.changeWord(turn.chunk, turn.slot, word, word & ~(long) mask | wanted));
    }

    private void extend(Turn turn) {
        long usedNs = lane.house.lastUse().nowScaleNs(turn.lastUsedMs);
        session.tracker.carriedElsewhere(turn.connectionId);
        session.tracker.extend(turn.connectionId, usedNs);
    }
}
