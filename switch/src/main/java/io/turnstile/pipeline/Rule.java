package io.turnstile.pipeline;

import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;

/**
 * One flow of an OpenFlow table. Match and priority never change; actions and cookie are replaced as a whole under the pipeline's
 * lock, counters are credited without it.
 */
final class Rule {
    /** Rules above this priority are the switch's own and are not shown (fail-open). */
    static final int MAX_VISIBLE_PRIORITY = 0xffff;

    final int tableId;
    final int priority;
    final Match match;
    final Set<FlowMod.Flag> flags;
    final int idleTimeoutSeconds;
    final int hardTimeoutSeconds;
    final int importance;
    final long createdNs;
    long cookie;
    List<OfAction> actions;
    /** Hard timeout counts from here: modification starts it anew (OpenFlow 1.3.5 §6.4). */
    long modifiedNs;
    boolean removed;

    private final Counters counters;

    /** Shared by a rule and the one it replaced: packets of the old one that are still under way are credited in time. */
    private static final class Counters {
        final LongAdder packets = new LongAdder();
        final LongAdder bytes = new LongAdder();
        volatile long lastUsedNs;
    }

    Rule(FlowMod mod, int tableId, long nowNs) {
        this(mod, tableId, nowNs, new Counters());
    }

    /** @return a rule that goes on counting where {@code replaced} stands */
    static Rule continuing(Rule replaced, FlowMod mod, long nowNs) {
        return new Rule(mod, replaced.tableId, nowNs, replaced.counters);
    }

    private Rule(FlowMod mod, int tableId, long nowNs, Counters counters) {
        this.counters = counters;
        this.tableId = tableId;
        this.priority = mod.priority();
        this.match = mod.match();
        this.flags = mod.flags().isEmpty() ? Set.of() : Set.copyOf(mod.flags());
        this.idleTimeoutSeconds = mod.idleTimeoutSeconds();
        this.hardTimeoutSeconds = mod.hardTimeoutSeconds();
        this.importance = mod.importance();
        this.cookie = mod.cookie();
        this.actions = List.copyOf(mod.actions());
        this.createdNs = nowNs;
        this.modifiedNs = nowNs;
        counters.lastUsedNs = nowNs;
    }

    void credit(long packetDelta, long byteDelta, long usedNs) {
        counters.packets.add(packetDelta);
        counters.bytes.add(byteDelta);
        if (usedNs - counters.lastUsedNs > 0) {
            counters.lastUsedNs = usedNs;
        }
    }

    void resetCounters() {
        counters.packets.reset();
        counters.bytes.reset();
    }

    long packetCount() {
        return counters.packets.sum();
    }

    long byteCount() {
        return counters.bytes.sum();
    }

    long lastUsedNs() {
        return counters.lastUsedNs;
    }

    boolean isHidden() {
        return priority > MAX_VISIBLE_PRIORITY;
    }

    OpenFlowSwitch.FlowStats stats(long nowNs) {
        return new OpenFlowSwitch.FlowStats(tableId, priority, match, cookie, idleTimeoutSeconds, hardTimeoutSeconds, importance,
                flags, nowNs - createdNs, nowNs - counters.lastUsedNs, packetCount(), byteCount(), actions);
    }
}
