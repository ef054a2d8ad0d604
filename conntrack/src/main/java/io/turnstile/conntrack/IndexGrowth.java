package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ALIVE;
import static io.turnstile.conntrack.EntryLayout.FLAG_NAT;
import static io.turnstile.conntrack.EntryLayout.KIND;
import static io.turnstile.conntrack.EntryLayout.life;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One growth of the index: a larger one is made beside the one in use, which stays complete until then, so that packets
 * search it and nothing else.
 *
 * <ol>
 *   <li>The kernel gives the larger one's memory, piece by piece.
 *   <li>It opens: from now on connections come and go in both. Who has put one in and has not seen that yet holds a
 *       stripe; so each stripe is passed through once.
 *   <li>All slots are gone through: a living connection that is not in the larger index is put there, under its lock.
 *   <li>The larger index takes the other's place.
 * </ol>
 *
 * <p>The work is done by each new connection, a bounded share of it, and by the sweep. One thread at a time is at it;
 * who finds another there goes on without, and what is owed so is paid by the next ones, a bounded share each. The
 * growth is over before the index in use becomes crowded, whether or not anybody sweeps, unless whoever is at it loses
 * his core for as long as the rest takes to fill it: then new connections are refused at nine tenths.
 *
 * <p>Threads: any.
 */
final class IndexGrowth {
    /** Slots for each new connection, while there are not more slots than cells. */
    private static final int SLOTS = 16;
    /** For so many connections one of them pays at most. */
    private static final int MOST_OWED = 4;
    /**
     * When the index in use has this part more cells than it is for, new connections begin to ask for memory: it is
     * better done by the sweep, which has had its turns until then.
     */
    private static final int PART_BEFORE_MEMORY = 4;
    /** With this part more still, all of it has been asked for. */
    private static final int PART_FOR_MEMORY = 16;

    private final ConnectionTable table;
    private final EntryTable entries;
    private final TupleIndex from;
    private final TupleIndex to;
    private final AtomicLong commits = new AtomicLong();
    private final AtomicBoolean working = new AtomicBoolean();
    private volatile boolean open;
    private volatile boolean over;
    // Guarded by working.
    private boolean moving;
    private long commitsBefore;
    private int end;
    private int next;

    IndexGrowth(ConnectionTable table, TupleIndex from, TupleIndex to) {
        this.table = table;
        this.entries = table.entries;
        this.from = from;
        this.to = to;
    }

    /** Slots that one new connection looks at, at most. */
    int mostSlotsOfCommit() {
        return slotsOfCommit() * MOST_OWED;
    }

    /** With more slots than cells, as while removed connections are held, the share is larger by as much. */
    private int slotsOfCommit() {
        return SLOTS + (int) (SLOTS * (long) Math.max(0, end - from.capacity()) / from.capacity());
    }

    /** Pieces of memory that the kernel has been asked for. */
    int piecesTouched() {
        return to.piecesTouched();
    }

    /** Slots that have been gone through. */
    int progress() {
        return next;
    }

    // ---- work ----

    /**
     * A new connection's share. No lock is held.
     *
     * @param cells in use
     */
    void payForCommit(int cells) {
        long count = commits.incrementAndGet();
        if (over || !working.compareAndSet(false, true)) {
            return;
        }
        try {
            if (moving) {
                long owed = (count - commitsBefore) * slotsOfCommit() - next;
                move(Math.clamp(owed, 0, mostSlotsOfCommit()));
            } else {
                long late = (long) cells - from.capacity() - from.capacity() / PART_BEFORE_MEMORY;
                boolean owes = late * to.pieces() * PART_FOR_MEMORY >= (long) to.piecesTouched() * from.capacity();
                prepare(owes ? 1 : 0);
            }
        } finally {
            working.set(false);
        }
    }

    /**
     * Does so much, if nobody else is at it. No lock is held.
     *
     * @return whether there is more to do
     */
    boolean goOn(int mostPieces, int mostSlots) {
        if (!over && working.compareAndSet(false, true)) {
            try {
                if (moving) {
                    move(mostSlots);
                } else {
                    prepare(mostPieces);
                }
            } finally {
                working.set(false);
            }
        }
        return !over;
    }

    private void prepare(int mostPieces) {
        if (!to.touch(mostPieces)) {
            open = true;
            table.passThroughStripes();
            end = entries.end();
            commitsBefore = commits.get();
            moving = true;
        }
    }

    private void move(int mostSlots) {
        int last = Math.min(end, next + mostSlots);
        for (; next < last; next++) {
            move(entries.entry(next), next);
        }
        if (next == end && !over) {
            over = true;
            table.replaceIndex(to);
        }
    }

    private void move(long entry, int slot) {
        long identity = EntryTable.identity(EntryTable.word(entry));
        long locked = life(identity) == ALIVE ? EntryTable.lock(entry, identity) : 0;
        if (locked == 0) {
            return;
        }
        long original = table.hash.ofOriginal(entry);
        // Both of a connection's cells are there, or none: a translated tuple may have the original one's hash.
        if (!to.contains(original, slot)) {
            to.insert(original, slot);
            if ((EntryLayout.flags(entry) & FLAG_NAT) != 0) {
                long extension = entries.extensionOf(entry);
                to.insert(table.hash.ofReply(extension, OffHeap.getInt(entry + KIND)), slot);
            }
        }
        EntryTable.unlock(entry, locked);
    }

    // ---- who comes and goes meanwhile ----

    /** Whether connections come and go in both: asked by who holds the stripe or the locked entry. */
    boolean isOpen() {
        return open;
    }

    void insert(long hash, int slot) {
        from.insert(hash, slot);
        to.insert(hash, slot);
    }

    /** False if the cell was in neither. It may be in one only: the larger has not got it yet, or has taken over. */
    boolean remove(long hash, int slot) {
        boolean wasInUse = from.remove(hash, slot);
        return to.remove(hash, slot) || wasInUse;
    }
}
