package io.turnstile.conntrack;

import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.security.SecureRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The tracker: finds each packet's connection, moves its state machine, and says in the packet what it found (ovs-actions(7) {@code ct}).
 *
 * <p><b>Who owns what.</b> An entry's fields are read and written under the entry's own spin lock, held for one packet. The index
 * ({@link HashIndex}) is read without a lock; what it found is verified under the entry's lock. The expiry wheel and its links are the
 * sweeper's alone: who makes or removes a connection, or brings its deadline forward, puts the entry into the <em>inbox</em>, a lock-free
 * stack that the sweeper empties. A slot is used again when the last of its holds is gone: the sweeper's (it may be linked in
 * the wheel) and, if a listener asked for it, the listener's.
 *
 * <p>Lock order: entry, then index stripe. No listener is called under either.
 */
public final class ConnectionTracker implements Conntrack {
    /** As Open vSwitch's userspace tracker. */
    public static final int DEFAULT_MAX_CONNECTIONS = 3_000_000;
    /** How long before the deadline the listener is asked. */
    private static final long ASK_LEAD_NS = 2_500_000_000L;

    private final Entries entries;
    private final HashIndex index;
    private final ExpiryWheel wheel;
    private final int maxConnections;
    private final long hashKey0;
    private final long hashKey1;
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicLong inbox = new AtomicLong();
    private final AtomicLongArray invalid = new AtomicLongArray(InvalidReason.values().length);
    private final ThreadLocal<PacketTuple> tuples = ThreadLocal.withInitial(PacketTuple::new);
    private final ReentrantLock sweeping = new ReentrantLock();
    private volatile ConnectionListener listener;
    private volatile boolean checkWindows = true;

    /** @param maxConnections when so many are there, no more are made; memory is taken as they come */
    public ConnectionTracker(Clock clock, int maxConnections) {
        SecureRandom random = new SecureRandom();
        this.hashKey0 = random.nextLong();
        this.hashKey1 = random.nextLong();
        this.maxConnections = maxConnections;
        // Removed connections keep their slots for a while: some room beyond the limit keeps new ones coming.
        this.entries = new Entries(Math.addExact(maxConnections, maxConnections / 8 + 1024));
        this.index = new HashIndex(entries, maxConnections);
        this.wheel = new ExpiryWheel(entries, clock.nowNs());
    }

    /** Whether TCP sequence numbers are judged ({@code dpctl/ct-enable-tcp-seq-chk}). */
    public void setCheckWindows(boolean check) {
        checkWindows = check;
    }

    public boolean checksWindows() {
        return checkWindows;
    }

    public int maxConnections() {
        return maxConnections;
    }

    /** How many packets became {@code +inv} for that reason. */
    public long invalidPackets(InvalidReason reason) {
        return invalid.get(reason.ordinal());
    }

    // ---- packets ----

    @Override
    public void track(PacketBatch packets, CtRequest request, long nowNs) {
        PacketTuple tuple = tuples.get();
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            InvalidReason reason = tuple.extract(packet, request.zone());
            if (reason == null) {
                track(packet, tuple, request, nowNs);
            } else {
                markInvalid(packet, request, reason);
            }
        }
    }

    private void track(Packet packet, PacketTuple tuple, CtRequest request, long nowNs) {
        int hash = tuple.hash(hashKey0, hashKey1);
        for (;;) {
            long found = index.find(tuple, hash);
            if (found == HashIndex.NONE) {
                unknown(packet, tuple, hash, request, nowNs);
                return;
            }
            int slot = HashIndex.slotOf(found);
            boolean reply = HashIndex.isReply(found);
            entries.lock(slot);
            boolean stillThere = entries.has(slot, Entries.LIVE)
                    && (reply ? entries.isReply(slot, tuple) : entries.isOriginal(slot, tuple));
            if (!stillThere) {
                entries.unlock(slot);
                Thread.onSpinWait(); // It is being removed; its index link is gone in a moment.
                continue;
            }
            if (request.force() && reply && !tuple.related) {
                remove(slot, ConnectionListener.RemovalReason.REPLACED, nowNs); // Unlocks.
                continue;
            }
            if (known(packet, tuple, slot, reply, request, nowNs)) {
                return;
            }
        }
    }

    /**
     * A packet of a connection we have; the entry is locked and is unlocked here.
     *
     * @return false if the connection is over and gone, and the packet is to be looked at anew
     */
    private boolean known(Packet packet, PacketTuple tuple, int slot, boolean reply, CtRequest request, long nowNs) {
        int direction = reply ? CtState.RPL : 0;
        if (tuple.related) {
            writeMetadata(packet, slot, request, CtState.REL | direction);
            entries.unlock(slot);
            return true;
        }
        switch (update(packet, tuple, slot, reply)) {
            case VALID -> {
                refresh(slot, nowNs);
                established(packet, slot, reply, request, nowNs); // Unlocks.
            }
            case VALID_AGEING -> established(packet, slot, reply, request, nowNs);
            case VALID_NEW -> {
                refresh(slot, nowNs);
                writeMetadata(packet, slot, request, CtState.NEW | direction);
                entries.unlock(slot);
            }
            case INVALID -> {
                entries.unlock(slot);
                markInvalid(packet, request, InvalidReason.STATE);
            }
            case BEGINS_ANEW -> {
                remove(slot, ConnectionListener.RemovalReason.REPLACED, nowNs);
                return false;
            }
        }
        return true;
    }

    private TrackVerdict update(Packet packet, PacketTuple tuple, int slot, boolean reply) {
        return switch (tuple.protocol()) {
            case IpProtocols.TCP -> TcpProtocol.update(entries, slot, packet, reply ? 1 : 0, checkWindows);
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> SimpleProtocol.update(entries, slot, true, reply);
            default -> SimpleProtocol.update(entries, slot, false, reply);
        };
    }

    private void refresh(int slot, long nowNs) {
        long before = entries.deadlineNs(slot);
        long deadline = nowNs + entries.timeoutClass(slot).timeoutNs();
        if (deadline != before) {
            entries.setDeadlineNs(slot, deadline);
            if (deadline - before < 0) {
                toInbox(slot); // Sooner than the sweeper would come by.
            }
        }
    }

    private void established(Packet packet, int slot, boolean reply, CtRequest request, long nowNs) {
        writeMetadata(packet, slot, request, CtState.EST | (reply ? CtState.RPL : 0));
        if (!reply || entries.has(slot, Entries.REPLY_REPORTED)) {
            entries.unlock(slot);
            return;
        }
        if (!entries.has(slot, Entries.REPLY_SEEN)) {
            entries.raise(slot, Entries.REPLY_SEEN);
            entries.setReplyInPort(slot, packet.inPort());
        }
        long id = entries.idOf(slot);
        entries.unlock(slot);
        ConnectionListener told = listener;
        if (told != null && told.onReply(id, packet.inPort(), nowNs)) {
            entries.lock(slot);
            if (entries.idOf(slot) == id) {
                entries.raise(slot, Entries.REPLY_REPORTED);
            }
            entries.unlock(slot);
        }
    }

    /** A packet of no connection that we have. */
    private void unknown(Packet packet, PacketTuple tuple, int hash, CtRequest request, long nowNs) {
        if (tuple.related) {
            markInvalid(packet, request, InvalidReason.NO_CONNECTION);
            return;
        }
        if (!isBeginning(packet, tuple)) {
            markInvalid(packet, request, InvalidReason.NOT_A_BEGINNING);
            return;
        }
        if (!request.commit()) {
            writeMetadataOfStranger(packet, tuple, request);
            return;
        }
        if (connections.get() >= maxConnections) {
            markInvalid(packet, request, InvalidReason.FULL);
            return;
        }
        int slot = entries.take();
        if (slot < 0) {
            markInvalid(packet, request, InvalidReason.FULL);
            return;
        }
        create(packet, tuple, hash, slot, request, nowNs);
    }

    private static boolean isBeginning(Packet packet, PacketTuple tuple) {
        return switch (tuple.protocol()) {
            case IpProtocols.TCP -> TcpProtocol.isBeginning(packet);
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> tuple.isIcmpRequest();
            default -> true;
        };
    }

    private void create(Packet packet, PacketTuple tuple, int hash, int slot, CtRequest request, long nowNs) {
        entries.lock(slot);
        entries.setTuple(slot, tuple, hash);
        entries.setMark(slot, 0);
        entries.setLabel(slot, 0, 0);
        entries.setOriginalInPort(slot, packet.inPort());
        entries.setHolds(slot, 1);
        switch (tuple.protocol()) {
            case IpProtocols.TCP -> TcpProtocol.begin(entries, slot, packet);
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> SimpleProtocol.begin(entries, slot, true);
            default -> SimpleProtocol.begin(entries, slot, false);
        }
        entries.setDeadlineNs(slot, nowNs + entries.timeoutClass(slot).timeoutNs());
        entries.raise(slot, Entries.LIVE);
        if (index.insert(slot, tuple, hash) != HashIndex.NONE) {
            // Another thread committed the same connection a moment ago: the packet is one of that.
            entries.lower(slot, Entries.LIVE);
            entries.unlock(slot);
            entries.give(slot);
            track(packet, tuple, request, nowNs);
            return;
        }
        connections.incrementAndGet();
        writeMetadata(packet, slot, request, CtState.NEW);
        toInbox(slot);
        long id = entries.idOf(slot);
        entries.unlock(slot);
        ConnectionListener told = listener;
        if (told != null) {
            told.onCommitted(id, packet.inPort(), nowNs);
        }
    }

    private void markInvalid(Packet packet, CtRequest request, InvalidReason reason) {
        invalid.getAndIncrement(reason.ordinal());
        packet.setConntrack(CtState.TRK | CtState.INV, request.zone(), 0, 0, 0);
        packet.ctOriginal().clear();
    }

    private static void writeMetadataOfStranger(Packet packet, PacketTuple tuple, CtRequest request) {
        packet.setConntrack(CtState.TRK | CtState.NEW, request.zone(), 0, 0, 0);
        writeOriginal(packet, tuple.sourceHigh, tuple.sourceLow, tuple.destinationHigh, tuple.destinationLow, tuple.l4);
    }

    /** Writes what was found, after the request's mark and label have been merged into the connection. */
    private void writeMetadata(Packet packet, int slot, CtRequest request, int state) {
        if (request.markMask() != 0) {
            entries.setMark(slot, (entries.mark(slot) & ~request.markMask()) | (request.mark() & request.markMask()));
        }
        if ((request.labelMaskHigh() | request.labelMaskLow()) != 0) {
            entries.setLabel(slot,
                    (entries.labelHigh(slot) & ~request.labelMaskHigh()) | (request.labelHigh() & request.labelMaskHigh()),
                    (entries.labelLow(slot) & ~request.labelMaskLow()) | (request.labelLow() & request.labelMaskLow()));
        }
        packet.setConntrack(CtState.TRK | state, request.zone(), entries.mark(slot), entries.labelHigh(slot),
                entries.labelLow(slot));
        writeOriginal(packet, entries.sourceHigh(slot), entries.sourceLow(slot), entries.destinationHigh(slot),
                entries.destinationLow(slot), entries.l4(slot));
    }

    private static void writeOriginal(Packet packet, long sourceHigh, long sourceLow, long destinationHigh, long destinationLow,
                                      long l4) {
        Packet.OriginalTuple original = packet.ctOriginal();
        int protocol = PacketTuple.protocolOf(l4);
        boolean icmp = protocol == IpProtocols.ICMP || protocol == IpProtocols.ICMPV6;
        original.sourceHigh = sourceHigh;
        original.sourceLow = sourceLow;
        original.destinationHigh = destinationHigh;
        original.destinationLow = destinationLow;
        original.protocol = protocol;
        original.ipv6 = PacketTuple.isIpv6(l4);
        original.sourcePort = (int) (l4 >>> 48); // For ICMP the type, as ct_tp_src has it,
        original.destinationPort = icmp ? 0 : (int) (l4 >>> 32) & 0xffff; // and the code, which is 0 in queries.
    }

    // ---- removal ----

    /** Ends a connection whose entry is locked; unlocks it. */
    private void remove(int slot, ConnectionListener.RemovalReason reason, long nowNs) {
        entries.lower(slot, Entries.LIVE);
        long id = entries.idOf(slot);
        int hash = entries.hash(slot);
        index.remove(slot, hash);
        connections.decrementAndGet();
        entries.setHolds(slot, 2); // The sweeper's, and the listener's for the time of the call at least.
        toInbox(slot);
        entries.unlock(slot);
        ConnectionListener told = listener;
        if (told == null || !told.onRemoved(id, reason, nowNs)) {
            drop(slot);
        }
    }

    private void drop(int slot) {
        if (entries.dropHold(slot)) {
            entries.give(slot);
        }
    }

    @Override
    public void release(long connectionId) {
        drop((int) connectionId);
    }

    /** Has the sweeper look at the entry; it is locked. */
    private void toInbox(int slot) {
        if (entries.has(slot, Entries.IN_INBOX)) {
            return;
        }
        entries.raise(slot, Entries.IN_INBOX);
        for (;;) {
            long head = inbox.get();
            entries.setInboxNext(slot, (int) head);
            if (inbox.compareAndSet(head, slot + 1L)) {
                return;
            }
        }
    }

    // ---- sweep ----

    @Override
    public long sweep(long nowNs) {
        sweeping.lock();
        try {
            emptyInbox(nowNs);
            if (wheel.isMoreThanATurnBehind(nowNs)) {
                wheel.jumpBehind(nowNs);
            }
            while (wheel.advance(nowNs)) {
                for (int slot = wheel.poll(); slot >= 0; slot = wheel.poll()) {
                    look(slot, nowNs);
                }
            }
            emptyInbox(nowNs); // What this sweep removed gives its slots back at once.
            return ExpiryWheel.TICK_NS;
        } finally {
            sweeping.unlock();
        }
    }

    private void emptyInbox(long nowNs) {
        for (int next = (int) inbox.getAndSet(0); next != 0;) {
            int slot = next - 1;
            entries.lock(slot);
            next = entries.inboxNext(slot);
            entries.lower(slot, Entries.IN_INBOX);
            boolean live = entries.has(slot, Entries.LIVE);
            long deadline = entries.deadlineNs(slot);
            entries.unlock(slot);
            if (live) {
                wheel.schedule(slot, lookAt(deadline, nowNs));
            } else {
                wheel.unlink(slot);
                drop(slot);
            }
        }
    }

    /** A listener wants to be asked before the deadline. */
    private long lookAt(long deadlineNs, long nowNs) {
        return listener != null && deadlineNs - nowNs > ASK_LEAD_NS ? deadlineNs - ASK_LEAD_NS : deadlineNs;
    }

    /** The time has come to look at a connection: expire it, ask about it, or put it further on. */
    private void look(int slot, long nowNs) {
        entries.lock(slot);
        if (!entries.has(slot, Entries.LIVE)) {
            entries.unlock(slot); // Removed meanwhile, and in the inbox.
            return;
        }
        long deadline = entries.deadlineNs(slot);
        if (deadline - nowNs <= 0) {
            remove(slot, ConnectionListener.RemovalReason.EXPIRED, nowNs);
            return;
        }
        boolean ask = listener != null && deadline - nowNs <= ASK_LEAD_NS
                && !(entries.has(slot, Entries.ASKED) && entries.askedDeadlineNs(slot) == deadline);
        if (ask) {
            entries.raise(slot, Entries.ASKED);
            entries.setAskedDeadlineNs(slot, deadline);
        }
        long id = entries.idOf(slot);
        entries.unlock(slot);
        wheel.schedule(slot, ask ? deadline : lookAt(deadline, nowNs));
        ConnectionListener told = listener;
        if (ask && told != null) {
            told.onExpiring(id, deadline, nowNs);
        }
    }

    @Override
    public int flush(Integer zoneOrNull, long nowNs) {
        int flushed = 0;
        for (int slot = 0; slot < entries.usedSlots(); slot++) {
            entries.lock(slot);
            if (entries.has(slot, Entries.LIVE) && (zoneOrNull == null || entries.zone(slot) == zoneOrNull)) {
                remove(slot, ConnectionListener.RemovalReason.FLUSHED, nowNs);
                flushed++;
            } else {
                entries.unlock(slot);
            }
        }
        return flushed;
    }

    @Override
    public int connectionCount() {
        return connections.get();
    }

    // ---- looking and helping ----

    @Override
    public boolean read(long connectionId, ConnectionSnapshot into, long nowNs) {
        int slot = (int) connectionId;
        if (slot < 0 || slot >= entries.usedSlots()) {
            return false;
        }
        entries.lock(slot);
        boolean there = entries.idOf(slot) == connectionId;
        if (there) {
            fill(slot, into, nowNs);
        }
        entries.unlock(slot);
        return there;
    }

    private void fill(int slot, ConnectionSnapshot into, long nowNs) {
        long l4 = entries.l4(slot);
        into.connectionId = entries.idOf(slot);
        into.zone = entries.zone(slot);
        into.ipv6 = PacketTuple.isIpv6(l4);
        into.protocol = PacketTuple.protocolOf(l4);
        fill(into.original, entries.sourceHigh(slot), entries.sourceLow(slot), entries.destinationHigh(slot),
                entries.destinationLow(slot), l4);
        fill(into.reply, entries.destinationHigh(slot), entries.destinationLow(slot), entries.sourceHigh(slot),
                entries.sourceLow(slot), PacketTuple.reverse(l4));
        into.mark = entries.mark(slot);
        into.labelHigh = entries.labelHigh(slot);
        into.labelLow = entries.labelLow(slot);
        into.timeLeftNs = entries.deadlineNs(slot) - nowNs;
        boolean tcp = into.protocol == IpProtocols.TCP;
        into.originalTcpState = tcp ? TcpState.values()[entries.tcpState(slot, 0)] : null;
        into.replyTcpState = tcp ? TcpState.values()[entries.tcpState(slot, 1)] : null;
        into.originalWindowScale = tcp ? TcpProtocol.offeredScale(entries.windowScale(slot, 0)) : -1;
        into.replyWindowScale = tcp ? TcpProtocol.offeredScale(entries.windowScale(slot, 1)) : -1;
        into.replySeen = entries.has(slot, Entries.REPLY_SEEN);
        into.originalInPort = entries.originalInPort(slot);
        into.replyInPort = entries.replyInPort(slot);
    }

    private static void fill(ConnectionSnapshot.Tuple tuple, long sourceHigh, long sourceLow, long destinationHigh,
                             long destinationLow, long l4) {
        tuple.sourceHigh = sourceHigh;
        tuple.sourceLow = sourceLow;
        tuple.destinationHigh = destinationHigh;
        tuple.destinationLow = destinationLow;
        tuple.sourcePort = (int) (l4 >>> 48);
        tuple.destinationPort = (int) (l4 >>> 32) & 0xffff;
        tuple.icmpId = PacketTuple.icmpIdOf(l4);
        tuple.icmpType = tuple.sourcePort;
        tuple.icmpCode = 0;
    }

    @Override
    public long scan(long cursor, int limit, ConnectionVisitor visitor, long nowNs) {
        ConnectionSnapshot snapshot = new ConnectionSnapshot();
        int end = (int) Math.min(entries.usedSlots(), cursor + limit);
        for (int slot = (int) cursor; slot < end; slot++) {
            entries.lock(slot);
            boolean live = entries.has(slot, Entries.LIVE);
            if (live) {
                fill(slot, snapshot, nowNs);
            }
            entries.unlock(slot);
            if (live) {
                visitor.visit(snapshot);
            }
        }
        return end >= entries.usedSlots() ? -1 : end;
    }

    @Override
    public void setListener(ConnectionListener listenerOrNull) {
        listener = listenerOrNull;
        if (listenerOrNull != null) {
            forgetWhatWasReported();
        }
    }

    /** A new listener has heard of no reply yet, and wants to be asked before each deadline. */
    private void forgetWhatWasReported() {
        for (int slot = 0; slot < entries.usedSlots(); slot++) {
            entries.lock(slot);
            if (entries.has(slot, Entries.LIVE)) {
                entries.lower(slot, Entries.REPLY_REPORTED | Entries.ASKED);
                toInbox(slot);
            }
            entries.unlock(slot);
        }
    }

    @Override
    public void extend(long connectionId, long lastUsedNs) {
        int slot = (int) connectionId;
        entries.lock(slot);
        if (entries.idOf(slot) == connectionId && entries.has(slot, Entries.LIVE)) {
            long deadline = lastUsedNs + entries.timeoutClass(slot).timeoutNs();
            if (deadline - entries.deadlineNs(slot) > 0) {
                entries.setDeadlineNs(slot, deadline);
            }
        }
        entries.unlock(slot);
    }

    @Override
    public void carriedElsewhere(long connectionId) {
        int slot = (int) connectionId;
        entries.lock(slot);
        if (entries.idOf(slot) == connectionId && entries.has(slot, Entries.LIVE)) {
            entries.raise(slot, Entries.LENIENT_BOTH);
        }
        entries.unlock(slot);
    }
}
