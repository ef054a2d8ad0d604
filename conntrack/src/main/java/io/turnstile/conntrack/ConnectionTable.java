package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ALG;
import static io.turnstile.conntrack.EntryLayout.ALIVE;
import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.FLAG_ASKED;
import static io.turnstile.conntrack.EntryLayout.FLAG_HELD;
import static io.turnstile.conntrack.EntryLayout.FLAG_NAT;
import static io.turnstile.conntrack.EntryLayout.FLAG_SPECIAL;
import static io.turnstile.conntrack.EntryLayout.FREE;
import static io.turnstile.conntrack.EntryLayout.GENERATION_MASK;
import static io.turnstile.conntrack.EntryLayout.KIND;
import static io.turnstile.conntrack.EntryLayout.ORIGINAL_IN_PORT;
import static io.turnstile.conntrack.EntryLayout.POLICY;
import static io.turnstile.conntrack.EntryLayout.REMOVED;
import static io.turnstile.conntrack.EntryLayout.REPLY_IN_PORT;
import static io.turnstile.conntrack.EntryLayout.life;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.packet.Packet;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The table holds entries, index and wheel together: what it takes to put a connection into the table, to change its
 * deadline and to take it out.
 *
 * <p>A life: a slot is taken while {@link EntryLayout#FREE}, filled by one thread, becomes {@link EntryLayout#ALIVE}
 * with the next generation, is put into the index and onto the wheel, and only then unlocked. It leaves by the one
 * thread that locks it, takes it out of the index and unlocks it as {@link EntryLayout#REMOVED}; after the listener let
 * go of it, it is free. On the wheel it stays: a slot that comes due without a connection is passed over, one that is
 * used again is moved.
 *
 * <p>The index grows while traffic goes on ({@link IndexGrowth}); nobody waits for it.
 *
 * <p>Lock order: stripe (insertions of one hash) → entry → wheel shard. The listener is called with none of them held.
 */
final class ConnectionTable {
    /** Threads' readings of the clock are not further apart than this. */
    static final long CLOCK_DIFFERENCE_NS = 1_000_000_000L;

    /** Who holds a stripe may lose his core: others are to meet it seldom meanwhile, where there are many of them. */
    private static final int STRIPES = 1 << 12;

    private static final int FEW_STRIPES = 1 << 8;
    private static final int WHEELS = 16;
    /** Of 2^30 ns. */
    static final int SECOND_SHIFT = 30;

    /** Slots beyond the limit, so that entries held by the listener do not keep new connections out at once. */
    private static final int HELD_RESERVE = 1024;
    /** Where memory costs nothing until it is used, the limit can be raised up to this. */
    private static final int MOST_SLOTS = 1 << 27;
    /** A table of this size is worth large pages. */
    private static final int LARGE = 1 << 16;

    // What a sweep does for the index at once: some milliseconds of work, and then what is more urgent has its turn.
    private static final int PIECES_OF_SWEEP = 4;
    private static final int SLOTS_OF_SWEEP = 1 << 15;

    private static final int POLICIES = 1 << 16;

    /** Answers of {@link #insert}. */
    enum Insertion {
        DONE,
        TABLE_FULL,
        ZONE_FULL,
        /** The original tuple is in the table. */
        PRESENT,
        /** The reply tuple, which NAT has chosen, is in the table. */
        REPLY_TAKEN
    }

    final EntryTable entries;
    final TupleHash hash = new TupleHash();
    final AtomicInteger count = new AtomicInteger();
    /** Connections with two cells in the index. */
    private final AtomicInteger translated = new AtomicInteger();

    final AuditTrail audit = new AuditTrail();
    final ZoneLimits zoneLimits = new ZoneLimits();
    final Expectations expectations = new Expectations(hash);
    final AtomicReferenceArray<@Nullable TimeoutPolicy> policies = new AtomicReferenceArray<>(POLICIES);
    /** Finds every connection; who finds none in it looks whether it still is the one ({@link #find}). */
    volatile TupleIndex index;

    volatile @Nullable ConnectionListener listener;
    /** Null unless {@link #index} is about to be replaced by a larger one. */
    private volatile @Nullable IndexGrowth growth;

    private final AtomicBoolean growthBegins = new AtomicBoolean();
    /** There was no memory for a larger index since the last sweep. */
    private volatile boolean growthRefused;
    /** Makes a larger index for so many cells; a test's may find no memory. */
    IntFunction<TupleIndex> indexMaker = this::makeIndex;

    /** The index before, whose memory can be given back. */
    private final AtomicReference<@Nullable TupleIndex> replaced = new AtomicReference<>();

    private volatile int maxConnections;
    private final Object[] stripes;
    private final int stripeShift;
    private final ExpiryWheel[] wheels = new ExpiryWheel[WHEELS];

    ConnectionTable(int maxConnections, long originNs) {
        this.maxConnections = maxConnections;
        int slots = slotsFor(maxConnections);
        boolean large = maxConnections >= LARGE;
        entries = OffHeap.reservesLazily()
                ? reserve(Math.max(slots, large ? MOST_SLOTS : LARGE), slots, large)
                : new EntryTable(slots, large);
        index = new TupleIndex(entries, slots, large);
        stripes = new Object[large ? STRIPES : FEW_STRIPES];
        Arrays.setAll(stripes, _ -> new Object());
        stripeShift = Long.numberOfLeadingZeros(stripes.length - 1L);
        for (int i = 0; i < WHEELS; i++) {
            wheels[i] = new ExpiryWheel(entries, originNs);
        }
    }

    private static EntryTable reserve(int most, int needed, boolean large) {
        try {
            return new EntryTable(most, large);
        } catch (OutOfMemoryError e) {
            // A system that promises no memory that it may not have (vm.overcommit_memory=2), or a limit.
            return new EntryTable(needed, large);
        }
    }

    private static int slotsFor(int connections) {
        return (int) Math.min(Integer.MAX_VALUE - 8L, connections + connections / 8L + HELD_RESERVE);
    }

    static long id(int slot, long identity) {
        return identity & GENERATION_MASK | slot;
    }

    static int slot(long connectionId) {
        return (int) connectionId;
    }

    /** The identity of a living connection of this id. */
    static long aliveIdentity(long connectionId) {
        return connectionId & GENERATION_MASK | ALIVE;
    }

    int maxConnections() {
        return maxConnections;
    }

    /** Connections beyond {@link EntryTable#capacity} find the table full whatever the limit. */
    void setMaxConnections(int connections) {
        growthRefused = false;
        beginGrowth(Math.min(slotsFor(connections), entries.capacity()));
        maxConnections = connections;
    }

    ExpiryWheel[] wheels() {
        return wheels;
    }

    private ExpiryWheel wheel(int slot) {
        return wheels[slot & WHEELS - 1];
    }

    // ---- in ----

    /**
     * Makes a connection of the hashed key's tuple and leaves it <em>locked</em> with {@link TupleKey#slot} and
     * {@link TupleKey#identity} set and {@link NewConnection#lockedWord} returned through {@code connection}, if
     * {@link Insertion#DONE}.
     */
    Insertion insert(TupleKey key, NewConnection connection, Packet packet, long nowNs) {
        if (count.get() >= maxConnections || !hasRoomInIndex()) {
            return Insertion.TABLE_FULL;
        }
        if (connection.reply == null) {
            synchronized (stripe(key.hash)) {
                return insertLocked(key, connection, packet, nowNs);
            }
        }
        int first = Math.min(stripeOf(key.hash), stripeOf(connection.reply.hash));
        int second = Math.max(stripeOf(key.hash), stripeOf(connection.reply.hash));
        synchronized (stripes[first]) {
            synchronized (stripes[second]) {
                return findEvenExpired(connection.reply)
                        ? Insertion.REPLY_TAKEN
                        : insertLocked(key, connection, packet, nowNs);
            }
        }
    }

    private int stripeOf(long hash) {
        return (int) (hash >>> stripeShift);
    }

    /** Held by who puts in a connection of a tuple with that hash. */
    Object stripe(long hash) {
        return stripes[stripeOf(hash)];
    }

    private Insertion insertLocked(TupleKey key, NewConnection connection, Packet packet, long nowNs) {
        if (findEvenExpired(key)) {
            return Insertion.PRESENT;
        }
        int zone = EntryLayout.zone(key.kind);
        if (!zoneLimits.tryAdd(zone)) {
            return Insertion.ZONE_FULL;
        }
        boolean done = false;
        try {
            done = tryCountIn() && makeLocked(key, connection, packet, nowNs);
            return done ? Insertion.DONE : Insertion.TABLE_FULL;
        } finally {
            if (!done) {
                zoneLimits.remove(zone);
            }
        }
    }

    /** Counts a connection in unless there are as many as may be: exactly, however many threads do so at once. */
    private boolean tryCountIn() {
        int before = count.get();
        while (before < maxConnections) {
            int witness = count.compareAndExchange(before, before + 1);
            if (witness == before) {
                return true;
            }
            before = witness;
        }
        return false;
    }

    /**
     * Fills a slot for a connection that is counted already; false, and it is not counted any more, if there is none.
     */
    private boolean makeLocked(TupleKey key, NewConnection connection, Packet packet, long nowNs) {
        int slot = SlotPool.NO_SLOT;
        boolean filled = false;
        try {
            slot = entries.take();
            filled = slot != SlotPool.NO_SLOT && fill(key, connection, packet, slot, nowNs);
        } finally {
            if (!filled) {
                count.decrementAndGet();
                if (slot != SlotPool.NO_SLOT) {
                    entries.give(slot);
                }
            }
        }
        if (!filled) {
            return false;
        }
        // From here on nothing is left that could fail.
        long entry = entries.entry(slot);
        connection.lockedWord = EntryTable.begin(entry);
        key.slot = slot;
        key.identity = EntryTable.identity(connection.lockedWord);
        insertIntoIndex(key, connection.reply, slot);
        wheel(slot).schedule(slot);
        return true;
    }

    /** False if there is no memory for the extension that the connection needs. */
    private boolean fill(TupleKey key, NewConnection connection, Packet packet, int slot, long nowNs) {
        long entry = entries.entry(slot);
        long side = entries.side(slot);
        boolean extended = EntryLayout.ipv6(key.kind) || connection.reply != null || connection.parentId != 0;
        OffHeap.putInt(entry + EntryLayout.EXTENSION, 0);
        long extension = extended ? entries.makeExtension(entry) : 0;
        if (extended && extension == 0) {
            return false;
        }
        key.writeOriginalTo(entry, extension);
        int flags = connection.policy != 0 || connection.alg != Alg.NONE || connection.parentId != 0 ? FLAG_SPECIAL : 0;
        if (connection.reply != null) {
            connection.reply.writeReplyTo(extension);
            OffHeap.putInt(extension + EntryLayout.NAT, connection.natFlags);
            flags |= FLAG_NAT;
        }
        if (connection.parentId != 0) {
            connection.writeParentTo(extension);
            OffHeap.putLong(extension + EntryLayout.LABEL_HIGH, connection.labelHigh);
            OffHeap.putLong(extension + EntryLayout.LABEL_LOW, connection.labelLow);
        }
        OffHeap.putInt(entry + EntryLayout.MARK, connection.mark);
        OffHeap.putShort(side + POLICY, connection.policy);
        OffHeap.putByte(side + ALG, connection.alg.ordinal());
        OffHeap.putByte(
                side + EntryLayout.CONTROL, connection.control(key, packet).ordinal());
        OffHeap.putInt(side + ORIGINAL_IN_PORT, packet.inPort());
        OffHeap.putInt(side + REPLY_IN_PORT, InPorts.NONE);
        OffHeap.putShort(entry + EntryLayout.FLAGS, flags);
        Timeout timeout = ProtocolTracking.begin(packet, entry);
        EntryLayout.setTimeout(entry, EntryLayout.flags(entry), timeout);
        OffHeap.putLong(entry + DEADLINE, nowNs + timeoutNs(slot, entry, timeout));
        return true;
    }

    // ---- deadlines ----

    /** How long the connection lives in that state, by its policy. */
    private long timeoutNs(int slot, long entry, Timeout timeout) {
        return policy(slot, EntryLayout.flags(entry)).ns(timeout);
    }

    /** How long the connection lives in its present state. */
    long timeoutNs(int slot, long entry) {
        return policy(slot, EntryLayout.flags(entry)).ns(EntryLayout.timeoutKind(entry));
    }

    private TimeoutPolicy policy(int slot, int flags) {
        if ((flags & FLAG_SPECIAL) == 0) {
            return TimeoutPolicy.DEFAULT;
        }
        TimeoutPolicy policy = policies.get(OffHeap.getUnsignedShort(entries.side(slot) + POLICY));
        return policy == null ? TimeoutPolicy.DEFAULT : policy;
    }

    /**
     * Counts the deadline from {@code nowNs} again; the entry is locked. Only a state or a policy with a shorter life
     * moves the deadline back, so that threads whose readings of the clock differ a little do not pull it to and fro.
     *
     * @return whether the deadline is in another {@linkplain #SECOND_SHIFT second} now
     */
    boolean renew(int slot, long entry, Timeout timeout, long nowNs) {
        int flags = EntryLayout.flags(entry);
        TimeoutPolicy policy = policy(slot, flags);
        long deadline = nowNs + policy.ns(timeout);
        long before = OffHeap.getLong(entry + DEADLINE);
        long earlierNs = before - deadline;
        boolean earlier = earlierNs > 0;
        if (earlier
                && earlierNs < CLOCK_DIFFERENCE_NS
                && policy.ns(timeout) >= policy.ns(EntryLayout.timeoutKind(entry))) {
            return false;
        }
        OffHeap.putLong(entry + DEADLINE, deadline);
        EntryLayout.setTimeout(entry, flags & ~FLAG_ASKED, timeout);
        if (earlier) {
            wheel(slot).schedule(slot);
        }
        return before >> SECOND_SHIFT != deadline >> SECOND_SHIFT;
    }

    void extend(long connectionId, long lastUsedNs) {
        long locked = lock(connectionId);
        if (locked == 0) {
            return;
        }
        int slot = slot(connectionId);
        long entry = entries.entry(slot);
        long deadline = lastUsedNs + timeoutNs(slot, entry);
        if (deadline - OffHeap.getLong(entry + DEADLINE) > 0) {
            OffHeap.putLong(entry + DEADLINE, deadline);
            EntryLayout.setFlags(entry, EntryLayout.flags(entry) & ~FLAG_ASKED);
        }
        EntryTable.unlock(entry, locked);
    }

    /** Locks a living connection by its id; 0 if there is none. */
    long lock(long connectionId) {
        int slot = slot(connectionId);
        return entries.contains(slot) ? EntryTable.lock(entries.entry(slot), aliveIdentity(connectionId)) : 0;
    }

    // ---- out ----

    /** Takes a locked connection out of the table and unlocks it. Its place on the wheel stays until it comes due. */
    void removeLocked(int slot, long lockedWord, AuditCause cause, long nowNs) {
        removeLocked(slot, lockedWord, cause, Actors.NOBODY, nowNs);
    }

    /** @param actor who asked for it, by {@link AuditTrail#actor} */
    void removeLocked(int slot, long lockedWord, AuditCause cause, int actor, long nowNs) {
        long entry = entries.entry(slot);
        long extension = entries.extensionOf(entry);
        int flags = EntryLayout.flags(entry);
        long id = id(slot, lockedWord);
        try {
            audit.removed(entry, extension, id, cause, actor, nowNs);
            if ((flags & FLAG_SPECIAL) != 0 && OffHeap.getUnsignedByte(entries.side(slot) + ALG) != 0) {
                expectations.forget(id);
            }
        } finally {
            // Whatever is not remembered: it leaves, and nobody waits for its lock for ever.
            leave(slot, lockedWord, (flags & FLAG_NAT) == 0 ? 0 : extension, cause, nowNs);
        }
    }

    /** @param reply the extension that the reply tuple stands in; 0 if there is no translation */
    private void leave(int slot, long lockedWord, long reply, AuditCause cause, long nowNs) {
        long entry = entries.entry(slot);
        int kind = OffHeap.getInt(entry + KIND);
        boolean found = removeFromIndex(entry, slot, reply, kind);
        zoneLimits.remove(EntryLayout.zone(kind));
        count.decrementAndGet();
        ConnectionListener current = listener;
        if (current == null) {
            EntryTable.unlock(entry, lockedWord, FREE);
            entries.give(slot);
        } else {
            EntryTable.unlock(entry, lockedWord, REMOVED);
            tellRemoved(current, id(slot, lockedWord), cause, nowNs);
        }
        if (!found) {
            throw new IllegalStateException("slot " + slot + " was not in the index");
        }
    }

    /** A listener that fails keeps nothing. */
    private void tellRemoved(ConnectionListener told, long id, AuditCause cause, long nowNs) {
        boolean keeps = false;
        try {
            RemovalReason reason = Objects.requireNonNull(cause.reason(), "a cause of removals");
            keeps = told.onRemoved(id, reason, nowNs);
        } finally {
            if (!keeps) {
                release(id);
            }
        }
    }

    void release(long connectionId) {
        int slot = slot(connectionId);
        if (!entries.contains(slot)) {
            return;
        }
        long entry = entries.entry(slot);
        long locked = EntryTable.lock(entry, connectionId & GENERATION_MASK | REMOVED);
        if (locked != 0) {
            EntryTable.unlock(entry, locked, FREE);
            entries.give(slot);
        }
    }

    /**
     * Looks at a slot that came due on the wheel: its connection is over, or the listener is to be asked whether it is,
     * or it is queued again. If the listener throws, the connection has gone or is queued again all the same.
     */
    void checkDeadline(int slot, long nowNs) {
        long entry = entries.entry(slot);
        long identity = EntryTable.identity(EntryTable.word(entry));
        // Who put another connection here has queued it himself.
        long locked = life(identity) == ALIVE ? EntryTable.lock(entry, identity) : 0;
        if (locked == 0) {
            return;
        }
        long deadline = OffHeap.getLong(entry + DEADLINE);
        if (deadline - nowNs > 0) {
            wheel(slot).schedule(slot);
            EntryTable.unlock(entry, locked);
            return;
        }
        ConnectionListener current = listener;
        int flags = EntryLayout.flags(entry);
        if ((flags & FLAG_HELD) == 0 || current == null) {
            removeLocked(slot, locked, AuditCause.EXPIRED, nowNs);
            return;
        }
        boolean asks = (flags & FLAG_ASKED) == 0;
        if (asks) {
            EntryLayout.setFlags(entry, flags | FLAG_ASKED);
            OffHeap.putLong(entry + DEADLINE, nowNs); // the wait counts from here
        }
        wheel(slot).scheduleAgain(slot);
        EntryTable.unlock(entry, locked);
        long id = id(slot, identity);
        boolean waits = asks
                ? current.onDeadline(id, nowNs)
                : nowNs - deadline < Conntrack.LONGEST_WAIT_NS && current.isAwaited(id);
        if (!waits) {
            removeUnanswered(slot, identity, nowNs);
        }
    }

    /** Nobody knows of a later use: the connection is over, unless somebody has told of one at the last moment. */
    private void removeUnanswered(int slot, long identity, long nowNs) {
        long entry = entries.entry(slot);
        long locked = EntryTable.lock(entry, identity);
        if (locked == 0) {
            return;
        }
        boolean unanswered = (EntryLayout.flags(entry) & (FLAG_ASKED | FLAG_HELD)) != FLAG_HELD;
        if (unanswered && OffHeap.getLong(entry + DEADLINE) - nowNs <= 0) {
            removeLocked(slot, locked, AuditCause.UNUSED, nowNs);
        } else {
            EntryTable.unlock(entry, locked);
        }
    }

    // ---- the index ----

    /** Finds as {@link TupleIndex#find} does. */
    boolean find(TupleKey key, long nowNs) {
        TupleIndex searched = index;
        boolean found = searched.find(key, nowNs);
        // One that was replaced meanwhile finds less and less.
        return found || searched != index && find(key, nowNs);
    }

    private boolean findEvenExpired(TupleKey key) {
        TupleIndex searched = index;
        boolean found = searched.findEvenExpired(key);
        return found || searched != index && findEvenExpired(key);
    }

    /** The stripes are held and the entry is locked. A translated connection has two cells. */
    private void insertIntoIndex(TupleKey key, @Nullable TupleKey reply, int slot) {
        IndexGrowth open = openGrowth(); // one look for both cells: the growth copies both or none
        insertIntoIndex(open, key.hash, slot);
        if (reply != null) {
            insertIntoIndex(open, reply.hash, slot);
            translated.incrementAndGet();
        }
    }

    private void insertIntoIndex(@Nullable IndexGrowth open, long tupleHash, int slot) {
        if (open == null) {
            index.insert(tupleHash, slot);
        } else {
            open.insert(tupleHash, slot);
        }
    }

    /**
     * The entry is locked: a growth that is not open yet comes by it afterwards.
     *
     * @param reply as for {@link #leave}
     * @return false if it was not all there
     */
    private boolean removeFromIndex(long entry, int slot, long reply, int kind) {
        IndexGrowth open = openGrowth();
        boolean found = removeFromIndex(open, hash.ofOriginal(entry), slot);
        if (reply != 0) {
            found &= removeFromIndex(open, hash.ofReply(reply, kind), slot);
            translated.decrementAndGet();
        }
        return found;
    }

    private boolean removeFromIndex(@Nullable IndexGrowth open, long tupleHash, int slot) {
        return open == null ? index.remove(tupleHash, slot) : open.remove(tupleHash, slot);
    }

    private @Nullable IndexGrowth openGrowth() {
        IndexGrowth running = growth;
        return running != null && running.isOpen() ? running : null;
    }

    /** Sees to it that the index is not crowded; false if it is all the same. */
    private boolean hasRoomInIndex() {
        int cells = count.get() + translated.get();
        IndexGrowth running = growth;
        if (running != null) {
            running.payForCommit(cells);
        }
        int capacity = index.capacity();
        if (cells < capacity) {
            return true;
        }
        long enough = Math.max(2L * capacity, Math.min(slotsFor(maxConnections), entries.capacity()));
        beginGrowth((int) Math.min(enough, 2L * entries.capacity()));
        return cells < capacity + capacity / 2;
    }

    /**
     * A larger index, if this one is smaller and does not grow yet. Where the system gives no memory for it the one in
     * use serves on until it is crowded; new connections do not ask again and again, but once after each sweep.
     */
    private void beginGrowth(int capacity) {
        if (isToGrow(capacity) && growthBegins.compareAndSet(false, true)) {
            try {
                if (isToGrow(capacity)) {
                    growth = new IndexGrowth(this, index, indexMaker.apply(capacity));
                }
            } catch (OutOfMemoryError e) {
                growthRefused = true;
            } finally {
                growthBegins.set(false);
            }
        }
    }

    private TupleIndex makeIndex(int capacity) {
        return new TupleIndex(entries, capacity, capacity >= LARGE);
    }

    private boolean isToGrow(int capacity) {
        return growth == null && !growthRefused && capacity > index.capacity();
    }

    /** Null unless the index grows. */
    @Nullable
    IndexGrowth growth() {
        return growth;
    }

    /** Whoever is putting a connection in has done so when this returns. */
    void passThroughStripes() {
        for (Object stripe : stripes) {
            synchronized (stripe) {
                // Nobody else is here now.
            }
        }
    }

    /** The growth's end. */
    void replaceIndex(TupleIndex larger) {
        replaced.set(index);
        index = larger;
        growth = null;
    }

    /**
     * The sweep's share of what new connections would have to wait for: memory that they need next, the index's growth.
     *
     * @return whether there is more to do
     */
    boolean tend() {
        growthRefused = false;
        entries.touchAhead();
        boolean more = index.touch(PIECES_OF_SWEEP);
        TupleIndex before = replaced.getAndSet(null);
        if (before != null) {
            before.giveBack();
        }
        IndexGrowth running = growth;
        return running != null && running.goOn(PIECES_OF_SWEEP, SLOTS_OF_SWEEP) || more;
    }
}
