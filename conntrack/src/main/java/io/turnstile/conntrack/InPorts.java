package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.ALIVE;
import static io.turnstile.conntrack.EntryLayout.FLAG_HELD;
import static io.turnstile.conntrack.EntryLayout.FLAG_PORT_GONE;
import static io.turnstile.conntrack.EntryLayout.FLAG_REPLY_SEEN;
import static io.turnstile.conntrack.EntryLayout.FREE;
import static io.turnstile.conntrack.EntryLayout.ORIGINAL_IN_PORT;
import static io.turnstile.conntrack.EntryLayout.REPLY_IN_PORT;
import static io.turnstile.conntrack.EntryLayout.life;

import java.util.function.IntPredicate;

/**
 * The ports by which the directions of connections come in. They are those of each direction's first packet, until the
 * connection is held or one of them goes: from then on they follow the packets.
 *
 * <p>Threads: any; the entry's lock guards its ports.
 */
final class InPorts {
    /** Stands for a port that is not known; packets that a controller made come in by none, too. */
    static final int NONE = -1;

    private final ConnectionTable table;
    private final EntryTable entries;

    InPorts(ConnectionTable table) {
        this.table = table;
        this.entries = table.entries;
    }

    /** {@link Conntrack#forgetPorts}: of removed connections, too, as long as they can be read. */
    void forget(IntPredicate gone, long nowNs) {
        int end = entries.end();
        for (int slot = 0; slot < end; slot++) {
            // Read without the lock, under which nobody is called.
            int original = of(slot, false);
            int reply = of(slot, true);
            boolean originalGone = original >= 0 && gone.test(original);
            boolean replyGone = reply >= 0 && gone.test(reply);
            if (originalGone || replyGone) {
                forget(slot, originalGone ? original : NONE, replyGone ? reply : NONE, nowNs);
            }
        }
    }

    /** Forgets the slot's ports if they are these; one that is none is not meant. */
    private void forget(int slot, int original, int reply, long nowNs) {
        long entry = entries.entry(slot);
        long side = entries.side(slot);
        long identity;
        long locked;
        do {
            identity = EntryTable.identity(EntryTable.word(entry));
            if (life(identity) == FREE) {
                return;
            }
            locked = EntryTable.lock(entry, identity);
        } while (locked == 0);
        boolean forgotten = forgetIf(side + ORIGINAL_IN_PORT, original);
        forgotten |= forgetIf(side + REPLY_IN_PORT, reply);
        int flags = EntryLayout.flags(entry);
        if (forgotten) {
            EntryLayout.setFlags(entry, flags | FLAG_PORT_GONE);
        }
        EntryTable.unlock(entry, locked);
        ConnectionListener current = table.listener;
        if (forgotten && life(identity) == ALIVE && (flags & FLAG_HELD) != 0 && current != null) {
            current.onChanged(ConnectionTable.id(slot, identity), ConnectionListener.PORT_CHANGED, nowNs);
        }
    }

    private static boolean forgetIf(long at, int port) {
        if (port == NONE || OffHeap.getInt(at) != port) {
            return false;
        }
        OffHeap.putInt(at, NONE);
        return true;
    }

    /** By which port packets of a direction come in, as far as is known. */
    int of(int slot, boolean reply) {
        return OffHeap.getInt(entries.side(slot) + (reply ? REPLY_IN_PORT : ORIGINAL_IN_PORT));
    }

    /**
     * A valid packet of a locked connection that is held or misses a port: its direction comes in by that port. The
     * first of a direction has said so already.
     *
     * @return whether that is news
     */
    boolean follow(int slot, long entry, boolean reply, int inPort) {
        long side = entries.side(slot);
        long at = side + (reply ? REPLY_IN_PORT : ORIGINAL_IN_PORT);
        if (inPort < 0 || OffHeap.getInt(at) == inPort) {
            return false;
        }
        OffHeap.putInt(at, inPort);
        int flags = EntryLayout.flags(entry);
        boolean complete = of(slot, false) >= 0 && ((flags & FLAG_REPLY_SEEN) == 0 || of(slot, true) >= 0);
        if (complete) {
            EntryLayout.setFlags(entry, flags & ~FLAG_PORT_GONE);
        }
        return true;
    }
}
