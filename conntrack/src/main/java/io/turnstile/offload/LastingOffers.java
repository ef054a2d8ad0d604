package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.offload.spi.OfferMoment;
import java.util.concurrent.TimeUnit;

/**
 * Offers connections that have lasted to a provider that wants no others ({@link OfferMoment#LASTING}). A round goes
 * through the slots of those that are established and were not offered yet: those that the round before has met, too,
 * are queued. So what is over soon costs a bit in its slot's word and nothing else.
 *
 * <p>Threads: one at a time.
 */
final class LastingOffers {
    private static final long ROUND_NS = TimeUnit.MILLISECONDS.toNanos(100);

    private final OffloadSession session;
    private final ConnectionSnapshot snapshot = new ConnectionSnapshot();
    private long roundNs;

    LastingOffers(OffloadSession session, long nowNs) {
        this.session = session;
        roundNs = nowNs;
    }

    /** TCP has begun to close it: where connections are short, most of what a round meets has. */
    boolean isClosing(long connectionId, long nowNs) {
        return session.tracker.read(connectionId, snapshot, nowNs)
                && (CarriedPaths.isClosing(snapshot.originalTcpState)
                        || CarriedPaths.isClosing(snapshot.replyTcpState));
    }

    /** Makes a round if it is time for one. */
    void step(long nowNs) {
        if (nowNs - roundNs < ROUND_NS) {
            return;
        }
        roundNs = nowNs;
        SlotTable table = session.table;
        long eventNs = session.clock.nowNs();
        for (int first = 0, limit = table.slotLimit(); first < limit; first += SlotTable.CHUNK_SLOTS) {
            SlotTable.Chunk chunk = table.chunk(first);
            if (chunk != null && table.takeSettling(chunk)) {
                boolean again = false;
                for (int i = 0; i < SlotTable.CHUNK_SLOTS; i++) {
                    again |= session.settle(chunk, first + i, eventNs);
                }
                if (again) {
                    table.noteSettling(chunk);
                }
            }
        }
    }
}
