package io.turnstile.appctl;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.control.PieceBudget;
import io.turnstile.control.RefusedException;
import io.turnstile.control.TextSource;
import io.turnstile.time.Clock;

/**
 * A walk over the connections of the table that a filter accepts, slice by slice, while traffic and other commands go
 * on. What is said of each, and at the end, is up to whoever walks.
 *
 * <p>Threads: the control socket's.
 */
abstract class ConnectionWalk implements TextSource {
    private static final int SLOTS_OF_PIECE = 4096;
    /** Between two looks at how much text there is. */
    private static final int SLOTS_AT_ONCE = 64;

    private final Conntrack tracker;
    private final Clock clock;
    private final ConnectionFilter filter;
    private final boolean eitherWay;
    private long left;
    private long cursor;

    /** @param eitherWay see {@link ConnectionFilter#testEitherWay} */
    ConnectionWalk(Conntrack tracker, Clock clock, ConnectionFilter filter, boolean eitherWay) {
        this.tracker = tracker;
        this.clock = clock;
        this.filter = filter;
        this.eitherWay = eitherWay;
        left = filter.limit == 0 ? Long.MAX_VALUE : filter.limit;
    }

    /** @param connection the object is the same each time */
    abstract void found(ConnectionSnapshot connection, StringBuilder out);

    /** All have been found. */
    void end(StringBuilder out) throws RefusedException {}

    @Override
    public boolean next(StringBuilder out) throws RefusedException {
        PieceBudget budget = new PieceBudget(out);
        long nowNs = clock.nowNs();
        for (int slots = 0; slots < SLOTS_OF_PIECE && !budget.isSpent(); slots += SLOTS_AT_ONCE) {
            cursor = tracker.scan(cursor, SLOTS_AT_ONCE, connection -> visit(connection, out), nowNs);
            if (cursor < 0 || left == 0) {
                end(out);
                return false;
            }
        }
        return true;
    }

    private void visit(ConnectionSnapshot connection, StringBuilder out) {
        if (left > 0 && (eitherWay ? filter.testEitherWay(connection) : filter.test(connection))) {
            left--;
            found(connection, out);
        }
    }
}
