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
import io.turnstile.conntrack.Expectations.Announcement;
import io.turnstile.conntrack.TrackingScratch.Step;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.security.SecureRandom;
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
    private final ThreadLocal<TrackingScratch> scratch;
    private final LongAdder natExhaustions = new LongAdder();
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
        SecureRandom random = new SecureRandom();
        NatHash natHash = new NatHash(random.nextLong(), random.nextLong());
        table = new ConnectionTable(maxConnections, clock.nowNs());
        scratch = ThreadLocal.withInitial(() -> new TrackingScratch(table, natHash));
    }

    /** What the tracker is made of: for who wants to know whether it comes apart. */
    ConnectionTable table() {
        return table;
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
    public long natExhaustions() {
        return natExhaustions.sum();
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
    public int track(PacketBatch packets, CtRequest request, long nowNs) {
        TrackingScratch own = scratch.get();
        own.nowNs = nowNs;
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
                case TRACK -> track(packets.get(i), i, request, writes, nowNs, own);
                case REPEAT -> repeat(packets.get(i), i, request, writes, nowNs, own);
                case INVALID -> PacketMetadata.writeInvalid(packets.get(i), request.zone());
                case DONE, DROP -> {
                    // A further ct() of the same walk; nothing is dropped before it was tracked.
                }
            }
        }
        int dropped = own.drops == 0 ? 0 : takeOut(packets, own);
        Reference.reachabilityFence(this); // its memory must not be freed before
        return dropped;
    }

    private static int takeOut(PacketBatch packets, TrackingScratch own) {
        int kept = 0;
        for (int i = 0; i < packets.length(); i++) {
            if (own.steps[i] != Step.DROP) {
                packets.set(kept++, packets.get(i));
            }
        }
        packets.shorten(kept);
        int dropped = own.drops;
        own.drops = 0;
        return dropped;
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
        if (packet.ctConnection() != NO_CONNECTION && !request.force() && again(packet, request, own)) {
            return Step.DONE;
        }
        TupleKey key = own.keys[position];
        if (!TupleReader.read(packet, request.zone(), key)) {
            return Step.INVALID;
        }
        if (isTranslated(packet, request)) {
            key.reverse(); // it bears the other direction's tuple now, turned round
        }
        table.hash.fold(key);
        if (position > 0 && own.steps[position - 1].hasKey() && key.isSameAs(own.keys[position - 1])) {
            return Step.REPEAT;
        }
        table.hash.hash(key);
        key.identity = TupleKey.NOTHING_FOUND;
        return Step.TRACK;
    }

    /** A {@code ct()} of this zone has translated the packet before. */
    private static boolean isTranslated(Packet packet, CtRequest request) {
        return (packet.ctState() & (CtState.SNAT | CtState.DNAT)) != 0 && packet.ctZone() == request.zone();
    }

    /** A packet of the same tuple as the one before: what that one found is likely to be good for this one, too. */
    private void repeat(Packet packet, int position, CtRequest request, boolean writes, long nowNs, TrackingScratch own) {
        TupleKey key = own.keys[position];
        key.takeFindingOf(own.keys[position - 1]);
        int stateBefore = packet.ctZone() == request.zone() ? packet.ctState() : 0;
        if (writes || request.force() || !glance(packet, key, stateBefore, request.zone(), nowNs)) {
            track(packet, position, request, writes, nowNs, own);
        }
    }

    /** A further {@code ct()} of the same zone in one walk: the packet counts once; only mark and label are looked at. */
    private boolean again(Packet packet, CtRequest request, TrackingScratch own) {
        long id = packet.ctConnection();
        long locked = table.lock(id);
        if (locked == 0) {
            return false;
        }
        long entry = table.entries.entry(ConnectionTable.slot(id));
        boolean sameZone = EntryLayout.zone(OffHeap.getInt(entry + EntryLayout.KIND)) == request.zone();
        if (sameZone) {
            int state = packet.ctState();
            if (request.nat() != null && (EntryLayout.flags(entry) & FLAG_NAT) != 0
                    && (state & (CtState.SNAT | CtState.DNAT)) == 0) {
                boolean reply = (state & CtState.RPL) != 0;
                boolean error = TupleReader.isError(packet);
                if (!error && own.dialogues.begin(ConnectionTable.slot(id), entry, reply, true)) {
                    own.dialogues.restore(packet);
                    own.dialogues.read(packet);
                }
                state |= Translation.apply(packet, table.entries, entry, reply, error);
            }
            PacketMetadata.write(packet, state, request, table.entries, entry);
        }
        EntryTable.unlock(entry, locked);
        return sameZone;
    }

    private void track(Packet packet, int position, CtRequest request, boolean writes, long nowNs, TrackingScratch own) {
        TupleKey key = own.keys[position];
        boolean translated = isTranslated(packet, request);
        int stateBefore = packet.ctZone() == request.zone() ? packet.ctState() : 0;
        while (true) {
            if (table.index.find(key, nowNs)) {
                key.reply ^= translated;
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
            if (translated) {
                key.reverse(); // its connection is gone: it begins one as it is now
                table.hash.seal(key);
                translated = false;
            }
            if (begin(packet, position, request, nowNs, own)) {
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
        boolean dialogue = false;
        boolean translates = translates(stateBefore, request, entry);
        if (key.related) {
            state = stateBefore | CtState.REL | (key.reply ? CtState.RPL : 0);
        } else {
            dialogue = own.dialogues.begin(key.slot, entry, key.reply, translates);
            if (dialogue) {
                own.dialogues.restore(packet);
            }
            Verdict verdict = own.protocols.update(packet, entry, key.reply, windowChecked);
            if (verdict == Verdict.REOPEN) {
                table.removeLocked(key.slot, locked, RemovalReason.REPLACED, nowNs);
                return false;
            }
            state = stateAfter(verdict, stateBefore | relation(entry), key.reply);
            tell = key.reply && verdict == Verdict.ESTABLISHED && mustTellOfReply(packet, key.slot, entry);
            if (own.protocols.timeout() != null) {
                table.renew(key.slot, entry, own.protocols.timeout(), nowNs);
            }
            if (dialogue && verdict != Verdict.INVALID && !own.dialogues.read(packet)) {
                state |= CtState.INV;
            }
        }
        if (translates) {
            state |= Translation.apply(packet, table.entries, entry, key.reply, key.related);
        }
        long id = ConnectionTable.id(key.slot, locked);
        PacketMetadata.writeWithTuple(packet, state, request, table.entries, entry, id);
        if (dialogue) {
            own.dialogues.announce(id);
        }
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

    /** {@code rel} for a connection that was announced by another one. */
    private int relation(long entry) {
        if ((EntryLayout.flags(entry) & FLAG_SPECIAL) == 0) {
            return 0;
        }
        long extension = table.entries.extensionOf(entry);
        return extension != 0 && OffHeap.getLong(extension + EntryLayout.PARENT_ID) != 0 ? CtState.REL : 0;
    }

    /** Whether the packet of a translated connection is to be translated: once in a zone. */
    private static boolean translates(int stateBefore, CtRequest request, long entry) {
        return request.nat() != null && (EntryLayout.flags(entry) & FLAG_NAT) != 0
                && (stateBefore & (CtState.SNAT | CtState.DNAT)) == 0;
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
    private boolean begin(Packet packet, int position, CtRequest request, long nowNs, TrackingScratch own) {
        TupleKey key = own.keys[position];
        if (key.related || !ProtocolTracking.canBegin(packet)) {
            PacketMetadata.writeUnknown(packet, CtState.INV, request.zone(), key);
            return true;
        }
        Announcement announcement = table.expectations.isEmpty() ? null : table.expectations.find(key);
        if (!request.commit()) {
            writeNew(packet, key, request, announcement);
            return true;
        }
        NewConnection made = own.made;
        made.reset(request, key);
        if (announcement != null) {
            made.announcedBy(announcement);
        }
        if (request.nat() != null && !chooseReply(key, request.nat(), announcement, own)) {
            natExhaustions.increment();
            own.steps[position] = Step.DROP;
            own.drops++;
            return true;
        }
        return switch (table.insert(key, made, packet, own.protocols, nowNs)) {
            case DONE -> {
                welcome(packet, key, request, nowNs, own);
                yield true;
            }
            case TABLE_FULL -> {
                refusals.increment();
                writeNew(packet, key, request, announcement);
                yield true;
            }
            case ZONE_FULL -> {
                writeNew(packet, key, request, announcement);
                yield true;
            }
            case PRESENT -> {
                removeIfExpired(key, nowNs);
                yield false;
            }
            case REPLY_TAKEN -> {
                removeIfExpired(made.reply, nowNs);
                yield false;
            }
        };
    }

    /** Of no connection in the table, though it would make one. */
    private static void writeNew(Packet packet, TupleKey key, CtRequest request, Announcement announcement) {
        if (announcement == null) {
            PacketMetadata.writeUnknown(packet, CtState.NEW, request.zone(), key);
        } else {
            PacketMetadata.writeAnnounced(packet, CtState.NEW | CtState.REL, request.zone(), announcement);
        }
    }

    /** A connection that was just made, and is locked. */
    private void welcome(Packet packet, TupleKey key, CtRequest request, long nowNs, TrackingScratch own) {
        NewConnection made = own.made;
        long id = ConnectionTable.id(key.slot, key.identity);
        long entry = table.entries.entry(key.slot);
        int state = CtState.NEW | (made.parentId == 0 ? 0 : CtState.REL);
        boolean dialogue = own.dialogues.begin(key.slot, entry, false, made.reply != null);
        if (dialogue && !own.dialogues.read(packet)) {
            state |= CtState.INV;
        }
        if (made.reply != null) {
            state |= Translation.apply(packet, table.entries, entry, false, false);
        }
        PacketMetadata.writeWithTuple(packet, state, request, table.entries, entry, id);
        if (dialogue) {
            own.dialogues.announce(id);
        }
        EntryTable.unlock(entry, made.lockedWord);
        ConnectionListener told = table.listener;
        if (told != null) {
            told.onCommitted(id, packet.inPort(), nowNs);
        }
    }

    /** Sets what {@code nat(…)} makes of a new connection; false if there is no tuple left for it. */
    private boolean chooseReply(TupleKey key, NatRequest nat, Announcement announcement, TrackingScratch own) {
        TupleKey reply = own.replyTuple;
        if (announcement != null) {
            reply.copyFrom(key);
            reply.reverse();
            own.made.natFlags = announcement.natFlags;
            if (announcement.natFlags == Translation.NAT_SOURCE) {
                reply.destinationHigh = announcement.natHigh;
                reply.destinationLow = announcement.natLow;
            } else {
                reply.sourceHigh = announcement.natHigh;
                reply.sourceLow = announcement.natLow;
                reply.sourcePort = announcement.natPort != 0 ? announcement.natPort : reply.sourcePort;
            }
            table.hash.seal(reply);
            if (table.index.find(reply, own.nowNs)) {
                return false; // Another connection bears it: there is no other to choose.
            }
        } else if (nat.kind() == NatRequest.Kind.EXISTING) {
            return true;
        } else {
            own.made.natFlags = nat.kind() == NatRequest.Kind.SOURCE ? Translation.NAT_SOURCE : Translation.NAT_DESTINATION;
            if (!own.natSearch.find(key, nat, reply)) {
                return false;
            }
        }
        table.hash.seal(reply);
        own.made.reply = reply;
        return true;
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
    public void visitExpected(ExpectationVisitor visitor) {
        for (Announcement announcement : table.expectations.all()) {
            ConnectionSnapshot expected = new ConnectionSnapshot();
            ConnectionSnapshot parent = new ConnectionSnapshot();
            SnapshotReader.copyKey(announcement.tuple, expected);
            SnapshotReader.copyKey(announcement.parent, parent);
            expected.mark = announcement.mark;
            expected.labelHigh = announcement.labelHigh;
            expected.labelLow = announcement.labelLow;
            visitor.visit(expected, parent.original);
        }
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
