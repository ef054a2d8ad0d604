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
    private static final long NS_PER_MS = 1_000_000;

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

    private final LongAdder packets = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private volatile long lastUsedNs;

    Rule(FlowMod mod, int tableId, long nowNs) {
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
        this.lastUsedNs = nowNs;
    }

    void credit(long packetDelta, long byteDelta, long usedNs) {
        packets.add(packetDelta);
        bytes.add(byteDelta);
        if (usedNs - lastUsedNs > 0) {
            lastUsedNs = usedNs;
        }
    }

    void resetCounters() {
        packets.reset();
        bytes.reset();
    }

    long packetCount() {
        return packets.sum();
    }

    long byteCount() {
        return bytes.sum();
    }

    long lastUsedNs() {
        return lastUsedNs;
    }

    boolean isHidden() {
        return priority > MAX_VISIBLE_PRIORITY;
    }

    /** Finer times than milliseconds only make dumps hard to read. */
    private static long wholeMs(long durationNs) {
        return durationNs / NS_PER_MS * NS_PER_MS;
    }

    OpenFlowSwitch.FlowStats stats(long nowNs) {
        return new OpenFlowSwitch.FlowStats(tableId, priority, match, cookie, idleTimeoutSeconds, hardTimeoutSeconds, importance,
                flags, wholeMs(nowNs - createdNs), wholeMs(nowNs - lastUsedNs), packetCount(), byteCount(), actions);
    }
}
