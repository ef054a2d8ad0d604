package io.turnstile.pipeline;

import io.turnstile.conntrack.Alg;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.CtState;
import io.turnstile.conntrack.NatRequest;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.Upcall;
import io.turnstile.pipeline.OfAction.Ports;
import io.turnstile.pipeline.WalkRecord.TableLookup;
import io.turnstile.pipeline.WalkReport.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * One walk of one packet through the flows, summed up as datapath actions.
 *
 * <p>Two keys: {@link #key} is the packet as the flows see it by now, {@link PendingRewrites} knows the packet as the
 * datapath has it; before the packet leaves, the difference is written out. {@link #wildcards} collects every bit that
 * had a say, so that any other packet with the same bits takes the same walk. Bits that a flow writes count as looked
 * at (as in Open vSwitch): then whether a rewrite is needed at all is the same for all packets of the datapath flow.
 *
 * <p>Threads: one use by one thread, under the table lock.
 */
final class Translator {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_RESUBMITS = MAX_DEPTH * MAX_DEPTH;
    private static final int MAX_STACK_ENTRIES = 4096;
    private static final int REASON_NO_MATCH = 0;
    private static final int REASON_INVALID_TTL = 2;
    private static final int REASON_ACTION_SET = 3;
    private static final int REASON_PACKET_OUT = 5;
    private static final int VLAN_VID_MASK = 0xfff;
    private static final int VLAN_PRESENT = 0x1000;
    private static final int MAX_UNWIDENED_PORT = 0xffff;
    private static final int FIRST_RESERVED_PORT = 0xff00;

    private final Pipeline pipeline;
    private final long nowNs;
    /** Read before anything else: what changes afterwards makes the result outdated. */
    private final long generation;

    private final WalkReport report;

    private final long[] key;
    private final long[] wildcards = FlowKey.newKey();
    private final PendingRewrites rewrites;
    private List<DatapathAction> actions = new ArrayList<>();

    private BridgePipeline bridge;
    private int tableId;
    private int depth;
    private int resubmits;
    private boolean conntrackVisible;
    private boolean inActionSet;
    private boolean inPacketOut;
    private long ruleCookie = -1L;
    private List<Long> stack = new ArrayList<>();
    private List<OfAction> actionSet = new ArrayList<>();
    private DropReason failure;
    private boolean cacheable = true;

    // What the result rests on.
    private final Set<BridgePipeline> bridges = new LinkedHashSet<>();
    private final List<TableLookup> lookups = new ArrayList<>();
    private final Set<WalkRecord.StationRead> reads = new LinkedHashSet<>();
    private final LinkedHashSet<WalkRecord.Sighting> sightings = new LinkedHashSet<>();
    private final List<Integer> recirculationIds = new ArrayList<>();
    /** The key as of the last lookup, shared by lookups between which it did not change. */
    private long[] snapshot;

    /** @param report null unless somebody wants to see the walk */
    Translator(Pipeline pipeline, long[] packetKey, long nowNs, WalkReport report) {
        this.pipeline = pipeline;
        this.nowNs = nowNs;
        this.generation = pipeline.generation();
        this.report = report;
        this.key = Arrays.copyOf(packetKey, FlowKey.WORDS);
        Arrays.fill(key, FlowKey.DATAPATH_WORDS, FlowKey.WORDS, 0);
        this.rewrites = new PendingRewrites(packetKey);
        // Always part of a datapath flow, as in Open vSwitch.
        Field.IN_PORT.setExact(wildcards);
        Field.RECIRC_ID.setExact(wildcards);
        Field.ETH_TYPE.setExact(wildcards);
        if (Prerequisites.isIp((int) Field.ETH_TYPE.get(key))) {
            Field.NW_FRAG.set(wildcards, 3);
        }
    }

    // ---- ways in ----

    /** The packet as the datapath found it. */
    Upcall.Translation translate() {
        int id = (int) Field.RECIRC_ID.get(key);
        if (id == 0) {
            enter();
        } else {
            thaw(id);
        }
        return result();
    }

    /** A packet-out: the actions instead of a table. */
    Upcall.Translation execute(BridgePipeline out, int inPort, List<OfAction> list) {
        enterBridge(out);
        Field.IN_PORT.set(key, inPort & 0xffff_ffffL);
        inPacketOut = true;
        report(Kind.BRIDGE, out);
        run(list, true);
        runActionSet();
        return result();
    }

    /** A packet said to come in by a port of the bridge, whether that exists or not (traces). */
    Upcall.Translation translateAt(BridgePipeline entered, int inPort) {
        enter(new PortLocation(entered, inPort));
        return result();
    }

    private void enter() {
        PortLocation location = pipeline.locate((int) Field.IN_PORT.get(key));
        if (location != null) {
            enter(location);
        }
    }

    private void enter(PortLocation location) {
        enterBridge(location.bridge());
        Field.IN_PORT.set(key, location.number() & 0xffff_ffffL);
        conntrackVisible = (Field.CT_STATE.get(key) & CtState.TRK) != 0;
        report(Kind.BRIDGE, bridge);
        OfPort port = bridge.port(location.number());
        if (port == null || mayReceive(port)) {
            lookUp(location.number(), 0, true, false, true);
            runActionSet();
        }
    }

    private void enterBridge(BridgePipeline entered) {
        bridge = entered;
        bridges.add(entered);
    }

    private void thaw(int id) {
        FrozenWalk frozen = pipeline.recirculationIds().find(id);
        if (frozen == null) {
            fail(DropReason.RECIRCULATION_LOST, "Recirculation context not found for ID " + Integer.toHexString(id));
            cacheable = false;
            return;
        }
        enterBridge(frozen.bridge());
        Field.IN_PORT.set(key, frozen.inPort() & 0xffff_ffffL);
        PipelineFields.restore(frozen.pipelineFields(), key);
        stack = new ArrayList<>(frozen.stack());
        actionSet = new ArrayList<>(frozen.actionSet());
        conntrackVisible = true;
        report(Kind.BRIDGE, bridge);
        if (report != null) {
            report.open(Kind.THAW, "thaw");
            report.say(Kind.THAW, "Resuming from table " + frozen.tableId());
            report.close();
        }
        tableId = frozen.tableId();
        lookUp(frozen.inPort(), frozen.tableId(), true, false, true);
        runActionSet();
    }

    private Upcall.Translation result() {
        if (failure != null) {
            actions = List.of(new DatapathAction.Drop(failure));
            recirculationIds.clear();
        }
        unwrapLastClone();
        finishWildcards();
        WalkRecord record = new WalkRecord(
                generation,
                List.copyOf(bridges),
                List.copyOf(lookups),
                List.copyOf(reads),
                List.copyOf(sightings),
                List.copyOf(recirculationIds));
        return new Upcall.Translation(
                Arrays.copyOf(wildcards, FlowKey.DATAPATH_WORDS),
                actions.toArray(DatapathAction[]::new),
                cacheable,
                record);
    }

    /** Nothing comes after it, so the packet itself may be used up. */
    private void unwrapLastClone() {
        while (!actions.isEmpty() && actions.getLast() instanceof DatapathAction.Clone clone) {
            actions = new ArrayList<>(actions.subList(0, actions.size() - 1));
            actions.addAll(List.of(clone.actions()));
        }
    }

    private void finishWildcards() {
        if (Field.VLAN_TCI.get(wildcards) != 0) {
            Field.VLAN_TCI.set(wildcards, Field.VLAN_TCI.get(wildcards) | VLAN_PRESENT);
        }
    }

    // ---- tables ----

    private void lookUp(int inPort, int table, boolean honourMiss, boolean withConntrackTuple, boolean last) {
        if (depth >= MAX_DEPTH) {
            fail(DropReason.TRANSLATION_TOO_DEEP, "over max translation depth " + MAX_DEPTH);
            return;
        }
        if (resubmits >= MAX_RESUBMITS) {
            fail(DropReason.TRANSLATION_TOO_DEEP, "over " + MAX_RESUBMITS + " resubmit actions");
            return;
        }
        if (withConntrackTuple && !canSwap()) {
            say(Kind.ERROR, "resubmit(ct) with non-tracked or non-IP packet!");
            return;
        }
        int oldTable = tableId;
        tableId = table;
        Rule rule = find(bridge.table(table), inPort, withConntrackTuple);
        if (report != null) {
            report.open(Kind.TABLE, TraceText.tableLine(table, rule, rule == null && callsForPacketIn(honourMiss)));
        }
        if (rule != null) {
            descend(rule, table <= oldTable, last);
        } else {
            miss(honourMiss);
        }
        if (report != null) {
            report.close();
        }
        tableId = oldTable;
    }

    private Rule find(FlowTable table, int inPort, boolean withConntrackTuple) {
        long walkPort = Field.IN_PORT.get(key);
        int etherType = (int) Field.ETH_TYPE.get(key);
        Field.IN_PORT.set(key, inPort & 0xffff_ffffL);
        if (withConntrackTuple) {
            TupleSwap.swap(key, etherType);
            TupleSwap.swap(wildcards, etherType);
        }
        Rule rule = table.find(key, wildcards);
        if (snapshot == null || !Arrays.equals(snapshot, key)) {
            snapshot = key.clone();
        }
        lookups.add(new TableLookup(table, snapshot, withConntrackTuple, rule));
        if (withConntrackTuple) {
            TupleSwap.swap(key, etherType);
            TupleSwap.swap(wildcards, etherType);
        }
        Field.IN_PORT.set(key, walkPort);
        return rule;
    }

    private boolean canSwap() {
        Field.CT_NW_PROTO.setExact(wildcards);
        return Field.CT_NW_PROTO.get(key) != 0 && Prerequisites.isIp((int) Field.ETH_TYPE.get(key));
    }

    private void descend(Rule rule, boolean deepens, boolean last) {
        long oldCookie = ruleCookie;
        resubmits++;
        depth += deepens ? 1 : 0;
        ruleCookie = rule.cookie;
        if (report != null && rule.actions.isEmpty()) {
            report.say(Kind.ACTION, "drop");
        }
        run(rule.actions, last);
        ruleCookie = oldCookie;
        depth -= deepens ? 1 : 0;
    }

    /** No flow: to the controllers if they speak a protocol that expects it, else the end. */
    private void miss(boolean honourMiss) {
        if (callsForPacketIn(honourMiss)) {
            say(Kind.ACTION, "CONTROLLER:" + bridge.missLengthBytes());
            sendToController(bridge.missLengthBytes(), REASON_NO_MATCH, 0);
        } else {
            say(Kind.ACTION, "drop");
        }
    }

    private boolean callsForPacketIn(boolean honourMiss) {
        OfPort port = bridge.port((int) Field.IN_PORT.get(key));
        boolean silenced = port != null && (port.config() & OfPort.CONFIG_NO_PACKET_IN) != 0;
        return honourMiss && bridge.wantsPacketInOnMiss() && !silenced;
    }

    // ---- actions ----

    /** @param last whether nothing can follow this list in the walk's bridge */
    private void run(List<OfAction> list, boolean last) {
        for (int i = 0; i < list.size() && failure == null; i++) {
            OfAction action = list.get(i);
            if (report != null) {
                report.say(Kind.ACTION, TraceText.action(action));
            }
            if (!step(action, last && i == list.size() - 1)) {
                return;
            }
        }
    }

    /** Returns false if the list ends here. */
    private boolean step(OfAction action, boolean last) {
        switch (action) {
            case OfAction.Output output -> output(output.port(), last);
            case OfAction.OutputField output -> outputField(output, last);
            case OfAction.Controller controller ->
                sendToController(controller.maxLengthBytes(), reasonOf(controller), controller.controllerId());
            case OfAction.SetField set -> setField(set);
            case OfAction.Move move -> move(move.source(), move.destination());
            case OfAction.SetVlanVid set -> setVlanPart(set.vid(), VLAN_VID_MASK, set.pushIfNeeded());
            case OfAction.SetVlanPcp set -> setVlanPart(set.pcp() << 13, 7 << 13, set.pushIfNeeded());
            case OfAction.PushVlan push -> pushVlan(push.etherType());
            case OfAction.PopVlan _ -> popVlan();
            case OfAction.DecTtl _ -> {
                return decrementTtl();
            }
            case OfAction.Resubmit resubmit -> resubmit(resubmit, last);
            case OfAction.Ct ct -> track(ct);
            case OfAction.Nat _ -> throw new IllegalStateException("nat outside of ct was let in");
            case OfAction.CtClear _ -> clearTracked();
            case OfAction.WriteMetadata write ->
                new Bits(0, write.value()).writeTo(Field.METADATA, new Bits(0, write.mask()), key);
            case OfAction.GotoTable next -> lookUp((int) Field.IN_PORT.get(key), next.tableId(), true, false, last);
            case OfAction.ClearActions _ -> {
                sayActionSet("was");
                actionSet.clear();
            }
            case OfAction.WriteActions write -> {
                actionSet.addAll(write.actions());
                sayActionSet("is");
            }
            case OfAction.Note _ -> {
                // Only to be shown.
            }
            case OfAction.StackPush push -> push(push.source());
            case OfAction.StackPop pop -> pop(pop.destination());
        }
        return true;
    }

    private int reasonOf(OfAction.Controller controller) {
        return inPacketOut ? REASON_PACKET_OUT : inActionSet ? REASON_ACTION_SET : controller.reason();
    }

    private void runActionSet() {
        List<OfAction> ordered = ActionSet.inOrder(actionSet);
        actionSet = new ArrayList<>();
        if (ordered.isEmpty() || failure != null) {
            return;
        }
        inActionSet = true;
        if (report != null) {
            report.reopenTable();
            report.open(Kind.TABLE, "--. Executing action set:");
        }
        run(ordered, true);
        if (report != null) {
            report.close();
            report.close();
        }
        inActionSet = false;
    }

    private void resubmit(OfAction.Resubmit resubmit, boolean last) {
        int inPort = resubmit.inPort() == Ports.IN_PORT ? (int) Field.IN_PORT.get(key) : resubmit.inPort();
        int table = resubmit.tableId() == OfAction.Resubmit.SAME_TABLE ? tableId : resubmit.tableId();
        lookUp(inPort, table, false, resubmit.withConntrackTuple(), last);
    }

    // ---- fields ----

    private void setField(OfAction.SetField set) {
        if (Prerequisites.areMet(set.field(), key, wildcards)) {
            write(set.field(), new Bits(set.valueHigh(), set.valueLow()), new Bits(set.maskHigh(), set.maskLow()));
        }
    }

    /** Writes the masked bits, both in the key and in what the datapath will have to do. */
    private void write(Field field, Bits value, Bits mask) {
        mask.orInto(field, wildcards);
        if (field == Field.VLAN_TCI) {
            int tci = (int) (Field.VLAN_TCI.get(key) & ~mask.low() | value.low() & mask.low());
            Field.VLAN_TCI.setExact(wildcards);
            rewrites.setVlan(rewrites.vlan().withTci(tci), key);
            return;
        }
        value.writeTo(field, mask, key);
        rewrites.written(field, mask);
    }

    private void move(OfAction.SubField source, OfAction.SubField destination) {
        boolean possible = Prerequisites.areMet(source.field(), key, wildcards)
                & Prerequisites.areMet(destination.field(), key, wildcards);
        if (possible) {
            writeSubField(destination, readSubField(source));
        }
    }

    private Bits readSubField(OfAction.SubField source) {
        Bits.maskOf(source).orInto(source.field(), wildcards);
        return Bits.read(source, key);
    }

    private void writeSubField(OfAction.SubField destination, Bits value) {
        write(destination.field(), value.shiftedLeft(destination.offsetBits()), Bits.maskOf(destination));
        if (report != null) {
            report.say(Kind.DETAIL, TraceText.written(destination, key));
        }
    }

    private void push(OfAction.SubField source) {
        if (stack.size() >= 2 * MAX_STACK_ENTRIES) {
            fail(DropReason.TRANSLATION_TOO_DEEP, "resubmits yielded over " + MAX_STACK_ENTRIES + " stack entries");
            return;
        }
        Bits value = readSubField(source);
        stack.add(value.high());
        stack.add(value.low());
    }

    private void pop(OfAction.SubField destination) {
        if (stack.isEmpty()) {
            say(Kind.ERROR, "stack underflow");
            return;
        }
        long low = stack.removeLast();
        Bits value = new Bits(stack.removeLast(), low).and(Bits.ones(destination.widthBits()));
        if (Prerequisites.areMet(destination.field(), key, wildcards)) {
            writeSubField(destination, value);
        }
    }

    private void setVlanPart(int bits, int mask, boolean pushIfNeeded) {
        Field.VLAN_TCI.setExact(wildcards);
        int tci = (int) Field.VLAN_TCI.get(key);
        if (tci != 0 || pushIfNeeded) {
            rewrites.setVlan(rewrites.vlan().withTci(tci & ~mask | bits | VLAN_PRESENT), key);
        }
    }

    /** A pushed tag starts with the outer tag's VLAN and priority (OpenFlow 1.3.5 §5.12.1). */
    private void pushVlan(int etherType) {
        Field.VLAN_TCI.setExact(wildcards);
        rewrites.setVlan(rewrites.vlan().push(etherType, (int) Field.VLAN_TCI.get(key)), key);
    }

    private void popVlan() {
        Field.VLAN_TCI.setExact(wildcards);
        rewrites.setVlan(rewrites.vlan().pop(), key);
    }

    /** Returns false if the packet has lived long enough: then it goes to the controllers instead. */
    private boolean decrementTtl() {
        int etherType = (int) Field.ETH_TYPE.get(key);
        if (!Prerequisites.isIp(etherType)) {
            return true;
        }
        Field.NW_TTL.setExact(wildcards);
        Field.NW_PROTO.setExact(wildcards);
        long ttl = Field.NW_TTL.get(key);
        if (ttl > 1) {
            write(Field.NW_TTL, new Bits(0, ttl - 1), new Bits(0, Field.NW_TTL.lowMask()));
            return true;
        }
        sendToController(0xffff, REASON_INVALID_TTL, 0);
        say(Kind.WARNING, (etherType == 0x800 ? "IPv4" : "IPv6") + " decrement TTL exception");
        return false;
    }

    // ---- ways out ----

    private void output(int port, boolean last) {
        switch (port) {
            case Ports.IN_PORT -> send((int) Field.IN_PORT.get(key), last);
            case Ports.TABLE -> lookUp((int) Field.IN_PORT.get(key), 0, true, false, false);
            case Ports.NORMAL -> normal(last);
            case Ports.FLOOD -> flood(false, last);
            case Ports.ALL -> flood(true, last);
            case Ports.CONTROLLER -> sendToController(0xffff, reasonOf(new OfAction.Controller(0xffff, 1, 0)), 0);
            case Ports.NONE -> {
                // Nowhere.
            }
            default -> {
                if (port == (int) Field.IN_PORT.get(key)) {
                    say(Kind.WARNING, "skipping output to input port");
                } else {
                    send(port, last);
                }
            }
        }
    }

    /** Port numbers in 16-bit fields are OpenFlow 1.0's: the reserved ones are widened. */
    private void outputField(OfAction.OutputField output, boolean last) {
        Bits value = readSubField(output.source());
        long port = value.low();
        say(Kind.DETAIL, "output port is " + port);
        boolean reserved = (port & 0xffff_ff00L) == (Ports.MAX & 0xffff_ffffL);
        if (value.high() != 0 || port > MAX_UNWIDENED_PORT && !reserved) {
            say(Kind.WARNING, "output port " + port + " is out of range");
            return;
        }
        output((int) (port >= FIRST_RESERVED_PORT ? port | 0xffff_0000L : port), last);
    }

    private void flood(boolean all, boolean last) {
        int inPort = (int) Field.IN_PORT.get(key);
        for (OfPort port : bridge.portsInOrder()) {
            if (port.number() != inPort && (all || (port.config() & OfPort.CONFIG_NO_FLOOD) == 0)) {
                send(port.number(), false);
            }
        }
    }

    private void send(int number, boolean last) {
        OfPort port = bridge.port(number);
        if (port == null) {
            say(Kind.WARNING, "Nonexistent output port");
            pipeline.outputToMissingPort(bridge, number);
        } else if ((port.config() & OfPort.CONFIG_NO_FWD) != 0) {
            say(Kind.DETAIL, "OFPPC_NO_FWD set, skipping output");
        } else if ((port.config() & OfPort.CONFIG_PORT_DOWN) != 0) {
            say(Kind.DETAIL, "OFPPC_PORT_DOWN set, skipping output");
        } else if (port.patchPeer() != null) {
            PortLocation peer = pipeline.peerOf(port);
            if (peer != null) {
                throughPatch(peer, last);
            }
        } else if (port.datapathPort() >= 0) {
            rewrites.commit(key, actions);
            actions.add(new DatapathAction.Output(port.datapathPort()));
        }
    }

    private static boolean mayReceive(OfPort port) {
        return (port.config() & (OfPort.CONFIG_NO_RECV | OfPort.CONFIG_PORT_DOWN)) == 0;
    }

    /**
     * The walk goes on in the other bridge, as a packet of its own: metadata, registers, action set and connection
     * state are not seen there, and nothing that happens there is seen here afterwards.
     */
    private void throughPatch(PortLocation peer, boolean last) {
        long[] oldKey = key.clone();
        VlanStack oldVlan = rewrites.vlan();
        List<Long> oldStack = stack;
        List<OfAction> oldActionSet = actionSet;
        BridgePipeline oldBridge = bridge;
        int oldTable = tableId;
        long oldCookie = ruleCookie;
        boolean oldConntrackVisible = conntrackVisible;
        boolean oldInActionSet = inActionSet;
        PendingRewrites.Mark mark = rewrites.mark();
        List<DatapathAction> oldActions = actions;

        if (report != null) {
            report.open(Kind.BRIDGE, TraceText.bridgeLine(peer.bridge().name()));
        }
        enterBridge(peer.bridge());
        Field.IN_PORT.set(key, peer.number() & 0xffff_ffffL);
        PipelineFields.clear(key);
        clearConntrack();
        stack = new ArrayList<>();
        actionSet = new ArrayList<>();
        inActionSet = false;
        actions = new ArrayList<>();
        tableId = 0;
        if (mayReceive(bridge.port(peer.number()))) {
            lookUp(peer.number(), 0, true, false, last);
            runActionSet();
        }
        failure = null; // What goes wrong over there ends the walk over there only.
        if (report != null) {
            report.close();
        }

        boolean usesUpThePacket = actions.stream().anyMatch(Translator::cannotBeUndone);
        if (usesUpThePacket) {
            oldActions.add(new DatapathAction.Clone(actions.toArray(DatapathAction[]::new)));
            rewrites.returnTo(mark);
        } else {
            oldActions.addAll(actions);
        }
        actions = oldActions;
        System.arraycopy(oldKey, 0, key, 0, key.length);
        rewrites.setVlan(oldVlan, key);
        stack = oldStack;
        actionSet = oldActionSet;
        bridge = oldBridge;
        tableId = oldTable;
        ruleCookie = oldCookie;
        conntrackVisible = oldConntrackVisible;
        inActionSet = oldInActionSet;
    }

    private static boolean cannotBeUndone(DatapathAction action) {
        return action instanceof DatapathAction.Ct
                || action instanceof DatapathAction.CtClear
                || action instanceof DatapathAction.Recirculate;
    }

    private void sendToController(int maxLengthBytes, int reason, int controllerId) {
        rewrites.commit(key, actions);
        actions.add(new DatapathAction.Userspace(new PacketInRequest(
                bridge, maxLengthBytes, reason, tableId, ruleCookie, controllerId, key.clone(), conntrackVisible)));
    }

    // ---- NORMAL ----

    private void normal(boolean last) {
        Field.ETH_SRC.setExact(wildcards);
        Field.ETH_DST.setExact(wildcards);
        Field.VLAN_TCI.set(wildcards, Field.VLAN_TCI.get(wildcards) | VLAN_VID_MASK | VLAN_PRESENT);
        int inPort = (int) Field.IN_PORT.get(key);
        boolean fromNowhere = inPort == Ports.NONE || inPort == Ports.CONTROLLER;
        if (!fromNowhere && bridge.port(inPort) == null) {
            say(Kind.WARNING, "no input bundle, dropping");
            return;
        }
        long destination = Field.ETH_DST.get(key);
        if (isReserved(destination)) {
            say(Kind.DETAIL, "packet has reserved destination MAC, dropping");
            return;
        }
        int vlan = (int) Field.VLAN_TCI.get(key) & VLAN_VID_MASK;
        long source = Field.ETH_SRC.get(key);
        if (!fromNowhere && !isMulticast(source)) {
            sight(new MacTable.Station(vlan, source), inPort);
        }
        if (isMulticast(destination)) {
            say(
                    Kind.DETAIL,
                    destination == 0xffff_ffff_ffffL
                            ? "no learned MAC for destination, flooding"
                            : "multicast traffic, flooding");
            flood(false, last);
            return;
        }
        MacTable.Station station = new MacTable.Station(vlan, destination);
        reads.add(new WalkRecord.StationRead(bridge.macTable(), station));
        Integer port = locate(station);
        if (port == null) {
            say(Kind.DETAIL, "no learned MAC for destination, flooding");
            flood(false, last);
        } else if (port == inPort) {
            say(Kind.DETAIL, "learned port is input port, dropping");
        } else {
            say(Kind.DETAIL, "forwarding to learned port");
            send(port, last);
        }
    }

    /** Where the station is: seen on this very walk, as a packet to itself is, or before. A trace teaches nothing. */
    private Integer locate(MacTable.Station station) {
        for (WalkRecord.Sighting sighting : sightings.reversed()) {
            if (report == null
                    && sighting.bridge() == bridge
                    && sighting.station().equals(station)) {
                return sighting.port();
            }
        }
        return bridge.macTable().find(station);
    }

    private void sight(MacTable.Station station, int port) {
        sightings.addLast(new WalkRecord.Sighting(bridge, station, port)); // also if it is not the first time
    }

    private static boolean isMulticast(long macAddress) {
        return (macAddress & 0x0100_0000_0000L) != 0;
    }

    /** IEEE 802.1D reserved group addresses: 01:80:c2:00:00:00 to 0f. */
    private static boolean isReserved(long macAddress) {
        return (macAddress & ~0xfL) == 0x0180_c200_0000L;
    }

    // ---- conntrack ----

    private void track(OfAction.Ct ct) {
        int zone = ct.zoneField() == null
                ? ct.zone()
                : (int) readSubField(ct.zoneField()).low();
        rewrites.commit(key, actions);
        ConnectionMarks marks = new ConnectionMarks(key, wildcards);
        NatRequest nat = null;
        for (OfAction nested : ct.exec()) {
            if (report != null) {
                report.say(Kind.ACTION, TraceText.action(nested));
            }
            switch (nested) {
                case OfAction.Nat translation -> nat = translation.request();
                case OfAction.SetField set -> marks.set(set);
                case OfAction.Move move -> {
                    if (marks.move(move) && report != null) {
                        report.say(Kind.DETAIL, TraceText.written(move.destination(), key));
                    }
                }
                default -> throw new IllegalStateException("let into ct(): " + nested);
            }
        }
        if (report != null && ct.exec().isEmpty()) {
            report.say(Kind.ACTION, "drop"); // What an empty nested list looks like in Open vSwitch's trace.
        }
        actions.add(new DatapathAction.Ct(new CtRequest(
                zone,
                ct.commit(),
                ct.force(),
                marks.mark(),
                marks.markMask(),
                marks.labelHigh(),
                marks.labelLow(),
                marks.labelMaskHigh(),
                marks.labelMaskLow(),
                simplest(nat),
                algOf(ct.helper()),
                ct.commit() ? pipeline.timeoutPolicy(zone) : 0)));
        if (ct.recircTable() != OfAction.Ct.NO_RECIRCULATION) {
            freeze(ct.recircTable(), zone, nat);
        }
        clearConntrack();
        say(Kind.DETAIL, "Sets the packet to an untracked state, and clears all the conntrack fields.");
    }

    private static Alg algOf(int helper) {
        return switch (helper) {
            case OfAction.Ct.FTP -> Alg.FTP;
            case OfAction.Ct.TFTP -> Alg.TFTP;
            default -> Alg.NONE;
        };
    }

    /** A range says nothing without source or destination. */
    private static NatRequest simplest(NatRequest nat) {
        return nat != null && nat.kind() == NatRequest.Kind.EXISTING ? NatRequest.ANY : nat;
    }

    /** @param nat null if the ct() had none */
    private void freeze(int table, int zone, NatRequest nat) {
        int id = pipeline.recirculationIds()
                .idOf(
                        new FrozenWalk(
                                bridge,
                                table,
                                (int) Field.IN_PORT.get(key),
                                PipelineFields.save(key),
                                List.copyOf(stack),
                                List.copyOf(actionSet)),
                        nowNs);
        recirculationIds.add(id);
        actions.add(new DatapathAction.Recirculate(id));
        if (report != null) {
            report.recirculations.add(new WalkReport.Recirculation(id, zone, nat, key.clone()));
            report.say(
                    Kind.DETAIL,
                    "A clone of the packet is forked to recirculate. The forked pipeline will be resumed at " + "table "
                            + table + ".");
        }
    }

    /** The datapath need not hear of it where the walk knows the packet untracked (as in Open vSwitch). */
    private void clearTracked() {
        if (conntrackVisible) {
            clearConntrack();
            actions.add(new DatapathAction.CtClear());
        }
    }

    private void clearConntrack() {
        conntrackVisible = false;
        ConntrackFields.clear(key);
    }

    // ---- saying ----

    private void fail(DropReason reason, String text) {
        failure = reason;
        say(Kind.ERROR, text);
    }

    private void say(Kind kind, String text) {
        if (report != null) {
            report.say(kind, text);
        }
    }

    private void sayActionSet(String verb) {
        if (report != null) {
            report.say(Kind.DETAIL, TraceText.actionSet(verb, ActionSet.inOrder(actionSet)));
        }
    }

    /** Opened and never closed: the whole walk stands below its first bridge. */
    private void report(Kind kind, BridgePipeline entered) {
        if (report != null) {
            report.open(kind, TraceText.bridgeLine(entered.name()));
        }
    }

    /** The key as it is at the end of the walk: "Final flow". */
    long[] finalKey() {
        return key;
    }
}
