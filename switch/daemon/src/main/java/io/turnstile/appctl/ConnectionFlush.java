package io.turnstile.appctl;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.ConntrackControl;
import io.turnstile.conntrack.FlushLog;
import io.turnstile.control.PieceBudget;
import io.turnstile.control.RefusedException;
import io.turnstile.control.TextSource;
import io.turnstile.time.Clock;

/** {@code dpctl/flush-conntrack}, slice by slice. Threads: the control socket's. */
final class ConnectionFlush implements TextSource {
    private static final int SLOTS_AT_ONCE = 64;

    private final ConnectionFilter filter;
    private final Clock clock;
    private final ConntrackControl.Flush flush;
    private long left;
    private long removed;

    ConnectionFlush(ConntrackControl tracker, Clock clock, ConnectionFilter filter, String actor) {
        FlushLog.asked(filter);
        this.filter = filter;
        this.clock = clock;
        left = filter.limit == 0 ? Long.MAX_VALUE : filter.limit;
        flush = tracker.beginFlush(this::isChosen, actor);
    }

    private boolean isChosen(ConnectionSnapshot connection) {
        boolean chosen = left > 0 && filter.test(connection);
        left -= chosen ? 1 : 0;
        return chosen;
    }

    @Override
    public boolean next(StringBuilder out) throws RefusedException {
        PieceBudget budget = new PieceBudget(out);
        long nowNs = clock.nowNs();
        int some = 0;
        while (some >= 0 && !budget.isSpent()) {
            removed += some;
            some = left == 0 ? -1 : flush.next(SLOTS_AT_ONCE, nowNs);
        }
        if (some >= 0) {
            removed += some;
            return true;
        }
        if (removed == 0 && filter.namesOne()) {
            throw new RefusedException("ovs-vswitchd: failed to flush conntrack (No such file or directory)");
        }
        return false;
    }
}
