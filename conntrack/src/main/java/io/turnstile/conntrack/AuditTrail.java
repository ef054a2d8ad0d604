package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ADDRESSES;
import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.FLAGS;
import static io.turnstile.conntrack.EntryLayout.MARK;
import static io.turnstile.conntrack.EntryLayout.PEER;
import static io.turnstile.conntrack.EntryLayout.PORTS;
import static io.turnstile.conntrack.EntryLayout.STATE;

import io.turnstile.conntrack.OffHeap.Region;
import java.lang.ref.Reference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The trail remembers the last removals and the last refusals of connections, with cause and who asked, and counts them
 * all. Removals and refusals have a {@linkplain AuditRing ring} each, so that a flood of refusals washes no removal
 * away; and of refusals of one zone and cause within {@link #REFUSAL_PAUSE_NS} there is one record, which says how many
 * there were since the record before.
 *
 * <p>A record is a copy of the entry, of which these are its own:
 *
 * <pre>
 *   0 word       the ring's
 *  24 deadline   when it happened, ns
 *  36 extension  cause (8 bits) | has an extension (8) | actor (16)
 *  44 peers      connection id (8 bytes), count (8 bytes)
 * </pre>
 *
 * <p>Threads: any may write, without locks, allocation or a look at the clock; any may read.
 */
public final class AuditTrail {
    /** How many removals are kept at least. */
    public static final int REMOVALS = 100_000;
    /** Refusals of one zone and cause are not recorded more often. */
    public static final long REFUSAL_PAUSE_NS = 10_000_000;

    /** What of an extension is kept: tuples, translation and label. */
    static final int EXTENSION_BYTES = EntryLayout.SKEW;

    private static final int REMOVAL_RECORDS = Integer.highestOneBit(REMOVALS) << 1;
    private static final int REFUSAL_RECORDS = 1 << 14;
    /** Where memory costs at once what it can hold. */
    private static final int FEW_RECORDS = 1 << 10;

    private static final AuditCause[] CAUSES = AuditCause.values();
    private static final int FIRST_REFUSAL = AuditCause.TABLE_FULL.ordinal();
    private static final int WHAT = EntryLayout.EXTENSION;
    private static final int ID = PEER;
    private static final int COUNT = PEER + Long.BYTES;
    private static final int FOLD_BYTES = 2 * Long.BYTES;

    private final AuditRing removals;
    private final AuditRing refusals;
    private final Actors actors = new Actors();
    private final LongAdder[] counts = new LongAdder[CAUSES.length];
    /** By cause and zone: when the last record was written, ns, 0 for never; how many have come since. */
    private final Region foldMemory;

    private final long folds;

    AuditTrail() {
        this(
                OffHeap.reservesLazily() ? REMOVAL_RECORDS : FEW_RECORDS,
                OffHeap.reservesLazily() ? REFUSAL_RECORDS : FEW_RECORDS);
    }

    /** @param removalRecords how many, as {@code refusalRecords} a power of two */
    AuditTrail(int removalRecords, int refusalRecords) {
        removals = new AuditRing(removalRecords);
        refusals = new AuditRing(refusalRecords);
        foldMemory = OffHeap.reserve((long) (CAUSES.length - FIRST_REFUSAL) * ZoneLimits.ZONES * FOLD_BYTES, false);
        folds = foldMemory.address();
        for (int i = 0; i < counts.length; i++) {
            counts[i] = new LongAdder();
        }
    }

    /** A number for who asks. */
    int actor(String name) {
        return actors.number(name);
    }

    /** How often that has happened. */
    public long count(AuditCause cause) {
        return counts[cause.ordinal()].sum();
    }

    /** How many records were let go of because another thread was a whole round behind or ahead. */
    public long lost() {
        long lost = removals.lost() + refusals.lost();
        Reference.reachabilityFence(this);
        return lost;
    }

    // ---- writing ----

    /**
     * A connection leaves.
     *
     * @param entry locked
     * @param extension 0: it has none
     */
    void removed(long entry, long extension, long connectionId, AuditCause cause, int actor, long nowNs) {
        counts[cause.ordinal()].increment();
        long ticket = removals.take();
        long record = removals.begin(ticket);
        if (record == AuditRing.NONE) {
            return;
        }
        OffHeap.putLong(record + ADDRESSES, OffHeap.getLong(entry + ADDRESSES));
        OffHeap.putLong(record + PORTS, OffHeap.getLong(entry + PORTS)); // and kind
        OffHeap.putLong(record + DEADLINE, nowNs);
        OffHeap.putInt(record + MARK, OffHeap.getInt(entry + MARK));
        OffHeap.putInt(record + WHAT, what(cause, extension != 0, actor));
        OffHeap.putInt(record + STATE, OffHeap.getInt(entry + STATE)); // and flags
        OffHeap.putLong(record + ID, connectionId);
        OffHeap.putLong(record + COUNT, 1);
        if (extension != 0) {
            long into = removals.extension(ticket);
            for (int at = 0; at < EXTENSION_BYTES; at += Long.BYTES) {
                OffHeap.putLong(into + at, OffHeap.getLong(extension + at));
            }
        }
        removals.end(ticket, record);
    }

    /** A connection of the hashed key's tuple is not made. */
    void refused(TupleKey key, AuditCause cause, long nowNs) {
        counts[cause.ordinal()].increment();
        long count = fold(EntryLayout.zone(key.kind), cause, nowNs);
        if (count == 0) {
            return;
        }
        long ticket = refusals.take();
        long record = refusals.begin(ticket);
        if (record == AuditRing.NONE) {
            return;
        }
        boolean extended = key.ipv6();
        long extension = extended ? refusals.extension(ticket) : 0;
        for (int at = 0; extended && at < EXTENSION_BYTES; at += Long.BYTES) {
            OffHeap.putLong(extension + at, 0);
        }
        key.writeOriginalTo(record, extension);
        OffHeap.putLong(record + DEADLINE, nowNs);
        OffHeap.putInt(record + MARK, 0);
        OffHeap.putInt(record + WHAT, what(cause, extended, Actors.NOBODY));
        OffHeap.putShort(record + STATE, 0);
        OffHeap.putShort(record + FLAGS, 0);
        OffHeap.putLong(record + ID, Conntrack.NO_CONNECTION);
        OffHeap.putLong(record + COUNT, count);
        refusals.end(ticket, record);
    }

    private static int what(AuditCause cause, boolean extended, int actor) {
        return cause.ordinal() << 24 | (extended ? 1 : 0) << 16 | actor;
    }

    /** Counts a refusal; how many a record is now to tell of, or 0: none is due. */
    private long fold(int zone, AuditCause cause, long nowNs) {
        long at = folds + ((long) (cause.ordinal() - FIRST_REFUSAL) * ZoneLimits.ZONES + zone) * FOLD_BYTES;
        OffHeap.getAndAdd(at + Long.BYTES, 1);
        long last = OffHeap.getAcquire(at);
        long stamp = nowNs | 1; // not 0, which is "never"
        boolean due = last == 0 || stamp - last >= REFUSAL_PAUSE_NS || stamp - last < -REFUSAL_PAUSE_NS;
        if (!due || !OffHeap.compareAndSet(at, last, stamp)) {
            return 0;
        }
        // In one step: another one may have come as far, after a pause or by a clock that is read earlier.
        return OffHeap.getAndSet(at + Long.BYTES, 0);
    }

    // ---- reading ----

    /** A look at all records from the newest to the oldest of those that are there now. */
    public Reading newestFirst() {
        return new Reading(this);
    }

    /**
     * The reading goes back in time, by both rings. Records that are overwritten before it comes to them are passed
     * over.
     *
     * <p>Threads: one.
     */
    public static final class Reading {
        private final AuditTrail trail;
        private final Cursor removed;
        private final Cursor refused;

        private Reading(AuditTrail trail) {
            this.trail = trail;
            removed = new Cursor(trail, trail.removals);
            refused = new Cursor(trail, trail.refusals);
        }

        /** Goes on to the next record; null if there are no more. It is good until the next call. */
        public @Nullable AuditRecord next() {
            AuditRecord removal = removed.peek();
            AuditRecord refusal = refused.peek();
            Reference.reachabilityFence(trail);
            if (removal == null && refusal == null) {
                return null;
            }
            boolean removalIsNext = refusal == null || removal != null && removal.atNs - refusal.atNs >= 0;
            return removalIsNext ? removed.take() : refused.take();
        }
    }

    /** The place of a reading in one ring. */
    private static final class Cursor {
        private final AuditTrail trail;
        private final AuditRing ring;
        private final AuditRecord record = new AuditRecord();
        private final long oldest;
        private long ticket;
        private boolean full;

        Cursor(AuditTrail trail, AuditRing ring) {
            this.trail = trail;
            this.ring = ring;
            ticket = ring.end() - 1;
            oldest = Math.max(0, ticket + 1 - ring.capacity());
        }

        @Nullable
        AuditRecord peek() {
            while (!full && ticket >= oldest) {
                full = trail.read(ring, ticket--, record);
            }
            return full ? record : null;
        }

        AuditRecord take() {
            full = false;
            return record;
        }
    }

    private boolean read(AuditRing ring, long ticket, AuditRecord into) {
        if (!ring.isWhole(ticket)) {
            return false;
        }
        long record = ring.record(ticket);
        int what = OffHeap.getInt(record + WHAT);
        into.atNs = OffHeap.getLong(record + DEADLINE);
        into.count = OffHeap.getLong(record + COUNT);
        SnapshotReader.copyRecord(record, (what >>> 16 & 1) != 0 ? ring.extension(ticket) : 0, into.connection);
        into.connection.connectionId = OffHeap.getLong(record + ID);
        if (!ring.isStillWhole(ticket)) {
            return false;
        }
        into.cause = CAUSES[what >>> 24];
        into.actor = actors.name(what & 0xffff);
        return true;
    }
}
