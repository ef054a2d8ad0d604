package io.turnstile.conntrack;

/**
 * One removal or refusal, for showing. Mutable so that a walk over many reuses one.
 *
 * <p>Threads: belongs to who made it.
 */
public final class AuditRecord {
    public AuditCause cause = AuditCause.EXPIRED;
    /** When, on the {@code nowNs} scale. */
    public long atNs;
    /** Who had it done; empty: nobody. */
    public String actor = "";
    /**
     * How many refusals of the zone and cause there were since the record before, this one included; 1 for a removal.
     */
    public long count = 1;
    /**
     * What the connection was: tuples, zone, mark, label and state; of a refusal the tuple and the zone, since there
     * was no connection. {@link ConnectionSnapshot#connectionId} is 0 for a refusal.
     */
    public final ConnectionSnapshot connection = new ConnectionSnapshot();
}
