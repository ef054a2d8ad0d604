package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ALIVE;
import static io.turnstile.conntrack.EntryLayout.FREE;
import static io.turnstile.conntrack.EntryLayout.life;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.Expectations.Expectation;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.lang.ref.Reference;
import java.security.SecureRandom;
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
 * {@linkplain EntryLayout extension}, about 15 of index for each that may live. It is freed when the tracker is
 * garbage.
 */
public final class ConnectionTracker implements Conntrack, ConntrackControl {
    private static final long TICK_NS = 1L << ExpiryWheel.TICK_SHIFT;
    /** No sweep is put off longer than this. */
    private static final int LONGEST_WAIT_TICKS = 16;

    private static final int POLL_LENGTH = 256;
    private static final int SCAN_LENGTH = 4096;
    private static final int FLUSH_LENGTH = 32;
    private static final int DEFAULT_SWEEP_INTERVAL_MS = 20_000;

    private final Clock clock;
    private final ConnectionTable table;
    private final Holds holds;
    private final InPorts inPorts;
    private final InvalidCounters invalid = new InvalidCounters();
    private final FirstPackets firstPackets;
    private final PacketTracking packetTracking;
    private final ThreadLocal<TrackingScratch> scratch;
    private final int[] due = new int[POLL_LENGTH]; // the sweeper's
    /** Keeps early reads from being taken for useless. */
    @SuppressWarnings("UnusedVariable") // to be written is all that it is for
    private long flushPrefetched;

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
    public void visitBuckets(BucketVisitor visitor) {
        table.index.visit(visitor);
        Reference.reachabilityFence(this);
    }

    @Override
    public int track(PacketBatch packets, CtRequest request, long nowNs) {
        int dropped = packetTracking.track(packets, request, nowNs, scratch.get());
        Reference.reachabilityFence(this); // its memory must not be freed before
        return dropped;
    }

    @Override
    public long sweep(long nowNs) {
        int idleTicks = LONGEST_WAIT_TICKS;
        for (ExpiryWheel wheel : table.wheels()) {
            wheel.advance(nowNs);
            for (int count = wheel.poll(due); count > 0; count = wheel.poll(due)) {
                for (int i = 0; i < count; i++) {
                    table.checkDeadline(due[i], nowNs);
                }
            }
            idleTicks = Math.min(idleTicks, wheel.idleTicks(idleTicks));
        }
        Reference.reachabilityFence(this);
        return Math.min(Math.max(1, idleTicks) * TICK_NS, sweepIntervalMs * 1_000_000L);
    }

    @Override
    public int flush(@Nullable Integer zone, long nowNs) {
        int removed = 0;
        int end = table.entries.end();
        for (int from = 0; from < end; from += FLUSH_LENGTH) {
            int to = Math.min(end, from + FLUSH_LENGTH);
            prefetchBuckets(from, to);
            for (int slot = from; slot < to; slot++) {
                removed += flushSlot(slot, zone, nowNs) ? 1 : 0;
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
        flushPrefetched = prefetched;
    }

    private boolean flushSlot(int slot, @Nullable Integer zone, long nowNs) {
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
        table.removeLocked(slot, locked, RemovalReason.FLUSHED, nowNs);
        return true;
    }

    @Override
    public int flushMatching(Predicate<ConnectionSnapshot> filter, long nowNs) {
        int[] removed = new int[1];
        long cursor = 0;
        while (cursor >= 0) {
            cursor = scan(
                    cursor,
                    SCAN_LENGTH,
                    connection -> {
                        long locked = filter.test(connection) ? table.lock(connection.connectionId) : 0;
                        if (locked != 0) {
                            table.removeLocked(
                                    ConnectionTable.slot(connection.connectionId),
                                    locked,
                                    RemovalReason.FLUSHED,
                                    nowNs);
                            removed[0]++;
                        }
                    },
                    nowNs);
        }
        return removed[0];
    }

    @Override
    public void visitExpected(ExpectationVisitor visitor) {
        for (Expectation expectation : table.expectations.all()) {
            ConnectionSnapshot expected = new ConnectionSnapshot();
            ConnectionSnapshot parent = new ConnectionSnapshot();
            SnapshotReader.copyTuple(expectation.tuple, expected);
            SnapshotReader.copyTuple(expectation.parent, parent);
            expected.mark = expectation.mark;
            expected.labelHigh = expectation.labelHigh;
            expected.labelLow = expectation.labelLow;
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
                SnapshotReader.copy(table, slot, connectionId, into, nowNs);
                into.removed = life(identity) != ALIVE;
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
            SnapshotReader.copy(table, slot, ConnectionTable.id(slot, identity), snapshot, nowNs);
            EntryTable.unlock(entry, locked);
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
