package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ALIVE;
import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.FLAGS_LENIENT;
import static io.turnstile.conntrack.EntryLayout.FLAG_REPLY_REPORTED;
import static io.turnstile.conntrack.EntryLayout.FLAG_REPLY_REPORTING;
import static io.turnstile.conntrack.EntryLayout.FLAG_REPLY_SEEN;
import static io.turnstile.conntrack.EntryLayout.FREE;
import static io.turnstile.conntrack.EntryLayout.INT;
import static io.turnstile.conntrack.EntryLayout.LOCKED;
import static io.turnstile.conntrack.EntryLayout.LONG;
import static io.turnstile.conntrack.EntryLayout.life;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.ConnectionTable.Insertion;
import io.turnstile.conntrack.TrackingScratch.Step;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;

/**
 * The tracker. Behaves as Open vSwitch's userspace one (ovs-actions(7) {@code ct}); how the table works stands at
 * {@link ConnectionTable}, {@link TupleIndex} and {@link ExpiryWheel}.
 *
 * <p>Not tracked, and so {@code +inv}: what {@link TupleReader} says, fragments among it. A table that is full makes no
 * connection: the packet is {@code +new} and counted in {@link #refusals}.
 *
 * <p>Memory: 128 bytes for each connection that ever lived at once, taken in steps of half a megabyte, and 16–32 bytes of
 * index for each that may live. It is freed when the tracker is garbage.
 */
public final class ConnectionTracker implements Conntrack, ConntrackControl {
    private static final long TICK_NS = 1L << ExpiryWheel.TICK_SHIFT;
    /** No sweep is put off longer than this. */
    private static final int LONGEST_WAIT_TICKS = 16;
    /** With more than these, entries are no longer found in the processor's near caches. */
    private static final int CACHED_CONNECTIONS = 16_384;
    private static final int POLL_LENGTH = 256;
    private static final int SCAN_LENGTH = 4096;
    private static final int DEFAULT_SWEEP_INTERVAL_MS = 20_000;

    private final ConnectionTable table;
    private final ThreadLocal<TrackingScratch> scratch = ThreadLocal.withInitial(TrackingScratch::new);
    private final int[] due = new int[POLL_LENGTH]; // the sweeper's
    private final LongAdder refusals = new LongAdder();
    private final AtomicReferenceArray<TimeoutPolicy> policies = new AtomicReferenceArray<>(1 << 16);
    private volatile boolean windowChecked = true;
    private volatile int sweepIntervalMs = DEFAULT_SWEEP_INTERVAL_MS;

    /**
     * @param clock          read once, for the origin of the expiry wheel
     * @param maxConnections more are not taken; at least 1
     */
    public ConnectionTracker(Clock clock, int maxConnections) {
        if (maxConnections < 1) {
            throw new IllegalArgumentException("a tracker for " + maxConnections + " connections");
        }
        this.table = new ConnectionTable(maxConnections, clock.nowNs());
    }

    @Override
    public void setTcpWindowChecked(boolean checked) {
        windowChecked = checked;
    }

    @Override
    public boolean tcpWindowChecked() {
        return windowChecked;
    }

    @Override
    public void setMaxConnections(int maxConnections) {
        table.maxConnections = maxConnections;
    }

    @Override
    public int maxConnections() {
        return table.maxConnections;
    }

    @Override
    public long refusals() {
        return refusals.sum();
    }

    @Override
    public ZoneLimits zoneLimits() {
        return table.zoneLimits;
    }

    @Override
    public void setSweepIntervalMs(int intervalMs) {
        sweepIntervalMs = intervalMs;
    }

    @Override
    public int sweepIntervalMs() {
        return sweepIntervalMs;
    }

    @Override
    public void setTimeoutPolicy(int id, TimeoutPolicy policy) {
        policies.set(id, policy);
    }

    @Override
    public void visitBuckets(BucketVisitor visitor) {
        table.index.visit(visitor);
    }

    @Override
    public void track(PacketBatch packets, CtRequest request, long nowNs) {
        TrackingScratch own = scratch.get();
        int length = packets.length();
        // Hashes first: the processor fetches the buckets of all while the first is still being looked at.
        for (int i = 0; i < length; i++) {
            own.steps[i] = prepare(packets.get(i), own.keys[i], request, own);
        }
        if (length > 1 && table.count.get() > CACHED_CONNECTIONS) {
            touchEntries(length, own);
        }
        for (int i = 0; i < length; i++) {
            switch (own.steps[i]) {
                case TRACK -> track(packets.get(i), own.keys[i], request, nowNs, own);
                case INVALID -> PacketMetadata.writeInvalid(packets.get(i), request.zone());
                case DONE -> {
                    // A further ct() of the same walk.
                }
            }
        }
    }

    /** Likewise for the entries: in a large table each is a cache miss, and misses in a row can overlap. */
    private void touchEntries(int length, TrackingScratch own) {
        long touched = 0;
        for (int i = 0; i < length; i++) {
            if (own.steps[i] == Step.TRACK) {
                touched += table.index.touchEntry(own.keys[i]);
            }
        }
        own.touched += touched;
    }

    private Step prepare(Packet packet, TupleKey key, CtRequest request, TrackingScratch own) {
        if (packet.ctConnection() != NO_CONNECTION && !request.force() && again(packet, request)) {
            return Step.DONE;
        }
        if (!TupleReader.read(packet, request.zone(), key)) {
            return Step.INVALID;
        }
        key.hash = table.hash.of(key);
        own.touched += table.index.touch(key);
        return Step.TRACK;
    }

    /** A further {@code ct()} of the same zone in one walk: the packet counts once; only mark and label are looked at. */
    private boolean again(Packet packet, CtRequest request) {
        long id = packet.ctConnection();
        if (!table.lock(id)) {
            return false;
        }
        int slot = ConnectionTable.slot(id);
        MemorySegment chunk = table.entries.chunk(slot);
        long base = EntryTable.base(slot);
        boolean sameZone = EntryLayout.zone(chunk.get(INT, base + EntryLayout.KIND)) == request.zone();
        if (sameZone) {
            PacketMetadata.write(packet, packet.ctState(), request, chunk, base);
        }
        EntryTable.unlock(chunk, base, ConnectionTable.aliveWord(id));
        return sameZone;
    }

    private void track(Packet packet, TupleKey key, CtRequest request, long nowNs, TrackingScratch own) {
        int stateBefore = packet.ctZone() == request.zone() ? packet.ctState() : 0;
        while (true) {
            if (table.index.find(key, nowNs)) {
                if (!EntryTable.lock(table.entries.chunk(key.slot), EntryTable.base(key.slot), key.word)) {
                    continue;
                }
                if (request.force() && key.reply) {
                    table.removeLocked(key.slot, key.word, RemovalReason.REPLACED, nowNs);
                } else if (followLocked(packet, key, stateBefore, request, nowNs, own)) {
                    return;
                }
            }
            if (begin(packet, key, request, nowNs, own)) {
                return;
            }
        }
    }

    /**
     * A packet of a known connection, which is locked, and is unlocked afterwards.
     *
     * @return false if the connection was over and is gone: the packet begins a new one
     */
    private boolean followLocked(Packet packet, TupleKey key, int stateBefore, CtRequest request, long nowNs,
                                 TrackingScratch own) {
        MemorySegment chunk = table.entries.chunk(key.slot);
        long base = EntryTable.base(key.slot);
        int state;
        boolean tell = false;
        if (key.related) {
            state = stateBefore | CtState.REL | (key.reply ? CtState.RPL : 0);
        } else {
            Verdict verdict = own.protocols.update(packet, chunk, base, key.reply, windowChecked);
            if (verdict == Verdict.REOPEN) {
                table.removeLocked(key.slot, key.word, RemovalReason.REPLACED, nowNs);
                return false;
            }
            state = stateAfter(verdict, stateBefore, key.reply);
            tell = key.reply && verdict == Verdict.ESTABLISHED && mustTellOfReply(packet, chunk, base);
            if (own.protocols.timeout() != null) {
                table.renew(key.slot, chunk, base, own.protocols.timeout(), nowNs);
            }
        }
        long id = ConnectionTable.id(key.slot, key.word);
        PacketMetadata.writeWithTuple(packet, state, request, chunk, base, id);
        EntryTable.unlock(chunk, base, key.word);
        if (tell) {
            tellOfReply(packet, id, nowNs);
        }
        return true;
    }

    private static int stateAfter(Verdict verdict, int stateBefore, boolean reply) {
        return switch (verdict) {
            case NEW, REOPEN -> stateBefore | CtState.NEW;
            case ESTABLISHED -> stateBefore & ~CtState.NEW | CtState.EST | (reply ? CtState.RPL : 0);
            case INVALID -> CtState.INV;
        };
    }

    /** Notes the first reply; true if this thread is the one to tell the listener. */
    private boolean mustTellOfReply(Packet packet, MemorySegment chunk, long base) {
        int flags = EntryLayout.flags(chunk, base);
        if ((flags & FLAG_REPLY_REPORTED) != 0) {
            return false;
        }
        if ((flags & FLAG_REPLY_SEEN) == 0) {
            chunk.set(INT, base + EntryLayout.REPLY_IN_PORT, packet.inPort());
            flags |= FLAG_REPLY_SEEN;
        }
        boolean tell = table.listener != null && (flags & FLAG_REPLY_REPORTING) == 0;
        EntryLayout.setFlags(chunk, base, tell ? flags | FLAG_REPLY_REPORTING : flags);
        return tell;
    }

    private void tellOfReply(Packet packet, long id, long nowNs) {
        ConnectionListener told = table.listener;
        boolean done = told != null && told.onReply(id, packet.inPort(), nowNs);
        if (table.lock(id)) {
            int slot = ConnectionTable.slot(id);
            MemorySegment chunk = table.entries.chunk(slot);
            long base = EntryTable.base(slot);
            int flags = EntryLayout.flags(chunk, base) & ~FLAG_REPLY_REPORTING;
            EntryLayout.setFlags(chunk, base, done ? flags | FLAG_REPLY_REPORTED : flags);
            EntryTable.unlock(chunk, base, ConnectionTable.aliveWord(id));
        }
    }

    /**
     * A packet of no known connection.
     *
     * @return false if somebody else has put its connection into the table meanwhile: look again
     */
    private boolean begin(Packet packet, TupleKey key, CtRequest request, long nowNs, TrackingScratch own) {
        if (key.related || !ProtocolTracking.canBegin(packet)) {
            PacketMetadata.writeUnknown(packet, CtState.INV, request.zone(), key);
            return true;
        }
        if (!request.commit()) {
            PacketMetadata.writeUnknown(packet, CtState.NEW, request.zone(), key);
            return true;
        }
        Insertion insertion = table.insert(key, packet, own.protocols, nowNs);
        return switch (insertion) {
            case DONE -> {
                long id = ConnectionTable.id(key.slot, key.word);
                MemorySegment chunk = table.entries.chunk(key.slot);
                long base = EntryTable.base(key.slot);
                PacketMetadata.writeWithTuple(packet, CtState.NEW, request, chunk, base, id);
                EntryTable.unlock(chunk, base, key.word);
                ConnectionListener told = table.listener;
                if (told != null) {
                    told.onCommitted(id, packet.inPort(), nowNs);
                }
                yield true;
            }
            case TABLE_FULL, ZONE_FULL -> {
                if (insertion == Insertion.TABLE_FULL) {
                    refusals.increment();
                }
                PacketMetadata.writeUnknown(packet, CtState.NEW, request.zone(), key);
                yield true;
            }
            case PRESENT -> {
                removeIfExpired(key, nowNs);
                yield false;
            }
        };
    }

    /** What the sweep has not come to yet must not stand in the way. */
    private void removeIfExpired(TupleKey key, long nowNs) {
        MemorySegment chunk = table.entries.chunk(key.slot);
        long base = EntryTable.base(key.slot);
        if (!EntryTable.lock(chunk, base, key.word)) {
            return;
        }
        if (chunk.get(LONG, base + DEADLINE) - nowNs <= 0) {
            table.removeLocked(key.slot, key.word, RemovalReason.EXPIRED, nowNs);
        } else {
            EntryTable.unlock(chunk, base, key.word);
        }
    }

    @Override
    public long sweep(long nowNs) {
        int idleTicks = LONGEST_WAIT_TICKS;
        for (ExpiryWheel wheel : table.wheels()) {
            wheel.advance(nowNs);
            for (int count = wheel.poll(due); count > 0; count = wheel.poll(due)) {
                for (int i = 0; i < count; i++) {
                    table.attend(due[i], nowNs);
                }
            }
            idleTicks = Math.min(idleTicks, wheel.idleTicks(idleTicks));
        }
        return Math.max(1, idleTicks) * TICK_NS;
    }

    @Override
    public int flush(Integer zoneOrNull, long nowNs) {
        int removed = 0;
        int end = table.entries.end();
        for (int slot = 0; slot < end; slot++) {
            MemorySegment chunk = table.entries.chunk(slot);
            if (chunk == null) {
                continue;
            }
            long base = EntryTable.base(slot);
            long word = EntryTable.word(chunk, base) & ~(long) LOCKED;
            if (life(word) == ALIVE
                    && (zoneOrNull == null || EntryLayout.zone(chunk.get(INT, base + EntryLayout.KIND)) == zoneOrNull)
                    && EntryTable.lock(chunk, base, word)) {
                table.removeLocked(slot, word, RemovalReason.FLUSHED, nowNs);
                removed++;
            }
        }
        return removed;
    }

    @Override
    public int flushMatching(Predicate<ConnectionSnapshot> filter, long nowNs) {
        int[] removed = new int[1];
        long cursor = 0;
        while (cursor >= 0) {
            cursor = scan(cursor, SCAN_LENGTH, connection -> {
                if (filter.test(connection) && table.lock(connection.connectionId)) {
                    table.removeLocked(ConnectionTable.slot(connection.connectionId),
                            ConnectionTable.aliveWord(connection.connectionId), RemovalReason.FLUSHED, nowNs);
                    removed[0]++;
                }
            }, nowNs);
        }
        return removed[0];
    }

    @Override
    public int connectionCount() {
        return table.count.get();
    }

    @Override
    public boolean read(long connectionId, ConnectionSnapshot into, long nowNs) {
        int slot = ConnectionTable.slot(connectionId);
        if (connectionId == NO_CONNECTION || !table.entries.contains(slot)) {
            return false;
        }
        MemorySegment chunk = table.entries.chunk(slot);
        long base = EntryTable.base(slot);
        while (true) {
            long word = EntryTable.word(chunk, base) & ~(long) LOCKED;
            if (EntryLayout.generation(word) != EntryLayout.generation(connectionId) || life(word) == FREE) {
                return false;
            }
            if (EntryTable.lock(chunk, base, word)) {
                SnapshotReader.copy(chunk, base, connectionId, into, nowNs);
                EntryTable.unlock(chunk, base, word);
                return true;
            }
        }
    }

    @Override
    public long scan(long cursor, int limit, ConnectionVisitor visitor, long nowNs) {
        int end = table.entries.end();
        int last = (int) Math.min(end, cursor + Math.max(1, limit));
        ConnectionSnapshot snapshot = scratch.get().snapshot;
        for (int slot = (int) cursor; slot < last; slot++) {
            MemorySegment chunk = table.entries.chunk(slot);
            if (chunk == null) {
                continue;
            }
            long base = EntryTable.base(slot);
            long word = EntryTable.word(chunk, base) & ~(long) LOCKED;
            if (life(word) != ALIVE || !EntryTable.lock(chunk, base, word)) {
                continue;
            }
            SnapshotReader.copy(chunk, base, ConnectionTable.id(slot, word), snapshot, nowNs);
            EntryTable.unlock(chunk, base, word);
            if (snapshot.timeLeftNs > 0) {
                visitor.visit(snapshot);
            }
        }
        return last >= end ? -1 : last;
    }

    @Override
    public void setListener(ConnectionListener listenerOrNull) {
        table.listener = listenerOrNull;
    }

    @Override
    public void release(long connectionId) {
        table.release(connectionId);
    }

    @Override
    public void extend(long connectionId, long lastUsedNs) {
        table.extend(connectionId, lastUsedNs);
    }

    @Override
    public void carriedElsewhere(long connectionId) {
        if (table.lock(connectionId)) {
            int slot = ConnectionTable.slot(connectionId);
            MemorySegment chunk = table.entries.chunk(slot);
            long base = EntryTable.base(slot);
            EntryLayout.setFlags(chunk, base, EntryLayout.flags(chunk, base) | FLAGS_LENIENT);
            EntryTable.unlock(chunk, base, ConnectionTable.aliveWord(connectionId));
        }
    }
}
