package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.pipeline.Match;
import io.turnstile.pipeline.OfAction;
import io.turnstile.pipeline.OfAction.Ports;
import io.turnstile.pipeline.OfAction.SubField;
import io.turnstile.pipeline.OfErrorCode;
import io.turnstile.pipeline.OfException;
import io.turnstile.pipeline.text.LoadSegments;
import io.turnstile.pipeline.text.MatchField;
import io.turnstile.pipeline.text.MatchField.Masked;
import io.turnstile.pipeline.text.SubFieldText;
import java.util.ArrayList;
import java.util.List;

/** Action lists in any mixture of standard, Nicira and ONF actions. */
public final class ActionCodec {
    private static final int SET_FIELD = 25;
    private static final int COPY_FIELD15 = 28;
    private static final int ONF_COPY_FIELD = 3200;
    private static final int HEADER_BYTES = 4;
    private static final int REASON_ACTION = 1;

    private ActionCodec() {}

    /** Reads actions until {@code in} is used up. */
    public static List<OfAction> read(ByteBuf in, WireVersion version) throws OfException {
        List<OfAction> actions = new ArrayList<>();
        while (in.isReadable()) {
            Wire.need(in, 8, OfErrorCode.OFPBAC_BAD_LEN);
            needKnown(in, version);
            int length = in.getUnsignedShort(in.readerIndex() + 2);
            if (length < 8 || length % 8 != 0 || length > in.readableBytes()) {
                throw new OfException(OfErrorCode.OFPBAC_BAD_LEN, "action of " + length + " bytes");
            }
            readOne(in.readSlice(length), version, actions);
        }
        return List.copyOf(actions);
    }

    /** Asked before the length is looked at, as the peer does: it is about which error is answered. */
    private static void needKnown(ByteBuf in, WireVersion version) throws OfException {
        int at = in.readerIndex();
        int type = in.getUnsignedShort(at);
        if (type != Wire.EXPERIMENTER) {
            StandardActions.needKnown(type, version);
            return;
        }
        int vendor = in.getInt(at + HEADER_BYTES);
        if (vendor != Wire.NICIRA && vendor != Wire.ONF) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_VENDOR, "vendor 0x" + Integer.toHexString(vendor));
        }
        Wire.need(in, 10, OfErrorCode.OFPBAC_BAD_LEN);
        if (vendor == Wire.NICIRA) {
            NiciraActions.needKnown(in.getUnsignedShort(at + 8), version);
        }
    }

    private static void readOne(ByteBuf in, WireVersion version, List<OfAction> actions) throws OfException {
        int type = in.getUnsignedShort(in.readerIndex());
        if (type == Wire.EXPERIMENTER) {
            in.skipBytes(HEADER_BYTES);
            int vendor = in.readInt();
            Wire.need(in, 2, OfErrorCode.OFPBAC_BAD_LEN);
            if (vendor == Wire.NICIRA) {
                NiciraActions.read(in.readUnsignedShort(), in, version, actions);
            } else {
                onf(in, version, actions);
            }
        } else if (type == SET_FIELD && version.isOxm()) {
            in.skipBytes(HEADER_BYTES);
            actions.add(readSetField(in));
        } else if (type == COPY_FIELD15 && version == WireVersion.OF15) {
            in.skipBytes(HEADER_BYTES);
            actions.add(readCopyField(in));
        } else {
            actions.add(StandardActions.read(in, type, version));
        }
    }

    private static void onf(ByteBuf in, WireVersion version, List<OfAction> actions) throws OfException {
        Wire.need(in, 4, OfErrorCode.OFPBAC_BAD_LEN);
        int subtype = in.readUnsignedShort();
        if (subtype != ONF_COPY_FIELD || version != WireVersion.OF13) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_VENDOR_TYPE, "ONF action " + subtype);
        }
        in.skipBytes(2);
        actions.add(readCopyField(in));
    }

    private static OfAction readCopyField(ByteBuf in) throws OfException {
        Wire.need(in, 8, OfErrorCode.OFPBAC_BAD_LEN);
        int bits = in.readUnsignedShort();
        int sourceOffset = in.readUnsignedShort();
        int targetOffset = in.readUnsignedShort();
        in.skipBytes(2);
        return readMovedFields(in, bits, sourceOffset, targetOffset);
    }

    /** What is left of the action is padding. */
    static void needOnlyZeros(ByteBuf in) throws OfException {
        while (in.isReadable()) {
            if (in.readByte() != 0) {
                throw new OfException(OfErrorCode.NXBRC_MUST_BE_ZERO, "padding is not zero");
            }
        }
    }

    /** Two field headers and padding. */
    static OfAction.Move readMovedFields(ByteBuf in, int bits, int sourceOffset, int targetOffset) throws OfException {
        MatchField source = actionField(in);
        MatchField target = actionField(in);
        needOnlyZeros(in);
        return new OfAction.Move(subField(source, sourceOffset, bits), writableSubField(target, targetOffset, bits));
    }

    /** The OXM of set_field or reg_load2; what follows it is padding. */
    static OfAction.SetField readSetField(ByteBuf in) throws OfException {
        FieldHeader header =
                FieldHeader.read(in, OfErrorCode.OFPBAC_BAD_SET_LEN, OfErrorCode.OFPBAC_BAD_SET_TYPE, false);
        MatchField field = header.field();
        if (!field.writable()) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, field.name() + " is read-only");
        }
        int bytes = header.masked() ? 2 * field.wireBytes() : field.wireBytes();
        if (in.readableBytes() < bytes) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_SET_LEN, field.name() + " is cut short");
        }
        try {
            Masked value = MatchCodec.readValue(in, new FieldHeader(field.asWritten(), header.masked()));
            checkVlanPresent(field, value);
            int shift = field.offsetBits();
            return new OfAction.SetField(
                    field.field(),
                    value.high() & value.maskHigh(),
                    (value.low() & value.maskLow()) << shift,
                    value.maskHigh(),
                    (value.maskLow() & field.settableBits()) << shift);
        } catch (OfException bad) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, bad.getMessage());
        }
    }

    /**
     * OFPVID_PRESENT has to be set, in value and mask (OpenFlow 1.5.1 §6.2.6): a tag is taken off by pop_vlan alone.
     */
    private static void checkVlanPresent(MatchField field, Masked value) throws OfException {
        if ((value.low() & value.maskLow() & field.requiredBits()) != field.requiredBits()) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, "vlan_vid without OFPVID_PRESENT");
        }
    }

    /** A field header inside an action. */
    static MatchField actionField(ByteBuf in) throws OfException {
        Wire.need(in, 4, OfErrorCode.OFPBMC_BAD_LEN);
        FieldHeader header = FieldHeader.read(in, OfErrorCode.OFPBMC_BAD_FIELD, OfErrorCode.OFPBMC_BAD_FIELD, false);
        if (header.masked()) {
            throw new OfException(OfErrorCode.OFPBMC_BAD_MASK, header.field().name() + " with a mask");
        }
        return header.field();
    }

    /**
     * A field header in the actions that came before OXM and have room for 32 bits of it. Whether it says that a mask
     * follows makes no difference: none does.
     */
    static MatchField shortField(ByteBuf in) throws OfException {
        int header = in.readInt();
        MatchField field = MatchField.coded(header >>> 9);
        boolean masked = (header >>> 8 & 1) != 0;
        if (field == null || (header & 0xff) != (masked ? 2 : 1) * field.wireBytes()) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_SET_TYPE, "no field 0x" + Integer.toHexString(header));
        }
        return field;
    }

    static SubField subField(MatchField field, int offset, int bits) throws OfException {
        if (bits == 0 || offset + bits > field.widthBits()) {
            throw new OfException(
                    OfErrorCode.OFPBAC_BAD_SET_LEN,
                    field.name() + "[" + offset + "+" + bits + "] goes beyond the field");
        }
        return new SubField(field.field(), field.offsetBits() + offset, bits);
    }

    static SubField writableSubField(MatchField field, int offset, int bits) throws OfException {
        SubField target = subField(field, offset, bits);
        if (!field.writable()) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, field.name() + " is read-only");
        }
        return target;
    }

    // ---- writing ----

    /** Writes actions; instructions among them are left to {@link InstructionCodec}, or sent as actions under 1.0. */
    public static void write(ByteBuf out, List<OfAction> actions, Match context, WireVersion version) {
        boolean tagged =
                context.matchesOn(Field.VLAN_TCI) && (context.value(Field.VLAN_TCI) & FieldValues.VLAN_PRESENT) != 0;
        for (OfAction action : actions) {
            writeOne(out, action, context, version, tagged);
            tagged = switch (action) {
                case OfAction.PushVlan push -> true;
                case OfAction.SetVlanVid set -> tagged || set.pushIfNeeded();
                case OfAction.SetVlanPcp set -> tagged || set.pushIfNeeded();
                case OfAction.PopVlan pop -> false;
                default -> tagged;
            };
        }
    }

    private static void writeOne(ByteBuf out, OfAction action, Match context, WireVersion version, boolean tagged) {
        switch (action) {
            case OfAction.Output a -> StandardActions.output(out, a.port(), 0, version);
            case OfAction.Controller a -> controller(out, a, version);
            case OfAction.SetField a -> setField(out, a, context, version);
            case OfAction.Move a -> move(out, a, context, version);
            case OfAction.SetVlanVid a ->
                setVlan(
                        out,
                        a.pushIfNeeded() && !tagged,
                        version,
                        "vlan_vid",
                        a.vid() | FieldValues.VLAN_PRESENT,
                        () -> StandardActions.setVlanVid(out, a.vid()));
            case OfAction.SetVlanPcp a ->
                setVlan(
                        out,
                        a.pushIfNeeded() && !tagged,
                        version,
                        "vlan_pcp",
                        a.pcp(),
                        () -> StandardActions.setVlanPcp(out, a.pcp()));
            case OfAction.PushVlan a -> {
                if (version.isOxm()) { // under 1.0 setting a VLAN pushes the tag
                    StandardActions.pushVlan(out, a.etherType(), version);
                }
            }
            case OfAction.PopVlan a -> StandardActions.popVlan(out, version);
            case OfAction.DecTtl a -> {
                if (version.isOxm()) {
                    StandardActions.decTtl(out, version);
                } else {
                    NiciraActions.decTtl(out);
                }
            }
            case OfAction.OutputField a -> NiciraActions.outputField(out, a, context);
            case OfAction.Resubmit a -> NiciraActions.resubmit(out, a);
            case OfAction.Ct a -> NiciraActions.ct(out, a, context, version);
            case OfAction.Nat a -> NiciraActions.nat(out, a);
            case OfAction.CtClear a -> NiciraActions.ctClear(out);
            case OfAction.Note a -> NiciraActions.note(out, a);
            case OfAction.StackPush a -> NiciraActions.push(out, a, context);
            case OfAction.StackPop a -> NiciraActions.pop(out, a, context);
            case OfAction.WriteMetadata a -> NiciraActions.writeMetadata(out, a);
            case OfAction.GotoTable a ->
                NiciraActions.resubmit(out, new OfAction.Resubmit(Ports.IN_PORT, a.tableId(), false));
            case OfAction.ClearActions a -> {} // OpenFlow 1.0 cannot say it; Open vSwitch leaves it out too
            case OfAction.WriteActions a -> {}
        }
    }

    private static void controller(ByteBuf out, OfAction.Controller a, WireVersion version) {
        if (a.reason() == REASON_ACTION && a.controllerId() == 0) {
            StandardActions.output(out, Ports.CONTROLLER, a.maxLengthBytes(), version);
        } else {
            NiciraActions.controller(out, a);
        }
    }

    private static void setVlan(
            ByteBuf out, boolean push, WireVersion version, String field, long value, Runnable legacy) {
        if (!version.isOxm()) {
            legacy.run();
            return;
        }
        if (push) {
            StandardActions.pushVlan(out, 0x8100, version);
        }
        MatchField target = MatchField.named(field);
        oxmSetField(out, target, new Masked(0, value, 0, target.lowMask()), version);
    }

    private static void setField(ByteBuf out, OfAction.SetField a, Match context, WireVersion version) {
        boolean loads = a.spelledAsLoad() || !version.isOxm();
        if (version != WireVersion.OF15 && loads) {
            if (a.spelledAsLoad() || !StandardActions.setField10(out, a, context) && !setVlan10(out, a)) {
                loads(out, a, context);
            }
            return;
        }
        MatchField field = targetOf(a, context);
        int shift = field.offsetBits();
        Masked value = new Masked(a.valueHigh(), a.valueLow() >>> shift, a.maskHigh(), a.maskLow() >>> shift);
        boolean whole = isWhole(field, value);
        if (version == WireVersion.OF15 || whole) {
            oxmSetField(
                    out,
                    field,
                    whole ? new Masked(value.high(), value.low(), field.field().highMask(), field.lowMask()) : value,
                    version);
        } else {
            loads(out, a, context);
        }
    }

    private static boolean setVlan10(ByteBuf out, OfAction.SetField a) {
        if (a.field() != Field.VLAN_TCI) {
            return false;
        }
        if ((a.maskLow() & ~FieldValues.VLAN_PRESENT) == FieldValues.VLAN_VID_MASK) {
            StandardActions.setVlanVid(out, FieldValues.vlanId(a.valueLow()));
        } else if (a.maskLow() == FieldValues.VLAN_PCP_MASK) {
            StandardActions.setVlanPcp(out, FieldValues.vlanPriority(a.valueLow()));
        } else {
            return false;
        }
        return true;
    }

    private static boolean isWhole(MatchField field, Masked value) {
        long width = field.widthBits() >= 64 ? -1L : (1L << field.widthBits()) - 1;
        return (value.maskLow() & width) == width
                && value.maskHigh() == field.field().highMask();
    }

    private static void loads(ByteBuf out, OfAction.SetField a, Match context) {
        for (LoadSegments.Segment segment : LoadSegments.of(a)) {
            NiciraActions.load(out, segment, context);
        }
    }

    private static MatchField targetOf(OfAction.SetField a, Match context) {
        if (a.field() == Field.IN_PORT) {
            return MatchField.named("in_port"); // the 16-bit field under every version, as the peer does
        }
        if (a.field() == Field.VLAN_TCI && a.maskLow() == 0x1fff) {
            return MatchField.named("vlan_vid");
        }
        if (a.field() == Field.NW_TOS && a.maskLow() == FieldValues.DSCP_MASK && !a.spelledAsLoad()) {
            return MatchField.named("ip_dscp");
        }
        if (a.field().isWide()) {
            return SubFieldText.fieldOf(a.field(), 0, 128, context);
        }
        int first = a.maskLow() == 0 ? 0 : Long.numberOfTrailingZeros(a.maskLow());
        int bits = a.maskLow() == 0 ? 1 : 64 - Long.numberOfLeadingZeros(a.maskLow()) - first;
        return SubFieldText.fieldOf(a.field(), first, bits, context);
    }

    private static void oxmSetField(ByteBuf out, MatchField field, Masked value, WireVersion version) {
        int start = out.writerIndex();
        out.writeShort(SET_FIELD).writeShort(0);
        MatchCodec.writeMasked(out, field, value, version);
        Wire.pad(out, start);
        out.setShort(start + 2, out.writerIndex() - start);
    }

    private static void move(ByteBuf out, OfAction.Move a, Match context, WireVersion version) {
        if (version != WireVersion.OF15) {
            NiciraActions.move(out, a, context);
            return;
        }
        int start = out.writerIndex();
        MatchField source = fieldOf(a.source(), context);
        MatchField target = fieldOf(a.destination(), context);
        out.writeShort(COPY_FIELD15)
                .writeShort(0)
                .writeShort(a.source().widthBits())
                .writeShort(a.source().offsetBits() - source.offsetBits())
                .writeShort(a.destination().offsetBits() - target.offsetBits())
                .writeShort(0);
        MatchCodec.writeHeader(out, source, false, version);
        MatchCodec.writeHeader(out, target, false, version);
        Wire.pad(out, start);
        out.setShort(start + 2, out.writerIndex() - start);
    }

    static MatchField fieldOf(SubField sub, Match context) {
        return SubFieldText.fieldOf(sub.field(), sub.offsetBits(), sub.widthBits(), context);
    }
}
