package io.turnstile.datapath;

import io.turnstile.conntrack.fragment.CompletedDatagrams;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.Port;
import java.lang.foreign.Arena;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One thread's working memory for forwarding: packets, keys, the exact-match cache, and the mark that says to others
 * whether a batch is under way. Made by {@link Datapath#newContext}, used by one thread at a time.
 */
public final class ForwardingContext {
    private static final int EXACT_MATCH_SLOTS = 8192;
    private static final int MAX_DEPTH = 6;
    /** Comparing with more flows than that takes longer than the exact-match cache. */
    private static final int RECENT_GROUPS = 4;

    private static final int BUFFER_BYTES = Packet.HEADROOM_BYTES + Packet.MAX_FRAME_BYTES;
    /** Buffers start a cache line apart modulo the page, or all headers would fight for the same cache sets. */
    private static final int STAGGER_BYTES = 192;

    private final Packet[] pool = new Packet[PacketBatch.CAPACITY];
    final PacketBatch received = new PacketBatch();

    /** Packets to look up in this round, and those that are recirculated to the next. */
    PacketBatch current = new PacketBatch();

    PacketBatch recirculated = new PacketBatch();

    final long[] key = FlowKey.newKey();
    final long[] scratchKey = FlowKey.newKey();
    private final DatapathFlow[] exactMatch = new DatapathFlow[EXACT_MATCH_SLOTS];

    // Packets of one flow in this round: ct() and counters work on the group.
    final PacketBatch[] groupPackets = new PacketBatch[PacketBatch.CAPACITY];
    final DatapathFlow[] groupFlows = new DatapathFlow[PacketBatch.CAPACITY];
    final long[] groupBytes = new long[PacketBatch.CAPACITY];
    final int[] groupTcpFlags = new int[PacketBatch.CAPACITY];
    /** Frames on the wire that joined frames of the group stand for beyond their number. */
    final int[] groupFollowing = new int[PacketBatch.CAPACITY];

    int groups;

    /** Datagrams whose fragments are to go on after {@code ct()}; empty but for that moment. */
    final CompletedDatagrams completed = new CompletedDatagrams();

    /** For copies and fragments, which are forwarded apart from the batch; allocated when first needed. */
    private @Nullable ForwardingContext nested;

    private final int depth;

    /**
     * Whether the walks of the packets in this batch are written down; false wherever copies and fragments are
     * forwarded.
     */
    boolean watched;

    /** Where they are; allocated when first needed. */
    private @Nullable Trails trails;

    /** Ports that were sent to in this batch. */
    Port[] unflushed = new Port[8];

    int unflushedLength;

    /** Odd while a batch is under way. Written by the owner, read by {@link GracePeriods#await}. */
    private volatile long epoch;
    /** Who runs the batch under way; exact for the thread that asks about itself, which is all that is asked. */
    private @Nullable Thread runner;

    long nowNs;
    long hits;
    long misses;

    ForwardingContext() {
        this(0);
    }

    private ForwardingContext(int depth) {
        this.depth = depth;
        long stride = (BUFFER_BYTES + STAGGER_BYTES + 63) / 64 * 64;
        var slab = Arena.ofAuto().allocate(stride * pool.length, 64);
        for (int i = 0; i < pool.length; i++) {
            pool[i] = new Packet(slab.asSlice(i * stride, BUFFER_BYTES));
            groupPackets[i] = new PacketBatch();
        }
    }

    /** Packets for {@link Port#receive}; they belong to the thread that owns this context. */
    public Packet[] pool() {
        return pool;
    }

    /**
     * Where copies of this context's packets are forwarded; null beyond the depth to which copies may be copied again.
     */
    @Nullable
    ForwardingContext nested() {
        if (nested == null && depth < MAX_DEPTH) {
            nested = new ForwardingContext(depth + 1);
        }
        return nested;
    }

    /** A hash over the fields that tell connections apart; equal keys hash alike. */
    private static int slotOf(long[] key) {
        long hash = mix(key[FlowKey.IN_PORT_RECIRC], key[FlowKey.CT_STATE_ZONE_MARK]);
        hash = mix(hash, key[FlowKey.NW_ADDR] ^ key[FlowKey.IPV6_SRC + 1]);
        hash = mix(hash, key[FlowKey.IPV6_DST + 1] ^ key[FlowKey.IPV6_SRC]);
        hash = mix(hash, key[FlowKey.TP_IPV6_LABEL] ^ key[FlowKey.NW_MISC]);
        hash = mix(hash, key[FlowKey.ETH_DST_TYPE] ^ key[FlowKey.NSH]);
        hash = mix(hash, key[FlowKey.ETH_SRC_VLAN] ^ key[FlowKey.VLAN_TAGS] ^ key[FlowKey.MPLS_LABELS]);
        return (int) (hash >>> 40) & (EXACT_MATCH_SLOTS - 1);
    }

    private static long mix(long a, long b) {
        long mixed = (a ^ b) * 0x9e37_79b9_7f4a_7c15L;
        return mixed ^ (mixed >>> 29) ^ (b << 17);
    }

    /** The flow last seen for packets like this one, if it is alive and really matches; else null. */
    @Nullable
    DatapathFlow findExact(int slot) {
        DatapathFlow flow = exactMatch[slot];
        return flow != null && !flow.isDead() && flow.matches(key) ? flow : null;
    }

    int exactSlot() {
        return slotOf(key);
    }

    /** Flows for one packet only are not remembered: they would push out one that is worth it. */
    void rememberExact(int slot, DatapathFlow flow) {
        if (!flow.isDead()) {
            exactMatch[slot] = flow;
        }
    }

    /**
     * The group of the packet with this key, if its flow is one of the last few that were met in this round; else -1.
     * Flows for one packet only are dead, and are nobody else's.
     */
    int recentGroup() {
        for (int group = groups - 1; group >= Math.max(0, groups - RECENT_GROUPS); group--) {
            DatapathFlow flow = groupFlows[group];
            if (flow.matches(key) && !flow.isDead()) {
                return group;
            }
        }
        return -1;
    }

    /** The flow's group in this round, which begins here unless it has. */
    int groupOf(DatapathFlow flow) {
        int group = groups - 1;
        while (group >= 0 && groupFlows[group] != flow) {
            group--;
        }
        if (group < 0) {
            group = groups++;
            groupFlows[group] = flow;
            groupPackets[group].clear();
            groupBytes[group] = 0;
            groupTcpFlags[group] = 0;
            groupFollowing[group] = 0;
        }
        return group;
    }

    void add(int group, Packet packet, int tcpFlags) {
        groupPackets[group].add(packet);
        groupBytes[group] += packet.lengthBytes();
        groupTcpFlags[group] |= tcpFlags;
        if (packet.segmentBytes() != 0) {
            int following = JoinedFrame.segments(packet) - 1;
            groupFollowing[group] += following;
            groupBytes[group] += (long) following * JoinedFrame.headerBytes(packet);
        }
    }

    /** Whether any walk was ever written down. */
    boolean hasTrails() {
        return trails != null;
    }

    /** What is written down of the packets' walks while {@link #watched}. */
    Trails trails() {
        if (trails == null) {
            trails = new Trails();
        }
        return trails;
    }

    /** Remembers to flush the port at the end of the batch. */
    void flushLater(Port port) {
        for (int i = 0; i < unflushedLength; i++) {
            if (unflushed[i] == port) {
                return;
            }
        }
        if (unflushedLength == unflushed.length) {
            unflushed = Arrays.copyOf(unflushed, unflushedLength * 2);
        }
        unflushed[unflushedLength++] = port;
    }

    /** What was recirculated is what is looked up next. */
    void takeRecirculated() {
        PacketBatch done = current;
        current = recirculated;
        recirculated = done;
    }

    // ---- the mark of a batch under way ----

    /**
     * A batch begins.
     *
     * @throws IllegalStateException if one is under way already: the context is used by two threads, or by a callback
     *     of its own batch
     */
    void enter() {
        long now = epoch;
        if ((now & 1) != 0) {
            throw new IllegalStateException("a batch is under way in this context");
        }
        runner = Thread.currentThread();
        epoch = now + 1;
    }

    void leave() {
        unflushedLength = 0;
        runner = null;
        epoch++; // Only the owner writes it.
    }

    long epoch() {
        return epoch;
    }

    boolean isRunBy(Thread thread) {
        return runner == thread;
    }
}
