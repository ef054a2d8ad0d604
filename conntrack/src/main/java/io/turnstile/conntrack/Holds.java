package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.FLAG_ASKED;
import static io.turnstile.conntrack.EntryLayout.FLAG_ESTABLISHED_REPORTED;
import static io.turnstile.conntrack.EntryLayout.FLAG_HELD;

import io.turnstile.packet.IpProtocols;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The holds count, for each connection, those who carry packets of it. What a hold means stands at
 * {@link Conntrack#hold}; the deadline of a held connection is {@link ConnectionTable#checkDeadline}'s business, its
 * window check that of {@link TcpTracking}.
 *
 * <p>Threads: any; the entry's lock guards the count.
 */
final class Holds {
    private static final int MOST = 0xffff;

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
        int slot = ConnectionTable.slot(connectionId);
        long entry = entries.entry(slot);
        int holds = holds(slot);
        boolean counts = holds < MOST;
        if (counts) {
            OffHeap.putShort(entries.side(slot) + EntryLayout.HOLDS, holds + 1);
            // One who comes after the deadline is asked, too.
            EntryLayout.setFlags(entry, EntryLayout.flags(entry) & ~FLAG_ASKED | FLAG_HELD);
        }
        EntryTable.unlock(entry, locked);
        return counts;
    }

    /** {@link Conntrack#unhold}. */
    void unhold(long connectionId, @Nullable TcpResume resume) {
        long locked = table.lock(connectionId);
        if (locked == 0) {
            return;
        }
        int slot = ConnectionTable.slot(connectionId);
        long entry = entries.entry(slot);
        int holds = holds(slot);
        if (holds > 0) {
            OffHeap.putShort(entries.side(slot) + EntryLayout.HOLDS, holds - 1);
            if (resume != TcpResume.NOTHING_CARRIED
                    && EntryLayout.protocol(OffHeap.getInt(entry + EntryLayout.KIND)) == IpProtocols.TCP) {
                TcpTracking.goOn(entry, resume);
            }
            if (holds == 1) {
                EntryLayout.setFlags(entry, EntryLayout.flags(entry) & ~FLAG_HELD);
            }
        }
        EntryTable.unlock(entry, locked);
    }

    private int holds(int slot) {
        return OffHeap.getUnsignedShort(entries.side(slot) + EntryLayout.HOLDS);
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
