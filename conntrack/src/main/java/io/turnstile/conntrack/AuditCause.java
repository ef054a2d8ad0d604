package io.turnstile.conntrack;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import org.jspecify.annotations.Nullable;

/**
 * Why a connection left the table, or did not come into it: what {@code conntrack/audit} says and the metrics count.
 * One row each.
 */
public enum AuditCause {
    // spotless:off
    EXPIRED       ("expired",       RemovalReason.EXPIRED,  "Its deadline passed."),
    UNUSED        ("unused",        RemovalReason.EXPIRED,  "Its deadline passed, and none of those who carried it knew of a later use."),
    FLUSHED       ("flushed",       RemovalReason.FLUSHED,  "Somebody had it removed: dpctl/flush-conntrack or its OpenFlow kin."),
    FORCED        ("forced",        RemovalReason.REPLACED, "ct(commit,force) of the reply direction took its place."),
    REOPENED      ("reopened",      RemovalReason.REPLACED, "A packet began a new connection of its tuple, which was closed."),

    TABLE_FULL    ("table_full",    null,                   "Not made: the table was full."),
    ZONE_FULL     ("zone_full",     null,                   "Not made: the zone was full."),
    NAT_EXHAUSTED ("nat_exhausted", null,                   "Not made: nat(...) found no free tuple; the packet was dropped.");
    // spotless:on

    private final String label;
    private final @Nullable RemovalReason reason;
    private final String sentence;

    AuditCause(String label, @Nullable RemovalReason reason, String sentence) {
        this.label = label;
        this.reason = reason;
        this.sentence = sentence;
    }

    /** Its name in {@code conntrack/audit} and in metrics. */
    public String label() {
        return label;
    }

    /** What it means, for people. */
    public String sentence() {
        return sentence;
    }

    /** A connection left; else one was not made. */
    public boolean isRemoval() {
        return reason != null;
    }

    /** What the listener is told; null if there is no connection to tell of. */
    @Nullable
    RemovalReason reason() {
        return reason;
    }
}
