package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One flow of an OpenFlow table. Its definition never changes: a modification puts another rule in its place, which may
 * share the counters.
 */
final class Rule {
    private static final int MAX_PRIORITY = 0xffff;
    private static final long NS_PER_MS = 1_000_000L;
    private static final long NS_PER_SECOND = 1_000_000_000L;

    final int tableId;
    final int priority;
    final Match match;
    final long cookie;
    final int idleTimeoutSeconds;
    final int hardTimeoutSeconds;
    final int importance;
    /** The ADD's flags. Those that only steered the ADD are shown with the flow too, as Open vSwitch does. */
    final Set<FlowMod.Flag> flags;

    final List<OfAction> actions;
    final long createdNs;
    final long modifiedNs;
    final FlowCounters counters;
    final Dependents dependents = new Dependents();

    // Place in the classifier; written under the table lock.
    @Nullable
    Rule nextInBucket;

    long maskedHash;
    int listIndex;

    private Rule(
            int tableId,
            int priority,
            Match match,
            long cookie,
            int idleTimeoutSeconds,
            int hardTimeoutSeconds,
            int importance,
            Set<FlowMod.Flag> flags,
            List<OfAction> actions,
            long createdNs,
            long modifiedNs,
            FlowCounters counters) {
        this.tableId = tableId;
        this.priority = priority;
        this.match = match;
        this.cookie = cookie;
        this.idleTimeoutSeconds = idleTimeoutSeconds;
        this.hardTimeoutSeconds = hardTimeoutSeconds;
        this.importance = importance;
        this.flags = flags;
        this.actions = actions;
        this.createdNs = createdNs;
        this.modifiedNs = modifiedNs;
        this.counters = counters;
    }

    /** A new flow. */
    static Rule of(FlowMod add, int tableId, long nowNs) {
        return new Rule(
                tableId,
                add.priority(),
                add.match(),
                add.cookie(),
                add.idleTimeoutSeconds(),
                add.hardTimeoutSeconds(),
                add.importance(),
                Set.copyOf(add.flags()),
                List.copyOf(add.actions()),
                nowNs,
                nowNs,
                new FlowCounters(nowNs));
    }

    /** A flow that the switch adds by itself, above or beside what controllers may set. */
    static Rule internal(int priority, List<OfAction> actions, long nowNs) {
        return new Rule(0, priority, Match.ANY, 0, 0, 0, 0, Set.of(), actions, nowNs, nowNs, new FlowCounters(nowNs));
    }

    /**
     * An ADD of the same match and priority takes this flow's place; it goes on counting unless {@code resetCounts}.
     */
    Rule replacedBy(Rule added, boolean resetCounts) {
        return new Rule(
                tableId,
                priority,
                match,
                added.cookie,
                added.idleTimeoutSeconds,
                added.hardTimeoutSeconds,
                added.importance,
                added.flags,
                added.actions,
                added.createdNs,
                added.modifiedNs,
                resetCounts ? added.counters : counters);
    }

    /**
     * MODIFY: other actions, and for the older protocols another cookie; everything else stays (OpenFlow 1.3.5 §6.4).
     */
    Rule modified(List<OfAction> newActions, long newCookie, boolean resetCounts, long nowNs) {
        return new Rule(
                tableId,
                priority,
                match,
                newCookie,
                idleTimeoutSeconds,
                hardTimeoutSeconds,
                importance,
                flags,
                List.copyOf(newActions),
                createdNs,
                nowNs,
                resetCounts ? new FlowCounters(nowNs) : counters);
    }

    /** Whether the flow is the switch's and not shown to controllers: its priority is above all that they can set. */
    boolean isHidden() {
        return priority > MAX_PRIORITY;
    }

    boolean hasTimeout() {
        return idleTimeoutSeconds != 0 || hardTimeoutSeconds != 0;
    }

    boolean hardTimeoutReached(long nowNs) {
        return hardTimeoutSeconds != 0 && nowNs - modifiedNs >= hardTimeoutSeconds * NS_PER_SECOND;
    }

    boolean idleTimeoutReached(long nowNs) {
        return idleTimeoutSeconds != 0 && nowNs - lastActivityNs() >= idleTimeoutSeconds * NS_PER_SECOND;
    }

    /** Last packet or last modification, whichever came later. */
    private long lastActivityNs() {
        long used = counters.lastUsedNs();
        return used - modifiedNs >= 0 ? used : modifiedNs;
    }

    boolean outputsTo(int port) {
        return port == OfAction.Ports.NONE
                || actions.stream().anyMatch(action -> action.kind().outputsTo(action, port));
    }

    /** Finer times than milliseconds only make dumps hard to read. */
    private static long wholeMs(long durationNs) {
        return durationNs / NS_PER_MS * NS_PER_MS;
    }

    OpenFlowSwitch.FlowStats statistics(long nowNs) {
        return new OpenFlowSwitch.FlowStats(
                tableId,
                priority,
                match,
                cookie,
                idleTimeoutSeconds,
                hardTimeoutSeconds,
                importance,
                flags,
                wholeMs(nowNs - createdNs),
                wholeMs(Math.max(0, nowNs - lastActivityNs())),
                flags.contains(FlowMod.Flag.NO_PKT_COUNTS) ? 0 : counters.packets(),
                flags.contains(FlowMod.Flag.NO_BYT_COUNTS) ? 0 : counters.bytes(),
                actions);
    }
}
