package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.FLAG_ASKED;
import static io.turnstile.conntrack.EntryLayout.FLAG_ESTABLISHED_REPORTED;
import static io.turnstile.conntrack.EntryLayout.FLAG_HELD;
import static io.turnstile.conntrack.EntryLayout.HOLDS_MASK;
import static io.turnstile.conntrack.EntryLayout.HOLD_ONE;

import io.turnstile.packet.IpProtocols;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The holds count, for each connection, those who carry packets of it. What a hold means stands at
 * {@link Conntrack#hold}; the deadline of a held connection is {@link ConnectionTable#checkDeadline}'s business, its
 * window check that of {@link TcpTracking}.
 *
 * <p>The count stands in the entry's word: whoever counts has locked it and owns its cache line anyway, and the side
 * record, of which several share a line, stays with the threads that make new connections.
 *
 * <p>Threads: any; the entry's lock guards the count.
 */
final class Holds {
    private final ConnectionTable table;
    private final EntryTable entries;

    Holds(ConnectionTable table) {
        this.table = table;
        this.entries = table.entries;
    }

    /** {@link Conntrack#hold}. */
    boolean hold(long connectionId) {
        long locked = table.lock(connectionId);
        if (locked == 0) {
            return false;
        }
        long entry = entries.entry(ConnectionTable.slot(connectionId));
        boolean counts = (locked & HOLDS_MASK) != HOLDS_MASK;
        if (counts) {
            // One who comes after the deadline is asked, too.
            EntryLayout.setFlags(entry, EntryLayout.flags(entry) & ~FLAG_ASKED | FLAG_HELD);
        }
        EntryTable.unlock(entry, counts ? locked + HOLD_ONE : locked);
        return counts;
    }

    /** {@link Conntrack#unhold}. */
    void unhold(long connectionId, @Nullable TcpResume resume) {
        long locked = table.lock(connectionId);
        if (locked == 0) {
            return;
        }
        long entry = entries.entry(ConnectionTable.slot(connectionId));
        boolean counted = (locked & HOLDS_MASK) != 0;
        if (counted) {
            if (resume != TcpResume.NOTHING_CARRIED
                    && EntryLayout.protocol(OffHeap.getInt(entry + EntryLayout.KIND)) == IpProtocols.TCP) {
                TcpCarried.goOn(entry, resume);
            }
            if ((locked & HOLDS_MASK) == HOLD_ONE) {
                EntryLayout.setFlags(entry, EntryLayout.flags(entry) & ~FLAG_HELD);
            }
        }
        EntryTable.unlock(entry, counted ? locked - HOLD_ONE : locked);
    }

    /** {@link Conntrack#awaitEstablished}. */
    boolean awaitEstablished(long connectionId) {
        if (isToBeReported(connectionId)) {
            return false;
        }
        long locked = table.lock(connectionId);
        if (locked == 0) {
            return false;
        }
        long entry = entries.entry(ConnectionTable.slot(connectionId));
        EntryLayout.setFlags(entry, EntryLayout.flags(entry) & ~FLAG_ESTABLISHED_REPORTED);
        boolean established = ProtocolTracking.isEstablished(entry);
        EntryTable.unlock(entry, locked);
        return established;
    }

    /**
     * Whether the connection is not established and will be reported when it is, as that of a fresh one: it is asked
     * about with each commit, so it is read without lock. The word is read in order with what the caller has written
     * before: who reports from here on has locked the entry later, and sees that.
     */
    private boolean isToBeReported(long connectionId) {
        int slot = ConnectionTable.slot(connectionId);
        if (!entries.contains(slot)) {
            return false;
        }
        long entry = entries.entry(slot);
        long word = EntryTable.wordInOrder(entry);
        if ((word & EntryLayout.LOCKED) != 0
                || EntryTable.identity(word) != ConnectionTable.aliveIdentity(connectionId)
                || (EntryLayout.flags(entry) & FLAG_ESTABLISHED_REPORTED) != 0
                || ProtocolTracking.isEstablished(entry)) {
            return false;
        }
        VarHandle.loadLoadFence();
        return EntryTable.word(entry) == word;
    }
}
