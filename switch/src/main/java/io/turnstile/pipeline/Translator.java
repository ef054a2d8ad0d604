package io.turnstile.pipeline;

import io.turnstile.conntrack.CtRequest;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.PacketParser;
import io.turnstile.pipeline.OfAction.Ports;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * One walk of one packet through the tables: OpenFlow actions in, datapath actions and wildcards out. The walk works on a copy
 * of the packet's key ({@code flow}); what actions changed is written to the packet ({@link FieldCommitter}) only before
 * something sees it: an output, a {@code ct()}, a controller.
 *
 * <p>Made anew for each translation; runs under the pipeline's lock.
 */
final class Translator {
    static final int MAX_DEPTH = 64;
    static final int MAX_RESUBMITS = 4096;
    private static final long RESERVED_MULTICAST = 0x0180_c200_0000L;
    private static final int VLAN_VID_MASK = 0x0fff;

    private final Pipeline pipeline;
    private final TranslationRecord record = new TranslationRecord();
    private final List<DatapathAction> out = new ArrayList<>();
    private final long[] wildcards = record.mask;
    private final TraceText trace;
    private final boolean learning;
    private final long nowNs;

    private long[] flow;
    private FieldCommitter committer;
    private BridgePipeline bridge;
    private int inPort;
    private int tableId;
    private Rule rule;
    private int depth;
    private int resubmits;
    private boolean conntracked;
    private boolean tooDeep;
    /** An action list stops early: a TTL ran out. */
    private boolean stopped;
    private final ActionSet actionSet = new ActionSet();
    private Deque<Long> stack = new ArrayDeque<>();

    /** What came out: {@code mask} and the record of how. */
    record Result(DatapathAction[] actions, TranslationRecord record, long[] finalFlow) {
    }

    /**
     * @param learning whether NORMAL may learn from this packet: true for real packets, false for traces
     * @param trace    told of each step, null if nobody wants to know
     */
    Translator(Pipeline pipeline, boolean learning, long nowNs, TraceText trace) {
        this.pipeline = pipeline;
        this.learning = learning;
        this.nowNs = nowNs;
        this.trace = trace;
    }

    // ---- the three ways in ----

    /** A packet from the datapath, fresh or recirculated; {@code packetKey} is not changed. */
    Result translate(long[] packetKey) {
        begin(packetKey);
        int recirculationId = (int) Field.RECIRC_ID.get(packetKey);
        if (recirculationId != 0) {
            FrozenState state = pipeline.recirculationIds().state(recirculationId);
            BridgePipeline home = state == null ? null : pipeline.bridge(state.bridge());
            if (home == null) {
                return drop(DropReason.RECIRCULATION_LOST);
            }
            thaw(home, state);
        } else {
            BridgePipeline.PortBinding binding = pipeline.portBinding((int) Field.IN_PORT.get(packetKey));
            if (binding == null) {
                return drop(DropReason.UPCALL_FAILED);
            }
            enter(binding.bridge(), binding.port().number());
        }
        return finish();
    }

    /** A packet that is said to come in by a port of a bridge (traces). */
    Result translateAt(BridgePipeline at, int ofInPort, long[] packetKey) {
        begin(packetKey);
        enter(at, ofInPort);
        return finish();
    }

    private void enter(BridgePipeline at, int ofInPort) {
        bridge = at;
        inPort = ofInPort;
        conntracked = false;
        clearConntrackFields();
        start();
    }

    /** OFPT_PACKET_OUT: the actions of a controller on a packet of its own. */
    Result translateActions(BridgePipeline on, int ofInPort, long[] packetKey, List<OfAction> actions) {
        begin(packetKey);
        bridge = on;
        inPort = ofInPort;
        Field.IN_PORT.set(flow, ofInPort & 0xffff_ffffL);
        run(actions);
        runActionSet();
        return finish();
    }

    private void begin(long[] packetKey) {
        flow = packetKey.clone();
        committer = new FieldCommitter(packetKey, wildcards, out);
        Field.IN_PORT.setExact(wildcards);
        Field.RECIRC_ID.setExact(wildcards);
        Field.ETH_TYPE.setExact(wildcards);
        int etherType = (int) Field.ETH_TYPE.get(flow);
        if (etherType == EtherTypes.IPV4 || etherType == EtherTypes.IPV6) {
            wildcards[Field.NW_FRAG.word()] |= 3L << Field.NW_FRAG.shift();
        }
    }

    private void start() {
        Field.IN_PORT.set(flow, inPort & 0xffff_ffffL);
        if (trace != null) {
            trace.bridge(bridge.name());
        }
        OfPort port = bridge.port(inPort);
        if (port != null && (port.config() & OfPort.CONFIG_NO_RECV) != 0) {
            return;
        }
        lookupAndRun(0);
        runActionSet();
    }

    private void thaw(BridgePipeline home, FrozenState state) {
        bridge = home;
        inPort = state.inPort();
        conntracked = state.conntracked();
        System.arraycopy(state.pipelineWords(), 0, flow, FlowKey.DATAPATH_WORDS, state.pipelineWords().length);
        Field.IN_PORT.set(flow, inPort & 0xffff_ffffL);
        if (!conntracked) {
            clearConntrackFields();
        }
        stack = new ArrayDeque<>(state.stack());
        actionSet.addAll(state.actionSet());
        if (trace != null) {
            trace.bridge(bridge.name());
            trace.thaw(state.tableId());
        }
        lookupAndRun(state.tableId());
        runActionSet();
    }

    private Result drop(DropReason reason) {
        out.clear();
        out.add(new DatapathAction.Drop(reason));
        return finish();
    }

    private Result finish() {
        if (tooDeep) {
            out.clear();
            out.add(new DatapathAction.Drop(DropReason.TRANSLATION_TOO_DEEP));
        }
        for (int word = FlowKey.DATAPATH_WORDS; word < FlowKey.WORDS; word++) {
            wildcards[word] = 0;
        }
        return new Result(out.toArray(DatapathAction[]::new), record, flow);
    }

    // ---- tables ----

    private void lookupAndRun(int table) {
        int outerTable = tableId;
        Rule outerRule = rule;
        tableId = table;
        rule = bridge.lookup(table, flow, wildcards);
        record.lookups.add(new TranslationRecord.Lookup(bridge, table, flow.clone(), rule));
        if (trace != null) {
            trace.rule(table, rule, depth);
        }
        if (rule != null) {
            run(rule.actions);
        } else if (bridge.wantsPacketInOnMiss()) {
            toController(new OfAction.Controller(bridge.missSendLengthBytes(), 0, 0));
        }
        tableId = outerTable;
        rule = outerRule;
    }

    /** Resubmits and goto_table: the same walk, one level deeper. */
    private void descend(int table, Runnable walk) {
        if (depth >= MAX_DEPTH || ++resubmits > MAX_RESUBMITS) {
            tooDeep = true;
            if (trace != null) {
                trace.note("over max translation depth " + MAX_DEPTH, depth);
            }
            return;
        }
        depth++;
        walk.run();
        depth--;
    }

    private void run(List<OfAction> actions) {
        for (OfAction action : actions) {
            if (trace != null) {
                trace.action(action, depth);
            }
            run(action);
            if (tooDeep || stopped) {
                stopped = false; // Ends this list; who resubmitted goes on.
                return;
            }
        }
    }

    private void run(OfAction action) {
        switch (action) {
            case OfAction.Output output -> output(output.port());
            case OfAction.OutputField output -> outputField(output);
            case OfAction.Controller controller -> toController(controller);
            case OfAction.SetField set -> setField(set.field(), set.valueHigh(), set.valueLow(), set.maskHigh(), set.maskLow());
            case OfAction.Move move -> move(move);
            case OfAction.SetVlanVid set -> setVlan(set.vid(), VLAN_VID_MASK, set.pushIfNeeded());
            case OfAction.SetVlanPcp set -> setVlan(set.pcp() << 13, 0xe000, set.pushIfNeeded());
            case OfAction.PushVlan push -> pushVlan(push.etherType());
            case OfAction.PopVlan _ -> popVlan();
            case OfAction.DecTtl _ -> decTtl();
            case OfAction.Resubmit resubmit -> resubmit(resubmit);
            case OfAction.Ct ct -> conntrack(ct);
            case OfAction.CtClear _ -> clearConntrack();
            case OfAction.WriteMetadata write -> setField(Field.METADATA, 0, write.value(), 0, write.mask());
            case OfAction.GotoTable next -> descend(next.tableId(), () -> lookupAndRun(next.tableId()));
            case OfAction.ClearActions _ -> actionSet.clear();
            case OfAction.WriteActions write -> actionSet.addAll(write.actions());
            case OfAction.Note _ -> {
                // Says something to people only.
            }
            case OfAction.StackPush push -> push(push.source());
            case OfAction.StackPop pop -> pop(pop.destination());
        }
    }

    private void runActionSet() {
        List<OfAction> actions = actionSet.inOrder();
        if (!actions.isEmpty() && !tooDeep) {
            actionSet.clear();
            if (trace != null) {
                trace.note("--. Executing action set:", depth);
            }
            run(actions);
        }
    }

    private void resubmit(OfAction.Resubmit resubmit) {
        int table = resubmit.tableId() == OfAction.Resubmit.SAME_TABLE ? tableId : resubmit.tableId();
        int port = resubmit.inPort() == Ports.IN_PORT ? inPort : resubmit.inPort();
        descend(table, () -> {
            long[] before = flow.clone();
            Field.IN_PORT.set(flow, port & 0xffff_ffffL);
            if (resubmit.withConntrackTuple() && !useConntrackTuple()) {
                return;
            }
            long[] during = flow.clone();
            lookupAndRun(table);
            // Only what the resubmit itself replaced goes back; what the tables below changed stays.
            restoreUnchanged(before, during, Field.IN_PORT);
            if (resubmit.withConntrackTuple()) {
                for (Field field : List.of(Field.NW_PROTO, Field.NW_SRC, Field.NW_DST, Field.IPV6_SRC, Field.IPV6_DST, Field.TP_SRC,
                        Field.TP_DST)) {
                    restoreUnchanged(before, during, field);
                }
            }
        });
    }

    private void restoreUnchanged(long[] before, long[] during, Field field) {
        if (field.get(flow) == field.get(during) && field.getHigh(flow) == field.getHigh(during)) {
            field.set(flow, field.getHigh(before), field.get(before));
        }
    }

    /** {@code resubmit(,N,ct)}: match on the connection's original tuple instead of the packet's own. */
    private boolean useConntrackTuple() {
        Field.CT_NW_PROTO.setExact(wildcards);
        if (Field.CT_NW_PROTO.get(flow) == 0) {
            return false;
        }
        boolean ipv6 = Field.ETH_TYPE.get(flow) == EtherTypes.IPV6;
        copyField(Field.CT_NW_PROTO, Field.NW_PROTO);
        copyField(ipv6 ? Field.CT_IPV6_SRC : Field.CT_NW_SRC, ipv6 ? Field.IPV6_SRC : Field.NW_SRC);
        copyField(ipv6 ? Field.CT_IPV6_DST : Field.CT_NW_DST, ipv6 ? Field.IPV6_DST : Field.NW_DST);
        copyField(Field.CT_TP_SRC, Field.TP_SRC);
        copyField(Field.CT_TP_DST, Field.TP_DST);
        return true;
    }

    private void copyField(Field from, Field to) {
        from.setExact(wildcards);
        to.set(flow, from.getHigh(flow), from.get(flow));
    }

    // ---- fields ----

    /** A field that a flow rewrites is part of the datapath flow: whether there is something to rewrite depends on it. */
    private void setField(Field field, long high, long low, long maskHigh, long maskLow) {
        look(field, maskHigh, maskLow);
        field.set(flow, (field.getHigh(flow) & ~maskHigh) | (high & maskHigh), (field.get(flow) & ~maskLow) | (low & maskLow));
    }

    private void look(Field field, long maskHigh, long maskLow) {
        field.set(wildcards, field.getHigh(wildcards) | maskHigh, field.get(wildcards) | maskLow);
    }

    private void move(OfAction.Move move) {
        long[] value = read(move.source());
        write(move.destination(), value[0], value[1]);
    }

    /** High and low 64 bits of a run of bits, right-aligned. */
    private long[] read(OfAction.SubField source) {
        Field field = source.field();
        long[] mask = Bits128.run(source.offsetBits(), source.widthBits());
        look(field, mask[0], mask[1]);
        return Bits128.shiftRight(field.getHigh(flow) & mask[0], field.get(flow) & mask[1], source.offsetBits());
    }

    private void write(OfAction.SubField destination, long high, long low) {
        long[] mask = Bits128.run(destination.offsetBits(), destination.widthBits());
        long[] value = Bits128.shiftLeft(high, low, destination.offsetBits());
        setField(destination.field(), value[0], value[1], mask[0], mask[1]);
    }

    private void push(OfAction.SubField source) {
        long[] value = read(source);
        stack.push(value[1]);
        stack.push(value[0]);
    }

    private void pop(OfAction.SubField destination) {
        if (stack.isEmpty()) {
            if (trace != null) {
                trace.note("stack underflow", depth);
            }
            return;
        }
        long high = stack.pop();
        write(destination, high, stack.pop());
    }

    private void setVlan(int bits, int mask, boolean pushIfNeeded) {
        Field.VLAN_TCI.setExact(wildcards);
        int tci = (int) Field.VLAN_TCI.get(flow);
        if (tci != 0 || pushIfNeeded) {
            Field.VLAN_TCI.set(flow, (tci & ~mask) | (bits & mask) | PacketParser.VLAN_PRESENT);
        }
    }

    private void pushVlan(int etherType) {
        Field.VLAN_TCI.setExact(wildcards);
        int tci = (int) Field.VLAN_TCI.get(flow);
        if (tci == 0) {
            committer.nextTagType(etherType);
            Field.VLAN_TCI.set(flow, PacketParser.VLAN_PRESENT);
        } else {
            commit();
            out.add(new DatapathAction.PushVlan(etherType, tci));
            Field.ETH_TYPE.set(flow, EtherTypes.VLAN);
            committer.rebase(flow);
        }
    }

    private void popVlan() {
        Field.VLAN_TCI.setExact(wildcards);
        Field.VLAN_TCI.set(flow, 0);
    }

    private void decTtl() {
        int etherType = (int) Field.ETH_TYPE.get(flow);
        if (etherType != EtherTypes.IPV4 && etherType != EtherTypes.IPV6) {
            return;
        }
        Field.NW_TTL.setExact(wildcards);
        long ttl = Field.NW_TTL.get(flow);
        if (ttl > 1) {
            Field.NW_TTL.set(flow, ttl - 1);
        } else {
            toController(new OfAction.Controller(0xffff, 2, 0));
            stopped = true;
        }
    }

    private void commit() {
        committer.commit(flow);
    }

    // ---- outputs ----

    private void outputField(OfAction.OutputField output) {
        long port = read(output.source())[1];
        // NXM_NX_REG holds 32 bits, in_port of OpenFlow 1.0 16: widen its reserved numbers.
        output(port >= 0xfff8 && port <= 0xffff ? (int) (port | 0xffff_0000L) : (int) port);
    }

    private void output(int port) {
        switch (port) {
            case Ports.IN_PORT -> toPort((int) Field.IN_PORT.get(flow), true);
            case Ports.NORMAL -> normal();
            case Ports.FLOOD -> flood(OfPort.CONFIG_NO_FLOOD);
            case Ports.ALL -> flood(0);
            case Ports.TABLE -> descend(0, () -> lookupAndRun(0));
            case Ports.CONTROLLER -> toController(new OfAction.Controller(0xffff, 1, 0));
            case Ports.NONE -> {
                // Nowhere.
            }
            default -> toPort(port, false);
        }
    }

    private void flood(int excludedConfig) {
        int ingress = (int) Field.IN_PORT.get(flow);
        for (OfPort port : bridge.ports()) {
            if (port.number() != ingress && (port.config() & excludedConfig) == 0) {
                toPort(port.number(), false);
            }
        }
    }

    private void toPort(int number, boolean backToIngress) {
        OfPort port = bridge.port(number);
        if (port == null) {
            note("Nonexistent output port");
            return;
        }
        if ((port.config() & (OfPort.CONFIG_NO_FWD | OfPort.CONFIG_PORT_DOWN)) != 0) {
            note("OFPPC_NO_FWD set, skipping output");
            return;
        }
        if (number == (int) Field.IN_PORT.get(flow) && !backToIngress) {
            note("skipping output to input port");
            return;
        }
        if (port.patchPeer() != null) {
            throughPatch(port);
        } else if (port.datapathPort() >= 0) {
            commit();
            out.add(new DatapathAction.Output(port.datapathPort()));
        }
    }

    private void note(String text) {
        if (trace != null) {
            trace.note(" >> " + text, depth);
        }
    }

    /** The walk goes on in the peer bridge, on a copy: nothing that happens there changes what follows here. */
    private void throughPatch(OfPort port) {
        BridgePipeline.PortBinding peer = pipeline.patchPort(port.patchPeer());
        if (peer == null) {
            note("Nonexistent output port");
            return;
        }
        descend(0, () -> {
            long[] outerFlow = flow.clone();
            BridgePipeline outerBridge = bridge;
            int outerInPort = inPort;
            int outerTable = tableId;
            Rule outerRule = rule;
            Deque<Long> outerStack = stack;
            boolean outerConntracked = conntracked;
            List<OfAction> outerSet = actionSet.inOrder();
            actionSet.clear();
            stack = new ArrayDeque<>();
            bridge = peer.bridge();
            inPort = peer.port().number();
            for (int word = FlowKey.DATAPATH_WORDS; word < FlowKey.WORDS; word++) {
                flow[word] = 0;
            }
            // Zones are the same world in both bridges, but ct_state was this bridge's finding (ovs-actions(7) ct).
            conntracked = false;
            clearConntrackFields();
            start();
            bridge = outerBridge;
            inPort = outerInPort;
            tableId = outerTable;
            rule = outerRule;
            stack = outerStack;
            conntracked = outerConntracked;
            actionSet.clear();
            actionSet.addAll(outerSet);
            flow = outerFlow; // The bytes may differ from it now: the committer writes them back before the next output.
        });
    }

    private void toController(OfAction.Controller controller) {
        commit();
        out.add(new DatapathAction.Userspace(new PacketInCookie(bridge, controller, tableId,
                rule == null ? -1L : rule.cookie, inPort, FrozenState.pipelineWordsOf(flow), conntracked)));
    }

    /** Plain switching: learn the source, send to the destination's port or everywhere. */
    private void normal() {
        Field.ETH_SRC.setExact(wildcards);
        Field.ETH_DST.setExact(wildcards);
        Field.VLAN_TCI.setExact(wildcards);
        int vlan = (int) Field.VLAN_TCI.get(flow) & VLAN_VID_MASK;
        long source = Field.ETH_SRC.get(flow);
        long destination = Field.ETH_DST.get(flow);
        if ((destination & ~0xfL) == RESERVED_MULTICAST) {
            note("dropping packet to reserved address");
            return;
        }
        int ingress = (int) Field.IN_PORT.get(flow);
        if (!isMulticast(source) && bridge.port(ingress) != null) {
            learn(new MacTable.Key(vlan, source), ingress);
        }
        if (isMulticast(destination)) {
            note("multicast/broadcast, flooding");
            flood(OfPort.CONFIG_NO_FLOOD);
            return;
        }
        MacTable.Key key = new MacTable.Key(vlan, destination);
        Integer port = bridge.macTable().lookup(key);
        record.macs.add(new TranslationRecord.MacUse(bridge, key, port == null ? -1 : port, false));
        if (port == null) {
            note("no learned MAC for destination, flooding");
            flood(OfPort.CONFIG_NO_FLOOD);
        } else {
            note("forwarding to learned port");
            toPort(port, false);
        }
    }

    private void learn(MacTable.Key key, int port) {
        record.macs.add(new TranslationRecord.MacUse(bridge, key, port, true));
        if (learning && bridge.macTable().learn(key, port, nowNs)) {
            pipeline.macChanged(bridge, key);
        }
    }

    private static boolean isMulticast(long mac) {
        return (mac & 0x0100_0000_0000L) != 0;
    }

    // ---- ct ----

    private void conntrack(OfAction.Ct ct) {
        commit();
        int zone = ct.zoneField() == null ? ct.zone() : (int) read(ct.zoneField())[1] & 0xffff;
        long[] target = FlowKey.newKey();
        long[] mask = FlowKey.newKey();
        for (OfAction nested : ct.exec()) {
            if (trace != null) {
                trace.action(nested, depth);
            }
            execOnConnection(nested, target, mask);
        }
        out.add(new DatapathAction.Ct(new CtRequest(zone, ct.commit(), ct.force(),
                (int) Field.CT_MARK.get(target), (int) Field.CT_MARK.get(mask),
                Field.CT_LABEL.getHigh(target), Field.CT_LABEL.get(target),
                Field.CT_LABEL.getHigh(mask), Field.CT_LABEL.get(mask))));
        if (ct.recircTable() == OfAction.Ct.NO_RECIRCULATION) {
            // Without a table nobody after this may see what was found (ovs-actions(7) ct).
            conntracked = false;
        } else {
            conntracked = true;
            recirculate(ct.recircTable());
        }
        clearConntrackFields();
        if (trace != null) {
            trace.note(" -> Sets the packet to an untracked state, and clears all the conntrack fields.", depth);
        }
    }

    /** Collects what {@code exec(…)} writes to the connection's mark and label. */
    private void execOnConnection(OfAction nested, long[] target, long[] mask) {
        switch (nested) {
            case OfAction.SetField set -> mergeExec(set.field(), target, mask, set.valueHigh(), set.valueLow(), set.maskHigh(),
                    set.maskLow());
            case OfAction.Move move -> {
                long[] read = read(move.source());
                long[] bits = Bits128.run(move.destination().offsetBits(), move.destination().widthBits());
                long[] value = Bits128.shiftLeft(read[0], read[1], move.destination().offsetBits());
                mergeExec(move.destination().field(), target, mask, value[0], value[1], bits[0], bits[1]);
            }
            default -> throw new IllegalStateException("not allowed in exec, and refused at flow-mod time: " + nested);
        }
    }

    private static void mergeExec(Field field, long[] target, long[] mask, long high, long low, long maskHigh, long maskLow) {
        field.set(target, (field.getHigh(target) & ~maskHigh) | (high & maskHigh), (field.get(target) & ~maskLow) | (low & maskLow));
        field.set(mask, field.getHigh(mask) | maskHigh, field.get(mask) | maskLow);
    }

    private void recirculate(int table) {
        FrozenState state = new FrozenState(bridge.name(), table, (int) Field.IN_PORT.get(flow), FrozenState.pipelineWordsOf(flow),
                List.copyOf(stack), conntracked, actionSet.inOrder());
        int id = pipeline.recirculationIds().idOf(state, nowNs);
        record.recirculationIds.add(id);
        out.add(new DatapathAction.Recirculate(id));
        if (trace != null) {
            trace.recirculation(id, table, depth);
        }
    }

    private void clearConntrack() {
        commit();
        if (Field.CT_STATE.get(flow) != 0 || conntracked) {
            out.add(new DatapathAction.CtClear());
        }
        Field.CT_STATE.setExact(wildcards);
        conntracked = false;
        clearConntrackFields();
    }

    /** The words of the connection's fields, all of them, as the walk sees them. */
    private void clearConntrackFields() {
        for (Field field : List.of(Field.CT_STATE, Field.CT_ZONE, Field.CT_MARK, Field.CT_LABEL, Field.CT_NW_SRC, Field.CT_NW_DST,
                Field.CT_TP_SRC, Field.CT_TP_DST, Field.CT_NW_PROTO, Field.CT_IPV6_SRC, Field.CT_IPV6_DST)) {
            field.set(flow, 0, 0);
        }
    }
}
