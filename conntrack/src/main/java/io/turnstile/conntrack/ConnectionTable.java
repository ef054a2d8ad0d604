package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ALIVE;
import static io.turnstile.conntrack.EntryLayout.BYTE;
import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.FLAG_ASKED;
import static io.turnstile.conntrack.EntryLayout.FREE;
import static io.turnstile.conntrack.EntryLayout.INT;
import static io.turnstile.conntrack.EntryLayout.LOCKED;
import static io.turnstile.conntrack.EntryLayout.LONG;
import static io.turnstile.conntrack.EntryLayout.REMOVED;
import static io.turnstile.conntrack.EntryLayout.TIMEOUT_KIND;
import static io.turnstile.conntrack.EntryLayout.life;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.packet.Packet;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Entries, index and wheel held together: what it takes to put a connection into the table, to change its deadline and to
 * take it out.
 *
 * <p>A life: a slot is taken while {@link EntryLayout#FREE}, filled by one thread, becomes {@link EntryLayout#ALIVE} with
 * the next generation, is put into the index and onto the wheel, and only then unlocked. It leaves by the one thread that
 * locks it and unlocks it as {@link EntryLayout#REMOVED}; after the listener let go of it, it is free.
 *
 * <p>Lock order: stripe (insertions of one hash) → entry → wheel shard. The listener is called with none of them held.
 */
final class ConnectionTable {
    /** How long before a deadline the listener is asked whether it knows better. */
    static final long LEAD_NS = 5_000_000_000L;
    private static final int STRIPES = 256;
    private static final int WHEELS = 16;
    /** Slots beyond the limit, so that entries held by the listener do not keep new connections out at once. */
    private static final int HELD_RESERVE = 1024;

    /** Answers of {@link #insert}. */
    enum Insertion { DONE, TABLE_FULL, ZONE_FULL, PRESENT }

    final EntryTable entries;
    final TupleIndex index;
    final TupleHash hash = new TupleHash();
    final AtomicInteger count = new AtomicInteger();
    volatile ConnectionListener listener;
    final ZoneLimits zoneLimits = new ZoneLimits();
    volatile int maxConnections;
    private final Object[] stripes = new Object[STRIPES];
    private final ExpiryWheel[] wheels = new ExpiryWheel[WHEELS];

    ConnectionTable(int maxConnections, long originNs) {
        this.maxConnections = maxConnections;
        int capacity = (int) Math.min(Integer.MAX_VALUE - 8L, maxConnections + maxConnections / 8L + HELD_RESERVE);
        this.entries = new EntryTable(capacity);
        this.index = new TupleIndex(entries, capacity);
        for (int i = 0; i < STRIPES; i++) {
            stripes[i] = new Object();
        }
        for (int i = 0; i < WHEELS; i++) {
            wheels[i] = new ExpiryWheel(entries, originNs);
        }
    }

    static long id(int slot, long word) {
        return word & 0xffff_ffff_0000_0000L | slot;
    }

    static int slot(long connectionId) {
        return (int) connectionId;
    }

    /** The unlocked word of a living connection of this id. */
    static long aliveWord(long connectionId) {
        return connectionId & 0xffff_ffff_0000_0000L | ALIVE;
    }

    ExpiryWheel[] wheels() {
        return wheels;
    }

    private ExpiryWheel wheel(int slot) {
        return wheels[slot & WHEELS - 1];
    }

    /**
     * Makes a connection of the key's tuple and leaves it <em>locked</em> with {@link TupleKey#slot} and
     * {@link TupleKey#word} set, if {@link Insertion#DONE}.
     */
    Insertion insert(TupleKey key, Packet packet, ProtocolTracking protocols, long nowNs) {
        if (count.get() >= maxConnections) {
            return Insertion.TABLE_FULL;
        }
        synchronized (stripes[(int) (key.hash >>> 56)]) {
            if (index.findEvenExpired(key)) {
                return Insertion.PRESENT;
            }
            if (!zoneLimits.tryAdd(EntryLayout.zone(key.kind))) {
                return Insertion.ZONE_FULL;
            }
            int slot = entries.take();
            if (slot == EntryTable.NO_SLOT) {
                zoneLimits.remove(EntryLayout.zone(key.kind));
                return Insertion.TABLE_FULL;
            }
            MemorySegment chunk = entries.chunk(slot);
            long base = EntryTable.base(slot);
            fill(key, packet, protocols, chunk, base, nowNs);
            key.slot = slot;
            key.word = nextLife(EntryTable.word(chunk, base));
            EntryTable.setWord(chunk, base, key.word | LOCKED);
            index.insert(key.hash, slot);
            wheel(slot).schedule(slot, chunk.get(LONG, base + DEADLINE) - LEAD_NS);
        }
        count.incrementAndGet();
        return Insertion.DONE;
    }

    private static long nextLife(long word) {
        int generation = EntryLayout.generation(word) + 1;
        return Integer.toUnsignedLong(generation == 0 ? 1 : generation) << 32 | ALIVE;
    }

    private static void fill(TupleKey key, Packet packet, ProtocolTracking protocols, MemorySegment chunk, long base,
                             long nowNs) {
        key.writeTo(chunk, base);
        protocols.begin(packet, chunk, base);
        chunk.set(LONG, base + DEADLINE, nowNs + TimeoutPolicy.DEFAULT.ns(protocols.timeout()));
        chunk.set(BYTE, base + TIMEOUT_KIND, (byte) protocols.timeout().ordinal());
        EntryLayout.setFlags(chunk, base, 0);
        chunk.set(INT, base + EntryLayout.MARK, 0);
        chunk.set(LONG, base + EntryLayout.LABEL_HIGH, 0);
        chunk.set(LONG, base + EntryLayout.LABEL_LOW, 0);
        chunk.set(INT, base + EntryLayout.ORIGINAL_IN_PORT, packet.inPort());
        chunk.set(INT, base + EntryLayout.REPLY_IN_PORT, -1);
    }

    /**
     * Counts the deadline from {@code nowNs} again; the entry is locked. Only a state with a shorter life moves the deadline
     * back, so that threads whose readings of the clock differ a little do not pull it to and fro.
     */
    void renew(int slot, MemorySegment chunk, long base, Timeout timeout, long nowNs) {
        long timeoutNs = TimeoutPolicy.DEFAULT.ns(timeout);
        long deadline = nowNs + timeoutNs;
        boolean earlier = deadline - chunk.get(LONG, base + DEADLINE) < 0;
        if (earlier && timeoutNs >= TimeoutPolicy.DEFAULT.ns(chunk.get(BYTE, base + TIMEOUT_KIND))) {
            return;
        }
        setDeadline(chunk, base, deadline);
        chunk.set(BYTE, base + TIMEOUT_KIND, (byte) timeout.ordinal());
        if (earlier) {
            wheel(slot).schedule(slot, deadline - LEAD_NS);
        }
    }

    private static void setDeadline(MemorySegment chunk, long base, long deadline) {
        chunk.set(LONG, base + DEADLINE, deadline);
        EntryLayout.setFlags(chunk, base, EntryLayout.flags(chunk, base) & ~FLAG_ASKED);
    }

    void extend(long connectionId, long lastUsedNs) {
        int slot = slot(connectionId);
        if (!lock(connectionId)) {
            return;
        }
        MemorySegment chunk = entries.chunk(slot);
        long base = EntryTable.base(slot);
        long deadline = lastUsedNs + TimeoutPolicy.DEFAULT.ns(chunk.get(BYTE, base + TIMEOUT_KIND));
        if (deadline - chunk.get(LONG, base + DEADLINE) > 0) {
            setDeadline(chunk, base, deadline);
        }
        EntryTable.unlock(chunk, base, aliveWord(connectionId));
    }

    /** Locks a living connection by its id. */
    boolean lock(long connectionId) {
        int slot = slot(connectionId);
        return entries.contains(slot)
                && EntryTable.lock(entries.chunk(slot), EntryTable.base(slot), aliveWord(connectionId));
    }

    /** Takes a locked connection out of the table and unlocks it. */
    void removeLocked(int slot, long word, RemovalReason reason, long nowNs) {
        MemorySegment chunk = entries.chunk(slot);
        long base = EntryTable.base(slot);
        wheel(slot).cancel(slot);
        long tupleHash = hash.of(chunk, base);
        zoneLimits.remove(EntryLayout.zone(chunk.get(INT, base + EntryLayout.KIND)));
        EntryTable.unlock(chunk, base, word, REMOVED);
        index.remove(tupleHash, slot);
        count.decrementAndGet();
        ConnectionListener told = listener;
        if (told == null || !told.onRemoved(id(slot, word), reason, nowNs)) {
            release(id(slot, word));
        }
    }

    void release(long connectionId) {
        int slot = slot(connectionId);
        if (!entries.contains(slot)) {
            return;
        }
        MemorySegment chunk = entries.chunk(slot);
        long base = EntryTable.base(slot);
        long word = connectionId & 0xffff_ffff_0000_0000L | REMOVED;
        if (EntryTable.lock(chunk, base, word)) {
            EntryTable.unlock(chunk, base, word, FREE);
            entries.give(slot);
        }
    }

    /** What the wheel asks about a slot: is it over, is the listener to be asked, or is it only to be queued again? */
    void attend(int slot, long nowNs) {
        MemorySegment chunk = entries.chunk(slot);
        long base = EntryTable.base(slot);
        long word = EntryTable.word(chunk, base) & ~(long) LOCKED;
        // Who put another connection here has queued it himself.
        if (life(word) != ALIVE || !EntryTable.lock(chunk, base, word)) {
            return;
        }
        long deadline = chunk.get(LONG, base + DEADLINE);
        long leftNs = deadline - nowNs;
        if (leftNs <= 0) {
            removeLocked(slot, word, RemovalReason.EXPIRED, nowNs);
            return;
        }
        ConnectionListener told = listener;
        int flags = EntryLayout.flags(chunk, base);
        boolean ask = leftNs <= LEAD_NS && told != null && (flags & FLAG_ASKED) == 0;
        if (ask) {
            EntryLayout.setFlags(chunk, base, flags | FLAG_ASKED);
        }
        wheel(slot).schedule(slot, leftNs <= LEAD_NS ? deadline : deadline - LEAD_NS);
        EntryTable.unlock(chunk, base, word);
        if (ask) {
            told.onExpiring(id(slot, word), deadline, nowNs);
        }
    }
}
