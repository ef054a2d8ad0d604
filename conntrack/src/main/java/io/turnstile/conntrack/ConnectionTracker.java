package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ALIVE;
import static io.turnstile.conntrack.EntryLayout.FREE;
import static io.turnstile.conntrack.EntryLayout.life;

import io.turnstile.conntrack.Expectations.Expectation;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.security.SecureRandom;
import java.util.Iterator;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The tracker. Behaves as Open vSwitch's userspace one (ovs-actions(7) {@code ct}). How a packet goes through it stands
 * at {@link PacketTracking}, how the table works at {@link ConnectionTable}, {@link TupleIndex} and
 * {@link ExpiryWheel}.
 *
 * <p>What is {@code +inv}, and why, stands at {@link InvalidReason}. A table that is full makes no connection: the
 * packet is {@code +new} and counted in {@link #refusals}.
 *
 * <p>Memory: 88 bytes for each connection that ever lived at once, 168 more for those that need an
 * {@linkplain EntryLayout extension}, about 15 of index for each that may live, half as much again while the index
 * grows. It is freed when the tracker is garbage.
 */
public final class ConnectionTracker implements Conntrack, ConntrackControl {
    private static final long TICK_NS = 1L << ExpiryWheel.TICK_SHIFT;
    /** No sweep is put off longer than this. */
    private static final int LONGEST_WAIT_TICKS = 16;

    /** So many slots are taken off the wheel under its lock, for which commits may wait. */
    static final int POLL_LENGTH = 64;
    /** So many slots are looked at in one sweep, give or take one taking, so that other work gets its turn. */
    static final int SWEEP_LENGTH = 1 << 16;

    private static final int SCAN_LENGTH = 4096;
    private static final int FLUSH_LENGTH = 32;
    private static final int READS_WITHOUT_LOCK = 3;
    private static final int DEFAULT_SWEEP_INTERVAL_MS = 20_000;

    private final Clock clock;
    private final ConnectionTable table;
    private final Holds holds;
    private final InPorts inPorts;
    private final InvalidCounters invalid = new InvalidCounters();
    private final FirstPackets firstPackets;
    private final PacketTracking packetTracking;
    private final ThreadLocal<TrackingScratch> scratch;
    // The sweeper's: what it has taken, and where it stands in its round over the wheels, which began at that time.
    private final int[] due = new int[POLL_LENGTH];
    private int wheelSwept;
    private boolean sweepGoesOn;
    /** What was thrown first in the sweep that is under way. */
    private @Nullable Throwable sweepFailure;

    private long roundNs;
    /** Keeps early reads from being taken for useless. */
    @SuppressWarnings("UnusedVariable") // to be written is all that it is for
    private long prefetched;

    private volatile int sweepIntervalMs = DEFAULT_SWEEP_INTERVAL_MS;

    /** Bytes that so many connections take at most: when each has an extension, and NAT a second cell in the index. */
    public static long mostBytes(int connections) {
        return connections
                * (EntryLayout.SIZE_BYTES
                        + EntryLayout.SIDE_BYTES
                        + EntryLayout.EXTENSION_BYTES
                        + 2 * TupleIndex.BYTES_PER_CELL);
    }

    /**
     * @param clock read for the origin of the expiry wheel, and by {@link #forgetPorts}
     * @param maxConnections more are not taken; at least 1
     */
    public ConnectionTracker(Clock clock, int maxConnections) {
        if (maxConnections < 1) {
            throw new IllegalArgumentException("a tracker for " + maxConnections + " connections");
        }
        this.clock = clock;
        SecureRandom random = new SecureRandom();
        NatHash natHash = new NatHash(random.nextLong(), random.nextLong());
        table = new ConnectionTable(maxConnections, clock.nowNs());
        holds = new Holds(table);
        inPorts = new InPorts(table);
        firstPackets = new FirstPackets(table, invalid);
        packetTracking = new PacketTracking(table, firstPackets, invalid);
        scratch = ThreadLocal.withInitial(() -> new TrackingScratch(table, natHash));
    }

    /** What the tracker is made of: for who wants to know whether it comes apart. */
    ConnectionTable table() {
        return table;
    }

    @Override
    public void setTcpWindowChecked(boolean checked) {
        packetTracking.windowChecked = checked;
    }

    @Override
    public boolean tcpWindowChecked() {
        return packetTracking.windowChecked;
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
        return firstPackets.refusals.sum();
    }

    @Override
    public long natExhaustions() {
        return firstPackets.natExhaustions.sum();
    }

    @Override
    public long invalid(InvalidReason reason) {
        return invalid.sum(reason);
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
    public void setTimeoutPolicy(int id, @Nullable TimeoutPolicy policy) {
        table.policies.set(id, policy);
    }

    @Override
    public BucketWalk beginBuckets() {
        return new BucketWalk() {
            private int shown;

            @Override
            public boolean next(BucketVisitor visitor) {
                return table.index.visit(shown++, visitor); // of a larger one, if one has taken its place, the rest
            }
        };
    }

    @Override
    public int track(PacketBatch packets, CtRequest request, long nowNs) {
        int dropped = packetTracking.track(packets, request, nowNs, scratch.get());
        Reference.reachabilityFence(this); // its memory must not be freed before
        return dropped;
    }

    @Override
    public long sweep(long nowNs) {
        boolean more = table.tend();
        more |= !sweepWheels(nowNs);
        int idleTicks = LONGEST_WAIT_TICKS;
        for (ExpiryWheel wheel : table.wheels()) {
            idleTicks = Math.min(idleTicks, wheel.idleTicks(idleTicks));
        }
        Reference.reachabilityFence(this);
        throwSweepFailure();
        return more ? 0 : Math.clamp(sweepIntervalMs * 1_000_000L, 1, Math.max(1, idleTicks) * TICK_NS);
    }

    /**
     * Looks at what is due, wheel by wheel, and goes on where the sweep before has stopped.
     *
     * @return false if that is so much that some is left
     */
    private boolean sweepWheels(long nowNs) {
        ExpiryWheel[] wheels = table.wheels();
        int left = SWEEP_LENGTH;
        if (wheelSwept == 0 && !sweepGoesOn) {
            roundNs = nowNs;
        }
        for (; wheelSwept < wheels.length; wheelSwept++) {
            ExpiryWheel wheel = wheels[wheelSwept];
            if (!sweepGoesOn) {
                wheel.advance(nowNs);
            }
            sweepGoesOn = true;
            for (int count = wheel.poll(due); count > 0; count = wheel.poll(due)) {
                for (int i = 0; i < count; i++) {
                    checkDeadline(due[i], nowNs);
                }
                prefetched = wheel.prefetch(POLL_LENGTH);
                left -= count;
                if (left <= 0) {
                    return false;
                }
            }
            sweepGoesOn = false;
        }
        wheelSwept = 0;
        return roundNs >> ExpiryWheel.TICK_SHIFT == nowNs >> ExpiryWheel.TICK_SHIFT;
    }

    /** What a listener throws at one connection is no reason for others to live on. */
    private void checkDeadline(int slot, long nowNs) {
        try {
            table.checkDeadline(slot, nowNs);
        } catch (RuntimeException | Error e) { // contained until all have been looked at: the sweeper hears of it
            sweepFailure = sweepFailure == null ? e : sweepFailure;
        }
    }

    private void throwSweepFailure() {
        Throwable failure = sweepFailure;
        sweepFailure = null;
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure instanceof RuntimeException exception) {
            throw exception;
        }
    }

    @Override
    public int flush(@Nullable Integer zone, long nowNs) {
        return flush(zone, "", nowNs);
    }

    @Override
    public int flush(@Nullable Integer zone, String actor, long nowNs) {
        int by = numberOf(actor);
        int removed = 0;
        int end = table.entries.end();
        for (int from = 0; from < end; from += FLUSH_LENGTH) {
            int to = Math.min(end, from + FLUSH_LENGTH);
            prefetchBuckets(from, to);
            for (int slot = from; slot < to; slot++) {
                removed += flushSlot(slot, zone, by, nowNs) ? 1 : 0;
            }
        }
        Reference.reachabilityFence(this);
        return removed;
    }

    private void prefetchBuckets(int fromSlot, int toSlot) {
        TupleIndex index = table.index;
        long prefetched = 0;
        for (int slot = fromSlot; slot < toSlot; slot++) {
            prefetched += index.prefetchBucket(table.hash.ofOriginal(table.entries.entry(slot)));
        }
        this.prefetched = prefetched;
    }

    private boolean flushSlot(int slot, @Nullable Integer zone, int actor, long nowNs) {
        long entry = table.entries.entry(slot);
        long identity = EntryTable.identity(EntryTable.word(entry));
        if (life(identity) != ALIVE
                || zone != null && EntryLayout.zone(OffHeap.getInt(entry + EntryLayout.KIND)) != zone) {
            return false;
        }
        long locked = EntryTable.lock(entry, identity);
        if (locked == 0) {
            return false;
        }
        table.removeLocked(slot, locked, AuditCause.FLUSHED, actor, nowNs);
        return true;
    }

    private int numberOf(String actor) {
        return actor.isEmpty() ? Actors.NOBODY : table.audit.actor(actor);
    }

    @Override
    public int flushMatching(Predicate<ConnectionSnapshot> filter, long nowNs) {
        return flushMatching(filter, "", nowNs);
    }

    @Override
    public int flushMatching(Predicate<ConnectionSnapshot> filter, String actor, long nowNs) {
        int removed = 0;
        Flush flush = beginFlush(filter, actor);
        for (int some = 0; some >= 0; some = flush.next(SCAN_LENGTH, nowNs)) {
            removed += some;
        }
        return removed;
    }

    @Override
    public Flush beginFlush(Predicate<ConnectionSnapshot> filter, String actor) {
        return new SlicedFlush(filter, numberOf(actor));
    }

    /** A flush that goes through the table in slices. Threads: one at a time. */
    private final class SlicedFlush implements Flush {
        private final Predicate<ConnectionSnapshot> filter;
        private final int actor;
        private long cursor;
        private int removed;

        SlicedFlush(Predicate<ConnectionSnapshot> filter, int actor) {
            this.filter = filter;
            this.actor = actor;
        }

        @Override
        public int next(int slots, long nowNs) {
            if (cursor < 0) {
                return -1;
            }
            removed = 0;
            cursor = scan(cursor, slots, connection -> remove(connection, nowNs), nowNs);
            return removed;
        }

        private void remove(ConnectionSnapshot connection, long nowNs) {
            long id = connection.connectionId;
            long locked = filter.test(connection) ? table.lock(id) : 0;
            if (locked != 0) {
                table.removeLocked(ConnectionTable.slot(id), locked, AuditCause.FLUSHED, actor, nowNs);
                removed++;
            }
        }
    }

    @Override
    public AuditTrail audit() {
        return table.audit;
    }

    @Override
    public Iterator<Expected> expected() {
        return table.expectations.all().stream()
                .map(ConnectionTracker::expected)
                .iterator();
    }

    private static Expected expected(Expectation expectation) {
        ConnectionSnapshot expected = new ConnectionSnapshot();
        ConnectionSnapshot parent = new ConnectionSnapshot();
        SnapshotReader.copyTuple(expectation.tuple, expected);
        SnapshotReader.copyTuple(expectation.parent, parent);
        expected.mark = expectation.mark;
        expected.labelHigh = expectation.labelHigh;
        expected.labelLow = expectation.labelLow;
        return new Expected(expected, parent.original);
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
        for (int attempt = 0; ; attempt++) {
            long word = EntryTable.word(entry);
            long identity = EntryTable.identity(word);
            if ((identity ^ connectionId) >>> 32 != 0 || life(identity) == FREE) {
                return false;
            }
            if (attempt < READS_WITHOUT_LOCK) {
                // Packets of the connection find their cache line as they have left it.
                if ((word & EntryLayout.LOCKED) != 0 || !copyWhole(slot, connectionId, word, into, nowNs)) {
                    continue;
                }
            } else {
                long locked = EntryTable.lock(entry, identity);
                if (locked == 0) {
                    continue;
                }
                try {
                    SnapshotReader.copy(table, slot, connectionId, into, nowNs);
                } finally {
                    EntryTable.unlock(entry, locked);
                }
            }
            into.removed = life(identity) != ALIVE;
            Reference.reachabilityFence(this);
            return true;
        }
    }

    /** Copies an entry without its lock; false if it changed meanwhile, so that what was copied is worth nothing. */
    private boolean copyWhole(int slot, long connectionId, long word, ConnectionSnapshot into, long nowNs) {
        SnapshotReader.copy(table, slot, connectionId, into, nowNs);
        VarHandle.loadLoadFence();
        return EntryTable.word(table.entries.entry(slot)) == word;
    }

    @Override
    public long scan(long cursor, int limit, ConnectionVisitor visitor, long nowNs) {
        int end = table.entries.end();
        if (cursor < 0 || cursor >= end) {
            return -1;
        }
        int first = (int) cursor;
        int last = first + Math.min(end - first, Math.max(1, limit));
        ConnectionSnapshot snapshot = scratch.get().snapshot;
        for (int slot = first; slot < last; slot++) {
            long entry = table.entries.entry(slot);
            long identity = EntryTable.identity(EntryTable.word(entry));
            long locked = life(identity) == ALIVE ? EntryTable.lock(entry, identity) : 0;
            if (locked == 0) {
                continue;
            }
            try {
                SnapshotReader.copy(table, slot, ConnectionTable.id(slot, identity), snapshot, nowNs);
            } finally {
                EntryTable.unlock(entry, locked);
            }
            if (snapshot.timeLeftNs > 0 || snapshot.held) {
                visitor.visit(snapshot);
            }
        }
        Reference.reachabilityFence(this);
        return last >= end ? -1 : last;
    }

    @Override
    public void setListener(@Nullable ConnectionListener listener) {
        table.listener = listener;
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
    public boolean hold(long connectionId) {
        boolean held = holds.hold(connectionId);
        Reference.reachabilityFence(this);
        return held;
    }

    @Override
    public void unhold(long connectionId, @Nullable TcpResume resume) {
        holds.unhold(connectionId, resume);
        Reference.reachabilityFence(this);
    }

    @Override
    public boolean awaitEstablished(long connectionId) {
        boolean established = holds.awaitEstablished(connectionId);
        Reference.reachabilityFence(this);
        return established;
    }

    @Override
    public void forgetPorts(IntPredicate gone) {
        inPorts.forget(gone, clock.nowNs());
        Reference.reachabilityFence(this);
    }
}
