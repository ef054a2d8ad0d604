package io.turnstile.pipeline;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.datapath.Meter;
import io.turnstile.datapath.MeterBand;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupType;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketInReason;
import io.turnstile.pipeline.flow.PacketOut;
import io.turnstile.pipeline.flow.SelectionMethod;
import io.turnstile.pipeline.flow.SwitchChange;
import io.turnstile.port.PortQueue;
import io.turnstile.port.PortStatistics;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One bridge as its controllers see it: everything OpenFlow can ask of the pipeline. The wire layer and the embedded
 * switch talk to bridges only through this.
 *
 * <p>Threads: any; calls are serialised by the pipeline's own lock. After a change returns, no packet is forwarded by
 * what it replaced (that is what a barrier promises).
 */
public interface OpenFlowSwitch {

    String name();

    /** 64-bit datapath id. */
    long datapathId();

    /** How many tables there are: 254. */
    int tableCount();

    /** What is done with IP fragments; {@link FragmentHandling#NORMAL} at first. */
    FragmentHandling fragmentHandling();

    void setFragmentHandling(FragmentHandling handling);

    /** Applies one change; on refusal nothing has changed. */
    void apply(SwitchChange change, ChangeOrigin origin) throws OfException;

    /** The same of nobody who watches flows. */
    default void apply(SwitchChange change) throws OfException {
        apply(change, ChangeOrigin.NONE);
    }

    /** The same of meters. */
    void apply(MeterMod change, ChangeOrigin origin) throws OfException;

    /** The same of meters. */
    default void apply(MeterMod change) throws OfException {
        apply(change, ChangeOrigin.NONE);
    }

    /**
     * The same if it takes but a moment: it returns false, and nothing has been done, if another change is being made
     * or this one may be about many flows. To be asked by threads that others wait for.
     */
    boolean tryApply(SwitchChange change, ChangeOrigin origin) throws OfException;

    /**
     * Applies all or none, as one version to packets (bundles, {@code ovs-ofctl --bundle}); on refusal names the
     * culprit. Packets among them meet what comes before them in the list, and are sent once all has taken effect.
     *
     * @param changes asked for each once, in order, by the calling thread, with the pipeline's locks held: at no time
     *     need there be more of them than one
     */
    void applyAll(Iterator<? extends SwitchChange> changes, ChangeOrigin origin) throws BundleException;

    /** The same of a list, of nobody who watches flows. */
    default void applyAll(List<? extends SwitchChange> changes) throws BundleException {
        applyAll(changes.iterator(), ChangeOrigin.NONE);
    }

    /** Flows that a request selects, in no particular order. */
    List<FlowStats> flows(FlowQuery query);

    /** The same one after the other: the flows as they are now, with the counters as they are when it comes to each. */
    default FlowCursor flowsInTurn(FlowQuery query) {
        Iterator<FlowStats> flows = flows(query).iterator();
        return (atMost, visitor) -> {
            for (int i = 0; i < atMost && flows.hasNext(); i++) {
                visitor.accept(flows.next());
            }
            return flows.hasNext();
        };
    }

    /** A place among the flows that a request selects. One thread at a time. */
    interface FlowCursor {
        /**
         * Looks at the next flows and hands over those that are selected.
         *
         * @param atMost how many flows to look at, selected or not
         * @return whether there may be more
         */
        boolean advance(int atMost, Consumer<FlowStats> visitor);

        /** What the list takes that the flows are looked up in. */
        default long heldBytes() {
            return 0;
        }
    }

    /** The group, nothing if it is not there; all by number for {@link GroupMod#ALL}. */
    List<GroupDescription> groups(int groupId);

    /** The same with what came through them. */
    List<GroupStats> groupStatistics(int groupId);

    /** The meter; all by number for {@link MeterMod#ALL}. Refused if it is not there. */
    List<MeterConfig> meters(int meterId) throws OfException;

    /** The same with what came through them. */
    List<MeterStats> meterStatistics(int meterId) throws OfException;

    /** Counters of each table, by number. */
    List<TableStats> tables();

    /**
     * OFPT_TABLE_MOD.
     *
     * @param tableId or {@link FlowMod#ALL_TABLES}
     */
    void configureTable(int tableId, TableMod mod);

    /** How each table is configured, by number. */
    List<TableDescription> tableDescriptions();

    /**
     * The flows of a table as flow monitors see them, as they are now.
     *
     * @param tableId or {@link FlowMod#ALL_TABLES}
     */
    MonitoredFlows monitoredFlows(int tableId);

    /** The present moment among the bridge's changes. */
    MonitorPoint monitorPoint();

    /** Which options of tunnels the bridge's metadata fields stand for. */
    TlvTable tlvTable();

    /** Present ports, ordered by number with LOCAL first as ovs-ofctl show prints. */
    List<OfPort> ports();

    PortStatistics portStatistics(int number);

    /** What the port's device counts beyond that, by name. */
    Map<String, Long> portCustomCounters(int number);

    /** The port's transmit queues by number; none if there is no such port. */
    List<PortQueue> portQueues(int number);

    /** How long the port has been there, ns. */
    long portDurationNs(int number);

    /** OFPT_PORT_MOD: changes the config bits of {@code mask}. */
    void modifyPort(int number, int config, int mask) throws OfException;

    /** Refuses a change that is wrong whatever the tables hold. Others may be refused by {@link #apply}. */
    void check(SwitchChange change) throws OfException;

    /** OFPT_PACKET_OUT: runs the actions on the frame at once. */
    void packetOut(PacketOut packet) throws OfException;

    /** The same of a frame of which nothing else is said. */
    default void packetOut(int inPort, List<OfAction> actions, byte[] frame) throws OfException {
        packetOut(new PacketOut(inPort, actions, frame));
    }

    /**
     * NXT_RESUME: a packet that {@code controller(pause)} has stopped goes on, in the bridge that it was stopped in.
     *
     * @param fields the packet's fields that are not in its bytes; what is not among them is zero
     * @throws OfException the bridge is not there any more, or what is to run cannot be
     */
    void resume(PausedWalk paused, Match fields, byte[] frame) throws OfException;

    /**
     * NXT_CT_FLUSH: removes the connections that the filter selects, those of other bridges too; looks at all there
     * are, in the calling thread. Returns how many.
     */
    int flushConnections(ConnectionFilter filter);

    /** Subscribes to asynchronous messages; returns a handle that unsubscribes. */
    AutoCloseable subscribe(Events listener);

    /**
     * Asks the subscribers again whether they want packets that match no flow ({@link Events#wantsPacketInOnMiss}) and
     * changes of flows ({@link Events#wantsFlowChanges}). To be called when one changes its mind; waits for changes of
     * flows, which may be long.
     */
    default void refreshSubscribers() {}

    /** True while standalone behaviour is in force (fail_mode standalone and no controller reachable). */
    boolean isStandalone();

    /** The agent reports whether any controller is connected; drives {@code fail_mode}. */
    void controllerConnected(boolean anyConnected);

    /**
     * Which flows a request is about.
     *
     * @param outPort {@link OfAction.Ports#NONE} for any
     * @param outGroup {@link GroupMod#ANY} for any
     */
    record FlowQuery(int tableId, Match match, long cookie, long cookieMask, int outPort, int outGroup) {

        /** The same wherever the flows output to. */
        public FlowQuery toAnyPort() {
            return new FlowQuery(tableId, match, cookie, cookieMask, OfAction.Ports.NONE, outGroup);
        }

        /** Whatever groups flows send packets to. */
        public FlowQuery(int tableId, Match match, long cookie, long cookieMask, int outPort) {
            this(tableId, match, cookie, cookieMask, outPort, GroupMod.ANY);
        }
    }

    /**
     * A group as a reply describes it.
     *
     * @param selection null unless one was given
     */
    record GroupDescription(
            int groupId,
            GroupType type,
            List<GroupBucket> buckets,
            @Nullable SelectionMethod selection) {}

    /**
     * What came through a group.
     *
     * @param referenceCount how many flows send packets to it
     * @param buckets in the group's order
     */
    record GroupStats(
            int groupId, int referenceCount, long packets, long bytes, long durationNs, List<BucketStats> buckets) {}

    record BucketStats(long packets, long bytes) {}

    /**
     * A meter as a reply describes it.
     *
     * @param flags as {@link MeterMod} has them
     */
    record MeterConfig(int meterId, int flags, List<MeterBand> bands) {}

    /**
     * What came through a meter.
     *
     * @param flowCount how many flows name it
     */
    record MeterStats(int meterId, int flowCount, long durationNs, Meter.Statistics counts) {}

    /**
     * One flow as a reply shows it.
     *
     * @param idleAgeNs since the last packet, or the flow's birth before the first
     * @param hardAgeNs since the flow was added, modified or learned once more, from which {@code hard_timeout} counts
     * @param actions as installed
     */
    record FlowStats(
            int tableId,
            int priority,
            Match match,
            long cookie,
            int idleTimeoutSeconds,
            int hardTimeoutSeconds,
            int importance,
            Collection<FlowMod.Flag> flags,
            long durationNs,
            long idleAgeNs,
            long hardAgeNs,
            long packetCount,
            long byteCount,
            List<OfAction> actions) {}

    /**
     * Counters of a table.
     *
     * @param name null if it has none
     */
    record TableStats(
            int tableId,
            @Nullable String name,
            int activeCount,
            long lookupCount,
            long matchedCount,
            int maxEntries,
            TableMiss miss) {}

    /**
     * How a table is configured by controllers since OpenFlow 1.4, and what is left of it.
     *
     * @param vacancyPercent how many flows there may still be, of all that there may be
     */
    record TableDescription(
            int tableId,
            boolean evicts,
            boolean hasVacancyEvents,
            int vacancyDown,
            int vacancyUp,
            int vacancyPercent) {}

    /**
     * A moment among the bridge's changes, at which a flow monitor can cease to follow them, to see later what it has
     * missed.
     *
     * @param sinceNs flows that change after the change of this number bear this time or a later one
     * @param changeNumber {@link FlowChanges#number} of the last change that had taken effect
     */
    record MonitorPoint(long sinceNs, long changeNumber) {}

    /** A bundle is refused: {@code index} of the change at fault. */
    final class BundleException extends Exception {
        private static final long serialVersionUID = 1L;
        private final int index;

        public BundleException(int index, OfException cause) {
            super(cause.getMessage(), cause);
            this.index = index;
        }

        public int index() {
            return index;
        }
    }

    /**
     * A packet for the controllers.
     *
     * @param frame the whole frame; as nothing is buffered, controllers get it whole
     * @param maxLengthBytes what the action asked for
     * @param metadata pipeline fields of the packet at that point (registers, metadata, ct_*, in_port)
     * @param userdata what the action gave for the controllers to know, empty if that is nothing; not to be changed
     * @param paused the rest of the packet's walk, if it waits for a controller; else null
     */
    record PacketIn(
            byte[] frame,
            int maxLengthBytes,
            PacketInReason reason,
            int tableId,
            long cookie,
            int controllerId,
            Match metadata,
            byte[] userdata,
            @Nullable PausedWalk paused) {}

    /** Called with the pipeline's lock not held, in order, on a thread that must not be kept. */
    interface Events {

        void packetIn(PacketIn packet);

        void flowRemoved(FlowStats flow, FlowRemovedReason reason);

        /**
         * Flows ended together, up to a million.
         *
         * @param flows each is made when it is asked for; can be kept
         */
        default void flowsRemoved(List<FlowStats> flows, FlowRemovedReason reason) {
            flows.forEach(flow -> flowRemoved(flow, reason));
        }

        /**
         * True while packets that no flow matches should come as packet-ins: connections that speak a version before
         * 1.3 (OpenFlow 1.0.0 §3.4; from 1.3 on a table-miss flow does that).
         */
        default boolean wantsPacketInOnMiss() {
            return false;
        }

        void portStatus(OfPort port, PortStatusReason reason);

        /** Whether changes of flows should be told, all from the next one on. */
        default boolean wantsFlowChanges() {
            return false;
        }

        /**
         * Flows were added, modified or removed: each change of the bridge, in their order, with consecutive numbers.
         */
        default void flowsChanged(FlowChanges changes) {}

        /** A table has become fuller or emptier than somebody wanted to know. */
        default void tableStatus(TableDescription table, TableStatusReason reason) {}
    }
}
