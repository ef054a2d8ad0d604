package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.time.Clock;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;
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
    final Shard[] shards;
    private final BitSet arrived = new BitSet(); // guarded by itself: shards that have stopped calling
    private volatile @Nullable DelReason leavingReason;
    private volatile boolean flushDone;
    private volatile boolean flushed;
    private volatile boolean givenUp;
    private volatile boolean refusedSome;
    private volatile long refusedWallMs;

    OffloadSession(Lane lane, int shardCount) {
        this.lane = lane;
        tracker = lane.context.tracker();
        clock = lane.context.clock();
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

    /**
     * A call has not come back. No thread works on this session from now on, what it held for the tracker is given
     * back, and the cells keep what the provider must still be told of if it ever comes back.
     */
    void giveUp() {
        givenUp = true;
        table.close();
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
                tracker.carriedElsewhere(SlotTable.connectionId(word, slot)); // it may come back to software any time
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
                if (!checks
                        || pending
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
        Shard shard = shardOf(slot);
        if (shard.depth() >= lane.limits.queueLength()) {
            refuse(chunk, slot, word, connectionId);
            return true;
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

    /** Too many wait already: software goes on with this one alone, and it is offered when there is room. */
    private void refuse(SlotTable.Chunk chunk, int slot, long word, long connectionId) {
        int queued = SlotTable.flags(word) & SlotTable.QUEUED;
        long refused = SlotTable.word(connectionId, SlotTable.TRACKED | SlotTable.OVERLOADED | queued);
        if (table.changeWord(chunk, slot, word, refused)) {
            lane.metrics.queueFull();
            if (!refusedSome) {
                refusedSome = true;
                refusedWallMs = clock.wallMs();
            }
        }
    }

    /** Offers refused connections again once the queues are short. Returns whether there is something to do for it. */
    boolean offerRefusedAgain() {
        if (!refusedSome || isLeaving()) {
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

    /** When connections were last refused for a full queue, ms since the epoch. */
    long refusedWallMs() {
        return refusedWallMs;
    }

    @Override
    public boolean onReply(long connectionId, int inPort, long nowNs) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunk(slot);
        if (chunk == null) {
            return false;
        }
        while (true) {
            long word = table.word(chunk, slot);
            if (!follows(word, connectionId)) {
                return false; // the replay has not come by yet; a later reply packet will ask again
            }
            int flags = SlotTable.flags(word);
            if ((flags & SlotTable.ESTABLISHED_DONE) != 0) {
                return true;
            }
            int nothingToDo = SlotTable.ESTABLISHED | SlotTable.REMOVED | SlotTable.WITHDRAW | SlotTable.OVERLOADED;
            if ((flags & nothingToDo) != 0 || mark(chunk, slot, word, SlotTable.ESTABLISHED, nowNs)) {
                return false;
            }
        }
    }

    @Override
    public boolean onExpiring(long connectionId, long deadlineNs, long nowNs) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunk(slot);
        if (chunk == null) {
            return false;
        }
        while (true) {
            long word = table.word(chunk, slot);
            int flags = SlotTable.flags(word);
            boolean worthAsking = (flags & (SlotTable.HELD | SlotTable.ADD)) != 0;
            if (!follows(word, connectionId)
                    || !worthAsking
                    || (flags & (SlotTable.REMOVED | SlotTable.WITHDRAW)) != 0) {
                return false;
            }
            if ((flags & SlotTable.UPDATE) != 0 || mark(chunk, slot, word, SlotTable.UPDATE, nowNs)) {
                return true;
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

    /** What a walk over the side table counts. */
    record Census(long followed, long held) {}

    Census census() {
        long[] counts = new long[2];
        walk((chunk, slot, word) -> {
            counts[0]++;
            counts[1] += table.state(chunk, slot).isHeld() ? 1 : 0;
        });
        return new Census(counts[0], counts[1]);
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
