package io.turnstile.openflow;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What all connections of the process together hold unsent, because their peers do not read. Beyond the limit the
 * connection that holds most is cut off, then the next, until the rest fits.
 *
 * <p>Threads: any; each connection has one of its own.
 */
final class UnsentBudget {

    /** One of those that share the budget. */
    interface Holder {

        /** What it holds at present; asked on any thread. */
        long unsentBytes();

        /** It holds most, and all together hold too much: it has to let go. Called on the thread of who sends. */
        void cutOff(long unsentBytes, long allUnsentBytes);
    }

    /** What one holder was last seen to hold. */
    final class Share {
        private final Holder holder;
        // Guarded by the budget.
        private long countedBytes;
        private boolean gone;

        private Share(Holder holder) {
            this.holder = holder;
        }

        /** To be called whenever the holder has taken more. */
        void grown() {
            if (!count(this)) {
                cutGreediest();
            }
        }

        /** The holder is gone. */
        void leave() {
            remove(this);
        }
    }

    private final long limitBytes;
    // Guarded by this.
    private final List<Share> shares = new ArrayList<>();
    private long countedBytes;

    UnsentBudget(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    synchronized Share join(Holder holder) {
        Share share = new Share(holder);
        shares.add(share);
        return share;
    }

    long limitBytes() {
        return limitBytes;
    }

    /** Whether all still fits. What others have sent since they last grew is not seen here. */
    private synchronized boolean count(Share share) {
        recount(share);
        return countedBytes <= limitBytes;
    }

    private void recount(Share share) {
        if (share.gone) {
            return; // cut off, and sends until it is closed
        }
        long present = share.holder.unsentBytes();
        countedBytes += present - share.countedBytes;
        share.countedBytes = present;
    }

    private synchronized void remove(Share share) {
        if (shares.remove(share)) {
            share.gone = true;
            countedBytes -= share.countedBytes;
        }
    }

    private void cutGreediest() {
        for (Share greediest = greediest(); greediest != null; greediest = greediest()) {
            long all;
            synchronized (this) {
                all = countedBytes;
                remove(greediest);
            }
            greediest.holder.cutOff(greediest.countedBytes, all);
        }
    }

    /** Null once what is there fits, by a count of everybody. */
    private synchronized @Nullable Share greediest() {
        shares.forEach(this::recount);
        if (countedBytes <= limitBytes) {
            return null;
        }
        Share most = shares.getFirst();
        for (Share share : shares) {
            most = share.countedBytes > most.countedBytes ? share : most;
        }
        return most;
    }
}
