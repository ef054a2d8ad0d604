package io.turnstile.conntrack;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The connections themselves: entries of {@link #ENTRY_BYTES} off-heap bytes in chunks that are made as the table grows, with a
 * lock-free list of free slots. This class is the layout; every offset stands here once.
 *
 * <p>Threads: plain accessors under the entry's lock ({@link #lock}) unless said otherwise; slots are taken and given back by any thread.
 */
final class Entries {
    // ---- layout, bytes from the start of an entry ----
    private static final int GENERATION = 0;        // int, changes with every use of the slot, never 0
    private static final int FLAGS = 4;             // int, bits below
    private static final int SOURCE_HIGH = 8;       // long ×4: addresses of the original direction
    private static final int SOURCE_LOW = 16;
    private static final int DESTINATION_HIGH = 24;
    private static final int DESTINATION_LOW = 32;
    private static final int L4 = 40;               // long, as PacketTuple.l4
    private static final int ZONE = 48;             // int
    private static final int MARK = 52;             // int
    private static final int LABEL_HIGH = 56;       // long
    private static final int LABEL_LOW = 64;        // long
    private static final int DEADLINE = 72;         // long, ns
    private static final int ASKED_DEADLINE = 80;   // long, the deadline that the listener was asked about
    private static final int ORIGINAL_IN_PORT = 88; // int
    private static final int REPLY_IN_PORT = 92;    // int
    private static final int LOCK = 96;             // int, 0 free
    private static final int HOLDS = 100;           // int, who still needs the slot after removal
    private static final int HASH = 104;            // int
    private static final int NEXT_IN_BUCKET = 108;  // int, slot + 1; read without the lock
    private static final int WHEEL_NEXT = 112;      // int, slot + 1; the sweeper's own
    private static final int WHEEL_PREVIOUS = 116;  // int, slot + 1; the sweeper's own
    private static final int WHEEL_SLOT = 120;      // int, -1 while in no list; the sweeper's own
    private static final int INBOX_NEXT = 124;      // int, slot + 1
    private static final int TIMEOUT_CLASS = 128;   // int
    private static final int SIMPLE_STATE = 132;    // int, of protocols without windows
    private static final int PEERS = 136;           // 2 × PEER_BYTES, original sender first
    private static final int PEER_BYTES = 20;
    static final int ENTRY_BYTES = 192;

    // Of a TCP peer.
    private static final int SEQ_LOW = 0;           // int
    private static final int SEQ_HIGH = 4;          // int
    private static final int MAX_WINDOW = 8;        // int
    private static final int WINDOW_SCALE = 12;     // int
    private static final int TCP_STATE = 16;        // int

    // ---- flags ----
    static final int LIVE = 1;
    /** Nobody wants to hear of replies any more ({@link ConnectionListener#onReply} said so). */
    static final int REPLY_REPORTED = 2;
    static final int REPLY_SEEN = 4;
    static final int IN_INBOX = 8;
    /** Window check lenient for the original sender; the reply sender's bit is the next one. */
    static final int LENIENT = 16;
    static final int LENIENT_BOTH = LENIENT | LENIENT << 1;
    static final int ASKED = 64;

    private static final int CHUNK_SHIFT = 14;
    private static final int CHUNK_SLOTS = 1 << CHUNK_SHIFT;
    private static final VarHandle INT_ACCESS = ValueLayout.JAVA_INT.varHandle();

    private final int maxSlots;
    private final Arena arena = Arena.ofAuto();
    private volatile MemorySegment[] chunks = {};
    private final AtomicInteger usedSlots = new AtomicInteger();
    /** Tag in the upper half against ABA, slot + 1 in the lower, 0 for an empty list. */
    private final AtomicLong freeList = new AtomicLong();

    Entries(int maxSlots) {
        this.maxSlots = maxSlots;
    }

    // ---- slots ----

    /** A slot of one's own with a new generation, -1 if all are taken. */
    int take() {
        for (long head = freeList.get(); (int) head != 0; head = freeList.get()) {
            int slot = (int) head - 1;
            long next = ((head >>> 32) + 1) << 32 | (nextFree(slot) & 0xffff_ffffL);
            if (freeList.compareAndSet(head, next)) {
                renew(slot);
                return slot;
            }
        }
        int slot = usedSlots.getAndUpdate(used -> used < maxSlots ? used + 1 : used);
        if (slot >= maxSlots) {
            return -1;
        }
        if (slot >>> CHUNK_SHIFT >= chunks.length) {
            grow(slot >>> CHUNK_SHIFT);
        }
        renew(slot);
        return slot;
    }

    private synchronized void grow(int chunk) {
        while (chunks.length <= chunk) {
            MemorySegment[] grown = Arrays.copyOf(chunks, chunks.length + 1);
            grown[grown.length - 1] = arena.allocate((long) CHUNK_SLOTS * ENTRY_BYTES, 64);
            chunks = grown;
        }
    }

    private void renew(int slot) {
        int generation = getInt(slot, GENERATION) + 1;
        INT_ACCESS.setRelease(chunk(slot), at(slot, GENERATION), generation == 0 ? 1 : generation);
        putInt(slot, FLAGS, 0);
        putInt(slot, WHEEL_SLOT, -1);
        putInt(slot, REPLY_IN_PORT, -1);
    }

    private int nextFree(int slot) {
        return (int) INT_ACCESS.getVolatile(chunk(slot), at(slot, INBOX_NEXT));
    }

    /** Gives the slot back; nobody may use it any more. */
    void give(int slot) {
        for (;;) {
            long head = freeList.get();
            INT_ACCESS.setVolatile(chunk(slot), at(slot, INBOX_NEXT), (int) head);
            if (freeList.compareAndSet(head, ((head >>> 32) + 1) << 32 | (slot + 1L))) {
                return;
            }
        }
    }

    /** Slots below this number have been used at some time. */
    int usedSlots() {
        return Math.min(usedSlots.get(), chunks.length << CHUNK_SHIFT);
    }

    // ---- raw access ----

    private MemorySegment chunk(int slot) {
        return chunks[slot >>> CHUNK_SHIFT];
    }

    private static long at(int slot, int offset) {
        return (long) (slot & (CHUNK_SLOTS - 1)) * ENTRY_BYTES + offset;
    }

    private int getInt(int slot, int offset) {
        return chunk(slot).get(ValueLayout.JAVA_INT, at(slot, offset));
    }

    private void putInt(int slot, int offset, int value) {
        chunk(slot).set(ValueLayout.JAVA_INT, at(slot, offset), value);
    }

    private long getLong(int slot, int offset) {
        return chunk(slot).get(ValueLayout.JAVA_LONG, at(slot, offset));
    }

    private void putLong(int slot, int offset, long value) {
        chunk(slot).set(ValueLayout.JAVA_LONG, at(slot, offset), value);
    }

    // ---- lock and life ----

    /** Spins: the holder is a few dozen instructions from letting go. */
    void lock(int slot) {
        MemorySegment chunk = chunk(slot);
        long at = at(slot, LOCK);
        while (!INT_ACCESS.compareAndSet(chunk, at, 0, 1)) {
            Thread.onSpinWait();
        }
    }

    void unlock(int slot) {
        INT_ACCESS.setRelease(chunk(slot), at(slot, LOCK), 0);
    }

    /** Without the lock: may be of the slot's next use already. */
    int generation(int slot) {
        return (int) INT_ACCESS.getAcquire(chunk(slot), at(slot, GENERATION));
    }

    long idOf(int slot) {
        return ((long) getInt(slot, GENERATION) << 32) | slot;
    }

    boolean has(int slot, int flag) {
        return (getInt(slot, FLAGS) & flag) != 0;
    }

    void raise(int slot, int flag) {
        putInt(slot, FLAGS, getInt(slot, FLAGS) | flag);
    }

    void lower(int slot, int flag) {
        putInt(slot, FLAGS, getInt(slot, FLAGS) & ~flag);
    }

    void setHolds(int slot, int holds) {
        INT_ACCESS.setVolatile(chunk(slot), at(slot, HOLDS), holds);
    }

    /** Lets one hold go; true if it was the last. Without the lock. */
    boolean dropHold(int slot) {
        return (int) INT_ACCESS.getAndAdd(chunk(slot), at(slot, HOLDS), -1) == 1;
    }

    // ---- tuple ----

    void setTuple(int slot, PacketTuple tuple, int hash) {
        putLong(slot, SOURCE_HIGH, tuple.sourceHigh);
        putLong(slot, SOURCE_LOW, tuple.sourceLow);
        putLong(slot, DESTINATION_HIGH, tuple.destinationHigh);
        putLong(slot, DESTINATION_LOW, tuple.destinationLow);
        putLong(slot, L4, tuple.l4);
        putInt(slot, ZONE, tuple.zone);
        putInt(slot, HASH, hash);
    }

    /** True if the packet goes in the connection's original direction. May be asked without the lock, and again under it. */
    boolean isOriginal(int slot, PacketTuple tuple) {
        return getLong(slot, L4) == tuple.l4 && getInt(slot, ZONE) == tuple.zone
                && getLong(slot, SOURCE_LOW) == tuple.sourceLow && getLong(slot, DESTINATION_LOW) == tuple.destinationLow
                && getLong(slot, SOURCE_HIGH) == tuple.sourceHigh && getLong(slot, DESTINATION_HIGH) == tuple.destinationHigh;
    }

    /** True if the packet goes in the connection's reply direction. */
    boolean isReply(int slot, PacketTuple tuple) {
        return getLong(slot, L4) == tuple.reverseL4() && getInt(slot, ZONE) == tuple.zone
                && getLong(slot, SOURCE_LOW) == tuple.destinationLow && getLong(slot, DESTINATION_LOW) == tuple.sourceLow
                && getLong(slot, SOURCE_HIGH) == tuple.destinationHigh && getLong(slot, DESTINATION_HIGH) == tuple.sourceHigh;
    }

    long sourceHigh(int slot) {
        return getLong(slot, SOURCE_HIGH);
    }

    long sourceLow(int slot) {
        return getLong(slot, SOURCE_LOW);
    }

    long destinationHigh(int slot) {
        return getLong(slot, DESTINATION_HIGH);
    }

    long destinationLow(int slot) {
        return getLong(slot, DESTINATION_LOW);
    }

    long l4(int slot) {
        return getLong(slot, L4);
    }

    int zone(int slot) {
        return getInt(slot, ZONE);
    }

    int hash(int slot) {
        return getInt(slot, HASH);
    }

    // ---- chains ----

    /** Slot + 1, 0 at the end. Without the lock. */
    int nextInBucket(int slot) {
        return (int) INT_ACCESS.getAcquire(chunk(slot), at(slot, NEXT_IN_BUCKET));
    }

    void setNextInBucket(int slot, int next) {
        INT_ACCESS.setRelease(chunk(slot), at(slot, NEXT_IN_BUCKET), next);
    }

    int wheelNext(int slot) {
        return getInt(slot, WHEEL_NEXT);
    }

    void setWheelNext(int slot, int next) {
        putInt(slot, WHEEL_NEXT, next);
    }

    int wheelPrevious(int slot) {
        return getInt(slot, WHEEL_PREVIOUS);
    }

    void setWheelPrevious(int slot, int previous) {
        putInt(slot, WHEEL_PREVIOUS, previous);
    }

    int wheelSlot(int slot) {
        return getInt(slot, WHEEL_SLOT);
    }

    void setWheelSlot(int slot, int wheelSlot) {
        putInt(slot, WHEEL_SLOT, wheelSlot);
    }

    int inboxNext(int slot) {
        return getInt(slot, INBOX_NEXT);
    }

    void setInboxNext(int slot, int next) {
        putInt(slot, INBOX_NEXT, next);
    }

    // ---- connection ----

    int mark(int slot) {
        return getInt(slot, MARK);
    }

    void setMark(int slot, int mark) {
        putInt(slot, MARK, mark);
    }

    long labelHigh(int slot) {
        return getLong(slot, LABEL_HIGH);
    }

    long labelLow(int slot) {
        return getLong(slot, LABEL_LOW);
    }

    void setLabel(int slot, long high, long low) {
        putLong(slot, LABEL_HIGH, high);
        putLong(slot, LABEL_LOW, low);
    }

    int originalInPort(int slot) {
        return getInt(slot, ORIGINAL_IN_PORT);
    }

    void setOriginalInPort(int slot, int port) {
        putInt(slot, ORIGINAL_IN_PORT, port);
    }

    int replyInPort(int slot) {
        return getInt(slot, REPLY_IN_PORT);
    }

    void setReplyInPort(int slot, int port) {
        putInt(slot, REPLY_IN_PORT, port);
    }

    long deadlineNs(int slot) {
        return getLong(slot, DEADLINE);
    }

    void setDeadlineNs(int slot, long deadlineNs) {
        putLong(slot, DEADLINE, deadlineNs);
    }

    long askedDeadlineNs(int slot) {
        return getLong(slot, ASKED_DEADLINE);
    }

    void setAskedDeadlineNs(int slot, long deadlineNs) {
        putLong(slot, ASKED_DEADLINE, deadlineNs);
    }

    TimeoutClass timeoutClass(int slot) {
        return TimeoutClass.of(getInt(slot, TIMEOUT_CLASS));
    }

    void setTimeoutClass(int slot, TimeoutClass timeoutClass) {
        putInt(slot, TIMEOUT_CLASS, timeoutClass.ordinal());
    }

    int simpleState(int slot) {
        return getInt(slot, SIMPLE_STATE);
    }

    void setSimpleState(int slot, int state) {
        putInt(slot, SIMPLE_STATE, state);
    }

    // ---- TCP peers: 0 sent the first packet, 1 the other ----

    int seqLow(int slot, int peer) {
        return getInt(slot, PEERS + peer * PEER_BYTES + SEQ_LOW);
    }

    void setSeqLow(int slot, int peer, int value) {
        putInt(slot, PEERS + peer * PEER_BYTES + SEQ_LOW, value);
    }

    int seqHigh(int slot, int peer) {
        return getInt(slot, PEERS + peer * PEER_BYTES + SEQ_HIGH);
    }

    void setSeqHigh(int slot, int peer, int value) {
        putInt(slot, PEERS + peer * PEER_BYTES + SEQ_HIGH, value);
    }

    int maxWindow(int slot, int peer) {
        return getInt(slot, PEERS + peer * PEER_BYTES + MAX_WINDOW);
    }

    void setMaxWindow(int slot, int peer, int value) {
        putInt(slot, PEERS + peer * PEER_BYTES + MAX_WINDOW, value);
    }

    int windowScale(int slot, int peer) {
        return getInt(slot, PEERS + peer * PEER_BYTES + WINDOW_SCALE);
    }

    void setWindowScale(int slot, int peer, int value) {
        putInt(slot, PEERS + peer * PEER_BYTES + WINDOW_SCALE, value);
    }

    int tcpState(int slot, int peer) {
        return getInt(slot, PEERS + peer * PEER_BYTES + TCP_STATE);
    }

    void setTcpState(int slot, int peer, int state) {
        putInt(slot, PEERS + peer * PEER_BYTES + TCP_STATE, state);
    }
}
