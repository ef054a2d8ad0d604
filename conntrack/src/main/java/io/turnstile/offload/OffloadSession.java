package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongConsumer;

/**
 * One span of time between hw-offload on and off: the providers that came up, the side table and the shards. Made anew each
 * time, so that nothing late from one span can touch the next.
 *
 * <p>Threads: the {@code on…} methods any, several at once; see {@link Shard} for the rest.
 */
final class OffloadSession implements ConnectionListener {
    final Conntrack tracker;
    final Clock clock;
    final PortNames ports;
    final List<RegisteredProvider> providers;
    final SlotTable table;
    final CauseLog causes;
    final EventTaps taps;
    final Shard[] shards;
    final LongAdder neverAnnounced = new LongAdder();
    final LongAdder clampedAnswers = new LongAdder();
    private volatile boolean leaving;

    OffloadSession(Conntrack tracker, Clock clock, PortNames ports, List<RegisteredProvider> providers, CauseLog causes,
                   EventTaps taps, int shardCount) {
        this.tracker = tracker;
        this.clock = clock;
        this.ports = ports;
        this.providers = providers;
        this.causes = causes;
        this.taps = taps;
        table = new SlotTable(providers.size());
        shards = new Shard[shardCount];
        for (int i = 0; i < shardCount; i++) {
            shards[i] = new Shard(this, i);
        }
    }

    /** The providers are being taken down: nothing new is announced. */
    boolean isLeaving() {
        return leaving;
    }

    /** From now on connections are only taken from the providers, and each slot is sealed once nobody holds it. */
    void leave() {
        leaving = true;
        table.close();
        for (Shard shard : shards) {
            shard.startWithdrawal();
        }
    }

    /** Every slot is sealed: no provider holds anything, and late events change nothing. */
    boolean hasLeft() {
        for (Shard shard : shards) {
            if (!shard.hasLeft()) {
                return false;
            }
        }
        return true;
    }

    Shard shardOf(int slot) {
        return shards[Integer.remainderUnsigned(slot, shards.length)];
    }

    @Override
    public void onCommitted(long connectionId, int inPort, long nowNs) {
        follow(connectionId);
    }

    /**
     * Takes up a connection, if that was not done before: live from the packet path, or by the replay's walk. Both may meet
     * the same connection, and either may be so late that the slot belongs to a newer one; the word decides. What is taken
     * up too late (it has left already) is found out when its turn comes: the tracker does not know it.
     */
    void follow(long connectionId) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunkFor(slot);
        if (chunk == null) {
            return;
        }
        long wanted = SlotTable.word(connectionId, SlotTable.TRACKED | SlotTable.ADD | SlotTable.QUEUED);
        while (true) {
            long word = table.word(chunk, slot);
            int flags = SlotTable.flags(word);
            boolean taken = (flags & SlotTable.TRACKED) != 0 && !SlotTable.isNewer(connectionId, word);
            if (taken || (flags & (SlotTable.SEALED | SlotTable.WITHDRAW)) != 0) {
                return;
            }
            if (table.changeWord(chunk, slot, word, wanted)) {
                if ((flags & SlotTable.QUEUED) == 0) {
                    shardOf(slot).push(chunk, slot);
                }
                return;
            }
        }
    }

    @Override
    public boolean onReply(long connectionId, int inPort, long nowNs) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunkOrNull(slot);
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
            if ((flags & (SlotTable.ESTABLISHED | SlotTable.REMOVED | SlotTable.WITHDRAW)) != 0
                    || mark(chunk, slot, word, SlotTable.ESTABLISHED)) {
                return false;
            }
        }
    }

    @Override
    public boolean onExpiring(long connectionId, long deadlineNs, long nowNs) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunkOrNull(slot);
        if (chunk == null) {
            return false;
        }
        while (true) {
            long word = table.word(chunk, slot);
            int flags = SlotTable.flags(word);
            boolean worthAsking = (flags & (SlotTable.HELD | SlotTable.ADD)) != 0;
            if (!follows(word, connectionId) || !worthAsking || (flags & (SlotTable.REMOVED | SlotTable.WITHDRAW)) != 0) {
                return false;
            }
            if ((flags & SlotTable.UPDATE) != 0 || mark(chunk, slot, word, SlotTable.UPDATE)) {
                return true;
            }
        }
    }

    @Override
    public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunkOrNull(slot);
        if (chunk == null) {
            return false;
        }
        while (true) {
            long word = table.word(chunk, slot);
            int flags = SlotTable.flags(word);
            if (!follows(word, connectionId)) {
                return false;
            }
            if ((flags & SlotTable.ADD) != 0 && (flags & SlotTable.WITHDRAW) == 0) {
                // Nobody was told yet: forget it. Its place in the queue stays, for whoever has the slot by then.
                if (table.changeWord(chunk, slot, word, SlotTable.QUEUED)) {
                    neverAnnounced.increment();
                    return false;
                }
            } else if (mark(chunk, slot, word, SlotTable.REMOVED | reason.ordinal() << SlotTable.REASON_SHIFT)) {
                return true;
            }
        }
    }

    private static boolean follows(long word, long connectionId) {
        return (SlotTable.flags(word) & SlotTable.TRACKED) != 0 && SlotTable.sameGeneration(word, connectionId);
    }

    /** Sets flags and queues the slot if it is not queued; false if the word has changed meanwhile. */
    private boolean mark(SlotTable.Chunk chunk, int slot, long word, int flags) {
        if (!table.changeWord(chunk, slot, word, word | flags | SlotTable.QUEUED)) {
            return false;
        }
        if ((SlotTable.flags(word) & SlotTable.QUEUED) == 0) {
            shardOf(slot).push(chunk, slot);
        }
        return true;
    }

    // ---- looking ----

    /** What a walk over the side table counts. */
    record Census(long followed, long queued, long[] held) {
    }

    Census census() {
        long[] counts = new long[2];
        long[] held = new long[providers.size()];
        walk((chunk, slot, word) -> {
            counts[0]++;
            counts[1] += (SlotTable.flags(word) & SlotTable.QUEUED) != 0 ? 1 : 0;
            for (int p = 0; p < held.length; p++) {
                held[p] += table.state(chunk, slot, p).isHeld() ? 1 : 0;
            }
        });
        return new Census(counts[0], counts[1], held);
    }

    /** Visits the ids of the connections followed, in the order of their slots. */
    void forEachFollowed(LongConsumer visitor) {
        walk((chunk, slot, word) -> visitor.accept(SlotTable.connectionId(word, slot)));
    }

    private interface SlotVisitor {
        void visit(SlotTable.Chunk chunk, int slot, long word);
    }

    private void walk(SlotVisitor visitor) {
        for (int slot = 0, limit = table.slotLimit(); slot < limit; slot++) {
            SlotTable.Chunk chunk = table.chunkOrNull(slot);
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

    List<ProviderConnectionState> states(long connectionId) {
        int slot = SlotTable.slotOf(connectionId);
        SlotTable.Chunk chunk = table.chunkOrNull(slot);
        boolean known = chunk != null && follows(table.word(chunk, slot), connectionId);
        List<ProviderConnectionState> states = new ArrayList<>(providers.size());
        for (RegisteredProvider provider : providers) {
            if (known) {
                int cell = table.cell(chunk, slot, provider.index());
                states.add(new ProviderConnectionState(provider.name(), SlotTable.state(cell),
                        provider.reasons().text(SlotTable.reasonIndex(cell))));
            } else {
                states.add(new ProviderConnectionState(provider.name(), OffloadState.NONE, null));
            }
        }
        return states;
    }
}
