package io.turnstile.conntrack.fragment;

import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.FragmentKind;
import io.turnstile.packet.PacketBatch;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The reassembler holds fragments until their datagram is whole. What is taken out of a batch is copied, so that a
 * batch's packets stay their owner's; what is refused stays in the batch as the fragment it is, and the tracker calls
 * it invalid.
 *
 * <p>Refused are fragments with a wrong header, tiny ones, those that overlap or contradict what is held (RFC 5722:
 * such bytes are never used), and what is beyond a limit. A datagram that is not complete 15 seconds after its first
 * fragment came is dropped.
 *
 * <p>Memory is bounded by {@link #MOST_FRAGMENTS}; allocates nothing once buffers for the present load have been made.
 *
 * <p>Threads: any.
 */
public final class FragmentReassembler {
    /** No limit beyond this can be asked for ({@code dpctl/ipf-set-max-nfrags}). */
    public static final int MOST_FRAGMENTS = 5000;

    private static final int DEFAULT_MAX_FRAGMENTS = 1000;
    private static final long TIMEOUT_NS = 15_000_000_000L;
    private static final int BUCKETS = 1024;
    private static final int IPV4_MAX_HEADER_BYTES = 60;
    private static final int FAMILIES = FragmentFamily.values().length;

    /** What is counted of each family. */
    private enum Count {
        ACCEPTED,
        COMPLETED,
        EXPIRED,
        TOO_SMALL,
        OVERLAPPED,
        MALFORMED,
        BEYOND_LIMIT
    }

    /** Read without the lock by batches, to leave at once; written under it. */
    private volatile boolean anyEnabled = true;

    // All below is guarded by this.
    private final boolean[] enabled = new boolean[FAMILIES];
    private final long[] minFragmentBytes = new long[FAMILIES];
    private final long[][] counts = new long[FAMILIES][Count.values().length];
    private final FragmentBuffers buffers = new FragmentBuffers();
    private final FragmentHeader header = new FragmentHeader();
    private final @Nullable FragmentedDatagram[] buckets = new @Nullable FragmentedDatagram[BUCKETS];
    private final ArrayDeque<FragmentedDatagram> unused = new ArrayDeque<>();
    /** Which datagrams share a bucket is not for senders to choose. */
    private final long seed = ThreadLocalRandom.current().nextLong();

    private @Nullable FragmentedDatagram oldest;
    private @Nullable FragmentedDatagram newest;
    private int maxFragments = DEFAULT_MAX_FRAGMENTS;
    private int held;

    public FragmentReassembler() {
        Arrays.fill(enabled, true);
        for (FragmentFamily family : FragmentFamily.values()) {
            minFragmentBytes[family.ordinal()] = family.defaultMinFragmentBytes();
        }
    }

    /**
     * Takes fragments out of a batch that is about to be tracked. Where one completes its datagram, the whole stands in
     * the batch instead of it; the caller tracks it, calls {@link FragmentedDatagram#passOn}, sends the fragments on
     * and then calls {@link #release}.
     *
     * @param packets parsed packets
     * @param completed empty; gets the datagrams whose wholes stand in the batch now
     */
    public void takeFragments(PacketBatch packets, int zone, long nowNs, CompletedDatagrams completed) {
        if (!anyEnabled) {
            return;
        }
        synchronized (this) {
            int kept = 0;
            for (int i = 0; i < packets.length(); i++) {
                Packet packet = packets.get(i);
                Packet left = packet.fragment() == FragmentKind.NONE ? packet : admit(packet, zone, nowNs, completed);
                if (left != null) {
                    packets.set(kept++, left);
                }
            }
            packets.shorten(kept);
        }
    }

    /** Returns the fragment itself if it is refused, null if it is held, the whole if it was the last one missing. */
    private @Nullable Packet admit(Packet fragment, int zone, long nowNs, CompletedDatagrams completed) {
        if (!header.read(fragment)) {
            return fragment;
        }
        int family = header.family.ordinal();
        if (!header.last && header.networkBytes < minFragmentBytes[family]) {
            return refuse(fragment, Count.TOO_SMALL);
        }
        if (!enabled[family]) {
            return fragment;
        }
        if (!header.isPossible()) {
            return refuse(fragment, Count.MALFORMED);
        }
        int bucket = bucketOf(zone, fragment.recirculationId());
        FragmentedDatagram datagram = find(bucket, zone, fragment.recirculationId());
        if (held >= maxFragments || datagram != null && !takesMore(datagram)) {
            return refuse(fragment, Count.BEYOND_LIMIT);
        }
        int place = datagram == null ? 0 : datagram.placeOf(header);
        if (place < 0) {
            return refuse(fragment, place == FragmentedDatagram.OVERLAPS ? Count.OVERLAPPED : Count.MALFORMED);
        }
        Packet copy = buffers.take(fragment.lengthBytes());
        if (copy == null) {
            return refuse(fragment, Count.BEYOND_LIMIT);
        }
        copy.copyFrom(fragment);
        if (datagram == null) {
            datagram = begin(bucket, zone, fragment.recirculationId(), nowNs);
        }
        datagram.insert(place, copy, header);
        held++;
        counts[family][Count.ACCEPTED.ordinal()]++;
        return datagram.isComplete() ? complete(datagram, completed) : null;
    }

    private Packet refuse(Packet fragment, Count why) {
        counts[header.family.ordinal()][why.ordinal()]++;
        return fragment;
    }

    /** An IPv4 datagram has no more fragments than the smallest ones that are allowed. */
    private boolean takesMore(FragmentedDatagram datagram) {
        if (datagram.hasFailed()) {
            return false;
        }
        long least = minFragmentBytes[FragmentFamily.IPV4.ordinal()] - IPV4_MAX_HEADER_BYTES;
        return datagram.family() == FragmentFamily.IPV6
                || datagram.fragmentCount()
                        < Math.ceilDiv(FragmentHeader.MAX_LENGTH_FIELD - IPV4_MAX_HEADER_BYTES, least);
    }

    private @Nullable Packet complete(FragmentedDatagram datagram, CompletedDatagrams completed) {
        Packet whole = buffers.takeWhole();
        if (!datagram.assemble(whole)) {
            buffers.giveWhole(whole);
            return null;
        }
        unlink(datagram);
        counts[datagram.family().ordinal()][Count.COMPLETED.ordinal()] += datagram.fragmentCount();
        completed.add(datagram);
        return whole;
    }

    /** The completed datagrams have been sent on: their buffers may be used again. Empties {@code completed}. */
    public synchronized void release(CompletedDatagrams completed) {
        for (int i = 0; i < completed.length(); i++) {
            recycle(completed.get(i));
        }
        completed.clear();
    }

    /** Drops what has waited too long; returns how many fragments that were. */
    public synchronized int expire(long nowNs) {
        int expired = 0;
        while (oldest != null && nowNs - oldest.deadlineNs > 0) {
            expired += drop(oldest);
        }
        return expired;
    }

    /**
     * Fragments that came in by ports that are gone wait on, but came in by none from now on, so that the ports'
     * numbers can be others'.
     */
    public synchronized void forgetPorts(IntPredicate gone) {
        for (FragmentedDatagram datagram = oldest; datagram != null; datagram = datagram.newer) {
            datagram.forgetPorts(gone);
        }
    }

    private int drop(FragmentedDatagram datagram) {
        unlink(datagram);
        int fragments = datagram.fragmentCount();
        counts[datagram.family().ordinal()][Count.EXPIRED.ordinal()] += fragments;
        recycle(datagram);
        return fragments;
    }

    private void recycle(FragmentedDatagram datagram) {
        datagram.clear(buffers);
        unused.add(datagram);
    }

    // ---- the table ----

    private int bucketOf(int zone, int recirculationId) {
        long hash = mix(seed, header.sourceLow ^ Long.rotateLeft(header.sourceHigh, 17));
        hash = mix(hash, header.destinationLow ^ Long.rotateLeft(header.destinationHigh, 17));
        hash = mix(hash, (long) header.identification << 32 | zone << 8 | header.protocol);
        return (int) (mix(hash, recirculationId) >>> 32) & BUCKETS - 1;
    }

    private long mix(long hash, long word) {
        long mixed = (hash ^ word) * 0x9e37_79b9_7f4a_7c15L + seed;
        return (mixed ^ mixed >>> 29) * 0xbf58_476d_1ce4_e5b9L;
    }

    private @Nullable FragmentedDatagram find(int bucket, int zone, int recirculationId) {
        FragmentedDatagram datagram = buckets[bucket];
        while (datagram != null && !datagram.is(header, zone, recirculationId)) {
            datagram = datagram.nextInBucket;
        }
        return datagram;
    }

    private FragmentedDatagram begin(int bucket, int zone, int recirculationId, long nowNs) {
        FragmentedDatagram reused = unused.pollLast();
        FragmentedDatagram datagram = reused != null ? reused : new FragmentedDatagram();
        datagram.begin(header, zone, recirculationId);
        datagram.bucket = bucket;
        datagram.nextInBucket = buckets[bucket];
        buckets[bucket] = datagram;
        datagram.deadlineNs = nowNs + TIMEOUT_NS;
        datagram.newer = null;
        datagram.older = newest;
        if (newest == null) {
            oldest = datagram;
        } else {
            newest.newer = datagram;
        }
        newest = datagram;
        return datagram;
    }

    private void unlink(FragmentedDatagram datagram) {
        held -= datagram.fragmentCount();
        FragmentedDatagram before = chained(buckets[datagram.bucket]);
        if (before == datagram) {
            buckets[datagram.bucket] = datagram.nextInBucket;
        } else {
            while (before.nextInBucket != datagram) {
                before = chained(before.nextInBucket);
            }
            before.nextInBucket = datagram.nextInBucket;
        }
        if (datagram.older == null) {
            oldest = datagram.newer;
        } else {
            datagram.older.newer = datagram.newer;
        }
        if (datagram.newer == null) {
            newest = datagram.older;
        } else {
            datagram.newer.older = datagram.older;
        }
        datagram.nextInBucket = null;
        datagram.older = null;
        datagram.newer = null;
    }

    private static FragmentedDatagram chained(@Nullable FragmentedDatagram next) {
        return Objects.requireNonNull(next, "a datagram that is held is in the chain of its bucket");
    }

    // ---- switches, limits, looking ----

    /** Whether fragments of the family are held ({@code dpctl/ipf-set-enabled}); what is held already waits on. */
    public synchronized void setEnabled(FragmentFamily family, boolean on) {
        enabled[family.ordinal()] = on;
        anyEnabled = enabled[0] || enabled[1];
    }

    /**
     * How long a fragment that is not the last has to be, network header included.
     *
     * @throws IllegalArgumentException below {@link FragmentFamily#LEAST_MIN_FRAGMENT_BYTES}
     */
    public synchronized void setMinFragmentBytes(FragmentFamily family, long bytes) {
        if (bytes < FragmentFamily.LEAST_MIN_FRAGMENT_BYTES) {
            throw new IllegalArgumentException("fragments of " + bytes + " bytes are too small");
        }
        minFragmentBytes[family.ordinal()] = bytes;
    }

    /**
     * How many fragments may be held at once; what is held already stays.
     *
     * @throws IllegalArgumentException beyond {@link #MOST_FRAGMENTS}
     */
    public synchronized void setMaxFragments(int fragments) {
        if (fragments < 0 || fragments > MOST_FRAGMENTS) {
            throw new IllegalArgumentException(fragments + " fragments are too many");
        }
        maxFragments = fragments;
    }

    public synchronized FragmentStatus status() {
        return new FragmentStatus(maxFragments, held, status(FragmentFamily.IPV4), status(FragmentFamily.IPV6));
    }

    private FragmentStatus.Family status(FragmentFamily family) {
        int index = family.ordinal();
        long[] count = counts[index];
        return new FragmentStatus.Family(
                enabled[index],
                minFragmentBytes[index],
                count[Count.ACCEPTED.ordinal()],
                count[Count.COMPLETED.ordinal()],
                count[Count.EXPIRED.ordinal()],
                count[Count.TOO_SMALL.ordinal()],
                count[Count.OVERLAPPED.ordinal()],
                count[Count.MALFORMED.ordinal()],
                count[Count.BEYOND_LIMIT.ordinal()]);
    }

    /** What is held now, oldest first. */
    public synchronized List<IncompleteDatagram> incomplete() {
        List<IncompleteDatagram> all = new ArrayList<>();
        for (FragmentedDatagram datagram = oldest; datagram != null; datagram = datagram.newer) {
            all.add(datagram.snapshot());
        }
        return all;
    }
}
