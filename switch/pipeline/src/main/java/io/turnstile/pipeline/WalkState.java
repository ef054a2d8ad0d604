package io.turnstile.pipeline;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.Field;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.ActionSet;
import io.turnstile.pipeline.flow.OfAction;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The state that goes with a packet from action to action within one bridge: the packet as the flows see it, and
 * everything that they keep beside it.
 *
 * <p>There are three ways to begin, and each begins with a new object, so that a piece of state added here starts from
 * its default and cannot leak: a packet comes in ({@link #entering}), goes through a patch port
 * ({@link #behindPatchPort}), or comes back from recirculation ({@link #thawed}). Behind a patch port the state of the
 * first bridge is put aside as a whole and stands there again, as it was, when the walk comes back. Whatever is to
 * outlive a recirculation must be in {@link FrozenWalk}.
 */
final class WalkState {
    private static final long NO_COOKIE = -1L;

    final BridgePipeline bridge;
    /** The packet with all its fields, registers and metadata as they are by now. */
    final long[] key;
    /** The packet's VLAN tags, of which the key shows the outermost. */
    private VlanStack vlan;
    /** The table whose flow runs now. */
    int tableId;
    /** The cookie of the flow that runs now; all ones if there is none. */
    long ruleCookie = NO_COOKIE;
    /** Whether the flow that runs now matches all packets at priority 0 (OpenFlow 1.3.5 §5.4). */
    boolean inTableMiss;
    /** The flow that runs now; null if there is none. */
    @Nullable
    Rule rule;
    /** Whether the packet's ct_ fields are those of its connection, not yet cleared. */
    boolean conntrackVisible;

    boolean inActionSet;
    /** Whether the actions are those of a group's bucket, and no table's. */
    boolean inBucket;
    /** Whether no action runs any more in this bridge. */
    boolean exited;
    /** Whether the last label was popped on this walk, so that nobody knows what is behind it. */
    boolean lostLabels;
    /** Whether nothing runs any more before the packet has come back from recirculation. */
    boolean freezing;
    /** What is left to do then. */
    final List<FrozenActions> frozen = new ArrayList<>();
    /** The values of {@code push}, two longs an entry, high first. */
    final List<Long> stack;
    /** In the order in which it was written. */
    final List<OfAction> actionSet;
    /** The action that has paused the walk, so that no other runs any more; null unless one has. */
    OfAction.@Nullable Controller pause;
    /** What would have run behind that action. */
    final List<PausedWalk.Rest> rest = new ArrayList<>();

    private WalkState(
            BridgePipeline bridge, int inPort, long[] key, VlanStack vlan, List<Long> stack, List<OfAction> actionSet) {
        this.bridge = bridge;
        this.key = key;
        this.vlan = vlan;
        this.stack = new ArrayList<>(stack);
        this.actionSet = new ArrayList<>(actionSet);
        Field.IN_PORT.set(key, inPort & 0xffff_ffffL);
    }

    /**
     * A packet comes into the bridge.
     *
     * @param key written to from now on
     */
    static WalkState entering(PortLocation location, long[] key, VlanStack vlan) {
        WalkState state = new WalkState(location.bridge(), location.number(), key, vlan, List.of(), List.of());
        state.conntrackVisible = (Field.CT_STATE.get(key) & CtState.TRK) != 0;
        return state;
    }

    /**
     * A packet comes back from recirculation.
     *
     * @param key written to from now on
     */
    static WalkState thawed(FrozenWalk frozen, long[] key, VlanStack vlan) {
        WalkState state =
                new WalkState(frozen.bridge(), frozen.inPort(), key, vlan, frozen.stack(), frozen.actionSet());
        PipelineFields.restore(frozen.pipelineFields(), key);
        state.tableId = frozen.tableId();
        state.conntrackVisible = frozen.conntrackVisible();
        if (!state.conntrackVisible) {
            state.clearConntrack();
        }
        return state;
    }

    /**
     * A controller lets a packet go on.
     *
     * @param key the packet with all its fields; written to from now on
     */
    static WalkState resumed(BridgePipeline bridge, PausedWalk paused, int inPort, long[] key, VlanStack vlan) {
        WalkState state = new WalkState(bridge, inPort, key, vlan, paused.stack(), paused.actionSet());
        state.actionSetChanged();
        state.conntrackVisible = paused.conntrackVisible();
        if (!state.conntrackVisible) {
            ConntrackFields.clear(key);
        }
        return state;
    }

    /**
     * The same packet on the other side, where metadata, registers, stack, action set and connection are not seen.
     * Until a flow is met there, a packet-in bears the cookie of the one that sent the packet here, as in Open vSwitch.
     */
    WalkState behindPatchPort(PortLocation peer) {
        WalkState there = new WalkState(peer.bridge(), peer.number(), key.clone(), vlan, List.of(), List.of());
        PipelineFields.clear(there.key);
        there.ruleCookie = ruleCookie;
        there.lostLabels = lostLabels;
        there.clearConntrack();
        return there;
    }

    /** What a bucket's actions may change and what is there again behind them. */
    record Packet(
            long[] key,
            VlanStack vlan,
            boolean conntrackVisible,
            boolean lostLabels,
            boolean freezing,
            List<FrozenActions> frozen,
            boolean exited,
            boolean inActionSet,
            boolean inBucket) {}

    Packet packet() {
        return new Packet(
                key.clone(),
                vlan,
                conntrackVisible,
                lostLabels,
                freezing,
                List.copyOf(frozen),
                exited,
                inActionSet,
                inBucket);
    }

    void restore(Packet before) {
        System.arraycopy(before.key, 0, key, 0, key.length);
        vlan = before.vlan;
        conntrackVisible = before.conntrackVisible;
        lostLabels = before.lostLabels;
        freezing = before.freezing;
        frozen.clear();
        frozen.addAll(before.frozen);
        exited = before.exited;
        inActionSet = before.inActionSet;
        inBucket = before.inBucket;
    }

    /** The same again, to go on with a copy of the packet. */
    WalkState copy() {
        WalkState copy = new WalkState(bridge, inPort(), key.clone(), vlan, stack, actionSet);
        copy.tableId = tableId;
        copy.ruleCookie = ruleCookie;
        copy.inTableMiss = inTableMiss;
        copy.rule = rule;
        copy.conntrackVisible = conntrackVisible;
        copy.lostLabels = lostLabels;
        copy.inActionSet = inActionSet;
        copy.inBucket = inBucket;
        return copy;
    }

    /** Freezes the rest of the walk, to go on in that table after recirculation. */
    FrozenWalk freeze(int table) {
        return freeze(table, true, List.of());
    }

    /** Freezes what {@link #frozen} says is left; without any of it the walk goes on in the first table. */
    FrozenWalk freezeRest() {
        return freeze(0, conntrackVisible, List.copyOf(frozen));
    }

    private FrozenWalk freeze(int table, boolean visible, List<FrozenActions> rest) {
        return new FrozenWalk(
                bridge,
                table,
                inPort(),
                PipelineFields.save(key),
                List.copyOf(stack),
                List.copyOf(actionSet),
                visible,
                Field.PACKET_TYPE.get(key),
                rest);
    }

    /** Whether the key's fields behind Ethernet are those of the packet: behind labels they are nobody's. */
    boolean knowsPayload() {
        return !lostLabels && !EtherTypes.isMpls((int) Field.ETH_TYPE.get(key));
    }

    /** Has the key say where the action set outputs to (OpenFlow 1.5.1 §5.6.2). */
    void actionSetChanged() {
        Field.ACTSET_OUTPUT.set(key, Integer.toUnsignedLong(ActionSet.output(actionSet)));
    }

    boolean isPaused() {
        return pause != null;
    }

    /** These actions of the flow that ran would have come next. */
    void keep(List<OfAction> actions) {
        PausedWalk.Rest later = PausedWalk.Rest.of(tableId, ruleCookie, actions);
        if (!later.actions().isEmpty()) {
            rest.add(later);
        }
    }

    /** What the controller gets of the walk, which is over here. */
    PausedWalk takePaused(int datapathPort) {
        PausedWalk paused = new PausedWalk(
                bridge.identity(),
                datapathPort,
                List.copyOf(stack),
                conntrackVisible,
                List.copyOf(rest),
                List.copyOf(actionSet));
        pause = null;
        rest.clear();
        return paused;
    }

    /** OpenFlow port by which the packet came into this bridge, or what a flow has written there since. */
    int inPort() {
        return (int) Field.IN_PORT.get(key);
    }

    VlanStack vlan() {
        return vlan;
    }

    void setVlan(VlanStack wanted) {
        vlan = wanted;
        wanted.writeTo(key);
    }

    /** The packet counts as untracked from now on. */
    void clearConntrack() {
        conntrackVisible = false;
        ConntrackFields.clear(key);
    }
}
