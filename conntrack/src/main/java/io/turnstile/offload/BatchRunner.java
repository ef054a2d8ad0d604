package io.turnstile.offload;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The runner carries a batch of work items through the provider. It goes in rounds: each is one call with the next step
 * of each connection, so that a call never has two operations on one connection.
 *
 * <p>A call may be given up by who watches (see {@link OffloadSession#giveUp}). When it comes back after all, only what
 * it says about the provider's holdings is taken down; the items have been dealt with.
 *
 * <p>Threads: under the lock of its shard.
 */
final class BatchRunner {
    private static final long NO_CALL = -1;

    private final OffloadSession session;
    private final Lane lane;
    private final SlotTable table;
    private final CallWatch watch;
    private final WorkItem[] items;
    private final ConnViewReader reader;
    private final List<OfConnection> operations = new ArrayList<>();
    private final List<WorkItem> operationItems = new ArrayList<>();
    private int length;
    private long longestCallNs;
    private boolean givenUp;

    BatchRunner(OffloadSession session, CallWatch watch, int capacity) {
        this.session = session;
        this.watch = watch;
        lane = session.lane;
        table = session.table;
        reader = new ConnViewReader(session.tracker, lane.context.ports());
        items = new WorkItem[capacity];
        for (int i = 0; i < capacity; i++) {
            items[i] = new WorkItem();
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

    /** How long the longest call of the last run took; negative if there was none. */
    long longestCallNs() {
        return longestCallNs;
    }

    /** Adds a slot just taken from the queue; {@code word} as it was before. */
    void add(SlotTable.Chunk chunk, int slot, long word) {
        WorkItem item = items[length++];
        item.slot = slot;
        item.chunk = chunk;
        item.flags = SlotTable.flags(word);
        item.connectionId = SlotTable.connectionId(word, slot);
    }

    /** Runs the batch. Returns how many slots were sealed by it. */
    int run(long nowNs) {
        longestCallNs = NO_CALL;
        for (int i = 0; i < length; i++) {
            prepare(items[i], nowNs);
        }
        boolean busy = true;
        while (busy && !givenUp) {
            busy = callRound();
        }
        if (longestCallNs != NO_CALL) {
            lane.checkDuration(session, longestCallNs);
        }
        int sealed = 0;
        for (int i = 0; i < length && !givenUp; i++) {
            sealed += finish(items[i]) ? 1 : 0;
            items[i].view = null;
        }
        return sealed;
    }

    // ---- what is to be done ----

    private void prepare(WorkItem item, long nowNs) {
        boolean known = reader.read(item.connectionId, nowNs);
        // One that has left may still be held by another lane; this one's replay may have met it too late to hear of
        // its end.
        item.alive = known && !reader.isRemoved();
        item.replySeen = known && reader.replySeen();
        item.lastUsedMs = 0;
        item.afterDelete = null;
        item.reason = 0;
        // A tracker that dropped the connection in spite of the hold must not keep its provider from being told.
        ConnView view = item.alive || item.leaves() ? reader.view() : null;
        item.view = view;
        item.steps = view == null ? 0 : steps(item, view, table.state(item.chunk, item.slot));
    }

    private int steps(WorkItem item, ConnView view, OffloadState state) {
        if (item.leaves()) {
            return state.isHeld() && !session.isFlushed() ? WorkItem.DELETE : 0;
        }
        if (!state.isHeld()) {
            return mayBeOffered(item, state) ? firstSteps(item, view) : 0;
        }
        if (item.has(SlotTable.CHECK | SlotTable.ESTABLISHED) && isExcluded(view)) {
            item.afterDelete = OffloadState.REFUSED;
            item.reason = lane.reasons.index(OfferPolicy.PORT_EXCLUDED);
            return WorkItem.DELETE;
        }
        int steps = item.has(SlotTable.UPDATE) ? WorkItem.UPDATE : 0;
        boolean asksReply = item.replySeen && item.has(SlotTable.ESTABLISHED | SlotTable.UPDATE);
        return asksReply && state == OffloadState.ADDED ? steps | WorkItem.ESTABLISHED : steps;
    }

    private boolean mayBeOffered(WorkItem item, OffloadState state) {
        boolean asked = item.has(SlotTable.UNTOLD) && state == OffloadState.NONE
                || item.has(SlotTable.CHECK) && state == OffloadState.REFUSED;
        return asked && !session.isLeaving();
    }

    /**
     * Returns the steps of a connection that the provider does not hold: the switch's own policy comes before its
     * opinion.
     */
    private int firstSteps(WorkItem item, ConnView view) {
        if (reader.isControl()) {
            put(item, OffloadState.DECLINED, lane.reasons.index(OfferPolicy.CONTROL_CONNECTION));
            return 0;
        }
        if (isExcluded(view)) {
            put(item, OffloadState.REFUSED, lane.reasons.index(OfferPolicy.PORT_EXCLUDED));
            return 0;
        }
        int steps = WorkItem.QUERY | WorkItem.ADD;
        steps |= item.replySeen ? WorkItem.ESTABLISHED : 0;
        return item.has(SlotTable.UPDATE) ? steps | WorkItem.UPDATE : steps;
    }

    private boolean isExcluded(ConnView view) {
        return lane.context.offerPolicy().excludes(lane.name(), view);
    }

    // ---- calls ----

    private boolean callRound() {
        operations.clear();
        operationItems.clear();
        for (int i = 0; i < length; i++) {
            WorkItem item = items[i];
            int step = Integer.lowestOneBit(item.steps);
            if (step != 0) {
                item.steps ^= step;
                operations.add(operation(item, step));
                operationItems.add(item);
            }
        }
        if (operations.isEmpty()) {
            return false;
        }
        List<OffloadOperation> batch = List.copyOf(operations);
        List<OffloadResult> results = call(batch);
        for (int i = 0; i < batch.size(); i++) {
            take(operationItems.get(i), operations.get(i), results.get(i));
        }
        return true;
    }

    private List<OffloadResult> call(List<OffloadOperation> batch) {
        watch.begin(batch);
        List<OffloadResult> results = lane.caller.operate(batch);
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

    private OfConnection operation(WorkItem item, int step) {
        ConnView view = Objects.requireNonNull(item.view, "only an item with a view has steps");
        return switch (step) {
            case WorkItem.QUERY -> {
                put(item, OffloadState.ADDING, 0);
                yield new OffloadOperation.Query(view);
            }
            case WorkItem.ADD -> new OffloadOperation.Add(view);
            case WorkItem.ESTABLISHED ->
                new OffloadOperation.Established(
                        view, Objects.requireNonNull(view.replyIngress(), "the step is made once a reply was seen"));
            case WorkItem.UPDATE -> new OffloadOperation.Update(view);
            case WorkItem.DELETE -> {
                put(item, OffloadState.DELETING, 0);
                yield new OffloadOperation.Delete(view, item.delReason(session.leavingReason()));
            }
            default -> throw new IllegalStateException("no such step: " + step);
        };
    }

    private void put(WorkItem item, OffloadState state, int reason) {
        table.setState(item.chunk, item.slot, state, reason);
    }

    /** Moves the connection's state by what the operation came to. */
    private void take(WorkItem item, OfConnection operation, OffloadResult result) {
        switch (result) {
            case Verdict.Accept accept -> {
                // Stays "adding": the add is the next step.
            }
            case Verdict.Decline decline -> {
                item.steps = 0;
                put(item, OffloadState.DECLINED, lane.reasons.index(decline.reason()));
            }
            case OffloadResult.Done done -> takeDone(item, operation);
            case OffloadResult.Covered covered -> {
                if (covered.both()) {
                    put(item, OffloadState.ESTABLISHED, 0);
                    session.tracker.carriedElsewhere(item.connectionId);
                }
            }
            case OffloadResult.LastUsed lastUsed -> item.lastUsedMs = lastUsed.epochMs();
            case OffloadResult.OneByOne oneByOne ->
                throw new IllegalStateException("not an answer about one connection");
            case OffloadResult.Failed failed -> takeFailure(item, operation, failed);
        }
    }

    private void takeDone(WorkItem item, OfConnection operation) {
        if (operation instanceof OffloadOperation.Add) {
            put(item, OffloadState.ADDED, 0);
        } else {
            takeDeleted(item);
        }
    }

    private void takeDeleted(WorkItem item) {
        if (!item.has(SlotTable.REMOVED)) {
            session.tracker.carriedElsewhere(item.connectionId); // it comes back to software
        }
        put(item, item.afterDelete == null ? OffloadState.NONE : item.afterDelete, item.reason);
    }

    private void takeFailure(WorkItem item, OfConnection operation, OffloadResult.Failed failed) {
        int reason = lane.reasons.index(failed.reason());
        switch (operation) {
            case OffloadOperation.Query q -> dropAsFailed(item, reason);
            case OffloadOperation.Add a -> dropAsFailed(item, reason);
            case OffloadOperation.Established e -> deleteAsFailed(item, reason);
            case OffloadOperation.Update u -> deleteAsFailed(item, reason);
            case OffloadOperation.Delete d -> {
                item.reason =
                        item.afterDelete == OffloadState.FAILED ? item.reason : reason; // the first failure says more
                item.afterDelete = OffloadState.FAILED;
                takeDeleted(item);
            }
        }
    }

    private void dropAsFailed(WorkItem item, int reason) {
        item.steps = 0;
        put(item, OffloadState.FAILED, reason);
    }

    private static void deleteAsFailed(WorkItem item, int reason) {
        item.steps = WorkItem.DELETE;
        item.afterDelete = OffloadState.FAILED;
        item.reason = reason;
    }

    // ---- the end of an item ----

    /** Returns whether the slot was sealed. */
    private boolean finish(WorkItem item) {
        if (item.lastUsedMs != 0) {
            extend(item);
        }
        if (item.has(SlotTable.REMOVED)) {
            return finishRemoved(item);
        }
        if (item.has(SlotTable.WITHDRAW)) {
            return finishWithdrawn(item);
        }
        if (!item.alive) {
            forgetUnknown(item);
            return false;
        }
        noteHolding(item);
        return false;
    }

    private boolean finishRemoved(WorkItem item) {
        put(item, OffloadState.NONE, 0);
        long word;
        int base;
        do {
            word = table.word(item.chunk, item.slot);
            if ((SlotTable.flags(word) & SlotTable.TRACKED) == 0) {
                return false; // the session was given up just now, and its hold with it
            }
            base = item.has(SlotTable.WITHDRAW) || (SlotTable.flags(word) & SlotTable.WITHDRAW) != 0
                    ? SlotTable.SEALED
                    : 0;
        } while (!table.changeWord(item.chunk, item.slot, word, base | SlotTable.flags(word) & SlotTable.QUEUED));
        lane.context.holds().release(item.connectionId);
        return base != 0;
    }

    private boolean finishWithdrawn(WorkItem item) {
        if (session.isFlushed() && table.state(item.chunk, item.slot).isHeld()) {
            session.tracker.carriedElsewhere(item.connectionId); // it comes back to software
        }
        put(item, OffloadState.NONE, 0);
        while (true) {
            long word = table.word(item.chunk, item.slot);
            int flags = SlotTable.flags(word);
            if ((flags & SlotTable.REMOVED) != 0) {
                return false; // removed meanwhile and queued for it: that item ends the hold and seals
            }
            if (table.changeWord(item.chunk, item.slot, word, SlotTable.SEALED | flags & SlotTable.QUEUED)) {
                return true;
            }
        }
    }

    /**
     * The connection is not in the tracker's table any more. If the provider was not told, the replay met it at the end
     * of its life and it is forgotten; else its removal is just being reported, and the next item deals with it.
     */
    private void forgetUnknown(WorkItem item) {
        if (!item.has(SlotTable.UNTOLD)) {
            return;
        }
        while (true) {
            long word = table.word(item.chunk, item.slot);
            int flags = SlotTable.flags(word);
            if (!SlotTable.sameGeneration(word, item.connectionId)
                    || (flags & SlotTable.TRACKED) == 0
                    || (flags & (SlotTable.REMOVED | SlotTable.WITHDRAW)) != 0
                    || table.changeWord(item.chunk, item.slot, word, flags & SlotTable.QUEUED)) {
                return;
            }
        }
    }

    private void noteHolding(WorkItem item) {
        OffloadState state = table.state(item.chunk, item.slot);
        boolean awaitsReply =
                state == OffloadState.ADDED || state == OffloadState.NONE || state == OffloadState.REFUSED;
        int wanted = (state.isHeld() ? SlotTable.HELD : 0) | (awaitsReply ? 0 : SlotTable.ESTABLISHED_DONE);
        int mask = SlotTable.HELD | SlotTable.ESTABLISHED_DONE;
        long word;
        do {
            word = table.word(item.chunk, item.slot);
            if ((SlotTable.flags(word) & SlotTable.TRACKED) == 0) {
                return;
            }
        } while ((SlotTable.flags(word) & mask) != wanted
                && !table.changeWord(item.chunk, item.slot, word, word & ~(long) mask | wanted));
    }

    private void extend(WorkItem item) {
        long usedNs = lane.context.lastUse().toMonotonicNs(item.lastUsedMs);
        session.tracker.carriedElsewhere(item.connectionId);
        session.tracker.extend(item.connectionId, usedNs);
    }
}
