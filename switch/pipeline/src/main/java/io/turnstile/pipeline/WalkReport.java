package io.turnstile.pipeline;

import io.turnstile.conntrack.NatRequest;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.OfAction;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The report of a translation, line by line as it goes. A trace keeps it ({@link TraceReport}); for packets it is
 * dropped ({@link #SILENT}). The translation passes values and constant texts: texts are composed only where they are
 * kept.
 *
 * <p>Formats are {@link String#format}'s, with one number.
 */
sealed interface WalkReport permits SilentReport, TraceReport {
    WalkReport SILENT = new SilentReport();

    /** The walk is in this bridge until {@link #close}, or for good. */
    void openBridge(BridgePipeline bridge);

    /**
     * The walk is in this table until {@link #close}.
     *
     * @param rule null for a miss
     * @param packetIn whether the miss goes to the controllers
     */
    void openTable(int tableId, @Nullable Rule rule, boolean packetIn);

    /** The packet ends in that table because it is a fragment; the table is open until {@link #close}. */
    void openFragments(int tableId);

    /** A bucket runs until {@link #close}. */
    void openBucket(int bucketId);

    /** The bucket is not alive. */
    void deadBucket(GroupBucket bucket);

    /** The bucket with the highest score gets the packet. */
    void bucketScore(int bucketId, int score);

    /** The action set runs until {@link #closeActionSet}, as a part of the table that was closed last. */
    void openActionSet();

    void closeActionSet();

    /** What was opened last ends. */
    void close();

    /**
     * The packet has come back from recirculation and goes on in that table.
     *
     * @param rest what runs instead of a lookup there; empty: nothing does
     */
    void resume(int tableId, List<FrozenActions> rest);

    /** The list that was put aside before recirculation runs. */
    void restored(FrozenActions list);

    void action(OfAction action);

    /**
     * A line that looks like an action and is none: what Open vSwitch prints where a list is empty or no flow matched.
     */
    void likeAction(String text);

    void likeAction(String format, long value);

    /** The bits were written; {@code key} holds them now. */
    void written(OfAction.SubField part, long[] key);

    /**
     * The action set was or is this.
     *
     * @param written the action set in the order in which it was written
     */
    void actionSet(String verb, List<OfAction> written);

    /** The flow is learned from the packet. */
    void learned(FlowMod flow);

    /**
     * The packet recirculates, and the trace goes on there.
     *
     * @param nat {@code nat(…)} of the ct(), or null
     */
    void recirculation(int id, int tableId, int zone, @Nullable NatRequest nat, long[] key);

    void detail(String text);

    void detail(String format, long value);

    /** The packet must not come in by the Port in the VLAN of its outer tag. */
    void vlanRefused(String port, PortVlan settings, int vlan);

    void warning(String text);

    void warning(String format, long value);

    void error(String text);

    void error(String format, long value);
}
