package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.HashAlgorithm;
import io.turnstile.datapath.LabelStack;
import io.turnstile.datapath.Upcall;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.Prerequisites;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The data that the steps of one translation share: the {@linkplain WalkState state} that goes from action to action,
 * and the result, over all bridges.
 *
 * <p>The state's key is the packet as the flows see it by now, {@link PendingRewrites} knows the packet as the datapath
 * has it; before the packet leaves, the difference is written out. {@link #wildcards} collects every bit that decided
 * something, so that any other packet with the same bits takes the same walk. Bits that a flow writes count as looked
 * at (as in Open vSwitch): then whether a rewrite is needed at all is the same for all packets of the datapath flow.
 *
 * <p>Threads: one, under the table lock.
 */
final class Walk {
    private static final int OUTPUT_BYTES = 8;
    private static final int MOST_ACTIONS = 65_535 / OUTPUT_BYTES;
    private static final List<Field> TAGS = List.of(Field.VLAN_TCI, Field.VLAN_TCI1);

    final Pipeline pipeline;
    final long nowNs;
    final WalkReport report;
    /** Whether what is seen on the walk is learned; false for a trace without a packet. */
    final boolean learns;

    final WalkRecorder recorder;
    final long[] wildcards = FlowKey.newKey();
    final PendingRewrites rewrites;
    /** The state in the bridge that the packet is in by now; a walk that gets into no bridge has none. */
    // Set by enter or thaw, before any step.
    @SuppressWarnings("NullAway.Init")
    WalkState state;

    boolean inPacketOut;
    /** Whether the walk is one packet's own, from its first bridge on: a packet-out's, or one that was paused. */
    private boolean ofOnePacket;
    /** The queue that the packet came with, as the datapath has it. */
    final long arrivalPriority;

    /** The packet as the datapath has it. */
    private final long[] datapathKey;
    /** Where the walk began, null if the packet has come in. */
    private @Nullable FrozenWalk beginning;

    private final long[] packetKey;
    private final VlanStack packetVlan;
    /** The port by which it came into its first bridge, or into the one where it comes back. */
    private int arrivalPort = OfAction.Ports.NONE;

    private List<DatapathAction> actions = new ArrayList<>();
    private @Nullable DropReason failure;
    private @Nullable DropReason idleReason;
    /** What the datapath is to do before the packet walks again from the beginning; null unless it has to. */
    private DatapathAction.@Nullable Hash wantedHash;

    private boolean cacheable = true;
    private boolean slow;
    private int addedActions;

    Walk(Pipeline pipeline, long[] datapathKey, long nowNs, WalkReport report, boolean learns) {
        this.recorder = new WalkRecorder(pipeline.generation());
        this.pipeline = pipeline;
        this.nowNs = nowNs;
        this.report = report == WalkReport.SILENT ? new LoggedReport(this) : report;
        this.learns = learns;
        this.datapathKey = datapathKey;
        this.packetKey = Arrays.copyOf(datapathKey, FlowKey.WORDS);
        PipelineFields.clear(packetKey);
        this.packetVlan = VlanStack.of(datapathKey);
        this.arrivalPriority = Field.SKB_PRIORITY.get(datapathKey);
        this.rewrites = new PendingRewrites(datapathKey, packetVlan);
        // Always part of a datapath flow, as in Open vSwitch.
        Field.IN_PORT.setExact(wildcards);
        Field.RECIRC_ID.setExact(wildcards);
        Field.ETH_TYPE.setExact(wildcards);
        if (Prerequisites.isIp((int) Field.ETH_TYPE.get(packetKey))) {
            Field.NW_FRAG.set(wildcards, 3);
        }
    }

    // ---- the packet ----

    /** The key of the packet in its first bridge: the datapath's before the walk, the final one after it. */
    long[] packetKey() {
        return packetKey;
    }

    /** The packet as the datapath has it at this point of the walk, with the port of its first bridge. */
    long[] inDatapath() {
        long[] key = rewrites.packet();
        Field.IN_PORT.set(key, arrivalPort & 0xffff_ffffL);
        return key;
    }

    /** The bridge that the walk is in; null if it got into none. */
    @Nullable
    String bridgeName() {
        return arrivalPort == OfAction.Ports.NONE ? null : state.bridge.name();
    }

    /** The datapath's port by which the packet came in. */
    int datapathPort() {
        return (int) Field.IN_PORT.get(datapathKey);
    }

    /** The packet comes into a bridge. */
    void enter(PortLocation location) {
        begin(WalkState.entering(location, packetKey, packetVlan));
    }

    /**
     * A packet-out begins.
     *
     * @param fields those of the pipeline alone; those of the datapath are in the packet's key already
     */
    void enterByPacketOut(PortLocation location, Match fields) {
        inPacketOut = true;
        ofOnePacket = true;
        PipelineFields.take(fields, packetKey);
        enter(location);
    }

    /**
     * A controller lets a packet go on.
     *
     * @param fields those of the pipeline alone; those of the datapath are in the packet's key already
     */
    void resume(BridgePipeline bridge, PausedWalk paused, Match fields) {
        ofOnePacket = true;
        PipelineFields.take(fields, packetKey);
        begin(WalkState.resumed(bridge, paused, (int) fields.value(Field.IN_PORT), packetKey, packetVlan));
    }

    /** The packet comes back from recirculation. */
    void thaw(FrozenWalk frozen) {
        beginning = frozen;
        begin(WalkState.thawed(frozen, packetKey, packetVlan));
    }

    private void begin(WalkState first) {
        state = first;
        arrivalPort = first.inPort();
        recorder.entered(first.bridge);
        report.openBridge(first.bridge);
    }

    /**
     * The walk goes on in the other bridge, as a packet of its own; nothing that happens there is seen here afterwards,
     * and what goes wrong there ends the walk there only.
     */
    void behindPatchPort(PortLocation peer, Runnable there) {
        report.openBridge(peer.bridge());
        recorder.entered(peer.bridge());
        aside(state.behindPatchPort(peer), () -> {
            there.run();
            failure = null;
        });
        report.close();
    }

    /** The walk goes on with a copy of the packet; whatever is done to that, the packet here stays as it is. */
    void withClone(Runnable steps) {
        aside(state.copy(), steps);
    }

    /** One of the ways that lead on from here: its actions. The walk stands here again afterwards. */
    DatapathAction[] branch(Runnable steps) {
        WalkState stateHere = state;
        List<DatapathAction> actionsHere = actions;
        PendingRewrites.Mark packetHere = rewrites.mark();
        state = state.copy();
        actions = new ArrayList<>();
        steps.run();
        DatapathAction[] branch = actions.toArray(DatapathAction[]::new);
        rewrites.returnTo(packetHere);
        actions = actionsHere;
        state = stateHere;
        return branch;
    }

    private void aside(WalkState other, Runnable steps) {
        WalkState stateHere = state;
        state = other;
        apart(steps);
        state = stateHere;
    }

    /** A bucket's actions run on a packet of their own; behind them the packet is as it was. */
    void inBucket(Runnable there) {
        WalkState.Packet packetBefore = state.packet();
        apart(there);
        state.restore(packetBefore);
        boolean ofBucketAlone = failure == DropReason.TOO_MANY_LABELS || failure == DropReason.UNSUPPORTED_PACKET_TYPE;
        failure = ofBucketAlone ? null : failure; // as in Open vSwitch
    }

    /** What the steps do to the packet is not seen by the actions behind them. */
    private void apart(Runnable steps) {
        List<DatapathAction> actionsHere = actions;
        PendingRewrites.Mark packetHere = rewrites.mark();
        actions = new ArrayList<>();
        steps.run();
        if (actions.stream().anyMatch(Walk::cannotBeUndone)) {
            actionsHere.add(new DatapathAction.Clone(actions.toArray(DatapathAction[]::new)));
            rewrites.returnTo(packetHere);
        } else {
            actionsHere.addAll(actions);
        }
        actions = actionsHere;
    }

    private static boolean cannotBeUndone(DatapathAction action) {
        return action instanceof DatapathAction.Ct
                || action instanceof DatapathAction.Metered
                || action instanceof DatapathAction.CtClear
                || action instanceof DatapathAction.CheckPacketLength
                || action instanceof DatapathAction.AddMpls
                || action instanceof DatapathAction.PushEthernet
                || action instanceof DatapathAction.PopEthernet
                || action instanceof DatapathAction.PushNsh
                || action instanceof DatapathAction.PopNsh
                || action instanceof DatapathAction.Recirculate;
    }

    /** The packet is for a collector, and nobody is there to send it. */
    void sampled() {
        report.detail("no exporter, so that nothing is sampled");
        pipeline.samplesPackets(state.bridge);
    }

    // ---- tags ----

    /** What becomes of the packet depends on all that the datapath knows of its tags. */
    void lookAtTags() {
        Field.VLAN_TCI.setExact(wildcards);
        Field.VLAN_TPID.setExact(wildcards);
        Field.VLAN_TCI1.setExact(wildcards);
        Field.VLAN_TPID1.setExact(wildcards);
    }

    /** The packet has other tags from now on, or these. What is only put on top does not depend on those below. */
    void setVlan(VlanStack wanted) {
        VlanStack present = state.vlan();
        if (wanted.equals(present)) {
            return;
        }
        if (wanted.outer() == null || wanted.outer().below() != present.outer()) {
            lookAtTags();
        }
        restoreVlan(wanted);
    }

    /** The packet has the tags that it had before. */
    void restoreVlan(VlanStack before) {
        state.setVlan(before);
        rewrites.vlanWritten();
    }

    // ---- the result ----

    /** Adds the datapath actions that bring its packet up to date with the flows'. */
    void commit() {
        rewrites.commit(state, actions);
    }

    void add(DatapathAction action) {
        actions.add(action);
        addedActions++;
    }

    /** More than Open vSwitch's 64 kB have room for, if all were outputs. */
    boolean hasTooManyActions() {
        return addedActions > MOST_ACTIONS;
    }

    /** If the packet goes nowhere, this is why; what is said first counts. */
    void dropBecause(DropReason reason) {
        idleReason = idleReason == null ? reason : idleReason;
    }

    /** The walk ends here, and the packet with it. */
    void fail(DropReason reason) {
        failure = reason;
    }

    /** What is left to do waits until the packet has come back from recirculation, if it has to. */
    void finishFreezing() {
        if (state.freezing) {
            commit();
            int id = pipeline.recirculationIds().idOf(state.freezeRest(), nowNs);
            recorder.recirculates(id);
            add(new DatapathAction.Recirculate(id));
            state.freezing = false;
            state.frozen.clear();
        }
    }

    boolean hasFailed() {
        return failure != null || wantedHash != null;
    }

    /**
     * Gives the packet the datapath's hash if its walk is its own. Else the walk is over, and begins again once the
     * datapath has done it.
     *
     * @return whether the packet has the hash
     */
    boolean hashAtOnce(HashAlgorithm algorithm, int basis) {
        if (ofOnePacket) {
            int hash = algorithm.hash(datapathKey, basis);
            Field.DP_HASH.set(state.key, Integer.toUnsignedLong(hash));
            return true;
        }
        wantedHash = new DatapathAction.Hash(algorithm, basis);
        return false;
    }

    /** The result holds for this packet only. */
    void doNotCache() {
        cacheable = false;
    }

    /** Every packet is to be walked by itself. */
    void slowDown() {
        slow = true;
        doNotCache();
    }

    boolean isSlow() {
        return slow;
    }

    Upcall.Translation result() {
        DatapathAction hash = wantedHash;
        if (hash != null) {
            int id = pipeline.recirculationIds().idOf(new HashedStart(beginning), nowNs);
            actions = List.of(hash, new DatapathAction.Recirculate(id));
            recorder.beginsAgain(id);
        } else if (failure != null) {
            actions = List.of(new DatapathAction.Drop(failure));
            recorder.forgetRecirculations();
        }
        if (actions.isEmpty() && idleReason != null) {
            actions = List.of(new DatapathAction.Drop(idleReason));
        }
        unwrapLastClone();
        finishWildcards();
        return new Upcall.Translation(
                Arrays.copyOf(wildcards, FlowKey.DATAPATH_WORDS),
                actions.toArray(DatapathAction[]::new),
                cacheable,
                recorder.record());
    }

    /** A clone at the end needs no copy: nothing comes after it. */
    private void unwrapLastClone() {
        while (!actions.isEmpty() && actions.getLast() instanceof DatapathAction.Clone clone) {
            actions = new ArrayList<>(actions.subList(0, actions.size() - 1));
            actions.addAll(List.of(clone.actions()));
        }
    }

    /** Bits that only labels or headers have which the walk has put there decide nothing. */
    private void finishWildcards() {
        if (!EtherTypes.isMpls((int) Field.ETH_TYPE.get(datapathKey))) {
            LabelStack.fields().forEach(entry -> entry.set(wildcards, 0));
        }
        if (Field.ETH_TYPE.get(datapathKey) != EtherTypes.NSH) {
            EnumSet.range(Field.NSH_FLAGS, Field.NSH_C4).forEach(field -> field.set(wildcards, 0));
        }
        if (Field.PACKET_TYPE.get(datapathKey) != 0) {
            Field.ETH_SRC.set(wildcards, 0);
            Field.ETH_DST.set(wildcards, 0);
        }
        for (Field tag : TAGS) {
            if (tag.get(wildcards) != 0) {
                tag.set(wildcards, tag.get(wildcards) | FieldValues.VLAN_PRESENT);
            }
        }
    }
}
