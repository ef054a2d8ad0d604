package io.turnstile.conntrack;

import java.util.Iterator;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What operators look at and change while traffic runs: limits, switches, timeouts ({@code dpctl/ct-…} of
 * ovs-vswitchd(8)).
 *
 * <p>Threads: any.
 */
public interface ConntrackControl {
    /** Connections are not made beyond this number ({@code dpctl/ct-set-maxconns}); those that are there stay. */
    void setMaxConnections(int maxConnections);

    int maxConnections();

    /** How often a commit found the table full. */
    long refusals();

    /** How often {@code nat(…)} found no free tuple for a new connection. */
    long natExhaustions();

    /** How many packets were {@code +inv} for that reason; a packet counts once for each {@code ct()}. */
    long invalid(InvalidReason reason);

    /** Limits by zone ({@code dpctl/ct-set-limits}). */
    ZoneLimits zoneLimits();

    /** Whether TCP packets out of the window are {@code +inv} ({@code dpctl/ct-enable-tcp-seq-chk}); true at first. */
    void setTcpWindowChecked(boolean checked);

    boolean tcpWindowChecked();

    /** Longest time between two sweeps, ms ({@code dpctl/ct-set-sweep-interval}). */
    void setSweepIntervalMs(int intervalMs);

    int sweepIntervalMs();

    /**
     * Sets what {@link CtRequest#timeoutPolicy} names from now on; connections of the policy follow with their next
     * packet.
     *
     * @param id 1 to 65535
     * @param policy null: forgets it; its connections fall to the default
     */
    void setTimeoutPolicy(int id, @Nullable TimeoutPolicy policy);

    /**
     * Connections that are expected because others have announced them ({@code dpctl/dump-conntrack-exp}), as they
     * stand now; what is shown of each is made as the iterator comes to it.
     */
    Iterator<Expected> expected();

    /**
     * Begins to remove the connections that the filter accepts, in slices, so that whoever does it can do something
     * else in between.
     *
     * @param actor whom the audit trail names as the one who asked
     */
    Flush beginFlush(Predicate<ConnectionSnapshot> filter, String actor);

    /** What was removed and refused lately, why, and how often. */
    AuditTrail audit();

    /**
     * How many connections each bucket of the index holds, or each of 1024 groups of them, in order
     * ({@code dpctl/ct-bkts}).
     */
    default void visitBuckets(BucketVisitor visitor) {
        BucketWalk walk = beginBuckets();
        boolean more = true;
        while (more) {
            more = walk.next(visitor);
        }
    }

    /** The same one by one, so that whoever looks can do something else in between. */
    BucketWalk beginBuckets();

    /** One expected connection; both tuples are copies. */
    record Expected(ConnectionSnapshot connection, ConnectionSnapshot.Tuple parent) {}

    /** A flush under way. Threads: one at a time. */
    interface Flush {
        /**
         * Goes through that many slots of the table; safe while traffic runs.
         *
         * @return how many connections were removed; -1 if all had been gone through before
         */
        int next(int slots, long nowNs);
    }

    /** A walk over buckets under way. Threads: one. */
    interface BucketWalk {
        /** Visits the next bucket; false if there is none. */
        boolean next(BucketVisitor visitor);
    }

    /** Sees one bucket. */
    interface BucketVisitor {
        void visit(int bucket, int connections);
    }
}
