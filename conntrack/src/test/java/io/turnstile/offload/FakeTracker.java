package io.turnstile.offload;

import io.turnstile.conntrack.Alg;
import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.TcpResume;
import io.turnstile.packet.PacketBatch;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.function.LongConsumer;
import java.util.function.Predicate;

/**
 * A naive tracker: an array of entries behind one monitor. It reports to its listener outside of the monitor, so that
 * with several threads reports race with everything else, and a removed entry cannot be read until its hold is taken.
 */
final class FakeTracker implements Conntrack {
    static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final Entry[] entries;
    private final int[] generations;
    /** By zone and number; a translated connection stands here twice. */
    private final Map<Long, Entry> byNumber = new HashMap<>();

    private final Deque<Integer> free = new ArrayDeque<>();
    /** Connections that came back to software, each time. */
    final List<Long> unheld = new ArrayList<>();

    final List<String> faults = new ArrayList<>();
    /** What happens between the listener's answer about a removal and its becoming effective. */
    volatile LongConsumer afterReport = id -> {};
    /** What happens once a connection has come back to software. */
    volatile LongConsumer afterUnhold = id -> {};
    /** The next connection has a helper that reads its payload. */
    volatile boolean helperOfNext;

    private volatile ConnectionListener listener;

    private enum Life {
        ALIVE,
        REMOVING,
        HELD
    }

    private static final class Entry {
        final ConnectionSnapshot data = new ConnectionSnapshot();
        long[] numbers = {};
        long deadlineNs;
        Life life = Life.ALIVE;
        boolean told;
        boolean asked;
        int holds;
        int reports;
    }

    FakeTracker(int slots) {
        entries = new Entry[slots];
        generations = new int[slots];
        for (int i = 0; i < slots; i++) {
            free.add(i);
        }
    }

    // ---- what packets do ----

    /**
     * A connection of UDP port {@code number}; returns its id, {@link #NO_CONNECTION} if the table is full. One that is
     * there takes the place of the former one of that port, and which of the two is reported first is left to chance.
     */
    long commit(int number, int inPort, long nowNs) {
        return commit(0, number, number, false, inPort, nowNs);
    }

    /**
     * The same in a zone, translated so that its replies are those to another number if {@code translated} is not
     * {@code number}, and from the other side if it is turned: it takes the place of all that have one of its tuples.
     */
    long commit(int zone, int number, int translated, boolean turned, int inPort, long nowNs) {
        long id;
        List<Long> formers = new ArrayList<>();
        synchronized (this) {
            Integer slot = free.poll();
            if (slot == null) {
                return NO_CONNECTION;
            }
            Entry entry = new Entry();
            id = (long) ++generations[slot] << 32 | slot;
            describe(entry.data, zone, number, translated, turned);
            entry.data.connectionId = id;
            entry.data.originalInPort = inPort;
            entry.deadlineNs = nowNs + TIMEOUT.toNanos();
            entry.numbers = new long[] {(long) zone << 32 | number, (long) zone << 32 | translated};
            for (long tuple : entry.numbers) {
                Entry former = byNumber.get(tuple);
                if (former != null) {
                    former.life = Life.REMOVING;
                    forgetNumbers(former);
                    formers.add(former.data.connectionId);
                }
            }
            entries[slot] = entry;
            for (long tuple : entry.numbers) {
                byNumber.put(tuple, entry);
            }
        }
        ConnectionListener told = listener;
        boolean formersFirst = (id & 1) == 0;
        if (formersFirst) {
            formers.forEach(former -> finishRemoval(former, RemovalReason.REPLACED, nowNs));
        }
        if (told != null) {
            told.onCommitted(id, inPort, nowNs);
        }
        if (!formersFirst) {
            formers.forEach(former -> finishRemoval(former, RemovalReason.REPLACED, nowNs));
        }
        return id;
    }

    private void describe(ConnectionSnapshot data, int zone, int number, int translated, boolean turned) {
        data.zone = zone;
        data.protocol = 17;
        data.alg = helperOfNext ? Alg.FTP : Alg.NONE;
        data.control = helperOfNext ? ConnectionSnapshot.Control.YES : ConnectionSnapshot.Control.NO;
        helperOfNext = false;
        ConnectionSnapshot.Tuple forth = turned ? data.reply : data.original;
        ConnectionSnapshot.Tuple back = turned ? data.original : data.reply;
        forth.sourceLow = back.destinationLow = 0x0a000001L;
        forth.destinationLow = back.sourceLow = 0x0a000002L;
        forth.destinationPort = back.sourcePort = 53;
        forth.sourcePort = turned ? translated : number;
        back.destinationPort = turned ? number : translated;
    }

    private void forgetNumbers(Entry entry) {
        for (long tuple : entry.numbers) {
            byNumber.remove(tuple, entry);
        }
    }

    /** A packet of the reply direction; false if there is no such connection. */
    boolean reply(long id, int inPort, long nowNs) {
        Entry entry;
        synchronized (this) {
            entry = alive(id);
            if (entry == null) {
                return false;
            }
            entry.deadlineNs = nowNs + TIMEOUT.toNanos();
            entry.asked = false;
            if (!entry.data.replySeen) {
                entry.data.replySeen = true;
                entry.data.established = true;
                entry.data.replyInPort = inPort;
            }
            if (entry.told) {
                return true;
            }
            entry.told = listener != null;
            entry.reports += entry.told ? 1 : 0;
        }
        ConnectionListener told = listener;
        if (told != null) {
            told.onEstablished(id, nowNs);
        }
        return true;
    }

    /** How often the listener was told that the connection is established. */
    synchronized int reports(long id) {
        return alive(id).reports;
    }

    /** Packets of the original direction come in by another port than before. */
    void movePort(long id, int inPort, long nowNs) {
        synchronized (this) {
            Entry entry = alive(id);
            if (entry == null) {
                return;
            }
            entry.data.originalInPort = inPort;
        }
        ConnectionListener told = listener;
        if (told != null) {
            told.onChanged(id, ConnectionListener.PORT_CHANGED, nowNs);
        }
    }

    /** A packet writes the mark; the listener hears of it if somebody holds the connection. */
    boolean mark(long id, int mark, long nowNs) {
        boolean tells;
        synchronized (this) {
            Entry entry = alive(id);
            if (entry == null) {
                return false;
            }
            tells = entry.holds > 0 && entry.data.mark != mark;
            entry.data.mark = mark;
        }
        ConnectionListener told = listener;
        if (told != null && tells) {
            told.onChanged(id, ConnectionListener.MARK_CHANGED, nowNs);
        }
        return true;
    }

    synchronized int mark(long id) {
        return alive(id).data.mark;
    }

    boolean remove(long id, RemovalReason reason, long nowNs) {
        synchronized (this) {
            Entry entry = alive(id);
            if (entry == null) {
                return false;
            }
            entry.life = Life.REMOVING;
            forgetNumbers(entry);
        }
        finishRemoval(id, reason, nowNs);
        return true;
    }

    private void finishRemoval(long id, RemovalReason reason, long nowNs) {
        ConnectionListener told = listener;
        boolean hold = told != null && told.onRemoved(id, reason, nowNs);
        afterReport.accept(id);
        synchronized (this) {
            int slot = (int) id;
            // A release may be here already; then the slot is not this connection's any more.
            if (entries[slot] != null && entries[slot].data.connectionId == id) {
                if (hold) {
                    entries[slot].life = Life.HELD;
                } else {
                    entries[slot] = null;
                    free.add(slot);
                }
            }
        }
    }

    synchronized long timeLeftNs(long id, long nowNs) {
        return alive(id).deadlineNs - nowNs;
    }

    synchronized Set<Long> live() {
        Set<Long> live = new TreeSet<>();
        for (Entry entry : entries) {
            if (entry != null && entry.life == Life.ALIVE) {
                live.add(entry.data.connectionId);
            }
        }
        return live;
    }

    /** Slots that are neither free nor live. */
    synchronized int heldSlots() {
        return entries.length - free.size() - live().size();
    }

    private Entry alive(long id) {
        Entry entry = entries[(int) id];
        return entry != null && entry.data.connectionId == id && entry.life == Life.ALIVE ? entry : null;
    }

    // ---- Conntrack ----

    @Override
    public int track(PacketBatch packets, CtRequest request, long nowNs) {
        throw new UnsupportedOperationException("packets are not this fake's business");
    }

    @Override
    public int flushMatching(Predicate<ConnectionSnapshot> filter, long nowNs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long sweep(long nowNs) {
        List<Long> expired = new ArrayList<>();
        List<Long> asking = new ArrayList<>();
        List<Long> waiting = new ArrayList<>();
        synchronized (this) {
            for (Entry entry : entries) {
                if (entry == null || entry.life != Life.ALIVE || entry.deadlineNs - nowNs > 0) {
                    continue;
                }
                if (entry.holds == 0 || entry.asked && nowNs - entry.deadlineNs >= LONGEST_WAIT_NS) {
                    expired.add(entry.data.connectionId);
                } else if (entry.asked) {
                    waiting.add(entry.data.connectionId);
                } else {
                    entry.asked = true;
                    entry.deadlineNs = nowNs;
                    asking.add(entry.data.connectionId);
                }
            }
        }
        ConnectionListener told = listener;
        asking.removeIf(id -> told != null && told.onDeadline(id, nowNs));
        waiting.removeIf(id -> told != null && told.isAwaited(id));
        expired.addAll(asking);
        expired.addAll(waiting);
        expired.forEach(id -> removeIfDue(id, nowNs));
        return Duration.ofSeconds(1).toNanos();
    }

    private void removeIfDue(long id, long nowNs) {
        synchronized (this) {
            Entry entry = alive(id);
            if (entry == null || entry.deadlineNs - nowNs > 0 || entry.holds > 0 && !entry.asked) {
                return; // the answer came just now, or somebody who is to be asked
            }
        }
        remove(id, RemovalReason.EXPIRED, nowNs);
    }

    @Override
    public int flush(Integer zone, long nowNs) {
        Set<Long> live = live();
        live.forEach(id -> remove(id, RemovalReason.FLUSHED, nowNs));
        return live.size();
    }

    @Override
    public int connectionCount() {
        return live().size();
    }

    @Override
    public synchronized boolean read(long connectionId, ConnectionSnapshot into, long nowNs) {
        Entry entry = entries[(int) connectionId];
        if (entry == null || entry.data.connectionId != connectionId) {
            return false;
        }
        if (entry.life == Life.REMOVING && !readableWhileRemoving) {
            return false;
        }
        copy(entry.data, into);
        into.timeLeftNs = entry.deadlineNs - nowNs;
        into.timeoutNs = TIMEOUT.toNanos();
        into.removed = entry.life != Life.ALIVE;
        return true;
    }

    /** Whether an entry may be read in the moment between its removal and the answer of the listener. */
    volatile boolean readableWhileRemoving = true;

    private static void copy(ConnectionSnapshot from, ConnectionSnapshot into) {
        into.connectionId = from.connectionId;
        into.zone = from.zone;
        into.protocol = from.protocol;
        into.ipv6 = from.ipv6;
        into.mark = from.mark;
        into.originalInPort = from.originalInPort;
        into.replyInPort = from.replyInPort;
        into.replySeen = from.replySeen;
        into.alg = from.alg;
        into.control = from.control;
        into.established = from.established;
        copy(from.original, into.original);
        copy(from.reply, into.reply);
    }

    private static void copy(ConnectionSnapshot.Tuple from, ConnectionSnapshot.Tuple into) {
        into.sourceLow = from.sourceLow;
        into.destinationLow = from.destinationLow;
        into.sourcePort = from.sourcePort;
        into.destinationPort = from.destinationPort;
    }

    @Override
    public long scan(long cursor, int limit, ConnectionVisitor visitor, long nowNs) {
        int end = (int) Math.min(entries.length, cursor + limit);
        for (int i = (int) cursor; i < end; i++) {
            ConnectionSnapshot seen = new ConnectionSnapshot();
            synchronized (this) {
                if (entries[i] == null || entries[i].life != Life.ALIVE) {
                    continue;
                }
                copy(entries[i].data, seen);
            }
            visitor.visit(seen); // outside: the connection may have left by now
        }
        return end == entries.length ? -1 : end;
    }

    @Override
    public void setListener(ConnectionListener listener) {
        this.listener = listener;
    }

    @Override
    public synchronized void release(long connectionId) {
        int slot = (int) connectionId;
        if (entries[slot] == null
                || entries[slot].data.connectionId != connectionId
                || entries[slot].life == Life.ALIVE) {
            faults.add("release of what is not held: " + Long.toHexString(connectionId));
            return;
        }
        entries[slot] = null;
        free.add(slot);
    }

    @Override
    public synchronized void extend(long connectionId, long lastUsedNs) {
        Entry entry = alive(connectionId);
        if (entry != null && lastUsedNs + TIMEOUT.toNanos() - entry.deadlineNs > 0) {
            entry.deadlineNs = lastUsedNs + TIMEOUT.toNanos();
            entry.asked = false;
        }
    }

    @Override
    public synchronized boolean hold(long connectionId) {
        Entry entry = alive(connectionId);
        if (entry != null) {
            entry.holds++;
            entry.asked = false; // one who comes after the deadline is asked, too
        }
        return entry != null;
    }

    @Override
    public void unhold(long connectionId, TcpResume resume) {
        synchronized (this) {
            Entry entry = alive(connectionId);
            if (entry != null) {
                unheld.add(connectionId);
                if (--entry.holds < 0) {
                    faults.add("given back more often than taken: " + Long.toHexString(connectionId));
                }
            }
        }
        afterUnhold.accept(connectionId);
    }

    /** How many hold the connection. */
    synchronized int holds(long connectionId) {
        return alive(connectionId).holds;
    }

    @Override
    public synchronized boolean awaitEstablished(long connectionId) {
        Entry entry = alive(connectionId);
        if (entry == null) {
            return false;
        }
        entry.told = false;
        return entry.data.established;
    }

    private static boolean forgetPorts(ConnectionSnapshot data, IntPredicate gone) {
        boolean original = gone.test(data.originalInPort);
        boolean reply = data.replySeen && gone.test(data.replyInPort);
        data.originalInPort = original ? -1 : data.originalInPort;
        data.replyInPort = reply ? -1 : data.replyInPort;
        return original || reply;
    }

    @Override
    public void forgetPorts(IntPredicate gone) {
        List<Long> told = new ArrayList<>();
        synchronized (this) {
            for (Entry entry : entries) {
                if (entry != null && entry.life == Life.ALIVE && forgetPorts(entry.data, gone)) {
                    told.add(entry.data.connectionId);
                }
            }
        }
        ConnectionListener present = listener;
        if (present != null) {
            told.forEach(id -> present.onChanged(id, ConnectionListener.PORT_CHANGED, 0));
        }
    }
}
