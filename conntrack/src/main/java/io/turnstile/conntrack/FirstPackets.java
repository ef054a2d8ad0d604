package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.FLAG_HELD;

import io.turnstile.conntrack.Expectations.Expectation;
import io.turnstile.packet.Packet;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Packets of no known connection: makes a connection if they are to be committed, with its translation and as its
 * parent announced it, or says why there is none.
 *
 * <p>Threads: any, each with its scratch.
 */
final class FirstPackets {
    private final ConnectionTable table;
    private final InvalidCounters invalid;
    /** How often the table was full, and how often no tuple was left. */
    final LongAdder refusals = new LongAdder();

    final LongAdder natExhaustions = new LongAdder();

    FirstPackets(ConnectionTable table, InvalidCounters invalid) {
        this.table = table;
        this.invalid = invalid;
    }

    /**
     * Handles a packet of no known connection.
     *
     * @return false if somebody else has put its connection into the table meanwhile: look again
     */
    boolean begin(Packet packet, int position, CtRequest request, long nowNs, TrackingScratch scratch) {
        TupleKey key = scratch.keys[position];
        InvalidReason fault = key.related ? InvalidReason.ICMP_UNRELATED : ProtocolTracking.faultAsFirst(packet);
        if (fault != null) {
            invalid.count(fault);
            PacketMetadata.writeUnknown(packet, CtState.INV, request.zone(), key);
            return true;
        }
        Expectation expectation = table.expectations.isEmpty() ? null : table.expectations.find(key);
        if (!request.commit()) {
            writeNew(packet, key, request, expectation);
            return true;
        }
        NewConnection connection = scratch.newConnection;
        connection.reset(request, key);
        if (expectation != null) {
            connection.expectedBy(expectation);
        }
        if (request.nat() != null && !chooseReply(key, request.nat(), expectation, scratch)) {
            natExhaustions.increment();
            table.audit.refused(key, AuditCause.NAT_EXHAUSTED, nowNs);
            scratch.steps[position] = TrackingScratch.DROP;
            scratch.drops++;
            return true;
        }
        return switch (table.insert(key, connection, packet, nowNs)) {
            case DONE -> {
                try {
                    finishCommit(packet, key, request, nowNs, scratch);
                } catch (RuntimeException | Error e) {
                    EntryTable.unlockAfterFailure(table.entries.entry(key.slot), connection.lockedWord);
                    throw e;
                }
                yield true;
            }
            case TABLE_FULL -> {
                refusals.increment();
                table.audit.refused(key, AuditCause.TABLE_FULL, nowNs);
                writeNew(packet, key, request, expectation);
                yield true;
            }
            case ZONE_FULL -> {
                table.audit.refused(key, AuditCause.ZONE_FULL, nowNs);
                writeNew(packet, key, request, expectation);
                yield true;
            }
            case PRESENT -> {
                removeIfExpired(key, nowNs);
                yield false;
            }
            case REPLY_TAKEN -> {
                removeIfExpired(
                        Objects.requireNonNull(
                                connection.reply, "only a reply tuple that NAT has chosen is looked for"),
                        nowNs);
                yield false;
            }
        };
    }

    /** Writes that the packet belongs to no connection in the table, though it would make one. */
    private static void writeNew(Packet packet, TupleKey key, CtRequest request, @Nullable Expectation expectation) {
        if (expectation == null) {
            PacketMetadata.writeUnknown(packet, CtState.NEW, request.zone(), key);
        } else {
            PacketMetadata.writeExpected(packet, CtState.NEW | CtState.REL, request.zone(), expectation);
        }
    }

    /** Handles the first packet of a connection that was just made and is locked, unlocks it and reports it. */
    private void finishCommit(Packet packet, TupleKey key, CtRequest request, long nowNs, TrackingScratch scratch) {
        NewConnection connection = scratch.newConnection;
        long id = ConnectionTable.id(key.slot, key.identity);
        long entry = table.entries.entry(key.slot);
        int state = CtState.NEW | (connection.parentId == 0 ? 0 : CtState.REL);
        boolean translates = connection.reply != null;
        boolean hasAlg = scratch.algs.begin(key.slot, entry, EntryLayout.flags(entry), false, translates);
        if (hasAlg && !scratch.algs.read(packet)) {
            invalid.count(InvalidReason.ALG_ADDRESS);
            state |= CtState.INV;
        }
        if (translates) {
            state |= Translation.apply(packet, table.entries, entry, false, false, scratch.leavingTuple);
        }
        PacketMetadata.writeWithTuple(packet, state, request, table.entries, entry, id);
        if (hasAlg) {
            scratch.algs.expect(id);
        }
        EntryTable.unlock(entry, connection.lockedWord);
        ConnectionListener listener = table.listener;
        if (listener != null) {
            listener.onCommitted(id, packet.inPort(), nowNs);
        }
    }

    /** Sets what {@code nat(…)} makes of a new connection; false if there is no tuple left for it. */
    private boolean chooseReply(
            TupleKey key, NatRequest nat, @Nullable Expectation expectation, TrackingScratch scratch) {
        TupleKey reply = scratch.replyTuple;
        if (expectation != null) {
            reply.copyReversed(key);
            scratch.newConnection.natFlags = expectation.natFlags;
            if (expectation.natFlags == Translation.NAT_SOURCE) {
                reply.setDestination(expectation.natHigh, expectation.natLow);
            } else {
                reply.setSource(expectation.natHigh, expectation.natLow);
                reply.sourcePort = expectation.natPort != 0 ? expectation.natPort : reply.sourcePort;
            }
            table.hash.foldAndHash(reply);
            if (table.find(reply, scratch.nowNs)) {
                return false; // Another connection bears it: there is no other to choose.
            }
        } else if (nat.kind() == NatRequest.Kind.EXISTING) {
            return true;
        } else {
            scratch.newConnection.natFlags =
                    nat.kind() == NatRequest.Kind.SOURCE ? Translation.NAT_SOURCE : Translation.NAT_DESTINATION;
            if (!scratch.natSearch.find(key, nat, reply)) {
                return false;
            }
        }
        table.hash.foldAndHash(reply);
        scratch.newConnection.reply = reply;
        return true;
    }

    /** What the sweep has not come to yet must not stand in the way, unless somebody may know that it is in use. */
    private void removeIfExpired(TupleKey key, long nowNs) {
        long entry = table.entries.entry(key.slot);
        long locked = EntryTable.lock(entry, key.identity);
        if (locked == 0) {
            return;
        }
        if (OffHeap.getLong(entry + DEADLINE) - nowNs <= 0 && (EntryLayout.flags(entry) & FLAG_HELD) == 0) {
            table.removeLocked(key.slot, locked, AuditCause.EXPIRED, nowNs);
        } else {
            EntryTable.unlock(entry, locked);
        }
    }
}
