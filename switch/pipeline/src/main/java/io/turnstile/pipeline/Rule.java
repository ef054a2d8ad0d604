package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchMask;
import io.turnstile.pipeline.flow.OfAction;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * One flow of an OpenFlow table. Its definition never changes, but that packets may keep it fresh or shorten its
 * timeouts: a modification puts another rule in its place, which may share the counters. There may be a million of
 * them: what few flows have is null until it is needed, and equal masks and actions are one object ({@link MatchMask},
 * {@link SharedActions}).
 *
 * <p>Threads: the definition by any; the counters by any; phase and places under the table lock; the dependents under
 * the flow cache's.
 */
final class Rule extends HashChains.Node implements MonitoredFlow {

    /** Whether packets meet the rule: what a change prepares shows, and what it takes away goes, all at once. */
    enum Phase {
        /** Met by packets, before and after the change that is being made, if any is. */
        SETTLED,
        /** Added by the change that is being made: met once that has taken effect. */
        COMING,
        /** The same, in the place of one of equal match and priority that packets meet until then. */
        REPLACING,
        /** Met until the change that is being made takes effect; to the changer it is gone already. */
        GOING,
        /** In no table any more. */
        GONE
    }

    private static final int MAX_PRIORITY = 0xffff;
    private static final long NS_PER_MS = 1_000_000L;
    private static final long NS_PER_SECOND = 1_000_000_000L;
    private static final AtomicReferenceFieldUpdater<Rule, FlowCounters> COUNTERS =
            AtomicReferenceFieldUpdater.newUpdater(Rule.class, FlowCounters.class, "counters");

    final int priority;
    final Match match;
    final long cookie;
    final List<OfAction> actions;
    final long createdNs;
    private volatile long modifiedNs;
    private final byte tableId;
    private volatile char idleTimeoutSeconds;
    private volatile char hardTimeoutSeconds;
    private final char importance;
    /** {@link FlagSet}. */
    private final byte flags;

    Phase phase = Phase.SETTLED;
    /** Place in the sub-table's list. */
    int listIndex;
    /** Place among those that time out ({@link TimeoutWheel}). */
    int timeoutIndex;

    char timeoutSlot;

    private volatile @Nullable FlowCounters counters;
    private @Nullable Dependents dependents;

    private Rule(
            int tableId,
            int priority,
            Match match,
            long cookie,
            int idleTimeoutSeconds,
            int hardTimeoutSeconds,
            int importance,
            byte flags,
            List<OfAction> actions,
            long createdNs,
            long modifiedNs,
            @Nullable FlowCounters counters) {
        super(KeyHash.of(match));
        this.tableId = (byte) tableId;
        this.priority = priority;
        this.match = match;
        this.cookie = cookie;
        this.idleTimeoutSeconds = (char) idleTimeoutSeconds;
        this.hardTimeoutSeconds = (char) hardTimeoutSeconds;
        this.importance = (char) importance;
        this.flags = flags;
        this.actions = actions;
        this.createdNs = createdNs;
        this.modifiedNs = modifiedNs;
        this.counters = counters;
    }

    /** A new flow. */
    static Rule of(FlowMod add, int tableId, long nowNs) {
        return of(add, tableId, add.match(), List.copyOf(add.actions()), nowNs);
    }

    /**
     * The same with an equal match and equal actions that others have too.
     *
     * @param actions immutable
     */
    static Rule of(FlowMod add, int tableId, Match match, List<OfAction> actions, long nowNs) {
        return new Rule(
                tableId,
                add.priority(),
                match,
                add.cookie(),
                add.idleTimeoutSeconds(),
                add.hardTimeoutSeconds(),
                add.importance(),
                FlagSet.of(add.flags()),
                actions,
                nowNs,
                nowNs,
                null);
    }

    /** A flow that the switch adds by itself, above or beside what controllers may set. */
    static Rule internal(int priority, List<OfAction> actions, long nowNs) {
        return new Rule(0, priority, Match.ANY, 0, 0, 0, 0, FlagSet.NONE, actions, nowNs, nowNs, null);
    }

    /**
     * An ADD of the same match and priority takes this flow's place; it goes on counting unless {@code resetCounts}.
     */
    Rule replacedBy(Rule added, boolean resetCounts) {
        return new Rule(
                tableId(),
                priority,
                match,
                added.cookie,
                added.idleTimeoutSeconds,
                added.hardTimeoutSeconds,
                added.importance,
                FlagSet.replacing(added.flags),
                added.actions,
                added.createdNs,
                added.modifiedNs,
                resetCounts ? new FlowCounters(counters().lastUsedNs()) : counters());
    }

    /**
     * MODIFY: other actions, and for the older protocols another cookie; everything else stays (OpenFlow 1.3.5 §6.4).
     *
     * @param newActions immutable
     */
    Rule modified(List<OfAction> newActions, long newCookie, boolean resetCounts, long nowNs) {
        return new Rule(
                tableId(),
                priority,
                match,
                newCookie,
                idleTimeoutSeconds,
                hardTimeoutSeconds,
                importance,
                flags,
                newActions,
                createdNs,
                nowNs,
                resetCounts ? new FlowCounters(counters().lastUsedNs()) : counters());
    }

    /** Whether the flow is a clause of conjunctions: it decides and does nothing alone. */
    boolean isConjunctive() {
        for (int i = 0; i < actions.size(); i++) {
            if (actions.get(i) instanceof OfAction.Conjunction) {
                return true;
            }
            if (!(actions.get(i) instanceof OfAction.Note)) {
                return false;
            }
        }
        return false;
    }

    int importance() {
        return importance;
    }

    boolean has(FlowMod.Flag flag) {
        return FlagSet.has(flags, flag);
    }

    // ---- phase ----

    /**
     * Whether packets meet the rule.
     *
     * @param switched whether the change that is being made has taken effect
     */
    boolean isMet(boolean switched) {
        return phase == Phase.SETTLED || phase != Phase.GONE && (phase == Phase.GOING) != switched;
    }

    /** Whether the rule is there for the changer. */
    boolean isPresent() {
        return phase != Phase.GOING && phase != Phase.GONE;
    }

    // ---- counters ----

    /** The counters; made now if nothing was counted yet. */
    FlowCounters counters() {
        FlowCounters present = counters;
        if (present == null) {
            // Only a flow that was added and neither met nor modified has none.
            COUNTERS.compareAndSet(this, null, new FlowCounters(createdNs));
            present = Objects.requireNonNull(counters, "counters that were made stay");
        }
        return present;
    }

    // ---- datapath flows that rest on the rule ----

    void addDependent(DatapathFlow flow) {
        Dependents present = dependents;
        if (present == null) {
            present = new Dependents();
            dependents = present;
        }
        present.add(flow);
    }

    void removeDependent(DatapathFlow flow) {
        Dependents present = dependents;
        if (present != null) {
            present.remove(flow);
            if (present.isEmpty()) {
                dependents = null;
            }
        }
    }

    void collectDependents(Collection<DatapathFlow> into) {
        if (dependents != null) {
            dependents.collectInto(into);
        }
    }

    // ---- what it is ----

    /** Whether the flow is its table's table-miss flow (OpenFlow 1.3.5 §5.4). */
    boolean isTableMiss() {
        return priority == 0 && match.equals(Match.ANY);
    }

    /** Whether the flow is the switch's and not shown to controllers: its priority is above all that they can set. */
    boolean isHidden() {
        return priority > MAX_PRIORITY;
    }

    boolean hasTimeout() {
        return idleTimeoutSeconds != 0 || hardTimeoutSeconds != 0;
    }

    /** Packets have learned the flow once more: its timeouts begin anew. */
    void refresh(long usedNs) {
        if (usedNs - modifiedNs > 0) {
            modifiedNs = usedNs;
        }
    }

    /** Whether a timeout is longer than that, or there is none; 0: does not count. */
    boolean isLongerThan(int idleSeconds, int hardSeconds) {
        return idleSeconds != 0 && (idleTimeoutSeconds == 0 || idleTimeoutSeconds > idleSeconds)
                || hardSeconds != 0 && (hardTimeoutSeconds == 0 || hardTimeoutSeconds > hardSeconds);
    }

    /** Makes timeouts that are longer than that as short. Under the change lock; the wheel has to be told. */
    void reduceTimeouts(int idleSeconds, int hardSeconds) {
        if (isLongerThan(idleSeconds, 0)) {
            idleTimeoutSeconds = (char) idleSeconds;
        }
        if (isLongerThan(0, hardSeconds)) {
            hardTimeoutSeconds = (char) hardSeconds;
        }
    }

    boolean hardTimeoutReached(long nowNs) {
        return hardTimeoutSeconds != 0 && nowNs - modifiedNs >= hardTimeoutSeconds * NS_PER_SECOND;
    }

    boolean idleTimeoutReached(long nowNs) {
        return idleTimeoutSeconds != 0 && nowNs - lastUsedNs() >= idleTimeoutSeconds * NS_PER_SECOND;
    }

    /** Time of the last packet, or the birth. As in Open vSwitch a modification is no use. */
    private long lastUsedNs() {
        FlowCounters counted = counters;
        return counted == null ? createdNs : counted.lastUsedNs();
    }

    /** The earliest time at which the flow may end, if no packet comes. */
    long endsNs() {
        long hardNs = modifiedNs + hardTimeoutSeconds * NS_PER_SECOND;
        long idleNs = lastUsedNs() + idleTimeoutSeconds * NS_PER_SECOND;
        if (idleTimeoutSeconds == 0) {
            return hardNs;
        }
        return hardTimeoutSeconds == 0 || idleNs - hardNs < 0 ? idleNs : hardNs;
    }

    /** Whether one of the actions outputs to the port; always so if any will do. */
    static boolean outputTo(List<OfAction> actions, int port) {
        return port == OfAction.Ports.NONE
                || actions.stream().anyMatch(action -> action.kind().outputsTo(action, port));
    }

    boolean outputsTo(int port) {
        return outputTo(actions, port);
    }

    /** Whether the flow sends packets to the group, as far as the flow alone tells; always so if any will do. */
    boolean sendsTo(int group) {
        return group == GroupMod.ANY || References.of(actions).groups().contains(group);
    }

    // ---- as flow monitors see it ----

    @Override
    public int tableId() {
        return tableId & 0xff;
    }

    @Override
    public int priority() {
        return priority;
    }

    @Override
    public Match match() {
        return match;
    }

    @Override
    public long cookie() {
        return cookie;
    }

    @Override
    public int idleTimeoutSeconds() {
        return idleTimeoutSeconds;
    }

    @Override
    public int hardTimeoutSeconds() {
        return hardTimeoutSeconds;
    }

    @Override
    public List<OfAction> actions() {
        return actions;
    }

    @Override
    public boolean isSelectedBy(FlowQuery query) {
        return (query.tableId() == FlowMod.ALL_TABLES || query.tableId() == tableId())
                && query.match().covers(match)
                && outputsTo(query.outPort())
                && sendsTo(query.outGroup())
                && ((cookie ^ query.cookie()) & query.cookieMask()) == 0;
    }

    @Override
    public boolean isAddedSince(long timeNs) {
        return createdNs - timeNs >= 0;
    }

    @Override
    public boolean isChangedSince(long timeNs) {
        return modifiedNs - timeNs >= 0;
    }

    @Override
    public boolean wasThereAt(long timeNs) {
        return createdNs - timeNs <= 0 || FlagSet.replaces(flags);
    }

    // ---- statistics ----

    /** Finer times than milliseconds only make dumps hard to read. */
    private static long wholeMs(long durationNs) {
        return durationNs / NS_PER_MS * NS_PER_MS;
    }

    OpenFlowSwitch.FlowStats statistics(long nowNs) {
        FlowCounters counted = counters;
        return new OpenFlowSwitch.FlowStats(
                tableId(),
                priority,
                match,
                cookie,
                idleTimeoutSeconds,
                hardTimeoutSeconds,
                importance,
                FlagSet.set(flags),
                wholeMs(nowNs - createdNs),
                wholeMs(Math.max(0, nowNs - lastUsedNs())),
                wholeMs(Math.max(0, nowNs - modifiedNs)),
                counted == null || has(FlowMod.Flag.NO_PKT_COUNTS) ? 0 : counted.packets(),
                counted == null || has(FlowMod.Flag.NO_BYT_COUNTS) ? 0 : counted.bytes(),
                actions);
    }
}
