package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.ActionForm.Vendor;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Action lists in any mixture of standard, Nicira and ONF actions. Here stands which codec reads and writes an action;
 * its numbers and sizes stand in its row of {@link io.turnstile.pipeline.flow.ActionKind}.
 *
 * <p>Threads: any.
 */
public final class ActionCodec {

    /** As deep as text may be nested. */
    private static final int MAX_NESTING = 100;

    private ActionCodec() {}

    /** Reads actions until {@code in} is used up. */
    public static List<OfAction> read(ByteBuf in, WireVersion version) throws OfException {
        return read(in, version, 0);
    }

    /** @param nesting how many actions these stand in */
    static List<OfAction> read(ByteBuf in, WireVersion version, int nesting) throws OfException {
        if (nesting > MAX_NESTING) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "actions are nested too deeply");
        }
        List<OfAction> actions = new ArrayList<>();
        while (in.isReadable()) {
            Wire.need(in, 8, OfErrorCode.OFPBAC_BAD_LEN);
            ActionTable.Entry entry = ActionTable.find(in, version);
            int length = in.getUnsignedShort(in.readerIndex() + 2);
            if (length % 8 != 0 || length > in.readableBytes() || !entry.form().admits(length)) {
                throw new OfException(OfErrorCode.OFPBAC_BAD_LEN, entry + " of " + length + " bytes");
            }
            ByteBuf action = in.readSlice(length);
            actions.add(readOne(entry, action, version, nesting));
        }
        return List.copyOf(actions);
    }

    /** {@code action} is the whole of it; what the codecs get stands after the header. */
    private static OfAction readOne(ActionTable.Entry entry, ByteBuf action, WireVersion version, int nesting)
            throws OfException {
        ActionForm form = entry.form();
        ByteBuf in =
                action.slice(ActionTable.headerBytes(form), action.readableBytes() - ActionTable.headerBytes(form));
        return switch (entry.kind()) {
            case OUTPUT, SET_VLAN_VID, SET_VLAN_PCP, PUSH_VLAN -> StandardActions.read(action, version);
            case SET_FIELD ->
                form.vendor() == Vendor.STANDARD && !form.equals(ActionForm.SET_FIELD)
                        ? StandardActions.read(action, version)
                        : SetFieldCodec.read(form, in);
            case PUSH_MPLS -> MplsCodec.readPush(in);
            case POP_MPLS -> MplsCodec.readPop(in);
            case SET_MPLS -> MplsCodec.readSet(form, in);
            case ENCAP -> EncapCodec.readEncap(in);
            case DECAP -> EncapCodec.readDecap(in);
            case POP_VLAN, DEC_TTL, DEC_MPLS_TTL, DEC_NSH_TTL, CT_CLEAR, DEBUG_RECIRC, DEBUG_SLOW, EXIT, POP_QUEUE ->
                Objects.requireNonNull(entry.kind().withoutArguments(), "the row of a bare action");
            case OUTPUT_FIELD -> ForwardingCodec.readOutputField(form, in);
            case OUTPUT_TRUNCATED -> ForwardingCodec.readTruncated(in);
            case SAMPLE -> SampleCodec.read(form, in);
            case CONTROLLER -> ControllerCodec.read(form, in);
            case RESUBMIT -> ForwardingCodec.readResubmit(form, in);
            case MOVE -> MoveCodec.read(form, in);
            case CT -> ConntrackActionCodec.read(in, version, nesting);
            case NAT -> new OfAction.Nat(NatCodec.read(in));
            case SET_QUEUE -> new OfAction.SetQueue(NumberCodec.read(form, in));
            case GROUP -> new OfAction.Group(NumberCodec.read(form, in));
            case METER -> new OfAction.Meter(NumberCodec.read(form, in));
            case CHECK_PKT_LARGER -> NiciraActions.readCheckPktLarger(in);
            case ENQUEUE -> EnqueueCodec.read(in);
            case MULTIPATH -> ChoiceCodec.readMultipath(in);
            case BUNDLE -> ChoiceCodec.readBundle(form, in);
            case LEARN -> LearnCodec.read(form, in);
            case FIN_TIMEOUT -> LearnCodec.readFinTimeout(in);
            case DEC_TTL_FOR -> NiciraActions.readDecTtl(in);
            case CLONE -> new OfAction.Clone(read(in.skipBytes(6), version, nesting + 1));
            case CONJUNCTION -> NiciraActions.readConjunction(in);
            case NOTE -> NiciraActions.readNote(in);
            case STACK_PUSH -> new OfAction.StackPush(NiciraActions.readStack(in, false));
            case STACK_POP -> new OfAction.StackPop(NiciraActions.readStack(in, true));
            case WRITE_METADATA -> NiciraActions.readWriteMetadata(in);
            case CLEAR_ACTIONS, WRITE_ACTIONS, GOTO_TABLE ->
                throw new IllegalStateException(entry.kind() + " is no action on the wire");
        };
    }

    // ---- writing ----

    /** Writes actions; instructions among them are left to {@link InstructionCodec}, or sent as actions under 1.0. */
    public static void write(ByteBuf out, List<OfAction> actions, Match context, WireVersion version) {
        boolean tagged =
                context.matchesOn(Field.VLAN_TCI) && (context.value(Field.VLAN_TCI) & FieldValues.VLAN_PRESENT) != 0;
        for (OfAction action : actions) {
            writeOne(out, action, context, version, tagged);
            tagged = switch (action.kind().tagChange(action)) {
                case PUSHES -> true;
                case POPS -> false;
                case NONE, CHANGES -> tagged;
            };
        }
    }

    private static void writeOne(ByteBuf out, OfAction action, Match context, WireVersion version, boolean tagged) {
        switch (action) {
            case OfAction.Output a -> StandardActions.output(out, a.port(), a.maxLengthBytes(), version);
            case OfAction.OutputTruncated a -> ForwardingCodec.writeTruncated(out, a, version);
            case OfAction.Sample a -> SampleCodec.write(out, a);
            case OfAction.Controller a -> ControllerCodec.write(out, a, version);
            case OfAction.SetField a -> SetFieldCodec.write(out, a, context, version);
            case OfAction.Move a -> MoveCodec.write(out, a, context, version);
            case OfAction.SetVlanVid a -> SetFieldCodec.writeVlanVid(out, a, version, tagged);
            case OfAction.SetVlanPcp a -> SetFieldCodec.writeVlanPcp(out, a, version, tagged);
            case OfAction.PushVlan a -> {
                if (version.hasInstructions()) { // Under 1.0 setting a VLAN pushes the tag.
                    StandardActions.pushVlan(out, a.etherType(), version);
                }
            }
            case OfAction.PushMpls a -> MplsCodec.writeType(out, a.kind(), a.etherType(), version);
            case OfAction.PopMpls a -> MplsCodec.writeType(out, a.kind(), a.etherType(), version);
            case OfAction.SetMpls a -> MplsCodec.writeSet(out, a, version);
            case OfAction.Encap a -> EncapCodec.writeEncap(out, a);
            case OfAction.Decap a -> EncapCodec.writeDecap(out, a);
            case OfAction.DecNshTtl _ -> ActionTable.end(out, ActionTable.start(out, ActionForm.NX_DEC_NSH_TTL));
            case OfAction.PopVlan _,
                    OfAction.DecTtl _,
                    OfAction.DecMplsTtl _,
                    OfAction.CtClear _,
                    OfAction.DebugRecirc _,
                    OfAction.DebugSlow _,
                    OfAction.Exit _,
                    OfAction.PopQueue _ -> ActionTable.writeBare(out, action.kind(), version);
            case OfAction.OutputField a -> ForwardingCodec.writeOutputField(out, a, context);
            case OfAction.Resubmit a -> ForwardingCodec.writeResubmit(out, a);
            case OfAction.Ct a -> ConntrackActionCodec.write(out, a, context, version);
            case OfAction.Nat a -> ConntrackActionCodec.writeNat(out, a, version);
            case OfAction.SetQueue a -> NumberCodec.write(out, a.kind(), a.queueId(), version);
            case OfAction.Group a -> NumberCodec.write(out, a.kind(), a.groupId(), version);
            case OfAction.Meter a -> {
                if (version.hasMeterAction()) { // Before, it is an instruction, or cannot be said.
                    NumberCodec.write(out, a.kind(), a.meterId(), version);
                }
            }
            case OfAction.CheckPktLarger a -> NiciraActions.writeCheckPktLarger(out, a, version);
            case OfAction.Enqueue a -> EnqueueCodec.write(out, a, version);
            case OfAction.Multipath a -> ChoiceCodec.writeMultipath(out, a, version);
            case OfAction.Bundle a -> ChoiceCodec.writeBundle(out, a);
            case OfAction.Learn a -> LearnCodec.write(out, a);
            case OfAction.FinTimeout a -> LearnCodec.writeFinTimeout(out, a, version);
            case OfAction.DecTtlFor a -> NiciraActions.writeDecTtl(out, a, version);
            case OfAction.Clone a -> {
                int start = ActionTable.start(out, a.kind(), version);
                out.writeZero(6);
                write(out, a.actions(), context, version);
                ActionTable.end(out, start);
            }
            case OfAction.Conjunction a -> NiciraActions.writeConjunction(out, a, version);
            case OfAction.Note a -> NiciraActions.writeNote(out, a, version);
            case OfAction.StackPush a -> NiciraActions.writeStack(out, a, a.source(), context, version);
            case OfAction.StackPop a -> NiciraActions.writeStack(out, a, a.destination(), context, version);
            case OfAction.WriteMetadata a -> NiciraActions.writeMetadata(out, a, version);
            case OfAction.GotoTable a ->
                ForwardingCodec.writeResubmit(out, new OfAction.Resubmit(Ports.IN_PORT, a.tableId(), false));
            case OfAction.ClearActions _, OfAction.WriteActions _ -> {
                // OpenFlow 1.0 cannot say it; Open vSwitch leaves it out too.
            }
        }
    }
}
