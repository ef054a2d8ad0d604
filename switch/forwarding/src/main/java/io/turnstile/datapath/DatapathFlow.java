package io.turnstile.datapath;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One datapath flow (megaflow): which packets, what to do, and what came by. Its match never changes; it is born live
 * and dies once.
 *
 * <p>Threads: any may read and count; {@link #kill} by whoever removes it.
 */
public final class DatapathFlow {
    private static final VarHandle PACKETS;
    private static final VarHandle BYTES;
    private static final VarHandle TCP_FLAGS;
    private static final VarHandle LAST_USED;
    private static final VarHandle CARRIED_PACKETS;
    private static final VarHandle CARRIED_BYTES;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            PACKETS = lookup.findVarHandle(DatapathFlow.class, "packets", long.class);
            BYTES = lookup.findVarHandle(DatapathFlow.class, "bytes", long.class);
            TCP_FLAGS = lookup.findVarHandle(DatapathFlow.class, "tcpFlags", int.class);
            LAST_USED = lookup.findVarHandle(DatapathFlow.class, "lastUsedNs", long.class);
            CARRIED_PACKETS = lookup.findVarHandle(DatapathFlow.class, "carriedPackets", long.class);
            CARRIED_BYTES = lookup.findVarHandle(DatapathFlow.class, "carriedBytes", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final long[] firstKey;
    private final long[] key;
    private final long[] mask;
    private final int[] words;
    private final DatapathAction[] actions;
    private final Object owner;
    private final long createdNs;
    final long maskedHash;

    /** Chain of the sub-table's bucket; written under the cache's lock, read without it. */
    volatile @Nullable DatapathFlow next;

    /** Why a flow never comes into the cache. */
    public enum Uncached {
        /** What becomes of a packet is not the same for the next one. */
        FOR_ONE_PACKET,
        CACHE_FULL
    }

    private volatile boolean dead;
    private volatile @Nullable Uncached uncached;
    private volatile long packets;
    private volatile long bytes;
    private volatile long lastUsedNs;
    private volatile int tcpFlags;
    private volatile long missedPackets;
    private volatile long missedBytes;
    private volatile long carriedPackets;
    private volatile long carriedBytes;

    // What has been pushed to the owner already; guarded by the datapath's statistics lock.
    long pushedPackets;
    long pushedBytes;

    DatapathFlow(long[] packetKey, long[] mask, DatapathAction[] actions, Object owner, long nowNs) {
        this.mask = Arrays.copyOf(mask, FlowKey.DATAPATH_WORDS);
        this.words = wordsOf(this.mask);
        this.firstKey = Arrays.copyOf(packetKey, FlowKey.DATAPATH_WORDS);
        this.key = new long[FlowKey.DATAPATH_WORDS];
        for (int word : words) {
            key[word] = packetKey[word] & mask[word];
        }
        this.actions = actions;
        this.owner = owner;
        this.createdNs = nowNs;
        this.lastUsedNs = nowNs;
        this.maskedHash = hashMasked(packetKey, this.mask, words);
    }

    /** The same with the counts of a flow whose place it takes. */
    DatapathFlow(long[] packetKey, long[] mask, DatapathAction[] actions, Object owner, DatapathFlow former) {
        this(packetKey, mask, actions, owner, former.createdNs);
        packets = former.packets;
        bytes = former.bytes;
        lastUsedNs = former.lastUsedNs;
        tcpFlags = former.tcpFlags;
        missedPackets = former.missedPackets;
        missedBytes = former.missedBytes;
        pushedPackets = packets;
        pushedBytes = bytes;
    }

    /**
     * Adds the counts of a flow with the same match that was there before. Guarded by the datapath's statistics lock;
     * they have been pushed to the other's owner.
     */
    synchronized void takeOver(DatapathFlow former) {
        PACKETS.getAndAdd(this, former.packets);
        BYTES.getAndAdd(this, former.bytes);
        pushedPackets += former.packets;
        pushedBytes += former.bytes;
        missedPackets += former.missedPackets;
        missedBytes += former.missedBytes;
        TCP_FLAGS.getAndBitwiseOr(this, former.tcpFlags);
    }

    /** True if every bit that {@code other} looks at is looked at by this flow. */
    boolean looksAtAllOf(long[] other) {
        for (int i = 0; i < FlowKey.DATAPATH_WORDS; i++) {
            if ((other[i] & ~mask[i]) != 0) {
                return false;
            }
        }
        return true;
    }

    static int[] wordsOf(long[] mask) {
        int[] words = new int[FlowKey.DATAPATH_WORDS];
        int length = 0;
        for (int i = 0; i < FlowKey.DATAPATH_WORDS; i++) {
            if (mask[i] != 0) {
                words[length++] = i;
            }
        }
        return Arrays.copyOf(words, length);
    }

    static long hashMasked(long[] key, long[] mask, int[] words) {
        long hash = FlowKey.HASH_SEED;
        for (int word : words) {
            hash = FlowKey.hash(hash, key[word] & mask[word]);
        }
        return hash;
    }

    /** True if the packet with this key is one of the flow's. */
    boolean matches(long[] packetKey) {
        for (int word : words) {
            if ((packetKey[word] & mask[word]) != key[word]) {
                return false;
            }
        }
        return true;
    }

    /**
     * Adds a group of packets. Atomic additions, once a group rather than once a packet: several threads may forward
     * packets of one flow, and no count may be lost; per-thread counters would cost memory for each of 200 000 flows
     * and thread.
     */
    void count(int packetDelta, long byteDelta, int flags, long nowNs) {
        PACKETS.getAndAdd(this, (long) packetDelta);
        BYTES.getAndAdd(this, byteDelta);
        if (lastUsedNs != nowNs) {
            lastUsedNs = nowNs;
        }
        if ((tcpFlags | flags) != tcpFlags) {
            TCP_FLAGS.getAndBitwiseOr(this, flags);
        }
    }

    /**
     * Notes that packets which will be {@linkplain #count counted} have met no flow: it was made for them. As in Open
     * vSwitch the flow does not show them.
     */
    synchronized void countMiss(int packetDelta, long byteDelta) {
        missedPackets += packetDelta;
        missedBytes += byteDelta;
    }

    /** Adds packets that somebody else forwarded as the flow says. */
    void countCarried(long packetDelta, long byteDelta, long usedNs) {
        CARRIED_PACKETS.getAndAdd(this, packetDelta);
        CARRIED_BYTES.getAndAdd(this, byteDelta);
        PACKETS.getAndAdd(this, packetDelta);
        BYTES.getAndAdd(this, byteDelta);
        for (long used = lastUsedNs; usedNs - used > 0; used = lastUsedNs) {
            LAST_USED.compareAndSet(this, used, usedNs);
        }
    }

    void kill() {
        dead = true;
    }

    /** The flow is for the packet that made it, and dead from the start. */
    void leaveOut(Uncached why) {
        uncached = why;
        kill();
    }

    /** Why the flow has never been in the cache; null if it has, or was translated while rules changed. */
    public @Nullable Uncached uncached() {
        return uncached;
    }

    /** True once the flow has been removed: no batch that begins afterwards uses it. */
    public boolean isDead() {
        return dead;
    }

    /** The whole key of the packet that made the flow, as Open vSwitch shows flows; not to be changed. */
    public long[] firstKey() {
        return firstKey;
    }

    /** The masked key, {@link FlowKey#DATAPATH_WORDS} longs; not to be changed. */
    public long[] key() {
        return key;
    }

    /** The mask, {@link FlowKey#DATAPATH_WORDS} longs; not to be changed. */
    public long[] mask() {
        return mask;
    }

    /** 128 bits that name the flow by its match (dump-flows: ufid). */
    public UUID uniqueId() {
        return DatapathFlowText.uniqueId(key, mask);
    }

    /** Whether somebody has put it in, not the pipeline. */
    public boolean isByHand() {
        return owner instanceof HandMade;
    }

    /** What is done with its packets; not to be changed. */
    public DatapathAction[] actions() {
        return actions;
    }

    /** The pipeline's record of the translation. */
    public Object owner() {
        return owner;
    }

    /** How many packets have met the flow when it was there already. */
    public long hitPackets() {
        return packets - missedPackets;
    }

    /** The bytes of {@link #hitPackets}. */
    public long hitBytes() {
        return bytes - missedBytes;
    }

    /** How many packets were treated as the flow says, those that it was made for among them. */
    public long packetCount() {
        return packets;
    }

    public long byteCount() {
        return bytes;
    }

    /** How many of {@link #packetCount} a provider has forwarded. */
    public long carriedPackets() {
        return carriedPackets;
    }

    /** How many of {@link #byteCount} a provider has forwarded. */
    public long carriedBytes() {
        return carriedBytes;
    }

    public long createdNs() {
        return createdNs;
    }

    /** Time of the last packet; the flow's birth before the first. */
    public long lastUsedNs() {
        return lastUsedNs;
    }

    /** All TCP flags of {@link #hitPackets}, as in the header's low 12 bits. */
    public int tcpFlags() {
        return tcpFlags;
    }
}
