package io.turnstile.offload;

import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Carries a batch of turns through the providers. It goes in waves: in each, every provider in priority order gets one list
 * with the next step of each connection, so that a list never has two operations on one connection.
 *
 * <p>Threads: under the lock of its shard.
 */
final class BatchRunner {
    /** No connection is older than this; keeps an absurd answer from overflowing. */
    private static final long MAX_AGE_MS = TimeUnit.DAYS.toMillis(365);

    private final OffloadSession session;
    private final SlotTable table;
    private final Turn[] turns;
    private final ConnViewReader reader;
    private final List<OffloadOperation> operations = new ArrayList<>();
    private final List<Turn> operationTurns = new ArrayList<>();
    private int length;

    BatchRunner(OffloadSession session, int capacity) {
        this.session = session;
        table = session.table;
        reader = new ConnViewReader(session.tracker, session.ports);
        turns = new Turn[capacity];
        for (int i = 0; i < capacity; i++) {
            turns[i] = new Turn(session.providers.size());
        }
    }

    void begin() {
        length = 0;
    }

    boolean isEmpty() {
        return length == 0;
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
    int run() {
        long nowNs = session.clock.nowNs();
        for (int i = 0; i < length; i++) {
            prepare(turns[i], nowNs);
        }
        boolean busy;
        do {
            busy = false;
            for (RegisteredProvider provider : session.providers) {
                busy |= wave(provider);
            }
        } while (busy);
        int sealed = 0;
        for (int i = 0; i < length; i++) {
            sealed += finish(turns[i], nowNs) ? 1 : 0;
            turns[i].view = null;
        }
        return sealed;
    }

    private void prepare(Turn turn, long nowNs) {
        turn.readable = reader.read(turn.connectionId, nowNs);
        turn.replySeen = turn.readable && reader.replySeen();
        turn.lastUsedMs = 0;
        // A tracker that dropped the connection in spite of the hold must not keep its providers from being told.
        turn.view = turn.readable || turn.leaves() ? reader.view() : null;
        for (int p = 0; p < turn.steps.length; p++) {
            turn.failure[p] = 0;
            turn.steps[p] = turn.view == null ? 0 : steps(turn, table.state(turn.chunk, turn.slot, p));
        }
    }

    private int steps(Turn turn, OffloadState state) {
        if (turn.leaves()) {
            return state.isHeld() ? Turn.DELETE : 0;
        }
        int steps = 0;
        boolean adds = turn.has(SlotTable.ADD) && state == OffloadState.NONE && !session.isLeaving();
        if (adds) {
            steps |= Turn.QUERY | Turn.ADD;
        }
        boolean asksReply = turn.replySeen && turn.has(SlotTable.ADD | SlotTable.ESTABLISHED | SlotTable.UPDATE);
        if (asksReply && (adds || state == OffloadState.ADDED)) {
            steps |= Turn.ESTABLISHED;
        }
        if (turn.has(SlotTable.UPDATE) && state.isHeld()) {
            steps |= Turn.UPDATE;
        }
        return steps;
    }

    private boolean wave(RegisteredProvider provider) {
        operations.clear();
        operationTurns.clear();
        for (int i = 0; i < length; i++) {
            Turn turn = turns[i];
            int step = Integer.lowestOneBit(turn.steps[provider.index()]);
            if (step != 0) {
                turn.steps[provider.index()] ^= step;
                operations.add(operation(turn, step, provider));
                operationTurns.add(turn);
            }
        }
        if (operations.isEmpty()) {
            return false;
        }
        List<OffloadOperation> batch = List.copyOf(operations);
        List<OffloadResult> results = provider.operate(batch);
        for (int i = 0; i < batch.size(); i++) {
            take(provider, operationTurns.get(i), batch.get(i), results.get(i));
        }
        return true;
    }

    private OffloadOperation operation(Turn turn, int step, RegisteredProvider provider) {
        return switch (step) {
            case Turn.QUERY -> {
                put(turn, provider, OffloadState.ADDING, 0);
                yield new OffloadOperation.Query(turn.view);
            }
            case Turn.ADD -> new OffloadOperation.Add(turn.view);
            case Turn.ESTABLISHED -> new OffloadOperation.Established(turn.view, turn.view.replyIngressOrNull());
            case Turn.UPDATE -> new OffloadOperation.Update(turn.view);
            case Turn.DELETE -> {
                put(turn, provider, OffloadState.DELETING, 0);
                yield new OffloadOperation.Delete(turn.view,
                        turn.failure[provider.index()] != 0 ? DelReason.PROVIDER_FAILED : turn.delReason());
            }
            default -> throw new IllegalStateException("no such step: " + step);
        };
    }

    private void put(Turn turn, RegisteredProvider provider, OffloadState state, int reason) {
        table.setState(turn.chunk, turn.slot, provider.index(), state, reason);
    }

    /** Moves the connection's state with this provider by what the operation came to. */
    private void take(RegisteredProvider provider, Turn turn, OffloadOperation operation, OffloadResult result) {
        int p = provider.index();
        switch (result) {
            case Verdict.Accept accept -> {
                // Stays "adding": the add is the next step.
            }
            case Verdict.Decline decline -> {
                turn.steps[p] = 0;
                put(turn, provider, OffloadState.DECLINED, provider.reasons().index(decline.reason()));
            }
            case OffloadResult.Done done -> takeDone(provider, turn, operation);
            case OffloadResult.Covered covered -> {
                if (covered.both()) {
                    put(turn, provider, OffloadState.ESTABLISHED, 0);
                    session.tracker.carriedElsewhere(turn.connectionId);
                }
            }
            case OffloadResult.LastUsed lastUsed -> {
                if (lastUsed.epochMs() < 0) {
                    session.clampedAnswers.increment();
                }
                turn.lastUsedMs = Math.max(turn.lastUsedMs, lastUsed.epochMs());
            }
            case OffloadResult.OneByOne oneByOne -> throw new IllegalStateException("not an answer about one connection");
            case OffloadResult.Failed failed -> takeFailure(provider, turn, operation, failed);
        }
        if (!session.taps.isEmpty()) {
            session.taps.tell(new OffloadEvent(provider.name(), operation, result, session.clock.wallMs()));
        }
    }

    private void takeDone(RegisteredProvider provider, Turn turn, OffloadOperation operation) {
        if (operation instanceof OffloadOperation.Add) {
            put(turn, provider, OffloadState.ADDED, 0);
            return;
        }
        if (!turn.has(SlotTable.REMOVED)) {
            session.tracker.carriedElsewhere(turn.connectionId); // it comes back to software
        }
        int failure = turn.failure[provider.index()];
        put(turn, provider, failure == 0 ? OffloadState.NONE : OffloadState.FAILED, failure);
    }

    private void takeFailure(RegisteredProvider provider, Turn turn, OffloadOperation operation,
                             OffloadResult.Failed failed) {
        int p = provider.index();
        OffloadEvent.Kind kind = OffloadEvent.Kind.of(operation);
        session.causes.record(provider.name() + ": " + kind, failed.reason(), failed.causeOrNull(), session.clock.wallMs());
        int reason = provider.reasons().index(failed.reason());
        switch (kind) {
            case QUERY, ADD -> {
                turn.steps[p] = 0;
                put(turn, provider, OffloadState.FAILED, reason);
            }
            case ESTABLISHED, UPDATE -> {
                turn.steps[p] = Turn.DELETE;
                turn.failure[p] = reason;
            }
            case FLUSH -> throw new IllegalStateException("not about one connection");
            case DELETE -> put(turn, provider, OffloadState.FAILED, turn.failure[p] == 0 ? reason : turn.failure[p]);
        }
    }

    // ---- the end of a turn ----

    /** Returns whether the slot was sealed. */
    private boolean finish(Turn turn, long nowNs) {
        if (turn.lastUsedMs != 0) {
            extend(turn, nowNs);
        }
        if (turn.has(SlotTable.REMOVED)) {
            return finishRemoved(turn);
        }
        if (turn.has(SlotTable.WITHDRAW)) {
            return finishWithdrawn(turn);
        }
        if (!turn.readable) {
            forgetGhost(turn);
            return false;
        }
        rememberHolders(turn);
        return false;
    }

    private boolean finishRemoved(Turn turn) {
        clearCells(turn);
        int base = turn.has(SlotTable.WITHDRAW) ? SlotTable.SEALED : 0;
        long word;
        do {
            word = table.word(turn.chunk, turn.slot);
            base |= (SlotTable.flags(word) & SlotTable.WITHDRAW) != 0 ? SlotTable.SEALED : 0;
        } while (!table.changeWord(turn.chunk, turn.slot, word, base | SlotTable.flags(word) & SlotTable.QUEUED));
        session.tracker.release(turn.connectionId);
        return base != 0;
    }

    private boolean finishWithdrawn(Turn turn) {
        clearCells(turn);
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

    private void clearCells(Turn turn) {
        for (int p = 0; p < turn.steps.length; p++) {
            table.setState(turn.chunk, turn.slot, p, OffloadState.NONE, 0);
        }
    }

    /**
     * The tracker does not know the connection. If no provider was told, the replay met it at the end of its life and it is
     * forgotten; else its removal is just being reported, and the next turn deals with it.
     */
    private void forgetGhost(Turn turn) {
        if (!turn.has(SlotTable.ADD)) {
            return;
        }
        while (true) {
            long word = table.word(turn.chunk, turn.slot);
            int flags = SlotTable.flags(word);
            if (!SlotTable.sameGeneration(word, turn.connectionId) || (flags & SlotTable.TRACKED) == 0
                    || (flags & (SlotTable.REMOVED | SlotTable.WITHDRAW)) != 0
                    || table.changeWord(turn.chunk, turn.slot, word, flags & SlotTable.QUEUED)) {
                return;
            }
        }
    }

    private void rememberHolders(Turn turn) {
        boolean held = false;
        boolean awaitsReply = false;
        boolean undecided = false;
        for (int p = 0; p < turn.steps.length; p++) {
            OffloadState state = table.state(turn.chunk, turn.slot, p);
            held |= state.isHeld();
            awaitsReply |= state == OffloadState.ADDED;
            undecided |= state == OffloadState.NONE;
        }
        int wanted = (held ? SlotTable.HELD : 0) | (awaitsReply || undecided ? 0 : SlotTable.ESTABLISHED_DONE);
        int mask = SlotTable.HELD | SlotTable.ESTABLISHED_DONE;
        long word;
        do {
            word = table.word(turn.chunk, turn.slot);
        } while ((SlotTable.flags(word) & mask) != wanted
                && !table.changeWord(turn.chunk, turn.slot, word, word & ~(long) mask | wanted));
    }

    /** Translates the providers' answer to the tracker's scale; what lies in the future counts as now. */
    private void extend(Turn turn, long nowNs) {
        long ageMs = session.clock.wallMs() - turn.lastUsedMs;
        if (ageMs < 0 || ageMs > MAX_AGE_MS) {
            session.clampedAnswers.increment();
        }
        long clampedMs = Math.clamp(ageMs, 0, MAX_AGE_MS);
        session.tracker.carriedElsewhere(turn.connectionId);
        session.tracker.extend(turn.connectionId, nowNs - TimeUnit.MILLISECONDS.toNanos(clampedMs));
    }
}
