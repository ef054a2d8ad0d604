package io.turnstile.datapath;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.Port;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One thread's scratch for forwarding: packets, keys, the exact-match cache, and the mark that tells others whether a batch is
 * under way. Made by {@link Datapath#newContext}, used by one thread at a time.
 */
public final class ForwardingContext {
    private static final int EXACT_MATCH_SLOTS = 8192;
    /** Lists of {@code ct(table=…)} can multiply packets at each turn; beyond this the batch has lost its mind. */
    private static final int MAX_CLONES = 1024;
    private static final int BUFFER_BYTES = Packet.HEADROOM_BYTES + Packet.MAX_FRAME_BYTES;
    /** Buffers start a cache line apart modulo the page, or all headers would fight for the same cache sets. */
    private static final int STAGGER_BYTES = 192;

    private final Packet[] pool = new Packet[PacketBatch.CAPACITY];
    final PacketBatch received = new PacketBatch();

    /** Packets to look at in the next turn: what came in, then what goes round again. */
    PacketQueue next = new PacketQueue();
    private PacketQueue current = new PacketQueue();
    final PacketBatch slice = new PacketBatch();

    /** Copies for packets that go round while their original goes on; kept for the next batches. */
    private final List<Packet> clones = new ArrayList<>();
    private int clonesTaken;

    final long[] key = FlowKey.newKey();
    final long[] scratchKey = FlowKey.newKey();
    private final DatapathFlow[] exactMatch = new DatapathFlow[EXACT_MATCH_SLOTS];

    // Packets of one flow in this turn: ct() and counters work on the group.
    final PacketBatch[] groupPackets = new PacketBatch[PacketBatch.CAPACITY];
    final DatapathFlow[] groupFlows = new DatapathFlow[PacketBatch.CAPACITY];
    final long[] groupBytes = new long[PacketBatch.CAPACITY];
    final int[] groupTcpFlags = new int[PacketBatch.CAPACITY];
    int groups;

    private Port[] touched = new Port[8];
    private int touchedLength;

    /** Odd while a batch is under way. Written by the owner, read by {@link Datapath#awaitQuiescence}. */
    volatile long epoch;
    long nowNs;
    long hits;
    long misses;

    ForwardingContext() {
        long stride = (BUFFER_BYTES + STAGGER_BYTES + 63) / 64 * 64;
        // Untouched pages of the large buffers cost address space only.
        var slab = Arena.ofAuto().allocate(stride * pool.length, 64);
        for (int i = 0; i < pool.length; i++) {
            pool[i] = new Packet(slab.asSlice(i * stride, BUFFER_BYTES));
            groupPackets[i] = new PacketBatch();
        }
    }

    /** Packets for {@link Port#receive}; theirs is the thread that owns this context. */
    public Packet[] pool() {
        return pool;
    }

    /** What was collected for the next turn is this turn's now. */
    PacketQueue turn() {
        PacketQueue done = current;
        current = next;
        next = done;
        next.clear();
        return current;
    }

    /** A packet to copy into, valid until the end of the batch; null if the batch has taken too many. */
    Packet takeClone() {
        if (clonesTaken == clones.size()) {
            if (clonesTaken == MAX_CLONES) {
                return null;
            }
            clones.add(new Packet(Arena.ofAuto().allocate(BUFFER_BYTES, 64)));
        }
        return clones.get(clonesTaken++);
    }

    /** Nothing of the batch is left: ports send, copies are free again. */
    void endBatch() {
        flushTouched();
        next.clear();
        clonesTaken = 0;
    }

    /** A hash over the fields that tell connections apart; equal keys hash alike. */
    private static int slotOf(long[] key) {
        long hash = mix(key[FlowKey.IN_PORT_RECIRC], key[FlowKey.CT_STATE_ZONE_MARK]);
        hash = mix(hash, key[FlowKey.NW_ADDR] ^ key[FlowKey.IPV6_SRC + 1]);
        hash = mix(hash, key[FlowKey.IPV6_DST + 1] ^ key[FlowKey.IPV6_SRC]);
        hash = mix(hash, key[FlowKey.TP_IPV6_LABEL] ^ key[FlowKey.NW_MISC]);
        hash = mix(hash, key[FlowKey.ETH_DST_TYPE]);
        hash = mix(hash, key[FlowKey.ETH_SRC_VLAN]);
        return (int) (hash >>> 40) & (EXACT_MATCH_SLOTS - 1);
    }

    private static long mix(long a, long b) {
        long mixed = (a ^ b) * 0x9e37_79b9_7f4a_7c15L;
        return mixed ^ (mixed >>> 29) ^ (b << 17);
    }

    /** The flow last seen for packets like this one, if it is alive and really matches. */
    DatapathFlow findExact(int slot) {
        DatapathFlow flow = exactMatch[slot];
        return flow != null && !flow.isDead() && flow.matches(key) ? flow : null;
    }

    int exactSlot() {
        return slotOf(key);
    }

    void rememberExact(int slot, DatapathFlow flow) {
        exactMatch[slot] = flow;
    }

    /** Adds the packet to its flow's group; packets of one flow mostly come in a row. */
    void group(DatapathFlow flow, Packet packet, int tcpFlags) {
        int index = groups - 1;
        while (index >= 0 && groupFlows[index] != flow) {
            index--;
        }
        if (index < 0) {
            index = groups++;
            groupFlows[index] = flow;
            groupPackets[index].clear();
            groupBytes[index] = 0;
            groupTcpFlags[index] = 0;
        }
        groupPackets[index].add(packet);
        groupBytes[index] += packet.lengthBytes();
        groupTcpFlags[index] |= tcpFlags;
    }

    /** Remembers to flush the port at the end of the batch. */
    void touch(Port port) {
        for (int i = 0; i < touchedLength; i++) {
            if (touched[i] == port) {
                return;
            }
        }
        if (touchedLength == touched.length) {
            touched = Arrays.copyOf(touched, touchedLength * 2);
        }
        touched[touchedLength++] = port;
    }

    private void flushTouched() {
        for (int i = 0; i < touchedLength; i++) {
            touched[i].flush();
            touched[i] = null;
        }
        touchedLength = 0;
    }
}
