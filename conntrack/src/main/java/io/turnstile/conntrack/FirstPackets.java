package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.DEADLINE;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.Expectations.Announcement;
import io.turnstile.packet.Packet;
import java.util.concurrent.atomic.LongAdder;

/**
 * Packets of no known connection: makes a connection if they are to be committed, with its translation and as its
 * parent announced it, or says why there is none.
 *
 * <p>Threads: any, each with its scratch.
 */
final class FirstPackets {
    private final ConnectionTable table;
    /** How often the table was full, and how often no tuple was left. */
    final LongAdder refusals = new LongAdder();

    final LongAdder natExhaustions = new LongAdder();

    FirstPackets(ConnectionTable table) {
        this.table = table;
    }

    /**
     * A packet of no known connection.
     *
     * @return false if somebody else has put its connection into the table meanwhile: look again
     */
    boolean begin(Packet packet, int position, CtRequest request, long nowNs, TrackingScratch own) {
        TupleKey key = own.keys[position];
        if (key.related || !ProtocolTracking.canBegin(packet)) {
            PacketMetadata.writeUnknown(packet, CtState.INV, request.zone(), key);
            return true;
        }
        Announcement announcement = table.expectations.isEmpty() ? null : table.expectations.find(key);
        if (!request.commit()) {
            writeNew(packet, key, request, announcement);
            return true;
        }
        NewConnection made = own.made;
        made.reset(request, key);
        if (announcement != null) {
            made.announcedBy(announcement);
        }
        if (request.nat() != null && !chooseReply(key, request.nat(), announcement, own)) {
            natExhaustions.increment();
            own.steps[position] = TrackingScratch.DROP;
            own.drops++;
            return true;
        }
        return switch (table.insert(key, made, packet, own.protocols, nowNs)) {
            case DONE -> {
                welcome(packet, key, request, nowNs, own);
                yield true;
            }
            case TABLE_FULL -> {
                refusals.increment();
                writeNew(packet, key, request, announcement);
                yield true;
            }
            case ZONE_FULL -> {
                writeNew(packet, key, request, announcement);
                yield true;
            }
            case PRESENT -> {
                removeIfExpired(key, nowNs);
                yield false;
            }
            case REPLY_TAKEN -> {
                removeIfExpired(made.reply, nowNs);
                yield false;
            }
        };
    }

    /** Of no connection in the table, though it would make one. */
    private static void writeNew(Packet packet, TupleKey key, CtRequest request, Announcement announcement) {
        if (announcement == null) {
            PacketMetadata.writeUnknown(packet, CtState.NEW, request.zone(), key);
        } else {
            PacketMetadata.writeAnnounced(packet, CtState.NEW | CtState.REL, request.zone(), announcement);
        }
    }

    /** A connection that was just made, and is locked. */
    private void welcome(Packet packet, TupleKey key, CtRequest request, long nowNs, TrackingScratch own) {
        NewConnection made = own.made;
        long id = ConnectionTable.id(key.slot, key.identity);
        long entry = table.entries.entry(key.slot);
        int state = CtState.NEW | (made.parentId == 0 ? 0 : CtState.REL);
        boolean dialogue = own.dialogues.begin(key.slot, entry, false, made.reply != null);
        if (dialogue && !own.dialogues.read(packet)) {
            state |= CtState.INV;
        }
        if (made.reply != null) {
            state |= Translation.apply(packet, table.entries, entry, false, false);
        }
        PacketMetadata.writeWithTuple(packet, state, request, table.entries, entry, id);
        if (dialogue) {
            own.dialogues.announce(id);
        }
        EntryTable.unlock(entry, made.lockedWord);
        ConnectionListener told = table.listener;
        if (told != null) {
            told.onCommitted(id, packet.inPort(), nowNs);
        }
    }

    /** Sets what {@code nat(…)} makes of a new connection; false if there is no tuple left for it. */
    private boolean chooseReply(TupleKey key, NatRequest nat, Announcement announcement, TrackingScratch own) {
        TupleKey reply = own.replyTuple;
        if (announcement != null) {
            reply.copyFrom(key);
            reply.reverse();
            own.made.natFlags = announcement.natFlags;
            if (announcement.natFlags == Translation.NAT_SOURCE) {
                reply.destinationHigh = announcement.natHigh;
                reply.destinationLow = announcement.natLow;
            } else {
                reply.sourceHigh = announcement.natHigh;
                reply.sourceLow = announcement.natLow;
                reply.sourcePort = announcement.natPort != 0 ? announcement.natPort : reply.sourcePort;
            }
            table.hash.seal(reply);
            if (table.index.find(reply, own.nowNs)) {
                return false; // Another connection bears it: there is no other to choose.
            }
        } else if (nat.kind() == NatRequest.Kind.EXISTING) {
            return true;
        } else {
            own.made.natFlags =
                    nat.kind() == NatRequest.Kind.SOURCE ? Translation.NAT_SOURCE : Translation.NAT_DESTINATION;
            if (!own.natSearch.find(key, nat, reply)) {
                return false;
            }
        }
        table.hash.seal(reply);
        own.made.reply = reply;
        return true;
    }

    /** What the sweep has not come to yet must not stand in the way. */
    private void removeIfExpired(TupleKey key, long nowNs) {
        long entry = table.entries.entry(key.slot);
        long locked = EntryTable.lock(entry, key.identity);
        if (locked == 0) {
            return;
        }
        if (OffHeap.getLong(entry + DEADLINE) - nowNs <= 0) {
            table.removeLocked(key.slot, locked, RemovalReason.EXPIRED, nowNs);
        } else {
            EntryTable.unlock(entry, locked);
        }
    }
}
