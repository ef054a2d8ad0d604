package io.turnstile.pipeline.flow;

import static io.turnstile.pipeline.flow.ActionForm.OF10;
import static io.turnstile.pipeline.flow.ActionForm.OF11;
import static io.turnstile.pipeline.flow.ActionForm.OF15;
import static io.turnstile.pipeline.flow.ActionForm.nicira;
import static io.turnstile.pipeline.flow.ActionForm.standard;
import static io.turnstile.pipeline.flow.ActionRow.bare;
import static io.turnstile.pipeline.flow.ActionRow.row;
import static io.turnstile.pipeline.flow.Instruction.APPLY_ACTIONS;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.NatText;
import io.turnstile.packet.EtherTypes;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The actions and instructions that this switch has, one row each: the words for it, its numbers on the wire, where it
 * may stand, what is checked, what it changes and where it outputs. Codec, parser, printer, checker and action set read
 * the rows; how an action's bytes are read and written stands in the wire layer's codecs, what it does in the
 * translator. Numbers are those of ovs-actions(7) and OpenFlow 1.0.0 §5.2.4, 1.3.5 §7.2.5, 1.5.1 §7.2.6.
 *
 * <p>Threads: any.
 */
public enum ActionKind {
    OUTPUT(row(OfAction.Output.class)
            .reads("output", ForwardingText::readOutput)
            .prints((a, _) -> ForwardingText.print(a))
            .wire(standard(0, 8).in(OF10), standard(0, 16).since(OF11))
            .standsIn(APPLY_ACTIONS, SetPlace.OUTPUT)
            .checked((a, at) -> at.outputPort(a.port()))
            .writesNothing()
            .outputsTo((a, port) -> a.port() == port)),

    /** Read from the words of {@link #OUTPUT}; where it outputs to is known once there is a packet. */
    OUTPUT_FIELD(row(OfAction.OutputField.class)
            .prints((a, format) -> "output:" + format.subField(a.source()))
            .wire(ActionForm.NX_OUTPUT_REG, ActionForm.NX_OUTPUT_REG2)
            .standsIn(APPLY_ACTIONS, SetPlace.OUTPUT)
            .checked((a, at) -> at.readable(a.source()))
            .writesNothing()
            .outputsNowhere()),

    /** Read from the words of {@link #OUTPUT}. */
    OUTPUT_TRUNCATED(row(OfAction.OutputTruncated.class)
            .prints((a, _) -> ForwardingText.print(a))
            .wire(nicira(39, 16))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .checked((a, at) -> at.outputPort(a.port()))
            .writesNothing()
            .outputsNowhere()),

    SAMPLE(row(OfAction.Sample.class)
            .reads("sample", SampleText::read)
            .prints((a, _) -> SampleText.print(a))
            .wire(ActionForm.NX_SAMPLE, ActionForm.NX_SAMPLE2, ActionForm.NX_SAMPLE3)
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .isAlwaysPossible()
            .writesNothing()
            .outputsNowhere()),

    CONTROLLER(row(OfAction.Controller.class)
            .reads("controller", (value, _) -> ControllerText.read(value))
            .prints((a, _) -> ControllerText.print(a))
            .wire(ActionForm.NX_CONTROLLER, ActionForm.NX_CONTROLLER2)
            .standsIn(APPLY_ACTIONS, SetPlace.OUTPUT)
            .isAlwaysPossible()
            .writesNothing()
            .outputsTo((_, port) -> port == OfAction.Ports.CONTROLLER)),

    SET_FIELD(row(OfAction.SetField.class)
            .reads("set_field", (value, parser) -> SetFieldText.readSetField(value, parser.ports()))
            .reads("load", (value, _) -> SetFieldText.readLoad(value))
            .reads("mod_dl_src", (value, parser) -> SetFieldText.read("eth_src", value, parser.ports()))
            .reads("mod_dl_dst", (value, parser) -> SetFieldText.read("eth_dst", value, parser.ports()))
            .reads("mod_nw_src", (value, parser) -> SetFieldText.read("ip_src", value, parser.ports()))
            .reads("mod_nw_dst", (value, parser) -> SetFieldText.read("ip_dst", value, parser.ports()))
            .reads("mod_nw_tos", (value, _) -> SetFieldText.readTos(value))
            .reads("mod_nw_ecn", (value, parser) -> SetFieldText.read("nw_ecn", value, parser.ports()))
            .reads("mod_nw_ttl", (value, parser) -> SetFieldText.read("nw_ttl", value, parser.ports()))
            .reads("set_nw_ttl", (value, parser) -> SetFieldText.read("nw_ttl", value, parser.ports()))
            .reads("mod_tp_src", (value, parser) -> SetFieldText.read("tcp_src", value, parser.ports()))
            .reads("mod_tp_dst", (value, parser) -> SetFieldText.read("tcp_dst", value, parser.ports()))
            .reads("set_tunnel", (value, _) -> SetFieldText.readTunnel(value))
            .reads("set_tunnel64", (value, _) -> SetFieldText.readTunnel(value))
            .prints(SetFieldText::print)
            .wire(
                    standard(4, 16).in(OF10),
                    standard(5, 16).in(OF10),
                    standard(6, 8).in(OF10),
                    standard(7, 8).in(OF10),
                    standard(8, 8).in(OF10),
                    standard(3, 16).since(OF11),
                    standard(4, 16).since(OF11),
                    standard(5, 8).since(OF11),
                    standard(6, 8).since(OF11),
                    standard(7, 8).since(OF11),
                    standard(8, 8).since(OF11),
                    standard(9, 8),
                    standard(10, 8),
                    standard(23, 8).since(OF11),
                    ActionForm.NX_SET_TUNNEL,
                    ActionForm.NX_SET_TUNNEL64,
                    ActionForm.SET_FIELD,
                    ActionForm.NX_REG_LOAD,
                    ActionForm.NX_REG_LOAD2)
            .standsIn(APPLY_ACTIONS, SetPlace.SET_FIELD)
            .nestsInCt()
            .checked((a, at) -> at.setField(a))
            .writes(OfAction.SetField::field)
            .outputsNowhere()),

    MOVE(row(OfAction.Move.class)
            .reads("move", (value, _) -> SubFieldActionText.readMove(value))
            .prints(SubFieldActionText::print)
            .wire(ActionForm.NX_REG_MOVE, ActionForm.ONF_COPY_FIELD, ActionForm.COPY_FIELD)
            .standsIn(APPLY_ACTIONS, SetPlace.SET_FIELD)
            .nestsInCt()
            .checked((a, at) -> at.move(a))
            .writes(a -> a.destination().field())
            .outputsNowhere()),

    SET_VLAN_VID(row(OfAction.SetVlanVid.class)
            .reads("mod_vlan_vid", (value, _) -> VlanText.readVid(value, true))
            .reads("set_vlan_vid", (value, _) -> VlanText.readVid(value, false))
            .prints((a, _) -> VlanText.print(a))
            .wire(standard(1, 8))
            .standsIn(APPLY_ACTIONS, SetPlace.SET_FIELD)
            .checked((a, _) -> ActionCheck.require(
                    (a.vid() & ~FieldValues.VLAN_VID_MASK) == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "VLAN id " + a.vid()))
            .changesTag(a -> a.pushIfNeeded() ? TagChange.PUSHES : TagChange.CHANGES)
            .outputsNowhere()),

    SET_VLAN_PCP(row(OfAction.SetVlanPcp.class)
            .reads("mod_vlan_pcp", (value, _) -> VlanText.readPcp(value, true))
            .reads("set_vlan_pcp", (value, _) -> VlanText.readPcp(value, false))
            .prints((a, _) -> VlanText.print(a))
            .wire(standard(2, 8))
            .standsIn(APPLY_ACTIONS, SetPlace.SET_FIELD)
            .checked((a, _) -> ActionCheck.require(
                    (a.pcp() & ~7) == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "VLAN priority " + a.pcp()))
            .changesTag(a -> a.pushIfNeeded() ? TagChange.PUSHES : TagChange.CHANGES)
            .outputsNowhere()),

    PUSH_VLAN(row(OfAction.PushVlan.class)
            .reads("push_vlan", (value, _) -> VlanText.readPush(value))
            .prints((a, _) -> "push_vlan:" + Numbers.hex(a.etherType()))
            .wire(standard(17, 8).since(OF11))
            .standsIn(APPLY_ACTIONS, SetPlace.PUSH_VLAN)
            .checked((a, _) -> ActionCheck.require(
                    EtherTypes.isTag(a.etherType()),
                    OfErrorCode.OFPBAC_BAD_ARGUMENT,
                    "not a VLAN Ethernet type: " + a.etherType()))
            .changesTag(_ -> TagChange.PUSHES)
            .outputsNowhere()),

    POP_VLAN(bare("pop_vlan", new OfAction.PopVlan())
            .reads("strip_vlan", (_, _) -> new OfAction.PopVlan())
            .wire(standard(3, 8).in(OF10), standard(18, 8).since(OF11))
            .standsIn(APPLY_ACTIONS, SetPlace.POP_VLAN)
            .isAlwaysPossible()
            .changesTag(_ -> TagChange.POPS)
            .outputsNowhere()),

    PUSH_MPLS(row(OfAction.PushMpls.class)
            .reads("push_mpls", (value, _) -> new OfAction.PushMpls(MplsText.readType("push_mpls", value)))
            .prints((a, _) -> "push_mpls:0x%04x".formatted(a.etherType()))
            .wire(nicira(23, 16).in(OF10), standard(19, 8).since(OF11))
            .standsIn(APPLY_ACTIONS, SetPlace.PUSH_MPLS)
            .checked((a, at) -> at.pushMpls(a.etherType()))
            .writes(_ -> Field.MPLS_LSE)
            .outputsNowhere()),

    POP_MPLS(row(OfAction.PopMpls.class)
            .reads("pop_mpls", (value, _) -> new OfAction.PopMpls(MplsText.readType("pop_mpls", value)))
            .prints((a, _) -> "pop_mpls:0x%04x".formatted(a.etherType()))
            .wire(nicira(24, 16).in(OF10), standard(20, 8).since(OF11))
            .standsIn(APPLY_ACTIONS, SetPlace.POP_MPLS)
            .checked((a, at) -> at.popMpls(a.etherType()))
            .writes(_ -> Field.MPLS_LSE)
            .outputsNowhere()),

    /** Of label and class OpenFlow 1.2 and later are told as of set_field. */
    SET_MPLS(row(OfAction.SetMpls.class)
            .reads("set_mpls_label", (value, _) -> MplsText.read(OfAction.SetMpls.Part.LABEL, value))
            .reads("set_mpls_tc", (value, _) -> MplsText.read(OfAction.SetMpls.Part.TC, value))
            .reads("set_mpls_ttl", (value, _) -> MplsText.read(OfAction.SetMpls.Part.TTL, value))
            .prints((a, _) -> MplsText.print(a))
            .wire(ActionForm.setMplsForms())
            .standsIn(APPLY_ACTIONS, SetPlace.SET_FIELD)
            .checked((_, at) -> at.presentIfStrict(Field.MPLS_LSE))
            .writes(_ -> Field.MPLS_LSE)
            .outputsNowhere()),

    DEC_MPLS_TTL(bare("dec_mpls_ttl", new OfAction.DecMplsTtl())
            .wire(nicira(26, 16).in(OF10), standard(16, 8).since(OF11))
            .standsIn(APPLY_ACTIONS, SetPlace.DEC_MPLS_TTL)
            .checked((_, at) -> at.presentIfStrict(Field.MPLS_LSE))
            .writes(_ -> Field.MPLS_LSE)
            .outputsNowhere()),

    ENCAP(row(OfAction.Encap.class)
            .reads("encap", (value, _) -> EncapText.readEncap(value))
            .prints((a, _) -> EncapText.print(a))
            .wire(ActionForm.NX_ENCAP)
            .standsIn(APPLY_ACTIONS, SetPlace.ENCAP)
            .checked((a, at) -> at.encap(a))
            .writesNothing()
            .outputsNowhere()),

    DECAP(row(OfAction.Decap.class)
            .reads("decap", (value, _) -> EncapText.readDecap(value))
            .prints((a, _) -> EncapText.print(a))
            .wire(ActionForm.NX_DECAP)
            .standsIn(APPLY_ACTIONS, SetPlace.DECAP)
            .checked((_, at) -> at.decap())
            .writesNothing()
            .outputsNowhere()),

    DEC_NSH_TTL(bare("dec_nsh_ttl", new OfAction.DecNshTtl())
            .wire(ActionForm.NX_DEC_NSH_TTL)
            .standsIn(APPLY_ACTIONS, SetPlace.DEC_NSH_TTL)
            .checked((_, at) -> at.presentIfStrict(Field.NSH_TTL))
            .writes(_ -> Field.NSH_TTL)
            .outputsNowhere()),

    DEC_TTL(bare(new OfAction.DecTtl())
            .reads("dec_ttl", (value, _) -> SubFieldActionText.readDecTtl(value))
            .prints((_, _) -> "dec_ttl")
            .wire(nicira(18, 16).in(OF10), standard(24, 8).since(OF11))
            .standsIn(APPLY_ACTIONS, SetPlace.DEC_TTL)
            .checked((_, at) -> at.presentIfStrict(Field.NW_TTL))
            .writes(_ -> Field.NW_TTL)
            .outputsNowhere()),

    /** Read from the words of {@link #DEC_TTL}. */
    DEC_TTL_FOR(row(OfAction.DecTtlFor.class)
            .prints((a, _) -> SubFieldActionText.print(a))
            .wire(nicira(21, 16).orLonger())
            .standsIn(APPLY_ACTIONS, SetPlace.DEC_TTL)
            .checked((_, at) -> at.presentIfStrict(Field.NW_TTL))
            .writes(_ -> Field.NW_TTL)
            .outputsNowhere()),

    CLONE(row(OfAction.Clone.class)
            .reads("clone", (value, parser) -> new OfAction.Clone(parser.nestedInClone(value)))
            .prints((a, format) -> "clone(" + format.format(a.actions()) + ")")
            .wire(nicira(42, 16).orLonger())
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .checked((a, at) -> at.aside(a.actions()))
            .writesNothing()
            .outputsTo((a, port) ->
                    a.actions().stream().anyMatch(inner -> inner.kind().outputsTo(inner, port)))),

    CONJUNCTION(row(OfAction.Conjunction.class)
            .reads("conjunction", (value, _) -> ConjunctionText.read(value))
            .prints((a, _) -> ConjunctionText.print(a))
            .wire(nicira(34, 16))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .isAlwaysPossible()
            .writesNothing()
            .outputsNowhere()),

    FIN_TIMEOUT(row(OfAction.FinTimeout.class)
            .reads("fin_timeout", (value, _) -> LearnText.readFinTimeout(value))
            .prints((a, _) -> LearnText.print(a))
            .wire(nicira(19, 16))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .checked((_, at) -> at.tcpIfStrict())
            .writesNothing()
            .outputsNowhere()),

    LEARN(row(OfAction.Learn.class)
            .reads("learn", LearnText::read)
            .prints((a, _) -> LearnText.print(a))
            .wire(ActionForm.NX_LEARN, ActionForm.NX_LEARN2)
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .checked((a, at) -> at.learn(a))
            .writes(a -> a.result() == null ? null : a.result().field().field())
            .outputsNowhere()),

    CHECK_PKT_LARGER(row(OfAction.CheckPktLarger.class)
            .reads("check_pkt_larger", (value, _) -> SubFieldActionText.readCheckPktLarger(value))
            .prints((a, _) -> SubFieldActionText.print(a))
            .wire(nicira(49, 24).orLonger())
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .checked((a, at) -> at.writable(a.result().toKey()))
            .writes(a -> a.result().field().field())
            .outputsNowhere()),

    ENQUEUE(row(OfAction.Enqueue.class)
            .reads("enqueue", ForwardingText::readEnqueue)
            .prints((a, _) -> ForwardingText.print(a))
            .wire(standard(11, 16).in(OF10))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .checked((a, at) -> at.enqueuePort(a.port()))
            .writesNothing()
            .outputsTo((a, port) -> a.port() == port)),

    MULTIPATH(row(OfAction.Multipath.class)
            .reads("multipath", (value, _) -> ChoiceText.readMultipath(value))
            .prints((a, _) -> ChoiceText.print(a))
            .wire(nicira(10, 32))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .checked((a, at) -> at.writable(a.destination().toKey()))
            .writes(a -> a.destination().field().field())
            .outputsNowhere()),

    BUNDLE(row(OfAction.Bundle.class)
            .reads("bundle", (value, parser) -> ChoiceText.readBundle(value, false, parser.ports()))
            .reads("bundle_load", (value, parser) -> ChoiceText.readBundle(value, true, parser.ports()))
            .prints((a, _) -> ChoiceText.print(a))
            .wire(ActionForm.NX_BUNDLE, ActionForm.NX_BUNDLE_LOAD)
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .checked((a, at) -> at.bundle(a))
            .writes(a ->
                    a.destination() == null ? null : a.destination().field().field())
            .outputsTo((a, port) -> a.destination() == null && a.members().contains(port))),

    EXIT(bare("exit", new OfAction.Exit())
            .wire(nicira(17, 16))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .isAlwaysPossible()
            .writesNothing()
            .outputsNowhere()),

    SET_QUEUE(row(OfAction.SetQueue.class)
            .reads("set_queue", (value, _) -> new OfAction.SetQueue(Numbers.parse32(value)))
            .prints((a, _) -> "set_queue:" + Integer.toUnsignedString(a.queueId()))
            .wire(nicira(4, 16).in(OF10), standard(21, 8).since(OF11))
            .standsIn(APPLY_ACTIONS, SetPlace.SET_FIELD)
            .isAlwaysPossible()
            .writes(_ -> Field.SKB_PRIORITY)
            .outputsNowhere()),

    POP_QUEUE(bare("pop_queue", new OfAction.PopQueue())
            .wire(nicira(5, 16))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .isAlwaysPossible()
            .writes(_ -> Field.SKB_PRIORITY)
            .outputsNowhere()),

    RESUBMIT(row(OfAction.Resubmit.class)
            .reads("resubmit", ForwardingText::readResubmit)
            .prints((a, _) -> ForwardingText.print(a))
            .wire(ActionForm.NX_RESUBMIT, ActionForm.NX_RESUBMIT_TABLE, ActionForm.NX_RESUBMIT_TABLE_CT)
            .standsIn(APPLY_ACTIONS, SetPlace.RESUBMIT)
            .checked((a, _) -> ActionCheck.require(
                    (a.tableId() & ~0xff) == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "no table " + a.tableId()))
            .writesNothing()
            .outputsNowhere()),

    CT(row(OfAction.Ct.class)
            .reads("ct", ConntrackActionText::read)
            .prints(ConntrackActionText::print)
            .wire(nicira(35, 24).orLonger())
            .standsIn(APPLY_ACTIONS, SetPlace.CT)
            .checked((a, at) -> at.conntrack(a))
            .writesNothing()
            .outputsNowhere()),

    /** Stands in {@link #CT} alone, which checks it. */
    NAT(row(OfAction.Nat.class)
            .reads("nat", (value, _) -> new OfAction.Nat(NatParser.parse(value)))
            .prints((a, _) -> NatText.ofFlow(a.request()))
            .wire(nicira(36, 16).orLonger())
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .nestsInCt()
            .checked((_, _) -> ActionCheck.require(false, OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, "nat outside of ct"))
            .writesNothing()
            .outputsNowhere()),

    CT_CLEAR(bare("ct_clear", new OfAction.CtClear())
            .wire(nicira(43, 16))
            .standsIn(APPLY_ACTIONS, SetPlace.IDLE)
            .isAlwaysPossible()
            .writesNothing()
            .outputsNowhere()),

    DEBUG_RECIRC(bare("debug_recirc", new OfAction.DebugRecirc())
            .wire(nicira(255, 16))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .isAlwaysPossible()
            .writesNothing()
            .outputsNowhere()),

    DEBUG_SLOW(bare("debug_slow", new OfAction.DebugSlow())
            .wire(nicira(254, 16))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .isAlwaysPossible()
            .writesNothing()
            .outputsNowhere()),

    NOTE(row(OfAction.Note.class)
            .reads("note", (value, _) -> NoteText.read(value))
            .prints((a, _) -> NoteText.print(a))
            .wire(nicira(8, 16).orLonger())
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .isAlwaysPossible()
            .writesNothing()
            .outputsNowhere()),

    STACK_PUSH(row(OfAction.StackPush.class)
            .reads(
                    "push",
                    (value, _) ->
                            new OfAction.StackPush(SubFieldText.parse(value).toKey()))
            .prints((a, format) -> "push:" + format.subField(a.source()))
            .wire(nicira(27, 24))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .checked((a, at) -> at.readable(a.source()))
            .writesNothing()
            .outputsNowhere()),

    STACK_POP(row(OfAction.StackPop.class)
            .reads(
                    "pop",
                    (value, _) -> new OfAction.StackPop(
                            SubFieldActionText.writable(value).toKey()))
            .prints((a, format) -> "pop:" + format.subField(a.destination()))
            .wire(nicira(28, 24))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .checked((a, at) -> at.writable(a.destination()))
            .writes(a -> a.destination().field())
            .outputsNowhere()),

    GROUP(row(OfAction.Group.class)
            .reads("group", (value, _) -> new OfAction.Group(Numbers.parse32(value)))
            .prints((a, _) -> "group:" + Integer.toUnsignedString(a.groupId()))
            .wire(nicira(40, 16).in(OF10), standard(22, 8).since(OF11))
            .standsIn(APPLY_ACTIONS, SetPlace.GROUP)
            .isAlwaysPossible()
            .writesNothing()
            .outputsNowhere()),

    /** An instruction in OpenFlow 1.3 and 1.4, an action from 1.5 on; 1.0 is not told of it. */
    METER(row(OfAction.Meter.class)
            .reads("meter", (value, _) -> new OfAction.Meter(Numbers.parse32(value)))
            .prints((a, _) -> "meter:" + Integer.toUnsignedString(a.meterId()))
            .wire(standard(29, 8).since(OF15))
            .standsIn(APPLY_ACTIONS, SetPlace.NONE)
            .isAlwaysPossible()
            .writesNothing()
            .outputsNowhere()),

    CLEAR_ACTIONS(bare("clear_actions", new OfAction.ClearActions())
            .isNoActionOnTheWire()
            .standsIn(Instruction.CLEAR_ACTIONS, SetPlace.NONE)
            .isAlwaysPossible()
            .writesNothing()
            .outputsNowhere()),

    WRITE_ACTIONS(row(OfAction.WriteActions.class)
            .reads("write_actions", (value, parser) -> new OfAction.WriteActions(parser.actionSet(value)))
            .prints((a, format) -> "write_actions(" + format.format(a.actions()) + ")")
            .isNoActionOnTheWire()
            .standsIn(Instruction.WRITE_ACTIONS, SetPlace.NONE)
            .checked((a, at) -> at.actionSet(a.actions()))
            .writesNothing()
            .outputsTo((a, port) ->
                    a.actions().stream().anyMatch(inner -> inner.kind().outputsTo(inner, port)))),

    WRITE_METADATA(row(OfAction.WriteMetadata.class)
            .reads("write_metadata", (value, _) -> SubFieldActionText.readWriteMetadata(value))
            .prints((a, _) -> SubFieldActionText.print(a))
            .wire(nicira(22, 32))
            .standsIn(Instruction.WRITE_METADATA, SetPlace.NONE)
            .isAlwaysPossible()
            .writes(_ -> Field.METADATA)
            .outputsNowhere()),

    /** OpenFlow 1.0 is told of a resubmit. */
    GOTO_TABLE(row(OfAction.GotoTable.class)
            .reads("goto_table", (value, _) -> new OfAction.GotoTable(ForwardingText.table(value)))
            .prints((a, _) -> "goto_table:" + a.tableId())
            .isNoActionOnTheWire()
            .standsIn(Instruction.GOTO_TABLE, SetPlace.NONE)
            .checked((a, at) -> at.gotoTable(a.tableId()))
            .writesNothing()
            .outputsNowhere());

    private static final Map<String, ActionRow.Reader> READERS = readersByKeyword();

    private final ActionRow<? extends OfAction> row;

    ActionKind(ActionRow<? extends OfAction> row) {
        this.row = row.complete();
    }

    private static Map<String, ActionRow.Reader> readersByKeyword() {
        Map<String, ActionRow.Reader> all = new HashMap<>();
        for (ActionKind kind : values()) {
            kind.row.readers().forEach((keyword, reader) -> {
                if (all.put(keyword, reader) != null || UnsupportedAction.isNamed(keyword)) {
                    throw new IllegalStateException(keyword + " twice");
                }
            });
        }
        return Map.copyOf(all);
    }

    /** Null if no action is called so. */
    static ActionRow.@Nullable Reader reader(String keyword) {
        return READERS.get(keyword);
    }

    /** The words that it is read from, in lower case. */
    public Set<String> keywords() {
        return row.readers().keySet();
    }

    /** What messages call it: the first of its words, or the name of its row if it is read from another's. */
    String label() {
        return row.readers().keySet().stream().findFirst().orElse(name().toLowerCase(Locale.ROOT));
    }

    public Class<? extends OfAction> type() {
        return row.type();
    }

    /** The action itself if it has no arguments, else null. */
    public @Nullable OfAction withoutArguments() {
        return row.bare();
    }

    /** Its forms as an action on the wire; none for what is an instruction only. */
    public List<ActionForm> forms() {
        return row.forms();
    }

    /** Which instruction it is, or is a part of. */
    public Instruction instruction() {
        return row.instruction();
    }

    public SetPlace setPlace() {
        return row.setPlace();
    }

    /** Whether actions of this kind may stand in {@code ct(exec(…))} at all. */
    public boolean mayNestInCt() {
        return row.mayNestInCt();
    }

    /**
     * Whether this action belongs into {@code ct(exec(…))} and nowhere else: nat, and what writes ct_mark or ct_label.
     */
    public boolean belongsInCt(OfAction action) {
        Field written = row.written(action);
        return row.mayNestInCt() && (written == null || MatchField.isWrittenInCt(written));
    }

    /** The field that it writes, null if none. */
    public @Nullable Field written(OfAction action) {
        return row.written(action);
    }

    public TagChange tagChange(OfAction action) {
        return row.tagChange(action);
    }

    /** Whether the flow outputs to that port, as far as the flow alone tells. */
    public boolean outputsTo(OfAction action, int port) {
        return row.outputsTo(action, port);
    }

    /** Throws what a flow with this action is answered with, if it may not have it. */
    public void check(OfAction action, ActionCheck at) throws OfException {
        row.check(action, at);
    }

    String print(OfAction action, ActionFormat format) {
        return row.print(action, format);
    }
}
