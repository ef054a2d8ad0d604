package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ALIVE;
import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.FLAGS_LENIENT;
import static io.turnstile.conntrack.EntryLayout.FLAG_NAT;
import static io.turnstile.conntrack.EntryLayout.FLAG_REPLY_REPORTED;
import static io.turnstile.conntrack.EntryLayout.FLAG_REPLY_REPORTING;
import static io.turnstile.conntrack.EntryLayout.FLAG_REPLY_SEEN;
import static io.turnstile.conntrack.EntryLayout.FLAG_SPECIAL;
import static io.turnstile.conntrack.EntryLayout.FREE;
import static io.turnstile.conntrack.EntryLayout.LOCKED;
import static io.turnstile.conntrack.EntryLayout.life;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.ConnectionTable.Insertion;
import io.turnstile.conntrack.TrackingScratch.Step;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
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
    private static final int FLUSH_LENGTH = 32;
    private static final int DEFAULT_SWEEP_INTERVAL_MS = 20_000;

    private final ConnectionTable table;
    private final ThreadLocal<TrackingScratch> scratch = ThreadLocal.withInitial(TrackingScratch::new);
    private final int[] due = new int[POLL_LENGTH]; // the sweeper's
    private final LongAdder refusals = new LongAdder();
    /** Keeps early reads from being taken for useless. */
    private long flushTouched;
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
        table.setMaxConnections(maxConnections);
    }

    @Override
    public int maxConnections() {
        return table.maxConnections();
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
        table.policies.set(id, policy);
    }

    @Override
    public void visitBuckets(BucketVisitor visitor) {
        table.index.visit(visitor);
        Reference.reachabilityFence(this);
    }

    @Override
    public void track(PacketBatch packets, CtRequest request, long nowNs) {
        TrackingScratch own = scratch.get();
        int length = packets.length();
        for (int i = 0; i < length; i++) {
            own.steps[i] = prepare(packets.get(i), i, request, own);
        }
        if (length > 1 && table.count.get() > CACHED_CONNECTIONS) {
            bringNear(length, own);
        }
        boolean writes = (request.markMask() | request.labelMaskHigh() | request.labelMaskLow()) != 0;
        for (int i = 0; i < length; i++) {
            switch (own.steps[i]) {
                case TRACK -> track(packets.get(i), own.keys[i], request, writes, nowNs, own);
                case REPEAT -> repeat(packets.get(i), i, request, writes, nowNs, own);
                case INVALID -> PacketMetadata.writeInvalid(packets.get(i), request.zone());
                case DONE -> {
                    // A further ct() of the same walk.
                }
            }
        }
        Reference.reachabilityFence(this); // its memory must not be freed before
    }

    /** In a large table each bucket and each entry is a cache miss: asked for in a row, they are fetched side by side. */
    private void bringNear(int length, TrackingScratch own) {
        TupleIndex index = table.index;
        long touched = 0;
        for (int i = 0; i < length; i++) {
            touched += index.touch(own.keys[i].hash);
        }
        for (int i = 0; i < length; i++) {
            touched += index.touchEntry(own.keys[i].hash);
        }
        own.touched += touched;
    }

    private Step prepare(Packet packet, int position, CtRequest request, TrackingScratch own) {
        if (packet.ctConnection() != NO_CONNECTION && !request.force() && again(packet, request)) {
            return Step.DONE;
        }
        TupleKey key = own.keys[position];
        if (!TupleReader.read(packet, request.zone(), key)) {
            return Step.INVALID;
        }
        table.hash.fold(key);
        if (position > 0 && own.steps[position - 1].hasKey() && key.isSameAs(own.keys[position - 1])) {
            return Step.REPEAT;
        }
        table.hash.hash(key);
        key.identity = TupleKey.NOTHING_FOUND;
        return Step.TRACK;
    }

    /** A packet of the same tuple as the one before: what that one found is likely to be good for this one, too. */
    private void repeat(Packet packet, int position, CtRequest request, boolean writes, long nowNs, TrackingScratch own) {
        TupleKey key = own.keys[position];
        key.takeFindingOf(own.keys[position - 1]);
        int stateBefore = packet.ctZone() == request.zone() ? packet.ctState() : 0;
        if (writes || request.force() || !glance(packet, key, stateBefore, request.zone(), nowNs)) {
            track(packet, key, request, writes, nowNs, own);
        }
    }

    /** A further {@code ct()} of the same zone in one walk: the packet counts once; only mark and label are looked at. */
    private boolean again(Packet packet, CtRequest request) {
        long id = packet.ctConnection();
        long locked = table.lock(id);
        if (locked == 0) {
            return false;
        }
        long entry = table.entries.entry(ConnectionTable.slot(id));
        boolean sameZone = EntryLayout.zone(OffHeap.getInt(entry + EntryLayout.KIND)) == request.zone();
        if (sameZone) {
            PacketMetadata.write(packet, packet.ctState(), request, table.entries, entry);
        }
        EntryTable.unlock(entry, locked);
        return sameZone;
    }

    private void track(Packet packet, TupleKey key, CtRequest request, boolean writes, long nowNs,
                       TrackingScratch own) {
        int stateBefore = packet.ctZone() == request.zone() ? packet.ctState() : 0;
        while (true) {
            if (table.index.find(key, nowNs)) {
                if (!writes && !(request.force() && key.reply) && glance(packet, key, stateBefore, request.zone(), nowNs)) {
                    return;
                }
                long locked = EntryTable.lock(table.entries.entry(key.slot), key.identity);
                if (locked == 0) {
                    continue;
                }
                if (request.force() && key.reply) {
                    table.removeLocked(key.slot, locked, RemovalReason.REPLACED, nowNs);
                } else if (followLocked(packet, key, locked, stateBefore, request, nowNs, own)) {
                    return;
                }
            }
            if (begin(packet, key, request, nowNs, own)) {
                return;
            }
        }
    }

    /**
     * The usual packet of a connection that knows both ways already and whose deadline this batch has moved before: nothing
     * is to be written, so it needs no lock. What was read belongs together if the entry's word is the same before and after.
     *
     * @return false if the packet needs more than a glance; it may bear wrong metadata then
     */
    private boolean glance(Packet packet, TupleKey key, int stateBefore, int zone, long nowNs) {
        long entry = table.entries.entry(key.slot);
        long word = EntryTable.word(entry);
        Timeout timeout = ProtocolTracking.settledTimeout(entry);
        int flags = EntryLayout.flags(entry);
        if ((word & LOCKED) != 0 || EntryTable.identity(word) != key.identity || key.related || timeout == null
                || (flags & (FLAG_SPECIAL | FLAG_NAT)) != 0
                || OffHeap.getLong(entry + DEADLINE) != nowNs + TimeoutPolicy.DEFAULT.ns(timeout)
                || key.reply && (flags & FLAG_REPLY_SEEN) == 0
                || key.reply && (flags & FLAG_REPLY_REPORTED) == 0 && table.listener != null) {
            return false;
        }
        int state = stateAfter(Verdict.ESTABLISHED, stateBefore, key.reply);
        PacketMetadata.copyWithTuple(packet, state, zone, table.entries, entry, ConnectionTable.id(key.slot, word));
        VarHandle.loadLoadFence();
        return EntryTable.word(entry) == word;
    }

    /**
     * A packet of a known connection, which is locked, and is unlocked afterwards.
     *
     * @return false if the connection was over and is gone: the packet begins a new one
     */
    private boolean followLocked(Packet packet, TupleKey key, long locked, int stateBefore, CtRequest request, long nowNs,
                                 TrackingScratch own) {
        long entry = table.entries.entry(key.slot);
        int state;
        boolean tell = false;
        if (key.related) {
            state = stateBefore | CtState.REL | (key.reply ? CtState.RPL : 0);
        } else {
            Verdict verdict = own.protocols.update(packet, entry, key.reply, windowChecked);
            if (verdict == Verdict.REOPEN) {
                table.removeLocked(key.slot, locked, RemovalReason.REPLACED, nowNs);
                return false;
            }
            state = stateAfter(verdict, stateBefore, key.reply);
            tell = key.reply && verdict == Verdict.ESTABLISHED && mustTellOfReply(packet, key.slot, entry);
            if (own.protocols.timeout() != null) {
                table.renew(key.slot, entry, own.protocols.timeout(), nowNs);
            }
        }
        long id = ConnectionTable.id(key.slot, locked);
        PacketMetadata.writeWithTuple(packet, state, request, table.entries, entry, id);
        EntryTable.unlock(entry, locked);
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
    private boolean mustTellOfReply(Packet packet, int slot, long entry) {
        int flags = EntryLayout.flags(entry);
        if ((flags & FLAG_REPLY_REPORTED) != 0) {
            return false;
        }
        boolean tell = table.listener != null && (flags & FLAG_REPLY_REPORTING) == 0;
        if ((flags & FLAG_REPLY_SEEN) == 0) {
            OffHeap.putInt(table.entries.side(slot) + EntryLayout.REPLY_IN_PORT, packet.inPort());
        }
        EntryLayout.setFlags(entry, flags | FLAG_REPLY_SEEN | (tell ? FLAG_REPLY_REPORTING : 0));
        return tell;
    }

    private void tellOfReply(Packet packet, long id, long nowNs) {
        ConnectionListener told = table.listener;
        boolean done = told != null && told.onReply(id, packet.inPort(), nowNs);
        long locked = table.lock(id);
        if (locked != 0) {
            long entry = table.entries.entry(ConnectionTable.slot(id));
            int flags = EntryLayout.flags(entry) & ~FLAG_REPLY_REPORTING;
            EntryLayout.setFlags(entry, done ? flags | FLAG_REPLY_REPORTED : flags);
            EntryTable.unlock(entry, locked);
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
        own.made.reset(request);
        Insertion insertion = table.insert(key, own.made, packet, own.protocols, nowNs);
        return switch (insertion) {
            case DONE -> {
                long id = ConnectionTable.id(key.slot, key.identity);
                long entry = table.entries.entry(key.slot);
                PacketMetadata.writeWithTuple(packet, CtState.NEW, request, table.entries, entry, id);
                EntryTable.unlock(entry, own.made.lockedWord);
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
            case PRESENT, REPLY_TAKEN -> {
                removeIfExpired(key, nowNs);
                yield false;
            }
        };
    }

    /** What the sweep has not come to yet must not stand in the way. */
    private void removeIfExpired(TupleKey key, long nowNs) {
        long entry = table.entries.entry(key.slot);
        long locked = EntryTable.lock(entry, key.identity);
        if (locked == 0) {
            return;
        }
        if (OffHeap.getLong(entry + DEADLINE) - nowNs <= 0) {
            table.removeLocked(key.slot, locked, RemovalReason.EXPIRED, nowNs);
        } else {
            EntryTable.unlock(entry, locked);
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
        Reference.reachabilityFence(this);
        return Math.min(Math.max(1, idleTicks) * TICK_NS, sweepIntervalMs * 1_000_000L);
    }

    @Override
    public int flush(Integer zoneOrNull, long nowNs) {
        int removed = 0;
        int end = table.entries.end();
        for (int from = 0; from < end; from += FLUSH_LENGTH) {
            int to = Math.min(end, from + FLUSH_LENGTH);
            bringBucketsNear(from, to);
            for (int slot = from; slot < to; slot++) {
                removed += flushSlot(slot, zoneOrNull, nowNs) ? 1 : 0;
            }
        }
        Reference.reachabilityFence(this);
        return removed;
    }

    private void bringBucketsNear(int fromSlot, int toSlot) {
        TupleIndex index = table.index;
        long touched = 0;
        for (int slot = fromSlot; slot < toSlot; slot++) {
            touched += index.touch(table.hash.ofOriginal(table.entries.entry(slot)));
        }
        flushTouched = touched;
    }

    private boolean flushSlot(int slot, Integer zoneOrNull, long nowNs) {
        long entry = table.entries.entry(slot);
        long identity = EntryTable.identity(EntryTable.word(entry));
        if (life(identity) != ALIVE
                || zoneOrNull != null && EntryLayout.zone(OffHeap.getInt(entry + EntryLayout.KIND)) != zoneOrNull) {
            return false;
        }
        long locked = EntryTable.lock(entry, identity);
        if (locked == 0) {
            return false;
        }
        table.removeLocked(slot, locked, RemovalReason.FLUSHED, nowNs);
        return true;
    }

    @Override
    public int flushMatching(Predicate<ConnectionSnapshot> filter, long nowNs) {
        int[] removed = new int[1];
        long cursor = 0;
        while (cursor >= 0) {
            cursor = scan(cursor, SCAN_LENGTH, connection -> {
                long locked = filter.test(connection) ? table.lock(connection.connectionId) : 0;
                if (locked != 0) {
                    table.removeLocked(ConnectionTable.slot(connection.connectionId), locked, RemovalReason.FLUSHED, nowNs);
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
        long entry = table.entries.entry(slot);
        while (true) {
            long identity = EntryTable.identity(EntryTable.word(entry));
            if ((identity ^ connectionId) >>> 32 != 0 || life(identity) == FREE) {
                return false;
            }
            long locked = EntryTable.lock(entry, identity);
            if (locked != 0) {
                SnapshotReader.copy(table.entries, slot, connectionId, into, nowNs);
                EntryTable.unlock(entry, locked);
                Reference.reachabilityFence(this);
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
            long entry = table.entries.entry(slot);
            long identity = EntryTable.identity(EntryTable.word(entry));
            long locked = life(identity) == ALIVE ? EntryTable.lock(entry, identity) : 0;
            if (locked == 0) {
                continue;
            }
            SnapshotReader.copy(table.entries, slot, ConnectionTable.id(slot, identity), snapshot, nowNs);
            EntryTable.unlock(entry, locked);
            if (snapshot.timeLeftNs > 0) {
                visitor.visit(snapshot);
            }
        }
        Reference.reachabilityFence(this);
        return last >= end ? -1 : last;
    }

    @Override
    public void setListener(ConnectionListener listenerOrNull) {
        table.listener = listenerOrNull;
    }

    @Override
    public void release(long connectionId) {
        table.release(connectionId);
        Reference.reachabilityFence(this);
    }

    @Override
    public void extend(long connectionId, long lastUsedNs) {
        table.extend(connectionId, lastUsedNs);
        Reference.reachabilityFence(this);
    }

    @Override
    public void carriedElsewhere(long connectionId) {
        long locked = table.lock(connectionId);
        if (locked != 0) {
            long entry = table.entries.entry(ConnectionTable.slot(connectionId));
            EntryLayout.setFlags(entry, EntryLayout.flags(entry) | FLAGS_LENIENT);
            EntryTable.unlock(entry, locked);
        }
        Reference.reachabilityFence(this);
    }
}
