package io.turnstile.offload;

import io.turnstile.conntrack.TcpResume;
import io.turnstile.offload.spi.TcpView;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a connection's word, claims and hold at the tracker as its item goes along, and at the item's end.
 *
 * <p>Threads: under the lock of its shard.
 */
final class ItemEnd {
    private final OffloadSession session;
    private final SlotTable table;

    ItemEnd(OffloadSession session) {
        this.session = session;
        table = session.table;
    }

    // ---- on the way ----

    /** The provider is about to be given the connection; false if the tracker does not have it any more. */
    boolean beginHold(WorkItem item) {
        if (!session.tracker.hold(item.connectionId)) {
            return false;
        }
        while (true) {
            long word = table.word(item.chunk, item.slot);
            if ((SlotTable.flags(word) & SlotTable.TRACKED) == 0) { // the session was given up just now
                session.tracker.unhold(item.connectionId, null);
                return false;
            }
            if (table.changeWord(item.chunk, item.slot, word, word | SlotTable.HELD)) {
                return true;
            }
        }
    }

    private void endHold(WorkItem item, @Nullable TcpResume resume) {
        session.forgetLost(item.connectionId);
        while (true) {
            long word = table.word(item.chunk, item.slot);
            if ((SlotTable.flags(word) & SlotTable.HELD) == 0) {
                return;
            }
            if (table.changeWord(item.chunk, item.slot, word, word & ~(long) SlotTable.HELD)) {
                session.tracker.unhold(item.connectionId, resume);
                return;
            }
        }
    }

    private void endClaims(WorkItem item) {
        List<Long> waiters = item.originalKey == WorkItem.NO_KEY
                ? session.claims.end(item.slot)
                : session.claims.end(item.slot, item.originalKey, item.translatedKey);
        for (long waiter : waiters) {
            session.offerNow(waiter);
        }
    }

    /** The connection is not taken: it is left as that. Of one that has failed nobody knows what was carried. */
    void dropOffer(WorkItem item, OffloadState state, int reason) {
        item.steps = 0;
        table.setState(item.chunk, item.slot, state, reason);
        endHold(item, state == OffloadState.FAILED ? null : TcpResume.NOTHING_CARRIED);
        endClaims(item);
    }

    /** The provider has let go of the connection. */
    void deleted(WorkItem item) {
        if (item.lastUsedMs != 0) {
            extend(item);
        }
        OffloadState left = item.afterDelete == null ? OffloadState.NONE : item.afterDelete;
        table.setState(item.chunk, item.slot, left, item.afterDelete == null ? 0 : item.reason);
        endHold(item, item.resume);
        endClaims(item);
        if (session.carries()) {
            session.lane.context.paths().left(item.connectionId, session);
        }
        if (left == OffloadState.LATER) {
            session.waiting.refused();
        }
        session.waiting.freed();
    }

    /** Sequence numbers as the tracker takes them; null if the provider gave none. */
    static @Nullable TcpResume resume(@Nullable TcpView tcp) {
        return tcp == null
                ? null
                : new TcpResume(
                        tcp.original().sentEnd(),
                        tcp.original().allowedEnd(),
                        tcp.reply().sentEnd(),
                        tcp.reply().allowedEnd());
    }

    private void extend(WorkItem item) {
        session.tracker.extend(item.connectionId, session.lane.context.lastUse().toMonotonicNs(item.lastUsedMs));
        item.lastUsedMs = 0;
    }

    // ---- the end of an item ----

    /** Returns whether the slot was sealed. */
    boolean finish(WorkItem item) {
        if (item.lastUsedMs != 0) {
            extend(item);
        }
        if (item.pathsOnly) {
            goOnMeanwhile(item);
            return false;
        }
        boolean sealed = false;
        if (item.has(SlotTable.REMOVED)) {
            sealed = finishRemoved(item);
        } else if (item.has(SlotTable.WITHDRAW)) {
            sealed = finishWithdrawn(item);
        } else if (item.alive) {
            noteHolding(item);
        } else {
            forgetUnknown(item);
        }
        if (!sealed) {
            goOnMeanwhile(item);
        }
        return sealed;
    }

    private void goOnMeanwhile(WorkItem item) {
        if ((item.flagsMeanwhile & SlotTable.PATH_NEWS) != 0) {
            session.pathNewsAgain(item.connectionId);
        }
        if ((item.flagsMeanwhile & ~SlotTable.PATH_NEWS) != 0) {
            session.markAgain(item);
        }
    }

    private boolean finishRemoved(WorkItem item) {
        session.forgetLost(item.connectionId);
        table.setState(item.chunk, item.slot, OffloadState.NONE, 0);
        long word;
        int base;
        do {
            word = table.word(item.chunk, item.slot);
            if ((SlotTable.flags(word) & SlotTable.TRACKED) == 0) {
                return false; // the session was given up just now, and its hold with it
            }
            base = item.has(SlotTable.WITHDRAW) || (SlotTable.flags(word) & SlotTable.WITHDRAW) != 0
                    ? SlotTable.SEALED
                    : 0;
        } while (!table.changeWord(item.chunk, item.slot, word, base | SlotTable.flags(word) & SlotTable.QUEUED));
        session.lane.context.holds().release(item.connectionId);
        return base != 0;
    }

    private boolean finishWithdrawn(WorkItem item) {
        endHold(item, null); // where the provider has let go of everything at once, there was no delete
        table.setState(item.chunk, item.slot, OffloadState.NONE, 0);
        while (true) {
            long word = table.word(item.chunk, item.slot);
            int flags = SlotTable.flags(word);
            if ((flags & SlotTable.REMOVED) != 0) {
                return false; // removed meanwhile and queued for it: that item ends the hold and seals
            }
            if (table.changeWord(item.chunk, item.slot, word, SlotTable.SEALED | flags & SlotTable.QUEUED)) {
                return true;
            }
        }
    }

    /**
     * The connection is not in the tracker's table any more. If the provider was not told, the replay met it at the end
     * of its life and it is forgotten; else its removal is just being reported, and the next item deals with it.
     */
    private void forgetUnknown(WorkItem item) {
        if (!item.has(SlotTable.UNTOLD)) {
            return;
        }
        while (true) {
            long word = table.word(item.chunk, item.slot);
            int flags = SlotTable.flags(word);
            if (!SlotTable.sameGeneration(word, item.connectionId)
                    || (flags & SlotTable.TRACKED) == 0
                    || (flags & (SlotTable.REMOVED | SlotTable.WITHDRAW)) != 0
                    || table.changeWord(item.chunk, item.slot, word, flags & SlotTable.QUEUED)) {
                return;
            }
        }
    }

    /** Brings the word up to date with the state, and has the tracker tell of the establishment if that is awaited. */
    private void noteHolding(WorkItem item) {
        boolean isAdded = table.state(item.chunk, item.slot) == OffloadState.ADDED;
        boolean awaits = isAdded || item.waits && !item.established;
        int set = (item.waits ? SlotTable.ADD : 0) | (awaits ? SlotTable.AWAITS_ESTABLISHED : 0);
        // A question that came up while this item was under way is another item's to answer.
        boolean answered = item.has(SlotTable.UPDATE) && (item.flagsMeanwhile & SlotTable.UPDATE) == 0;
        long word;
        int cleared;
        do {
            word = table.word(item.chunk, item.slot);
            if ((SlotTable.flags(word) & SlotTable.TRACKED) == 0) {
                return;
            }
            boolean asked = (SlotTable.flags(word) & SlotTable.UPDATE) != 0;
            cleared = (answered && !asked ? SlotTable.AWAITED : 0) | (awaits ? 0 : SlotTable.AWAITS_ESTABLISHED);
        } while ((word & ~(long) cleared | set) != word
                && !table.changeWord(item.chunk, item.slot, word, word & ~(long) cleared | set));
        // A provider that wants to hear again is told by the next packet; else what was missed till now is made up for.
        if (awaits && session.tracker.awaitEstablished(item.connectionId) && !item.asksAgain) {
            session.onEstablished(item.connectionId, session.clock.nowNs());
        }
    }
}
