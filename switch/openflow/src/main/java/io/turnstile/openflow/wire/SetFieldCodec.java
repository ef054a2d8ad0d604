package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.LoadSegments;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.MatchField.Masked;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfAction.SubField;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.SubFieldText;

/**
 * Actions that write a value into a field: set_field, NXAST_REG_LOAD and NXAST_REG_LOAD2; what OpenFlow 1.0 has for
 * single fields is {@link StandardActions}' business. What is read stands after the header.
 */
final class SetFieldCodec {
    private static final int PORT_WIRE_BITS = 16;

    private SetFieldCodec() {}

    // ---- reading ----

    static OfAction read(ActionForm form, ByteBuf in) throws OfException {
        if (form.equals(ActionForm.NX_REG_LOAD)) {
            return readLoad(in);
        }
        if (form.equals(ActionForm.NX_SET_TUNNEL)) {
            return tunnel(in.skipBytes(2).readUnsignedInt());
        }
        if (form.equals(ActionForm.NX_SET_TUNNEL64)) {
            return tunnel(in.skipBytes(6).readLong());
        }
        return readSetField(in);
    }

    private static OfAction tunnel(long id) {
        return new OfAction.SetField(Field.TUN_ID, 0, id, 0, -1L);
    }

    /** The OXM of set_field or reg_load2; what follows it is padding. */
    private static OfAction.SetField readSetField(ByteBuf in) throws OfException {
        FieldHeader header = FieldHeader.read(in, OfErrorCode.OFPBAC_BAD_SET_LEN, OfErrorCode.OFPBAC_BAD_SET_TYPE);
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
            throw new OfException(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, String.valueOf(bad.getMessage()));
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

    /** ofs_nbits 16, field header 32, value 64. */
    private static OfAction readLoad(ByteBuf in) throws OfException {
        int packed = in.readUnsignedShort();
        MatchField field = SubFieldCodec.readShortField(in);
        long value = in.readLong();
        int offset = SubFieldCodec.offset(packed);
        int asked = SubFieldCodec.width(packed);
        // The wire's arp_op has 16 bits, of which the upper eight are always zero: packets' keys have the lower ones
        // alone.
        int bits = offset == 0 && asked == field.wireWidthBits() ? field.widthBits() : asked;
        SubField target = SubFieldCodec.writablePart(field, offset, bits);
        if (bits < 64 && value >>> bits != 0) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "value does not fit into " + bits + " bits");
        }
        return load(field, target, value);
    }

    private static OfAction load(MatchField field, SubField target, long value) {
        if (field.field() == Field.IN_PORT && target.widthBits() == PORT_WIRE_BITS) {
            return new OfAction.SetField(
                    Field.IN_PORT, 0, Ports.widened((int) value) & 0xffff_ffffL, 0, 0xffff_ffffL, true);
        }
        long mask = target.widthBits() == 64 ? -1L : (1L << target.widthBits()) - 1;
        int offset = target.offsetBits();
        long low = offset < 64 ? value << offset : 0;
        long lowMask = offset < 64 ? mask << offset : 0;
        long high = offset == 0 ? 0 : offset < 64 ? value >>> 64 - offset : value << offset - 64;
        long highMask = offset == 0 ? 0 : offset < 64 ? mask >>> 64 - offset : mask << offset - 64;
        return new OfAction.SetField(
                field.field(),
                high & field.field().highMask(),
                low,
                highMask & field.field().highMask(),
                lowMask,
                true);
    }

    // ---- writing ----

    static void write(ByteBuf out, OfAction.SetField a, Match context, WireVersion version) {
        boolean loadsExist = ActionForm.NX_REG_LOAD.isIn(version.code());
        if (a.field() == Field.TUN_ID && a.maskLow() == -1L && !a.spelledAsLoad() && !version.isOxm()) {
            writeTunnel(out, a.valueLow());
            return;
        }
        if (loadsExist && (a.spelledAsLoad() || !version.isOxm())) {
            if (a.spelledAsLoad()
                    || !StandardActions.setField11(out, a, context, version) && !writeVlan11(out, a, version)) {
                writeLoads(out, a, context);
            }
            return;
        }
        if (a.spelling() == OfAction.SetField.Spelling.MOD && a.field() == Field.NW_TTL) {
            StandardActions.setField11(out, a, context, version); // of these actions the one that later versions kept
            return;
        }
        MatchField field = targetOf(a, context);
        int shift = field.offsetBits();
        Masked value = new Masked(a.valueHigh(), a.valueLow() >>> shift, a.maskHigh(), a.maskLow() >>> shift);
        boolean whole = isWhole(field, value);
        if (whole || !loadsExist) {
            writeOxm(
                    out,
                    field,
                    whole ? new Masked(value.high(), value.low(), field.field().highMask(), field.lowMask()) : value,
                    version);
        } else {
            writeLoads(out, a, context);
        }
    }

    private static void writeTunnel(ByteBuf out, long id) {
        boolean narrow = id >>> Integer.SIZE == 0;
        int start = ActionTable.start(out, narrow ? ActionForm.NX_SET_TUNNEL : ActionForm.NX_SET_TUNNEL64);
        if (narrow) {
            out.writeZero(2).writeInt((int) id);
        } else {
            out.writeZero(6).writeLong(id);
        }
        ActionTable.end(out, start);
    }

    private static boolean writeVlan11(ByteBuf out, OfAction.SetField a, WireVersion version) {
        if (a.field() != Field.VLAN_TCI) {
            return false;
        }
        if ((a.maskLow() & ~FieldValues.VLAN_PRESENT) == FieldValues.VLAN_VID_MASK) {
            StandardActions.setVlanVid(out, FieldValues.vlanId(a.valueLow()), version);
        } else if (a.maskLow() == FieldValues.VLAN_PCP_MASK) {
            StandardActions.setVlanPcp(out, FieldValues.vlanPriority(a.valueLow()), version);
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

    private static MatchField targetOf(OfAction.SetField a, Match context) {
        if (a.field() == Field.IN_PORT) {
            return MatchField.known("in_port"); // The 16-bit field under every version, as Open vSwitch does.
        }
        if (a.field() == Field.VLAN_TCI && a.maskLow() == (FieldValues.VLAN_PRESENT | FieldValues.VLAN_VID_MASK)) {
            return MatchField.known("vlan_vid");
        }
        if (a.field() == Field.NW_TOS && a.maskLow() == FieldValues.DSCP_MASK && !a.spelledAsLoad()) {
            return MatchField.known("ip_dscp");
        }
        if (a.field().isWide()) {
            return SubFieldText.writtenFieldOf(a.field(), 0, 128, context);
        }
        int first = a.maskLow() == 0 ? 0 : Long.numberOfTrailingZeros(a.maskLow());
        int bits = a.maskLow() == 0 ? 1 : 64 - Long.numberOfLeadingZeros(a.maskLow()) - first;
        return SubFieldText.writtenFieldOf(a.field(), first, bits, context);
    }

    static void writeOxm(ByteBuf out, MatchField field, Masked value, WireVersion version) {
        int start = ActionTable.start(out, ActionForm.SET_FIELD);
        MatchCodec.writeMasked(out, field, value, version);
        ActionTable.end(out, start);
    }

    /** The field of a vendor has no room in a load. */
    private static void writeLoads(ByteBuf out, OfAction.SetField a, Match context) {
        MatchField vendors = MatchField.of(a.field()).getFirst();
        if (vendors.isNiciraExperimenter()) {
            int start = ActionTable.start(out, ActionForm.NX_REG_LOAD2);
            MatchCodec.writeMasked(out, vendors, new Masked(0, a.valueLow(), 0, a.maskLow()), WireVersion.OF13);
            ActionTable.end(out, start);
            return;
        }
        for (LoadSegments.Segment segment : LoadSegments.of(a)) {
            writeLoad(out, segment, context);
        }
    }

    private static void writeLoad(ByteBuf out, LoadSegments.Segment segment, Match context) {
        boolean port = segment.target().field() == Field.IN_PORT;
        MatchField field = port ? MatchField.known("in_port") : SubFieldCodec.writtenFieldOf(segment.target(), context);
        boolean whole = segment.target().widthBits() == field.widthBits();
        int bits = port || whole ? field.wireWidthBits() : segment.target().widthBits();
        int start = ActionTable.start(out, ActionForm.NX_REG_LOAD);
        out.writeShort(SubFieldCodec.packed(segment.target().offsetBits() - field.offsetBits(), bits));
        SubFieldCodec.writeShortField(out, field);
        out.writeLong(segment.value());
        ActionTable.end(out, start);
    }

    // ---- VLAN ids and priorities, which push a tag under 1.0 ----

    static void writeVlanVid(ByteBuf out, OfAction.SetVlanVid a, WireVersion version, boolean tagged) {
        pushIf(out, a.pushIfNeeded() && !tagged, version);
        if (version.isOxm()) {
            writeWhole(out, "vlan_vid", a.vid() | FieldValues.VLAN_PRESENT, version);
        } else {
            StandardActions.setVlanVid(out, a.vid(), version);
        }
    }

    static void writeVlanPcp(ByteBuf out, OfAction.SetVlanPcp a, WireVersion version, boolean tagged) {
        pushIf(out, a.pushIfNeeded() && !tagged, version);
        if (version.isOxm()) {
            writeWhole(out, "vlan_pcp", a.pcp(), version);
        } else {
            StandardActions.setVlanPcp(out, a.pcp(), version);
        }
    }

    /** Since 1.1 it takes an action of its own. */
    private static void pushIf(ByteBuf out, boolean wanted, WireVersion version) {
        if (wanted && version.hasInstructions()) {
            StandardActions.pushVlan(out, EtherTypes.VLAN, version);
        }
    }

    private static void writeWhole(ByteBuf out, String field, long value, WireVersion version) {
        MatchField target = MatchField.known(field);
        writeOxm(out, target, new Masked(0, value, 0, target.lowMask()), version);
    }
}
