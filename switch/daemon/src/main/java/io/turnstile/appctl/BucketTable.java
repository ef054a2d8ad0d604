package io.turnstile.appctl;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.ConntrackControl.BucketWalk;
import io.turnstile.control.PieceBudget;
import io.turnstile.control.TextSource;

/** {@code dpctl/ct-bkts}: how many connections each bucket of the index holds. Threads: the control socket's. */
final class BucketTable implements TextSource {
    private static final int BUCKETS_OF_LINE = 8;

    private final ConnectionTracker tracker;
    private final BucketWalk walk;
    private final int above;
    private final StringBuilder rows = new StringBuilder();
    private int total;

    /** @param above smaller numbers are shown as a dot, and this one */
    BucketTable(ConnectionTracker tracker, int above) {
        this.tracker = tracker;
        this.above = above;
        walk = tracker.beginBuckets();
    }

    @Override
    public boolean next(StringBuilder out) {
        PieceBudget budget = new PieceBudget(out);
        while (!budget.isSpent()) {
            if (!walk.next(this::row)) {
                end(out);
                return false;
            }
        }
        return true;
    }

    private void row(int bucket, int connections) {
        if (bucket % BUCKETS_OF_LINE == 0) {
            rows.append("\n %3d..%3d   | ".formatted(bucket, bucket + BUCKETS_OF_LINE - 1));
        }
        rows.append(connections > above ? "%5d".formatted(connections) : "    .");
        total = bucket + 1;
    }

    private void end(StringBuilder out) {
        int connections = tracker.connectionCount();
        out.append("Total Buckets: %d\nCurrent Connections: %d\n\n".formatted(total, connections));
        if (connections > 0) {
            out.append("""
                +-----------+-----------------------------------------+
                |  Buckets  |         Connections per Buckets         |
                +-----------+-----------------------------------------+\
                """).append(rows).append("\n\n");
        }
    }
}
