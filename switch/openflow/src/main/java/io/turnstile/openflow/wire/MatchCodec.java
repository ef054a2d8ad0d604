package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.MatchField.Masked;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/**
 * Matches as a list of type-length-values: NXM under OpenFlow 1.0, OXM from 1.2 on (OpenFlow 1.3.5 §7.2.3). Both kinds
 * of header are understood under either version, as Open vSwitch does.
 */
public final class MatchCodec {
    private static final int OXM_MATCH = 1;
    /** Header of the unmasked field; tools write it where a match has no Ethernet field at all. */
    private static final int OXM_PACKET_TYPE = 0x8000 << 16 | 44 << 9 | 4;

    private static final MatchField VLAN_PCP = MatchField.known("vlan_pcp");

    private MatchCodec() {}

    /** A match and, in Nicira requests, the cookie it asks for. */
    public record Decoded(Match match, long cookie, long cookieMask) {}

    // ---- reading ----

    /** Reads {@code struct ofp_match} of OpenFlow 1.1 and later with its padding, in either of its forms. */
    public static Match read(ByteBuf in) throws OfException {
        Wire.need(in, 8, OfErrorCode.OFPBMC_BAD_LEN);
        int type = in.readUnsignedShort();
        int length = in.readUnsignedShort();
        if (type == Match11.TYPE) {
            if (length != Match11.BYTES) {
                throw new OfException(OfErrorCode.OFPBMC_BAD_LEN, "match of " + length + " bytes");
            }
            Wire.need(in, length - 4, OfErrorCode.OFPBMC_BAD_LEN);
            return Match11.read(in);
        }
        if (type != OXM_MATCH) {
            throw new OfException(OfErrorCode.OFPBMC_BAD_TYPE, "match type " + type);
        }
        if (length < 4) {
            throw new OfException(OfErrorCode.OFPBMC_BAD_LEN, "match of " + length + " bytes");
        }
        Wire.need(in, Wire.padded(length) - 4, OfErrorCode.OFPBMC_BAD_LEN);
        Match match = readFields(in.readSlice(length - 4), false).match();
        in.skipBytes(Wire.padded(length) - length);
        return match;
    }

    /** Reads {@code length} bytes of nx_match and the padding to eight. */
    public static Decoded readNxm(ByteBuf in, int length, boolean withCookie) throws OfException {
        Wire.need(in, Wire.padded(length), OfErrorCode.OFPBMC_BAD_LEN);
        Decoded decoded = readFields(in.readSlice(length), withCookie);
        in.skipBytes(Wire.padded(length) - length);
        return decoded;
    }

    /** Reads fields until {@code in} is used up. */
    static Match readRaw(ByteBuf in) throws OfException {
        return readFields(in, false).match();
    }

    private static Decoded readFields(ByteBuf in, boolean withCookie) throws OfException {
        Match.Builder builder = Match.builder();
        boolean cookieSeen = false;
        long cookie = 0;
        long cookieMask = 0;
        while (in.isReadable()) {
            if (skipEthernetPacketType(in)) {
                continue;
            }
            if (withCookie && FieldHeader.isCookie(in)) {
                boolean masked = FieldHeader.readCookie(in, OfErrorCode.OFPBMC_BAD_LEN);
                if (cookieSeen) {
                    throw givenTwice();
                }
                cookieSeen = true;
                Wire.need(in, masked ? 16 : 8, OfErrorCode.OFPBMC_BAD_LEN);
                cookie = in.readLong();
                cookieMask = masked ? in.readLong() : -1L;
                continue;
            }
            FieldHeader header = FieldHeader.read(in, OfErrorCode.OFPBMC_BAD_LEN, OfErrorCode.OFPBMC_BAD_FIELD);
            if (!header.field().prerequisite().isMet(builder::value, builder::mask)) {
                throw new OfException(
                        OfErrorCode.OFPBMC_BAD_PREREQ,
                        header.field().name() + " without " + header.field().prerequisite());
            }
            checkIsNew(builder, header.field());
            put(builder, header.field(), readValue(in, header));
        }
        return new Decoded(builder.build(), cookie, cookieMask);
    }

    /** As in Open vSwitch bits count, not names: vlan_tci has those of vlan_vid. */
    private static void checkIsNew(Match.Builder builder, MatchField field) throws OfException {
        boolean given = field.isWide()
                ? builder.matchesOn(field.field())
                : (builder.mask(field.field()) & field.lowMask() << field.offsetBits()) != 0;
        if (given) {
            throw givenTwice();
        }
    }

    private static OfException givenTwice() {
        return new OfException(OfErrorCode.OFPBMC_DUP_FIELD, "field given twice");
    }

    /** All packets here are Ethernet frames: asking for them by packet_type (0,0) asks for nothing more. */
    private static boolean skipEthernetPacketType(ByteBuf in) {
        boolean ethernet = in.readableBytes() >= 8
                && in.getInt(in.readerIndex()) == OXM_PACKET_TYPE
                && in.getInt(in.readerIndex() + 4) == 0;
        if (ethernet) {
            in.skipBytes(8);
        }
        return ethernet;
    }

    /** Reads a value, and a mask if the header has one, and checks both. */
    static Masked readValue(ByteBuf in, FieldHeader header) throws OfException {
        MatchField field = header.field();
        int bytes = field.wireBytes();
        Wire.need(in, header.masked() ? 2 * bytes : bytes, OfErrorCode.OFPBMC_BAD_LEN);
        long high = bytes == 16 ? in.readLong() : 0;
        long low = readUnsigned(in, Math.min(bytes, 8));
        long maskHigh = field.field().highMask();
        long maskLow = field.lowMask();
        if (header.masked()) {
            maskHigh = bytes == 16 ? in.readLong() : 0;
            maskLow = readUnsigned(in, Math.min(bytes, 8));
            checkMask(field, high, low, maskHigh, maskLow);
        }
        if (field.style() == MatchField.Style.PORT && bytes == 2) {
            low = Ports.widened((int) low) & 0xffff_ffffL;
            maskLow = 0xffff_ffffL;
        }
        checkValue(field, low);
        return new Masked(high, low, maskHigh, maskLow & field.lowMask());
    }

    private static void checkMask(MatchField field, long high, long low, long maskHigh, long maskLow)
            throws OfException {
        boolean whole = maskHigh == field.field().highMask() && (maskLow & field.lowMask()) == field.lowMask();
        boolean nothing = maskHigh == 0 && maskLow == 0;
        if (!field.maskable() && !whole && !nothing) {
            throw new OfException(OfErrorCode.OFPBMC_BAD_MASK, field.name() + " cannot be masked");
        }
        if ((high & ~maskHigh) != 0 || (low & ~maskLow) != 0) {
            throw new OfException(
                    OfErrorCode.OFPBMC_BAD_WILDCARDS, field.name() + ": value has one-bits outside its mask");
        }
    }

    private static void checkValue(MatchField field, long value) throws OfException {
        if ((value & ~field.valueBits()) != 0) {
            throw new OfException(
                    OfErrorCode.OFPBMC_BAD_VALUE, field.name() + ": bad value 0x" + Long.toHexString(value));
        }
    }

    private static long readUnsigned(ByteBuf in, int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value = value << 8 | in.readUnsignedByte();
        }
        return value;
    }

    /** As many bytes as the field has. */
    static Bits readNumber(ByteBuf in, MatchField field) {
        long high = field.wireBytes() == 16 ? in.readLong() : 0;
        return new Bits(high, readUnsigned(in, Math.min(field.wireBytes(), 8)));
    }

    private static void put(Match.Builder builder, MatchField field, Masked value) {
        if (field.isWide()) {
            builder.masked(field.field(), value.high(), value.low(), value.maskHigh(), value.maskLow());
            return;
        }
        long mask = value.maskLow() << field.offsetBits();
        long implied = mask == 0 ? 0 : field.impliedBits();
        long low = value.low() << field.offsetBits() | implied;
        long merged = builder.value(field.field()) & ~(mask | implied) | low & (mask | implied);
        builder.masked(field.field(), merged, builder.mask(field.field()) | mask | implied);
    }

    // ---- writing ----

    /** {@code struct ofp_match} of OpenFlow 1.1 and later with its padding. */
    public static void write(ByteBuf out, Match match, WireVersion version) {
        if (version.isOxm()) {
            writeOxm(out, match, version);
        } else {
            Match11.write(out, match);
        }
    }

    /** The same as a list of fields, which Open vSwitch has under 1.1 too where it says what flows there are. */
    static void writeOxm(ByteBuf out, Match match, WireVersion version) {
        int start = out.writerIndex();
        out.writeShort(OXM_MATCH).writeShort(0);
        writeFields(out, match, version);
        out.setShort(start + 2, out.writerIndex() - start);
        Wire.pad(out, start);
    }

    /** The fields only; the caller pads and says the length. */
    public static void writeFields(ByteBuf out, Match match, WireVersion version) {
        for (MatchField field : MatchField.asSent()) {
            if (field.isSent(version.hasInstructions()) && matchesOn(match, field) && isName(field, match, version)) {
                writeMasked(out, field, fromMatch(field, match), version);
            }
        }
    }

    private static boolean matchesOn(Match match, MatchField field) {
        // That packets are Ethernet's goes without saying.
        boolean said = field.field() != Field.PACKET_TYPE || match.value(Field.PACKET_TYPE) != 0;
        return said && ((match.mask(field.field()) & field.matchMask()) != 0 || match.maskHigh(field.field()) != 0);
    }

    /** Of several names for the same bits of the key, the one whose prerequisites the match meets. */
    private static boolean isName(MatchField field, Match match, WireVersion version) {
        // As Open vSwitch: beside any VLAN id, whether the match says that there is a tag or not.
        if (field == VLAN_PCP) {
            return (match.value(Field.VLAN_TCI) & (FieldValues.VLAN_PRESENT | FieldValues.VLAN_VID_MASK)) != 0;
        }
        boolean alone = MatchField.of(field.field()).stream()
                .noneMatch(other -> other != field && other.isSent(version.hasInstructions()) && other.overlaps(field));
        return alone || field.prerequisite().isMet(match::value, match::mask);
    }

    /** What cannot be masked by itself is whole, though the key's field around it is masked. */
    private static Masked fromMatch(MatchField field, Match match) {
        Field key = field.field();
        long value = (match.value(key) & field.matchMask()) >>> field.offsetBits();
        long mask = (match.mask(key) & field.matchMask()) >>> field.offsetBits();
        boolean whole = !field.maskable() && (field.isPart() || field.style() == MatchField.Style.PORT);
        return new Masked(match.valueHigh(key), value, match.maskHigh(key), whole ? field.lowMask() : mask);
    }

    /** One TLV with a mask unless that is whole. */
    static void writeMasked(ByteBuf out, MatchField field, Masked value, WireVersion version) {
        boolean whole = value.maskLow() == field.lowMask()
                && value.maskHigh() == field.field().highMask();
        writeHeader(out, field, !whole, version);
        writeNumber(out, field, value.high(), value.low());
        if (!whole) {
            writeNumber(out, field, value.maskHigh(), value.maskLow());
        }
    }

    static void writeNumber(ByteBuf out, MatchField field, long high, long low) {
        if (field.wireBytes() == 16) {
            out.writeLong(high);
        }
        for (int shift = Math.min(field.wireBytes(), 8) * 8 - 8; shift >= 0; shift -= 8) {
            out.writeByte((int) (low >>> shift));
        }
    }

    /** The four (or, for an experimenter field, eight) bytes before the value. */
    static void writeHeader(ByteBuf out, MatchField field, boolean masked, WireVersion version) {
        int payload = masked ? 2 * field.wireBytes() : field.wireBytes();
        if (field.isNiciraExperimenter()) {
            out.writeInt(field.oxm() << 9 | (masked ? 1 << 8 : 0) | payload + 4);
            out.writeInt(field.hasOlderVendor() ? Wire.NICIRA : Wire.NICIRA_OXM);
            return;
        }
        if (field.isExperimenter13() && (version == WireVersion.OF13 || version == WireVersion.OF14)) {
            out.writeInt(Wire.EXPERIMENTER << 16 | (field.oxm() & 0x7f) << 9 | (masked ? 1 << 8 : 0) | payload + 4);
            out.writeInt(Wire.ONF);
            return;
        }
        boolean oxm = field.oxm() >= 0
                && (version.isOxm() && !(field.isExperimenter13() && version == WireVersion.OF12) || field.nxm() < 0);
        out.writeInt((oxm ? field.oxm() : field.nxm()) << 9 | (masked ? 1 << 8 : 0) | payload);
    }
}
