package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.time.Clock;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One span of a provider's time, from {@code init} to {@code close}: the side table and the shards. Made anew each
 * time, so that nothing late from one span can touch the next.
 *
 * <p>Threads: the {@code on…} methods any, several at once; see {@link Shard} for the rest.
 */
final class OffloadSession implements ConnectionListener {
    final Lane lane;
    final Conntrack tracker;
    final Clock clock;
    final SlotTable table = new SlotTable();
    final TupleClaims claims = new TupleClaims();
    final WaitingOffers waiting = new WaitingOffers(this);
    private final LastingOffers lasting;
    final Shard[] shards;
    private final PortNews portNews;
    private final Map<Long, Integer> lostReasons = new ConcurrentHashMap<>();
    private final AtomicReference<@Nullable Map<String, String>> newSettings = new AtomicReference<>();
    private final BitSet arrived = new BitSet(); // guarded by itself: shards that have stopped calling
    private volatile @Nullable DelReason leavingReason;
    private volatile boolean flushDone;
    private volatile boolean flushed;
    private volatile boolean givenUp;
    private volatile boolean refusedSome;
    private volatile long refusedWallMs;
    /** The provider is offered paths. */
    private final boolean carries;

    private volatile boolean pathsOver;
    private List<PathTurn> owedPaths = List.of(); // guarded by this

    OffloadSession(Lane lane, int shardCount) {
        this.lane = lane;
        tracker = lane.context.tracker();
        clock = lane.context.clock();
        lasting = new LastingOffers(this, lane.stopwatchNs.getAsLong());
        carries = lane.carries();
        if (carries) {
            lane.context.paths().begin();
        }
        portNews = new PortNews(lane.context.ports());
        shards = new Shard[shardCount];
        for (int i = 0; i < shardCount; i++) {
            shards[i] = new Shard(this, i, shardCount);
        }
    }

    Shard shardOf(int slot) {
        return shards[Integer.remainderUnsigned(slot, shards.length)];
    }

    private void wakeAll() {
        for (Shard shard : shards) {
            shard.wake();
        }
    }

    // ---- leaving ----

    /** The provider is being taken down: nothing new is announced. */
    boolean isLeaving() {
        return leavingReason != null;
    }

    /** Why it is; null while it is not. */
    @Nullable
    DelReason leavingReason() {
        return leavingReason;
    }

    /** Begins to take all connections from the provider; each slot is sealed once it is not held. */
    void leave(DelReason reason) {
        if (leavingReason == null) {
            leavingReason = reason;
            table.close();
            wakeAll();
        }
    }

    /** Whatever is still to be walked is walked at full speed: the process is about to end. */
    void hurry() {
        for (Shard shard : shards) {
            shard.hurry();
        }
    }

    /** The provider has said that it let go of everything by itself: no deletes follow. */
    boolean isFlushed() {
        return flushed;
    }

    /** A shard says that it makes no more calls. The last one to say so asks the provider to let go of everything. */
    boolean isFlushDone(int shard, BatchRunner runner) {
        boolean last;
        synchronized (arrived) {
            last = !arrived.get(shard) && arrived.cardinality() == shards.length - 1;
            arrived.set(shard);
        }
        if (last) {
            flushed =
                    runner.flush(Objects.requireNonNull(leavingReason, "shards stop calling when the provider leaves"));
            if (flushed) {
                endPaths();
            }
            flushDone = true;
            wakeAll();
        }
        return flushDone;
    }

    /** The provider was asked to let go of everything, whatever came of it: it is asked once. */
    boolean isFlushAsked() {
        synchronized (arrived) {
            return arrived.cardinality() == shards.length;
        }
    }

    /** Every slot is sealed: the provider holds nothing, and late events change nothing. */
    boolean hasLeft() {
        return Arrays.stream(shards).allMatch(Shard::hasLeft);
    }

    boolean isGivenUp() {
        return givenUp;
    }

    /** A call has not come back: no thread begins anything for this session from now on. */
    void beginGivingUp() {
        givenUp = true;
    }

    /**
     * What the session held for the tracker is given back, and the cells keep what the provider must still be told of
     * if it ever comes back. Until it returns, the session has to be told of what happens to connections: each slot is
     * sealed with the connection that the provider knows.
     */
    void giveUp() {
        table.close();
        endPaths();
        for (int slot = 0, limit = table.slotLimit(); slot < limit; slot++) {
            SlotTable.Chunk chunk = table.chunk(slot);
            if (chunk == null) {
                slot |= SlotTable.CHUNK_SLOTS - 1;
                continue;
            }
            long word;
            do {
                word = table.word(chunk, slot);
            } while (!table.changeWord(chunk, slot, word, SlotTable.sealed(word)));
            if ((SlotTable.flags(word) & SlotTable.REMOVED) != 0) {
                lane.context.holds().release(SlotTable.connectionId(word, slot));
            } else if ((SlotTable.flags(word) & SlotTable.HELD) != 0) {
                tracker.unhold(SlotTable.connectionId(word, slot), null); // nobody answers for it any more
            }
        }
        wakeAll();
    }

    /** Visits the connections that the provider held when the session was given up and its last call had returned. */
    void forEachOwed(LongConsumer visitor) {
        for (int slot = 0, limit = table.slotLimit(); slot < limit; slot++) {
            SlotTable.Chunk chunk = table.chunk(slot);
            if (chunk == null) {
                slot |= SlotTable.CHUNK_SLOTS - 1;
            } else if (table.state(chunk, slot).isHeld()) {
                visitor.accept(SlotTable.connectionId(table.word(chunk, slot), slot));
            }
        }
    }

    // ---- paths ----

    boolean carries() {
        return carries;
    }

    /** The connection may be given paths: the provider covers both directions of it, and is not about to lose it. */
    boolean isCarrierOf(long connectionId) {
        if (!carries || pathsOver || isLeaving()) {
            return false;
        }
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunk(slot);
        if (chunk == null) {
            return false;
        }
        long word = table.word(chunk, slot);
        return follows(word, connectionId)
                && (SlotTable.flags(word) & (SlotTable.REMOVED | SlotTable.WITHDRAW)) == 0
                && table.state(chunk, slot) == OffloadState.ESTABLISHED;
    }

    /**
     * No path is at this provider any more, and none comes to be: what it carried is over. Does nothing if it was so.
     */
    synchronized void endPaths() {
        if (carries && !pathsOver) {
            pathsOver = true; // before looking for them: who offers another one meanwhile finds it so
            owedPaths = lane.context.paths().endAll(this);
            lane.context.paths().end();
        }
    }

    boolean arePathsOver() {
        return pathsOver;
    }

    /** Turns of paths that the provider carried, or might have, when they were over for everybody else. */
    synchronized List<PathTurn> owedPaths() {
        return owedPaths;
    }

    /** A path of this provider is offered to it, or has a question. Threads: any; takes no lock, allocates nothing. */
    void pathNews(PathTurn turn) {
        shardOf(SlotTable.slotOf(turn.path.connectionId())).pushNews(turn);
    }

    /** A path of this provider is to end. Threads: as {@link #pathNews}. */
    void pathEnds(PathTurn turn) {
        shardOf(SlotTable.slotOf(turn.path.connectionId())).pushEnding(turn);
    }

    /** What became pending for paths while the connection's item waited for a result. */
    void pathNewsAgain(long connectionId) {
        for (int d = 0; d < 2; d++) {
            PathTurn turn = lane.context.paths().turnOf(connectionId, d == 1, this);
            if (turn != null) {
                pathEnds(turn);
            }
        }
    }

    // ---- events ----

    @Override
    public void onCommitted(long connectionId, int inPort, long nowNs) {
        follow(connectionId, false, nowNs);
    }

    /**
     * Takes up a connection, if that was not done before: live from the packet path, or by the replay's walk. Both may
     * meet the same connection, and either may be so late that the slot belongs to a newer one; the word decides. What
     * is taken up too late (it has left already) is found out when it is worked on: the tracker does not know it.
     *
     * @param checks what is followed already is looked at again
     */
    void follow(long connectionId, boolean checks, long nowNs) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunkFor(slot);
        if (chunk == null) {
            return;
        }
        while (true) {
            long word = table.word(chunk, slot);
            int flags = SlotTable.flags(word);
            if ((flags & (SlotTable.SEALED | SlotTable.WITHDRAW)) != 0) {
                return;
            }
            if ((flags & SlotTable.TRACKED) != 0 && !SlotTable.isNewer(connectionId, word)) {
                boolean pending = (flags & (SlotTable.ADD | SlotTable.CHECK | SlotTable.REMOVED)) != 0;
                // What the provider does not want now is offered again by who bounds that.
                if (!checks
                        || pending
                        || table.state(chunk, slot) == OffloadState.LATER
                        || !SlotTable.sameGeneration(word, connectionId)
                        || mark(chunk, slot, word, SlotTable.CHECK, nowNs)) {
                    return;
                }
            } else if (takeUp(chunk, slot, word, connectionId, nowNs)) {
                return;
            }
        }
    }

    private boolean takeUp(SlotTable.Chunk chunk, int slot, long word, long connectionId, long nowNs) {
        if (lane.offeredFrom() != OfferMoment.COMMITTED) {
            return takeUpLater(chunk, slot, word, connectionId, nowNs);
        }
        Shard shard = shardOf(slot);
        if (shard.depth() >= lane.limits.queueLength()) {
            return refuse(chunk, slot, word, connectionId);
        }
        long wanted = SlotTable.word(connectionId, SlotTable.TRACKED | SlotTable.ADD | SlotTable.QUEUED);
        if (!table.changeWord(chunk, slot, word, wanted)) {
            return false;
        }
        if ((SlotTable.flags(word) & SlotTable.QUEUED) == 0) {
            shard.push(chunk, slot, nowNs);
        }
        return true;
    }

    /** Nobody is to hear of it before it is established: it takes no place in the queue until then. */
    private boolean takeUpLater(SlotTable.Chunk chunk, int slot, long word, long connectionId, long nowNs) {
        int queued = SlotTable.flags(word) & SlotTable.QUEUED;
        int waits = SlotTable.TRACKED | SlotTable.ADD | SlotTable.AWAITS_ESTABLISHED;
        if (!table.changeWord(chunk, slot, word, SlotTable.word(connectionId, waits | queued))) {
            return false;
        }
        if (tracker.awaitEstablished(connectionId)) { // as most that a replay meets: they have lasted
            established(connectionId, false, nowNs);
        }
        return true;
    }

    /**
     * Too many wait already: software goes on with this one alone, and it is offered when there is room. False if the
     * word has changed meanwhile.
     */
    private boolean refuse(SlotTable.Chunk chunk, int slot, long word, long connectionId) {
        int queued = SlotTable.flags(word) & SlotTable.QUEUED;
        long refused = SlotTable.word(connectionId, SlotTable.TRACKED | SlotTable.OVERLOADED | queued);
        if (!table.changeWord(chunk, slot, word, refused)) {
            return false;
        }
        lane.metrics.queueFull();
        if (!refusedSome) {
            refusedSome = true;
            refusedWallMs = clock.wallMs();
        }
        return true;
    }

    /** Offers connections again that could not be offered, or were not wanted, before. Returns whether it did. */
    boolean offerAgain() {
        return !isLeaving() && (offerRefusedAgain() || waiting.step(lane.stopwatchNs.getAsLong()));
    }

    /** Offers connections again that found the queue full, once it is short. */
    private boolean offerRefusedAgain() {
        if (!refusedSome) {
            return false;
        }
        for (Shard shard : shards) {
            if (shard.depth() > lane.limits.queueLength() / 4) {
                return false;
            }
        }
        refusedSome = false;
        shards[0].startReplay(true);
        return true;
    }

    /** Offers the connection of this slot anew if the provider did not want it before; returns whether it did. */
    boolean offerWaiting(int slot) {
        SlotTable.Chunk chunk = table.chunk(slot);
        if (chunk == null || table.state(chunk, slot) != OffloadState.LATER) {
            return false;
        }
        int inTheWay = SlotTable.REMOVED | SlotTable.WITHDRAW | SlotTable.CHECK;
        while (true) { // the item that has brought the answer may still be about the word
            long word = table.word(chunk, slot);
            int flags = SlotTable.flags(word);
            if ((flags & SlotTable.TRACKED) == 0 || (flags & inTheWay) != 0) {
                return false;
            }
            if (mark(chunk, slot, word, SlotTable.CHECK, clock.nowNs())) {
                return true;
            }
        }
    }

    /**
     * The offer of a connection had to wait for another one's delete, which is done. Only queues it: if it waits, its
     * word says so, and if it does not wait any more, nothing may say that nobody was told of it.
     */
    void offerNow(long connectionId) {
        change(connectionId, 0, 0);
    }

    /** When connections were last refused for a full queue, ms since the epoch. */
    long refusedWallMs() {
        return refusedWallMs;
    }

    @Override
    public void onEstablished(long connectionId, long nowNs) {
        established(connectionId, lane.offeredFrom() == OfferMoment.LASTING, nowNs);
    }

    /** @param settles it was established just now, and what the provider was not told of has to last first */
    private void established(long connectionId, boolean settles, long nowNs) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunk(slot);
        if (chunk == null) {
            return; // the replay has not come by yet, and will find it established
        }
        while (true) {
            long word = table.word(chunk, slot);
            int flags = SlotTable.flags(word);
            if (!follows(word, connectionId)
                    || (flags & SlotTable.AWAITS_ESTABLISHED) == 0
                    || (flags & (SlotTable.REMOVED | SlotTable.WITHDRAW)) != 0) {
                return;
            }
            if (settles && (flags & SlotTable.ADD) != 0) {
                long waiting = word & ~(long) SlotTable.AWAITS_ESTABLISHED | SlotTable.ESTABLISHED | SlotTable.SETTLING;
                if (table.changeWord(chunk, slot, word, waiting)) {
                    table.noteSettling(chunk);
                    return;
                }
                continue;
            }
            if ((flags & SlotTable.ADD) != 0 && shardOf(slot).depth() >= lane.limits.queueLength()) {
                if (refuse(chunk, slot, word, connectionId)) { // the first that the provider would hear of it
                    return;
                }
                continue;
            }
            long told = word & ~(long) SlotTable.AWAITS_ESTABLISHED | SlotTable.ESTABLISHED | SlotTable.QUEUED;
            if (table.changeWord(chunk, slot, word, told)) {
                if ((flags & SlotTable.QUEUED) == 0) {
                    shardOf(slot).push(chunk, slot, nowNs);
                }
                return;
            }
        }
    }

    /** Offers what has lasted, if it is time to look. Threads: one at a time. */
    void offerLasting(long nowNs) {
        if (lane.offeredFrom() == OfferMoment.LASTING && !isLeaving()) {
            lasting.step(nowNs);
        }
    }

    /** A round over connections that are to last has come to this slot; returns whether the next has to, too. */
    boolean settle(SlotTable.Chunk chunk, int slot, long nowNs) {
        while (true) {
            long word = table.word(chunk, slot);
            int flags = SlotTable.flags(word);
            if ((flags & SlotTable.SETTLING) == 0 || (flags & SlotTable.WITHDRAW) != 0) {
                return false;
            }
            if ((flags & SlotTable.SETTLING_LONG) == 0) {
                if (table.changeWord(chunk, slot, word, word | SlotTable.SETTLING_LONG)) {
                    return true;
                }
                continue;
            }
            if (shardOf(slot).depth() >= lane.limits.queueLength()) {
                return true;
            }
            boolean isOffered = !lasting.isClosing(SlotTable.connectionId(word, slot), nowNs);
            long settled = word & ~(long) (SlotTable.SETTLING | SlotTable.SETTLING_LONG);
            if (table.changeWord(chunk, slot, word, isOffered ? settled | SlotTable.QUEUED : settled)) {
                if (isOffered && (flags & SlotTable.QUEUED) == 0) {
                    shardOf(slot).push(chunk, slot, nowNs);
                }
                return false;
            }
        }
    }

    @Override
    public void onChanged(long connectionId, int changes, long nowNs) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunk(slot);
        if (chunk == null) {
            return;
        }
        while (true) {
            long word = table.word(chunk, slot);
            int flags = SlotTable.flags(word);
            int wanted = (flags & SlotTable.HELD) != 0
                    ? changes << SlotTable.CHANGES_SHIFT & SlotTable.CHANGES_MASK
                    : (changes & (PORT_CHANGED | CONTROL_CHANGED)) != 0 ? SlotTable.CHECK : 0;
            if (!follows(word, connectionId)
                    || (wanted & ~flags) == 0
                    || (flags & (SlotTable.REMOVED | SlotTable.WITHDRAW)) != 0
                    || mark(chunk, slot, word, wanted, nowNs)) {
                return;
            }
        }
    }

    @Override
    public boolean onDeadline(long connectionId, long nowNs) {
        return change(connectionId, SlotTable.UPDATE | SlotTable.AWAITED, SlotTable.HELD) || isAwaited(connectionId);
    }

    @Override
    public boolean isAwaited(long connectionId) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunk(slot);
        long word = chunk == null ? 0 : table.word(chunk, slot);
        int flags = SlotTable.flags(word);
        // Being taken from the provider, it may yet be told of a use.
        boolean leaves = (flags & SlotTable.WITHDRAW) != 0 && (flags & SlotTable.HELD) != 0;
        return follows(word, connectionId) && (leaves || (flags & (SlotTable.UPDATE | SlotTable.AWAITED)) != 0);
    }

    /** The provider says that its device has lost the connection. */
    void onLost(long connectionId, String reason) {
        lostReasons.put(connectionId, lane.reasons.index(reason));
        if (!change(connectionId, SlotTable.LOST, SlotTable.HELD)) {
            lostReasons.remove(connectionId);
        }
    }

    /** How many losses are remembered that nobody has worked on yet. */
    int rememberedLosses() {
        return lostReasons.size();
    }

    /** The connection is not held any more, lost or not. */
    void forgetLost(long connectionId) {
        if (!lostReasons.isEmpty()) {
            lostReasons.remove(connectionId);
        }
    }

    /** Index of the reason that the provider gave for losing it. */
    int takeLostReason(long connectionId) {
        Integer reason = lostReasons.remove(connectionId);
        return reason == null ? lane.reasons.index("") : reason;
    }

    /** The provider says that it has carried packets of the connection. */
    void onUsed(long connectionId, long epochMs, long packets, long bytes) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunk(slot);
        long word = chunk == null ? 0 : table.word(chunk, slot);
        if (follows(word, connectionId) && (SlotTable.flags(word) & SlotTable.HELD) != 0) {
            lane.metrics.carried(packets, bytes);
            if (epochMs != 0) {
                tracker.extend(connectionId, lane.context.lastUse().toMonotonicNs(epochMs));
            }
        }
    }

    @Override
    public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunk(slot);
        if (chunk == null) {
            return false;
        }
        while (true) {
            long word = table.word(chunk, slot);
            int flags = SlotTable.flags(word);
            if (!follows(word, connectionId)) {
                return false;
            }
            if ((flags & SlotTable.UNTOLD) != 0 && (flags & SlotTable.WITHDRAW) == 0) {
                // Nobody was told yet: forget it. Its place in the queue stays, for whoever has the slot by then.
                if (table.changeWord(chunk, slot, word, flags & SlotTable.QUEUED)) {
                    lane.metrics.neverAnnounced();
                    return false;
                }
            } else if (mark(chunk, slot, word, SlotTable.REMOVED | reason.ordinal() << SlotTable.REASON_SHIFT, nowNs)) {
                return true;
            }
        }
    }

    /**
     * Sets flags of a connection that is followed and queues it; false if it is not followed, is leaving, or has none
     * of the flags that it needs.
     *
     * @param needed 0: it needs none
     */
    private boolean change(long connectionId, int flags, int needed) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunk(slot);
        if (chunk == null) {
            return false;
        }
        while (true) {
            long word = table.word(chunk, slot);
            int present = SlotTable.flags(word);
            if (!follows(word, connectionId)
                    || needed != 0 && (present & needed) == 0
                    || (present & (SlotTable.REMOVED | SlotTable.WITHDRAW)) != 0) {
                return false;
            }
            if (mark(chunk, slot, word, flags, clock.nowNs())) {
                return true;
            }
        }
    }

    /** Makes pending again what became so while the connection's item waited for a result. */
    void markAgain(WorkItem item) {
        int flags = item.flagsMeanwhile & SlotTable.TAKEN & ~SlotTable.QUEUED;
        while (true) {
            long word = table.word(item.chunk, item.slot);
            if (!follows(word, item.connectionId) || mark(item.chunk, item.slot, word, flags, clock.nowNs())) {
                return;
            }
        }
    }

    // ---- what is about no connection ----

    /** Ports may have come, changed or gone. */
    void portsChanged() {
        portNews.changed();
        shards[0].wake();
    }

    /** The provider's settings are these now. */
    void settingsChanged(Map<String, String> settings) {
        newSettings.set(settings);
        shards[0].wake();
    }

    /** The provider has not been told yet. */
    boolean hasNews() {
        return portNews.isPending() || newSettings.get() != null;
    }

    /** Tells the provider what is new about ports and settings; by the first shard. Returns whether anything was. */
    boolean tellNews(BatchRunner runner) {
        Map<String, String> settings = newSettings.getAndSet(null);
        if (settings != null) {
            runner.tell("settingsChanged", () -> lane.provider().settingsChanged(settings));
            return true;
        }
        return portNews.step(lane.provider(), runner);
    }

    private static boolean follows(long word, long connectionId) {
        return (SlotTable.flags(word) & SlotTable.TRACKED) != 0 && SlotTable.sameGeneration(word, connectionId);
    }

    /** Sets flags and queues the slot if it is not queued; false if the word has changed meanwhile. */
    private boolean mark(SlotTable.Chunk chunk, int slot, long word, int flags, long nowNs) {
        if (!table.changeWord(chunk, slot, word, word | flags | SlotTable.QUEUED)) {
            return false;
        }
        if ((SlotTable.flags(word) & SlotTable.QUEUED) == 0) {
            shardOf(slot).push(chunk, slot, nowNs);
        }
        return true;
    }

    // ---- looking ----

    /** Connections that wait for a call, or for its result. */
    int backlog() {
        return queueDepth()
                + Arrays.stream(shards).mapToInt(Shard::deferredCount).sum();
    }

    int queueDepth() {
        return Arrays.stream(shards).mapToInt(Shard::depth).sum();
    }

    long oldestWaitNs() {
        long nowNs = clock.nowNs();
        return Arrays.stream(shards)
                .mapToLong(shard -> shard.oldestWaitNs(nowNs))
                .max()
                .orElse(0);
    }

    /** What a walk over the side table counts; {@code waiting} were answered "later". */
    record Census(long followed, long held, long waiting) {}

    Census census() {
        long[] counts = new long[3];
        walk((chunk, slot, word) -> {
            OffloadState state = table.state(chunk, slot);
            counts[0]++;
            counts[1] += state.isHeld() ? 1 : 0;
            counts[2] += state == OffloadState.LATER ? 1 : 0;
        });
        return new Census(counts[0], counts[1], counts[2]);
    }

    private interface SlotVisitor {
        void visit(SlotTable.Chunk chunk, int slot, long word);
    }

    private void walk(SlotVisitor visitor) {
        for (int slot = 0, limit = table.slotLimit(); slot < limit; slot++) {
            SlotTable.Chunk chunk = table.chunk(slot);
            if (chunk == null) {
                slot |= SlotTable.CHUNK_SLOTS - 1;
                continue;
            }
            long word = table.word(chunk, slot);
            if ((SlotTable.flags(word) & SlotTable.TRACKED) != 0) {
                visitor.visit(chunk, slot, word);
            }
        }
    }

    /** How the connection stands with this provider. */
    ProviderConnectionState state(long connectionId) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunk(slot);
        long word = chunk == null ? 0 : table.word(chunk, slot);
        if (chunk == null || !follows(word, connectionId)) {
            return new ProviderConnectionState(lane.name(), OffloadState.NONE, null);
        }
        if ((SlotTable.flags(word) & SlotTable.OVERLOADED) != 0) {
            return new ProviderConnectionState(
                    lane.name(), OffloadState.REFUSED, "queue full at " + TimeText.ofDay(refusedWallMs));
        }
        int cell = table.cell(chunk, slot);
        return new ProviderConnectionState(
                lane.name(), SlotTable.state(cell), lane.reasons.text(SlotTable.reasonIndex(cell)));
    }
}
