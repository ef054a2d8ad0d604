package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.Upcall;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.ActionSet;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.PacketOut;
import io.turnstile.pipeline.flow.Prerequisites;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One walk of one packet through the flows, summed up as datapath actions: looks tables up and runs the actions of what
 * it finds there. What the actions do is in {@link FieldActions}, {@link VlanActions}, {@link OutputActions} and
 * {@link ConntrackActions}; what they share is in {@link Walk}.
 *
 * <p>Threads: one use by one thread, under the table lock.
 */
final class Translator {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_RESUBMITS = MAX_DEPTH * MAX_DEPTH;
    /** Of registers as many stand in the 64 kB of Open vSwitch's stack, each with its length. */
    private static final int MAX_STACK_ENTRIES = 65_536 / (Integer.BYTES + 1);

    /** In the place of a tag: neither one nor none. */
    private static final int NO_ETHERNET = 1;

    /** Those that no id was given to. */
    private static final List<Integer> FIRST_CONTROLLER = List.of(0);

    private final Walk walk;
    private final VlanActions vlan;
    private final MplsActions mpls;
    private final EncapActions encaps;
    private final FieldActions fields;
    private final OutputActions outputs;
    private final ConntrackActions conntrack;
    private final GroupActions groups;
    private final LearnActions learning;
    private final ChoiceActions choices;

    /** Those met by the last lookup. */
    private final List<Rule> clauses = new ArrayList<>();

    private int depth;
    private int resubmits;
    /** Whether the walk's first table comes next, which counts as no resubmit. */
    private boolean beginning;

    /** The walk of a packet. */
    Translator(Pipeline pipeline, long[] packetKey, long nowNs) {
        this(new Walk(pipeline, packetKey, nowNs, WalkReport.SILENT, true));
    }

    /**
     * The walk of a packet that is traced.
     *
     * @param happens whether there is such a packet, so that flows and addresses are learned from it
     */
    Translator(Pipeline pipeline, long[] packetKey, long nowNs, TraceReport report, boolean happens) {
        this(new Walk(pipeline, packetKey, nowNs, report, happens));
    }

    private Translator(Walk walk) {
        this.walk = walk;
        this.vlan = new VlanActions(walk);
        this.fields = new FieldActions(walk, vlan);
        this.mpls = new MplsActions(walk, fields);
        this.encaps = new EncapActions(walk, mpls, fields);
        this.outputs = new OutputActions(walk, this, fields);
        this.conntrack = new ConntrackActions(walk, fields);
        this.groups = new GroupActions(walk, this);
        this.learning = new LearnActions(walk, fields);
        this.choices = new ChoiceActions(walk, fields, outputs);
    }

    // ---- ways in ----

    /** The packet as the datapath found it. */
    Upcall.Translation translate() {
        int id = (int) Field.RECIRC_ID.get(walk.packetKey());
        if (id != 0) {
            return resume(id);
        }
        return begin();
    }

    private Upcall.Translation begin() {
        PortLocation location = walk.pipeline.locate((int) Field.IN_PORT.get(walk.packetKey()));
        return location == null ? walk.result() : translateAt(location.bridge(), location.number());
    }

    /** A packet said to come in by a port of the bridge, whether that exists or not. */
    Upcall.Translation translateAt(BridgePipeline entered, int inPort) {
        PortLocation location = new PortLocation(entered, inPort);
        walk.enter(location);
        if (mayReceive(location)) {
            start(location.number(), 0);
        }
        return walk.result();
    }

    /** A packet-out: the actions instead of a table. */
    Upcall.Translation execute(BridgePipeline out, PacketOut packet) {
        walk.enterByPacketOut(new PortLocation(out, packet.inPort()), packet.fields());
        run(packet.actions(), true);
        end();
        return walk.result();
    }

    /** A controller lets a packet go on; {@code fields} are those of the pipeline alone. */
    Upcall.Translation resume(BridgePipeline bridge, PausedWalk paused, Match fields) {
        walk.resume(bridge, paused, fields);
        for (PausedWalk.Rest rest : paused.rest()) {
            walk.state.tableId = rest.tableId();
            walk.state.ruleCookie = rest.cookie();
            if (walk.state.isPaused()) {
                walk.state.keep(rest.actions());
            } else {
                run(rest.actions(), false);
            }
        }
        end();
        return walk.result();
    }

    private Upcall.Translation resume(int id) {
        switch (walk.pipeline.recirculationIds().find(id)) {
            case FrozenWalk frozen -> thaw(frozen);
            case HashedStart start when start.from() != null -> thaw(start.from());
            case HashedStart _ -> {
                return begin();
            }
            case null -> {
                walk.fail(DropReason.RECIRCULATION_LOST);
                walk.report.error("Recirculation context not found for ID %x", Integer.toUnsignedLong(id));
                walk.doNotCache();
            }
        }
        return walk.result();
    }

    private void thaw(FrozenWalk frozen) {
        walk.thaw(frozen);
        walk.report.resume(frozen.tableId(), frozen.rest());
        if (frozen.rest().isEmpty()) {
            start(frozen.inPort(), frozen.tableId());
            return;
        }
        for (FrozenActions list : frozen.rest()) {
            if (!walk.hasFailed() && !walk.state.exited) {
                walk.state.tableId = list.tableId();
                walk.state.ruleCookie = list.cookie();
                walk.report.restored(list);
                run(list.actions(), true);
            }
        }
        end();
    }

    /** The walk's first table; its flow's cookie is that of the action set, too, as in Open vSwitch. */
    private void start(int inPort, int table) {
        WalkState state = walk.state;
        beginning = true;
        Rule first = lookUp(inPort, table, true, false, true);
        state.ruleCookie = first == null ? 0 : first.cookie;
        end();
    }

    /**
     * The walk is at the end of its lists: the action set runs, or goes to the controllers with the packet, and what
     * has to wait for recirculation is frozen.
     */
    private void end() {
        if (!walk.state.freezing && !walk.state.isPaused()) {
            runActionSet();
        }
        walk.finishFreezing();
        finishPause();
    }

    private void finishPause() {
        OfAction.Controller pause = walk.state.pause;
        if (pause != null) {
            outputs.pausedToController(pause);
        }
    }

    /** Whether each packet is walked by itself, because no datapath flow may be made of it. */
    boolean isSlow() {
        return walk.isSlow();
    }

    /** The key as it is at the end of the walk: "Final flow", which shows nothing of the action set. */
    long[] finalKey() {
        long[] key = walk.packetKey().clone();
        Field.ACTSET_OUTPUT.set(key, 0);
        return key;
    }

    // ---- tables ----

    /** The walk has come in by the port: its tables, from the first one on. */
    void receive(PortLocation location, boolean last) {
        if (mayReceive(location)) {
            lookUp(location.number(), 0, true, false, last);
            end();
        }
    }

    private static boolean mayReceive(PortLocation location) {
        OfPort port = location.bridge().port(location.number());
        return port == null || (port.config() & (OfPort.CONFIG_NO_RECV | OfPort.CONFIG_PORT_DOWN)) == 0;
    }

    /**
     * Runs the flow that the packet meets in the table.
     *
     * @param inPort port by which the packet is taken to have come in
     * @param honourMiss whether a packet that meets no flow may go to the controllers
     * @param withConntrackTuple whether the connection's original tuple stands for the packet's addresses and ports
     * @param last whether nothing can follow in the walk's bridge
     * @return the flow, null if there is none
     */
    @Nullable
    Rule lookUp(int inPort, int table, boolean honourMiss, boolean withConntrackTuple, boolean last) {
        if (walk.state.lostLabels) {
            walk.state.freezing = true;
            return null;
        }
        if (isTooDeep()) {
            return null;
        }
        if (withConntrackTuple && !canSwap()) {
            walk.report.error("resubmit(ct) with non-tracked or non-IP packet!");
            return null;
        }
        int oldTable = walk.state.tableId;
        boolean isFirst = beginning;
        beginning = false;
        walk.state.tableId = table;
        if (dropsAsFragment()) {
            walk.report.openFragments(table);
            walk.report.likeAction("drop");
            walk.report.close();
            walk.state.tableId = oldTable;
            return null;
        }
        FlowTable looked = walk.state.bridge.table(table);
        Rule rule = find(looked, inPort, withConntrackTuple);
        while (rule == null && honourMiss && looked.miss == TableMiss.CONTINUE && looked.id + 1 < FlowTables.COUNT) {
            looked = walk.state.bridge.table(looked.id + 1);
            walk.state.tableId = looked.id;
            rule = find(looked, inPort, withConntrackTuple);
        }
        boolean packetIn = rule == null && honourMiss && callsForPacketIn(looked.miss);
        walk.report.openTable(looked.id, rule, packetIn);
        if (rule != null) {
            descend(rule, isFirst ? 0 : 1, !isFirst && table <= oldTable, last);
        } else {
            miss(packetIn);
        }
        walk.report.close();
        walk.state.tableId = oldTable;
        return rule;
    }

    /** Ends the walk, and says why, if it goes too deep or too far. */
    private boolean isTooDeep() {
        if (depth >= MAX_DEPTH) {
            walk.fail(DropReason.TRANSLATION_TOO_DEEP);
            walk.report.error("over max translation depth " + MAX_DEPTH);
        } else if (resubmits >= MAX_RESUBMITS) {
            walk.fail(DropReason.TOO_MANY_RESUBMITS);
            walk.report.error("over " + MAX_RESUBMITS + " resubmit actions");
        } else if (walk.state.stack.size() >= 2 * MAX_STACK_ENTRIES) {
            walk.fail(DropReason.STACK_TOO_DEEP);
            walk.report.error("resubmits yielded over 64 kB of stack");
        } else if (walk.hasTooManyActions()) { // What there is so far is done, by each packet's own walk.
            walk.report.error("resubmits yielded over 64 kB of actions");
            walk.slowDown();
            walk.state.exited = true;
        } else {
            return false;
        }
        return true;
    }

    /** Whether the packet is a fragment is looked at in any case. */
    private boolean isFragment() {
        return (Field.NW_FRAG.get(walk.state.key) & FieldValues.FRAGMENT_ANY) != 0;
    }

    private boolean dropsAsFragment() {
        return isFragment() && walk.state.bridge.fragmentHandling() == FragmentHandling.DROP;
    }

    /** Of a fragment the ports may not count. */
    private @Nullable Rule find(FlowTable table, int inPort, boolean withConntrackTuple) {
        if (!isFragment() || walk.state.bridge.fragmentHandling() != FragmentHandling.NORMAL) {
            return findByPorts(table, inPort, withConntrackTuple);
        }
        long[] key = walk.state.key;
        long source = Field.TP_SRC.get(key);
        long destination = Field.TP_DST.get(key);
        Field.TP_SRC.set(key, 0);
        Field.TP_DST.set(key, 0);
        Rule rule = findByPorts(table, inPort, withConntrackTuple);
        Field.TP_SRC.set(key, source);
        Field.TP_DST.set(key, destination);
        return rule;
    }

    private @Nullable Rule findByPorts(FlowTable table, int inPort, boolean withConntrackTuple) {
        long[] key = walk.state.key;
        long walkPort = Field.IN_PORT.get(key);
        int etherType = (int) Field.ETH_TYPE.get(key);
        Field.IN_PORT.set(key, inPort & 0xffff_ffffL);
        boolean bare = Field.PACKET_TYPE.get(key) != 0;
        if (bare) { // Flows that speak of Ethernet are not for it.
            Field.ETH_TYPE.set(key, 0);
            Field.VLAN_TCI.set(key, NO_ETHERNET);
        }
        if (withConntrackTuple) {
            TupleSwap.swap(key, etherType);
            TupleSwap.swap(walk.wildcards, etherType);
        }
        clauses.clear();
        Rule rule = table.find(key, walk.wildcards, clauses);
        walk.recorder.lookedUp(table, key, withConntrackTuple, rule, clauses);
        if (withConntrackTuple) {
            TupleSwap.swap(key, etherType);
            TupleSwap.swap(walk.wildcards, etherType);
        }
        if (bare) {
            Field.ETH_TYPE.set(key, etherType);
            Field.VLAN_TCI.set(key, 0);
        }
        Field.IN_PORT.set(key, walkPort);
        return rule;
    }

    private boolean canSwap() {
        Field.CT_NW_PROTO.setExact(walk.wildcards);
        return Field.CT_NW_PROTO.get(walk.state.key) != 0
                && Prerequisites.isIp((int) Field.ETH_TYPE.get(walk.state.key));
    }

    private void descend(Rule rule, int counts, boolean deepens, boolean last) {
        WalkState state = walk.state;
        long oldCookie = state.ruleCookie;
        boolean wasInBucket = state.inBucket;
        boolean oldMiss = state.inTableMiss;
        Rule oldRule = state.rule;
        resubmits += counts;
        depth += deepens ? 1 : 0;
        state.ruleCookie = rule.cookie;
        state.inBucket = false;
        state.inTableMiss = rule.isTableMiss();
        state.rule = rule;
        if (rule.actions.isEmpty()) {
            walk.report.likeAction("drop");
        }
        run(rule.actions, last);
        state.ruleCookie = oldCookie;
        state.inBucket = wasInBucket;
        state.inTableMiss = oldMiss;
        state.rule = oldRule;
        depth -= deepens ? 1 : 0;
    }

    /** No flow: to the controllers if they speak a protocol that expects it, else the end. */
    private void miss(boolean packetIn) {
        if (packetIn) {
            int lengthBytes = walk.state.bridge.missLengthBytes();
            walk.report.likeAction("CONTROLLER:%d", lengthBytes);
            outputs.missToController(lengthBytes);
        } else {
            walk.report.likeAction("drop");
        }
    }

    private boolean callsForPacketIn(TableMiss miss) {
        OfPort port = walk.state.bridge.port(walk.state.inPort());
        boolean silenced = port != null && (port.config() & OfPort.CONFIG_NO_PACKET_IN) != 0;
        return !silenced
                && switch (miss) {
                    case DEFAULT -> {
                        walk.recorder.restsOn(walk.state.bridge.missReaders());
                        yield walk.state.bridge.wantsPacketInOnMiss();
                    }
                    case CONTROLLER, CONTINUE -> true;
                    case DROP -> false;
                };
    }

    private void resubmit(OfAction.Resubmit resubmit, boolean last) {
        int inPort = resubmit.inPort() == Ports.IN_PORT ? walk.state.inPort() : resubmit.inPort();
        int table = resubmit.tableId() == OfAction.Resubmit.SAME_TABLE ? walk.state.tableId : resubmit.tableId();
        lookUp(inPort, table, false, resubmit.withConntrackTuple(), last);
    }

    // ---- actions ----

    /** @param last whether nothing can follow this list in the walk's bridge */
    private void run(List<OfAction> list, boolean last) {
        for (int i = 0; i < list.size() && !walk.hasFailed() && !walk.state.exited; i++) {
            OfAction action = list.get(i);
            if (walk.state.lostLabels && MplsActions.needsPayload(action)) {
                walk.state.freezing = true;
            }
            if (walk.state.freezing) {
                freeze(list, i);
                return;
            }
            walk.report.action(action);
            if (action instanceof OfAction.CheckPktLarger check) {
                runByLength(check, list.subList(i + 1, list.size()));
                return;
            }
            boolean goesOn = step(action, last && i == list.size() - 1);
            if (walk.state.freezing && walk.state.frozen.isEmpty()) {
                // These two are done; others could not do what they should.
                freeze(list, isDoneByFreezing(action) ? i + 1 : i);
                return;
            }
            if (!goesOn) {
                return;
            }
            if (walk.state.isPaused()) {
                walk.state.keep(list.subList(i + 1, list.size()));
                return;
            }
        }
    }

    private static boolean isDoneByFreezing(OfAction action) {
        return action instanceof OfAction.Decap || action instanceof OfAction.DebugRecirc;
    }

    private void freeze(List<OfAction> list, int from) {
        WalkState state = walk.state;
        FrozenActions.of(state.tableId, state.ruleCookie, list.subList(from, list.size()))
                .forEach(state.frozen::add);
    }

    /** Returns false if the list ends here. */
    private boolean step(OfAction action, boolean last) {
        switch (action) {
            case OfAction.Output output -> outputs.output(output.port(), last);
            case OfAction.OutputField output -> outputs.outputField(output, last);
            case OfAction.OutputTruncated output -> outputs.outputTruncated(output);
            case OfAction.Sample _ -> walk.sampled();
            case OfAction.Controller controller when controller.pause() -> walk.state.pause = controller;
            case OfAction.Controller controller -> outputs.toController(controller);
            case OfAction.SetField set -> fields.set(set);
            case OfAction.Move move -> fields.move(move);
            case OfAction.SetVlanVid set -> vlan.setVid(set);
            case OfAction.SetVlanPcp set -> vlan.setPcp(set);
            case OfAction.PushVlan push -> vlan.push(push);
            case OfAction.PopVlan _ -> vlan.pop();
            case OfAction.PushMpls push -> mpls.push(push);
            case OfAction.PopMpls pop -> mpls.pop(pop);
            case OfAction.SetMpls set -> mpls.set(set);
            case OfAction.Encap encap -> encaps.encap(encap);
            case OfAction.Decap decap -> walk.state.freezing |= encaps.decap(decap);
            case OfAction.DecNshTtl _ -> {
                return encaps.decrementTtl(() -> outputs.expiredToController(0));
            }
            case OfAction.DecMplsTtl _ -> {
                return mpls.decrementTtl(() -> outputs.expiredToController(0));
            }
            case OfAction.DecTtl _ -> {
                return decrementTtl(FIRST_CONTROLLER);
            }
            case OfAction.DecTtlFor dec -> {
                return decrementTtl(dec.controllerIds());
            }
            case OfAction.CheckPktLarger _ -> throw new IllegalStateException("two ways lead on from here");
            case OfAction.Enqueue enqueue -> outputs.enqueue(enqueue, last);
            case OfAction.Multipath multipath -> choices.choose(multipath);
            case OfAction.Bundle bundle -> choices.choose(bundle, last);
            case OfAction.Learn learn -> learning.learn(learn);
            case OfAction.FinTimeout timeouts -> learning.shortenTimeouts(timeouts);
            case OfAction.Clone clone -> runAside(clone.actions(), last);
            case OfAction.Conjunction _ -> {
                // What it is good for is seen where tables are looked up.
            }
            case OfAction.Exit _ -> walk.state.exited = true;
            case OfAction.SetQueue set -> fields.setQueue(set);
            case OfAction.PopQueue _ -> fields.popQueue();
            case OfAction.Resubmit resubmit -> resubmit(resubmit, last);
            case OfAction.Ct ct -> conntrack.track(ct);
            case OfAction.Nat _ -> throw new IllegalStateException("nat outside of ct was let in");
            case OfAction.CtClear _ -> conntrack.clear();
            case OfAction.DebugRecirc _ -> walk.state.freezing = true;
            case OfAction.DebugSlow _ -> walk.slowDown();
            case OfAction.Group group -> {
                return sendToGroup(group, last);
            }
            case OfAction.Meter meter -> outputs.meter(meter.meterId());
            case OfAction.WriteMetadata write -> fields.writeMetadata(write);
            case OfAction.GotoTable next -> lookUp(walk.state.inPort(), next.tableId(), true, false, last);
            case OfAction.ClearActions _ -> clearActionSet();
            case OfAction.WriteActions write -> writeActionSet(write);
            case OfAction.Note _ -> {
                // Only to be shown.
            }
            case OfAction.StackPush push -> fields.push(push.source());
            case OfAction.StackPop pop -> fields.pop(pop.destination());
        }
        return true;
    }

    /** Groups count as resubmits do: chains of them could run each other's buckets without end. */
    private boolean sendToGroup(OfAction.Group group, boolean last) {
        if (isTooDeep()) {
            return false;
        }
        resubmits++;
        return groups.output(group.groupId(), last);
    }

    /** A bucket's actions, put into order. */
    void runBucket(List<OfAction> ordered, boolean last) {
        depth++;
        walk.state.inBucket = true;
        run(ordered, last);
        walk.finishFreezing();
        depth--;
        finishPause();
    }

    /** Returns false if the packet has lived long enough: then it goes to the controllers instead. */
    private boolean decrementTtl(List<Integer> controllerIds) {
        long[] key = walk.state.key;
        int etherType = (int) Field.ETH_TYPE.get(key);
        if (!Prerequisites.isIp(etherType)) {
            return true;
        }
        Field.NW_TTL.setExact(walk.wildcards);
        Field.NW_PROTO.setExact(walk.wildcards);
        long ttl = Field.NW_TTL.get(key);
        if (ttl > 1) {
            fields.write(Field.NW_TTL, new Bits(0, ttl - 1), new Bits(0, Field.NW_TTL.lowMask()));
            return true;
        }
        controllerIds.forEach(outputs::expiredToController);
        walk.report.warning(
                etherType == EtherTypes.IPV4 ? "IPv4 decrement TTL exception" : "IPv6 decrement TTL exception");
        return false;
    }

    /** Runs the rest of the list twice, for longer packets and for others; the datapath chooses. */
    private void runByLength(OfAction.CheckPktLarger check, List<OfAction> rest) {
        if (!rest.isEmpty()) {
            walk.commit();
            DatapathAction[] longer = walk.branch(() -> runWithResult(check, 1, rest));
            DatapathAction[] others = walk.branch(() -> runWithResult(check, 0, rest));
            walk.add(new DatapathAction.CheckPacketLength(check.lengthBytes(), longer, others));
            walk.state.actionSet.clear(); // it has run, with each of them
        }
    }

    private void runWithResult(OfAction.CheckPktLarger check, int result, List<OfAction> rest) {
        fields.load(check.result().toKey(), new Bits(0, result));
        run(rest, true);
        end();
    }

    /** Runs the list with a copy of the packet, and the copy's action set after it. */
    private void runAside(List<OfAction> list, boolean last) {
        walk.withClone(() -> {
            if (list.isEmpty()) {
                walk.report.likeAction("drop");
            }
            run(list, last);
            end();
        });
    }

    // ---- the action set ----

    private void clearActionSet() {
        walk.report.actionSet("was", walk.state.actionSet);
        walk.state.actionSet.clear();
        walk.state.actionSetChanged();
    }

    private void writeActionSet(OfAction.WriteActions write) {
        walk.state.actionSet.addAll(write.actions());
        walk.state.actionSetChanged();
        walk.report.actionSet("is", walk.state.actionSet);
    }

    private void runActionSet() {
        WalkState state = walk.state;
        List<OfAction> ordered = ActionSet.inOrder(state.actionSet);
        state.actionSet.clear();
        if (ordered.isEmpty() || walk.hasFailed()) {
            return;
        }
        state.inActionSet = true;
        walk.report.openActionSet();
        run(ordered, true);
        walk.report.closeActionSet();
        state.inActionSet = false;
    }
}
