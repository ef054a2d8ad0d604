package io.turnstile.conntrack;

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

    /** Visits connections that are expected because others have announced them ({@code dpctl/dump-conntrack-exp}). */
    void visitExpected(ExpectationVisitor visitor);

    /**
     * How many connections each bucket of the index holds, or each of 1024 groups of them, in order
     * ({@code dpctl/ct-bkts}).
     */
    void visitBuckets(BucketVisitor visitor);

    /** Sees one expected connection; both tuples are copies. */
    interface ExpectationVisitor {
        void visit(ConnectionSnapshot expected, ConnectionSnapshot.Tuple parent);
    }

    /** Sees one bucket. */
    interface BucketVisitor {
        void visit(int bucket, int connections);
    }
}
