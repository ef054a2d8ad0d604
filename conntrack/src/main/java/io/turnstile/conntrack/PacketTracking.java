package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.FLAG_ESTABLISHED_REPORTED;
import static io.turnstile.conntrack.EntryLayout.FLAG_HELD;
import static io.turnstile.conntrack.EntryLayout.FLAG_NAT;
import static io.turnstile.conntrack.EntryLayout.FLAG_PORT_GONE;
import static io.turnstile.conntrack.EntryLayout.FLAG_REPLY_SEEN;
import static io.turnstile.conntrack.EntryLayout.FLAG_SPECIAL;
import static io.turnstile.conntrack.EntryLayout.LOCKED;

import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.lang.invoke.VarHandle;

/**
 * The step takes a batch through the tracker: each packet is read and looked up, moves its connection's state, is
 * translated and gets its metadata; what begins a connection goes to {@link FirstPackets}.
 *
 * <p>Threads: any, each with its scratch.
 */
final class PacketTracking {
    /** The table size from which on entries are no longer found in the processor's near caches. */
    private static final int CACHED_CONNECTIONS = 16_384;
    /** The count stands in a cache line that commits and removals of all threads write. */
    private static final int BATCHES_PER_LOOK = 64;
    /** What of {@link ConnectionListener#onChanged} is told of connections that nobody holds, too. */
    private static final int ALWAYS_TOLD = ConnectionListener.PORT_CHANGED | ConnectionListener.CONTROL_CHANGED;
    /**
     * Beside the bits of {@link ConnectionListener#onChanged}: the packet is the first of an established connection.
     */
    private static final int ESTABLISHED = 1 << 31;

    private final ConnectionTable table;
    private final InPorts inPorts;
    private final FirstPackets firstPackets;
    private final InvalidCounters invalid;
    volatile boolean windowChecked = true;

    PacketTracking(ConnectionTable table, FirstPackets firstPackets, InvalidCounters invalid) {
        this.table = table;
        this.inPorts = new InPorts(table);
        this.firstPackets = firstPackets;
        this.invalid = invalid;
    }

    /** Tracks a batch, as {@link Conntrack#track} says. */
    int track(PacketBatch packets, CtRequest request, long nowNs, TrackingScratch scratch) {
        scratch.nowNs = nowNs;
        scratch.drops = 0; // a batch that failed may have left some
        scratch.settled = TrackingScratch.NONE_SETTLED;
        prepare(packets, request, scratch);
        if (packets.length() > 1 && isTableLarge(scratch)) {
            prefetch(packets.length(), scratch);
        }
        follow(packets, request, nowNs, scratch);
        return scratch.drops == 0 ? 0 : removeDropped(packets, scratch);
    }

    // Two loops in methods of their own: the compiler knows an end to what it takes into one method (decision 11), and
    // each of them just fits.

    private void prepare(PacketBatch packets, CtRequest request, TrackingScratch scratch) {
        for (int i = 0; i < packets.length(); i++) {
            scratch.steps[i] = prepare(packets.get(i), i, request, scratch);
        }
    }

    private void follow(PacketBatch packets, CtRequest request, long nowNs, TrackingScratch scratch) {
        boolean writes = request.writes();
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            switch (scratch.steps[i]) {
                case TrackingScratch.TRACK ->
                    track(packet, i, request, writes, stateBefore(packet, request), nowNs, scratch);
                case TrackingScratch.REPEAT -> trackRepeat(packets, i, request, writes, nowNs, scratch);
                case TrackingScratch.INVALID -> PacketMetadata.writeNoConnection(packet, CtState.INV, request.zone());
                case TrackingScratch.OF_LINK -> PacketMetadata.writeNoConnection(packet, 0, request.zone());
                default -> {
                    // A further ct() of the same walk; nothing is dropped before it was tracked.
                }
            }
        }
    }

    private boolean isTableLarge(TrackingScratch scratch) {
        if (--scratch.batchesUntilLook < 0) {
            scratch.batchesUntilLook = BATCHES_PER_LOOK;
            scratch.isTableLarge = table.count.get() > CACHED_CONNECTIONS;
        }
        return scratch.isTableLarge;
    }

    private static int removeDropped(PacketBatch packets, TrackingScratch scratch) {
        int kept = 0;
        for (int i = 0; i < packets.length(); i++) {
            if (scratch.steps[i] != TrackingScratch.DROP) {
                packets.set(kept++, packets.get(i));
            }
        }
        packets.shorten(kept);
        return scratch.drops;
    }

    /**
     * Reads the buckets, then the entries: in a large table each is a cache miss, and asked for in a row they are
     * fetched side by side.
     */
    private void prefetch(int length, TrackingScratch scratch) {
        TupleIndex index = table.index;
        long prefetched = 0;
        for (int i = 0; i < length; i++) {
            prefetched += index.prefetchBucket(scratch.keys[i].hash);
        }
        for (int i = 0; i < length; i++) {
            prefetched += index.prefetchEntry(scratch.keys[i].hash);
        }
        scratch.prefetched += prefetched;
    }

    private byte prepare(Packet packet, int position, CtRequest request, TrackingScratch scratch) {
        if (packet.ctConnection() != Conntrack.NO_CONNECTION
                && !request.force()
                && trackAgain(packet, request, scratch)) {
            return TrackingScratch.DONE;
        }
        TupleKey key = scratch.keys[position];
        InvalidReason fault = TupleReader.read(packet, request.zone(), key);
        if (fault != null) {
            if (fault == InvalidReason.ICMP_TYPE && LinkLocalMessage.is(packet)) {
                return TrackingScratch.OF_LINK;
            }
            invalid.count(fault);
            return TrackingScratch.INVALID;
        }
        if (isTranslated(stateBefore(packet, request))) {
            key.reverse(); // it bears the other direction's tuple now, reversed
        }
        table.hash.fold(key);
        if (position > 0
                && scratch.steps[position - 1] <= TrackingScratch.REPEAT
                && key.isSameAs(scratch.keys[position - 1])) {
            return TrackingScratch.REPEAT;
        }
        table.hash.hash(key);
        key.identity = TupleKey.NOTHING_FOUND;
        return TrackingScratch.TRACK;
    }

    /** What an earlier {@code ct()} of this zone has found; 0 if there was none. */
    private static int stateBefore(Packet packet, CtRequest request) {
        return packet.ctZone() == request.zone() ? packet.ctState() : 0;
    }

    /** A {@code ct()} of this zone has translated the packet before. */
    private static boolean isTranslated(int stateBefore) {
        return (stateBefore & (CtState.SNAT | CtState.DNAT)) != 0;
    }

    /**
     * A packet of the same tuple as the one before. If that one had nothing to write, and nobody has touched the
     * connection since, it gets the same metadata; else what was found is likely to be good for it, too.
     */
    private void trackRepeat(
            PacketBatch packets, int position, CtRequest request, boolean writes, long nowNs, TrackingScratch scratch) {
        Packet packet = packets.get(position);
        TupleKey key = scratch.keys[position];
        key.copyLookupOf(scratch.keys[position - 1]);
        long entry = table.entries.entry(key.slot);
        long word = EntryTable.word(entry);
        int stateBefore = stateBefore(packet, request); // read before the fast path, in vain, writes another one
        if (stateBefore == 0 && scratch.isSettled(position - 1, entry, word)) {
            packet.copyConntrack(packets.get(position - 1));
            scratch.settled = position;
        } else if (writes
                || request.force()
                || isTranslated(stateBefore)
                || !tryFastPath(packet, key, stateBefore, request.zone(), nowNs)) {
            track(packet, position, request, writes, stateBefore, nowNs, scratch);
        } else if (stateBefore == 0) {
            scratch.settle(position, entry, word);
        }
    }

    /**
     * A further {@code ct()} of the same zone in one walk: the packet counts once; only mark and label are looked at.
     */
    private boolean trackAgain(Packet packet, CtRequest request, TrackingScratch scratch) {
        long id = packet.ctConnection();
        long locked = table.lock(id);
        if (locked == 0) {
            return false;
        }
        long entry = table.entries.entry(ConnectionTable.slot(id));
        boolean sameZone = EntryLayout.zone(OffHeap.getInt(entry + EntryLayout.KIND)) == request.zone();
        int news = 0;
        try {
            news = sameZone ? followAgainLocked(packet, id, entry, request, scratch) : 0;
        } catch (RuntimeException | Error e) {
            EntryTable.unlockAfterFailure(entry, locked);
            throw e;
        }
        EntryTable.unlock(entry, locked);
        if (news != 0) {
            tell(id, news, scratch.nowNs);
        }
        return sameZone;
    }

    private int followAgainLocked(Packet packet, long id, long entry, CtRequest request, TrackingScratch scratch) {
        int state = packet.ctState();
        int flags = EntryLayout.flags(entry);
        if (translates(state, request, flags)) {
            boolean reply = (state & CtState.RPL) != 0;
            boolean error = TupleReader.isError(packet);
            if (!error && scratch.algs.begin(ConnectionTable.slot(id), entry, flags, reply, true)) {
                scratch.algs.restore(packet);
                scratch.algs.readAgain(packet);
            }
            state |= Translation.apply(packet, table.entries, entry, reply, error, scratch.leavingTuple);
        }
        return toldOf(entry, PacketMetadata.write(packet, state, request, table.entries, entry));
    }

    private void track(
            Packet packet,
            int position,
            CtRequest request,
            boolean writes,
            int stateBefore,
            long nowNs,
            TrackingScratch scratch) {
        TupleKey key = scratch.keys[position];
        boolean translated = isTranslated(stateBefore);
        while (true) {
            if (table.find(key, nowNs)) {
                key.reply ^= translated;
                boolean forced = request.force() && key.reply && mayReplace(packet);
                if (!writes && !forced && tryFastPath(packet, key, stateBefore, request.zone(), nowNs)) {
                    return;
                }
                long locked = EntryTable.lock(table.entries.entry(key.slot), key.identity);
                if (locked == 0) {
                    continue;
                }
                if (forced) {
                    table.removeLocked(key.slot, locked, AuditCause.FORCED, nowNs);
                } else if (followOrUnlock(packet, key, locked, stateBefore, request, nowNs, scratch)) {
                    return;
                }
            }
            if (translated) {
                key.reverse(); // its connection is gone: it begins one as it is now
                table.hash.foldAndHash(key);
                translated = false;
            }
            if (firstPackets.begin(packet, position, request, nowNs, scratch)) {
                return;
            }
        }
    }

    /** A TCP packet that may begin nothing takes nobody's place either. */
    private static boolean mayReplace(Packet packet) {
        return !TcpRules.ARE_RFCS
                || packet.ipProtocol() != IpProtocols.TCP
                || ProtocolTracking.faultAsFirst(packet) == null;
    }

    /**
     * The usual packet of a connection that knows both ways already, of which there is nothing to tell, and whose
     * deadline this batch has moved before: nothing is to be written, so it needs no lock. What was read belongs
     * together if the entry's word is the same before and after.
     *
     * @return false if the packet needs more than that; it may bear wrong metadata then
     */
    private boolean tryFastPath(Packet packet, TupleKey key, int stateBefore, int zone, long nowNs) {
        long entry = table.entries.entry(key.slot);
        long word = EntryTable.word(entry);
        Timeout timeout = ProtocolTracking.settledTimeout(entry);
        int flags = EntryLayout.flags(entry);
        if ((word & LOCKED) != 0
                || EntryTable.identity(word) != key.identity
                || key.related
                || timeout == null
                || (flags & (FLAG_SPECIAL | FLAG_NAT | FLAG_PORT_GONE)) != 0
                || OffHeap.getLong(entry + DEADLINE) != nowNs + TimeoutPolicy.DEFAULT.ns(timeout)
                || key.reply && (flags & FLAG_REPLY_SEEN) == 0
                || (flags & FLAG_ESTABLISHED_REPORTED) == 0 && table.listener != null) {
            return false;
        }
        int state = stateAfter(UpdateResult.ESTABLISHED, stateBefore, key.reply);
        PacketMetadata.copyWithTuple(packet, state, zone, table.entries, entry, ConnectionTable.id(key.slot, word));
        VarHandle.loadLoadFence();
        return EntryTable.word(entry) == word;
    }

    /** {@link #followLocked}, after which nothing is locked, even if something was thrown. */
    private boolean followOrUnlock(
            Packet packet,
            TupleKey key,
            long locked,
            int stateBefore,
            CtRequest request,
            long nowNs,
            TrackingScratch scratch) {
        try {
            return followLocked(packet, key, locked, stateBefore, request, nowNs, scratch);
        } catch (RuntimeException | Error e) {
            EntryTable.unlockAfterFailure(table.entries.entry(key.slot), locked);
            throw e;
        }
    }

    /**
     * A packet of a known connection, which is locked, and is unlocked afterwards.
     *
     * @return false if the connection was over and is gone: the packet begins a new one
     */
    private boolean followLocked(
            Packet packet,
            TupleKey key,
            long locked,
            int stateBefore,
            CtRequest request,
            long nowNs,
            TrackingScratch scratch) {
        long entry = table.entries.entry(key.slot);
        int state;
        int news = 0;
        boolean hasAlg = false;
        int flags = EntryLayout.flags(entry); // once: each look costs the compiler a good deal of what it may inline
        boolean translates = translates(stateBefore, request, flags);
        if (key.related) {
            state = stateBefore | CtState.REL | (key.reply ? CtState.RPL : 0);
        } else {
            hasAlg = scratch.algs.begin(key.slot, entry, flags, key.reply, translates);
            if (hasAlg) {
                scratch.algs.restore(packet);
            }
            boolean held = (flags & FLAG_HELD) != 0;
            int statesBefore = held ? EntryLayout.states(entry) : 0; // nobody else is told of them
            UpdateResult result = scratch.protocols.update(packet, entry, key.reply, windowChecked);
            if (result == UpdateResult.REOPEN) {
                table.removeLocked(key.slot, locked, AuditCause.REOPENED, nowNs);
                return false;
            }
            state = stateAfter(
                    result, (flags & FLAG_SPECIAL) == 0 ? stateBefore : stateBefore | relation(entry), key.reply);
            Timeout timeout = scratch.protocols.timeout();
            boolean isNextSecond = timeout != null && table.renew(key.slot, entry, timeout, nowNs);
            if (result == UpdateResult.INVALID) {
                invalid.count(scratch.protocols.invalidReason());
            } else if (result == UpdateResult.PASSED) {
                if (hasAlg && !scratch.algs.pass(packet)) {
                    invalid.count(InvalidReason.TCP_WINDOW);
                    state |= CtState.INV;
                }
            } else {
                if (mayBeNews(flags, key.reply)
                        || held && (isNextSecond || statesBefore != EntryLayout.states(entry))) {
                    news = news(packet, key, entry, result, statesBefore, isNextSecond);
                }
                if (hasAlg) {
                    if (!scratch.algs.read(packet)) {
                        invalid.count(InvalidReason.ALG_ADDRESS);
                        state |= CtState.INV;
                    }
                    news |= scratch.algs.learnedControl() ? ConnectionListener.CONTROL_CHANGED : 0;
                }
            }
        }
        if (translates) {
            state |= Translation.apply(packet, table.entries, entry, key.reply, key.related, scratch.leavingTuple);
        }
        long id = ConnectionTable.id(key.slot, locked);
        news |= PacketMetadata.writeWithTuple(packet, state, request, table.entries, entry, id);
        if (hasAlg) {
            scratch.algs.expect(id);
        }
        if (news != 0) {
            news = toldOf(entry, news);
        }
        EntryTable.unlock(entry, locked);
        if (news != 0) {
            tell(id, news, nowNs);
        }
        return true;
    }

    private static int stateAfter(UpdateResult result, int stateBefore, boolean reply) {
        return switch (result) {
            case NEW, REOPEN -> stateBefore | CtState.NEW;
            case ESTABLISHED, PASSED -> stateBefore & ~CtState.NEW | CtState.EST | (reply ? CtState.RPL : 0);
            case INVALID -> CtState.INV;
        };
    }

    /** {@code rel} for a connection that was announced by another one. */
    private int relation(long entry) {
        long extension = table.entries.extensionOf(entry);
        return extension != 0 && OffHeap.getLong(extension + EntryLayout.PARENT_ID) != 0 ? CtState.REL : 0;
    }

    /** Whether the packet of a translated connection is to be translated: once in a zone. */
    private static boolean translates(int stateBefore, CtRequest request, int flags) {
        return request.nat() != null && (flags & FLAG_NAT) != 0 && (stateBefore & (CtState.SNAT | CtState.DNAT)) == 0;
    }

    /** Whether there may be something to tell of a valid packet, by the connection's flags: few are such. */
    private boolean mayBeNews(int flags, boolean reply) {
        return (flags & FLAG_PORT_GONE) != 0
                || reply && (flags & FLAG_REPLY_SEEN) == 0
                || (flags & FLAG_ESTABLISHED_REPORTED) == 0 && table.listener != null;
    }

    /** What there is to tell of a valid packet: bits of {@link ConnectionListener#onChanged}, and one more. */
    private int news(
            Packet packet, TupleKey key, long entry, UpdateResult result, int statesBefore, boolean isNextSecond) {
        boolean held = (EntryLayout.flags(entry) & FLAG_HELD) != 0;
        int news = held && ProtocolTracking.closesFurther(statesBefore, entry) ? ConnectionListener.TCP_CHANGED : 0;
        news |= noteFirstReply(packet, key, entry, result) ? 0 : followPorts(packet, key, entry, isNextSecond);
        return shouldReportEstablished(entry) ? news | ESTABLISHED : news;
    }

    /** Notes by which port the first reply comes in; false if the packet is not that. */
    private boolean noteFirstReply(Packet packet, TupleKey key, long entry, UpdateResult result) {
        int flags = EntryLayout.flags(entry);
        boolean isFirst = key.reply && result == UpdateResult.ESTABLISHED && (flags & FLAG_REPLY_SEEN) == 0;
        if (isFirst) {
            OffHeap.putInt(table.entries.side(key.slot) + EntryLayout.REPLY_IN_PORT, packet.inPort());
            EntryLayout.setFlags(entry, flags | FLAG_REPLY_SEEN);
        }
        return isFirst;
    }

    /**
     * Looks by which port a direction comes in, if somebody wants to know. The ports stand in another cache line than
     * the entry: where they are known, they are looked at once in about a second of the connection's traffic.
     */
    private int followPorts(Packet packet, TupleKey key, long entry, boolean isNextSecond) {
        int flags = EntryLayout.flags(entry);
        boolean looks = (flags & FLAG_PORT_GONE) != 0 || (flags & FLAG_HELD) != 0 && isNextSecond;
        return looks && inPorts.follow(key.slot, entry, key.reply, packet.inPort())
                ? ConnectionListener.PORT_CHANGED
                : 0;
    }

    /** Whether this packet is the one of which the listener is told that it met an established connection. */
    private boolean shouldReportEstablished(long entry) {
        int flags = EntryLayout.flags(entry);
        if ((flags & FLAG_ESTABLISHED_REPORTED) != 0
                || table.listener == null
                || !ProtocolTracking.isEstablished(entry)) {
            return false;
        }
        EntryLayout.setFlags(entry, flags | FLAG_ESTABLISHED_REPORTED);
        return true;
    }

    private static int toldOf(long entry, int news) {
        return (EntryLayout.flags(entry) & FLAG_HELD) != 0 ? news : news & (ALWAYS_TOLD | ESTABLISHED);
    }

    private void tell(long id, int news, long nowNs) {
        ConnectionListener listener = table.listener;
        if (listener == null) {
            return;
        }
        if ((news & ESTABLISHED) != 0) {
            listener.onEstablished(id, nowNs);
        }
        if ((news & ~ESTABLISHED) != 0) {
            listener.onChanged(id, news & ~ESTABLISHED, nowNs);
        }
    }
}
