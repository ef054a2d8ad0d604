package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionSnapshot.Control;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.TcpView;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The runner carries a batch of work items through the provider. It goes in rounds: each is one call with the next step
 * of each connection, so that a call never has two operations on one connection. An item whose result is deferred is
 * put aside, and goes on in the batch in which the result is there.
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
    private final CallWatch watch;
    private final Deferrals deferrals;
    private final ItemEnd end;
    private final ConnViewReader reader;
    private final WorkItem[] items;
    private final List<OfConnection> operations = new ArrayList<>();
    private final List<WorkItem> operationItems = new ArrayList<>();
    private int length;
    private long longestCallNs;
    private boolean givenUp;

    BatchRunner(OffloadSession session, CallWatch watch, Deferrals deferrals, int capacity) {
        this.session = session;
        this.watch = watch;
        this.deferrals = deferrals;
        lane = session.lane;
        end = new ItemEnd(session);
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
    void add(SlotTable.Chunk chunk, int slot, long word, long nowNs) {
        WorkItem item = items[length++];
        item.begin(slot, chunk, word);
        prepare(item, nowNs);
    }

    /** Adds an item for the paths of a connection, whatever else is pending for it. */
    void addPaths(SlotTable.Chunk chunk, long connectionId, long nowNs) {
        WorkItem item = items[length++];
        item.begin(SlotTable.slotOf(connectionId), chunk, SlotTable.word(connectionId, SlotTable.TRACKED));
        item.pathsOnly = true;
        reader.read(connectionId, nowNs);
        item.view = reader.view();
        item.steps = session.isFlushed() ? 0 : WorkItem.PATHS;
    }

    /** Adds an item that was put aside, with what its operation came to. */
    void resume(Deferrals.Completion completion) {
        WorkItem item = completion.item();
        items[length++] = item;
        OffloadResult result = ProviderCaller.fitting(completion.operation(), completion.result());
        lane.operationEnded(session, completion.operation(), result);
        take(item, completion.operation(), result);
    }

    /** The item that has this slot, of the first {@code count}; null if there is none. */
    @Nullable
    WorkItem itemOf(int slot, int count) {
        for (int i = 0; i < count; i++) {
            if (items[i].slot == slot) {
                return items[i];
            }
        }
        return null;
    }

    /** The item that has this slot; null if there is none. */
    @Nullable
    WorkItem itemOf(int slot) {
        return itemOf(slot, length);
    }

    /** Runs the batch. Returns how many slots were sealed by it. */
    int run() {
        longestCallNs = NO_CALL;
        boolean busy = true;
        while (busy && !givenUp) {
            busy = callRound();
        }
        if (longestCallNs != NO_CALL) {
            lane.checkDuration(session, longestCallNs);
        }
        int sealed = 0;
        for (int i = 0; i < length && !givenUp; i++) {
            if (!items[i].aside) {
                sealed += end.finish(items[i]) ? 1 : 0;
                items[i].view = null;
            } else {
                items[i] = new WorkItem(); // that one goes on elsewhere
            }
        }
        return sealed;
    }

    // ---- what is to be done ----

    private void prepare(WorkItem item, long nowNs) {
        boolean known = reader.read(item.connectionId, nowNs);
        // One that has left may still be held by another lane; this one's replay may have met it too late to hear of
        // its end.
        item.alive = known && !reader.isRemoved();
        item.established = known && reader.isEstablished();
        item.originalKey = known ? reader.originalKey() : WorkItem.NO_KEY;
        item.translatedKey = known ? reader.translatedKey() : WorkItem.NO_KEY;
        // A tracker that dropped the connection in spite of the hold must not keep its provider from being told.
        ConnView view = item.alive || item.leaves() ? reader.view() : null;
        item.view = view;
        item.steps = view == null ? 0 : steps(item, view, session.table.state(item.chunk, item.slot));
    }

    private int steps(WorkItem item, ConnView view, OffloadState state) {
        if (session.isFlushed()) {
            return 0; // it has let go of everything, and hears of nothing any more
        }
        if (item.leaves()) {
            return state.isHeld() ? stepsOfLeaving(item, view, PathEnd.CONNECTION_LEAVES) : 0;
        }
        if (!state.isHeld()) {
            return mayBeOffered(item, state) ? firstSteps(item, view) : 0;
        }
        if (item.has(SlotTable.LOST)) {
            item.deleteAs(OffloadState.LATER, session.takeLostReason(item.connectionId), DelReason.LOST);
            return stepsOfLeaving(item, view, PathEnd.CONNECTION_LEAVES);
        }
        String refusal =
                item.has(SlotTable.CHECK | SlotTable.ESTABLISHED | SlotTable.CHANGES_MASK) ? refusal(view) : null;
        if (refusal != null) {
            boolean gone = refusal.equals(OfferPolicy.PORT_GONE);
            item.deleteAs(
                    OffloadState.REFUSED,
                    lane.reasons.index(refusal),
                    gone ? DelReason.PORT_GONE : DelReason.PORT_EXCLUDED);
            return stepsOfLeaving(item, view, PathEnd.PORT_GONE);
        }
        boolean tellsEstablished = item.established && item.has(SlotTable.ESTABLISHED) && state == OffloadState.ADDED;
        return (tellsEstablished ? WorkItem.ESTABLISHED : 0)
                | (item.has(SlotTable.CHANGES_MASK) ? WorkItem.CHANGED : 0)
                | (item.has(SlotTable.UPDATE) ? WorkItem.UPDATE : 0)
                | (session.carries() && item.has(SlotTable.CHANGES_MASK) ? WorkItem.PATHS : 0);
    }

    /**
     * What lives on and was carried must not expire before software sees its next packet: with less than half of its
     * timeout left, the provider is asked for its last use first.
     */
    private int stepsOfLeaving(WorkItem item, ConnView view, PathEnd pathEnd) {
        boolean asks = item.alive && 2 * view.timeLeftMs() < view.timeoutMs();
        return (asks ? WorkItem.UPDATE | WorkItem.DELETE : WorkItem.DELETE) | endPaths(item, pathEnd);
    }

    /** Has the paths end that the provider has of the connection; returns the steps for that. */
    private int endPaths(WorkItem item, PathEnd why) {
        int steps = 0;
        for (int d = 0; session.carries() && d < 2; d++) {
            PathTurn turn = lane.context.paths().turnOf(item.connectionId, d == 1, session);
            if (turn != null) {
                turn.leave(why);
                steps |= WorkItem.ORIGINAL_PATH << d;
            }
        }
        return steps;
    }

    private boolean mayBeOffered(WorkItem item, OffloadState state) {
        // A port that has changed while the connection was still being deleted is a reason to look again, too.
        boolean wanted = item.has(SlotTable.UNTOLD) && state == OffloadState.NONE
                || item.has(SlotTable.CHECK | SlotTable.PORT_CHANGE)
                        && (state == OffloadState.REFUSED || state == OffloadState.LATER);
        return wanted && !session.isLeaving();
    }

    /**
     * Returns the steps of a connection that the provider does not hold: the switch's own policy comes before its
     * opinion.
     */
    private int firstSteps(WorkItem item, ConnView view) {
        if (reader.control() != Control.NO) {
            boolean known = reader.control() == Control.YES;
            String reason = known ? OfferPolicy.CONTROL_CONNECTION : OfferPolicy.MAYBE_CONTROL;
            put(item, known ? OffloadState.DECLINED : OffloadState.REFUSED, lane.reasons.index(reason));
            return 0;
        }
        String refusal = refusal(view);
        if (refusal != null) {
            put(item, OffloadState.REFUSED, lane.reasons.index(refusal));
            return 0;
        }
        if (!item.established && lane.offeredFrom() != OfferMoment.COMMITTED || !claimsTuples(item)) {
            put(item, OffloadState.NONE, 0);
            item.waits = true;
            return 0;
        }
        int steps = WorkItem.QUERY | WorkItem.ADD;
        return item.established ? steps | WorkItem.ESTABLISHED : steps;
    }

    /** False if another connection has one of its tuples at the provider; the end of that one offers it again. */
    private boolean claimsTuples(WorkItem item) {
        return session.claims.claim(
                        item.slot, item.connectionId, item.originalKey, item.translatedKey, session::offerNow)
                == TupleClaims.GRANTED;
    }

    private @Nullable String refusal(ConnView view) {
        return lane.context.offerPolicy().refusal(lane.name(), view);
    }

    // ---- calls ----

    /** Makes one call with a step of each item, and one each for those that have to be alone. */
    private boolean callRound() {
        operations.clear();
        operationItems.clear();
        boolean busy = false;
        for (int i = 0; i < length; i++) {
            WorkItem item = items[i];
            if (item.steps == 0 || item.aside || item.alone) {
                busy |= item.steps != 0 && item.alone && !item.aside;
                continue;
            }
            OfConnection operation = nextOperation(item);
            if (operation != null) {
                operations.add(operation);
                operationItems.add(item);
            }
        }
        if (!operations.isEmpty()) {
            callAndTake();
            return true;
        }
        return busy && callAlone();
    }

    private boolean callAlone() {
        for (int i = 0; i < length && !givenUp; i++) {
            WorkItem item = items[i];
            OfConnection operation = item.alone && !item.aside && item.steps != 0 ? nextOperation(item) : null;
            if (operation != null) {
                operations.clear();
                operationItems.clear();
                operations.add(operation);
                operationItems.add(item);
                // A path that is taken back before its connection is does not take the connection's place.
                item.alone = operation instanceof OffloadOperation.PathDel && (item.steps & WorkItem.DELETE) != 0;
                callAndTake();
            }
        }
        return true;
    }

    private void callAndTake() {
        List<OffloadOperation> batch = List.copyOf(operations);
        List<WorkItem> ofBatch = List.copyOf(operationItems);
        ProviderCaller.Answers answers = call(batch);
        for (int i = 0; i < batch.size(); i++) {
            WorkItem item = ofBatch.get(i);
            OfConnection operation = (OfConnection) batch.get(i);
            OffloadResult result = answers.results().get(i);
            if (result instanceof OffloadResult.Deferred deferred) {
                deferrals.putAside(item, operation, deferred);
            } else if (answers.isUnknown()) {
                takeUnknown(item, operation, result);
            } else {
                take(item, operation, result);
            }
        }
    }

    private ProviderCaller.Answers call(List<OffloadOperation> batch) {
        watch.begin(() -> CallWatch.kindsOf(batch));
        ProviderCaller.Answers answers = lane.caller.operate(batch);
        long durationNs = watch.durationNs();
        givenUp = !watch.end() || session.isGivenUp();
        longestCallNs = Math.max(longestCallNs, durationNs);
        lane.called(session, batch, answers, durationNs);
        return answers;
    }

    /** Asks the provider to let go of everything at once. Returns whether it did. */
    boolean flush(DelReason reason) {
        return call(List.of(new OffloadOperation.Flush(reason))).results().getFirst() instanceof OffloadResult.Done;
    }

    /** Tells the provider something that is about no connection, and makes sure that it returns. */
    void tell(String what, Runnable callback) {
        watch.begin(() -> what);
        lane.caller.tell(callback, failure -> lane.record(what, failure));
        givenUp = !watch.end() || session.isGivenUp();
    }

    /** The next step as an operation; null if there is none, as when the connection has left meanwhile. */
    private @Nullable OfConnection nextOperation(WorkItem item) {
        OfConnection operation = null;
        while (operation == null && item.steps != 0) {
            operation = operationOfNextStep(item);
        }
        return operation;
    }

    private @Nullable OfConnection operationOfNextStep(WorkItem item) {
        int step = Integer.lowestOneBit(item.steps);
        item.steps ^= step;
        ConnView view = Objects.requireNonNull(item.view, "only an item with a view has steps");
        return switch (step) {
            case WorkItem.QUERY -> {
                put(item, OffloadState.ADDING, 0);
                yield new OffloadOperation.Query(view);
            }
            case WorkItem.ADD -> {
                ConnView newest = viewOfHeld(item);
                yield newest == null ? null : new OffloadOperation.Add(newest);
            }
            case WorkItem.ESTABLISHED ->
                new OffloadOperation.Established(
                        view, Objects.requireNonNull(view.replyIngress(), "what is established has had a reply"));
            case WorkItem.CHANGED -> new OffloadOperation.Changed(view, item.changes());
            case WorkItem.UPDATE -> new OffloadOperation.Update(view);
            case WorkItem.ORIGINAL_PATH -> pathOperation(item, view, false);
            case WorkItem.REPLY_PATH -> pathOperation(item, view, true);
            case WorkItem.DELETE -> {
                put(item, OffloadState.DELETING, 0);
                yield new OffloadOperation.Delete(view, item.delReason(session.leavingReason()));
            }
            default -> throw new IllegalStateException("no such step: " + step);
        };
    }

    private @Nullable OfConnection pathOperation(WorkItem item, ConnView view, boolean reply) {
        PathTurn turn = lane.context.paths().turnOf(item.connectionId, reply, session);
        item.turn = turn;
        boolean mayPut = (item.steps & WorkItem.DELETE) == 0 && session.isCarrierOf(item.connectionId);
        return turn == null ? null : turn.next(view, mayPut);
    }

    /**
     * Holds the connection and returns the view to add: what happened to the connection since the provider was asked,
     * nobody was told of; from the hold on everything is. Null, and the offer is dropped, if it is gone or is not to be
     * offered any more.
     */
    private @Nullable ConnView viewOfHeld(WorkItem item) {
        if (!end.beginHold(item) || !reader.read(item.connectionId, session.clock.nowNs()) || reader.isRemoved()) {
            end.dropOffer(item, OffloadState.NONE, 0);
            return null;
        }
        ConnView newest = reader.view();
        String refusal = refusal(newest);
        if (refusal != null) {
            end.dropOffer(item, OffloadState.REFUSED, lane.reasons.index(refusal));
            return null;
        }
        item.view = newest;
        item.established = newest.established();
        item.steps |= item.established ? WorkItem.ESTABLISHED : 0;
        return newest;
    }

    private void put(WorkItem item, OffloadState state, int reason) {
        session.table.setState(item.chunk, item.slot, state, reason);
    }

    // ---- what they came to ----

    /** Moves the connection's state by what the operation came to. */
    private void take(WorkItem item, OfConnection operation, OffloadResult result) {
        if (isOfPath(operation)) {
            takeOfPath(item, operation, result, false);
            return;
        }
        switch (result) {
            case Verdict.Accept accept -> {
                // Stays "adding": the add is the next step.
            }
            case Verdict.Decline decline ->
                end.dropOffer(item, OffloadState.DECLINED, lane.reasons.index(decline.reason()));
            case Verdict.Later later -> {
                end.dropOffer(item, OffloadState.LATER, lane.reasons.index(later.reason()));
                session.waiting.refused();
            }
            case OffloadResult.Done done -> {
                if (operation instanceof OffloadOperation.Add) {
                    put(item, OffloadState.ADDED, 0);
                } else if (operation instanceof OffloadOperation.Delete) {
                    end.deleted(item);
                }
            }
            case OffloadResult.Covered covered -> {
                if (covered.both()) {
                    put(item, OffloadState.ESTABLISHED, 0);
                    wantPaths(item);
                } else {
                    item.asksAgain = true;
                }
            }
            case OffloadResult.LastUsed used -> {
                item.lastUsedMs = used.epochMs();
                lane.metrics.carried(used.packets(), used.bytes());
            }
            case OffloadResult.Released released -> {
                lane.metrics.carried(released.packets(), released.bytes());
                item.lastUsedMs = released.epochMs();
                item.resume = ItemEnd.resume(released.tcp());
                end.deleted(item);
            }
            case OffloadResult.Failed failed -> takeFailure(item, operation, lane.reasons.index(failed.reason()));
            case OffloadResult.OneByOne oneByOne ->
                throw new IllegalStateException("not an answer about one connection");
            case OffloadResult.Carried carried -> throw new IllegalStateException("not an answer about a connection");
            case OffloadResult.Deferred deferred -> throw new IllegalStateException("that is no result yet");
        }
    }

    private void takeFailure(WorkItem item, OfConnection operation, int reason) {
        switch (operation) {
            case OffloadOperation.Query q -> end.dropOffer(item, OffloadState.FAILED, reason);
            case OffloadOperation.Add a -> end.dropOffer(item, OffloadState.FAILED, reason);
            case OffloadOperation.Established e -> deleteAsFailed(item, reason);
            case OffloadOperation.Changed c -> deleteAsFailed(item, reason);
            case OffloadOperation.Update u -> deleteAsFailed(item, reason);
            case OffloadOperation.Delete d -> {
                // The first failure says more than that of the cleaning up.
                item.reason = item.afterDelete == OffloadState.FAILED ? item.reason : reason;
                item.afterDelete = OffloadState.FAILED;
                end.deleted(item);
            }
            case OffloadOperation.PathPut p -> throw pathsAreTakenElsewhere();
            case OffloadOperation.PathDel p -> throw pathsAreTakenElsewhere();
            case OffloadOperation.PathStats p -> throw pathsAreTakenElsewhere();
        }
    }

    private static IllegalStateException pathsAreTakenElsewhere() {
        return new IllegalStateException("what a path's operation comes to concerns no connection");
    }

    private void deleteAsFailed(WorkItem item, int reason) {
        item.deleteAs(OffloadState.FAILED, reason, DelReason.PROVIDER_FAILED);
        item.steps |= endPaths(item, PathEnd.PROVIDER_FAILED);
    }

    private void wantPaths(WorkItem item) {
        if (session.carries()) {
            boolean isClosing = item.view != null && isClosing(item.view);
            lane.context.paths().want(item.connectionId, session, isClosing);
        }
    }

    private static boolean isClosing(ConnView view) {
        TcpView tcp = view.tcp();
        return tcp != null && (isClosing(tcp.original()) || isClosing(tcp.reply()));
    }

    private static boolean isClosing(TcpView.Peer peer) {
        return peer.state().compareTo(TcpView.State.ESTABLISHED) > 0;
    }

    private static boolean isOfPath(OfConnection operation) {
        return operation instanceof OffloadOperation.PathPut
                || operation instanceof OffloadOperation.PathDel
                || operation instanceof OffloadOperation.PathStats;
    }

    private void takeOfPath(WorkItem item, OfConnection operation, OffloadResult result, boolean isUnknown) {
        PathTurn turn = Objects.requireNonNull(item.turn, "an operation on a path has the path's turn");
        if (turn.took(operation, result, isUnknown)) {
            item.steps |= turn.path.isReply() ? WorkItem.REPLY_PATH : WorkItem.ORIGINAL_PATH;
            item.alone |= isUnknown;
        }
    }

    /** The call has thrown, and nobody knows which operations were made: what may be held is deleted, each alone. */
    private void takeUnknown(WorkItem item, OfConnection operation, OffloadResult result) {
        if (isOfPath(operation)) {
            takeOfPath(item, operation, result, true);
            return;
        }
        if (operation instanceof OffloadOperation.Add || operation instanceof OffloadOperation.Delete) {
            put(item, OffloadState.ADDED, 0); // should the session be given up before the delete, it is owed
        }
        int reason = lane.reasons.index(result instanceof OffloadResult.Failed failed ? failed.reason() : "");
        switch (operation) {
            case OffloadOperation.Query q -> end.dropOffer(item, OffloadState.FAILED, reason);
            case OffloadOperation.Delete d when item.deletedBefore -> takeFailure(item, operation, reason);
            case OffloadOperation.Delete d -> {
                item.steps = WorkItem.DELETE;
                item.alone = true;
                item.deletedBefore = true;
            }
            default -> {
                deleteAsFailed(item, reason);
                item.alone = true;
            }
        }
    }
}
